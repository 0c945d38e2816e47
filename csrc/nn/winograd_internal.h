/* What the two sizes of winograd.h share with their kernels: extents and scratch. */
#ifndef SC_NN_WINOGRAD_INTERNAL_H
#define SC_NN_WINOGRAD_INTERNAL_H

#include "winograd.h"

enum {
    SC_WINOGRAD_GROUP = 3, /* blocks whose products are kept before they go out */
    SC_WINOGRAD4_OUT = 4,  /* float32 */
    SC_WINOGRAD4_IN = 6,
    SC_WINOGRAD4_POINTS = 36,
    SC_WINOGRAD2_OUT = 2, /* bfloat16 */
    SC_WINOGRAD2_IN = 4,
    SC_WINOGRAD2_POINTS = 16,
    SC_WINOGRAD2_BATCH = 8, /* tiles whose products are in L1 together */
    SC_WINOGRAD2_PRODUCTS = 16 * 8 * SC_WINOGRAD_GROUP * SC_LANES, /* floats */
};

/* The functions of the tables but 'run': they need no vector instructions. */
size_t sc_winograd4_packed_nbytes(int64_t oc, int64_t ic);
size_t sc_winograd2_packed_nbytes(int64_t oc, int64_t ic);
void sc_winograd4_pack(const float *wei, int64_t oc, int64_t ic, void *dst);
void sc_winograd2_pack(const float *wei, int64_t oc, int64_t ic, void *dst);
bool sc_winograd4_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns);
bool sc_winograd2_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns);
int64_t sc_winograd4_scratch(int64_t ic);
int64_t sc_winograd2_scratch(int64_t ic);

/* Tiles that are transformed together, a multiple of 8. */
int64_t sc_winograd4_tiles(int64_t ic);
int64_t sc_winograd2_tiles(int64_t ic);

/* Values from one point's matrix of 'tiles' rows to the next: off multiples of 4 KiB,
 * which would put all points into the same L1 sets. */
int64_t sc_winograd_point(int64_t tiles, int64_t channels);

/* Blocks of the next group: 4 are better done as 2 + 2 than as 3 + 1. */
static inline int64_t sc_winograd_group(int64_t left)
{
    return left == 4 ? 2 : left < SC_WINOGRAD_GROUP ? left : SC_WINOGRAD_GROUP;
}

#endif
