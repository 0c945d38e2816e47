/* A vector of floats under the names that sources for several instruction sets use. */
#ifndef SC_KERNELS_VEC_AVX2_H
#define SC_KERNELS_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define VEC __m256
#define VEC_LANES 8
#define VEC_SET1 _mm256_set1_ps
#define VEC_LOAD _mm256_loadu_ps
#define VEC_STORE _mm256_storeu_ps
#define VEC_ADD _mm256_add_ps
#define VEC_SUB _mm256_sub_ps
#define VEC_MUL _mm256_mul_ps
#define VEC_MAX _mm256_max_ps
#define VEC_FMADD _mm256_fmadd_ps   /* a * b + c */
#define VEC_FNMADD _mm256_fnmadd_ps /* c - a * b */

#define VEC_INT __m256i
#define VEC_INT_SET1 _mm256_set1_epi32
#define VEC_INT_LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define VEC_FROM_INT _mm256_cvtepi32_ps

/* The first 'left' lanes: none below 0, all from 8 on. */
static inline __m256i vec_lanes(int64_t left)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int n = left < VEC_LANES ? (int)left : VEC_LANES;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), index);
}

/* Where all are stored, plainly: masked stores take tens of cycles on some CPUs. */
static inline void vec_store_lanes(float *dst, int64_t left, __m256 v)
{
    if (left >= VEC_LANES) {
        _mm256_storeu_ps(dst, v);
    } else if (left > 0) {
        _mm256_maskstore_ps(dst, vec_lanes(left), v);
    }
}

/* Zero in the other lanes, whose memory is not touched. */
static inline __m256 vec_load_lanes(const float *src, int64_t left)
{
    return _mm256_maskload_ps(src, vec_lanes(left));
}

#endif
