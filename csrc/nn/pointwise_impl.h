/* The body of pointwise.h for one activation type and one instruction set.
 *
 * The including file defines ITEM (the stored type), LOAD(pointer), STORE(pointer,
 * float) and TABLE (the table's name and text).  Inner loops run over channels, which
 * are consecutive and independent: the compiler turns them into vectors.
 */
#include "pointwise.h"

#include <stddef.h>

static inline float relu(float v) { return v > 0.0f ? v : 0.0f; }

static void norm_relu(const void *restrict src_, int64_t src_step, void *restrict dst_,
                      int64_t dst_step, int64_t n, int64_t c, const float *restrict scale,
                      const float *restrict shift)
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

static void norm_relu_mean2(const void *restrict src_, int64_t src_row, int64_t src_step,
                            void *restrict dst_, int64_t dst_step, int64_t n, int64_t c,
                            const float *restrict scale, const float *restrict shift,
                            float *restrict sums)
{
    const ITEM *restrict src = src_;
    ITEM *restrict dst = dst_;
    for (int64_t p = 0; p < n; p++) {
        const ITEM *a = src + 2 * p * src_step, *b = a + src_row;
        for (int64_t i = 0; i < c; i++) {
            sums[i] = relu(LOAD(a + i) * scale[i] + shift[i]) +
                      relu(LOAD(a + src_step + i) * scale[i] + shift[i]);
        }
        for (int64_t i = 0; i < c; i++) {
            const float lower = relu(LOAD(b + i) * scale[i] + shift[i]) +
                                relu(LOAD(b + src_step + i) * scale[i] + shift[i]);
            STORE(dst + p * dst_step + i, 0.25f * (sums[i] + lower));
        }
    }
}

static void max_pool(const void *restrict src_, int64_t src_row, int64_t src_step,
                     int64_t kh, int64_t kw, int64_t stride, void *restrict dst_,
                     int64_t dst_step, int64_t n, int64_t c)
{
    const ITEM *restrict src = src_;
    ITEM *restrict dst = dst_;
    for (int64_t p = 0; p < n; p++) {
        for (int64_t i = 0; i < c; i++) dst[i] = src[i];
        for (int64_t t = 1; t < kh * kw; t++) {
            const ITEM *tap = src + t / kw * src_row + t % kw * src_step;
            for (int64_t i = 0; i < c; i++) {
                const ITEM a = dst[i], b = tap[i];
                dst[i] = LOAD(&a) > LOAD(&b) ? a : b;
            }
        }
        src += stride * src_step;
        dst += dst_step;
    }
}

static void interleave(const float *restrict src, int64_t src_plane, void *restrict dst_,
                       int64_t n, int64_t c)
{
    ITEM *restrict dst = dst_;
    for (int64_t i = 0; i < c; i++) {
        for (int64_t p = 0; p < n; p++) STORE(dst + p * c + i, src[i * src_plane + p]);
    }
}

static void deinterleave(const void *restrict src_, int64_t src_step, float *restrict dst,
                         int64_t dst_plane, int64_t n, int64_t c)
{
    const ITEM *restrict src = src_;
    for (int64_t i = 0; i < c; i++) {
        for (int64_t p = 0; p < n; p++) dst[i * dst_plane + p] = LOAD(src + p * src_step + i);
    }
}

static void norm(const void *restrict src_, const float *restrict scale,
                 const float *restrict shift, int is_relu, float *restrict values, int64_t c)
{
    const ITEM *restrict src = src_;
    const float floor = is_relu ? 0.0f : -__builtin_inff();
    for (int64_t i = 0; i < c; i++) {
        const float v = LOAD(src + i) * scale[i] + shift[i];
        values[i] = v > floor ? v : floor;
    }
}

static void epilogue(const float *restrict sum0, const float *restrict sum1, const void *add_,
                     int64_t add_step, const float *restrict add_scale,
                     const float *restrict mid_bias, const float *restrict bias, int is_relu,
                     const float *restrict post_scale, const float *restrict post_shift,
                     void *dst_, int64_t dst_step, int64_t n, int64_t c)
{
    const float floor = is_relu ? 0.0f : -__builtin_inff();
    for (int64_t p = 0; p < n; p++) {
        const ITEM *add = add_ == NULL ? NULL : (const ITEM *)add_ + p * add_step;
        ITEM *dst = (ITEM *)dst_ + p * dst_step;
        const float *a = sum0 + p * c, *b = sum1 == NULL ? NULL : sum1 + p * c;
        for (int64_t i = 0; i < c; i++) {
            float v = a[i];
            if (b != NULL) v = relu(v + mid_bias[i]) + b[i];
            if (add != NULL) v += add_scale[i] * LOAD(add + i);
            v += bias[i];
            v = v > floor ? v : floor;
            if (post_scale != NULL) v = v * post_scale[i] + post_shift[i];
            STORE(dst + i, v);
        }
    }
}

const sc_pointwise TABLE = {
    TABLE_NAME,   norm_relu,    norm_relu_mean2, max_pool, interleave,
    deinterleave, norm,         epilogue,
};
