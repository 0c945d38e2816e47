/* conv.h in float32 with AVX2 and FMA.
 *
 * Two steps of k at a time: with the loop's own work the front end would be the limit,
 * more so where two threads share it.
 */
#define ITEM float
#include "conv_tile_avx2.h"

INLINE __m256 load_items(const float *src) { return _mm256_loadu_ps(src); }

INLINE void accumulate(accumulators acc, const int pixels, const int vecs,
                       const sc_phase *phase, int64_t origin, int64_t block)
{
    const int64_t step = phase->src_step, kc = phase->kc;
    const float *wei = (const float *)phase->wei + block * phase->wei_block;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const float *low = (const float *)phase->src + origin + phase->taps[t];
        const float *high = low + 3 * step;
        _Pragma("GCC unroll 2") for (int64_t k = 0; k < kc; k++)
        {
            const __m256 w0 = _mm256_loadu_ps(wei);
            const __m256 w1 = vecs == 2 ? _mm256_loadu_ps(wei + VEC_LANES) : w0;
            UNROLL for (int m = 0; m < pixels; m++)
            {
                const float *pixel = m < 3 ? low + m * step : high + (m - 3) * step;
                const __m256 a = _mm256_broadcast_ss(pixel);
                acc[m][0] = _mm256_fmadd_ps(a, w0, acc[m][0]);
                if (vecs == 2) acc[m][1] = _mm256_fmadd_ps(a, w1, acc[m][1]);
            }
            low++;
            high++;
            wei += SC_LANES;
        }
    }
}

void sc_conv_f32_avx2(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                      int64_t block1)
{
    run_blocks(conv, row0, row1, block0, block1);
}
