/* pointwise.h for bfloat16, compiled for AVX512_BF16.
 *
 * What stands before DenseNet121's 1 x 1 convolutions is written by hand, because it is a third of
 * that network's time.  Unpacking 32 bfloat16 with zeros gives them as floats in one instruction
 * a vector, in each 128 bits the lower and the upper four of eight; packing undoes that for
 * nothing.  In between, the constants of the channels have to lie in the same order.
 */
#include "bf16.h"
#include "bf16_avx512bf16.h"
#include "u8_avx512.h"
#include "unroll.h"

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

enum { PART = 512 }; /* channels whose constants are put in order at once */

/* Of PART channels, each 32 in the order of unpacked ones. */
typedef struct {
    _Alignas(64) float scale[PART], shift[PART];
} constants;

/* 32 channels, unpacked. */
typedef struct {
    __m512 low, high;
} halves;

static inline __mmask32 first_lanes(int64_t n)
{
    return n >= 32 ? 0xffffffff : (1u << n) - 1u;
}

static void put_in_order(const float *src, int64_t c, float *dst)
{
    const __m512i low =
        _mm512_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(4));
    for (int64_t i = 0; i < c; i += 32) {
        const __mmask32 mask = first_lanes(c - i);
        const __m512 a = _mm512_maskz_loadu_ps((__mmask16)mask, src + i);
        const __m512 b = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), src + i + 16);
        _mm512_store_ps(dst + i, _mm512_permutex2var_ps(a, low, b));
        _mm512_store_ps(dst + i + 16, _mm512_permutex2var_ps(a, high, b));
    }
}

static inline halves scaled(__m512i both, const constants *k, int64_t i)
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512 low = _mm512_castsi512_ps(_mm512_unpacklo_epi16(zero, both));
    const __m512 high = _mm512_castsi512_ps(_mm512_unpackhi_epi16(zero, both));
    return (halves){_mm512_fmadd_ps(low, _mm512_load_ps(k->scale + i),
                                    _mm512_load_ps(k->shift + i)),
                    _mm512_fmadd_ps(high, _mm512_load_ps(k->scale + i + 16),
                                    _mm512_load_ps(k->shift + i + 16))};
}

static inline halves positive(halves v)
{
    const __m512 zero = _mm512_setzero_ps();
    return (halves){_mm512_max_ps(v.low, zero), _mm512_max_ps(v.high, zero)};
}

static inline halves sum(halves a, halves b)
{
    return (halves){_mm512_add_ps(a.low, b.low), _mm512_add_ps(a.high, b.high)};
}

static inline __m512i to_bf16(halves v)
{
    const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm512_permutexvar_epi64(order, (__m512i)_mm512_cvtne2ps_pbh(v.high, v.low));
}

static inline __m512i to_bytes(halves first, halves second)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return _mm512_permutexvar_epi64(
        order, _mm512_packus_epi16(u8_words(first.low, first.high),
                                   u8_words(second.low, second.high)));
}

/* ---- One pixel: c channels, PART at most ----------------------------------------------- */

INLINE void pixel(const uint16_t *src, const constants *k, int64_t c, uint16_t *dst)
{
    for (int64_t i = 0; i < c; i += 32) {
        const __mmask32 mask = first_lanes(c - i);
        const __m512i v = _mm512_maskz_loadu_epi16(mask, src + i);
        _mm512_mask_storeu_epi16(dst + i, mask, to_bf16(positive(scaled(v, k, i))));
    }
}

INLINE void pixel_u8(const uint16_t *src, const constants *k, int64_t c, uint8_t *dst)
{
    int64_t i = 0;
    for (; i + 64 <= c; i += 64) {
        const halves first = scaled(_mm512_loadu_si512(src + i), k, i);
        const halves second = scaled(_mm512_loadu_si512(src + i + 32), k, i + 32);
        _mm512_storeu_si512(dst + i, to_bytes(first, second));
    }
    for (; i < c; i += 32) {
        const __mmask32 mask = first_lanes(c - i);
        const halves v = scaled(_mm512_maskz_loadu_epi16(mask, src + i), k, i);
        _mm256_mask_storeu_epi8(dst + i, mask, _mm512_castsi512_si256(to_bytes(v, v)));
    }
}

