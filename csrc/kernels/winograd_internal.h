/* The functions of winograd.h's tables that are independent of the instruction set. */
#ifndef SC_KERNELS_WINOGRAD_INTERNAL_H
#define SC_KERNELS_WINOGRAD_INTERNAL_H

#include "winograd.h"

enum {
    SC_WINOGRAD4_OUT = 4,    /* outputs of a tile each way, in float32 */
    SC_WINOGRAD2_OUT = 2,    /* in bfloat16 */
    SC_WINOGRAD_MARGINS = 2, /* inputs beyond them: a pixel on either side */
};

/* Tiles of 4 x 4 outputs in float32. */
size_t sc_winograd4_packed_nbytes(int64_t oc, int64_t ic);
void sc_winograd4_pack(const float *wei, int64_t oc, int64_t ic, void *dst);
bool sc_winograd4_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns);

/* Tiles of 2 x 2 outputs in bfloat16. */
size_t sc_winograd2_packed_nbytes(int64_t oc, int64_t ic);
void sc_winograd2_pack(const float *wei, int64_t oc, int64_t ic, void *dst);
bool sc_winograd2_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns);

/* Whether transformed weights are too large for L2 beside all else, so that each group of
 * tiles reads them from beyond it. */
static inline bool sc_winograd_heavy(size_t packed_nbytes)
{
    return packed_nbytes > (size_t)1250 << 10;
}

#endif
