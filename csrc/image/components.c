/* Connected components in 3-D by runs: two passes and a union-find over the runs of the
 * rows (He, Chao, Suzuki: A run-based two-scan labeling algorithm, IEEE Trans. Image
 * Process. 17, 2008, carried over to three axes).  Lesions are few voxels of many, so
 * that runs are fewer still. */
#include "../base/memory.h"
#include "../base/status.h"
#include "../spinalcord.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int32_t first, last; /* columns, both in the run */
    int32_t parent;      /* index of a run of the same component, never a later one */
    int32_t label;       /* of the component; stored in its root */
    int64_t n_voxels;    /* of the component; stored in its root */
} run;

typedef struct {
    int64_t rows, n_lines; /* n_lines = slices * rows */
    int64_t cols;
    int64_t *begin; /* (n_lines + 1): first run of each line */
    run *runs;
} run_list;

/* Calls of 'next_run' with *from = 0 first give a line's runs from left to right. */
static bool next_run(const uint8_t *line, int64_t cols, int64_t *from, run *out)
{
    int64_t i = *from;
    for (uint64_t word; i + 8 <= cols; i += 8) {
        memcpy(&word, line + i, sizeof word);
        if (word != 0) break;
    }
    while (i < cols && line[i] == 0) i++;
    if (i == cols) return false;
    out->first = (int32_t)i;
    while (i < cols && line[i] != 0) i++;
    out->last = (int32_t)(i - 1);
    *from = i;
    return true;
}

static int64_t count_runs(const uint8_t *mask, run_list *list)
{
    int64_t count = 0;
    run unused;
    for (int64_t l = 0; l < list->n_lines; l++, mask += list->cols) {
        list->begin[l] = count;
        for (int64_t from = 0; next_run(mask, list->cols, &from, &unused);) count++;
    }
    list->begin[list->n_lines] = count;
    return count;
}

static void collect_runs(const uint8_t *mask, run_list *list)
{
    int64_t count = 0;
    for (int64_t l = 0; l < list->n_lines; l++, mask += list->cols) {
        for (int64_t from = 0; next_run(mask, list->cols, &from, &list->runs[count]);) {
            run *r = &list->runs[count];
            r->parent = (int32_t)count++;
            r->label = 0;
            r->n_voxels = r->last - r->first + 1;
        }
    }
}

static int32_t find(run *runs, int32_t i)
{
    while (runs[i].parent != i) {
        runs[i].parent = runs[runs[i].parent].parent;
        i = runs[i].parent;
    }
    return i;
}

/* The earlier root stays one: a component's root is its first run in C order. */
static void unite(run *runs, int32_t i, int32_t j)
{
    i = find(runs, i);
    j = find(runs, j);
    if (i == j) return;
    const int32_t first = i < j ? i : j, second = i < j ? j : i;
    runs[second].parent = first;
    runs[first].n_voxels += runs[second].n_voxels;
}

/* Unite the runs of two lines whose columns meet, or are 'slack' apart. */
static void unite_lines(run_list *list, int64_t a, int64_t b, int32_t slack)
{
    int64_t i = list->begin[a], j = list->begin[b];
    while (i < list->begin[a + 1] && j < list->begin[b + 1]) {
        const run *p = &list->runs[i], *q = &list->runs[j];
        if (p->first <= q->last + slack && q->first <= p->last + slack) {
            unite(list->runs, (int32_t)i, (int32_t)j);
        }
        if (p->last < q->last) {
            i++;
        } else {
            j++;
        }
    }
}

static void unite_runs(run_list *list, int connectivity)
{
    const int32_t straight = connectivity > 6 ? 1 : 0; /* slack across a face */
    const int32_t oblique = connectivity > 18 ? 1 : 0; /* slack across an edge */
    for (int64_t l = 0; l < list->n_lines; l++) {
        if (list->begin[l] == list->begin[l + 1]) continue;
        const int64_t row = l % list->rows, before = l - list->rows;
        if (row > 0) unite_lines(list, l, l - 1, straight);
        if (before < 0) continue;
        unite_lines(list, l, before, straight);
        if (connectivity == 6) continue;
        if (row > 0) unite_lines(list, l, before - 1, oblique);
        if (row + 1 < list->rows) unite_lines(list, l, before + 1, oblique);
    }
}

