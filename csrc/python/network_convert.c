/* Images to a Network, and lists of steps from it. */
#include "network.h"

/* 0 if the network computes images of h x w, else -1 with an exception set. */
static int check_size(PyObject *op, int64_t h, int64_t w)
{
    sc_shape shape;
    sc_error err = {0};
    if (sc_net_shape(sc_py_network(op)->net, SC_OUTPUT_PROBABILITIES, SC_LAYER_INPUT, h,
                     w, &shape, &err) == SC_OK) {
        return 0;
    }
    sc_py_raise(sc_py_state_of_type(Py_TYPE(op)), &err);
    return -1;
}

PyObject *sc_py_network_check_size(PyObject *op, PyObject *args)
{
    long long h, w;
    if (!PyArg_ParseTuple(args, "LL:check_size", &h, &w)) return NULL;
    if (check_size(op, h, w) < 0) return NULL;
    Py_RETURN_NONE;
}

/* The same for the shape of a batch, axes and channels included. */
static int check_shape(PyObject *op, PyArrayObject *images)
{
    const int channels = sc_py_network(op)->config.in_channels;
    if (PyArray_NDIM(images) == 4 && PyArray_DIM(images, 1) == channels) {
        return check_size(op, PyArray_DIM(images, 2), PyArray_DIM(images, 3));
    }
    PyObject *expected = PyUnicode_FromFormat("(n, %d, h, w)", channels);
    if (expected != NULL) {
        sc_py_wrong_shape(sc_py_state_of_type(Py_TYPE(op)), images, "images", expected);
    }
    Py_XDECREF(expected);
    return -1;
}

PyArrayObject *sc_py_network_images(PyObject *op, PyObject *x)
{
    const bool is_array = PyArray_Check(x);
    if (is_array && PyArray_TYPE((PyArrayObject *)x) != NPY_FLOAT32) {
        PyErr_Format(sc_py_state_of_type(Py_TYPE(op))->InputError,
                     "images have dtype %S, expected float32",
                     (PyObject *)PyArray_DESCR((PyArrayObject *)x));
        return NULL;
    }
    /* What is refused is not copied before. */
    PyArrayObject *given =
        (PyArrayObject *)(is_array ? Py_NewRef(x) : PyArray_FROM_OT(x, NPY_FLOAT32));
    if (given == NULL) return NULL;
    PyArrayObject *images = NULL;
    if (check_shape(op, given) == 0) {
        images = (PyArrayObject *)PyArray_FROMANY((PyObject *)given, NPY_FLOAT32, 4, 4,
                                                  NPY_ARRAY_CARRAY_RO |
                                                      NPY_ARRAY_NOTSWAPPED);
    }
    Py_DECREF(given);
    return images;
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
