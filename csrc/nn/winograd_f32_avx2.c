/* winograd.h with AVX2 and FMA. */
#include <immintrin.h>

#define VEC __m256
#define VEC_LANES 8
#define VEC_SET1 _mm256_set1_ps
#define VEC_LOAD _mm256_loadu_ps
#define VEC_STORE _mm256_storeu_ps
#define VEC_ADD _mm256_add_ps
#define VEC_SUB _mm256_sub_ps
#define VEC_MAX _mm256_max_ps
#define VEC_FMADD _mm256_fmadd_ps
#define VEC_FNMADD _mm256_fnmadd_ps
#define MULTIPLY sc_conv_f32_avx2
#define TABLE sc_winograd_f32_avx2
#define TABLE_NAME "own:f32_avx2_winograd"
#include "winograd_impl.h"

INLINE void store_lanes(float *dst, int64_t n, __m256 v)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i lanes = _mm256_set1_epi32((int)sc_min(n, VEC_LANES));
    _mm256_maskstore_ps(dst, _mm256_cmpgt_epi32(lanes, index), v);
}
