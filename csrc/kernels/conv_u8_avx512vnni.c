/* conv.h in integers of eight bits with AVX512_VNNI: dot products of four.
 *
 * The tile of the other AVX-512 kernels, but its sums are int32 until the last product:
 * a second phase's begin in the same registers, while the first's wait in memory.
 */
#define OWN_TILE
#include "conv_tile_avx512.h"

#include "u8_avx512.h"

#include <string.h>

typedef __m512i sums[PIXELS][BLOCKS];

INLINE void accumulate(sums acc, const int pixels, const int blocks,
                       const sc_phase *phase, int64_t origin, int64_t block)
{
    const int64_t step = phase->src_step, quads = (phase->kc + 3) / 4;
    const int64_t stride = phase->wei_block,
                  tap = sc_round_up(phase->kc, 64) * SC_LANES;
    const int8_t *wei_block = (const int8_t *)phase->wei + block * stride;
    UNROLL for (int m = 0; m < pixels; m++)
    {
        UNROLL for (int j = 0; j < blocks; j++) acc[m][j] = _mm512_setzero_si512();
    }
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const int8_t *wei = wei_block + t * tap;
        const uint8_t *low = (const uint8_t *)phase->src + origin + phase->taps[t];
        const uint8_t *high = low + 4 * step;
        for (int64_t k = 0; k < quads; k++) {
            __m512i w[BLOCKS];
            UNROLL for (int j = 0; j < blocks; j++)
                w[j] = _mm512_loadu_si512(wei + j * stride);
            UNROLL for (int m = 0; m < pixels; m++)
            {
                int four; /* values of a pixel, at any address */
                memcpy(&four, m < 4 ? low + m * step : high + (m - 4) * step,
                       sizeof four);
                const __m512i a = _mm512_set1_epi32(four);
                UNROLL for (int j = 0; j < blocks; j++)
                {
                    acc[m][j] = _mm512_dpbusd_epi32(acc[m][j], a, w[j]);
                }
            }
            low += 4;
            high += 4;
            wei += 4 * SC_LANES;
        }
    }
}

/* The upper half of each float, rounded to nearest even; none infinite or NaN (conv.h).
 * Without AVX512_BF16, which not every CPU with VNNI has. */
INLINE void store_bf16(uint16_t *dst, __mmask16 mask, __m512 v)
{
    const __m512 largest = _mm512_castsi512_ps(_mm512_set1_epi32(0x7f7f0000));
    const __m512i bits = _mm512_castps_si512(_mm512_range_ps(v, largest, 2));
    const __m512i odd =
        _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
    _mm256_mask_storeu_epi16(
        dst, mask,
        _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_add_epi32(bits, half), 16)));
}

INLINE void store(const sc_conv *conv, int64_t at, __mmask16 mask, __m512 v)
{
    if (conv->dst_u8) {
        u8_store_lanes((uint8_t *)conv->dst + at, mask, v);
    } else if (conv->dst_f32) {
        _mm512_mask_storeu_ps((float *)conv->dst + at, mask, v);
    } else {
        store_bf16((uint16_t *)conv->dst + at, mask, v);
    }
}

INLINE __m512 scaled(__m512i sum, const sc_conv *conv, int i, int64_t c)
{
    const float *bias = i + 1 < conv->n_phases ? conv->mid_bias : conv->bias;
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), VEC_LOAD(conv->sum_scale[i] + c),
                           VEC_LOAD(bias + c));
}

/* The first phase's sums, and 'add', which belongs to them, of one vector. */
INLINE __m512 first_sum(__m512i sum, const sc_conv *conv, const uint8_t *add, int64_t c)
{
    const __m512 v = scaled(sum, conv, 0, c);
    if (add == NULL) return v;
    const __m512 factor = conv->add_scale == NULL ? VEC_SET1(1.0f)
                                                  : VEC_LOAD(conv->add_scale + c);
    return _mm512_fmadd_ps(factor, u8_load(add + c), v);
}

INLINE void tile(const int pixels, const int blocks, const sc_conv *conv, int64_t y,
                 int64_t x, int64_t valid, int64_t block)
{
    const bool two = conv->n_phases == 2;
    const __m512 floor = VEC_SET1(conv->relu ? 0.0f : -__builtin_inff());
    sums acc, before;
    for (int i = 0; i < conv->n_phases; i++) {
        const sc_phase *phase = &conv->phase[i];
        if (i == 1) memcpy(before, acc, sizeof acc);
        accumulate(acc, pixels, blocks, phase, y * phase->src_row + x * phase->src_step,
                   block);
    }
    for (int m = 0; m < pixels && m < valid; m++) {
        const uint8_t *add = conv->add == NULL
                                 ? NULL
                                 : (const uint8_t *)conv->add + y * conv->add_row +
                                       (x + m) * conv->add_step;
        const int64_t dst = y * conv->dst_row + (x + m) * conv->dst_step;
        for (int j = 0; j < blocks; j++) {
            const int64_t c = (block + j) * SC_LANES;
            __m512 v = first_sum(two ? before[m][j] : acc[m][j], conv, add, c);
            if (two)
                v = VEC_ADD(VEC_MAX(v, VEC_SET1(0.0f)), scaled(acc[m][j], conv, 1, c));
            v = VEC_MAX(v, floor);
            if (conv->post_scale != NULL) {
                v = VEC_FMADD(v, VEC_LOAD(conv->post_scale + c),
                              VEC_LOAD(conv->post_shift + c));
            }
            store(conv, dst + c, vec_lanes(conv->channels - c), v);
        }
    }
}

void sc_conv_u8_avx512(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                       int64_t block1)
{
    run_blocks(conv, row0, row1, block0, block1);
}
