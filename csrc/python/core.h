/* The door to Python: what the files of csrc/python share.
 *
 * Include this header first, in place of Python.h and NumPy's.  A file that adds
 * functions or types exports one sc_py_add_*(), which module.c calls.
 */
#ifndef SC_PYTHON_CORE_H
#define SC_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* One table of NumPy's functions for all files; module.c alone fills it. */
#define PY_ARRAY_UNIQUE_SYMBOL spinalcord_core_ARRAY_API
#ifndef SC_PY_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "../spinalcord.h"

/* What the module owns; from a method, PyType_GetModuleState(Py_TYPE(self)). */
typedef struct {
    PyObject *InputError;
    PyObject *ModelError;
    PyObject *BackendError;
    PyTypeObject *Network;
} sc_py_state;

/* The state of the module 'module'; never fails. */
sc_py_state *sc_py_state_of(PyObject *module);

/* Raise the exception that 'err' stands for; always returns NULL.
 *
 * SC_BAD_VALUE, SC_BAD_SHAPE, SC_NOT_FINITE       InputError
 * SC_BAD_MODEL                                    ModelError
 * SC_NOMEM                                        MemoryError
 * SC_CANCELLED                                    what the poll function left pending
 * SC_UNSUPPORTED, SC_BACKEND, SC_INTERNAL         BackendError
 */
PyObject *sc_py_raise(const sc_py_state *state, const sc_error *err);

/* Add a file's functions and types; -1 with an exception set if that fails. */
int sc_py_add_image(PyObject *module);
int sc_py_add_network(PyObject *module);
int sc_py_add_cpu(PyObject *module);
int sc_py_add_stats(PyObject *module);
int sc_py_add_norm(PyObject *module);

#endif
