// Program, Body and Dictionary.
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "layers.hpp"
#include "stlfast/dictionary.hpp"
#include "stlfast/program.hpp"

namespace py = pybind11;
using namespace stlfast;

namespace STLFAST_NAMESPACE::features_bindings {

using Eigen::Index;

Program make_program(int n_inputs, const py::object& constants, const py::object& code, const py::object& outputs,
                     int varying) {
    const auto c = checked_array<double>(constants, "constants", 1);
    const auto k = checked_array<std::int32_t>(code, "code", 2);
    const auto o = checked_array<std::int32_t>(outputs, "outputs", 1);
    if (k.shape(1) != 3)
        throw py::value_error("code has " + std::to_string(k.shape(1)) + " columns, expected 3: rows [op, a, b]");
    return Program(n_inputs, as_vector(c), Eigen::Map<const Program::Code>(k.data(), k.shape(0), 3),
                   Eigen::Map<const Program::Registers>(o.data(), o.size()), varying);
}

py::array_t<double> evaluate_program(const Program& program, const py::object& x, const py::object& inputs) {
    const auto points = checked_array<double>(x, "x", program.varying() == 1 ? 1 : 2);
    const auto values = checked_array<double>(inputs, "inputs", 1);
    const Index columns = points.ndim() == 1 ? 1 : points.shape(0), N = points.size() / std::max<Index>(columns, 1);
    py::array_t<double> out({static_cast<Index>(program.n_outputs()), N});
    Eigen::Map<Eigen::MatrixXd> result(out.mutable_data(), N, program.n_outputs());
    const Eigen::Map<const Eigen::MatrixXd> x_map(points.data(), N, columns);  // NumPy's rows are Eigen's columns
    const auto inputs_map = as_vector(values);
    {
        py::gil_scoped_release release;
        Program::Workspace workspace;
        program.evaluate(x_map, inputs_map, result, workspace);
    }
    return out;
}

void bind_program(py::module_& module) {
    py::class_<Program>(module, "Program", R"(
A list of instructions that evaluates functions of x and parameters at many points.

Program(n_inputs, constants, code, outputs, varying): registers 0 … n_inputs − 1 hold x, any other inputs that vary from
point to point and the parameters, then come the constants, float64 (C,), then one register for each row [op, a, b] of code, int32 (K, 3); outputs, int32 (O,), lists
the registers to return. Operations: 0 add, 1 sub, 2 mul, 3 div, 4 neg, 5 pow, 6 exp, 7 log, 8 sqrt, 9 sin, 10 cos,
11 tan, 12 tanh, 13 abs; a unary one has b = −1. Raises ValueError where that is not a valid program.)")
        .def(py::init(&make_program), py::arg("n_inputs"), py::arg("constants"), py::arg("code"), py::arg("outputs"),
             py::arg("varying") = 1)
        .def("evaluate", &evaluate_program, py::arg("x"), py::arg("inputs"),
             "Values (O, N) at the points x, float64 (N,) or (varying, N), for the other inputs, float64 (n_inputs − "
             "varying,).")
        .def_property_readonly("n_inputs", &Program::n_inputs)
        .def_property_readonly("varying", &Program::varying)
        .def_property_readonly("constants", [](const Program& p) { return to_numpy(p.constants()); })
        .def_property_readonly("code", [](const Program& p) { return to_numpy(p.code()); })
        .def_property_readonly("outputs", [](const Program& p) { return to_numpy(p.outputs()); });
}

Body make_body(const std::vector<py::object>& weights, const std::vector<py::object>& biases,
               const std::string& activation, const std::string& input, double tau) {
    auto layers = layers_of(weights, biases);
    return Body(std::move(layers.weights), std::move(layers.biases), activation_from(activation), InputMap(input, tau));
}

py::tuple evaluate_dictionary(const Dictionary& dictionary, const py::object& x, int derivatives) {
    if (derivatives < 0 || derivatives > 2)
        throw py::value_error("derivatives is " + std::to_string(derivatives) + ", expected 0, 1 or 2");
    const auto points = checked_array<double>(x, "x", 1);
    const auto x_map = as_vector(points);
    Eigen::MatrixXd values[3];  // H, dH, ddH
    {
        py::gil_scoped_release release;
        dictionary.evaluate(x_map, values[0], derivatives > 0 ? &values[1] : nullptr,
                            derivatives > 1 ? &values[2] : nullptr);
    }
    py::tuple result(derivatives + 1);
    for (int k = 0; k <= derivatives; ++k) result[k] = take_numpy(std::move(values[k]));
    return result;
}

void bind_body(py::module_& module) {
    py::class_<Body>(module, "Body", R"(
The frozen layers of a network with one input: h_0 = s(x), h_l = σ(W_l h_{l−1} + b_l).

Body(weights, biases, activation, input, tau): weights, a list of float64 (out, in), the first with in = 1; biases, a
list of float64 (out,); activation "tanh", "sin" or "silu"; input "log", s = log(1 + x/tau)/log(1 + 1/tau), or
"plain", s = x. Raises ValueError for shapes that do not chain and for numbers that are not finite.)")
        .def(py::init(&make_body), py::arg("weights"), py::arg("biases"), py::arg("activation"), py::arg("input"),
             py::arg("tau") = 1e-3)
        .def_property_readonly("width", &Body::width, "Number of features.");
}

void bind_dictionary(py::module_& module) {
    py::class_<Dictionary>(module, "Dictionary", R"(
The functions of x, time scaled to [0, 1], that solutions are expanded in.)")
        .def_static(
            "from_body", &Dictionary::from_body, py::arg("body"), py::arg("dilations"), py::arg("constant") = true,
            "[1, h(s(κ_1 x)), …, h(s(κ_K x))]; the 1 only if constant. Raises ValueError unless the dilations κ "
            "are distinct and positive, and for κ ≠ 1 where the activation does not saturate.")
        .def_static(
            "chebyshev",
            [](Eigen::Index m, const std::string& input, double tau) {
                return Dictionary::chebyshev(m, InputMap(input, tau));
            },
            py::arg("m"), py::arg("input") = "log", py::arg("tau") = 1e-3,
            "Chebyshev polynomials T_0 … T_{m−1} of 2 s(x) − 1, s the input map of a body.")
        .def_property_readonly("size", &Dictionary::size, "Number of functions, m.")
        .def("evaluate", &evaluate_dictionary, py::arg("x"), py::arg("derivatives") = 0,
             "Values and the given number of derivatives in x (0, 1 or 2) at x, float64 (N,): a tuple of (N, m) "
             "arrays.");
}

}  // namespace STLFAST_NAMESPACE::features_bindings

void bind_features(py::module_& module) {
    using namespace features_bindings;
    bind_program(module);
    bind_body(module);
    bind_dictionary(module);
}
