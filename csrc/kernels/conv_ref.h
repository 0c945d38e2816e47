/* The reference implementation of conv.h, with which the tests compare all other kernels.
 * Engines never choose it. */
#ifndef SC_KERNELS_CONV_REF_H
#define SC_KERNELS_CONV_REF_H

#include "conv.h"

/* Each is a sc_conv_fn. */
void sc_conv_ref_f32(const sc_conv *, int64_t, int64_t, int64_t, int64_t);
void sc_conv_ref_bf16(const sc_conv *, int64_t, int64_t, int64_t, int64_t);

#endif
