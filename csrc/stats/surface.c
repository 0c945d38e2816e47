/* Distances between the surfaces of two masks.
 *
 * A surface voxel lies in the mask and has a face in common with the background or the
 * edge of the volume.  Everything happens in the box that holds both masks: a nearest
 * surface voxel cannot lie outside it.
 */
#include "distance.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <math.h>
#include <string.h>

/* Voxels first[k] .. last[k] - 1 along axis k. */
typedef struct {
    int64_t first[3], last[3];
} box;

static bool any(const uint8_t *values, int64_t n)
{
    uint8_t found = 0;
    for (int64_t i = 0; i < n; i++) found |= values[i];
    return found != 0;
}

/* Grows 'b' by the voxels of a row that are not 0. */
static void grow(box *b, const uint8_t *row, int64_t k, int64_t i, int64_t cols)
{
    int64_t first = 0, last = cols;
    while (row[first] == 0) first++;
    while (row[last - 1] == 0) last--;
    const int64_t at[3] = {k, i, first}, after[3] = {k + 1, i + 1, last};
    for (int axis = 0; axis < 3; axis++) {
        b->first[axis] = sc_min(b->first[axis], at[axis]);
        b->last[axis] = sc_max(b->last[axis], after[axis]);
    }
}

/* The box of a mask; last[0] is 0 where the mask is empty. */
static box box_of(const uint8_t *mask, const int64_t extents[3])
{
    box b = {{extents[0], extents[1], extents[2]}, {0, 0, 0}};
    for (int64_t k = 0; k < extents[0]; k++) {
        for (int64_t i = 0; i < extents[1]; i++) {
            const uint8_t *row = mask + (k * extents[1] + i) * extents[2];
            if (any(row, extents[2])) grow(&b, row, k, i, extents[2]);
        }
    }
    return b;
}

/* dst[j] = 1 where row[j] is on the surface, else 0.  Plain byte arithmetic, which the
 * compiler turns into vectors. */
static void find_in_row(const uint8_t *row, const int64_t extents[3], bool at_edge,
                        uint8_t *dst)
{
    const int64_t n = extents[2], area = extents[1] * n;
    if (at_edge) {
        for (int64_t j = 0; j < n; j++) dst[j] = row[j] != 0;
        return;
    }
    dst[0] = row[0] != 0;
    dst[n - 1] = row[n - 1] != 0;
    for (int64_t j = 1; j < n - 1; j++) {
        const uint8_t in_row = (row[j - 1] != 0) & (row[j + 1] != 0);
        const uint8_t in_slice = (row[j - n] != 0) & (row[j + n] != 0);
        const uint8_t across = (row[j - area] != 0) & (row[j + area] != 0);
        dst[j] = (row[j] != 0) & ((in_row & in_slice & across) ^ 1);
    }
}

/* The surface within 'b'; returns its voxels' count.
 *
 * 'line'  room for one row of the volume
 * 'dst'   the box, 0 and 1; may be NULL */
static int64_t find_surface(const uint8_t *mask, const int64_t extents[3], const box *b,
                            uint8_t *line, uint8_t *dst)
{
    const int64_t width = b->last[2] - b->first[2];
    int64_t count = 0;
    for (int64_t k = b->first[0]; k < b->last[0]; k++) {
        for (int64_t i = b->first[1]; i < b->last[1]; i++) {
            const bool at_edge = k == 0 || k == extents[0] - 1 || i == 0 ||
                                 i == extents[1] - 1;
            find_in_row(mask + (k * extents[1] + i) * extents[2], extents, at_edge,
                        line);
            for (int64_t j = 0; j < width; j++) count += line[b->first[2] + j];
            if (dst == NULL) continue;
            memcpy(dst, line + b->first[2], (size_t)width);
            dst += width;
        }
    }
    return count;
}

