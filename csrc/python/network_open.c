/* Opening a Network: words for the core's numbers, tensors in the bytes of a model file. */
#include "network.h"

#include <string.h>

const sc_py_choice SC_PY_KINDS[] = {
    {"multiresunet", SC_MULTIRESUNET}, {"densenet121", SC_DENSENET121}, {NULL, 0}};
const sc_py_choice SC_PY_PRECISIONS[] = {{"f32", SC_PRECISION_F32},
                                         {"bf16", SC_PRECISION_BF16},
                                         {"int8", SC_PRECISION_INT8},
                                         {NULL, 0}};
const sc_py_choice SC_PY_BACKENDS[] = {{"own", 0}, {"onednn", 1}, {NULL, 0}};
static const sc_py_choice DTYPES[] = {{"F32", SC_TENSOR_F32},
                                      {"F16", SC_TENSOR_F16},
                                      {"BF16", SC_TENSOR_BF16},
                                      {NULL, 0}};
static const sc_py_choice ISAS[] = {{"auto", SC_ISA_AUTO},
                                    {"sse2", SC_ISA_BASE},
                                    {"avx2", SC_ISA_AVX2},
                                    {"avx512", SC_ISA_AVX512},
                                    {"avx512_bf16", SC_ISA_AVX512_BF16},
                                    {"amx", SC_ISA_AMX},
                                    {NULL, 0}};

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

/* Protect memory: the bytes must lie in the buffer and be as many as shape and type
 * require.  Whether the tensor belongs to the network is for the core to check. */
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
    PyErr_Format(
        state->ModelError,
        "tensor %s claims the bytes %zd to %zd of %zd, which do not hold its shape",
        t->name, begin, end, nbytes);
    return -1;
}

static int tensor_from(const sc_py_state *state, PyObject *item,
                       const Py_buffer *buffer, sc_tensor *out)
{
    const char *dtype;
    PyObject *shape;
    Py_ssize_t begin, end;
    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "each tensor must be a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(item, "ssO!nn;(name, dtype, shape, begin, end)", &out->name,
                          &dtype, &PyTuple_Type, &shape, &begin, &end)) {
        return -1;
    }
    int type;
    if (sc_py_choose(state, dtype, DTYPES, out->name, &type) < 0 ||
        shape_from(shape, out) < 0) {
        return -1;
    }
    out->type = (sc_tensor_type)type;
    out->data = (const char *)buffer->buf + begin;
    return check_bytes(state, out, begin, end, buffer->len);
}

/* New array of as many as 'list' has; NULL with an exception set. */
static sc_range *ranges_from(PyObject *list)
{
    const Py_ssize_t n = PyList_GET_SIZE(list);
    sc_range *ranges = PyMem_Calloc((size_t)(n > 0 ? n : 1), sizeof *ranges);
    if (ranges == NULL) PyErr_NoMemory();
    for (Py_ssize_t i = 0; ranges != NULL && i < n; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (!PyTuple_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "each range must be a tuple");
        }
        if (PyErr_Occurred() ||
            !PyArg_ParseTuple(item, "sff;(name, low, high)", &ranges[i].name,
                              &ranges[i].low, &ranges[i].high)) {
            PyMem_Free(ranges);
            return NULL;
        }
    }
    return ranges;
}

int sc_py_network_open(NetworkObject *self, const sc_py_state *state, PyObject *list,
                       const Py_buffer *buffer, PyObject *range_list)
{
    sc_range *ranges = NULL;
    const Py_ssize_t n = PyList_GET_SIZE(list);
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
    if (range_list != NULL) {
        ranges = ranges_from(range_list);
        if (ranges == NULL) goto done;
        self->config.ranges = ranges;
        self->config.n_ranges = PyList_GET_SIZE(range_list);
    }
    sc_py_work work = sc_py_begin(state);
    work.status = sc_net_create(&self->config, tensors, n, &self->net, &work.err);
    result = sc_py_end(&work);
done:
    self->config.ranges = NULL;
    self->config.n_ranges = 0;
    PyMem_Free(ranges);
    PyMem_Free(tensors);
    return result;
}

int sc_py_network_config(const sc_py_state *state, const char *kind,
                         const char *precision, const char *isa, const char *backend,
                         sc_net_config *config)
{
    int k, p, i, b;
    if (sc_py_choose(state, kind, SC_PY_KINDS, "network", &k) < 0 ||
        sc_py_choose(state, precision, SC_PY_PRECISIONS, "precision", &p) < 0 ||
        sc_py_choose(state, isa, ISAS, "isa", &i) < 0 ||
        sc_py_choose(state, backend, SC_PY_BACKENDS, "backend", &b) < 0) {
        return -1;
    }
    config->kind = (sc_net_kind)k;
    config->precision = (sc_precision)p;
    config->isa = (sc_isa)i;
    config->by_onednn = b == 1;
    return 0;
}
