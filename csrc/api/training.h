/* Batch normalisation for training: with the statistics of a batch, and its gradients.
 *
 * A batch is n rows of c channels of bfloat16 (its bits in uint16_t), one after the other:
 * the pixels of all images, channel last.  Arithmetic is float32; sums of more than a chunk
 * are double.
 */
#ifndef SC_API_TRAINING_H
#define SC_API_TRAINING_H

#include "status.h"

#include <stdbool.h>
#include <stdint.h>

/* y = max(weight * (x - mean) / sqrt(variance + eps) + bias, 0 where relu). */
typedef struct {
    int64_t n, c;        /* rows, and 1 to SC_SIDE_MAX channels */
    const float *weight; /* (c); NULL stands for ones */
    const float *bias;   /* (c) */
    float eps;
    bool relu;
} sc_batch_norm;

/* Return whether this CPU supports the functions below, which need AVX512_BF16. */
bool sc_batch_norm_supported(void);

/* Normalise a batch.
 *
 * Normalises 'x' (n, c) or, with 'other' (n, c), the ReLU of their sum, which 'sum' (n, c)
 * receives, rounded, before it is normalised.  Without 'other', 'sum' is NULL.  'y'
 * (n, c) receives the result, 'mean' and 'variance' (c) the statistics of the batch, with
 * the population variance.
 *
 * Returns SC_BAD_SHAPE for no rows or channels, SC_BAD_VALUE for no thread, and
 * SC_UNSUPPORTED. */
sc_status sc_batch_norm_forward(const sc_batch_norm *norm, const uint16_t *x,
                                const uint16_t *other, uint16_t *sum, uint16_t *y,
                                float *mean, float *variance, int threads,
                                sc_error *err);

/* Compute the gradients of a batch normalisation.
 *
 * 'x' (n, c) is what was normalised: 'sum' where there was another.  'summed' says that it
 * was a sum with a ReLU: 'dx' (n, c) is then 0 where x is not above 0, and is the gradient
 * of both addends.  'dy' (n, c) is the gradient of the result, 'mean' and 'variance' (c)
 * are those of the forward pass.  'dweight' and 'dbias' (c) receive their gradients.
 *
 * Fails as sc_batch_norm_forward does. */
sc_status sc_batch_norm_backward(const sc_batch_norm *norm, const uint16_t *x,
                                 bool summed, const uint16_t *dy, const float *mean,
                                 const float *variance, uint16_t *dx, float *dweight,
                                 float *dbias, int threads, sc_error *err);

#endif
