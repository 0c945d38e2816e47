/* Squared distances, which the transform and the surface metrics share. */
#ifndef SC_STATS_DISTANCE_H
#define SC_STATS_DISTANCE_H

#include "../spinalcord.h"

/* SC_BAD_SHAPE or SC_BAD_VALUE unless extents and spacing are positive and finite. */
sc_status sc_check_grid(const int64_t extents[3], const double spacing[3],
                        sc_error *err);

/* 'out' = squared distance in square millimetres of each voxel to the nearest one of
 * 'mask', or of its own slice of 'mask', infinite where there is none.  SC_NOMEM. */
sc_status sc_squared_distances(const uint8_t *mask, const int64_t extents[3],
                               const double spacing[3], bool own_slice, int threads,
                               double *out, sc_error *err);

#endif
