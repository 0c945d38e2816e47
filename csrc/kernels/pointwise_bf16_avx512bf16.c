/* pointwise.h for bfloat16, compiled for AVX512_BF16. */
#include "bf16.h"
#include "bf16_avx512bf16.h"
#include "u8_avx512.h"

#define ITEM uint16_t
#define LOAD(p) sc_from_bf16(*(p))
#define STORE(p, v) (*(p) = sc_to_bf16(v))
/* A float's bits order as its value once the magnitude of a negative is inverted. */
#define KEY int16_t
#define TO_KEY(v) ((int16_t)((int16_t)(v) ^ (((int16_t)(v) >> 15) & 0x7fff)))
#define FROM_KEY(k) ((uint16_t)((k) ^ (((k) >> 15) & 0x7fff)))
#define TABLE sc_pointwise_bf16_avx512
#define TABLE_NAME "own:bf16_avx512"
#define OWN_NORM_RELU

static inline __m512 normed(__m256i half, const float *scale, const float *shift)
{
    const __m512 y = _mm512_fmadd_ps(bf16_widen(half), _mm512_loadu_ps(scale),
                                     _mm512_loadu_ps(shift));
    return _mm512_max_ps(y, _mm512_setzero_ps());
}

/* By hand, because it is more than half of DenseNet121's time in bfloat16: the compiler
 * rounds with five integer instructions where the CPU has one. */
static void norm_relu(const void *restrict src_, int64_t src_step, void *restrict dst_,
                      int64_t dst_step, int64_t n, int64_t c,
                      const float *restrict scale, const float *restrict shift)
{
    for (int64_t p = 0; p < n; p++) {
        const uint16_t *src = (const uint16_t *)src_ + p * src_step;
        uint16_t *dst = (uint16_t *)dst_ + p * dst_step;
        int64_t i = 0;
        for (; i + 32 <= c; i += 32) {
            const __m512i both = _mm512_loadu_si512(src + i);
            const __m512 low =
                normed(_mm512_castsi512_si256(both), scale + i, shift + i);
            const __m512 high = normed(_mm512_extracti64x4_epi64(both, 1),
                                       scale + i + 16, shift + i + 16);
            _mm512_storeu_si512(dst + i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
        }
        for (; i < c; i++) {
            const float v = sc_from_bf16(src[i]) * scale[i] + shift[i];
            dst[i] = sc_to_bf16(v > 0.0f ? v : 0.0f);
        }
    }
}

/* As above, and it is a larger part of the time in integers. */
static void norm_relu_u8(const void *restrict src_, int64_t src_step,
                         void *restrict dst_, int64_t dst_step, int64_t n, int64_t c,
                         const float *restrict scale, const float *restrict shift)
{
    for (int64_t p = 0; p < n; p++) {
        const uint16_t *src = (const uint16_t *)src_ + p * src_step;
        uint8_t *dst = (uint8_t *)dst_ + p * dst_step;
        for (int64_t i = 0; i < c; i += 16) {
            const __mmask16 mask = c - i >= 16 ? 0xffff
                                               : (__mmask16)((1u << (c - i)) - 1u);
            const __m512 y = _mm512_fmadd_ps(bf16_load_lanes(src + i, mask),
                                             _mm512_maskz_loadu_ps(mask, scale + i),
                                             _mm512_maskz_loadu_ps(mask, shift + i));
            u8_store_lanes(dst + i, mask, y);
        }
    }
}

#include "pointwise_impl.h"
