/* The body of pointwise.h for one activation type and one instruction set.
 *
 * The including file defines ITEM (the stored type), LOAD(pointer), STORE(pointer,
 * float), TABLE (the table's name) and TABLE_NAME (its text), and for comparisons KEY,
 * TO_KEY(item) and FROM_KEY(key): a type that orders as the values do.  With OWN_NORM_RELU it
 * has the functions before max_pool itself.  Inner loops run
 * over channels, which are consecutive and independent: the compiler turns them into
 * vectors.
 */
#include "pointwise.h"
#include "unroll.h"

#include <stddef.h>

enum { CHUNK = 64 / sizeof(ITEM) };

static inline float relu(float v) { return v > 0.0f ? v : 0.0f; }

static inline uint8_t to_byte(float v)
{
    v = v > 0.0f ? v : 0.0f;
    return (uint8_t)(int)__builtin_rintf(v < 255.0f ? v : 255.0f);
}

#ifndef OWN_NORM_RELU
static void norm_relu(const void *restrict src_, int64_t src_step, void *restrict dst_,
                      int64_t dst_step, int64_t n, int64_t c,
                      const float *restrict scale, const float *restrict shift)
{
    const ITEM *restrict src = src_;
    ITEM *restrict dst = dst_;
    for (int64_t p = 0; p < n; p++) {
        for (int64_t i = 0; i < c; i++) {
            STORE(dst + i, relu(LOAD(src + i) * scale[i] + shift[i]));
        }
        src += src_step;
        dst += dst_step;
    }
}

static void norm_relu_u8(const void *restrict src_, int64_t src_step,
                         void *restrict dst_, int64_t dst_step, int64_t n, int64_t c,
                         const float *restrict scale, const float *restrict shift)
{
    for (int64_t p = 0; p < n; p++) {
        const ITEM *restrict src = (const ITEM *)src_ + p * src_step;
        uint8_t *restrict dst = (uint8_t *)dst_ + p * dst_step;
        for (int64_t i = 0; i < c; i++)
            dst[i] = to_byte(LOAD(src + i) * scale[i] + shift[i]);
    }
}

/* One output pixel; 'sums' receives the means. */
INLINE void mean2(const ITEM *restrict a, const ITEM *restrict b, int64_t src_step,
                  int64_t c, const float *restrict scale, const float *restrict shift,
                  float *restrict sums)
{
    for (int64_t i = 0; i < c; i++) {
        sums[i] = relu(LOAD(a + i) * scale[i] + shift[i]) +
                  relu(LOAD(a + src_step + i) * scale[i] + shift[i]);
    }
    for (int64_t i = 0; i < c; i++) {
        const float lower = relu(LOAD(b + i) * scale[i] + shift[i]) +
                            relu(LOAD(b + src_step + i) * scale[i] + shift[i]);
        sums[i] = 0.25f * (sums[i] + lower);
    }
}

static void norm_relu_mean2(const void *restrict src_, int64_t src_row,
                            int64_t src_step, void *restrict dst_, int64_t dst_step,
                            int64_t n, int64_t c, const float *restrict scale,
                            const float *restrict shift, float *restrict sums)
{
    for (int64_t p = 0; p < n; p++) {
        const ITEM *a = (const ITEM *)src_ + 2 * p * src_step;
        ITEM *restrict dst = (ITEM *)dst_ + p * dst_step;
        mean2(a, a + src_row, src_step, c, scale, shift, sums);
        for (int64_t i = 0; i < c; i++) STORE(dst + i, sums[i]);
    }
}

static void norm_relu_mean2_u8(const void *restrict src_, int64_t src_row,
                               int64_t src_step, void *restrict dst_, int64_t dst_step,
                               int64_t n, int64_t c, const float *restrict scale,
                               const float *restrict shift, float *restrict sums)
{
    for (int64_t p = 0; p < n; p++) {
        const ITEM *a = (const ITEM *)src_ + 2 * p * src_step;
        uint8_t *restrict dst = (uint8_t *)dst_ + p * dst_step;
        mean2(a, a + src_row, src_step, c, scale, shift, sums);
        for (int64_t i = 0; i < c; i++) dst[i] = to_byte(sums[i]);
    }
}
#endif

/* CHUNK channels stay in registers while the taps pass; 'n' <= CHUNK, and constant
 * wherever it matters. */
INLINE void max_taps(const ITEM *restrict src, int64_t src_row, int64_t src_step,
                     int64_t kh, int64_t kw, ITEM *restrict dst, int64_t n)
{
    KEY best[CHUNK];
    for (int64_t i = 0; i < n; i++) best[i] = TO_KEY(src[i]);
    for (int64_t ky = 0; ky < kh; ky++) {
        for (int64_t kx = 0; kx < kw; kx++) {
            const ITEM *tap = src + ky * src_row + kx * src_step;
            for (int64_t i = 0; i < n; i++) {
                const KEY key = TO_KEY(tap[i]);
                best[i] = best[i] > key ? best[i] : key;
            }
        }
    }
    for (int64_t i = 0; i < n; i++) dst[i] = FROM_KEY(best[i]);
}

static void max_pool(const void *restrict src_, int64_t src_row, int64_t src_step,
                     int64_t kh, int64_t kw, int64_t stride, void *restrict dst_,
                     int64_t dst_step, int64_t n, int64_t c)
{
    for (int64_t p = 0; p < n; p++) {
        const ITEM *src = (const ITEM *)src_ + p * stride * src_step;
        ITEM *dst = (ITEM *)dst_ + p * dst_step;
        int64_t i = 0;
        for (; i + CHUNK <= c; i += CHUNK) {
            max_taps(src + i, src_row, src_step, kh, kw, dst + i, CHUNK);
        }
        if (i < c) max_taps(src + i, src_row, src_step, kh, kw, dst + i, c - i);
    }
}

