/* Aligned memory, in huge pages where it is large. */
#define _GNU_SOURCE /* madvise */
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

/* A block and, just before it, the address that free() wants.  'zeroed' leaves it to
 * calloc, which knows that fresh pages are zero: gigabytes of workspace then cost
 * nothing until the threads that use them touch them. */
static void *allocate(size_t nbytes, bool zeroed)
{
    const size_t align = nbytes >= HUGE_PAGE ? HUGE_PAGE : SC_ALIGN;
    if (nbytes > SIZE_MAX - 2 * align - sizeof(void *)) return NULL;
    nbytes = (nbytes + align - 1) / align * align;
    const size_t total = nbytes + align + sizeof(void *);
    char *raw = zeroed ? calloc(1, total) : malloc(total);
    if (raw == NULL) return NULL;
    const uintptr_t first = (uintptr_t)raw + sizeof(void *);
    char *block = raw + sizeof(void *) + (align - first % align) % align;
    memcpy(block - sizeof(void *), &raw, sizeof raw);
    /* A plan walks tens of megabytes an image: with 4 KiB pages the TLB misses cost
     * more than a tenth of the run.  Only advice; failure changes nothing. */
    if (align == HUGE_PAGE) (void)madvise(block, nbytes, MADV_HUGEPAGE);
    return block;
}

void *sc_alloc(size_t nbytes) { return allocate(nbytes, false); }

void *sc_calloc(size_t nbytes) { return allocate(nbytes, true); }

void sc_free(void *block)
{
    if (block == NULL) return;
    void *raw;
    memcpy(&raw, (char *)block - sizeof(void *), sizeof raw);
    free(raw);
}

bool sc_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool sc_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

bool sc_product(const int64_t *extents, int n, size_t item_nbytes, size_t *out_nbytes)
{
    size_t total = item_nbytes;
    for (int i = 0; i < n; i++) {
        if (extents[i] < 0 || !sc_mul(total, (size_t)extents[i], &total)) return false;
    }
    *out_nbytes = total;
    return true;
}
