/* Shared by the AVX-512 kernels of conv.h: tiles of 8 pixels x up to 3 blocks, whose
 * sums are 24 of the 32 registers, and the walk over a layer's rows and blocks.
 *
 * Blocks are the outer loop: the weights of 3 blocks then serve all the rows of the
 * call, and the rows, which a plan cuts so that they fit, come from L2 each time.
 *
 * The including file defines ITEM before it, and after it what conv_tile_impl.h needs;
 * or OWN_TILE, and after it 'tile'.
 */
#ifndef SC_KERNELS_CONV_TILE_AVX512_H
#define SC_KERNELS_CONV_TILE_AVX512_H

#include "vec_avx512.h"

enum { PIXELS = 8, BLOCKS = 3 };

#ifdef OWN_TILE
#include "conv.h"
#include "unroll.h"

#include "../base/memory.h"

INLINE void tile(const int pixels, const int blocks, const sc_conv *conv, int64_t y,
                 int64_t x, int64_t valid, int64_t block);
#else
#include "conv_tile_impl.h"
#endif

#define STRIP(n)                                                                       \
    static void strip_##n(const sc_conv *conv, int64_t row0, int64_t row1,             \
                          int64_t block)                                               \
    {                                                                                  \
        for (int64_t y = row0; y < row1; y++) {                                        \
            for (int64_t x = 0; x < conv->columns; x += PIXELS) {                      \
                const int64_t valid = sc_min(conv->columns - x, PIXELS);               \
                tile(PIXELS, n, conv, y, x, valid, block);                             \
            }                                                                          \
        }                                                                              \
    }
STRIP(1)
STRIP(2)
STRIP(3)

static void run_blocks(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                       int64_t block1)
{
    for (int64_t block = block0; block < block1;) {
        /* 4 blocks are better done as 2 + 2 than as 3 + 1. */
        const int64_t left = block1 - block;
        const int64_t n = left == 4 ? 2 : sc_min(left, BLOCKS);
        if (n == 3) strip_3(conv, row0, row1, block);
        if (n == 2) strip_2(conv, row0, row1, block);
        if (n == 1) strip_1(conv, row0, row1, block);
        block += n;
    }
}

#endif
