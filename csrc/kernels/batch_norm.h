/* The loops of batch normalisation (api/training.h) over one chunk of rows.
 *
 * Reason: PyTorch's takes 40 % of a training step of MultiResUNet on a CPU.  Its
 * vectors run along the channels, of which these networks have 17, 51 or 105, so most of
 * its work is in remainders.  Here 16 / gcd(c, 16) rows make a block that vectors fill
 * without remainder, with scale and shift laid out once for a whole block; and the ReLU
 * after a normalisation, or the sum and ReLU before it, cost no pass of their own.
 */
#ifndef SC_KERNELS_BATCH_NORM_H
#define SC_KERNELS_BATCH_NORM_H

#include "../spinalcord.h"

/* 'items' values, a multiple of c; tables hold a block of 'length' values, a multiple
 * of 16 and of c.  Sums lie in such a table too. */
typedef struct {
    int64_t items, length;
    const float *scale, *shift; /* of the normalisation as one multiply-add */
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
