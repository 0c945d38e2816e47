/* The lesion table: extents, position, intensity and share of the cord. */
#include "../base/memory.h"
#include "../base/status.h"
#include "../spinalcord.h"
#include "diameter.h"

#include <inttypes.h>
#include <math.h>

/* Of a volume: what headers in float32 make of it. */
static const double ROUNDING = 1e-6;

/* Sums over one lesion, from one walk over the volume. */
typedef struct {
    int64_t box[6]; /* first and last slice, row, column */
    int64_t at[3];  /* sums of slices, rows, columns */
    int64_t n, n_in_cord;
    double sum, squares; /* intensity, and of its distance from the mean */
} tally;

typedef struct {
    const int32_t *labels;
    const int64_t *extents;
    int32_t n;
    const float *volume;
    const uint8_t *cord;
    tally *tallies;       /* (n) */
    int64_t *in_row;      /* (n, rows): voxels in lesion and cord; with a cord only */
    int64_t *cord_in_row; /* (rows) */
} survey;

static double dot3(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* The affine's columns are the steps of one voxel. */
static void columns_of(const double affine[16], double columns[3][3])
{
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 3; i++) columns[k][i] = affine[4 * i + k];
    }
}

static sc_status bad_affine(sc_error *err)
{
    return sc_fail(err, SC_BAD_VALUE,
                   "the affine is singular or not finite: voxels have no volume");
}

double sc_voxel_mm3(const double affine[16])
{
    double c[3][3];
    columns_of(affine, c);
    const double cross[3] = {c[1][1] * c[2][2] - c[1][2] * c[2][1],
                             c[1][2] * c[2][0] - c[1][0] * c[2][2],
                             c[1][0] * c[2][1] - c[1][1] * c[2][0]};
    const double volume = fabs(dot3(c[0], cross));
    const double box = sqrt(dot3(c[0], c[0]) * dot3(c[1], c[1]) * dot3(c[2], c[2]));
    const double origin = affine[3] + affine[7] + affine[11];
    return isfinite(box) && isfinite(origin) && volume > 1e-9 * box ? volume
                                                                    : (double)NAN;
}

sc_status sc_voxels_needed(const double affine[16], double volume_mm3,
                           int64_t *n_voxels, sc_error *err)
{
    const double voxel_mm3 = sc_voxel_mm3(affine);
    if (isnan(voxel_mm3)) return bad_affine(err);
    if (!(volume_mm3 >= 0.0) || !isfinite(volume_mm3)) {
        return sc_fail(err, SC_BAD_VALUE,
                       "a volume of %g mm3 given, expected a finite one of at least 0",
                       volume_mm3);
    }
    const double n = ceil(volume_mm3 / voxel_mm3 * (1.0 - ROUNDING));
    *n_voxels = n < 1e18 ? (int64_t)n : INT64_MAX;
    return SC_OK;
}

static void add_voxel(tally *t, int64_t s, int64_t r, int64_t c)
{
    const int64_t at[3] = {s, r, c};
    for (int k = 0; k < 3; k++) {
        t->box[2 * k] = sc_min(t->box[2 * k], at[k]);
        t->box[2 * k + 1] = sc_max(t->box[2 * k + 1], at[k]);
        t->at[k] += at[k];
    }
    t->n++;
}

/* One row of voxels; returns a label outside 0 to n, or 0. */
static int32_t survey_row(survey *v, int64_t s, int64_t r)
{
    const int64_t cols = v->extents[2], begin = (s * v->extents[1] + r) * cols;
    for (int64_t c = 0; c < cols; c++) {
        const int64_t i = begin + c;
        const bool in_cord = v->cord != NULL && v->cord[i] != 0;
        const int32_t label = v->labels[i];
        if (in_cord) v->cord_in_row[r]++;
        if (label == 0) continue;
        if (label < 0 || label > v->n) return label;
        tally *t = &v->tallies[label - 1];
        add_voxel(t, s, r, c);
        t->sum += (double)v->volume[i];
        if (!in_cord) continue;
        t->n_in_cord++;
        v->in_row[(label - 1) * v->extents[1] + r]++;
    }
    return 0;
}

static sc_status survey_all(survey *v, sc_error *err)
{
    for (int32_t k = 0; k < v->n; k++) {
        v->tallies[k] = (tally){.box = {INT64_MAX, -1, INT64_MAX, -1, INT64_MAX, -1}};
    }
    for (int64_t s = 0; s < v->extents[0]; s++) {
        for (int64_t r = 0; r < v->extents[1]; r++) {
            const int32_t wrong = survey_row(v, s, r);
            if (wrong == 0) continue;
            return sc_fail(err, SC_BAD_VALUE, "label %d found, expected 0 to %d", wrong,
                           v->n);
        }
    }
    for (int32_t k = 0; k < v->n; k++) {
        if (v->tallies[k].n == 0) {
            return sc_fail(err, SC_BAD_VALUE, "label %d does not occur, of 1 to %d",
                           k + 1, v->n);
        }
    }
    return SC_OK;
}

