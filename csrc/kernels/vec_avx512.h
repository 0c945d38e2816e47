/* A vector of floats under the names that sources for several instruction sets use. */
#ifndef SC_KERNELS_VEC_AVX512_H
#define SC_KERNELS_VEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define VEC __m512
#define VEC_LANES 16
#define VEC_SET1 _mm512_set1_ps
#define VEC_LOAD _mm512_loadu_ps
#define VEC_STORE _mm512_storeu_ps
#define VEC_ADD _mm512_add_ps
#define VEC_SUB _mm512_sub_ps
#define VEC_MUL _mm512_mul_ps
#define VEC_MAX _mm512_max_ps
#define VEC_FMADD _mm512_fmadd_ps   /* a * b + c */
#define VEC_FNMADD _mm512_fnmadd_ps /* c - a * b */

#define VEC_INT __m512i
#define VEC_INT_SET1 _mm512_set1_epi32
#define VEC_INT_LOAD _mm512_loadu_si512
#define VEC_FROM_INT _mm512_cvtepi32_ps

/* The first 'left' lanes: none below 0, all from 16 on. */
static inline __mmask16 vec_lanes(int64_t left)
{
    return left >= VEC_LANES ? 0xffff : (__mmask16)((1u << (left > 0 ? left : 0)) - 1u);
}

static inline void vec_store_lanes(float *dst, int64_t left, __m512 v)
{
    _mm512_mask_storeu_ps(dst, vec_lanes(left), v);
}

/* Zero in the other lanes, whose memory is not touched. */
static inline __m512 vec_load_lanes(const float *src, int64_t left)
{
    return _mm512_maskz_loadu_ps(vec_lanes(left), src);
}

#endif
