/* spinalcord._core.Network: one network of the core. */
#include "network.h"

static NetworkObject *self_of(PyObject *op) { return (NetworkObject *)op; }

static PyObject *raise_error(PyObject *op, const sc_error *err)
{
    return sc_py_raise(PyType_GetModuleState(Py_TYPE(op)), err);
}

/* ---- Making ------------------------------------------------------------------- */

PyDoc_STRVAR(
    network_doc,
    "Network(kind, tensors, buffer, *, in_channels, outputs, norm_eps, final_norm,\n"
    "        final_relu, precision, threads, isa='auto')\n--\n\n"
    "A network of the C core; see spinalcord.Network.");

static PyObject *network_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind",      "tensors",  "buffer",     "in_channels",
                            "outputs",   "norm_eps", "final_norm", "final_relu",
                            "precision", "threads",  "isa",        NULL};
    const sc_py_state *state = PyType_GetModuleState(type);
    const char *kind, *precision = "f32", *isa = "auto";
    PyObject *list;
    Py_buffer buffer;
    int final_norm = 1, final_relu = 1;
    sc_net_config config = {0}; /* what is left out is zero, which the core refuses */
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "sO!y*|$iifppsis:Network", names, &kind, &PyList_Type, &list,
            &buffer, &config.in_channels, &config.outputs, &config.norm_eps,
            &final_norm, &final_relu, &precision, &config.threads, &isa)) {
        return NULL;
    }
    config.final_norm = final_norm;
    config.final_relu = final_relu;
    NetworkObject *self = NULL;
    if (sc_py_network_config(state, kind, precision, isa, &config) == 0) {
        self = (NetworkObject *)type->tp_alloc(type, 0);
    }
    if (self != NULL) {
        self->config = config;
        if (sc_py_network_open(self, state, list, &buffer) < 0) Py_CLEAR(self);
    }
    PyBuffer_Release(&buffer);
    return (PyObject *)self;
}

static void network_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    sc_net *net = self_of(op)->net;
    Py_BEGIN_ALLOW_THREADS
    sc_net_destroy(net);
    Py_END_ALLOW_THREADS
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- Running ------------------------------------------------------------------ */

PyArrayObject *sc_py_network_images(PyObject *op, PyObject *x)
{
    const NetworkObject *self = self_of(op);
    const sc_py_state *state = PyType_GetModuleState(Py_TYPE(op));
    PyArrayObject *src = NULL;
    if (PyArray_Check(x) && PyArray_TYPE((PyArrayObject *)x) != NPY_FLOAT32) {
        PyErr_Format(state->InputError, "images have the dtype %S; expected float32",
                     (PyObject *)PyArray_DESCR((PyArrayObject *)x));
        return NULL;
    }
    src = (PyArrayObject *)PyArray_FROMANY(x, NPY_FLOAT32, 0, 0,
                                           NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED);
    if (src == NULL) return NULL;
    if (PyArray_NDIM(src) == 4 && PyArray_DIM(src, 1) == self->config.in_channels)
        return src;
    PyObject *shape = PyObject_GetAttrString((PyObject *)src, "shape");
    if (shape != NULL) {
        PyErr_Format(state->InputError,
                     "images have the shape %S; expected (n, %d, h, w)", shape,
                     self->config.in_channels);
        Py_DECREF(shape);
    }
    Py_DECREF(src);
    return NULL;
}

int sc_py_network_poll(void *arg)
{
    /* Signal handlers run in Python, so they need the lock for a moment. */
    PyThreadState **saved = arg;
    PyEval_RestoreThread(*saved);
    const int pending = PyErr_CheckSignals();
    *saved = PyEval_SaveThread();
    return pending;
}

/* Probabilities of 'src', or NULL with an exception set. */
static PyObject *run(PyObject *op, PyArrayObject *src, const sc_net_extras *extras)
{
    const NetworkObject *self = self_of(op);
    const npy_intp *x = PyArray_DIMS(src);
    const bool maps = self->config.kind == SC_MULTIRESUNET;
    const npy_intp shape[] = {x[0], self->config.outputs, x[2], x[3]};
    sc_error err = {0};
    PyArrayObject *dst =
        (PyArrayObject *)PyArray_SimpleNew(maps ? 4 : 2, shape, NPY_FLOAT32);
    if (dst == NULL) return NULL;
    PyThreadState *saved = PyEval_SaveThread();
    const sc_status status = sc_net_run(self->net, x[0], x[2], x[3], PyArray_DATA(src),
                                        PyArray_DATA(dst), extras, sc_py_network_poll,
                                        &saved, &err);
    PyEval_RestoreThread(saved);
    if (status == SC_OK) return (PyObject *)dst;
    Py_DECREF(dst);
    return raise_error(op, &err);
}

