/* Batch normalisation for training; what it does is told in _core.pyi. */
#include "core.h"

#include "array.h"

#include "../kernels/batch_norm.h"

/* New reference to (c) float32, or NULL: with *bad where 'obj' is not None either. */
static PyArrayObject *channels(const sc_py_state *state, PyObject *obj, int64_t c,
                               const char *name, bool *bad)
{
    if (obj == Py_None) return NULL;
    PyArrayObject *array = sc_py_array_like(state, obj, NPY_FLOAT32, 1, &c, name);
    *bad = array == NULL;
    return array;
}

static const float *floats(PyArrayObject *array)
{
    return array == NULL ? NULL : PyArray_DATA(array);
}

static PyObject *batch_norm(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "", "", "eps", "relu", "threads", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *x_obj, *other_obj, *weight_obj, *bias_obj, *result = NULL;
    PyArrayObject *x = NULL, *other = NULL, *weight = NULL, *bias = NULL;
    PyArrayObject *made[4] = {NULL}; /* y, sum, mean, variance */
    float eps;
    int relu, threads;
    bool bad = false;
    sc_error err = {0};

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO$fpi:batch_norm", names, &x_obj,
                                     &other_obj, &weight_obj, &bias_obj, &eps, &relu,
                                     &threads)) {
        return NULL;
    }
    x = sc_py_array(x_obj, NPY_UINT16, 2, "x");
    if (x == NULL) goto done;
    const int64_t shape[2] = {PyArray_DIM(x, 0), PyArray_DIM(x, 1)};
    if (other_obj != Py_None) {
        other = sc_py_array_like(state, other_obj, NPY_UINT16, 2, shape, "other");
        if (other == NULL) goto done;
        made[1] = sc_py_new(state, NPY_UINT16, 2, shape);
        if (made[1] == NULL) goto done;
    }
    weight = channels(state, weight_obj, shape[1], "weight", &bad);
    if (bad) goto done;
    bias = sc_py_array_like(state, bias_obj, NPY_FLOAT32, 1, &shape[1], "bias");
    if (bias == NULL) goto done;
    made[0] = sc_py_new(state, NPY_UINT16, 2, shape);
    for (int k = 2; k < 4 && made[0] != NULL; k++) {
        made[k] = sc_py_new(state, NPY_FLOAT32, 1, &shape[1]);
        if (made[k] == NULL) goto done;
    }
    if (made[0] == NULL) goto done;
    const sc_batch_norm norm = {shape[0],     shape[1], floats(weight),
                                floats(bias), eps,      relu != 0};
    sc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = sc_batch_norm_forward(
        &norm, PyArray_DATA(x), other == NULL ? NULL : PyArray_DATA(other),
        made[1] == NULL ? NULL : PyArray_DATA(made[1]), PyArray_DATA(made[0]),
        PyArray_DATA(made[2]), PyArray_DATA(made[3]), threads, &err);
    Py_END_ALLOW_THREADS
    if (status != SC_OK) {
        sc_py_raise(state, &err);
        goto done;
    }
    result =
        Py_BuildValue("OOOO", made[0], made[1] == NULL ? x : made[1], made[2], made[3]);
done:
    Py_XDECREF(x);
    Py_XDECREF(other);
    Py_XDECREF(weight);
    Py_XDECREF(bias);
    for (int k = 0; k < 4; k++) Py_XDECREF(made[k]);
    return result;
}

static PyObject *batch_norm_backward(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"",    "",     "",       "",        "",  "",
                            "eps", "relu", "summed", "threads", NULL};
    static const char *const titles[4] = {"weight", "bias", "mean", "variance"};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *objects[6], *result = NULL; /* x, dy, and the four */
    PyArrayObject *x = NULL, *dy = NULL, *given[4] = {NULL};
    PyArrayObject *made[3] = {NULL}; /* dx, dweight, dbias */
    float eps;
    int relu, summed, threads;
    sc_error err = {0};

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOOO$fppi:batch_norm_backward",
                                     names, &objects[0], &objects[1], &objects[2],
                                     &objects[3], &objects[4], &objects[5], &eps, &relu,
                                     &summed, &threads)) {
        return NULL;
    }
    x = sc_py_array(objects[0], NPY_UINT16, 2, "x");
    if (x == NULL) goto done;
    const int64_t shape[2] = {PyArray_DIM(x, 0), PyArray_DIM(x, 1)};
    dy = sc_py_array_like(state, objects[1], NPY_UINT16, 2, shape, "dy");
    if (dy == NULL) goto done;
    for (int k = 0; k < 4; k++) {
        if (k == 0 && objects[2] == Py_None) continue;
        given[k] = sc_py_array_like(state, objects[2 + k], NPY_FLOAT32, 1, &shape[1],
                                    titles[k]);
        if (given[k] == NULL) goto done;
    }
    for (int k = 0; k < 3; k++) {
        made[k] = k == 0 ? sc_py_new(state, NPY_UINT16, 2, shape)
                         : sc_py_new(state, NPY_FLOAT32, 1, &shape[1]);
        if (made[k] == NULL) goto done;
    }
    const sc_batch_norm norm = {shape[0],         shape[1], floats(given[0]),
                                floats(given[1]), eps,      relu != 0};
    sc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = sc_batch_norm_backward(
        &norm, PyArray_DATA(x), summed != 0, PyArray_DATA(dy), floats(given[2]),
        floats(given[3]), PyArray_DATA(made[0]), PyArray_DATA(made[1]),
        PyArray_DATA(made[2]), threads, &err);
    Py_END_ALLOW_THREADS
    if (status != SC_OK) {
        sc_py_raise(state, &err);
        goto done;
    }
    result = Py_BuildValue("OOO", made[0], made[1], made[2]);
done:
    Py_XDECREF(x);
    Py_XDECREF(dy);
    for (int k = 0; k < 4; k++) Py_XDECREF(given[k]);
    for (int k = 0; k < 3; k++) Py_XDECREF(made[k]);
    return result;
}

#define CALL(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef functions[] = {
    {"batch_norm", CALL(batch_norm), METH_VARARGS | METH_KEYWORDS,
     "batch_norm(x, other, weight, bias, /, *, eps, relu, threads)\n--\n\n"
     "Normalise a batch in bfloat16 by its own statistics."},
    {"batch_norm_backward", CALL(batch_norm_backward), METH_VARARGS | METH_KEYWORDS,
     "batch_norm_backward(x, dy, weight, bias, mean, variance, /, *, eps, relu, "
     "summed, threads)\n--\n\nWhat comes back through batch_norm."},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_norm(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
