/* The loops of batch_norm.h, compiled for AVX512_BF16.
 *
 * max(0, NaN) is NaN here, so that a diverged training is noticed.
 */
#include "batch_norm.h"

#include "bf16_avx512bf16.h"
#include "vec_avx512.h"

#include "../base/memory.h"

enum { LANES = VEC_LANES };

/* dy where the ReLU let x through. */
static inline __m512 gradient(const sc_norm_run *run, __m512 x, __m512 dy, int64_t j)
{
    if (!run->relu) return dy;
    const __m512 y = _mm512_fmadd_ps(x, _mm512_load_ps(run->scale + j),
                                     _mm512_load_ps(run->shift + j));
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ),
                               dy);
}

static inline void add_to(float *table, __m512 v)
{
    _mm512_store_ps(table, _mm512_add_ps(_mm512_load_ps(table), v));
}

static inline void add_product(float *table, __m512 a, __m512 b)
{
    _mm512_store_ps(table, _mm512_fmadd_ps(a, b, _mm512_load_ps(table)));
}

/* Walk through all blocks: 'at' is the first item of a vector, 'j' its place in the
 * tables, 'lanes' those that there are. */
#define EACH_VECTOR(run)                                                               \
    for (int64_t block = 0; block < (run)->items; block += (run)->length)              \
        for (int64_t j = 0, end = sc_min((run)->length, (run)->items - block),         \
                     at = block;                                                       \
             j < end; j += LANES, at += LANES)

void sc_norm_sums_avx512bf16(const sc_norm_run *run, const uint16_t *x,
                             const uint16_t *other, uint16_t *sum, float *total,
                             float *squares)
{
    EACH_VECTOR(run)
    {
        const __mmask16 lanes = vec_lanes(end - j);
        __m512 v = bf16_load_lanes(x + at, lanes);
        if (other != NULL) {
            v = _mm512_add_ps(v, bf16_load_lanes(other + at, lanes));
            bf16_store_lanes(sum + at, lanes, _mm512_max_ps(_mm512_setzero_ps(), v));
            v = bf16_load_lanes(sum + at, lanes);
        }
        add_to(total + j, v);
        add_product(squares + j, v, v);
    }
}

void sc_norm_apply_avx512bf16(const sc_norm_run *run, const uint16_t *x, uint16_t *y)
{
    EACH_VECTOR(run)
    {
        const __mmask16 lanes = vec_lanes(end - j);
        __m512 v = _mm512_fmadd_ps(bf16_load_lanes(x + at, lanes),
                                   _mm512_load_ps(run->scale + j),
                                   _mm512_load_ps(run->shift + j));
        if (run->relu) v = _mm512_max_ps(_mm512_setzero_ps(), v);
        bf16_store_lanes(y + at, lanes, v);
    }
}

void sc_norm_back_sums_avx512bf16(const sc_norm_run *run, const uint16_t *x,
                                  const uint16_t *dy, const float *mean, float *total,
                                  float *moments)
{
    EACH_VECTOR(run)
    {
        const __mmask16 lanes = vec_lanes(end - j);
        const __m512 v = bf16_load_lanes(x + at, lanes);
        const __m512 g = gradient(run, v, bf16_load_lanes(dy + at, lanes), j);
        add_to(total + j, g);
        add_product(moments + j, g, _mm512_sub_ps(v, _mm512_load_ps(mean + j)));
    }
}

void sc_norm_back_avx512bf16(const sc_norm_run *run, const uint16_t *x,
                             const uint16_t *dy, const float *by_g, const float *by_x,
                             const float *rest, uint16_t *dx)
{
    EACH_VECTOR(run)
    {
        const __mmask16 lanes = vec_lanes(end - j);
        const __m512 v = bf16_load_lanes(x + at, lanes);
        const __m512 g = gradient(run, v, bf16_load_lanes(dy + at, lanes), j);
        __m512 out =
            _mm512_fmadd_ps(v, _mm512_load_ps(by_x + j), _mm512_load_ps(rest + j));
        out = _mm512_fmadd_ps(g, _mm512_load_ps(by_g + j), out);
        if (run->summed) {
            out = _mm512_maskz_mov_ps(
                _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ), out);
        }
        bf16_store_lanes(dx + at, lanes, out);
    }
}
