/* Vectors of bytes that hold quantised activations, 0 to 255, with AVX-512. */
#ifndef SC_KERNELS_U8_AVX512_H
#define SC_KERNELS_U8_AVX512_H

#include <immintrin.h>
#include <stdint.h>

/* 16 values as float32. */
static inline __m512 u8_load(const uint8_t *src)
{
    return _mm512_cvtepi32_ps(
        _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)src)));
}

/* Rounded to nearest even; below 0 and above 255, these; NaN is 0. */
static inline __m128i u8_round(__m512 v)
{
    /* What does not fit into an int becomes 0x80000000, which is large without a sign. */
    return _mm512_cvtusepi32_epi8(
        _mm512_cvtps_epi32(_mm512_max_ps(v, _mm512_setzero_ps())));
}

/* The lanes in 'mask'. */
static inline void u8_store_lanes(uint8_t *dst, __mmask16 mask, __m512 v)
{
    _mm_mask_storeu_epi8(dst, mask, u8_round(v));
}

/* 32 neighbours. */
static inline void u8_store_pair(uint8_t *dst, __mmask16 mask0, __m512 v0,
                                 __mmask16 mask1, __m512 v1)
{
    const __m256i both = _mm256_set_m128i(u8_round(v1), u8_round(v0));
    _mm256_mask_storeu_epi8(dst, (__mmask32)mask0 | (__mmask32)mask1 << 16, both);
}

#endif
