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

static bool is_surface(const uint8_t *voxel, const int64_t at[3],
                       const int64_t extents[3])
{
    const int64_t strides[3] = {extents[1] * extents[2], extents[2], 1};
    for (int axis = 0; axis < 3; axis++) {
        if (at[axis] == 0 || voxel[-strides[axis]] == 0) return true;
        if (at[axis] == extents[axis] - 1 || voxel[strides[axis]] == 0) return true;
    }
    return false;
}

/* 'dst' (may be NULL): the surface within 'b', 0 and 1.  Returns its voxels' count. */
static int64_t find_surface(const uint8_t *mask, const int64_t extents[3], const box *b,
                            uint8_t *dst)
{
    int64_t count = 0;
    for (int64_t k = b->first[0]; k < b->last[0]; k++) {
        for (int64_t i = b->first[1]; i < b->last[1]; i++) {
            const uint8_t *row = mask + (k * extents[1] + i) * extents[2];
            for (int64_t j = b->first[2]; j < b->last[2]; j++) {
                const bool surface = row[j] != 0 &&
                                     is_surface(row + j, (int64_t[]){k, i, j}, extents);
                count += surface;
                if (dst != NULL) *dst++ = surface;
            }
        }
    }
    return count;
}

int64_t sc_surface_count(const uint8_t *mask, const int64_t extents[3])
{
    const box b = box_of(mask, extents);
    return find_surface(mask, extents, &b, NULL);
}

/* Distances of the surface 'from' to the surface whose squared distances are given. */
static void gather(const uint8_t *from, const double *squared, int64_t n, double *dst)
{
    for (int64_t p = 0; p < n; p++) {
        if (from[p] != 0) *dst++ = sqrt(squared[p]);
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
    uint8_t *surface_a = NULL, *surface_b = NULL;
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
    if (surface_a == NULL || surface_b == NULL || squared == NULL) {
        status = sc_fail(err, SC_NOMEM, "no memory for the surfaces in %lld voxels",
                         (long long)n);
        goto done;
    }
    (void)find_surface(a, extents, &both, surface_a);
    (void)find_surface(b, extents, &both, surface_b);
    SC_TRY(sc_squared_distances(surface_b, size, spacing, threads, squared, err));
    gather(surface_a, squared, n, a_to_b);
    SC_TRY(sc_squared_distances(surface_a, size, spacing, threads, squared, err));
    gather(surface_b, squared, n, b_to_a);
done:
    sc_free(surface_a);
    sc_free(surface_b);
    sc_free(squared);
    return status;
}