static PyObject *network_call(PyObject *op, PyObject *args, PyObject *kwargs)
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
    sc_net_feature_shape(self_of(op)->net, x[2], x[3], f);
    const npy_intp shape[] = {x[0], f[0], f[1], f[2]}, plane[] = {x[0], f[1], f[2]};
    return (PyArrayObject *)PyArray_ZEROS(features ? 4 : 3, features ? shape : plane,
                                          NPY_FLOAT32, 0);
}

PyDoc_STRVAR(
    features_doc,
    "features($self, x, /)\n--\n\nThe last feature maps, float32 (n, maps, fh, fw).");

static PyObject *network_features(PyObject *op, PyObject *x)
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

PyDoc_STRVAR(
    gradcam_doc,
    "gradcam($self, x, index, /)\n--\n\n"
    "Signed class-activation maps of logit 'index', float32 (n, fh, fw), and the\n"
    "probabilities, float32 (n, 2).  DenseNet121 only.");

static PyObject *network_gradcam(PyObject *op, PyObject *args)
{
    const NetworkObject *self = self_of(op);
    const sc_py_state *state = PyType_GetModuleState(Py_TYPE(op));
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

/* ---- Looking ------------------------------------------------------------------ */

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

/* Steps of the plan for h x w. */
static PyObject *layer_list(PyObject *op, int64_t h, int64_t w, const double *seconds,
                            npy_intp n_images)
{
    sc_net *net = self_of(op)->net;
    const int64_t n = sc_net_layer_count(net);
    sc_error err = {0};
    sc_layer_info *layers = PyMem_Calloc((size_t)n, sizeof *layers);
    PyObject *list = NULL;
    if (layers == NULL) return PyErr_NoMemory();
    if (sc_net_layers(net, h, w, layers, &err) == SC_OK) {
        list = sc_py_network_steps(layers, n, seconds, n_images);
    } else {
        raise_error(op, &err);
    }
    PyMem_Free(layers);
    return list;
}

PyDoc_STRVAR(
    layers_doc,
    "layers($self, h, w, /)\n--\n\n"
    "The steps of the plan for images of h x w: list of dicts with name, kind,\n"
    "implementation, shape (channels, rows, columns) and flops.");

static PyObject *network_layers(PyObject *op, PyObject *args)
{
    long long h, w;
    if (!PyArg_ParseTuple(args, "LL:layers", &h, &w)) return NULL;
    return layer_list(op, h, w, NULL, 1);
}

PyDoc_STRVAR(
    profile_doc,
    "profile($self, x, /)\n--\n\n"
    "As layers(), with milliseconds per image and GFLOP/s (1e9 a second) of one run.");

static PyObject *network_profile(PyObject *op, PyObject *x)
{
    PyArrayObject *src = sc_py_network_images(op, x);
    if (src == NULL) return NULL;
    const size_t n = (size_t)sc_net_layer_count(self_of(op)->net);
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

static PyObject *get_kind(PyObject *op, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(sc_py_word(SC_PY_KINDS, (int)self_of(op)->config.kind));
}

static PyObject *get_precision(PyObject *op, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(
        sc_py_word(SC_PY_PRECISIONS, (int)self_of(op)->config.precision));
}

static PyObject *get_threads(PyObject *op, void *closure)
{
    (void)closure;
    return PyLong_FromLong(self_of(op)->config.threads);
}

static PyObject *get_n_values(PyObject *op, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong(sc_net_n_values(self_of(op)->net));
}

static PyMethodDef network_methods[] = {
    {"backward", (PyCFunction)(void (*)(void))sc_py_network_backward,
     METH_VARARGS | METH_KEYWORDS, sc_py_network_backward_doc},
    {"backward_layers", sc_py_network_backward_layers, METH_VARARGS,
     sc_py_network_backward_layers_doc},
    {"features", network_features, METH_O, features_doc},
    {"gradcam", network_gradcam, METH_VARARGS, gradcam_doc},
    {"layers", network_layers, METH_VARARGS, layers_doc},
    {"profile", network_profile, METH_O, profile_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef network_getset[] = {
    {"kind", get_kind, NULL, "\"multiresunet\" or \"densenet121\".", NULL},
    {"precision", get_precision, NULL, "\"f32\" or \"bf16\".", NULL},
    {"threads", get_threads, NULL, "Threads of one call.", NULL},
    {"n_values", get_n_values, NULL, "Stored values, statistics included.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot network_slots[] = {
    {Py_tp_doc, (void *)network_doc},
    {Py_tp_new, network_new},
    {Py_tp_dealloc, network_dealloc},
    {Py_tp_call, network_call},
    {Py_tp_methods, network_methods},
    {Py_tp_getset, network_getset},
    {0, NULL},
};

static PyType_Spec network_spec = {
    .name = "spinalcord._core.Network",
    .basicsize = sizeof(NetworkObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = network_slots,
};

int sc_py_add_network(PyObject *module)
{
    sc_py_state *state = sc_py_state_of(module);
    state->Network =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &network_spec, NULL);
    return state->Network == NULL ? -1 : PyModule_AddType(module, state->Network);
}
