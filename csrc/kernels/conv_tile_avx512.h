/* The tile that the two AVX-512 kernels of conv.h share: 8 pixels x up to 3 blocks of
 * 16 channels of float32 sums in 24 registers, and all that happens to them before and
 * after the products.
 *
 * The including file defines ITEM, the activations' type, before it includes this, and
 * the three functions declared first after it.
 */
#ifndef SC_KERNELS_CONV_TILE_AVX512_H
#define SC_KERNELS_CONV_TILE_AVX512_H

#include "conv.h"
#include "vec_avx512.h"

#include "../base/memory.h"

enum { PIXELS = 8, BLOCKS = 3 };

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

typedef __m512 accumulators[PIXELS][BLOCKS];

/* acc += the sum of one phase; 'origin' is the tile's first pixel's element offset. */
INLINE void accumulate(accumulators acc, const int n, const sc_phase *phase,
                       int64_t origin, int64_t block);

/* 16 items as float32. */
INLINE __m512 load_items(const ITEM *src);

/* The lanes in 'mask' to element 'at' of the destination. */
INLINE void store_items(const sc_conv *conv, int64_t at, __mmask16 mask, __m512 values);

INLINE void begin(accumulators acc, const int n, const sc_conv *conv, int64_t y,
                  int64_t x, int64_t valid, int64_t block)
{
    UNROLL for (int m = 0; m < PIXELS; m++)
    {
        UNROLL for (int j = 0; j < n; j++) acc[m][j] = _mm512_setzero_ps();
    }
    if (conv->add == NULL) return;
    const ITEM *add = (const ITEM *)conv->add + y * conv->add_row + x * conv->add_step;
    UNROLL for (int j = 0; j < n; j++)
    {
        const int64_t c = (block + j) * SC_LANES;
        const __m512 scale = conv->add_scale == NULL
                                 ? _mm512_set1_ps(1.0f)
                                 : _mm512_loadu_ps(conv->add_scale + c);
        UNROLL for (int m = 0; m < PIXELS; m++)
        {
            if (m >= valid) continue;
            const __m512 v = load_items(add + m * conv->add_step + c);
            acc[m][j] = _mm512_mul_ps(scale, v);
        }
    }
}

INLINE void add_relu(accumulators acc, const int n, const float *bias)
{
    UNROLL for (int j = 0; j < n; j++)
    {
        const __m512 b = _mm512_loadu_ps(bias + j * SC_LANES);
        UNROLL for (int m = 0; m < PIXELS; m++)
        {
            acc[m][j] = _mm512_max_ps(_mm512_add_ps(acc[m][j], b), _mm512_setzero_ps());
        }
    }
}

INLINE void finish(accumulators acc, const int n, const sc_conv *conv, int64_t y,
                   int64_t x, int64_t valid, int64_t block)
{
    const int64_t offset = y * conv->dst_row + x * conv->dst_step;
    UNROLL for (int j = 0; j < n; j++)
    {
        const int64_t c = (block + j) * SC_LANES;
        const __mmask16 mask = vec_lanes(conv->channels - c);
        const __m512 bias = _mm512_loadu_ps(conv->bias + c);
        const bool post = conv->post_scale != NULL;
        const __m512 scale = post ? _mm512_loadu_ps(conv->post_scale + c) : bias;
        const __m512 shift = post ? _mm512_loadu_ps(conv->post_shift + c) : bias;
        UNROLL for (int m = 0; m < PIXELS; m++)
        {
            if (m >= valid) continue;
            __m512 v = _mm512_add_ps(acc[m][j], bias);
            if (conv->relu) v = _mm512_max_ps(v, _mm512_setzero_ps());
            if (post) v = _mm512_fmadd_ps(v, scale, shift);
            store_items(conv, offset + m * conv->dst_step + c, mask, v);
        }
    }
}

/* Pixels x .. x + 7 of row y, of which 'valid' are stored, and n blocks. */
INLINE void tile(const int n, const sc_conv *conv, int64_t y, int64_t x, int64_t valid,
                 int64_t block)
{
    accumulators acc;
    begin(acc, n, conv, y, x, valid, block);
    for (int i = 0; i < conv->n_phases; i++) {
        const sc_phase *phase = &conv->phase[i];
        accumulate(acc, n, phase, y * phase->src_row + x * phase->src_step, block);
        if (i == 0 && conv->n_phases == 2) {
            add_relu(acc, n, conv->mid_bias + block * SC_LANES);
        }
    }
    finish(acc, n, conv, y, x, valid, block);
}

#define STRIP(n)                                                                       \
    static void strip_##n(const sc_conv *conv, int64_t row0, int64_t row1,             \
                          int64_t block)                                               \
    {                                                                                  \
        for (int64_t y = row0; y < row1; y++) {                                        \
            for (int64_t x = 0; x < conv->columns; x += PIXELS) {                      \
                tile(n, conv, y, x, sc_min(conv->columns - x, PIXELS), block);         \
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
