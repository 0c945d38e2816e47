/* 3 x 3 convolutions with fewer products: Winograd's F(n x n, 3 x 3) (Lavin & Gray 2015,
 * "Fast Algorithms for Convolutional Neural Networks", section 4).
 *
 * A tile of n x n outputs needs (n + 2) x (n + 2) inputs.  Both sides and the weights are
 * transformed (B'dB, GgG', A'MA) so that the sum over taps becomes (n + 2)^2 independent
 * products, the points; over many tiles those are as many matrix products
 * (tiles x ic) * (ic x oc).  The transforms cost additions, one pass through L2 and one
 * through L1.
 *
 *            tile     products of an output   what the transforms do to rounding
 * float32    4 x 4    36 / 16 in place of 9   constants up to 8: sums lose about two digits
 *                                             against the direct kernel, 1e-5 relative
 * bfloat16   2 x 2    16 / 4 in place of 9    constants 1 and 1/2: inputs and weights are
 *                                             rounded once more, 4e-3 of the outputs'
 *                                             deviation in place of 2e-3
 *
 * 4 x 4 is not offered in bfloat16, whose eight bits its constants would use up.  With the
 * tiles of AMX there is no Winograd: its transforms cost more than such products save.
 */
#ifndef SC_KERNELS_WINOGRAD_H
#define SC_KERNELS_WINOGRAD_H

#include "conv.h"

typedef struct {
    const char *name;
    int64_t out; /* a tile's outputs each way; at a map's ends some may be missing */

    /* Bytes of transformed weights, and 'wei' (oc, 3, 3, ic) float32 to that: for each
     * point as sc_conv_pack_... packs a 1 x 1 convolution. */
    size_t (*packed_nbytes)(int64_t oc, int64_t ic);
    void (*pack)(const float *wei, int64_t oc, int64_t ic, void *dst);

    /* Whether it pays for such a layer: measured, see winograd.c. */
    bool (*pays)(int64_t ic, int64_t oc, int64_t rows, int64_t columns);

    /* Floats of scratch that a thread needs. */
    int64_t (*scratch)(int64_t oc, int64_t ic);

    /* Like a sc_conv_fn with one phase of 3 x 3 taps and no 'add': all blocks of rows
     * [row0, row1), multiples of 'out' but for the last of all.  'wei' is pack's; the
     * phase's own weights are not looked at. */
    void (*run)(const sc_conv *conv, const void *wei, int64_t row0, int64_t row1,
                float *scratch);
} sc_winograd;

extern const sc_winograd sc_winograd_f32_avx2, sc_winograd_f32_avx512,
    sc_winograd_bf16_avx512;

#endif
