/* The largest distance between two points of a lesion. */
#ifndef SC_IMAGE_DIAMETER_H
#define SC_IMAGE_DIAMETER_H

#include "../spinalcord.h"

/* The largest distance, in millimetres, between two points of the voxels that are
 * 'label', taken as boxes: exact, between two of their corners.
 *
 * 'labels', 'extents'  as for sc_lesions_measure
 * 'box'                first and last slice, row and column of the lesion
 * 'gram'               3 x 3, row by row: products of the affine's columns
 *
 * SC_NOMEM. */
sc_status sc_max_diameter(const int32_t *labels, const int64_t extents[3],
                          int32_t label, const int64_t box[6], const double gram[9],
                          double *diameter_mm, sc_error *err);

#endif
