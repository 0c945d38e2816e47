/* Exceptions, and work without the GIL. */
#include "core.h"

static PyObject *class_of(const sc_py_state *state, sc_status code)
{
    switch (code) {
    case SC_BAD_VALUE:
    case SC_BAD_SHAPE:
    case SC_NOT_FINITE: return state->InputError;
    case SC_BAD_MODEL: return state->ModelError;
    case SC_NOMEM: return PyExc_MemoryError;
    case SC_CANCELLED: return PyExc_KeyboardInterrupt;
    case SC_OK:
    case SC_UNSUPPORTED:
    case SC_BACKEND:
    case SC_INTERNAL: break;
    }
    return state->BackendError;
}

PyObject *sc_py_raise(const sc_py_state *state, const sc_error *err)
{
    if (err->code == SC_CANCELLED && PyErr_Occurred()) return NULL;
    PyErr_SetString(class_of(state, err->code), err->text);
    return NULL;
}

sc_py_work sc_py_begin(const sc_py_state *state)
{
    return (sc_py_work){.state = state, .thread = PyEval_SaveThread()};
}

int sc_py_end(sc_py_work *work)
{
    PyEval_RestoreThread(work->thread);
    if (work->status == SC_OK) return 0;
    sc_py_raise(work->state, &work->err);
    return -1;
}

int sc_py_poll(void *op)
{
    sc_py_work *work = op;
    PyEval_RestoreThread(work->thread);
    const int pending = PyErr_CheckSignals();
    work->thread = PyEval_SaveThread();
    return pending;
}
