/* conv.h in float32 with AVX2 and FMA: 6 (or 4) pixels x one block of 16 channels.
 *
 * 12 accumulators, 2 weights and a broadcast fill 15 of the 16 registers; a step of k
 * costs 8 loads against 12 products.  Two steps at a time: with the loop's own work the
 * front end would be the limit, more so where two threads share it.  Rows end in tiles of
 * 4, so that the 8- and 16-pixel rows of the deepest maps waste little.  The loop over
 * blocks is outermost: the weights of one block, a few KiB, stay in L1 for all rows.
 */
#define ITEM float
#include "vec_avx2.h"

enum { PIXELS = 6, BLOCKS = 1, SHORT = 4 };

#include "conv_tile_impl.h"

INLINE __m256 load_items(const float *src) { return _mm256_loadu_ps(src); }

INLINE void store_items(const sc_conv *conv, int64_t at, int64_t left, __m256 values)
{
    vec_store_lanes((float *)conv->dst + at, left, values);
}

INLINE void accumulate(accumulators acc, const int pixels, const int blocks,
                       const sc_phase *phase, int64_t origin, int64_t block)
{
    (void)blocks; /* one */
    const int64_t step = phase->src_step, kc = phase->kc;
    const float *wei = (const float *)phase->wei + block * phase->wei_block;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const float *low = (const float *)phase->src + origin + phase->taps[t];
        const float *high = low + 3 * step;
        _Pragma("GCC unroll 2") for (int64_t k = 0; k < kc; k++)
        {
            const __m256 w0 = _mm256_loadu_ps(wei),
                         w1 = _mm256_loadu_ps(wei + VEC_LANES);
            UNROLL for (int m = 0; m < pixels; m++)
            {
                const float *pixel = m < 3 ? low + m * step : high + (m - 3) * step;
                const __m256 a = _mm256_broadcast_ss(pixel);
                acc[m][0] = _mm256_fmadd_ps(a, w0, acc[m][0]);
                acc[m][1] = _mm256_fmadd_ps(a, w1, acc[m][1]);
            }
            low++;
            high++;
            wei += SC_LANES;
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
                tile(SHORT, 1, conv, y, x, sc_min(left, SHORT), block);
            } else {
                tile(PIXELS, 1, conv, y, x, sc_min(left, PIXELS), block);
            }
            x += short_tile ? SHORT : PIXELS;
        }
    }
}

void sc_conv_f32_avx2(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                      int64_t block1)
{
    for (int64_t block = block0; block < block1; block++)
        strip(conv, row0, row1, block);
}
