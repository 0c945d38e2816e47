/* Vectors of bytes that hold quantised activations, 0 to 255, with AVX2. */
#ifndef SC_KERNELS_U8_AVX2_H
#define SC_KERNELS_U8_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* 8 values as float32. */
static inline __m256 u8_load(const uint8_t *src)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)src)));
}

/* Rounded to nearest even; below 0 and above 255, these; NaN is 0.  In the lower half. */
static inline __m128i u8_round(__m256 v)
{
    const __m256 least = _mm256_max_ps(v, _mm256_setzero_ps()); /* of NaN the second */
    const __m256i whole =
        _mm256_cvtps_epi32(_mm256_min_ps(least, _mm256_set1_ps(255.0f)));
    const __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(whole),
                                          _mm256_extracti128_si256(whole, 1));
    return _mm_packus_epi16(half, half);
}

/* The same of 16 values, in fewer instructions. */
static inline void u8_store_pair(uint8_t *dst, __m256 low, __m256 high)
{
    const __m256 most = _mm256_set1_ps(255.0f); /* of NaN the second stays */
    const __m256i words =
        _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_min_ps(most, low)),
                           _mm256_cvtps_epi32(_mm256_min_ps(most, high)));
    const __m256i fours = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    const __m256i bytes =
        _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, words), fours);
    _mm_storeu_si128((__m128i *)dst, _mm256_castsi256_si128(bytes));
}

/* The first 'left' lanes: none below 0, all from 8 on. */
static inline void u8_store_left(uint8_t *dst, int64_t left, __m256 v)
{
    const __m128i bytes = u8_round(v);
    if (left >= 8) {
        _mm_storel_epi64((__m128i *)dst, bytes);
        return;
    }
    uint64_t rest = (uint64_t)_mm_cvtsi128_si64(bytes);
    for (int64_t i = 0; i < left; i++, rest >>= 8) dst[i] = (uint8_t)rest;
}

#endif
