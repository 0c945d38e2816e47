#include "core.h"

#include "convert.h"

#include "../base/memory.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DIMS = 4 };

/* Bool and uint8 are the same bytes; a new reference either way. */
static PyArrayObject *bool_as_uint8(PyArrayObject *array, int type)
{
    if (type == NPY_UINT8 && PyArray_TYPE(array) == NPY_BOOL) {
        PyArray_Descr *descr = PyArray_DescrFromType(NPY_UINT8);
        return descr == NULL ? NULL : (PyArrayObject *)PyArray_View(array, descr, NULL);
    }
    return (PyArrayObject *)Py_NewRef((PyObject *)array);
}

/* Same kind and size, so that long and long long of NumPy are one. */
static bool is_type(PyArrayObject *array, PyArray_Descr *descr)
{
    return PyArray_EquivTypenums(PyArray_TYPE(array), descr->type_num) != 0;
}

/* New reference: 'obj' itself, or bool as uint8, of the type and number of axes. */
static PyArrayObject *checked(PyObject *obj, PyArray_Descr *descr, int n_dims,
                              const char *name)
{
    if (!PyArray_Check(obj)) {
        PyErr_Format(PyExc_TypeError, "%s must be an ndarray, not %s", name,
                     Py_TYPE(obj)->tp_name);
        return NULL;
    }
    PyArrayObject *array = bool_as_uint8((PyArrayObject *)obj, descr->type_num);
    if (array == NULL) return NULL;
    if (!is_type(array, descr)) {
        PyErr_Format(PyExc_TypeError, "%s must have dtype %S, not %S", name, descr,
                     PyArray_DESCR(array));
        Py_CLEAR(array);
    } else if (n_dims >= 0 && PyArray_NDIM(array) != n_dims) {
        PyErr_Format(PyExc_TypeError, "%s must have %d axes, not %d", name, n_dims,
                     PyArray_NDIM(array));
        Py_CLEAR(array);
    }
    return array;
}

/* Whether the extents are these; with an exception set if not. */
static bool has_extents(const sc_py_state *state, PyArrayObject *array, int n_dims,
                        const int64_t *extents, const char *name)
{
    bool equal = true;
    for (int i = 0; i < n_dims; i++) {
        equal = equal && PyArray_DIM(array, i) == (npy_intp)extents[i];
    }
    if (equal) return true;
    PyObject *expected = PyTuple_New(n_dims);
    for (int i = 0; i < n_dims && expected != NULL; i++) {
        PyTuple_SET_ITEM(expected, i, PyLong_FromLongLong(extents[i]));
    }
    if (expected != NULL) sc_py_wrong_shape(state, array, name, expected);
    Py_XDECREF(expected);
    return false;
}

/* As sc_py_array_like; NULL for 'extents': any.  What is refused is not copied before. */
static PyArrayObject *converted(const sc_py_state *state, PyObject *obj, int type,
                                int n_dims, const int64_t *extents, const char *name)
{
    PyArrayObject *result = NULL;
    PyArray_Descr *descr = PyArray_DescrFromType(type);
    if (descr == NULL) return NULL;
    PyArrayObject *array = checked(obj, descr, n_dims, name);
    if (array != NULL &&
        (extents == NULL || has_extents(state, array, n_dims, extents, name))) {
        result = (PyArrayObject *)PyArray_FromArray(
            array, (PyArray_Descr *)Py_NewRef((PyObject *)descr),
            NPY_ARRAY_CARRAY_RO | NPY_ARRAY_NOTSWAPPED);
    }
    Py_DECREF(descr);
    Py_XDECREF(array);
    return result;
}

PyArrayObject *sc_py_array(PyObject *obj, int type, int n_dims, const char *name)
{
    return converted(NULL, obj, type, n_dims, NULL, name);
}

PyArrayObject *sc_py_array_like(const sc_py_state *state, PyObject *obj, int type,
                                int n_dims, const int64_t *extents, const char *name)
{
    return converted(state, obj, type, n_dims, extents, name);
}

int sc_py_optional(const sc_py_state *state, PyObject *obj, int type, int n_dims,
                   const int64_t *extents, const char *name, PyArrayObject **out)
{
    *out = obj == Py_None ? NULL
                          : sc_py_array_like(state, obj, type, n_dims, extents, name);
    return *out == NULL && obj != Py_None ? -1 : 0;
}