/* A component, for sorting. */
typedef struct {
    int64_t n_voxels;
    int32_t root;
} component;

static int by_size(const void *a, const void *b)
{
    const component *p = a, *q = b;
    if (p->n_voxels != q->n_voxels) return p->n_voxels > q->n_voxels ? -1 : 1;
    return p->root < q->root ? -1 : 1;
}

/* Number the components that are large enough. */
static sc_status number(run_list *list, int64_t min_voxels, int32_t *n, sc_error *err)
{
    const int64_t n_runs = list->begin[list->n_lines];
    int64_t count = 0;
    for (int64_t i = 0; i < n_runs; i++) {
        const run *r = &list->runs[i];
        count += r->parent == i && r->n_voxels >= min_voxels;
    }
    component *order = sc_alloc((size_t)count * sizeof *order);
    if (order == NULL) {
        return sc_fail(err, SC_NOMEM, "no memory for %" PRId64 " components", count);
    }
    *n = (int32_t)count;
    for (int64_t i = n_runs - 1; i >= 0; i--) {
        const run *r = &list->runs[i];
        if (r->parent == i && r->n_voxels >= min_voxels) {
            order[--count] = (component){r->n_voxels, (int32_t)i};
        }
    }
    qsort(order, (size_t)*n, sizeof *order, by_size);
    for (int32_t k = 0; k < *n; k++) list->runs[order[k].root].label = k + 1;
    sc_free(order);
    return SC_OK;
}

static void paint(run_list *list, int32_t *labels)
{
    memset(labels, 0, (size_t)(list->n_lines * list->cols) * sizeof *labels);
    for (int64_t l = 0; l < list->n_lines; l++, labels += list->cols) {
        for (int64_t i = list->begin[l]; i < list->begin[l + 1]; i++) {
            const run *r = &list->runs[i];
            const int32_t label = list->runs[find(list->runs, (int32_t)i)].label;
            for (int32_t c = r->first; c <= r->last; c++) labels[c] = label;
        }
    }
}

static sc_status check(const int64_t n[3], int connectivity, sc_error *err)
{
    size_t nbytes;
    if (n[0] < 1 || n[1] < 1 || n[2] < 1 || n[2] > INT32_MAX - 2 ||
        !sc_product(n, 3, sizeof(run), &nbytes) || nbytes > INT64_MAX) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "a mask of (%" PRId64 ", %" PRId64 ", %" PRId64
                       ") voxels given, expected at least one along every axis, and no "
                       "more than memory can hold",
                       n[0], n[1], n[2]);
    }
    if (connectivity != 6 && connectivity != 18 && connectivity != 26) {
        return sc_fail(err, SC_BAD_VALUE, "connectivity %d given, expected 6, 18 or 26",
                       connectivity);
    }
    return SC_OK;
}

sc_status sc_components_label(const uint8_t *mask, const int64_t extents[3],
                              int connectivity, int64_t min_voxels, int32_t *labels,
                              int32_t *n, sc_error *err)
{
    sc_status status = check(extents, connectivity, err);
    if (status != SC_OK) return status;
    run_list list = {extents[1], extents[0] * extents[1], extents[2], NULL, NULL};
    int64_t n_runs = 0;
    list.begin = sc_alloc((size_t)(list.n_lines + 1) * sizeof *list.begin);
    if (list.begin == NULL) {
        SC_TRY(sc_fail(err, SC_NOMEM, "no memory for %" PRId64 " lines", list.n_lines));
    }
    n_runs = count_runs(mask, &list);
    if (n_runs > INT32_MAX) {
        SC_TRY(sc_fail(err, SC_BAD_SHAPE,
                       "a mask of %" PRId64 " runs, expected up to %d", n_runs,
                       INT32_MAX));
    }
    list.runs = sc_alloc((size_t)n_runs * sizeof *list.runs);
    if (list.runs == NULL) {
        SC_TRY(sc_fail(err, SC_NOMEM, "no memory for %" PRId64 " runs", n_runs));
    }
    collect_runs(mask, &list);
    unite_runs(&list, connectivity);
    SC_TRY(number(&list, min_voxels, n, err));
    paint(&list, labels);
done:
    sc_free(list.runs);
    sc_free(list.begin);
    return status;
}
