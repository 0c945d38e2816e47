/* Convolutions over channel-last images with everything around them fused in.
 *
 * One call computes, for output pixel p and output channel c, in float32:
 *
 *     acc  = add_scale[c] * add[p, c]                     where 'add' is given
 *     acc += sum over taps t, channels k of phase 0       wei[c, t, k] * src[p + t, k]
 *     acc  = max(acc + mid_bias[c], 0)                    where there is a phase 1
 *     acc += the same sum of phase 1
 *     acc += bias[c];  acc = max(acc, 0)                  where 'relu'
 *     dst[p, c] = acc * post_scale[c] + post_shift[c]     where they are given
 *
 * which is every block of both networks: MultiResUNet's ResUnit is a 3 x 3 (phase 0)
 * and a 1 x 1 (phase 1) that never leave the registers between them; the block's
 * concat_norm is 'add'; the normalisation after a ReLU is 'post'.  A "tap" is a run of kc
 * consecutive values in memory: a whole kernel row where the image's channels are
 * dense, so that 1- and 3-channel inputs fill the vectors as well.
 *
 * In integers of eight bits (the "u8" kernels) 'src' and 'add' are uint8_t and 'wei' is
 * int8_t; the products are summed in int32 without loss, and what stands above is done
 * with each sum times sum_scale[phase][c].  What a byte stands for is the caller's: the
 * zero point of the input is in the biases, the scale of the output in 'post'.
 *
 * Each output is one thread's sum in one order: results do not depend on the number
 * of threads, the row range, or the block range, bit for bit.
 */
#ifndef SC_KERNELS_CONV_H
#define SC_KERNELS_CONV_H

#include "../spinalcord.h"

enum {
    SC_LANES = 16, /* output channels of a block: one zmm of float32 */
    SC_MAX_TAPS = 9,
};

/* Extents of a convolution's weights.  'merged': a kernel row is one tap of kw * ic
 * values, for dense images of few channels. */
typedef struct {
    int64_t oc, ic, kh, kw, stride;
    bool merged;
} sc_conv_shape;

/* One sum: where its inputs lie and its packed weights.  Steps and offsets count
 * elements of the activation's type (float, or uint16_t that holds bfloat16). */
typedef struct {
    const void *src;  /* the first tap of output pixel (0, 0) */
    int64_t src_row;  /* from one output row's input to the next */
    int64_t src_step; /* from one output pixel's input to the next */
    int64_t n_taps;
    int64_t taps[SC_MAX_TAPS]; /* offset of each tap */
    int64_t kc;                /* values of a tap */
    const void *wei;           /* packed: conv_pack.h */
    int64_t wei_block;         /* elements of one block of SC_LANES output channels */
} sc_phase;

typedef struct {
    int n_phases; /* 1 or 2 */
    sc_phase phase[2];
    const float *sum_scale[2]; /* of integers, for each phase: channels as below */
    const float *mid_bias; /* arrays of channels: n_blocks * SC_LANES, zero-padded */
    const float *bias;
    bool relu;
    const float *post_scale, *post_shift; /* both or neither */
    const float *add_scale;               /* NULL: ones */
    const void *add; /* NULL, or (rows, columns, channels) of the source type */
    int64_t add_row, add_step;
    void *dst;
    int64_t dst_row, dst_step;
    bool dst_f32;     /* store float32, from bfloat16 and integers too */
    bool dst_u8;      /* store the nearest of 0 to 255; integers: else bfloat16 */
    int64_t channels; /* values stored a pixel, <= n_blocks * SC_LANES */
    int64_t n_blocks;
    int64_t rows, columns; /* output pixels */
} sc_conv;

/* Compute rows [row0, row1) of blocks [block0, block1). */
typedef void (*sc_conv_fn)(const sc_conv *conv, int64_t row0, int64_t row1,
                           int64_t block0, int64_t block1);

/* f32: 6 pixels x 1 block in registers, or 8 x 3. */
void sc_conv_f32_avx2(const sc_conv *, int64_t, int64_t, int64_t, int64_t);
void sc_conv_f32_avx512(const sc_conv *, int64_t, int64_t, int64_t, int64_t);

/* bf16 products, f32 sums: dot-product instructions, or 2 x 2 tiles of 16 x 16.
 * A tap is read up to the next multiple of 2 or 32 values, where the packed weights
 * are zero: what lies there must be finite and mapped.  It may well be an earlier
 * result, so that what is stored as bf16 is finite: beyond the largest number, that one
 * with the sum's sign; for NaN, either. */
void sc_conv_bf16_avx512(const sc_conv *, int64_t, int64_t, int64_t, int64_t);
void sc_conv_bf16_amx(const sc_conv *, int64_t, int64_t, int64_t, int64_t);

/* u8 x s8 products, int32 sums: the same two ways.  A tap is read up to the next multiple
 * of 4 or 64 values; what lies there may be anything.  Vectors of either length give the
 * same bits; those of AVX2 (with AVX-VNNI) store no bfloat16. */
void sc_conv_u8_avx2(const sc_conv *, int64_t, int64_t, int64_t, int64_t);
void sc_conv_u8_avx512(const sc_conv *, int64_t, int64_t, int64_t, int64_t);
void sc_conv_u8_amx(const sc_conv *, int64_t, int64_t, int64_t, int64_t);

/* A job that calls an AMX kernel sets its thread's tiles up first, and gives them
 * back after: a thread with live tiles costs the kernel 8 KiB a context switch. */
void sc_amx_begin(void);
void sc_amx_end(void);

static inline int64_t sc_conv_blocks(int64_t oc)
{
    return (oc + SC_LANES - 1) / SC_LANES;
}

#endif
