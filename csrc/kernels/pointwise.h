/* Everything but convolutions: normalisation, pooling, and the ways in and out.
 *
 * Channel-last rows; 'step' is the distance between pixels in elements.  Arithmetic
 * is float32 whatever the activations are stored in.  One source, pointwise_impl.h,
 * is compiled for each instruction set.
 */
#ifndef SC_KERNELS_POINTWISE_H
#define SC_KERNELS_POINTWISE_H

#include <stdint.h>

typedef struct {
    const char *name;

    /* dst[p, c] = max(src[p, c] * scale[c] + shift[c], 0) for n pixels. */
    void (*norm_relu)(const void *src, int64_t src_step, void *dst, int64_t dst_step,
                      int64_t n, int64_t c, const float *scale, const float *shift);

    /* dst[p, c] = mean over 2 x 2 pixels of max(src * scale[c] + shift[c], 0) for one
     * row of n output pixels; 'src_row' leads to the second input row.  'sums' has
     * room for c floats. */
    void (*norm_relu_mean2)(const void *src, int64_t src_row, int64_t src_step,
                            void *dst, int64_t dst_step, int64_t n, int64_t c,
                            const float *scale, const float *shift, float *sums);

    /* The same two, rounded to bytes of 0 to 255: 'dst' is uint8_t. */
    void (*norm_relu_u8)(const void *src, int64_t src_step, void *dst, int64_t dst_step,
                         int64_t n, int64_t c, const float *scale, const float *shift);
    void (*norm_relu_mean2_u8)(const void *src, int64_t src_row, int64_t src_step,
                               void *dst, int64_t dst_step, int64_t n, int64_t c,
                               const float *scale, const float *shift, float *sums);

    /* dst[p, c] = the largest of kh x kw pixels, 'stride' apart, for one row. */
    void (*max_pool)(const void *src, int64_t src_row, int64_t src_step, int64_t kh,
                     int64_t kw, int64_t stride, void *dst, int64_t dst_step, int64_t n,
                     int64_t c);

    /* dst[x, channel] = src[channel, x]: one row of n pixels out of planes. */
    void (*interleave)(const float *src, int64_t src_plane, void *dst, int64_t n,
                       int64_t c);

    /* dst[channel, x] = src[x, channel] as float32: one row of n pixels to planes. */
    void (*deinterleave)(const void *src, int64_t src_step, float *dst,
                         int64_t dst_plane, int64_t n, int64_t c);

    /* values[i] = float32 of src[i] * scale[i] + shift[i], then max(., 0) where relu. */
    void (*norm)(const void *src, const float *scale, const float *shift, int relu,
                 float *values, int64_t c);

    /* The gradient through norm_relu, whose input was 'src': dst[p, c] is sums[p, c]
     * where src[p, c] * scale[c] + shift[c] > 0, else 0; with 'add', added to dst.
     * 'scale' and 'shift' NULL: where src[p, c] > 0.  'sums' is float32. */
    void (*norm_relu_back)(const float *sums, int64_t sums_step, const void *src,
                           int64_t src_step, const float *scale, const float *shift,
                           int add, void *dst, int64_t dst_step, int64_t n, int64_t c);

    /* The gradient through max_pool and the ReLU before it, for one row of n pooled
     * pixels: each gradient in 'grad' is added to dst where src was the largest of its
     * kh x kw pixels, the first of equal ones, if that was above 0.  dst is laid out
     * as src; only taps of rows [ky0, ky1) are written.  kh * kw <= 9. */
    void (*max_pool_back)(const void *src, int64_t src_row, int64_t src_step,
                          int64_t kh, int64_t kw, int64_t stride, int64_t ky0,
                          int64_t ky1, const void *grad, int64_t grad_step, void *dst,
                          int64_t dst_row, int64_t dst_step, int64_t n, int64_t c);
} sc_pointwise;

extern const sc_pointwise sc_pointwise_f32_base;
extern const sc_pointwise sc_pointwise_f32_avx2;
extern const sc_pointwise sc_pointwise_f32_avx512;
extern const sc_pointwise sc_pointwise_bf16_avx512;
extern const sc_pointwise sc_pointwise_u8_avx2; /* these two for max_pool and norm */
extern const sc_pointwise sc_pointwise_u8_avx512;

/* dst[i] = 1 / (1 + exp(-src[i * src_step])). */
void sc_sigmoid(const float *src, int64_t src_step, float *dst, int64_t n);

#endif
