/* winograd.h with AVX-512. */
#include <immintrin.h>

#define VEC __m512
#define VEC_LANES 16
#define VEC_SET1 _mm512_set1_ps
#define VEC_LOAD _mm512_loadu_ps
#define VEC_STORE _mm512_storeu_ps
#define VEC_ADD _mm512_add_ps
#define VEC_SUB _mm512_sub_ps
#define VEC_MAX _mm512_max_ps
#define VEC_FMADD _mm512_fmadd_ps
#define VEC_FNMADD _mm512_fnmadd_ps
#define MULTIPLY sc_conv_f32_avx512
#define TABLE sc_winograd_f32_avx512
#define TABLE_NAME "own:f32_avx512_winograd"
#include "winograd_impl.h"

INLINE void store_lanes(float *dst, int64_t n, __m512 v)
{
    const __mmask16 mask = n >= VEC_LANES ? 0xffff : (__mmask16)((1u << n) - 1u);
    _mm512_mask_storeu_ps(dst, mask, v);
}
