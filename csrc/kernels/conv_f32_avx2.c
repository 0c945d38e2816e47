/* conv.h in float32 with AVX2 and FMA: 6 (or 4) pixels x one block of 16 channels.
 *
 * 12 accumulators, 2 weights and a broadcast fill 15 of the 16 registers; a step of k
 * costs 8 loads against 12 products.  Two steps at a time: with the loop's own work the
 * front end would be the limit, more so where two threads share it.  Rows end in tiles of 4, so that the 8- and
 * 16-pixel rows of the deepest maps waste little.
 */
#include "conv.h"
#include "vec_avx2.h"

#include "../base/memory.h"

enum { PIXELS = 6, SHORT = 4, HALVES = 2, HALF = SC_LANES / 2 };

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

typedef __m256 accumulators[PIXELS][HALVES];

/* acc += the sum of one phase; 'origin' is the tile's first pixel's element offset. */
INLINE void accumulate(accumulators acc, const int n, const sc_phase *phase,
                       int64_t origin, int64_t block)
{
    const int64_t step = phase->src_step, kc = phase->kc;
    const float *wei = (const float *)phase->wei + block * phase->wei_block;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const float *low = (const float *)phase->src + origin + phase->taps[t];
        const float *high = low + 3 * step;
        _Pragma("GCC unroll 2") for (int64_t k = 0; k < kc; k++)
        {
            const __m256 w0 = _mm256_loadu_ps(wei), w1 = _mm256_loadu_ps(wei + HALF);
            UNROLL for (int m = 0; m < n; m++)
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

INLINE void begin(accumulators acc, const int n, const sc_conv *conv, int64_t y,
                  int64_t x, int64_t valid, int64_t c)
{
    UNROLL for (int m = 0; m < n; m++)
    {
        acc[m][0] = _mm256_setzero_ps();
        acc[m][1] = _mm256_setzero_ps();
    }
    if (conv->add == NULL) return;
    const float *add = (const float *)conv->add + y * conv->add_row +
                       x * conv->add_step + c;
    for (int half = 0; half < HALVES; half++) {
        const __m256 scale = conv->add_scale == NULL
                                 ? _mm256_set1_ps(1.0f)
                                 : _mm256_loadu_ps(conv->add_scale + c + half * HALF);
        UNROLL for (int m = 0; m < n; m++)
        {
            if (m >= valid) continue;
            const __m256 v = _mm256_loadu_ps(add + m * conv->add_step + half * HALF);
            acc[m][half] = _mm256_mul_ps(scale, v);
        }
    }
}

INLINE void add_relu(accumulators acc, const int n, const float *bias)
{
    UNROLL for (int half = 0; half < HALVES; half++)
    {
        const __m256 b = _mm256_loadu_ps(bias + half * HALF);
        UNROLL for (int m = 0; m < n; m++)
        {
            const __m256 v = _mm256_add_ps(acc[m][half], b);
            acc[m][half] = _mm256_max_ps(v, _mm256_setzero_ps());
        }
    }
}

INLINE void finish(accumulators acc, const int n, const sc_conv *conv, int64_t y,
                   int64_t x, int64_t valid, int64_t block_c)
{
    const bool post = conv->post_scale != NULL;
    float *dst = (float *)conv->dst + y * conv->dst_row + x * conv->dst_step;
    UNROLL for (int half = 0; half < HALVES; half++)
    {
        const int64_t c = block_c + half * HALF;
        const int64_t left = conv->channels - c;
        const __m256 bias = _mm256_loadu_ps(conv->bias + c);
        const __m256 scale = post ? _mm256_loadu_ps(conv->post_scale + c) : bias;
        const __m256 shift = post ? _mm256_loadu_ps(conv->post_shift + c) : bias;
        UNROLL for (int m = 0; m < n; m++)
        {
            if (m >= valid) continue;
            __m256 v = _mm256_add_ps(acc[m][half], bias);
            if (conv->relu) v = _mm256_max_ps(v, _mm256_setzero_ps());
            if (post) v = _mm256_fmadd_ps(v, scale, shift);
            vec_store_lanes(dst + m * conv->dst_step + c, left, v);
        }
    }
}

/* Pixels x .. x + n - 1 of row y, of which 'valid' are stored. */
INLINE void tile(const int n, const sc_conv *conv, int64_t y, int64_t x, int64_t valid,
                 int64_t block)
{
    accumulators acc;
    begin(acc, n, conv, y, x, valid, block * SC_LANES);
    for (int i = 0; i < conv->n_phases; i++) {
        const sc_phase *phase = &conv->phase[i];
        accumulate(acc, n, phase, y * phase->src_row + x * phase->src_step, block);
        if (i == 0 && conv->n_phases == 2) {
            add_relu(acc, n, conv->mid_bias + block * SC_LANES);
        }
    }
    finish(acc, n, conv, y, x, valid, block * SC_LANES);
}

static void strip(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block)
{
    for (int64_t y = row0; y < row1; y++) {
        for (int64_t x = 0; x < conv->columns;) {
            const int64_t left = conv->columns - x;
            const bool short_tile = left <= SHORT || left == 2 * SHORT;
            if (short_tile) {
                tile(SHORT, conv, y, x, sc_min(left, SHORT), block);
            } else {
                tile(PIXELS, conv, y, x, sc_min(left, PIXELS), block);
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
