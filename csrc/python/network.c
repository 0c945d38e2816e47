/* spinalcord._core.Network: one network of the core, and what the CPU offers it. */
#include "core.h"

#include "../nn/conv_onednn.h"

#include <cpuid.h>
#include <string.h>

typedef struct {
    PyObject_HEAD
    sc_net *net;
    sc_net_config config;
} NetworkObject;

static NetworkObject *self_of(PyObject *op) { return (NetworkObject *)op; }

static PyObject *raise_error(PyObject *op, const sc_error *err)
{
    return sc_py_raise(PyType_GetModuleState(Py_TYPE(op)), err);
}

/* ---- Words -------------------------------------------------------------------- */

typedef struct {
    const char *word;
    int value;
} choice;

static const choice KINDS[] = {
    {"multiresunet", SC_MULTIRESUNET}, {"densenet121", SC_DENSENET121}, {NULL, 0}};
static const choice PRECISIONS[] = {
    {"f32", SC_PRECISION_F32}, {"bf16", SC_PRECISION_BF16}, {NULL, 0}};
static const choice DTYPES[] = {
    {"F32", SC_TENSOR_F32}, {"F16", SC_TENSOR_F16}, {"BF16", SC_TENSOR_BF16}, {NULL, 0}};
static const choice ISAS[] = {{"auto", SC_ISA_AUTO},     {"sse2", SC_ISA_BASE},
                              {"avx2", SC_ISA_AVX2},     {"avx512", SC_ISA_AVX512},
                              {"avx512_bf16", SC_ISA_AVX512_BF16}, {"amx", SC_ISA_AMX},
                              {NULL, 0}};

static const char *word_of(const choice *choices, int value)
{
    while (choices->value != value) choices++;
    return choices->word;
}

/* The value of 'word', or -1 with an InputError that says what is allowed. */
static int choose(const sc_py_state *state, const choice *choices, const char *what,
                  const char *word)
{
    char allowed[128] = "";
    for (const choice *c = choices; c->word != NULL; c++) {
        if (strcmp(c->word, word) == 0) return c->value;
        if (c != choices) strcat(allowed, ", ");
        strcat(allowed, c->word);
    }
    PyErr_Format(state->InputError, "%s is %s; expected one of %s", what, word, allowed);
    return -1;
}

/* ---- Opening ------------------------------------------------------------------ */

static int shape_from(PyObject *shape, sc_tensor *out)
{
    const Py_ssize_t n = PyTuple_GET_SIZE(shape);
    out->ndim = (int)n;
    for (Py_ssize_t i = 0; i < n && i < 4; i++) {
        out->shape[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(shape, i));
        if (out->shape[i] == -1 && PyErr_Occurred()) return -1;
    }
    return 0;
}

/* What protects memory: the bytes must lie in the buffer and be as many as the shape
 * and the type say.  Whether the tensor belongs here is the core's question. */
static int check_bytes(const sc_py_state *state, const sc_tensor *t, Py_ssize_t begin,
                       Py_ssize_t end, Py_ssize_t nbytes)
{
    Py_ssize_t expected = t->type == SC_TENSOR_F32 ? 4 : 2;
    bool fits = t->ndim <= 4 && 0 <= begin && begin <= end && end <= nbytes;
    for (int i = 0; fits && i < t->ndim; i++) {
        fits = t->shape[i] >= 0 && t->shape[i] <= PY_SSIZE_T_MAX / 4 / (expected + 1) &&
               !__builtin_mul_overflow(expected, (Py_ssize_t)t->shape[i], &expected);
    }
    if (fits && end - begin == expected) return 0;
    PyErr_Format(state->ModelError,
                 "tensor %s claims the bytes %zd to %zd of %zd, which do not hold its shape",
                 t->name, begin, end, nbytes);
    return -1;
}

static int tensor_from(const sc_py_state *state, PyObject *item, const Py_buffer *buffer,
                       sc_tensor *out)
{
    const char *dtype;
    PyObject *shape;
    Py_ssize_t begin, end;
    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "each tensor must be a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(item, "ssO!nn;(name, dtype, shape, begin, end)", &out->name, &dtype,
                          &PyTuple_Type, &shape, &begin, &end)) {
        return -1;
    }
    const int type = choose(state, DTYPES, out->name, dtype);
    if (type < 0 || shape_from(shape, out) < 0) return -1;
    out->type = (sc_tensor_type)type;
    out->data = (const char *)buffer->buf + begin;
    return check_bytes(state, out, begin, end, buffer->len);
}

