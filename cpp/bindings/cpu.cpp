// The extension stlfast._cpu: which builds of the core this package has, and which of them this processor runs.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace {

#ifdef STLFAST_WITH_V3
constexpr bool has_v3 = true;
bool runs_v3() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");  // asks the operating system too
}
#else
constexpr bool has_v3 = false;
bool runs_v3() { return false; }
#endif

// Slowest first.
PyObject* names(bool with_v3) {
    return with_v3 ? Py_BuildValue("(ss)", "baseline", "x86-64-v3") : Py_BuildValue("(s)", "baseline");
}

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_cpu", nullptr, 0, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__cpu() {
    PyObject* module = PyModule_Create(&definition);
    if (module == nullptr) return nullptr;
    if (PyModule_AddObject(module, "BUILDS", names(has_v3)) < 0 ||
        PyModule_AddObject(module, "RUNS", names(runs_v3())) < 0) {
        Py_DECREF(module);
        return nullptr;
    }
    return module;
}
