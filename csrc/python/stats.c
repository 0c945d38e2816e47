/* Placements, bootstrap, distances; documented in _core.pyi. */
#include "core.h"

#include "convert.h"
#include "module.h"

static PyObject *placements(PyObject *module, PyObject *args)
{
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *scores_obj, *positive_obj;
    PyArrayObject *scores = NULL, *positive = NULL, *dst = NULL;

    if (!PyArg_ParseTuple(args, "OO:placements", &scores_obj, &positive_obj))
        return NULL;
    scores = sc_py_array(scores_obj, NPY_FLOAT64, 2, "scores");
    if (scores == NULL) goto done;
    const int64_t n_models = PyArray_DIM(scores, 0), n = PyArray_DIM(scores, 1);
    positive = sc_py_array_like(state, positive_obj, NPY_UINT8, 1, &n, "positive");
    if (positive == NULL) goto done;
    dst = sc_py_new(state, NPY_FLOAT64, 2, (int64_t[]){n_models, n});
    if (dst == NULL) goto done;
    const double *src = PyArray_DATA(scores);
    double *out = PyArray_DATA(dst);
    sc_py_work work = sc_py_begin(state);
    for (int64_t m = 0; m < n_models && work.status == SC_OK; m++) {
        work.status = sc_placements(src + m * n, PyArray_DATA(positive), n, out + m * n,
                                    &work.err);
    }
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(scores);
    Py_XDECREF(positive);
    return (PyObject *)dst;
}

