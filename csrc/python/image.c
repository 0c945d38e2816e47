/* orient, unorient, normalize; documented in _core.pyi. */
#include "core.h"

#include "convert.h"
#include "module.h"

static int parse_orientation(const sc_py_state *state, PyObject *axes, PyObject *flips,
                             sc_orientation *out)
{
    int64_t values[3];
    if (sc_py_int64s(state, axes, 3, values, "axes") < 0) return -1;
    for (int k = 0; k < 3; k++) {
        out->axes[k] = values[k] < 0 || values[k] > 2 ? -1 : (int)values[k];
    }
    return sc_py_bools(state, flips, 3, out->flips, "flips");
}

/* NumPy's type to read a scan as, and the core's; -1 for those that are no real
 * numbers.  float16 and long double are converted first, being rare. */
static int scan_type(PyArrayObject *array, sc_dtype *dtype)
{
    static const struct {
        char kind;
        int size;
        sc_dtype dtype;
    } types[] = {
        {'b', 1, SC_U8},  {'u', 1, SC_U8},  {'i', 1, SC_I8},  {'u', 2, SC_U16},
        {'i', 2, SC_I16}, {'u', 4, SC_U32}, {'i', 4, SC_I32}, {'u', 8, SC_U64},
        {'i', 8, SC_I64}, {'f', 4, SC_F32}, {'f', 8, SC_F64},
    };
    const char kind = PyArray_DESCR(array)->kind;
    const npy_intp size = PyArray_ITEMSIZE(array);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].kind != kind || types[i].size != size) continue;
        *dtype = types[i].dtype;
        return PyArray_TYPE(array);
    }
    *dtype = size < 4 ? SC_F32 : SC_F64;
    if (kind != 'f') return -1;
    return size < 4 ? NPY_FLOAT32 : NPY_FLOAT64;
}

/* New reference: the scan's voxels, aligned and native, with the strides they have. */
static PyArrayObject *as_scan(const sc_py_state *state, PyObject *obj, sc_scan *scan)
{
    if (!PyArray_Check(obj) || PyArray_NDIM((PyArrayObject *)obj) != 3) {
        PyErr_SetString(PyExc_TypeError, "array must be an ndarray with 3 axes");
        return NULL;
    }
    const int type = scan_type((PyArrayObject *)obj, &scan->dtype);
    if (type < 0) {
        PyErr_Format(state->InputError, "voxels have dtype %S, expected real numbers",
                     PyArray_DESCR((PyArrayObject *)obj));
        return NULL;
    }
    PyArrayObject *array = (PyArrayObject *)PyArray_FROMANY(
        obj, type, 3, 3,
        NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_FORCECAST);
    if (array == NULL) return NULL;
    scan->data = PyArray_DATA(array);
    for (int k = 0; k < 3; k++) {
        scan->extents[k] = PyArray_DIM(array, k);
        scan->strides_nbytes[k] = PyArray_STRIDE(array, k);
    }
    return array;
}

static PyObject *orient(PyObject *module, PyObject *args)
{
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj, *axes, *flips;
    PyArrayObject *src = NULL, *dst = NULL;
    sc_orientation orientation;
    sc_scan scan;

    if (!PyArg_ParseTuple(args, "OOO:orient", &obj, &axes, &flips)) return NULL;
    if (parse_orientation(state, axes, flips, &orientation) < 0) return NULL;
    src = as_scan(state, obj, &scan);
    if (src == NULL) goto done;
    int64_t extents[3] = {0};
    for (int k = 0; k < 3; k++) {
        if (orientation.axes[k] >= 0) extents[k] = scan.extents[orientation.axes[k]];
    }
    dst = sc_py_new(state, NPY_FLOAT32, 3, extents);
    if (dst == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status = sc_scan_orient(&scan, &orientation, PyArray_DATA(dst), &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(src);
    return (PyObject *)dst;
}

/* uint8, int32 and float32 go back; NPY_VOID for others. */
static int result_type(PyObject *obj)
{
    if (!PyArray_Check(obj)) return NPY_VOID;
    const int type = PyArray_TYPE((PyArrayObject *)obj);
    if (type == NPY_BOOL) return NPY_UINT8;
    return type == NPY_UINT8 || type == NPY_INT32 || type == NPY_FLOAT32 ? type
                                                                         : NPY_VOID;
}

static PyObject *unorient(PyObject *module, PyObject *args)
{
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj, *axes, *flips;
    PyArrayObject *src = NULL, *dst = NULL;
    sc_orientation orientation;

    if (!PyArg_ParseTuple(args, "OOO:unorient", &obj, &axes, &flips)) return NULL;
    if (parse_orientation(state, axes, flips, &orientation) < 0) return NULL;
    const int type = result_type(obj);
    if (type == NPY_VOID) {
        PyErr_SetString(PyExc_TypeError,
                        "volume must be an ndarray of uint8, int32 or float32");
        return NULL;
    }
    src = sc_py_array(obj, type, 3, "volume");
    if (src == NULL) goto done;
    int64_t stored[3] = {0};
    for (int k = 0; k < 3; k++) {
        if (orientation.axes[k] >= 0) stored[orientation.axes[k]] = PyArray_DIM(src, k);
    }
    dst = sc_py_new(state, type, 3, stored);
    if (dst == NULL) goto done;
    const int64_t size = PyArray_ITEMSIZE(src);
    sc_py_work work = sc_py_begin(state);
    work.status = sc_volume_unorient(PyArray_DATA(src), size, stored, &orientation,
                                     PyArray_DATA(dst), &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(src);
    return (PyObject *)dst;
}

static PyObject *normalize(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "clip", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj;
    double clip = 5.0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$d:normalize", names, &obj,
                                     &clip)) {
        return NULL;
    }
    PyArrayObject *src = sc_py_array(obj, NPY_FLOAT32, -1, "volume"), *dst = NULL;
    if (src == NULL) goto done;
    dst = (PyArrayObject *)PyArray_SimpleNew(PyArray_NDIM(src), PyArray_DIMS(src),
                                             NPY_FLOAT32);
    if (dst == NULL) goto done;
    const int64_t n = PyArray_SIZE(src);
    sc_py_work work = sc_py_begin(state);
    work.status =
        sc_volume_normalize(PyArray_DATA(src), n, clip, PyArray_DATA(dst), &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(src);
    return (PyObject *)dst;
}

static PyMethodDef functions[] = {
    {"orient", orient, METH_VARARGS,
     "orient(array, axes, flips, /)\n--\n\n"
     "Bring a stored scan into the working orientation, as float32."},
    {"unorient", unorient, METH_VARARGS,
     "unorient(volume, axes, flips, /)\n--\n\n"
     "Bring a working volume back to the stored grid."},
    {"normalize", SC_PY_KEYWORDS(normalize),
     "normalize(volume, /, *, clip=5.0)\n--\n\n"
     "Scale a volume to [0, 1]: z-score, clip, minimum to 0 and maximum to 1."},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_image(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
