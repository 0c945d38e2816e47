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

/* 2 x 16 values as signed words, for packing with saturation: those above 255 as 255, those far
 * below 0 and NaN as the least.  Each 128 bits hold four of the first, then four of the other. */
static inline __m512i u8_words(__m512 v0, __m512 v1)
{
    const __m512 most = _mm512_set1_ps(255.0f);
    return _mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_min_ps(most, v0)),
                              _mm512_cvtps_epi32(_mm512_min_ps(most, v1)));
}

/* Twice 32 neighbours, 'step' apart, in fewer instructions: packing takes one for two vectors. */
static inline void u8_store_pairs(uint8_t *dst, int64_t step, __mmask32 mask,
                                  __m512 v00, __m512 v01, __m512 v10, __m512 v11)
{
    const __m512i order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i all = _mm512_permutexvar_epi32(
        order, _mm512_packus_epi16(u8_words(v00, v01), u8_words(v10, v11)));
    _mm256_mask_storeu_epi8(dst, mask, _mm512_castsi512_si256(all));
    _mm256_mask_storeu_epi8(dst + step, mask, _mm512_extracti64x4_epi64(all, 1));
}

#endif
