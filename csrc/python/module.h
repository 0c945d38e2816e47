/* The functions by which module.c fills the module, one for each file. */
#ifndef SC_PYTHON_MODULE_H
#define SC_PYTHON_MODULE_H

#include "core.h"

/* Add a file's functions and types; -1 with an exception set if that fails. */
int sc_py_add_image(PyObject *module);
int sc_py_add_image_network(PyObject *module);
int sc_py_add_lesions(PyObject *module);
int sc_py_add_network(PyObject *module);
int sc_py_add_stats(PyObject *module);
int sc_py_add_batch_norm(PyObject *module);
int sc_py_add_cpu(PyObject *module);

#endif
