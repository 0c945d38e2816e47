/* Batch normalisation for training; documented in _core.pyi. */
#include "core.h"

#include "convert.h"
#include "module.h"

static PyObject *batch_norm(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "", "", "eps", "relu", "threads", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *x_obj, *other_obj, *weight_obj, *bias_obj, *result = NULL;
    PyArrayObject *x = NULL, *other = NULL, *weight = NULL, *bias = NULL;
    PyArrayObject *made[4] = {NULL}; /* y, sum, mean, variance */
    float eps;
    int relu, threads;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO$fpi:batch_norm", names, &x_obj,
                                     &other_obj, &weight_obj, &bias_obj, &eps, &relu,
                                     &threads)) {
        return NULL;
    }
    x = sc_py_array(x_obj, NPY_UINT16, 2, "x");
    if (x == NULL) goto done;
    const int64_t shape[2] = {PyArray_DIM(x, 0), PyArray_DIM(x, 1)};
    if (sc_py_optional(state, other_obj, NPY_UINT16, 2, shape, "other", &other) < 0 ||
        sc_py_optional(state, weight_obj, NPY_FLOAT32, 1, &shape[1], "weight",
                       &weight) < 0) {
        goto done;
    }
    if (other != NULL) {
        made[1] = sc_py_new(state, NPY_UINT16, 2, shape);
        if (made[1] == NULL) goto done;
    }
    bias = sc_py_array_like(state, bias_obj, NPY_FLOAT32, 1, &shape[1], "bias");
    if (bias == NULL) goto done;
    made[0] = sc_py_new(state, NPY_UINT16, 2, shape);
    for (int k = 2; k < 4 && made[0] != NULL; k++) {
        made[k] = sc_py_new(state, NPY_FLOAT32, 1, &shape[1]);
        if (made[k] == NULL) goto done;
    }
    if (made[0] == NULL) goto done;
    const sc_batch_norm norm = {shape[0],           shape[1], sc_py_data(weight),
                                PyArray_DATA(bias), eps,      relu != 0};
    sc_py_work work = sc_py_begin(state);
    work.status = sc_batch_norm_forward(&norm, PyArray_DATA(x), sc_py_data(other),
                                        sc_py_data(made[1]), PyArray_DATA(made[0]),
                                        PyArray_DATA(made[2]), PyArray_DATA(made[3]),
                                        threads, &work.err);
    if (sc_py_end(&work) < 0) goto done;
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
    const sc_batch_norm norm = {
        shape[0], shape[1], sc_py_data(given[0]), PyArray_DATA(given[1]),
        eps,      relu != 0};
    sc_py_work work = sc_py_begin(state);
    work.status = sc_batch_norm_backward(
        &norm, PyArray_DATA(x), summed != 0, PyArray_DATA(dy), PyArray_DATA(given[2]),
        PyArray_DATA(given[3]), PyArray_DATA(made[0]), PyArray_DATA(made[1]),
        PyArray_DATA(made[2]), threads, &work.err);
    if (sc_py_end(&work) < 0) goto done;
    result = Py_BuildValue("OOO", made[0], made[1], made[2]);
done:
    Py_XDECREF(x);
    Py_XDECREF(dy);
    for (int k = 0; k < 4; k++) Py_XDECREF(given[k]);
    for (int k = 0; k < 3; k++) Py_XDECREF(made[k]);
    return result;
}

static PyMethodDef functions[] = {
    {"batch_norm", SC_PY_KEYWORDS(batch_norm),
     "batch_norm(x, other, weight, bias, /, *, eps, relu, threads)\n--\n\n"
     "Normalise a batch in bfloat16 by its own statistics."},
    {"batch_norm_backward", SC_PY_KEYWORDS(batch_norm_backward),
     "batch_norm_backward(x, dy, weight, bias, mean, variance, /, *, eps, relu, "
     "summed, threads)\n--\n\nCompute the gradients of batch_norm."},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_batch_norm(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