static int open_network(NetworkObject *self, const sc_py_state *state, PyObject *list,
                        const Py_buffer *buffer)
{
    const Py_ssize_t n = PyList_GET_SIZE(list);
    sc_error err = {0};
    sc_status status = SC_OK;
    sc_tensor *tensors = PyMem_Calloc((size_t)(n > 0 ? n : 1), sizeof *tensors);
    int result = -1;
    if (tensors == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (tensor_from(state, item, buffer, &tensors[i]) < 0) goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    status = sc_net_create(&self->config, tensors, n, &self->net, &err);
    Py_END_ALLOW_THREADS
    if (status == SC_OK) {
        result = 0;
    } else {
        sc_py_raise(state, &err);
    }
done:
    PyMem_Free(tensors);
    return result;
}

static int config_from(const sc_py_state *state, const char *kind, const char *precision,
                       const char *isa, sc_net_config *config)
{
    const int k = choose(state, KINDS, "network", kind);
    const int p = k < 0 ? -1 : choose(state, PRECISIONS, "precision", precision);
    const int i = p < 0 ? -1 : choose(state, ISAS, "isa", isa);
    if (i < 0) return -1;
    config->kind = (sc_net_kind)k;
    config->precision = (sc_precision)p;
    config->isa = (sc_isa)i;
    return 0;
}

PyDoc_STRVAR(network_doc,
             "Network(kind, tensors, buffer, *, in_channels, outputs, norm_eps, final_norm,\n"
             "        final_relu, precision, threads, isa='auto')\n--\n\n"
             "A network of the C core; see spinalcord.Network.");

static PyObject *network_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"kind",       "tensors",    "buffer",    "in_channels",
                            "outputs",    "norm_eps",   "final_norm", "final_relu",
                            "precision",  "threads",    "isa",        NULL};
    const sc_py_state *state = PyType_GetModuleState(type);
    const char *kind, *precision = "f32", *isa = "auto";
    PyObject *list;
    Py_buffer buffer;
    int final_norm = 1, final_relu = 1;
    sc_net_config config = {0}; /* what is left out is zero, which the core refuses */
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "sO!y*|$iifppsis:Network", names, &kind, &PyList_Type, &list, &buffer,
            &config.in_channels, &config.outputs, &config.norm_eps, &final_norm, &final_relu,
            &precision, &config.threads, &isa)) {
        return NULL;
    }
    config.final_norm = final_norm;
    config.final_relu = final_relu;
    NetworkObject *self = NULL;
    if (config_from(state, kind, precision, isa, &config) == 0) {
        self = (NetworkObject *)type->tp_alloc(type, 0);
    }
    if (self != NULL) {
        self->config = config;
        if (open_network(self, state, list, &buffer) < 0) Py_CLEAR(self);
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

/* New reference: float32, aligned, C order, (n, in_channels, h, w). */
static PyArrayObject *images_from(PyObject *op, PyObject *x)
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
    if (PyArray_NDIM(src) == 4 && PyArray_DIM(src, 1) == self->config.in_channels) return src;
    PyObject *shape = PyObject_GetAttrString((PyObject *)src, "shape");
    if (shape != NULL) {
        PyErr_Format(state->InputError, "images have the shape %S; expected (n, %d, h, w)",
                     shape, self->config.in_channels);
        Py_DECREF(shape);
    }
    Py_DECREF(src);
    return NULL;
}

/* sc_poll_fn: signal handlers run in Python, so they need the lock for a moment. */
static int check_signals(void *arg)
{
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
    PyArrayObject *dst = (PyArrayObject *)PyArray_SimpleNew(maps ? 4 : 2, shape, NPY_FLOAT32);
    if (dst == NULL) return NULL;
    PyThreadState *saved = PyEval_SaveThread();
    const sc_status status =
        sc_net_run(self->net, x[0], x[2], x[3], PyArray_DATA(src), PyArray_DATA(dst), extras,
                   check_signals, &saved, &err);
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
    PyArrayObject *src = images_from(op, x);
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
    if (x[2] < 16 || x[3] < 16) return (PyArrayObject *)PyArray_SimpleNew(1, x, NPY_FLOAT32);
    sc_net_feature_shape(self_of(op)->net, x[2], x[3], f);
    const npy_intp shape[] = {x[0], f[0], f[1], f[2]}, plane[] = {x[0], f[1], f[2]};
    return (PyArrayObject *)PyArray_ZEROS(features ? 4 : 3, features ? shape : plane,
                                          NPY_FLOAT32, 0);
}

PyDoc_STRVAR(features_doc, "features($self, x, /)\n--\n\nThe last feature maps, float32 (n, maps, fh, fw).");

