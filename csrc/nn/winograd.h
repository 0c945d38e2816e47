/* 3 x 3 convolutions with a quarter of the products: Winograd's F(4 x 4, 3 x 3)
 * (Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks", section 4).
 *
 * A tile of 4 x 4 outputs needs 6 x 6 inputs.  Both sides and the weights are
 * transformed (B'dB, GgG', A'MA) so that the sum over taps becomes 36 independent
 * products; over many tiles those are 36 matrix products (tiles x ic) * (ic x oc),
 * which the float32 kernel of conv.h computes.  The transforms cost additions and one
 * pass through L2.  Their constants reach 8, so sums lose about two digits against the
 * direct kernel: 1e-5 relative, float32 only.
 */
#ifndef SC_NN_WINOGRAD_H
#define SC_NN_WINOGRAD_H

#include "conv.h"

enum {
    SC_WINOGRAD_OUT = 4,
    SC_WINOGRAD_IN = 6,
    SC_WINOGRAD_POINTS = 36,
    SC_WINOGRAD_GROUP = 3, /* blocks whose products are kept before they go out */
};

/* Values of transformed weights: 36 x blocks x ic x 16. */
int64_t sc_winograd_packed(int64_t oc, int64_t ic);

/* 'wei' (oc, 3, 3, ic) float32 to 'dst', sc_winograd_packed values: for each of the 36
 * points as sc_conv_pack_f32 packs a 1 x 1 convolution. */
void sc_winograd_pack(const float *wei, int64_t oc, int64_t ic, float *dst);

/* Tiles that are transformed together, a multiple of 8, and floats from one point's
 * matrix of so many rows to the next: off multiples of 4 KiB, which would put all 36
 * into the same L1 sets. */
int64_t sc_winograd_tiles(int64_t ic);
int64_t sc_winograd_point(int64_t tiles, int64_t channels);

/* Floats of scratch that a thread needs. */
int64_t sc_winograd_scratch(int64_t ic);

/* Like a sc_conv_fn with one phase of 3 x 3 taps and no 'add', whose rows and columns
 * are multiples of 4; all blocks of rows [row0, row1), multiples of 4 as well.
 * 'wei' is sc_winograd_pack's; the phase's own weights are not looked at. */
typedef void (*sc_winograd_fn)(const sc_conv *conv, const float *wei, int64_t row0,
                               int64_t row1, float *scratch);
void sc_winograd_f32_avx2(const sc_conv *, const float *, int64_t, int64_t, float *);
void sc_winograd_f32_avx512(const sc_conv *, const float *, int64_t, int64_t, float *);

/* Whether it pays for such a layer: measured, see winograd.c. */
bool sc_winograd_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns);

#endif
