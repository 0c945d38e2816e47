/* Batch normalisation as training needs it: by a batch's own statistics, and back.
 *
 * Rows of c channels of bfloat16, one after the other, n in all: an image's pixels,
 * channel last.  Arithmetic is float32, sums of more than a chunk are double.
 *
 * Why here: PyTorch's own takes 40 % of a training step of MultiResUNet on a CPU.  Its
 * vectors run along the channels, of which these networks have 17, 51 or 105, so most
 * of its work is in remainders.  Here 16 / gcd(c, 16) rows make a block that vectors
 * fill without remainder, with scale and shift laid out once for a whole block; and
 * the ReLU after a Norm, or the sum and ReLU before it, cost no pass of their own.
 */
#ifndef SC_KERNELS_BATCH_NORM_H
#define SC_KERNELS_BATCH_NORM_H

#include "../spinalcord.h"

/* y = max(weight * (x - mean) / sqrt(variance + eps) + bias, 0 where relu). */
typedef struct {
    int64_t n, c;        /* 1 to SC_SIDE_MAX channels */
    const float *weight; /* (c), NULL: 1 */
    const float *bias;   /* (c) */
    float eps;
    bool relu;
} sc_batch_norm;

/* Whether this CPU has what it takes: AVX512_BF16. */
bool sc_batch_norm_supported(void);

/* Normalise a batch.
 *
 * 'x'         (n, c)
 * 'other'     (n, c) or NULL; with it, what is normalised is 'sum' = max(x + other, 0)
 * 'sum'       (n, c), NULL without 'other'; the rounded values count
 * 'y'         (n, c)
 * 'mean', 'variance'  (c), of the batch; the variance of a population
 * 'threads'   at least 1; any number gives the same bits
 *
 * SC_BAD_SHAPE for no rows or channels, SC_UNSUPPORTED, SC_NOMEM. */
sc_status sc_batch_norm_forward(const sc_batch_norm *norm, const uint16_t *x,
                                const uint16_t *other, uint16_t *sum, uint16_t *y,
                                float *mean, float *variance, int threads,
                                sc_error *err);

/* What comes back through it.
 *
 * 'x'         (n, c), what was normalised: 'sum' where there was another
 * 'summed'    whether it was a sum with a ReLU: dx is 0 where x is not above 0, and is
 *             the gradient of both addends
 * 'dy'        (n, c)
 * 'mean', 'variance'  (c), from the way forward
 * 'dx'        (n, c)
 * 'dweight', 'dbias'  (c)
 *
 * Fails as above. */
sc_status sc_batch_norm_backward(const sc_batch_norm *norm, const uint16_t *x,
                                 bool summed, const uint16_t *dy, const float *mean,
                                 const float *variance, uint16_t *dx, float *dweight,
                                 float *dbias, int threads, sc_error *err);

/* ---- The loops, for batch_norm.c alone ------------------------------------- */

/* 'items' values, a multiple of c; tables hold a block of 'length' values, a multiple
 * of 16 and of c.  What is accumulated lies in such a table too. */
typedef struct {
    int64_t items, length;
    const float *scale, *shift; /* of the Norm as one multiply-add */
    bool relu, summed;
} sc_norm_run;

void sc_norm_sums_avx512bf16(const sc_norm_run *run, const uint16_t *x,
                             const uint16_t *other, uint16_t *sum, float *total,
                             float *squares);
void sc_norm_apply_avx512bf16(const sc_norm_run *run, const uint16_t *x, uint16_t *y);
/* Sums of the gradient g before the ReLU, and of g (x - mean). */
void sc_norm_back_sums_avx512bf16(const sc_norm_run *run, const uint16_t *x,
                                  const uint16_t *dy, const float *mean, float *total,
                                  float *moments);
/* dx = by_g * g + by_x * x + rest. */
void sc_norm_back_avx512bf16(const sc_norm_run *run, const uint16_t *x,
                             const uint16_t *dy, const float *by_g, const float *by_x,
                             const float *rest, uint16_t *dx);

#endif
