// The extension stlfast._core: checks arguments, releases the GIL, translates errors; no numerics.
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_features(py::module_&);
void bind_model(py::module_&);

PYBIND11_MODULE(_core, module) {
    module.doc() = "The compiled core of stlfast.";
    module.attr("__version__") = STLFAST_VERSION;
    bind_features(module);
    bind_model(module);
}
