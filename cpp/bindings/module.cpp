// An extension behind stlfast._core, which takes the one for its processor: checks arguments, releases the GIL,
// translates errors; no numerics. All files are compiled as one, for most of what they take to compile they share: what
// would be in anonymous namespaces elsewhere is in one for each file.
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_features(py::module_&);
void bind_fields(py::module_&);
void bind_field_model(py::module_&);
void bind_full_space(py::module_&);
void bind_model(py::module_&);
void bind_nonlinear(py::module_&);
void bind_windows(py::module_&);

PYBIND11_MODULE(STLFAST_MODULE, module) {
    module.attr("__module__") = "stlfast._core";  // the types' module, so that each extension reads another's pickles
    module.doc() = "The compiled core of stlfast.";
    module.attr("__version__") = STLFAST_VERSION;
    bind_features(module);
    bind_fields(module);
    bind_model(module);
    bind_field_model(module);
    bind_full_space(module);
    bind_nonlinear(module);
    bind_windows(module);
}
