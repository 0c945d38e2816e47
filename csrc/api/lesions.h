/* Lesions: the connected components of a mask, and their measurements. */
#ifndef SC_API_LESIONS_H
#define SC_API_LESIONS_H

#include "status.h"

#include <stdint.h>

/* Number the connected components of a mask (slice, row, column), the largest first and
 * equal ones by their first voxel in C order.
 *
 * 'connectivity' is 6, 18 or 26: neighbours share a face, at least an edge, or at least a
 * corner.  Components of fewer than 'min_voxels' become background.  'labels', with the
 * extents of 'mask', receives 0 for background and the numbers from 1 on; 'n' receives
 * the number of components.
 *
 * Returns SC_BAD_SHAPE for extents that do not fit, SC_BAD_VALUE for another connectivity. */
sc_status sc_components_label(const uint8_t *mask, const int64_t extents[3],
                              int connectivity, int64_t min_voxels, int32_t *labels,
                              int32_t *n, sc_error *err);

/* The measures of one lesion.  Extents run from outer edge to outer edge. */
typedef struct {
    int64_t n_voxels;
    double volume_mm3;
    double length_mm;              /* along the row axis, S-I */
    double width_mm;               /* along the column axis, A-P */
    double depth_mm;               /* along the slice axis, L-R */
    double max_diameter_mm;        /* between any two points, voxels taken as boxes */
    double centroid_mm[3];         /* of the voxel centres, RAS+ */
    double mean, sd;               /* of the intensities; population */
    double in_cord_fraction;       /* share of its voxels; NaN without a cord */
    double max_axial_damage_ratio; /* largest, over rows, of (lesion in cord) / cord */
} sc_lesion;

/* Measure the components of 'labels' (slice, row, column), which are numbered 1 to n.
 *
 * 'affine' is 4 x 4, row by row, and takes a voxel (slice, row, column) to millimetres in
 * RAS+.  'volume' holds the intensities and 'cord' (NULL where there is none) a mask, both
 * of the extents of 'labels'.  out[i] receives the measures of label i + 1.
 *
 * Returns SC_BAD_SHAPE for extents that do not fit, and SC_BAD_VALUE for a label outside 0
 * to n, one that does not occur, or an affine that is singular or not finite. */
sc_status sc_lesions_measure(const int32_t *labels, const int64_t extents[3], int32_t n,
                             const float *volume, const double affine[16],
                             const uint8_t *cord, sc_lesion *out, sc_error *err);

/* Return the volume of one voxel in cubic millimetres; NaN unless the affine is finite and
 * regular. */
double sc_voxel_mm3(const double affine[16]);

/* Find the smallest number of voxels that has a volume, for sc_components_label's
 * 'min_voxels'.  A tolerance of a millionth of the volume allows for rounding in the
 * affine.
 *
 * Returns SC_BAD_VALUE for a volume that is negative or not finite, or a bad affine. */
sc_status sc_voxels_needed(const double affine[16], double volume_mm3,
                           int64_t *n_voxels, sc_error *err);

#endif
