/* Blocks aligned for vectors and pages, and products of extents that cannot wrap. */
#ifndef SC_BASE_MEMORY_H
#define SC_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SC_ALIGN = 64 }; /* bytes: one cache line, one AVX-512 register */

/* 'nbytes' of memory at an address that is a multiple of SC_ALIGN (of 2 MiB from
 * 2 MiB on, so that the kernel can back it with huge pages); NULL if there is none.
 * Contents are undefined.  Free with sc_free. */
void *sc_alloc(size_t nbytes);
void *sc_calloc(size_t nbytes); /* the same, zeroed */

/* The same as sc_alloc for a block that stays as long as a network.  Such blocks lie side by
 * side in large pieces with huge pages: in a virtual machine, touching new memory costs 4 us
 * for each 4 KiB, four times as much as in huge pages. */
void *sc_alloc_kept(size_t nbytes);

void sc_free(void *block); /* NULL is fine */

/* Zeroed memory in pages of its own, huge ones where it is large; NULL if there is none.
 * sc_unmap_pages, with the same size, returns them to the system at once. sc_free need not: malloc
 * serves a block from its heap where that has a hole of the size, and keeps the hole. */
void *sc_map_pages(size_t nbytes);
void sc_unmap_pages(void *block, size_t nbytes); /* NULL is fine */

/* a * b or a + b, or false where size_t cannot hold it. */
bool sc_mul(size_t a, size_t b, size_t *out);
bool sc_add(size_t a, size_t b, size_t *out);

/* The product of n extents times 'item_nbytes', or false where an extent is
 * negative or the product does not fit into size_t. */
bool sc_product(const int64_t *extents, int n, size_t item_nbytes, size_t *out_nbytes);

static inline int64_t sc_round_up(int64_t value, int64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static inline int64_t sc_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t sc_max(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