sc_status sc_surface_count(const uint8_t *mask, const int64_t extents[3], int64_t *out,
                           sc_error *err)
{
    const box b = box_of(mask, extents);
    *out = 0;
    if (b.last[0] == 0) return SC_OK;
    uint8_t *line = sc_alloc((size_t)extents[2]);
    if (line == NULL) return sc_fail(err, SC_NOMEM, "no memory for a row of a mask");
    *out = find_surface(mask, extents, &b, line, NULL);
    sc_free(line);
    return SC_OK;
}

/* Distances of the surface 'from' to the one whose squared distances within each slice
 * are given.  Queries are few: looking from slice to slice, until those are too far,
 * costs less than a transform along that axis. */
static void gather(const uint8_t *from, const double *squared, const int64_t size[3],
                   double step, double *dst)
{
    const int64_t area = size[1] * size[2];
    for (int64_t k = 0; k < size[0]; k++) {
        for (int64_t p = 0; p < area; p++) {
            if (from[k * area + p] == 0) continue;
            double nearest = squared[k * area + p];
            for (int64_t d = 1; d < size[0]; d++) {
                const double along = (double)d * step * ((double)d * step);
                if (!(along < nearest)) break;
                if (k >= d)
                    nearest = fmin(nearest, squared[(k - d) * area + p] + along);
                if (k + d < size[0]) {
                    nearest = fmin(nearest, squared[(k + d) * area + p] + along);
                }
            }
            *dst++ = sqrt(nearest);
        }
    }
}

static sc_status boxed(const uint8_t *a, const uint8_t *b, const int64_t extents[3],
                       box *out, sc_error *err)
{
    const box boxes[2] = {box_of(a, extents), box_of(b, extents)};
    for (int m = 0; m < 2; m++) {
        if (boxes[m].last[0] > 0) continue;
        return sc_fail(err, SC_BAD_VALUE, "the %s mask is empty: it has no surface",
                       m == 0 ? "first" : "second");
    }
    for (int axis = 0; axis < 3; axis++) {
        out->first[axis] = sc_min(boxes[0].first[axis], boxes[1].first[axis]);
        out->last[axis] = sc_max(boxes[0].last[axis], boxes[1].last[axis]);
    }
    return SC_OK;
}

sc_status sc_surface_distances(const uint8_t *a, const uint8_t *b,
                               const int64_t extents[3], const double spacing[3],
                               int threads, double *a_to_b, double *b_to_a,
                               sc_error *err)
{
    sc_status status = SC_OK;
    uint8_t *surface_a = NULL, *surface_b = NULL, *line = NULL;
    double *squared = NULL;
    box both;
    SC_TRY(sc_check_grid(extents, spacing, err));
    SC_TRY(boxed(a, b, extents, &both, err));
    int64_t size[3];
    for (int axis = 0; axis < 3; axis++)
        size[axis] = both.last[axis] - both.first[axis];
    const int64_t n = size[0] * size[1] * size[2];
    surface_a = sc_alloc((size_t)n);
    surface_b = sc_alloc((size_t)n);
    squared = sc_alloc((size_t)n * sizeof *squared);
    line = sc_alloc((size_t)extents[2]);
    if (surface_a == NULL || surface_b == NULL || squared == NULL || line == NULL) {
        status = sc_fail(err, SC_NOMEM, "no memory for the surfaces in %lld voxels",
                         (long long)n);
        goto done;
    }
    (void)find_surface(a, extents, &both, line, surface_a);
    (void)find_surface(b, extents, &both, line, surface_b);
    SC_TRY(sc_squared_distances(surface_b, size, spacing, true, threads, squared, err));
    gather(surface_a, squared, size, spacing[0], a_to_b);
    SC_TRY(sc_squared_distances(surface_a, size, spacing, true, threads, squared, err));
    gather(surface_b, squared, size, spacing[0], b_to_a);
done:
    sc_free(surface_a);
    sc_free(surface_b);
    sc_free(squared);
    sc_free(line);
    return status;
}
