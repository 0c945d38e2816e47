/* Shared by the AVX2 kernels of conv.h: tiles of 6 (or 4) pixels x one block of 16
 * channels, and the walk over a layer's rows and blocks.
 *
 * 12 accumulators, 2 weights and a broadcast fill 15 of the 16 registers; a step of k
 * costs 8 loads against 12 products.  Rows end in tiles of 4, so that the 8- and 16-pixel
 * rows of the deepest maps waste little.  The loop over blocks is outermost: the weights of
 * one block, a few KiB, stay in L1 for all rows.  A last block of at most 8 channels is one
 * vector of 8 pixels: MultiResUNet's layers have 8, 17, 35, 53, 71, 213.
 *
 * The including file defines what conv_tile_impl.h needs, or INTEGERS and what
 * conv_u8_impl.h needs, but store_items, which is here.
 */
#ifndef SC_KERNELS_CONV_TILE_AVX2_H
#define SC_KERNELS_CONV_TILE_AVX2_H

#include "u8_avx2.h"
#include "vec_avx2.h"

enum { PIXELS = 8, BLOCKS = 1, USUAL = 6, SHORT = 4 };

#ifdef INTEGERS
#include "conv_u8_impl.h"
#else
#include "conv_tile_impl.h"
#endif

/* Bytes or float32. */
INLINE void store_items(const sc_conv *conv, int64_t at, int64_t left, __m256 values)
{
    if (conv->dst_u8) {
        u8_store_left((uint8_t *)conv->dst + at, left, values);
    } else {
        vec_store_lanes((float *)conv->dst + at, left, values);
    }
}

#ifdef INTEGERS
INLINE void store_pixel(const sc_conv *conv, int64_t at, int64_t left,
                        const __m256 *values, const int vecs)
{
    if (conv->dst_u8 && vecs == 2 && left >= SC_LANES) {
        u8_store_pair((uint8_t *)conv->dst + at, values[0], values[1]);
        return;
    }
    for (int j = 0; j < vecs; j++) {
        store_items(conv, at + j * VEC_LANES, left - j * VEC_LANES, values[j]);
    }
}
#endif

static void half_strip(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block)
{
    for (int64_t y = row0; y < row1; y++) {
        for (int64_t x = 0; x < conv->columns; x += PIXELS) {
            tile(PIXELS, 1, conv, y, x, sc_min(conv->columns - x, PIXELS), block);
        }
    }
}

static void strip(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block)
{
    for (int64_t y = row0; y < row1; y++) {
        for (int64_t x = 0; x < conv->columns;) {
            const int64_t left = conv->columns - x;
            const bool short_tile = left <= SHORT || left == 2 * SHORT;
            if (short_tile) {
                tile(SHORT, VECS, conv, y, x, sc_min(left, SHORT), block);
            } else {
                tile(USUAL, VECS, conv, y, x, sc_min(left, USUAL), block);
            }
            x += short_tile ? SHORT : USUAL;
        }
    }
}

static void run_blocks(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                       int64_t block1)
{
    for (int64_t block = block0; block < block1; block++) {
        const bool half = conv->channels - block * SC_LANES <= VEC_LANES;
        (half ? half_strip : strip)(conv, row0, row1, block);
    }
}

#endif