static PyObject *network_features(PyObject *op, PyObject *x)
{
    PyArrayObject *src = images_from(op, x);
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

PyDoc_STRVAR(gradcam_doc,
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
    if (self->config.kind != SC_DENSENET121 || index < 0 || index >= self->config.outputs) {
        PyErr_Format(state->InputError,
                     "gradcam of logit %d of a %s; expected logit 0 or 1 of a densenet121",
                     index, word_of(KINDS, (int)self->config.kind));
        return NULL;
    }
    PyArrayObject *src = images_from(op, x);
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

/* Steps of the plan for h x w as a list of dicts; with 'seconds' also what each took
 * for 'n_images'. */
static PyObject *layer_list(PyObject *op, int64_t h, int64_t w, const double *seconds,
                            npy_intp n_images)
{
    sc_net *net = self_of(op)->net;
    const int64_t n = sc_net_layer_count(net);
    sc_error err = {0};
    sc_layer_info *layers = PyMem_Calloc((size_t)n, sizeof *layers);
    PyObject *list = NULL;
    if (layers == NULL) return PyErr_NoMemory();
    if (sc_net_layers(net, h, w, layers, &err) != SC_OK) {
        raise_error(op, &err);
        goto done;
    }
    list = PyList_New(0);
    for (int64_t i = 0; list != NULL && i < n; i++) {
        const sc_layer_info *l = &layers[i];
        const double ms = seconds ? 1e3 * seconds[i] / (double)n_images : 0.0;
        PyObject *item =
            Py_BuildValue("{sssssss(LLL)sd}", "name", l->name, "kind", l->kind,
                          "implementation", l->implementation, "shape", (long long)l->shape[0],
                          (long long)l->shape[1], (long long)l->shape[2], "flops", l->flops);
        if (item != NULL && seconds != NULL) {
            PyObject *more = Py_BuildValue("{sdsd}", "milliseconds", ms, "gflops",
                                           ms > 0 ? l->flops / ms / 1e6 : 0.0);
            if (more == NULL || PyDict_Update(item, more) < 0) Py_CLEAR(item);
            Py_XDECREF(more);
        }
        if (item == NULL || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
done:
    PyMem_Free(layers);
    return list;
}

PyDoc_STRVAR(layers_doc,
             "layers($self, h, w, /)\n--\n\n"
             "The steps of the plan for images of h x w: list of dicts with name, kind,\n"
             "implementation, shape (channels, rows, columns) and flops.");

static PyObject *network_layers(PyObject *op, PyObject *args)
{
    long long h, w;
    if (!PyArg_ParseTuple(args, "LL:layers", &h, &w)) return NULL;
    return layer_list(op, h, w, NULL, 1);
}

PyDoc_STRVAR(profile_doc,
             "profile($self, x, /)\n--\n\n"
             "As layers(), with milliseconds per image and GFLOP/s (1e9 a second) of one run.");

static PyObject *network_profile(PyObject *op, PyObject *x)
{
    PyArrayObject *src = images_from(op, x);
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
    return PyUnicode_FromString(word_of(KINDS, (int)self_of(op)->config.kind));
}

static PyObject *get_precision(PyObject *op, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(word_of(PRECISIONS, (int)self_of(op)->config.precision));
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
    {Py_tp_doc, (void *)network_doc},     {Py_tp_new, network_new},
    {Py_tp_dealloc, network_dealloc},     {Py_tp_call, network_call},
    {Py_tp_methods, network_methods},     {Py_tp_getset, network_getset},
    {0, NULL},
};

static PyType_Spec network_spec = {
    .name = "spinalcord._core.Network",
    .basicsize = sizeof(NetworkObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = network_slots,
};

/* ---- The processor ------------------------------------------------------------- */

/* The name that the CPU gives itself, without the blanks round it. */
static void cpu_name(char name[49])
{
    unsigned regs[12] = {0};
    unsigned a, b, c, d;
    memset(name, 0, 49);
    if (!__get_cpuid(0x80000000u, &a, &b, &c, &d) || a < 0x80000004u) return;
    for (unsigned i = 0; i < 3; i++) {
        unsigned *r = regs + 4 * i;
        __get_cpuid(0x80000002u + i, &r[0], &r[1], &r[2], &r[3]);
    }
    const char *text = (const char *)regs;
    size_t n = strnlen(text, sizeof regs);
    while (n > 0 && text[n - 1] == ' ') n--;
    while (n > 0 && *text == ' ') {
        text++;
        n--;
    }
    memcpy(name, text, n);
}

PyDoc_STRVAR(cpu_doc,
             "cpu($module, /)\n--\n\n"
             "What this process can use: dict of name, isa (the best instruction set that\n"
             "has kernels), precisions, threads (usable CPUs) and onednn (version).");

static PyObject *core_cpu(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    char name[49];
    int v[3];
    cpu_name(name);
    sc_onednn_version(v);
    PyObject *precisions =
        sc_cpu_has_bf16() ? Py_BuildValue("(ss)", "f32", "bf16") : Py_BuildValue("(s)", "f32");
    if (precisions == NULL) return NULL;
    return Py_BuildValue("{sssssNsisN}", "name", name, "isa", sc_isa_name(sc_cpu_isa()),
                         "precisions", precisions, "threads", sc_cpu_usable(), "onednn",
                         PyUnicode_FromFormat("%d.%d.%d", v[0], v[1], v[2]));
}

static PyMethodDef functions[] = {
    {"cpu", core_cpu, METH_NOARGS, cpu_doc},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_network(PyObject *module)
{
    sc_py_state *state = sc_py_state_of(module);
    state->Network = (PyTypeObject *)PyType_FromModuleAndSpec(module, &network_spec, NULL);
    if (state->Network == NULL || PyModule_AddType(module, state->Network) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
