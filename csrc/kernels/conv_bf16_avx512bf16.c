/* conv.h in bfloat16 with AVX512_BF16.
 *
 * The float32 kernel's tile (conv_tile_avx512.h), with a pair of channels where that
 * has one: each dot-product instruction does two multiply-adds a lane.
 */
#define ITEM uint16_t
#include "conv_tile_avx512.h"

#include "bf16_avx512bf16.h"
#include "u8_avx512.h"

INLINE __m512 load_items(const uint16_t *src) { return bf16_load(src); }

INLINE void store_items(const sc_conv *conv, int64_t at, int64_t left, __m512 values)
{
    if (conv->dst_u8) {
        u8_store_lanes((uint8_t *)conv->dst + at, vec_lanes(left), values);
    } else {
        bf16_store_result(conv->dst, conv->dst_f32, at, vec_lanes(left), values);
    }
}

INLINE void accumulate(accumulators acc, const int pixels, const int vecs,
                       const sc_phase *phase, int64_t origin, int64_t block)
{
    const int64_t step = phase->src_step, pairs = (phase->kc + 1) / 2;
    const int64_t stride = phase->wei_block,
                  tap = sc_round_up(phase->kc, 32) * SC_LANES;
    const uint16_t *wei_block = (const uint16_t *)phase->wei + block * stride;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const uint16_t *wei = wei_block + t * tap;
        const uint16_t *low = (const uint16_t *)phase->src + origin + phase->taps[t];
        const uint16_t *high = low + 4 * step;
        for (int64_t k = 0; k < pairs; k++) {
            __m512bh w[BLOCKS];
            UNROLL for (int j = 0; j < vecs; j++)
            {
                w[j] = (__m512bh)_mm512_loadu_si512(wei + j * stride);
            }
            UNROLL for (int m = 0; m < pixels; m++)
            {
                const uint16_t *pixel = m < 4 ? low + m * step : high + (m - 4) * step;
                const __m512bh a = bf16_pair(pixel);
                UNROLL for (int j = 0; j < vecs; j++)
                {
                    acc[m][j] = _mm512_dpbf16_ps(acc[m][j], a, w[j]);
                }
            }
            low += 2;
            high += 2;
            wei += 2 * SC_LANES;
        }
    }
}

void sc_conv_bf16_avx512(const sc_conv *conv, int64_t row0, int64_t row1,
                         int64_t block0, int64_t block1)
{
    run_blocks(conv, row0, row1, block0, block1);
}
