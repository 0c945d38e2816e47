/* Exact Euclidean distance transform, axis by axis: along the last one by two sweeps,
 * along the others as the lower envelope of parabolas.
 *
 * Felzenszwalb and Huttenlocher, Theory of Computing 8:415 (2012).  Here grid steps
 * have a length in millimetres, and lines are taken in tiles, because neighbouring
 * lines share their cache lines.
 */
#include "distance.h"

#include "../base/memory.h"
#include "../base/status.h"
#include "../base/threads.h"

#include <math.h>

enum { TILE = 8 }; /* lines: as many doubles as a cache line holds */

typedef struct {
    const uint8_t *mask;
    const int64_t *extents;
    const double *spacing;
    bool own_slice; /* leave out the first axis */
    double *out;
    char *scratch; /* per thread */
    size_t scratch_nbytes;
    sc_barrier barrier;
} transform;

/* One thread's own memory: TILE lines, and the envelope of one. */
typedef struct {
    double *lines;  /* (TILE, longest) */
    double *floors; /* height of each parabola's lowest point */
    double *starts; /* where each parabola begins to be the lowest */
    int64_t *lows;  /* where its lowest point lies */
} scratch;

static size_t scratch_size(int64_t longest)
{
    return (size_t)sc_round_up((int64_t)sizeof(double) * (TILE + 3) * longest,
                               SC_ALIGN);
}

static scratch scratch_of(const transform *t, int thread)
{
    const int64_t *x = t->extents;
    const int64_t longest = sc_max(x[0], sc_max(x[1], x[2]));
    double *lines = (double *)(void *)(t->scratch + (size_t)thread * t->scratch_nbytes);
    double *floors = lines + TILE * longest;
    return (scratch){lines, floors, floors + longest,
                     (int64_t *)(void *)(floors + 2 * longest)};
}

/* Squared distances along one row of the mask. */
static void sweep_row(const uint8_t *mask, int64_t n, double step, double *dst)
{
    int64_t last = -1;
    for (int64_t i = 0; i < n; i++) {
        if (mask[i] != 0) last = i;
        dst[i] = last < 0 ? (double)INFINITY : (double)(i - last) * step;
    }
    if (last < 0) return;
    for (int64_t i = n - 1; i >= 0; i--) {
        if (mask[i] != 0) last = i;
        const double other = (double)(last > i ? last - i : i - last) * step;
        const double nearest = other < dst[i] ? other : dst[i];
        dst[i] = nearest * nearest;
    }
}

/* line[i] = min over j of line[j] + ((i - j) * step)^2 */
static void lower_envelope(double *line, int64_t n, double step, const scratch *s)
{
    const double step2 = step * step;
    int64_t top = -1;
    for (int64_t i = 0; i < n; i++) {
        const double floor_i = line[i];
        if (!(floor_i < (double)INFINITY)) continue;
        double start = -(double)INFINITY;
        while (top >= 0) {
            const int64_t j = s->lows[top];
            start = (double)(i + j) / 2.0 +
                    (floor_i - s->floors[top]) / (2.0 * step2 * (double)(i - j));
            if (start > s->starts[top]) break;
            top--;
            start = -(double)INFINITY;
        }
        top++;
        s->lows[top] = i;
        s->floors[top] = floor_i;
        s->starts[top] = start;
    }
    if (top < 0) return;
    for (int64_t i = 0, k = 0; i < n; i++) {
        while (k < top && s->starts[k + 1] < (double)i) k++;
        const double along = (double)(i - s->lows[k]) * step;
        line[i] = s->floors[k] + along * along;
    }
}

/* Lines along an axis: n values that lie 'stride' apart; 'count' neighbouring lines. */
static void transform_tile(double *first, int64_t n, int64_t stride, int64_t count,
                           double step, const scratch *s)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t c = 0; c < count; c++) s->lines[c * n + i] = first[i * stride + c];
    }
    for (int64_t c = 0; c < count; c++) lower_envelope(s->lines + c * n, n, step, s);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t c = 0; c < count; c++) first[i * stride + c] = s->lines[c * n + i];
    }
}

