/* Python's arguments to C and results back.  Include core.h first. */
#ifndef SC_PYTHON_ARRAY_H
#define SC_PYTHON_ARRAY_H

#include "core.h"

/* New reference: 'obj' as an aligned, native, C-contiguous array of NumPy's 'type', a
 * copy only where it is not one.  Bool passes for uint8; no other dtype is converted:
 * what rounding or wrapping would cost is for the caller to decide.
 *
 * 'n_dims'  expected number of axes; -1 for any
 * 'name'    the argument, for the message
 *
 * NULL with TypeError. */
PyArrayObject *sc_py_array(PyObject *obj, int type, int n_dims, const char *name);

/* The same, and of these extents; NULL with InputError for others. */
PyArrayObject *sc_py_array_like(const sc_py_state *state, PyObject *obj, int type,
                                int n_dims, const int64_t *extents, const char *name);

/* New, uninitialised array; NULL with MemoryError, or InputError if no memory could
 * ever hold it.  At most 4 axes. */
PyArrayObject *sc_py_new(const sc_py_state *state, int type, int n_dims,
                         const int64_t *extents);

/* What a function that fills 'dst' returns: 'dst', or where 'status' is not SC_OK NULL,
 * with the exception that 'err' stands for and 'dst' released. */
PyArrayObject *sc_py_result(const sc_py_state *state, PyArrayObject *dst,
                            sc_status status, const sc_error *err);

/* A sequence of n numbers.  -1 with TypeError, or InputError for another length. */
int sc_py_int64s(const sc_py_state *state, PyObject *obj, int n, int64_t *out,
                 const char *name);
int sc_py_doubles(const sc_py_state *state, PyObject *obj, int n, double *out,
                  const char *name);
int sc_py_bools(const sc_py_state *state, PyObject *obj, int n, bool *out,
                const char *name);

/* The number that belongs to a string; -1 with InputError, which lists the choices. */
typedef struct {
    const char *name; /* NULL ends a list */
    int value;
} sc_py_choice;

int sc_py_choose(const sc_py_state *state, const char *given,
                 const sc_py_choice *choices, const char *name, int *out);

#endif