void sc_py_extents(PyArrayObject *array, int64_t *extents)
{
    for (int i = 0; i < PyArray_NDIM(array); i++) extents[i] = PyArray_DIM(array, i);
}

void sc_py_wrong_shape(const sc_py_state *state, PyArrayObject *array, const char *name,
                       PyObject *expected)
{
    PyObject *shape = PyObject_GetAttrString((PyObject *)array, "shape");
    if (shape == NULL) return;
    PyErr_Format(state->InputError, "%s has shape %S, expected %S", name, shape,
                 expected);
    Py_DECREF(shape);
}

PyArrayObject *sc_py_new(const sc_py_state *state, int type, int n_dims,
                         const int64_t *extents)
{
    npy_intp dims[MAX_DIMS];
    size_t nbytes;
    for (int i = 0; i < n_dims; i++) dims[i] = (npy_intp)extents[i];
    if (!sc_product(extents, n_dims, sizeof(double), &nbytes) ||
        nbytes > NPY_MAX_INTP) {
        PyErr_SetString(state->InputError,
                        "a result with these extents is more than memory can hold");
        return NULL;
    }
    return (PyArrayObject *)PyArray_SimpleNew(n_dims, dims, type);
}

/* New reference: a list or tuple of n items. */
static PyObject *items_of(const sc_py_state *state, PyObject *obj, int n,
                          const char *name)
{
    PyObject *items = PySequence_Fast(obj, "");
    if (items == NULL) {
        PyErr_Format(PyExc_TypeError, "%s must be a sequence of %d numbers, not %s",
                     name, n, Py_TYPE(obj)->tp_name);
        return NULL;
    }
    if (PySequence_Fast_GET_SIZE(items) == n) return items;
    PyErr_Format(state->InputError, "%s has %zd items, expected %d", name,
                 PySequence_Fast_GET_SIZE(items), n);
    Py_DECREF(items);
    return NULL;
}

int sc_py_int64s(const sc_py_state *state, PyObject *obj, int n, int64_t *out,
                 const char *name)
{
    PyObject *items = items_of(state, obj, n, name);
    if (items == NULL) return -1;
    for (int i = 0; i < n && !PyErr_Occurred(); i++) {
        PyObject *index = PyNumber_Index(PySequence_Fast_GET_ITEM(items, i));
        if (index == NULL) break;
        out[i] = PyLong_AsLongLong(index);
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Format(state->InputError, "%s contains %S, which is out of range",
                         name, index);
        }
        Py_DECREF(index);
    }
    Py_DECREF(items);
    return PyErr_Occurred() ? -1 : 0;
}

int sc_py_doubles(const sc_py_state *state, PyObject *obj, int n, double *out,
                  const char *name)
{
    PyObject *items = items_of(state, obj, n, name);
    if (items == NULL) return -1;
    for (int i = 0; i < n && !PyErr_Occurred(); i++) {
        out[i] = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(items, i));
    }
    Py_DECREF(items);
    return PyErr_Occurred() ? -1 : 0;
}

int sc_py_bools(const sc_py_state *state, PyObject *obj, int n, bool *out,
                const char *name)
{
    PyObject *items = items_of(state, obj, n, name);
    if (items == NULL) return -1;
    for (int i = 0; i < n && !PyErr_Occurred(); i++) {
        out[i] = PyObject_IsTrue(PySequence_Fast_GET_ITEM(items, i)) > 0;
    }
    Py_DECREF(items);
    return PyErr_Occurred() ? -1 : 0;
}

int sc_py_choose(const sc_py_state *state, const char *word,
                 const sc_py_choice *choices, const char *name, int *out)
{
    char allowed[128] = "";
    size_t length = 0;
    for (const sc_py_choice *c = choices; c->word != NULL && length < sizeof allowed;
         c++) {
        if (strcmp(c->word, word) == 0) {
            *out = c->value;
            return 0;
        }
        if (c != choices && c->value == c[-1].value) continue;
        length += (size_t)snprintf(allowed + length, sizeof allowed - length, "%s%s",
                                   length > 0 ? ", " : "", c->word);
    }
    PyErr_Format(state->InputError, "%s is '%s', expected one of %s", name, word,
                 allowed);
    return -1;
}

const char *sc_py_word(const sc_py_choice *choices, int value)
{
    while (choices->value != value) choices++;
    return choices->word;
}
