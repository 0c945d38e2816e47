/* A vector of floats under the names that sources for several instruction sets use. */
#ifndef SC_NN_VEC_AVX512_H
#define SC_NN_VEC_AVX512_H

#include <immintrin.h>

#define VEC __m512
#define VEC_LANES 16
#define VEC_SET1 _mm512_set1_ps
#define VEC_LOAD _mm512_loadu_ps
#define VEC_STORE _mm512_storeu_ps
#define VEC_ADD _mm512_add_ps
#define VEC_SUB _mm512_sub_ps
#define VEC_MAX _mm512_max_ps
#define VEC_FMADD _mm512_fmadd_ps   /* a * b + c */
#define VEC_FNMADD _mm512_fnmadd_ps /* c - a * b */

#endif
