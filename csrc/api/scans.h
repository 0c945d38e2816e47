/* Scans: from stored voxels to a volume in the working orientation, and back. */
#ifndef SC_API_SCANS_H
#define SC_API_SCANS_H

#include "status.h"

#include <stdbool.h>
#include <stdint.h>

/* Types of stored voxels. */
typedef enum {
    SC_U8 = 0,
    SC_I8 = 1,
    SC_U16 = 2,
    SC_I16 = 3,
    SC_U32 = 4,
    SC_I32 = 5,
    SC_U64 = 6,
    SC_I64 = 7,
    SC_F32 = 8,
    SC_F64 = 9,
} sc_dtype;

/* A scan as it is stored, with its three axes in any order and direction. */
typedef struct {
    const void *data; /* voxel (0, 0, 0); voxels are aligned, of native byte order */
    sc_dtype dtype;
    int64_t extents[3];
    int64_t strides_nbytes[3]; /* of any sign, or 0 */
} sc_scan;

/* The orientation of a scan: working axis k (slice, row, column) is stored axis axes[k],
 * reversed if flips[k]. */
typedef struct {
    int axes[3]; /* a permutation of 0, 1, 2 */
    bool flips[3];
} sc_orientation;

/* Copy a stored scan into the working orientation.
 *
 * 'dst' receives float32 (slice, row, column), as many voxels as 'src' has.
 *
 * Returns SC_BAD_SHAPE for an empty axis, SC_BAD_VALUE for an orientation that is not a
 * permutation, and SC_NOT_FINITE where voxels are NaN, infinite or beyond float32; in this
 * case 'dst' is filled nevertheless, and err->detail is the number of such voxels, at most
 * INT_MAX. */
sc_status sc_scan_orient(const sc_scan *src, const sc_orientation *orientation,
                         float *dst, sc_error *err);

/* Copy a volume to the stored axes: the inverse of sc_scan_orient, for results.
 *
 * 'src' is (slice, row, column) and 'dst' as stored, both in C order with items of 1 or 4
 * bytes; 'stored' are the extents of 'dst'.  Fails as sc_scan_orient does. */
sc_status sc_volume_unorient(const void *src, int64_t item_nbytes,
                             const int64_t stored[3], const sc_orientation *orientation,
                             void *dst, sc_error *err);

/* Scale a volume of n voxels to [0, 1].
 *
 * The z-score over all voxels (population standard deviation, sums in double) is clipped
 * to [-clip, clip]; then the minimum becomes 0 and the maximum 1.  'dst' may be 'src'.
 *
 * Returns SC_BAD_SHAPE for n below 1, SC_BAD_VALUE for a constant volume or a 'clip' that
 * is not positive and finite, and SC_NOT_FINITE. */
sc_status sc_volume_normalize(const float *src, int64_t n, double clip, float *dst,
                              sc_error *err);

#endif