/* With the means known; see intensity.c. */
static void survey_squares(survey *v)
{
    const int64_t total = v->extents[0] * v->extents[1] * v->extents[2];
    for (int64_t i = 0; i < total; i++) {
        if (v->labels[i] == 0) continue;
        tally *t = &v->tallies[v->labels[i] - 1];
        const double d = (double)v->volume[i] - t->sum / (double)t->n;
        t->squares += d * d;
    }
}

static double damage(const survey *v, int32_t k)
{
    const int64_t rows = v->extents[1];
    double largest = 0.0;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t lesion = v->in_row[k * rows + r];
        if (lesion == 0) continue;
        largest = fmax(largest, (double)lesion / (double)v->cord_in_row[r]);
    }
    return largest;
}

static void describe(const survey *v, int32_t k, const double affine[16],
                     const double gram[9], sc_lesion *out)
{
    const tally *t = &v->tallies[k];
    const double n = (double)t->n;
    double extents_mm[3], centre[3];
    for (int a = 0; a < 3; a++) {
        const int64_t count = t->box[2 * a + 1] - t->box[2 * a] + 1;
        extents_mm[a] = (double)count * sqrt(gram[4 * a]);
        centre[a] = (double)t->at[a] / n;
    }
    *out = (sc_lesion){
        .n_voxels = t->n,
        .volume_mm3 = n * sc_voxel_mm3(affine),
        .depth_mm = extents_mm[0],
        .length_mm = extents_mm[1],
        .width_mm = extents_mm[2],
        .mean = t->sum / n,
        .sd = sqrt(t->squares / n),
        .in_cord_fraction = v->cord == NULL ? (double)NAN : (double)t->n_in_cord / n,
        .max_axial_damage_ratio = v->cord == NULL ? (double)NAN : damage(v, k),
    };
    for (int i = 0; i < 3; i++) {
        out->centroid_mm[i] = dot3(affine + 4 * i, centre) + affine[4 * i + 3];
    }
}

static sc_status survey_create(survey *v, sc_error *err)
{
    const int64_t rows = v->extents[1];
    const int64_t table[2] = {v->n, rows};
    size_t nbytes;
    if (!sc_product(table, 2, sizeof *v->in_row, &nbytes)) {
        return sc_fail(err, SC_BAD_SHAPE, "%d labels in %" PRId64 " rows", v->n, rows);
    }
    v->tallies = sc_alloc((size_t)v->n * sizeof *v->tallies);
    bool complete = v->tallies != NULL;
    if (v->cord != NULL) {
        v->in_row = sc_calloc(nbytes);
        v->cord_in_row = sc_calloc((size_t)rows * sizeof *v->cord_in_row);
        complete = complete && v->in_row != NULL && v->cord_in_row != NULL;
    }
    if (complete) return SC_OK;
    return sc_fail(err, SC_NOMEM, "no memory for %d labels in %" PRId64 " rows", v->n,
                   rows);
}

static sc_status check(const int64_t e[3], int32_t n, const double affine[16],
                       sc_error *err)
{
    size_t nbytes;
    if (e[0] < 1 || e[1] < 1 || e[2] < 1 ||
        !sc_product(e, 3, sizeof(double), &nbytes) || nbytes > INT64_MAX || n < 0) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "%d labels in (%" PRId64 ", %" PRId64 ", %" PRId64
                       ") voxels given, expected at least one voxel along every axis",
                       n, e[0], e[1], e[2]);
    }
    if (isnan(sc_voxel_mm3(affine))) return bad_affine(err);
    return SC_OK;
}

sc_status sc_lesions_measure(const int32_t *labels, const int64_t extents[3], int32_t n,
                             const float *volume, const double affine[16],
                             const uint8_t *cord, sc_lesion *out, sc_error *err)
{
    sc_status status = check(extents, n, affine, err);
    if (status != SC_OK) return status;
    survey v = {
        .labels = labels, .extents = extents, .n = n, .volume = volume, .cord = cord};
    double columns[3][3], gram[9];
    columns_of(affine, columns);
    for (int i = 0; i < 9; i++) gram[i] = dot3(columns[i / 3], columns[i % 3]);
    SC_TRY(survey_create(&v, err));
    SC_TRY(survey_all(&v, err));
    survey_squares(&v);
    for (int32_t k = 0; k < n; k++) {
        describe(&v, k, affine, gram, &out[k]);
        SC_TRY(sc_max_diameter(labels, extents, k + 1, v.tallies[k].box, gram,
                               &out[k].max_diameter_mm, err));
    }
done:
    sc_free(v.cord_in_row);
    sc_free(v.in_row);
    sc_free(v.tallies);
    return status;
}