static PyObject *auc_bootstrap(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "", "", "replicates", "seed", "threads", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *objects[4];
    PyArrayObject *scores = NULL, *positive = NULL, *unit = NULL, *strata = NULL;
    PyArrayObject *dst = NULL;
    long long replicates;
    unsigned long long seed;
    int threads;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO$LKi:auc_bootstrap", names,
                                     &objects[0], &objects[1], &objects[2], &objects[3],
                                     &replicates, &seed, &threads)) {
        return NULL;
    }
    scores = sc_py_array(objects[0], NPY_FLOAT64, 2, "scores");
    if (scores == NULL) goto done;
    const int64_t n = PyArray_DIM(scores, 1);
    positive = sc_py_array_like(state, objects[1], NPY_UINT8, 1, &n, "positive");
    if (positive == NULL) goto done;
    unit = sc_py_array_like(state, objects[2], NPY_INT64, 1, &n, "unit");
    if (unit == NULL) goto done;
    strata = sc_py_array(objects[3], NPY_INT64, 1, "strata");
    if (strata == NULL) goto done;
    const sc_auc_sample sample = {PyArray_DATA(scores),   PyArray_DATA(positive),
                                  PyArray_DATA(unit),     PyArray_DATA(strata),
                                  PyArray_DIM(scores, 0), n,
                                  PyArray_DIM(strata, 0)};
    dst = sc_py_new(state, NPY_FLOAT64, 2, (int64_t[]){replicates, sample.n_models});
    if (dst == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status = sc_auc_bootstrap(&sample, replicates, seed, threads,
                                   PyArray_DATA(dst), sc_py_poll, &work, &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(scores);
    Py_XDECREF(positive);
    Py_XDECREF(unit);
    Py_XDECREF(strata);
    return (PyObject *)dst;
}

static PyObject *ratio_bootstrap(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "replicates", "seed", "threads", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *top_obj, *bottom_obj;
    PyArrayObject *top = NULL, *bottom = NULL, *dst = NULL;
    long long replicates;
    unsigned long long seed;
    int threads;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO$LKi:ratio_bootstrap", names,
                                     &top_obj, &bottom_obj, &replicates, &seed,
                                     &threads)) {
        return NULL;
    }
    top = sc_py_array(top_obj, NPY_FLOAT64, 1, "numerator");
    if (top == NULL) goto done;
    const int64_t n = PyArray_DIM(top, 0);
    bottom = sc_py_array_like(state, bottom_obj, NPY_FLOAT64, 1, &n, "denominator");
    if (bottom == NULL) goto done;
    dst = sc_py_new(state, NPY_FLOAT64, 1, (int64_t[]){replicates});
    if (dst == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status = sc_ratio_bootstrap(PyArray_DATA(top), PyArray_DATA(bottom), n,
                                     replicates, seed, threads, PyArray_DATA(dst),
                                     sc_py_poll, &work, &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(top);
    Py_XDECREF(bottom);
    return (PyObject *)dst;
}

static PyObject *distance(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "threads", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *mask_obj, *spacing_obj;
    PyArrayObject *mask = NULL, *dst = NULL;
    double spacing[3];
    int threads = 1;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$i:distance", names, &mask_obj,
                                     &spacing_obj, &threads)) {
        return NULL;
    }
    if (sc_py_doubles(state, spacing_obj, 3, spacing, "spacing_mm") < 0) return NULL;
    mask = sc_py_array(mask_obj, NPY_UINT8, 3, "mask");
    if (mask == NULL) goto done;
    int64_t extents[3];
    sc_py_extents(mask, extents);
    dst = sc_py_new(state, NPY_FLOAT64, 3, extents);
    if (dst == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status = sc_distance_transform(PyArray_DATA(mask), extents, spacing, threads,
                                        PyArray_DATA(dst), &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(mask);
    return (PyObject *)dst;
}

/* (a to b, b to a), or NULL with an exception set. */
static PyObject *measure(const sc_py_state *state, const uint8_t *a, const uint8_t *b,
                         const int64_t extents[3], const double spacing[3], int threads)
{
    PyArrayObject *a_to_b = NULL, *b_to_a = NULL;
    PyObject *result = NULL;
    int64_t n_a = 0, n_b = 0;
    sc_py_work work = sc_py_begin(state);
    work.status = sc_surface_count(a, extents, &n_a, &work.err);
    if (work.status == SC_OK) {
        work.status = sc_surface_count(b, extents, &n_b, &work.err);
    }
    if (sc_py_end(&work) < 0) return NULL;
    a_to_b = sc_py_new(state, NPY_FLOAT64, 1, &n_a);
    b_to_a = sc_py_new(state, NPY_FLOAT64, 1, &n_b);
    if (a_to_b == NULL || b_to_a == NULL) goto done;
    work = sc_py_begin(state);
    work.status = sc_surface_distances(a, b, extents, spacing, threads,
                                       PyArray_DATA(a_to_b), PyArray_DATA(b_to_a),
                                       &work.err);
    if (sc_py_end(&work) == 0) result = PyTuple_Pack(2, a_to_b, b_to_a);
done:
    Py_XDECREF(a_to_b);
    Py_XDECREF(b_to_a);
    return result;
}

static PyObject *surface_distances(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "", "threads", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *a_obj, *b_obj, *spacing_obj, *result = NULL;
    PyArrayObject *a = NULL, *b = NULL;
    double spacing[3];
    int threads = 1;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|$i:surface_distances", names,
                                     &a_obj, &b_obj, &spacing_obj, &threads)) {
        return NULL;
    }
    if (sc_py_doubles(state, spacing_obj, 3, spacing, "spacing_mm") < 0) return NULL;
    a = sc_py_array(a_obj, NPY_UINT8, 3, "a");
    if (a == NULL) goto done;
    int64_t extents[3];
    sc_py_extents(a, extents);
    b = sc_py_array_like(state, b_obj, NPY_UINT8, 3, extents, "b");
    if (b == NULL) goto done;
    result =
        measure(state, PyArray_DATA(a), PyArray_DATA(b), extents, spacing, threads);
done:
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}

static PyMethodDef functions[] = {
    {"placements", placements, METH_VARARGS,
     "placements(scores, positive, /)\n--\n\nCompute placement values, whose means "
     "are the AUC."},
    {"auc_bootstrap", SC_PY_KEYWORDS(auc_bootstrap),
     "auc_bootstrap(scores, positive, unit, strata, /, *, replicates, seed, threads)\n"
     "--\n\nCompute the AUC of each model in samples drawn with replacement."},
    {"ratio_bootstrap", SC_PY_KEYWORDS(ratio_bootstrap),
     "ratio_bootstrap(numerator, denominator, /, *, replicates, seed, threads)\n"
     "--\n\nCompute the ratio of two sums in samples drawn with replacement."},
    {"distance", SC_PY_KEYWORDS(distance),
     "distance(mask, spacing_mm, /, *, threads=1)\n--\n\n"
     "Compute the exact Euclidean distance of every voxel to the mask."},
    {"surface_distances", SC_PY_KEYWORDS(surface_distances),
     "surface_distances(a, b, spacing_mm, /, *, threads=1)\n--\n\n"
     "Compute the distances between the surfaces of two masks."},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_stats(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
