/* spinalcord._core.Network: results, calls and steps, for any pass. */
#include "network.h"

PyArrayObject *sc_py_network_output(PyObject *op, PyArrayObject *src, sc_output output,
                                    sc_layer layer)
{
    const sc_py_state *state = sc_py_state_of_type(Py_TYPE(op));
    sc_shape shape;
    sc_error err = {0};
    if (sc_net_shape(sc_py_network(op)->net, output, layer, PyArray_DIM(src, 2),
                     PyArray_DIM(src, 3), &shape, &err) != SC_OK) {
        sc_py_raise(state, &err);
        return NULL;
    }
    const int64_t extents[] = {PyArray_DIM(src, 0), shape.extents[0], shape.extents[1],
                               shape.extents[2]};
    return sc_py_new(state, NPY_FLOAT32, 1 + shape.n_axes, extents);
}

int sc_py_network_run(PyObject *op, PyArrayObject *src, sc_call *call)
{
    call->n = PyArray_DIM(src, 0);
    call->h = PyArray_DIM(src, 2);
    call->w = PyArray_DIM(src, 3);
    call->images = PyArray_DATA(src);
    sc_py_work work = sc_py_begin(sc_py_state_of_type(Py_TYPE(op)));
    call->poll = sc_py_poll;
    call->poll_arg = &work;
    work.status = sc_net_run(sc_py_network(op)->net, call, &work.err);
    return sc_py_end(&work);
}

PyObject *sc_py_network_list(PyObject *op, sc_pass pass, sc_layer layer, int64_t h,
                             int64_t w, const double *seconds, npy_intp n_images)
{
    PyObject *list = NULL;
    int64_t n = 0;
    sc_layer_info *steps = PyMem_Calloc(SC_MAX_STEPS, sizeof *steps);
    if (steps == NULL) return PyErr_NoMemory();
    sc_py_work work = sc_py_begin(sc_py_state_of_type(Py_TYPE(op)));
    work.status =
        sc_net_steps(sc_py_network(op)->net, pass, layer, h, w, steps, &n, &work.err);
    if (sc_py_end(&work) == 0) {
        list = sc_py_network_steps(steps, n, seconds, n_images);
    }
    PyMem_Free(steps);
    return list;
}
