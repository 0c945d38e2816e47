/* Shared by all files of csrc/python: state, exceptions, work without the GIL.
 *
 * Include this header first, in place of Python.h and NumPy's.  It and convert.h are the
 * bottom of this folder and module.c its top: a file of functions sees those below it.
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

/* The module's own references. */
typedef struct {
    PyObject *InputError;
    PyObject *ModelError;
    PyObject *BackendError;
    PyTypeObject *Network;
} sc_py_state;

/* Return the module's state, from a function of the module and from a method of one of
 * its types.  Neither can fail. */
static inline sc_py_state *sc_py_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

static inline sc_py_state *sc_py_state_of_type(PyTypeObject *type)
{
    return PyType_GetModuleState(type);
}

/* Raise the exception that 'err' stands for; always returns NULL.
 *
 * SC_BAD_VALUE, SC_BAD_SHAPE, SC_NOT_FINITE       InputError
 * SC_BAD_MODEL                                    ModelError
 * SC_NOMEM                                        MemoryError
 * SC_CANCELLED                                    what the poll function left pending
 * SC_UNSUPPORTED, SC_BACKEND, SC_INTERNAL         BackendError
 */
PyObject *sc_py_raise(const sc_py_state *state, const sc_error *err);

/* ---- Work without the GIL ------------------------------------------------------- */

/* One stretch of work during which other Python threads run.  Between sc_py_begin and
 * sc_py_end no Python object may be touched but the data of arrays that this call holds
 * references to.
 *
 *     sc_py_work work = sc_py_begin(state);
 *     work.status = sc_something(..., &work.err);
 *     if (sc_py_end(&work) < 0) goto done;
 */
typedef struct {
    const sc_py_state *state;
    PyThreadState *thread; /* of the caller, while it is without the GIL */
    sc_status status;
    sc_error err;
} sc_py_work;

/* Release the GIL. */
sc_py_work sc_py_begin(const sc_py_state *state);

/* Take it back; -1 with the exception for work->err unless work->status is SC_OK. */
int sc_py_end(sc_py_work *work);

/* The sc_poll_fn of such work, whose argument is the sc_py_work: runs Python's signal
 * handlers, and cancels where one of them raised. */
int sc_py_poll(void *work);

/* ---- Tables of methods ---------------------------------------------------------- */

/* Function and flags of a PyMethodDef that takes keyword arguments. */
#define SC_PY_KEYWORDS(function)                                                       \
    (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

#endif
