/* spinalcord._core.Network: probabilities, and what comes with them. */
#include "network.h"

/* Probabilities of 'src', or NULL with an exception set. */
static PyObject *run(PyObject *op, PyArrayObject *src, const sc_net_extras *extras)
{
    const NetworkObject *self = sc_py_network(op);
    const npy_intp *x = PyArray_DIMS(src);
    const bool maps = self->config.kind == SC_MULTIRESUNET;
    const npy_intp shape[] = {x[0], self->config.outputs, x[2], x[3]};
    PyArrayObject *dst =
        (PyArrayObject *)PyArray_SimpleNew(maps ? 4 : 2, shape, NPY_FLOAT32);
    if (dst == NULL) return NULL;
    sc_py_work work = sc_py_begin(sc_py_state_of_type(Py_TYPE(op)));
    work.status = sc_net_run(self->net, x[0], x[2], x[3], PyArray_DATA(src),
                             PyArray_DATA(dst), extras, sc_py_poll, &work, &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
    return (PyObject *)dst;
}

PyObject *sc_py_network_call(PyObject *op, PyObject *args, PyObject *kwargs)
{
    PyObject *x;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "a network takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O:Network", &x)) return NULL;
    PyArrayObject *src = sc_py_network_images(op, x);
    if (src == NULL) return NULL;
    PyObject *dst = run(op, src, NULL);
    Py_DECREF(src);
    return dst;
}

/* A new array for the features ('maps') or the class-activation maps of 'src', whose
 * extents the core is asked for; NULL with an exception set. */
static PyArrayObject *new_maps(PyObject *op, const PyArrayObject *src, bool features)
{
    int64_t f[3];
    const npy_intp *x = PyArray_DIMS(src);
    if (x[2] < 16 || x[3] < 16)
        return (PyArrayObject *)PyArray_SimpleNew(1, x, NPY_FLOAT32);
    sc_net_feature_shape(sc_py_network(op)->net, x[2], x[3], f);
    const npy_intp shape[] = {x[0], f[0], f[1], f[2]}, plane[] = {x[0], f[1], f[2]};
    return (PyArrayObject *)PyArray_ZEROS(features ? 4 : 3, features ? shape : plane,
                                          NPY_FLOAT32, 0);
}

PyObject *sc_py_network_features(PyObject *op, PyObject *x)
{
    PyArrayObject *src = sc_py_network_images(op, x);
    PyArrayObject *maps = src == NULL ? NULL : new_maps(op, src, true);
    PyObject *dst = NULL;
    if (maps != NULL) {
        const sc_net_extras extras = {.features = PyArray_DATA(maps)};
        dst = run(op, src, &extras);
    }
    if (dst == NULL) Py_CLEAR(maps);
    Py_XDECREF(dst);
    Py_XDECREF(src);
    return (PyObject *)maps;
}

PyObject *sc_py_network_gradcam(PyObject *op, PyObject *args)
{
    const NetworkObject *self = sc_py_network(op);
    const sc_py_state *state = sc_py_state_of_type(Py_TYPE(op));
    PyObject *x;
    int index;
    if (!PyArg_ParseTuple(args, "Oi:gradcam", &x, &index)) return NULL;
    if (self->config.kind != SC_DENSENET121 || index < 0 ||
        index >= self->config.outputs) {
        PyErr_Format(
            state->InputError,
            "gradcam of logit %d of a %s; expected logit 0 or 1 of a densenet121",
            index, sc_py_word(SC_PY_KINDS, (int)self->config.kind));
        return NULL;
    }
    PyArrayObject *src = sc_py_network_images(op, x);
    PyArrayObject *maps = src == NULL ? NULL : new_maps(op, src, false);
    PyObject *dst = NULL;
    if (maps != NULL) {
        const sc_net_extras extras = {.cam = PyArray_DATA(maps), .cam_index = index};
        dst = run(op, src, &extras);
    }
    Py_XDECREF(src);
    if (dst != NULL) return Py_BuildValue("(NN)", maps, dst);
    Py_XDECREF(maps);
    return NULL;
}

/* Steps of the plan for h x w. */
static PyObject *layer_list(PyObject *op, int64_t h, int64_t w, const double *seconds,
                            npy_intp n_images)
{
    sc_net *net = sc_py_network(op)->net;
    const int64_t n = sc_net_layer_count(net);
    sc_error err = {0};
    sc_layer_info *layers = PyMem_Calloc((size_t)n, sizeof *layers);
    PyObject *list = NULL;
    if (layers == NULL) return PyErr_NoMemory();
    if (sc_net_layers(net, h, w, layers, &err) == SC_OK) {
        list = sc_py_network_steps(layers, n, seconds, n_images);
    } else {
        sc_py_raise(sc_py_state_of_type(Py_TYPE(op)), &err);
    }
    PyMem_Free(layers);
    return list;
}

PyObject *sc_py_network_layers(PyObject *op, PyObject *args)
{
    long long h, w;
    if (!PyArg_ParseTuple(args, "LL:layers", &h, &w)) return NULL;
    return layer_list(op, h, w, NULL, 1);
}

PyObject *sc_py_network_profile(PyObject *op, PyObject *x)
{
    PyArrayObject *src = sc_py_network_images(op, x);
    if (src == NULL) return NULL;
    const size_t n = (size_t)sc_net_layer_count(sc_py_network(op)->net);
    double *seconds = PyMem_Calloc(n, sizeof *seconds);
    PyObject *list = NULL, *dst = NULL;
    if (seconds == NULL) {
        PyErr_NoMemory();
    } else {
        const sc_net_extras extras = {.profile = seconds};
        dst = run(op, src, &extras);
    }
    if (dst != NULL) {
        const npy_intp *shape = PyArray_DIMS(src);
        list = layer_list(op, shape[2], shape[3], seconds, shape[0]);
    }
    Py_XDECREF(dst);
    Py_DECREF(src);
    PyMem_Free(seconds);
    return list;
}
