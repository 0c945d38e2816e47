/* spinalcord._core.Network: what its methods and its opening share. */
#ifndef SC_PYTHON_NETWORK_H
#define SC_PYTHON_NETWORK_H

#include "core.h"

typedef struct {
    PyObject_HEAD sc_net *net;
    sc_net_config config;
} NetworkObject;

/* A word of Python for a value of the core; a table of them ends with a NULL word. */
typedef struct {
    const char *word;
    int value;
} sc_py_choice;

extern const sc_py_choice SC_PY_KINDS[], SC_PY_PRECISIONS[];

/* The value of 'word', or -1 with an InputError that says what is allowed of 'what'. */
int sc_py_choice_of(const sc_py_state *state, const sc_py_choice *choices,
                    const char *what, const char *word);

/* The word for 'value', which must be in the table. */
const char *sc_py_word(const sc_py_choice *choices, int value);

/* Fill in what the words stand for; -1 with an InputError that says what is allowed. */
int sc_py_network_config(const sc_py_state *state, const char *kind,
                         const char *precision, const char *isa, sc_net_config *config);

/* Create self->net from 'list' of (name, dtype, shape, begin, end), whose data lie in
 * 'buffer' and are copied; -1 with an exception set. */
int sc_py_network_open(NetworkObject *self, const sc_py_state *state, PyObject *list,
                       const Py_buffer *buffer);

/* New reference: 'x' as float32, aligned, C order, (n, in_channels, h, w), a copy only
 * where it is not; NULL with an InputError for another dtype or shape. */
PyArrayObject *sc_py_network_images(PyObject *op, PyObject *x);

/* sc_poll_fn for a call made without Python's lock; 'arg' is the PyThreadState ** that
 * PyEval_SaveThread gave. */
int sc_py_network_poll(void *arg);

/* A list of dicts for 'n' steps; with 'seconds' also what each took for 'n_images'. */
PyObject *sc_py_network_steps(const sc_layer_info *layers, int64_t n,
                              const double *seconds, npy_intp n_images);

/* The methods backward() and backward_layers(). */
PyObject *sc_py_network_backward(PyObject *op, PyObject *args, PyObject *kwargs);
PyObject *sc_py_network_backward_layers(PyObject *op, PyObject *args);
extern const char sc_py_network_backward_doc[], sc_py_network_backward_layers_doc[];

#endif
