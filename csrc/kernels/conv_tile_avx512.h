/* Shared by the AVX-512 kernels of conv.h: tiles of 8 pixels x up to 3 blocks, whose
 * sums are 24 of the 32 registers, and the walk over a layer's rows and blocks.
 *
 * Blocks are the outer loop: the weights of 3 blocks then serve all the rows of the
 * call, and the rows, which a plan cuts so that they fit, come from L2 each time.
 *
 * The including file defines what conv_tile_impl.h needs, or INTEGERS and what
 * conv_u8_impl.h needs.
 *
 * What comes before and after the products ('begin' and 'finish') is the same for AVX2
 * and AVX-512 and stands once, in conv_tile_impl.h.  The loops of 'accumulate' look alike
 * but differ in everything that decides their speed: the products of an instruction (one,
 * two or four channels), hence their steps, and how often they are unrolled.
 */
#ifndef SC_KERNELS_CONV_TILE_AVX512_H
#define SC_KERNELS_CONV_TILE_AVX512_H

#include "vec_avx512.h"

enum { PIXELS = 8, BLOCKS = 3 };

#ifdef INTEGERS
#include "conv_u8_impl.h"
#else
#include "conv_tile_impl.h"
#endif

/* A vector is a block. */
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
