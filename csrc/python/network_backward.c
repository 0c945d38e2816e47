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

static sc_net *net_of(PyObject *op) { return sc_py_network(op)->net; }

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

/* New array for one of the results; NULL with an exception set. */
static PyArrayObject *new_maps(PyObject *op, const PyArrayObject *src, sc_layer layer)
{
    const npy_intp *x = PyArray_DIMS(src);
    int64_t f[3];
    sc_error err = {0};
    if (sc_net_layer_shape(net_of(op), layer, x[2], x[3], f, &err) != SC_OK) {
        sc_py_raise(state_of(op), &err);
        return NULL;
    }
    const npy_intp shape[] = {x[0], f[0], f[1], f[2]};
    return (PyArrayObject *)PyArray_SimpleNew(4, shape, NPY_FLOAT32);
}

/* 'what' with its results still to come: (activations, gradients), or NULL. */
static PyObject *run(PyObject *op, PyArrayObject *src, sc_backward *what)
{
    const npy_intp *x = PyArray_DIMS(src);
    PyArrayObject *maps = new_maps(op, src, what->layer);
    PyArrayObject *grads = maps == NULL ? NULL : new_maps(op, src, what->layer);
    if (grads == NULL) {
        Py_XDECREF(maps);
        return NULL;
    }
    what->activations = PyArray_DATA(maps);
    what->gradients = PyArray_DATA(grads);
    sc_py_work work = sc_py_begin(state_of(op));
    work.status = sc_net_backward(net_of(op), x[0], x[2], x[3], PyArray_DATA(src), what,
                                  sc_py_poll, &work, &work.err);
    if (sc_py_end(&work) == 0) return Py_BuildValue("(NN)", maps, grads);
    Py_DECREF(maps);
    Py_DECREF(grads);
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
        sc_backward what = {.layer = (sc_layer)l,
                            .probability = f == PROBABILITY,
                            .direction = PyArray_DATA(direction),
                            .direction_step = PyArray_NDIM(direction) == 1 ? 0 : 2};
        result = run(op, src, &what);
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
    sc_layer_info *steps = PyMem_Calloc(SC_MAX_STEPS, sizeof *steps);
    if (steps == NULL) return PyErr_NoMemory();
    int64_t n = 0;
    sc_error err = {0};
    PyObject *list = NULL;
    if (sc_net_backward_layers(net_of(op), (sc_layer)l, h, w, steps, &n, &err) ==
        SC_OK) {
        list = sc_py_network_steps(steps, n, NULL, 1);
    } else {
        sc_py_raise(state_of(op), &err);
    }
    PyMem_Free(steps);
    return list;
}
