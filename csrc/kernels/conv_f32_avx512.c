/* conv.h in float32 with AVX-512.
 *
 * 24 accumulators, 3 weights and a broadcast fill the 32 registers.  A step of k costs
 * 11 loads against 24 products, so the loads hide behind the two FMA ports and the
 * weights may stream from L2; no blocking for L1 is needed.
 */
#define ITEM float
#include "conv_tile_avx512.h"

#include "u8_avx512.h"

INLINE __m512 load_items(const float *src) { return _mm512_loadu_ps(src); }

INLINE void store_items(const sc_conv *conv, int64_t at, int64_t left, __m512 values)
{
    if (conv->dst_u8) {
        u8_store_lanes((uint8_t *)conv->dst + at, vec_lanes(left), values);
    } else {
        vec_store_lanes((float *)conv->dst + at, left, values);
    }
}

INLINE void accumulate(accumulators acc, const int pixels, const int vecs,
                       const sc_phase *phase, int64_t origin, int64_t block)
{
    const int64_t step = phase->src_step, kc = phase->kc, stride = phase->wei_block;
    const float *wei = (const float *)phase->wei + block * stride;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const float *low = (const float *)phase->src + origin + phase->taps[t];
        const float *high = low + 4 * step;
        for (int64_t k = 0; k < kc; k++) {
            __m512 w[BLOCKS];
            UNROLL for (int j = 0; j < vecs; j++)
                w[j] = _mm512_loadu_ps(wei + j * stride);
            UNROLL for (int m = 0; m < pixels; m++)
            {
                const float *pixel = m < 4 ? low + m * step : high + (m - 4) * step;
                const __m512 a = _mm512_set1_ps(*pixel);
                UNROLL for (int j = 0; j < vecs; j++)
                {
                    acc[m][j] = _mm512_fmadd_ps(a, w[j], acc[m][j]);
                }
            }
            low++;
            high++;
            wei += SC_LANES;
        }
    }
}

void sc_conv_f32_avx512(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                        int64_t block1)
{
    run_blocks(conv, row0, row1, block0, block1);
}
