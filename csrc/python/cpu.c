/* spinalcord._core.cpu: the processor as this process sees it. */
#include "network.h"

#include "module.h"

#include <cpuid.h>
#include <string.h>

/* The name that the CPU gives itself, without the blanks round it. */
static void cpu_name(char name[49])
{
    unsigned regs[12] = {0};
    unsigned a, b, c, d;
    memset(name, 0, 49);
    if (!__get_cpuid(0x80000000u, &a, &b, &c, &d) || a < 0x80000004u) return;
    for (unsigned i = 0; i < 3; i++) {
        unsigned *r = regs + 4 * i;
        __get_cpuid(0x80000002u + i, &r[0], &r[1], &r[2], &r[3]);
    }
    const char *text = (const char *)regs;
    size_t n = strnlen(text, sizeof regs);
    while (n > 0 && text[n - 1] == ' ') n--;
    while (n > 0 && *text == ' ') {
        text++;
        n--;
    }
    memcpy(name, text, n);
}

PyDoc_STRVAR(cpu_doc,
             "cpu($module, /)\n--\n\n"
             "Return what this process can use: dict of name, isa (the best "
             "instruction set that\n"
             "has kernels), precisions, threads (usable CPUs) and onednn (version).");

static PyObject *core_cpu(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    char name[49];
    int v[3];
    cpu_name(name);
    sc_onednn_version(v);
    const bool bf16 = sc_cpu_has_bf16(), int8 = sc_isa_has_int8(sc_cpu_isa());
    PyObject *precisions = bf16 && int8 ? Py_BuildValue("(sss)", "f32", "bf16", "int8")
                           : bf16       ? Py_BuildValue("(ss)", "f32", "bf16")
                           : int8       ? Py_BuildValue("(ss)", "f32", "int8")
                                        : Py_BuildValue("(s)", "f32");
    if (precisions == NULL) return NULL;
    return Py_BuildValue("{sssssNsisN}", "name", name, "isa", sc_isa_name(sc_cpu_isa()),
                         "precisions", precisions, "threads", sc_cpu_usable(), "onednn",
                         PyUnicode_FromFormat("%d.%d.%d", v[0], v[1], v[2]));
}

PyDoc_STRVAR(
    peak_doc,
    "peak($module, precision, seconds, /)\n--\n\n"
    "Return the most multiply-adds a second that one thread reaches, in 'f32', "
    "'bf16' or\n'int8'; 0.0 where there are no kernels for it.");

static PyObject *core_peak(PyObject *module, PyObject *args)
{
    const char *word;
    double seconds, macs;
    int precision;
    if (!PyArg_ParseTuple(args, "sd:peak", &word, &seconds)) return NULL;
    if (sc_py_choose(sc_py_state_of(module), word, SC_PY_PRECISIONS, "precision",
                     &precision) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    macs = sc_cpu_peak((sc_precision)precision, seconds);
    Py_END_ALLOW_THREADS
    return PyFloat_FromDouble(macs);
}

PyDoc_STRVAR(trim_doc,
             "trim_memory($module, /)\n--\n\n"
             "Give the memory that no call of a network is using back to the system.");

static PyObject *core_trim_memory(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS
    sc_trim_memory();
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"trim_memory", core_trim_memory, METH_NOARGS, trim_doc},
    {"peak", core_peak, METH_VARARGS, peak_doc},
    {"cpu", core_cpu, METH_NOARGS, cpu_doc},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_cpu(PyObject *module) { return PyModule_AddFunctions(module, functions); }
