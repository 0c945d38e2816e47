/* The module spinalcord._core: its state, and the exceptions that it raises. */
#define SC_PY_IMPORTS_NUMPY
#include "core.h"

#include "module.h"

static int load_errors(sc_py_state *state)
{
    PyObject *errors = PyImport_ImportModule("spinalcord.errors");
    if (errors == NULL) return -1;
    state->InputError = PyObject_GetAttrString(errors, "InputError");
    if (state->InputError != NULL) {
        state->ModelError = PyObject_GetAttrString(errors, "ModelError");
    }
    if (state->ModelError != NULL) {
        state->BackendError = PyObject_GetAttrString(errors, "BackendError");
    }
    Py_DECREF(errors);
    return state->BackendError == NULL ? -1 : 0;
}

/* The state owns its references: after a failure here, core_clear releases them. */
static int core_exec(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0) return -1;
    if (load_errors(sc_py_state_of(module)) < 0) return -1;
    if (PyModule_AddStringConstant(module, "__version__", SC_VERSION) < 0) return -1;
    if (sc_py_add_image(module) < 0 || sc_py_add_image_network(module) < 0 ||
        sc_py_add_lesions(module) < 0 || sc_py_add_network(module) < 0 ||
        sc_py_add_stats(module) < 0 || sc_py_add_batch_norm(module) < 0) {
        return -1;
    }
    return sc_py_add_cpu(module);
}

static int core_traverse(PyObject *module, visitproc visit, void *arg)
{
    sc_py_state *state = sc_py_state_of(module);
    Py_VISIT(state->InputError);
    Py_VISIT(state->ModelError);
    Py_VISIT(state->BackendError);
    Py_VISIT(state->Network);
    return 0;
}

static int core_clear(PyObject *module)
{
    sc_py_state *state = sc_py_state_of(module);
    Py_CLEAR(state->InputError);
    Py_CLEAR(state->ModelError);
    Py_CLEAR(state->BackendError);
    Py_CLEAR(state->Network);
    return 0;
}

static void core_free(void *module) { (void)core_clear(module); }

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, core_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

static PyModuleDef core_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "spinalcord._core",
    .m_doc = "The C core of spinalcord; its public names are in the package itself.",
    .m_size = sizeof(sc_py_state),
    .m_slots = core_slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
    .m_free = core_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&core_module); }