/* The mean of pixels of two rows, 'step' apart in each. */
INLINE halves mean(const uint16_t *upper, const uint16_t *lower, int64_t step,
                   const constants *k, int64_t i, __mmask32 mask)
{
    const uint16_t *taps[] = {upper, upper + step, lower, lower + step};
    halves v[4];
    for (int t = 0; t < 4; t++) {
        v[t] = positive(scaled(_mm512_maskz_loadu_epi16(mask, taps[t] + i), k, i));
    }
    const halves all = sum(sum(v[0], v[1]), sum(v[2], v[3]));
    const __m512 quarter = _mm512_set1_ps(0.25f);
    return (halves){_mm512_mul_ps(quarter, all.low), _mm512_mul_ps(quarter, all.high)};
}

/* ---- Rows of pixels ---------------------------------------------------------------- */

/* The constants of channels from c0 on; returns how many these are. */
static int64_t take(constants *k, const float *scale, const float *shift, int64_t c0,
                    int64_t c)
{
    const int64_t n = c - c0 < PART ? c - c0 : PART;
    put_in_order(scale + c0, n, k->scale);
    put_in_order(shift + c0, n, k->shift);
    return n;
}

/* Pixels one by one, to bfloat16 or to bytes. */
INLINE void pixels(const bool bytes, const uint16_t *src, int64_t src_step, void *dst,
                   int64_t dst_step, int64_t n, int64_t c, const float *scale,
                   const float *shift)
{
    constants k;
    for (int64_t c0 = 0; c0 < c; c0 += PART) {
        const int64_t part = take(&k, scale, shift, c0, c);
        for (int64_t p = 0; p < n; p++) {
            const uint16_t *from = src + p * src_step + c0;
            const int64_t to = p * dst_step + c0;
            if (bytes)
                pixel_u8(from, &k, part, (uint8_t *)dst + to);
            else
                pixel(from, &k, part, (uint16_t *)dst + to);
        }
    }
}

static void norm_relu(const void *src, int64_t src_step, void *dst, int64_t dst_step,
                      int64_t n, int64_t c, const float *scale, const float *shift)
{
    pixels(false, src, src_step, dst, dst_step, n, c, scale, shift);
}

static void norm_relu_u8(const void *src, int64_t src_step, void *dst, int64_t dst_step,
                         int64_t n, int64_t c, const float *scale, const float *shift)
{
    pixels(true, src, src_step, dst, dst_step, n, c, scale, shift);
}

/* Means of 2 x 2 pixels, likewise. */
INLINE void means(const bool bytes, const uint16_t *src, int64_t src_row,
                  int64_t src_step, void *dst, int64_t dst_step, int64_t n, int64_t c,
                  const float *scale, const float *shift)
{
    constants k;
    for (int64_t c0 = 0; c0 < c; c0 += PART) {
        const int64_t part = take(&k, scale, shift, c0, c);
        for (int64_t p = 0; p < n; p++) {
            const uint16_t *from = src + 2 * p * src_step + c0;
            const int64_t to = p * dst_step + c0;
            for (int64_t i = 0; i < part; i += 32) {
                const __mmask32 mask = first_lanes(part - i);
                const halves v = mean(from, from + src_row, src_step, &k, i, mask);
                if (bytes)
                    _mm256_mask_storeu_epi8((uint8_t *)dst + to + i, mask,
                                            _mm512_castsi512_si256(to_bytes(v, v)));
                else
                    _mm512_mask_storeu_epi16((uint16_t *)dst + to + i, mask,
                                             to_bf16(v));
            }
        }
    }
}

static void norm_relu_mean2(const void *src, int64_t src_row, int64_t src_step,
                            void *dst, int64_t dst_step, int64_t n, int64_t c,
                            const float *scale, const float *shift, float *sums)
{
    (void)sums;
    means(false, src, src_row, src_step, dst, dst_step, n, c, scale, shift);
}

static void norm_relu_mean2_u8(const void *src, int64_t src_row, int64_t src_step,
                               void *dst, int64_t dst_step, int64_t n, int64_t c,
                               const float *scale, const float *shift, float *sums)
{
    (void)sums;
    means(true, src, src_row, src_step, dst, dst_step, n, c, scale, shift);
}

#include "pointwise_impl.h"
