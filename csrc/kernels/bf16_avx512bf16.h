/* Vectors of bfloat16 with AVX512_BF16: 16 values in, 16 floats in a register, and out. */
#ifndef SC_KERNELS_BF16_AVX512BF16_H
#define SC_KERNELS_BF16_AVX512BF16_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline __m512 bf16_widen(__m256i half)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

static inline __m512 bf16_load(const uint16_t *src)
{
    return bf16_widen(_mm256_loadu_si256((const __m256i *)src));
}

/* The lanes in 'mask'; zero in the others, whose memory is not looked at. */
static inline __m512 bf16_load_lanes(const uint16_t *src, __mmask16 mask)
{
    return bf16_widen(_mm256_maskz_loadu_epi16(mask, src));
}

/* The lanes in 'mask', rounded to nearest even. */
static inline void bf16_store_lanes(uint16_t *dst, __mmask16 mask, __m512 values)
{
    _mm256_mask_storeu_epi16(dst, mask, (__m256i)_mm512_cvtneps_pbh(values));
}

/* The same, of which none is infinite or NaN (conv.h): the largest number in its place. */
static inline void bf16_store_finite(uint16_t *dst, __mmask16 mask, __m512 values)
{
    const __m512 largest = _mm512_castsi512_ps(_mm512_set1_epi32(0x7f7f0000));
    bf16_store_lanes(dst, mask, _mm512_range_ps(values, largest, 2)); /* magnitudes */
}

/* To element 'at' of what holds floats or else bfloat16: a destination of conv.h. */
static inline void bf16_store_result(void *dst, bool f32, int64_t at, __mmask16 mask,
                                     __m512 values)
{
    if (f32) {
        _mm512_mask_storeu_ps((float *)dst + at, mask, values);
    } else {
        bf16_store_finite((uint16_t *)dst + at, mask, values);
    }
}

/* The same of 32 neighbours. */
static inline void bf16_store_results(void *dst, bool f32, int64_t at, __mmask16 mask0,
                                      __m512 v0, __mmask16 mask1, __m512 v1)
{
    if (f32) {
        _mm512_mask_storeu_ps((float *)dst + at, mask0, v0);
        _mm512_mask_storeu_ps((float *)dst + at + 16, mask1, v1);
        return;
    }
    const __m512 largest = _mm512_castsi512_ps(_mm512_set1_epi32(0x7f7f0000));
    const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_range_ps(v1, largest, 2),
                                              _mm512_range_ps(v0, largest, 2));
    _mm512_mask_storeu_epi16((uint16_t *)dst + at,
                             (__mmask32)mask0 | (__mmask32)mask1 << 16, (__m512i)both);
}

/* Two neighbouring values in every lane; they need not be aligned. */
static inline __m512bh bf16_pair(const uint16_t *src)
{
    int pair;
    memcpy(&pair, src, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

#endif
