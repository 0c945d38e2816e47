/* spinalcord._core.Network: probabilities, features, class-activation maps, profiles. */
#include "network.h"

/* Probabilities of 'src', and of what 'call' asks for besides; NULL with an exception. */
static PyArrayObject *run(PyObject *op, PyArrayObject *src, sc_call *call)
{
    PyArrayObject *dst =
        sc_py_network_output(op, src, SC_OUTPUT_PROBABILITIES, SC_LAYER_INPUT);
    if (dst == NULL) return NULL;
    call->pass = SC_FORWARD;
    call->forward.probabilities = PyArray_DATA(dst);
    if (sc_py_network_run(op, src, call) < 0) Py_CLEAR(dst);
    return dst;
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
    sc_call call = {0};
    PyArrayObject *dst = run(op, src, &call);
    Py_DECREF(src);
    return (PyObject *)dst;
}

PyObject *sc_py_network_features(PyObject *op, PyObject *x)
{
    PyArrayObject *src = sc_py_network_images(op, x), *dst = NULL, *maps = NULL;
    if (src == NULL) return NULL;
    maps = sc_py_network_output(op, src, SC_OUTPUT_FEATURES, SC_LAYER_INPUT);
    if (maps != NULL) {
        sc_call call = {.forward = {.features = PyArray_DATA(maps)}};
        dst = run(op, src, &call);
    }
    if (dst == NULL) Py_CLEAR(maps);
    Py_XDECREF(dst);
    Py_DECREF(src);
    return (PyObject *)maps;
}

PyObject *sc_py_network_gradcam(PyObject *op, PyObject *args)
{
    const NetworkObject *self = sc_py_network(op);
    const sc_py_state *state = sc_py_state_of_type(Py_TYPE(op));
    PyObject *x;
    PyArrayObject *maps = NULL, *dst = NULL;
    int index;
    if (!PyArg_ParseTuple(args, "Oi:gradcam", &x, &index)) return NULL;
    const bool both = index == -1;
    if (self->config.kind != SC_DENSENET121 || index < -1 ||
        index >= self->config.outputs) {
        PyErr_Format(state->InputError,
                     "gradcam of logit %d of a %s; expected logit 0 or 1 of a "
                     "densenet121, or -1",
                     index, sc_py_word(SC_PY_KINDS, (int)self->config.kind));
        return NULL;
    }
    PyArrayObject *src = sc_py_network_images(op, x);
    if (src == NULL) return NULL;
    maps = sc_py_network_output(op, src, both ? SC_OUTPUT_CAMS : SC_OUTPUT_CAM,
                                SC_LAYER_INPUT);
    if (maps != NULL) {
        float *data = PyArray_DATA(maps);
        sc_call call = {.forward = {.cam = both ? NULL : data,
                                    .cam_index = both ? 0 : index,
                                    .cams = both ? data : NULL}};
        dst = run(op, src, &call);
    }
    Py_DECREF(src);
    if (dst != NULL) return Py_BuildValue("(NN)", maps, dst);
    Py_XDECREF(maps);
    return NULL;
}

PyObject *sc_py_network_layers(PyObject *op, PyObject *args)
{
    long long h, w;
    if (!PyArg_ParseTuple(args, "LL:layers", &h, &w)) return NULL;
    return sc_py_network_list(op, SC_FORWARD, SC_LAYER_INPUT, h, w, NULL, 1);
}

PyObject *sc_py_network_plan_info(PyObject *op, PyObject *args)
{
    long long h, w;
    sc_plan_info info = {0};
    if (!PyArg_ParseTuple(args, "LL:plan_info", &h, &w)) return NULL;
    sc_py_work work = sc_py_begin(sc_py_state_of_type(Py_TYPE(op)));
    work.status = sc_net_plan_info(sc_py_network(op)->net, h, w, &info, &work.err);
    if (sc_py_end(&work) < 0) return NULL;
    const char *batches = info.alone ? "alone" : "together";
    if (!info.measured) {
        return Py_BuildValue("{sLsssOsO}", "nbytes", (long long)info.nbytes, "batches",
                             batches, "alone_ms", Py_None, "together_ms", Py_None);
    }
    return Py_BuildValue("{sLsssdsd}", "nbytes", (long long)info.nbytes, "batches",
                         batches, "alone_ms", 1e3 * info.alone_seconds, "together_ms",
                         1e3 * info.together_seconds);
}

PyObject *sc_py_network_profile(PyObject *op, PyObject *x)
{
    double seconds[SC_MAX_STEPS] = {0.0};
    PyArrayObject *src = sc_py_network_images(op, x);
    if (src == NULL) return NULL;
    sc_call call = {.seconds = seconds};
    PyArrayObject *dst = run(op, src, &call);
    PyObject *list = NULL;
    if (dst != NULL) {
        list = sc_py_network_list(op, SC_FORWARD, SC_LAYER_INPUT, call.h, call.w,
                                  seconds, call.n);
    }
    Py_XDECREF(dst);
    Py_DECREF(src);
    return list;
}

/* Of steps that read or write nothing of that kind, what is left is no range: 0 to 0. */
static PyObject *list_ranges(const sc_layer_info *steps, int64_t n, const float *ranges)
{
    PyObject *list = PyList_New(0);
    for (int64_t i = 0; list != NULL && i < n; i++) {
        const float *r = ranges + 4 * i;
        PyObject *item = Py_BuildValue("(sffff)", steps[i].name, (double)r[0],
                                       (double)r[1], (double)r[2], (double)r[3]);
        if (item == NULL || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

PyObject *sc_py_network_ranges(PyObject *op, PyObject *x)
{
    float ranges[4 * SC_MAX_STEPS] = {0.0f};
    PyArrayObject *src = sc_py_network_images(op, x);
    if (src == NULL) return NULL;
    sc_call call = {.ranges = ranges};
    PyArrayObject *dst = run(op, src, &call);
    Py_DECREF(src);
    if (dst == NULL) return NULL;
    Py_DECREF(dst);
    PyObject *list = NULL;
    int64_t n = 0;
    sc_layer_info *steps = PyMem_Calloc(SC_MAX_STEPS, sizeof *steps);
    if (steps == NULL) return PyErr_NoMemory();
    sc_py_work work = sc_py_begin(sc_py_state_of_type(Py_TYPE(op)));
    work.status = sc_net_steps(sc_py_network(op)->net, SC_FORWARD, SC_LAYER_INPUT,
                               call.h, call.w, steps, &n, &work.err);
    if (sc_py_end(&work) == 0) list = list_ranges(steps, n, ranges);
    PyMem_Free(steps);
    return list;
}
