/* Python's arguments to C and results back: arrays, sequences of numbers, words. */
#ifndef SC_PYTHON_CONVERT_H
#define SC_PYTHON_CONVERT_H

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

/* As sc_py_array_like, but None is an array that is not there: *out is then NULL.  -1
 * with an exception set. */
int sc_py_optional(const sc_py_state *state, PyObject *obj, int type, int n_dims,
                   const int64_t *extents, const char *name, PyArrayObject **out);

/* The data of an array, or NULL for one that is not there. */
static inline void *sc_py_data(PyArrayObject *array)
{
    return array == NULL ? NULL : PyArray_DATA(array);
}

/* All extents of an array of at most 4 axes. */
void sc_py_extents(PyArrayObject *array, int64_t *extents);

/* Raise an InputError that says which shape 'array' has and which was expected. */
void sc_py_wrong_shape(const sc_py_state *state, PyArrayObject *array, const char *name,
                       PyObject *expected);

/* New, uninitialised array; NULL with MemoryError, or InputError if no memory could
 * ever hold it.  At most 4 axes. */
PyArrayObject *sc_py_new(const sc_py_state *state, int type, int n_dims,
                         const int64_t *extents);

/* A sequence of n numbers.  -1 with TypeError, or InputError for another length. */
int sc_py_int64s(const sc_py_state *state, PyObject *obj, int n, int64_t *out,
                 const char *name);
int sc_py_doubles(const sc_py_state *state, PyObject *obj, int n, double *out,
                  const char *name);
int sc_py_bools(const sc_py_state *state, PyObject *obj, int n, bool *out,
                const char *name);

/* A word of Python for a value of the core.  A table of them ends with a NULL word.  Of
 * several words for one value the first is the one that is shown. */
typedef struct {
    const char *word;
    int value;
} sc_py_choice;

/* The value of 'word'; -1 with an InputError that lists the words for 'name'. */
int sc_py_choose(const sc_py_state *state, const char *word,
                 const sc_py_choice *choices, const char *name, int *out);

/* The word for 'value', which must be in the table. */
const char *sc_py_word(const sc_py_choice *choices, int value);

#endif
