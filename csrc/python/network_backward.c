/* spinalcord._core.Network: gradients. */
#include "network.h"

static const sc_py_choice LAYERS[] = {{"input", SC_LAYER_INPUT},
                                      {"block1", SC_LAYER_BLOCK1},
                                      {"block2", SC_LAYER_BLOCK2},
                                      {"block3", SC_LAYER_BLOCK3},
                                      {"block4", SC_LAYER_BLOCK4},
                                      {"last", SC_LAYER_LAST},
                                      {NULL, 0}};
enum { LOGIT, PROBABILITY };
static const sc_py_choice FUNCTIONS[] = {
    {"logit", LOGIT}, {"probability", PROBABILITY}, {NULL, 0}};

static const sc_py_state *state_of(PyObject *op)
{
    return sc_py_state_of_type(Py_TYPE(op));
}

/* New reference: float32 (2,) or (n, 2). */
static PyArrayObject *direction_from(PyObject *op, PyObject *x, npy_intp n)
{
    PyArrayObject *array = (PyArrayObject *)PyArray_FROMANY(
        x, NPY_FLOAT32, 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED);
    if (array == NULL) return NULL;
    const int axes = PyArray_NDIM(array);
    const npy_intp *shape = PyArray_DIMS(array);
    if ((axes == 1 && shape[0] == 2) || (axes == 2 && shape[0] == n && shape[1] == 2))
        return array;
    PyObject *expected = PyUnicode_FromFormat("(2,) or (%zd, 2)", (Py_ssize_t)n);
    if (expected != NULL) {
        sc_py_wrong_shape(state_of(op), array, "direction", expected);
    }
    Py_XDECREF(expected);
    Py_DECREF(array);
    return NULL;
}

/* The results of 'call': (activations, gradients), or NULL. */
static PyObject *run(PyObject *op, PyArrayObject *src, sc_call *call)
{
    sc_backward *what = &call->backward;
    PyArrayObject *maps = sc_py_network_output(op, src, SC_OUTPUT_LAYER, what->layer);
    PyArrayObject *grads =
        maps == NULL ? NULL
                     : sc_py_network_output(op, src, SC_OUTPUT_LAYER, what->layer);
    if (grads != NULL) {
        what->activations = PyArray_DATA(maps);
        what->gradients = PyArray_DATA(grads);
        if (sc_py_network_run(op, src, call) == 0) {
            return Py_BuildValue("(NN)", maps, grads);
        }
    }
    Py_XDECREF(maps);
    Py_XDECREF(grads);
    return NULL;
}

PyObject *sc_py_network_backward(PyObject *op, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"images", "direction", "layer", "of", NULL};
    const char *layer = "last", *of = "logit";
    PyObject *x, *y, *result = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$ss:backward", names, &x, &y,
                                     &layer, &of)) {
        return NULL;
    }
    int l, f;
    if (sc_py_choose(state_of(op), layer, LAYERS, "layer", &l) < 0 ||
        sc_py_choose(state_of(op), of, FUNCTIONS, "of", &f) < 0) {
        return NULL;
    }
    PyArrayObject *src = sc_py_network_images(op, x);
    PyArrayObject *direction = src == NULL ? NULL
                                           : direction_from(op, y, PyArray_DIM(src, 0));
    if (direction != NULL) {
        sc_call call = {
            .pass = SC_BACKWARD,
            .backward = {.layer = (sc_layer)l,
                         .probability = f == PROBABILITY,
                         .direction = PyArray_DATA(direction),
                         .direction_step = PyArray_NDIM(direction) == 1 ? 0 : 2},
        };
        result = run(op, src, &call);
    }
    Py_XDECREF(direction);
    Py_XDECREF(src);
    return result;
}

PyObject *sc_py_network_backward_layers(PyObject *op, PyObject *args)
{
    long long h, w;
    const char *layer;
    if (!PyArg_ParseTuple(args, "LLs:backward_layers", &h, &w, &layer)) return NULL;
    int l;
    if (sc_py_choose(state_of(op), layer, LAYERS, "layer", &l) < 0) return NULL;
    return sc_py_network_list(op, SC_BACKWARD, (sc_layer)l, h, w, NULL, 1);
}