static void interleave(const float *restrict src, int64_t src_plane,
                       void *restrict dst_, int64_t n, int64_t c)
{
    ITEM *restrict dst = dst_;
    for (int64_t i = 0; i < c; i++) {
        for (int64_t p = 0; p < n; p++) STORE(dst + p * c + i, src[i * src_plane + p]);
    }
}

static void deinterleave(const void *restrict src_, int64_t src_step,
                         float *restrict dst, int64_t dst_plane, int64_t n, int64_t c)
{
    const ITEM *restrict src = src_;
    for (int64_t i = 0; i < c; i++) {
        for (int64_t p = 0; p < n; p++)
            dst[i * dst_plane + p] = LOAD(src + p * src_step + i);
    }
}

static void norm(const void *restrict src_, const float *restrict scale,
                 const float *restrict shift, int is_relu, float *restrict values,
                 int64_t c)
{
    const ITEM *restrict src = src_;
    const float floor = is_relu ? 0.0f : -__builtin_inff();
    for (int64_t i = 0; i < c; i++) {
        const float v = LOAD(src + i) * scale[i] + shift[i];
        values[i] = v > floor ? v : floor;
    }
}

/* Inlined once for each of the constants 'normed' and 'add'. */
INLINE void back(const float *restrict sums, int64_t sums_step,
                 const ITEM *restrict src, int64_t src_step,
                 const float *restrict scale, const float *restrict shift,
                 const int normed, const int add, ITEM *restrict dst, int64_t dst_step,
                 int64_t n, int64_t c)
{
    for (int64_t p = 0; p < n; p++) {
        for (int64_t i = 0; i < c; i++) {
            const float x = LOAD(src + i);
            const float v = normed ? x * scale[i] + shift[i] : x;
            const float passed = v > 0.0f ? sums[i] : 0.0f;
            STORE(dst + i, add ? LOAD(dst + i) + passed : passed);
        }
        sums += sums_step;
        src += src_step;
        dst += dst_step;
    }
}

static void norm_relu_back(const float *sums, int64_t sums_step, const void *src,
                           int64_t src_step, const float *scale, const float *shift,
                           int add, void *dst, int64_t dst_step, int64_t n, int64_t c)
{
#define BACK(normed, add)                                                              \
    back(sums, sums_step, src, src_step, scale, shift, normed, add, dst, dst_step, n, c)
    if (scale != NULL && add) BACK(1, 1);
    if (scale != NULL && !add) BACK(1, 0);
    if (scale == NULL && add) BACK(0, 1);
    if (scale == NULL && !add) BACK(0, 0);
#undef BACK
}

/* One pixel and 'n' <= CHUNK channels: which tap it was, and back to that one. */
INLINE void max_taps_back(const ITEM *restrict src, int64_t src_row, int64_t src_step,
                          int64_t kh, int64_t kw, int64_t ky0, int64_t ky1,
                          const ITEM *restrict grad, ITEM *restrict dst,
                          int64_t dst_row, int64_t dst_step, int64_t n)
{
    float best[CHUNK];
    int32_t which[CHUNK];
    for (int64_t i = 0; i < n; i++) {
        best[i] = 0.0f;
        which[i] = -1;
    }
    for (int64_t ky = 0; ky < kh; ky++) {
        for (int64_t kx = 0; kx < kw; kx++) {
            const ITEM *tap = src + ky * src_row + kx * src_step;
            for (int64_t i = 0; i < n; i++) {
                const float v = LOAD(tap + i);
                which[i] = v > best[i] ? (int32_t)(ky * kw + kx) : which[i];
                best[i] = v > best[i] ? v : best[i];
            }
        }
    }
    for (int64_t ky = ky0; ky < ky1; ky++) {
        for (int64_t kx = 0; kx < kw; kx++) {
            ITEM *tap = dst + ky * dst_row + kx * dst_step;
            for (int64_t i = 0; i < n; i++) {
                const float g = which[i] == (int32_t)(ky * kw + kx) ? LOAD(grad + i)
                                                                    : 0.0f;
                STORE(tap + i, LOAD(tap + i) + g);
            }
        }
    }
}

static void max_pool_back(const void *restrict src_, int64_t src_row, int64_t src_step,
                          int64_t kh, int64_t kw, int64_t stride, int64_t ky0,
                          int64_t ky1, const void *restrict grad_, int64_t grad_step,
                          void *restrict dst_, int64_t dst_row, int64_t dst_step,
                          int64_t n, int64_t c)
{
    for (int64_t p = 0; p < n; p++) {
        const ITEM *src = (const ITEM *)src_ + p * stride * src_step;
        const ITEM *grad = (const ITEM *)grad_ + p * grad_step;
        ITEM *dst = (ITEM *)dst_ + p * stride * dst_step;
        int64_t i = 0;
        for (; i + CHUNK <= c; i += CHUNK) {
            max_taps_back(src + i, src_row, src_step, kh, kw, ky0, ky1, grad + i,
                          dst + i, dst_row, dst_step, CHUNK);
        }
        if (i < c) {
            max_taps_back(src + i, src_row, src_step, kh, kw, ky0, ky1, grad + i,
                          dst + i, dst_row, dst_step, c - i);
        }
    }
}

const sc_pointwise TABLE = {
    TABLE_NAME,    norm_relu,  norm_relu_mean2, norm_relu_u8, norm_relu_mean2_u8,
    max_pool,      interleave, deinterleave,    norm,         norm_relu_back,
    max_pool_back,
};
