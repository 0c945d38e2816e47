/* spinalcord._core.Network: shared by the files of its opening, its calls and its type. */
#ifndef SC_PYTHON_NETWORK_H
#define SC_PYTHON_NETWORK_H

#include "convert.h"

typedef struct {
    PyObject_HEAD sc_net *net; /* owned; destroyed without the GIL */
    sc_net_config config;      /* as it was opened */
} NetworkObject;

static inline NetworkObject *sc_py_network(PyObject *op) { return (NetworkObject *)op; }

/* ---- network_open.c ------------------------------------------------------------- */

extern const sc_py_choice SC_PY_KINDS[], SC_PY_PRECISIONS[], SC_PY_BACKENDS[];

/* Fill in the values of the words; -1 with an InputError that lists what is allowed. */
int sc_py_network_config(const sc_py_state *state, const char *kind,
                         const char *precision, const char *isa, const char *backend,
                         sc_net_config *config);

/* Create self->net from 'list' of (name, dtype, shape, begin, end), whose data lie in
 * 'buffer' and are copied, and for int8 of 'ranges' (NULL, or a list of (name, low,
 * high)); -1 with an exception set. */
int sc_py_network_open(NetworkObject *self, const sc_py_state *state, PyObject *list,
                       const Py_buffer *buffer, PyObject *ranges);

/* ---- network_convert.c ---------------------------------------------------------- */

/* New reference: 'x' as float32, aligned, C order, (n, in_channels, h, w), a copy only
 * where it is not; NULL with an InputError, before any copy, for another dtype or a shape
 * that the network does not compute. */
PyArrayObject *sc_py_network_images(PyObject *op, PyObject *x);

/* A list of dicts for 'n' steps; with 'seconds' also what each took for 'n_images'. */
PyObject *sc_py_network_steps(const sc_layer_info *layers, int64_t n,
                              const double *seconds, npy_intp n_images);

/* ---- network_run.c -------------------------------------------------------------- */

/* New array for a result of all images of 'src'; NULL with an exception set. */
PyArrayObject *sc_py_network_output(PyObject *op, PyArrayObject *src, sc_output output,
                                    sc_layer layer);

/* Run 'call', whose images become those of 'src'; -1 with an exception set. */
int sc_py_network_run(PyObject *op, PyArrayObject *src, sc_call *call);

/* A list of dicts for the steps of a pass (network_convert.c); NULL with an exception. */
PyObject *sc_py_network_list(PyObject *op, sc_pass pass, sc_layer layer, int64_t h,
                             int64_t w, const double *seconds, npy_intp n_images);

/* ---- Methods: network_forward.c, network_backward.c, network_convert.c ------------- */

PyObject *sc_py_network_call(PyObject *op, PyObject *args, PyObject *kwargs);
PyObject *sc_py_network_check_size(PyObject *op, PyObject *args);
PyObject *sc_py_network_features(PyObject *op, PyObject *x);
PyObject *sc_py_network_gradcam(PyObject *op, PyObject *args);
PyObject *sc_py_network_layers(PyObject *op, PyObject *args);
PyObject *sc_py_network_plan_info(PyObject *op, PyObject *args);
PyObject *sc_py_network_ranges(PyObject *op, PyObject *x);
PyObject *sc_py_network_profile(PyObject *op, PyObject *x);
PyObject *sc_py_network_backward(PyObject *op, PyObject *args, PyObject *kwargs);
PyObject *sc_py_network_backward_layers(PyObject *op, PyObject *args);

#endif
