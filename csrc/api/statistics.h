/* Statistics: the computations that are too slow in Python. */
#ifndef SC_API_STATISTICS_H
#define SC_API_STATISTICS_H

#include "status.h"

#include <stdint.h>

/* ---- Scores ----------------------------------------------------------------------- */

/* Compute the placement values of n scored cases, which carry the AUC and its variance
 * (DeLong, DeLong & Clarke-Pearson 1988).
 *
 * A higher score indicates the positive class; scores may be infinite.  'positive' is not
 * 0 for the positive cases.  'out' receives n values: for a positive case the share of
 * negatives that score lower, for a negative case the share of positives that score
 * higher; ties count half.  The mean over the positives is the AUC, and so is the mean
 * over the negatives.  Takes O(n log n).
 *
 * Returns SC_BAD_SHAPE for no case or too many, SC_BAD_VALUE where a class is empty, and
 * SC_NOT_FINITE for NaN. */
sc_status sc_placements(const double *scores, const uint8_t *positive, int64_t n,
                        double *out, sc_error *err);

/* The data of a bootstrap.  A unit (a patient) is drawn with all its cases, and only
 * within its stratum. */
typedef struct {
    const double *scores;    /* (n_models, n); not NaN */
    const uint8_t *positive; /* (n), both classes occur */
    const int64_t *unit;     /* (n), 0 to n_units - 1 */
    const int64_t *strata;   /* (n_strata), units of each: the first strata[0], ... */
    int64_t n_models, n, n_strata;
} sc_auc_sample;

/* Compute the AUC of each model in 'replicates' samples drawn with replacement.
 *
 * All models use the same samples, so that differences between columns are paired.
 * Replicate r depends only on 'seed' and r.  'out' receives (replicates, n_models), NaN
 * where a sample lacks a class.
 *
 * Returns SC_BAD_SHAPE, SC_BAD_VALUE, SC_NOT_FINITE or SC_CANCELLED. */
sc_status sc_auc_bootstrap(const sc_auc_sample *sample, int64_t replicates,
                           uint64_t seed, int threads, double *out, sc_poll_fn poll,
                           void *poll_arg, sc_error *err);

/* Compute the ratio of two sums over n units in 'replicates' samples of n units drawn with
 * replacement: a mean where the denominators are 1, a pooled proportion where both are
 * counts.
 *
 * 'numerator' and 'denominator' are (n), finite.  'out' receives (replicates), NaN where
 * the denominators' sum is 0.  Replicate r depends only on 'seed' and r.
 *
 * Returns SC_BAD_SHAPE, SC_BAD_VALUE, SC_NOT_FINITE or SC_CANCELLED. */
sc_status sc_ratio_bootstrap(const double *numerator, const double *denominator,
                             int64_t n, int64_t replicates, uint64_t seed, int threads,
                             double *out, sc_poll_fn poll, void *poll_arg,
                             sc_error *err);

/* ---- Masks ------------------------------------------------------------------------ */

/* Compute the exact Euclidean distance, in millimetres, of every voxel's centre to the
 * nearest centre of a voxel of 'mask'; infinite where the mask is empty.
 *
 * 'spacing' is that of the axes, positive and finite.  'out' has the extents of 'mask'.
 *
 * Returns SC_BAD_SHAPE or SC_BAD_VALUE. */
sc_status sc_distance_transform(const uint8_t *mask, const int64_t extents[3],
                                const double spacing[3], int threads, double *out,
                                sc_error *err);

/* Count the voxels of a mask that have a face in common with the background or with the
 * edge of the volume: its surface. */
sc_status sc_surface_count(const uint8_t *mask, const int64_t extents[3], int64_t *out,
                           sc_error *err);

/* Compute the distances, in millimetres, between the surfaces of two masks, from voxel
 * centre to voxel centre.
 *
 * 'a_to_b' receives, for each surface voxel of a in C order, the distance to the nearest
 * surface voxel of b; 'b_to_a' the same the other way.  They need room for as
 * many values as sc_surface_count returns.
 *
 * Returns SC_BAD_SHAPE, or SC_BAD_VALUE for an empty mask or a bad spacing. */
sc_status sc_surface_distances(const uint8_t *a, const uint8_t *b,
                               const int64_t extents[3], const double spacing[3],
                               int threads, double *a_to_b, double *b_to_a,
                               sc_error *err);

#endif
