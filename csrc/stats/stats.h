/* Statistics in C: what is hot in comparing answers with the truth.  Errors, owners and
 * threads as in spinalcord.h, whose second half this is.
 */
#ifndef SC_STATS_STATS_H
#define SC_STATS_STATS_H

#include "../spinalcord.h"

/* Placement values of n scored cases, which carry the AUC and its variance (DeLong).
 *
 * 'scores'    finite or infinite; a higher one speaks for the positive class
 * 'positive'  0 or not 0, per case
 * 'out'       n: for a positive case the share of negatives that score lower, for a
 *             negative case the share of positives that score higher; ties count half
 *
 * The mean over the positives is the AUC, and so is the mean over the negatives.
 * O(n log n).  SC_BAD_SHAPE; SC_BAD_VALUE where a class is empty; SC_NOT_FINITE for
 * NaN; SC_NOMEM. */
sc_status sc_placements(const double *scores, const uint8_t *positive, int64_t n,
                        double *out, sc_error *err);

/* What the bootstrap draws from.  A unit (a patient) is drawn with all its cases, and
 * only within its stratum. */
typedef struct {
    const double *scores;    /* (n_models, n); not NaN */
    const uint8_t *positive; /* (n), both classes occur */
    const int64_t *unit;     /* (n), 0 .. n_units - 1 */
    const int64_t *strata;   /* (n_strata), units of each: the first strata[0], ... */
    int64_t n_models, n, n_strata;
} sc_auc_sample;

/* AUC of each model in 'replicates' samples drawn with replacement.
 *
 * Every model sees the same samples, so that differences between columns are paired.
 * Replicate r depends on 'seed' and r alone: any number of threads gives the same bits.
 *
 * 'out'  (replicates, n_models); NaN where a sample lacks a class
 *
 * SC_BAD_SHAPE, SC_BAD_VALUE, SC_NOT_FINITE, SC_NOMEM or SC_CANCELLED. */
sc_status sc_auc_bootstrap(const sc_auc_sample *sample, int64_t replicates,
                           uint64_t seed, int threads, double *out, sc_poll_fn poll,
                           void *poll_arg, sc_error *err);

/* Ratio of two sums over n units, in 'replicates' samples of n drawn with replacement:
 * a mean where the denominators are 1, a pooled proportion where both are counts.
 *
 * 'numerator', 'denominator'  (n), finite
 * 'out'                       (replicates); NaN where the denominators' sum is 0
 *
 * Replicate r depends on 'seed' and r alone.  SC_BAD_SHAPE, SC_BAD_VALUE,
 * SC_NOT_FINITE, SC_NOMEM or SC_CANCELLED. */
sc_status sc_ratio_bootstrap(const double *numerator, const double *denominator,
                             int64_t n, int64_t replicates, uint64_t seed, int threads,
                             double *out, sc_poll_fn poll, void *poll_arg,
                             sc_error *err);

/* Exact Euclidean distance of every voxel's centre to the nearest centre of a voxel of
 * 'mask', in millimetres; infinite where the mask is empty.
 *
 * 'mask'     uint8, three axes; not 0 is inside
 * 'spacing'  of the axes in millimetres, positive and finite
 * 'out'      float64, the extents of 'mask'
 *
 * The same bits for any number of threads.  SC_BAD_SHAPE, SC_BAD_VALUE, SC_NOMEM. */
sc_status sc_distance_transform(const uint8_t *mask, const int64_t extents[3],
                                const double spacing[3], int threads, double *out,
                                sc_error *err);

/* Count the voxels of a mask that have a face in common with the background or with
 * the edge of the volume.  SC_NOMEM. */
sc_status sc_surface_count(const uint8_t *mask, const int64_t extents[3], int64_t *out,
                           sc_error *err);

/* Distances between the surfaces of two masks, voxel centre to voxel centre.
 *
 * 'a_to_b'  one per surface voxel of a, in C order: to the nearest surface voxel of b
 * 'b_to_a'  the other way
 *
 * SC_BAD_SHAPE; SC_BAD_VALUE for an empty mask or a bad spacing; SC_NOMEM. */
sc_status sc_surface_distances(const uint8_t *a, const uint8_t *b,
                               const int64_t extents[3], const double spacing[3],
                               int threads, double *a_to_b, double *b_to_a,
                               sc_error *err);

#endif
