/* Images to a Network, and lists of steps from it. */
#include "network.h"

static bool fits(PyArrayObject *images, int channels)
{
    return PyArray_NDIM(images) == 4 && PyArray_DIM(images, 1) == channels;
}

PyArrayObject *sc_py_network_images(PyObject *op, PyObject *x)
{
    const int channels = sc_py_network(op)->config.in_channels;
    const sc_py_state *state = sc_py_state_of_type(Py_TYPE(op));
    PyArrayObject *src = NULL;
    if (PyArray_Check(x) && PyArray_TYPE((PyArrayObject *)x) != NPY_FLOAT32) {
        PyErr_Format(state->InputError, "images have dtype %S, expected float32",
                     (PyObject *)PyArray_DESCR((PyArrayObject *)x));
        return NULL;
    }
    /* What is refused is not copied before. */
    if (PyArray_Check(x) && !fits((PyArrayObject *)x, channels)) {
        src = (PyArrayObject *)Py_NewRef(x);
    } else {
        src = (PyArrayObject *)PyArray_FROMANY(
            x, NPY_FLOAT32, 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED);
    }
    if (src == NULL || fits(src, channels)) return src;
    PyObject *expected = PyUnicode_FromFormat("(n, %d, h, w)", channels);
    if (expected != NULL) sc_py_wrong_shape(state, src, "images", expected);
    Py_XDECREF(expected);
    Py_DECREF(src);
    return NULL;
}

PyObject *sc_py_network_steps(const sc_layer_info *layers, int64_t n,
                              const double *seconds, npy_intp n_images)
{
    PyObject *list = PyList_New(0);
    for (int64_t i = 0; list != NULL && i < n; i++) {
        const sc_layer_info *l = &layers[i];
        const double ms = seconds ? 1e3 * seconds[i] / (double)n_images : 0.0;
        PyObject *item = Py_BuildValue(
            "{sssssss(LLL)sd}", "name", l->name, "kind", l->kind, "implementation",
            l->implementation, "shape", (long long)l->shape[0], (long long)l->shape[1],
            (long long)l->shape[2], "flops", l->flops);
        if (item != NULL && seconds != NULL) {
            PyObject *more = Py_BuildValue("{sdsd}", "milliseconds", ms, "gflops",
                                           ms > 0 ? l->flops / ms / 1e6 : 0.0);
            if (more == NULL || PyDict_Update(item, more) < 0) Py_CLEAR(item);
            Py_XDECREF(more);
        }
        if (item == NULL || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}