static void run(void *arg, int thread, int n_threads)
{
    transform *t = arg;
    const int64_t depth = t->extents[0], rows = t->extents[1], cols = t->extents[2];
    const scratch s = scratch_of(t, thread);
    for (int64_t k = thread; k < depth; k += n_threads) {
        double *slice = t->out + k * rows * cols;
        for (int64_t i = 0; i < rows; i++) {
            const int64_t row = i * cols;
            sweep_row(t->mask + k * rows * cols + row, cols, t->spacing[2],
                      slice + row);
        }
        for (int64_t j = 0; j < cols; j += TILE) {
            const int64_t count = sc_min(TILE, cols - j);
            transform_tile(slice + j, rows, cols, count, t->spacing[1], &s);
        }
    }
    if (t->own_slice) return;
    sc_barrier_wait(&t->barrier, n_threads);
    const int64_t area = rows * cols;
    for (int64_t p = thread * TILE; p < area; p += n_threads * TILE) {
        const int64_t count = sc_min(TILE, area - p);
        transform_tile(t->out + p, depth, area, count, t->spacing[0], &s);
    }
}

sc_status sc_check_grid(const int64_t extents[3], const double spacing[3],
                        sc_error *err)
{
    size_t nbytes;
    if (extents[0] < 1 || extents[1] < 1 || extents[2] < 1 ||
        !sc_product(extents, 3, sizeof(double), &nbytes) || nbytes > PTRDIFF_MAX) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "the mask has %lld x %lld x %lld voxels; expected at least one "
                       "along each axis",
                       (long long)extents[0], (long long)extents[1],
                       (long long)extents[2]);
    }
    for (int k = 0; k < 3; k++) {
        if (spacing[k] > 0.0 && isfinite(spacing[k])) continue;
        return sc_fail(err, SC_BAD_VALUE,
                       "spacing %g x %g x %g mm; expected positive, finite lengths",
                       spacing[0], spacing[1], spacing[2]);
    }
    return SC_OK;
}

sc_status sc_squared_distances(const uint8_t *mask, const int64_t extents[3],
                               const double spacing[3], bool own_slice, int threads,
                               double *out, sc_error *err)
{
    sc_status status = SC_OK;
    sc_pool *pool = NULL;
    transform t = {.mask = mask, .extents = extents, .spacing = spacing, .out = out};
    t.own_slice = own_slice;
    const int64_t longest = sc_max(extents[0], sc_max(extents[1], extents[2]));
    size_t nbytes;
    SC_TRY(sc_pool_create(threads, &pool, err));
    t.scratch_nbytes = scratch_size(longest);
    t.scratch = sc_mul(t.scratch_nbytes, (size_t)threads, &nbytes) ? sc_alloc(nbytes)
                                                                   : NULL;
    if (t.scratch == NULL) {
        status =
            sc_fail(err, SC_NOMEM, "no memory for the lines of a distance transform");
        goto done;
    }
    sc_pool_run(pool, run, &t, NULL, NULL, NULL);
done:
    sc_pool_destroy(pool);
    sc_free(t.scratch);
    return status;
}

sc_status sc_distance_transform(const uint8_t *mask, const int64_t extents[3],
                                const double spacing[3], int threads, double *out,
                                sc_error *err)
{
    sc_status status = sc_check_grid(extents, spacing, err);
    if (status == SC_OK) {
        status = sc_squared_distances(mask, extents, spacing, false, threads, out, err);
    }
    if (status != SC_OK) return status;
    const int64_t n = extents[0] * extents[1] * extents[2];
    for (int64_t i = 0; i < n; i++) out[i] = sqrt(out[i]);
    return SC_OK;
}
