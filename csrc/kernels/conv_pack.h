/* Weights in the order in which the kernels of conv.h read them.
 *
 * Output channels lie in blocks of SC_LANES, the last one padded with zeros, so that one
 * vector load brings the weights of a whole block for one input value:
 *
 *     f32     dst[block][tap][k][lane]
 *     bf16    dst[block][tap][k / 2][lane][k % 2], kc rounded up to 32, as both the
 *             dot-product and the tile instructions read it
 *     s8      dst[block][tap][k / 4][lane][k % 4], kc rounded up to 64, for both as well
 */
#ifndef SC_KERNELS_CONV_PACK_H
#define SC_KERNELS_CONV_PACK_H

#include "conv.h"

/* Return the number of packed values: n_blocks x n_taps x kc (padded) x SC_LANES. */
int64_t sc_conv_packed_f32(int64_t oc, int64_t n_taps, int64_t kc);
int64_t sc_conv_packed_bf16(int64_t oc, int64_t n_taps, int64_t kc);
int64_t sc_conv_packed_s8(int64_t oc, int64_t n_taps, int64_t kc);

/* Pack 'wei', (oc, n_taps, kc), into the sc_conv_packed_... values of 'dst'. */
void sc_conv_pack_f32(const float *wei, int64_t oc, int64_t n_taps, int64_t kc,
                      float *dst);
void sc_conv_pack_bf16(const float *wei, int64_t oc, int64_t n_taps, int64_t kc,
                       uint16_t *dst);

void sc_conv_pack_s8(const int8_t *wei, int64_t oc, int64_t n_taps, int64_t kc,
                     int8_t *dst);

/* 'wei' in integers, in the same order: wei / scale[channel], the largest of a channel 127.
 * Fills 'scale' and 'total', the sum of each channel's integers times zero[k] (kc of them),
 * of 'oc' values. */
void sc_conv_quantize_s8(const float *wei, int64_t oc, int64_t n_taps, int64_t kc,
                         const int32_t *zero, int8_t *dst, float *scale,
                         int32_t *total);

#endif
