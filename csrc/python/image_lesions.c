/* label and lesion_table; documented in _core.pyi. */
#include "core.h"

#include "convert.h"
#include "module.h"

#include <stddef.h>

static PyArrayObject *parse_affine(const sc_py_state *state, PyObject *obj)
{
    return sc_py_array_like(state, obj, NPY_FLOAT64, 2, (int64_t[]){4, 4}, "affine");
}

static PyObject *label(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "connectivity", "min_volume_mm3", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj, *affine_obj, *result = NULL;
    PyArrayObject *mask = NULL, *affine = NULL, *labels = NULL;
    int connectivity = 26;
    double min_mm3 = 0.0;
    int64_t extents[3], min_voxels;
    int32_t n = 0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$id:label", names, &obj,
                                     &affine_obj, &connectivity, &min_mm3)) {
        return NULL;
    }
    mask = sc_py_array(obj, NPY_UINT8, 3, "mask");
    if (mask == NULL) goto done;
    affine = parse_affine(state, affine_obj);
    if (affine == NULL) goto done;
    sc_py_extents(mask, extents);
    labels = sc_py_new(state, NPY_INT32, 3, extents);
    if (labels == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status =
        sc_voxels_needed(PyArray_DATA(affine), min_mm3, &min_voxels, &work.err);
    if (work.status == SC_OK) {
        work.status = sc_components_label(PyArray_DATA(mask), extents, connectivity,
                                          min_voxels, PyArray_DATA(labels), &n,
                                          &work.err);
    }
    if (sc_py_end(&work) < 0) goto done;
    result = Py_BuildValue("(Oi)", labels, (int)n);
done:
    Py_XDECREF(labels);
    Py_XDECREF(affine);
    Py_XDECREF(mask);
    return result;
}

/* The table's columns: where each lies in sc_lesion. */
static const struct {
    const char *name;
    size_t offset;
    int n_values; /* a row */
    bool integer; /* int64, else double */
    bool of_cord; /* only where a cord is given */
} COLUMNS[] = {
    {"n_voxels", offsetof(sc_lesion, n_voxels), 1, true, false},
    {"volume_mm3", offsetof(sc_lesion, volume_mm3), 1, false, false},
    {"length_mm", offsetof(sc_lesion, length_mm), 1, false, false},
    {"width_mm", offsetof(sc_lesion, width_mm), 1, false, false},
    {"depth_mm", offsetof(sc_lesion, depth_mm), 1, false, false},
    {"max_diameter_mm", offsetof(sc_lesion, max_diameter_mm), 1, false, false},
    {"centroid_mm", offsetof(sc_lesion, centroid_mm), 3, false, false},
    {"mean", offsetof(sc_lesion, mean), 1, false, false},
    {"sd", offsetof(sc_lesion, sd), 1, false, false},
    {"in_cord_fraction", offsetof(sc_lesion, in_cord_fraction), 1, false, true},
    {"max_axial_damage_ratio", offsetof(sc_lesion, max_axial_damage_ratio), 1, false,
     true},
};

static int put_column(const sc_py_state *state, PyObject *table, size_t k,
                      const sc_lesion *lesions, int64_t n)
{
    const int64_t extents[2] = {n, COLUMNS[k].n_values};
    PyArrayObject *values = sc_py_new(state,
                                      COLUMNS[k].integer ? NPY_INT64 : NPY_FLOAT64,
                                      COLUMNS[k].n_values > 1 ? 2 : 1, extents);
    if (values == NULL) return -1;
    const size_t size = sizeof(double) * (size_t)COLUMNS[k].n_values;
    char *out = PyArray_BYTES(values);
    for (int64_t i = 0; i < n; i++) {
        memcpy(out + (size_t)i * size, (const char *)&lesions[i] + COLUMNS[k].offset,
               size);
    }
    const int status = PyDict_SetItemString(table, COLUMNS[k].name, (PyObject *)values);
    Py_DECREF(values);
    return status;
}

static int put_labels(const sc_py_state *state, PyObject *table, int64_t n)
{
    PyArrayObject *values = sc_py_new(state, NPY_INT64, 1, &n);
    if (values == NULL) return -1;
    int64_t *out = PyArray_DATA(values);
    for (int64_t i = 0; i < n; i++) out[i] = i + 1;
    const int status = PyDict_SetItemString(table, "label", (PyObject *)values);
    Py_DECREF(values);
    return status;
}

/* New reference: dict of columns. */
static PyObject *make_table(const sc_py_state *state, const sc_lesion *lesions,
                            int64_t n, bool with_cord)
{
    PyObject *table = PyDict_New();
    if (table == NULL || put_labels(state, table, n) < 0) goto failed;
    for (size_t k = 0; k < sizeof COLUMNS / sizeof *COLUMNS; k++) {
        if (COLUMNS[k].of_cord && !with_cord) continue;
        if (put_column(state, table, k, lesions, n) < 0) goto failed;
    }
    return table;
failed:
    Py_XDECREF(table);
    return NULL;
}

/* Labels, intensities, affine and perhaps a cord, of one grid. */
typedef struct {
    PyArrayObject *labels, *volume, *affine, *cord;
    int64_t extents[3];
} inputs;

static int parse_inputs(const sc_py_state *state, PyObject *labels, PyObject *volume,
                        PyObject *affine, PyObject *cord, inputs *out)
{
    out->labels = sc_py_array(labels, NPY_INT32, 3, "labels");
    if (out->labels == NULL) return -1;
    sc_py_extents(out->labels, out->extents);
    out->volume =
        sc_py_array_like(state, volume, NPY_FLOAT32, 3, out->extents, "volume");
    if (out->volume == NULL) return -1;
    out->affine = parse_affine(state, affine);
    if (out->affine == NULL) return -1;
    return sc_py_optional(state, cord, NPY_UINT8, 3, out->extents, "cord", &out->cord);
}

static PyObject *lesion_table(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "", "", "cord", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *labels, *volume, *affine, *cord = Py_None, *result = NULL;
    inputs in = {0};
    sc_lesion *lesions = NULL;
    int n;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OiOO|$O:lesion_table", names,
                                     &labels, &n, &volume, &affine, &cord) ||
        parse_inputs(state, labels, volume, affine, cord, &in) < 0) {
        goto done;
    }
    lesions = PyMem_Calloc((size_t)(n < 0 ? 0 : n), sizeof *lesions);
    if (lesions == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    sc_py_work work = sc_py_begin(state);
    work.status = sc_lesions_measure(PyArray_DATA(in.labels), in.extents, n,
                                     PyArray_DATA(in.volume), PyArray_DATA(in.affine),
                                     sc_py_data(in.cord), lesions, &work.err);
    if (sc_py_end(&work) < 0) goto done;
    result = make_table(state, lesions, n, in.cord != NULL);
done:
    PyMem_Free(lesions);
    Py_XDECREF(in.cord);
    Py_XDECREF(in.affine);
    Py_XDECREF(in.volume);
    Py_XDECREF(in.labels);
    return result;
}

static PyMethodDef functions[] = {
    {"label", SC_PY_KEYWORDS(label),
     "label(mask, affine, /, *, connectivity=26, min_volume_mm3=0.0)\n--\n\n"
     "Number the connected components of a mask, largest first."},
    {"lesion_table", SC_PY_KEYWORDS(lesion_table),
     "lesion_table(labels, n, volume, affine, /, *, cord=None)\n--\n\n"
     "Measure labelled lesions, in millimetres."},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_lesions(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
