/* Both ends of a largest distance are corners of voxels that no line through the others
 * holds between them.  So of each line of corners along the columns only the outer two
 * count, and of each plane of corners only those on its convex hull (Andrew's monotone
 * chain, in integers).  Pairs of planes whose boxes cannot beat the best are passed
 * over. */
#include "diameter.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <math.h>
#include <string.h>

/* A corner in its plane, counted from the lesion's box. */
typedef struct {
    int64_t row, col;
} corner;

/* The hull of one plane of corners, in two chains that share no order. */
typedef struct {
    int64_t begin, end; /* in 'corners' */
    int64_t low[2], high[2];
} plane;

typedef struct {
    int64_t slices, rows;  /* of the box */
    int64_t *left, *right; /* (slices, rows): corner columns, left >= right if none */
    plane *planes;         /* (slices + 1) */
    corner *corners;
    const double *gram;
} outline;

/* Outer corner columns of every line of voxels. */
static void find_sides(const int32_t *labels, const int64_t extents[3], int32_t label,
                       const int64_t box[6], outline *o)
{
    for (int64_t s = 0; s < o->slices; s++) {
        for (int64_t r = 0; r < o->rows; r++) {
            const int64_t line = (box[0] + s) * extents[1] + box[2] + r;
            const int32_t *voxels = labels + line * extents[2];
            int64_t first = box[4], last = box[5];
            while (first <= last && voxels[first] != label) first++;
            while (last > first && voxels[last] != label) last--;
            o->left[s * o->rows + r] = first;
            o->right[s * o->rows + r] = first <= last ? last + 1 : first;
        }
    }
}

/* Outer corner columns of line (p, r) of corners, which up to four lines of voxels
 * share; false where none of them is the lesion's. */
static bool corner_sides(const outline *o, int64_t p, int64_t r, int64_t *left,
                         int64_t *right)
{
    *left = INT64_MAX;
    *right = -1;
    for (int64_t s = sc_max(p - 1, 0); s <= sc_min(p, o->slices - 1); s++) {
        for (int64_t q = sc_max(r - 1, 0); q <= sc_min(r, o->rows - 1); q++) {
            const int64_t i = s * o->rows + q;
            if (o->left[i] >= o->right[i]) continue;
            *left = sc_min(*left, o->left[i]);
            *right = sc_max(*right, o->right[i]);
        }
    }
    return *right >= 0;
}

/* Append c to a chain of 'n' corners that turns to one side; returns its new length. */
static int64_t extend(corner *chain, int64_t n, corner c, int side)
{
    for (; n >= 2; n--) {
        const corner a = chain[n - 2], b = chain[n - 1];
        const int64_t turn = (b.row - a.row) * (c.col - a.col) -
                             (b.col - a.col) * (c.row - a.row);
        if (turn * side > 0) break;
    }
    chain[n] = c;
    return n + 1;
}

static void add_to_box(plane *box, corner c)
{
    box->low[0] = sc_min(box->low[0], c.row);
    box->high[0] = sc_max(box->high[0], c.row);
    box->low[1] = sc_min(box->low[1], c.col);
    box->high[1] = sc_max(box->high[1], c.col);
}

/* Hull of plane p, written from corner 'begin' on. */
static plane find_hull(const outline *o, int64_t p, int64_t begin)
{
    plane hull = {begin, begin, {INT64_MAX, INT64_MAX}, {-1, -1}};
    for (int side = 1; side >= -1; side -= 2) {
        corner *chain = o->corners + hull.end;
        int64_t n = 0, left, right;
        for (int64_t r = 0; r <= o->rows; r++) {
            if (!corner_sides(o, p, r, &left, &right)) continue;
            n = extend(chain, n, (corner){r, side > 0 ? left : right}, side);
        }
        for (int64_t i = 0; i < n; i++) add_to_box(&hull, chain[i]);
        hull.end += n;
    }
    return hull;
}

/* Squared length of a step of whole voxels. */
static double length2(const double *g, double s, double r, double c)
{
    return s * s * g[0] + r * r * g[4] + c * c * g[8] +
           2.0 * (s * r * g[1] + s * c * g[2] + r * c * g[5]);
}

/* No step between the two planes is longer than this. */
static double bound2(const outline *o, const plane *a, const plane *b, int64_t apart)
{
    double g[9];
    for (int i = 0; i < 9; i++) g[i] = fabs(o->gram[i]);
    const double r =
        (double)(sc_max(a->high[0], b->high[0]) - sc_min(a->low[0], b->low[0]));
    const double c =
        (double)(sc_max(a->high[1], b->high[1]) - sc_min(a->low[1], b->low[1]));
    return length2(g, (double)apart, r, c) * (1.0 + 1e-12);
}

static double farthest2(const outline *o, const plane *a, const plane *b, int64_t apart,
                        double best)
{
    for (int64_t i = a->begin; i < a->end; i++) {
        const corner from = o->corners[i];
        for (int64_t j = b->begin; j < b->end; j++) {
            const corner to = o->corners[j];
            const double d = length2(o->gram, (double)apart,
                                     (double)(to.row - from.row),
                                     (double)(to.col - from.col));
            best = d > best ? d : best;
        }
    }
    return best;
}

static double search(const outline *o)
{
    double best = 0.0;
    for (int64_t apart = o->slices; apart >= 0; apart--) {
        for (int64_t p = 0; p + apart <= o->slices; p++) {
            const plane *a = &o->planes[p], *b = &o->planes[p + apart];
            if (bound2(o, a, b, apart) > best) best = farthest2(o, a, b, apart, best);
        }
    }
    return sqrt(best);
}

sc_status sc_max_diameter(const int32_t *labels, const int64_t extents[3],
                          int32_t label, const int64_t box[6], const double gram[9],
                          double *diameter_mm, sc_error *err)
{
    sc_status status = SC_OK;
    outline o = {
        .slices = box[1] - box[0] + 1, .rows = box[3] - box[2] + 1, .gram = gram};
    const size_t n_lines = (size_t)(o.slices * o.rows);
    const size_t n_corners = 2 * (size_t)(o.slices + 1) * (size_t)(o.rows + 1);
    o.left = sc_alloc(n_lines * sizeof *o.left);
    o.right = sc_alloc(n_lines * sizeof *o.right);
    o.planes = sc_alloc((size_t)(o.slices + 1) * sizeof *o.planes);
    o.corners = sc_alloc(n_corners * sizeof *o.corners);
    if (o.left == NULL || o.right == NULL || o.planes == NULL || o.corners == NULL) {
        SC_TRY(sc_fail(err, SC_NOMEM, "no memory for %zu corners", n_corners));
    }
    find_sides(labels, extents, label, box, &o);
    for (int64_t p = 0; p <= o.slices; p++) {
        o.planes[p] = find_hull(&o, p, p == 0 ? 0 : o.planes[p - 1].end);
    }
    *diameter_mm = search(&o);
done:
    sc_free(o.corners);
    sc_free(o.planes);
    sc_free(o.right);
    sc_free(o.left);
    return status;
}
