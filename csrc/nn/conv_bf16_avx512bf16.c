/* conv.h in bfloat16 with AVX512_BF16: 8 pixels x up to 3 blocks of 16 channels.
 *
 * The float32 kernel's tile (conv_f32_avx512.c), with a pair of channels where that
 * has one: each dot-product instruction does two multiply-adds a lane.
 */
#include "conv.h"

#include "../base/memory.h"

#include <immintrin.h>
#include <string.h>

enum { PIXELS = 8, BLOCKS = 3 };

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

typedef __m512 accumulators[PIXELS][BLOCKS];

INLINE __m512 from_bf16(const uint16_t *src)
{
    const __m256i half = _mm256_loadu_si256((const __m256i *)src);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* Two neighbouring channels of one pixel in every lane; they need not be aligned. */
INLINE __m512bh broadcast_pair(const uint16_t *src)
{
    int pair;
    memcpy(&pair, src, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

/* acc += the sum of one phase; 'origin' is the tile's first pixel's element offset. */
INLINE void accumulate(accumulators acc, const int n, const sc_phase *phase, int64_t origin,
                       int64_t block)
{
    const int64_t step = phase->src_step, pairs = (phase->kc + 1) / 2;
    const int64_t stride = phase->wei_block, tap = sc_round_up(phase->kc, 32) * SC_LANES;
    const uint16_t *wei_block = (const uint16_t *)phase->wei + block * stride;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const uint16_t *wei = wei_block + t * tap;
        const uint16_t *low = (const uint16_t *)phase->src + origin + phase->taps[t];
        const uint16_t *high = low + 4 * step;
        for (int64_t k = 0; k < pairs; k++) {
            __m512bh w[BLOCKS];
            UNROLL for (int j = 0; j < n; j++) {
                w[j] = (__m512bh)_mm512_loadu_si512(wei + j * stride);
            }
            UNROLL for (int m = 0; m < PIXELS; m++) {
                const uint16_t *pixel = m < 4 ? low + m * step : high + (m - 4) * step;
                const __m512bh a = broadcast_pair(pixel);
                UNROLL for (int j = 0; j < n; j++) {
                    acc[m][j] = _mm512_dpbf16_ps(acc[m][j], a, w[j]);
                }
            }
            low += 2;
            high += 2;
            wei += 2 * SC_LANES;
        }
    }
}

INLINE void begin(accumulators acc, const int n, const sc_conv *conv, int64_t y, int64_t x,
                  int64_t valid, int64_t block)
{
    UNROLL for (int m = 0; m < PIXELS; m++) {
        UNROLL for (int j = 0; j < n; j++) acc[m][j] = _mm512_setzero_ps();
    }
    if (conv->add == NULL) return;
    const uint16_t *add = (const uint16_t *)conv->add + y * conv->add_row + x * conv->add_step;
    UNROLL for (int j = 0; j < n; j++) {
        const int64_t c = (block + j) * SC_LANES;
        const __m512 scale = conv->add_scale == NULL ? _mm512_set1_ps(1.0f)
                                                     : _mm512_loadu_ps(conv->add_scale + c);
        UNROLL for (int m = 0; m < PIXELS; m++) {
            if (m >= valid) continue;
            const __m512 v = from_bf16(add + m * conv->add_step + c);
            acc[m][j] = _mm512_mul_ps(scale, v);
        }
    }
}

INLINE void add_relu(accumulators acc, const int n, const float *bias)
{
    UNROLL for (int j = 0; j < n; j++) {
        const __m512 b = _mm512_loadu_ps(bias + j * SC_LANES);
        UNROLL for (int m = 0; m < PIXELS; m++) {
            acc[m][j] = _mm512_max_ps(_mm512_add_ps(acc[m][j], b), _mm512_setzero_ps());
        }
    }
}

INLINE void finish(accumulators acc, const int n, const sc_conv *conv, int64_t y, int64_t x,
                   int64_t valid, int64_t block)
{
    const int64_t offset = y * conv->dst_row + x * conv->dst_step;
    UNROLL for (int j = 0; j < n; j++) {
        const int64_t c = (block + j) * SC_LANES, left = conv->channels - c;
        const __mmask16 mask =
            left >= SC_LANES ? 0xffff : (__mmask16)((1u << (left > 0 ? left : 0)) - 1u);
        const __m512 bias = _mm512_loadu_ps(conv->bias + c);
        const bool post = conv->post_scale != NULL;
        const __m512 scale = post ? _mm512_loadu_ps(conv->post_scale + c) : bias;
        const __m512 shift = post ? _mm512_loadu_ps(conv->post_shift + c) : bias;
        UNROLL for (int m = 0; m < PIXELS; m++) {
            if (m >= valid) continue;
            __m512 v = _mm512_add_ps(acc[m][j], bias);
            if (conv->relu) v = _mm512_max_ps(v, _mm512_setzero_ps());
            if (post) v = _mm512_fmadd_ps(v, scale, shift);
            const int64_t at = offset + m * conv->dst_step + c;
            if (conv->dst_f32) {
                _mm512_mask_storeu_ps((float *)conv->dst + at, mask, v);
            } else {
                const __m256i half = (__m256i)_mm512_cvtneps_pbh(v);
                _mm256_mask_storeu_epi16((uint16_t *)conv->dst + at, mask, half);
            }
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

#define STRIP(n)                                                                           \
    static void strip_##n(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block)  \
    {                                                                                      \
        for (int64_t y = row0; y < row1; y++) {                                            \
            for (int64_t x = 0; x < conv->columns; x += PIXELS) {                          \
                tile(n, conv, y, x, sc_min(conv->columns - x, PIXELS), block);             \
            }                                                                              \
        }                                                                                  \
    }
STRIP(1)
STRIP(2)
STRIP(3)

void sc_conv_bf16_avx512(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
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
