#define _GNU_SOURCE /* madvise */
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *sc_alloc(size_t nbytes)
{
    const size_t align = nbytes >= HUGE_PAGE ? HUGE_PAGE : SC_ALIGN;
    if (nbytes > SIZE_MAX - align) return NULL;
    nbytes = (nbytes + align - 1) / align * align;
    if (nbytes == 0) nbytes = align;
    void *block = NULL;
    if (posix_memalign(&block, align, nbytes) != 0) return NULL;
    /* A plan walks tens of megabytes an image: with 4 KiB pages the TLB misses cost
     * more than a tenth of the run.  Only advice; failure changes nothing. */
    if (align == HUGE_PAGE) (void)madvise(block, nbytes, MADV_HUGEPAGE);
    return block;
}

void *sc_calloc(size_t nbytes)
{
    void *block = sc_alloc(nbytes);
    if (block != NULL) memset(block, 0, nbytes);
    return block;
}

void sc_free(void *block) { free(block); }

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
