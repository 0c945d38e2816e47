/* spinalcord._core.Network: the type. */
#include "network.h"

#include "module.h"

static PyObject *network_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind",      "tensors",  "buffer",     "in_channels",
                            "outputs",   "norm_eps", "final_norm", "final_relu",
                            "precision", "threads",  "isa",        "backend",
                            "ranges",    NULL};
    const sc_py_state *state = sc_py_state_of_type(type);
    const char *kind, *precision = "f32", *isa = "auto", *backend = "own";
    PyObject *list, *ranges = NULL;
    Py_buffer buffer;
    int final_norm = 1, final_relu = 1;
    /* Missing numbers are zero, which the core refuses. */
    sc_net_config config = {.kind = SC_MULTIRESUNET, .precision = SC_PRECISION_F32};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "sO!y*|$iifppsissO!:Network", names, &kind, &PyList_Type,
            &list, &buffer, &config.in_channels, &config.outputs, &config.norm_eps,
            &final_norm, &final_relu, &precision, &config.threads, &isa, &backend,
            &PyList_Type, &ranges)) {
        return NULL;
    }
    config.final_norm = final_norm;
    config.final_relu = final_relu;
    NetworkObject *self = NULL;
    if (sc_py_network_config(state, kind, precision, isa, backend, &config) == 0) {
        self = (NetworkObject *)type->tp_alloc(type, 0);
    }
    if (self != NULL) {
        self->config = config;
        if (sc_py_network_open(self, state, list, &buffer, ranges) < 0) Py_CLEAR(self);
    }
    PyBuffer_Release(&buffer);
    return (PyObject *)self;
}

static void network_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    sc_py_work work = sc_py_begin(sc_py_state_of_type(type));
    sc_net_destroy(sc_py_network(op)->net);
    (void)sc_py_end(&work); /* nothing that could fail */
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- Attributes ----------------------------------------------------------------- */

static PyObject *get_kind(PyObject *op, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(
        sc_py_word(SC_PY_KINDS, (int)sc_py_network(op)->config.kind));
}

static PyObject *get_precision(PyObject *op, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(
        sc_py_word(SC_PY_PRECISIONS, (int)sc_py_network(op)->config.precision));
}

static PyObject *get_backend(PyObject *op, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(
        sc_py_word(SC_PY_BACKENDS, sc_py_network(op)->config.by_onednn));
}

static PyObject *get_threads(PyObject *op, void *closure)
{
    (void)closure;
    return PyLong_FromLong(sc_py_network(op)->config.threads);
}

static PyObject *get_n_values(PyObject *op, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong(sc_net_n_values(sc_py_network(op)->net));
}

/* ---- The type ------------------------------------------------------------------- */

PyDoc_STRVAR(
    network_doc,
    "Network(kind, tensors, buffer, *, in_channels, outputs, norm_eps, final_norm,\n"
    "        final_relu, precision, threads, isa='auto', backend='own', "
    "ranges=[])\n--\n\n"
    "A network of the C core; see spinalcord.Network.");

static PyMethodDef network_methods[] = {
    {"backward", SC_PY_KEYWORDS(sc_py_network_backward),
     "backward($self, images, direction, *, layer='last', of='logit')\n--\n\n"
     "Return a layer's maps and the gradient, with respect to them, of direction . "
     "logits\n(or direction . probabilities): both float32 (n, channels, rows, "
     "columns).\nDenseNet121 only."},
    {"backward_layers", sc_py_network_backward_layers, METH_VARARGS,
     "backward_layers($self, h, w, layer, /)\n--\n\n"
     "List the steps of backward() for images of h x w, as layers() does."},
    {"features", sc_py_network_features, METH_O,
     "features($self, x, /)\n--\n\n"
     "Return the last feature maps, float32 (n, maps, fh, fw)."},
    {"gradcam", sc_py_network_gradcam, METH_VARARGS,
     "gradcam($self, x, index, /)\n--\n\n"
     "Return signed class-activation maps of logit 'index', float32 (n, fh, fw), or\n"
     "of both where that is -1, (n, 2, fh, fw), and the probabilities, float32 (n, "
     "2).\n"
     "DenseNet121 only."},
    {"layers", sc_py_network_layers, METH_VARARGS,
     "layers($self, h, w, /)\n--\n\n"
     "List the steps of the plan for images of h x w: dicts with name, kind,\n"
     "implementation, shape (channels, rows, columns) and flops."},
    {"check_size", sc_py_network_check_size, METH_VARARGS,
     "check_size($self, h, w, /)\n--\n\n"
     "Raise an InputError unless images of h x w can be computed."},
    {"plan_info", sc_py_network_plan_info, METH_VARARGS,
     "plan_info($self, h, w, /)\n--\n\n"
     "Return how batches of h x w are computed: dict of nbytes, batches ('alone', a "
     "thread\nan image, or 'together'), and the milliseconds an image of both ways, or "
     "None."},
    {"profile", sc_py_network_profile, METH_O,
     "profile($self, x, /)\n--\n\n"
     "List the steps as layers() does, with the milliseconds per image and the "
     "GFLOP/s\n"
     "(1e9 per second) of one run."},
    {"ranges", sc_py_network_ranges, METH_O,
     "ranges($self, x, /)\n--\n\n"
     "List for each step of the plan its name and what it takes and gives at these "
     "images:\n(name, least read, largest read, least written, largest written).  f32 "
     "only."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef network_getset[] = {
    {"kind", get_kind, NULL, "\"multiresunet\" or \"densenet121\".", NULL},
    {"precision", get_precision, NULL, "\"f32\", \"bf16\" or \"int8\".", NULL},
    {"backend", get_backend, NULL, "\"own\" or \"onednn\".", NULL},
    {"threads", get_threads, NULL, "Threads of one call.", NULL},
    {"n_values", get_n_values, NULL, "Stored values, statistics included.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot network_slots[] = {
    {Py_tp_doc, (void *)network_doc},
    {Py_tp_new, network_new},
    {Py_tp_dealloc, network_dealloc},
    {Py_tp_call, sc_py_network_call},
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
