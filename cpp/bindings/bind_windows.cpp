// Windows: members of any family solved on one time window after the other.
#include <chrono>
#include <memory>
#include <utility>

#include "arrays.hpp"
#include "stlfast/windows.hpp"

namespace py = pybind11;
using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace STLFAST_NAMESPACE::windows_bindings {

// The solver with the equations that it keeps.
struct Solver {
    Solver(const Family& family, py::object values)
        : parameters(family.n_parameters()), equations(family, !values.is_none()), values(std::move(values)) {}

    Index parameters;
    Equations equations;
    py::object values;  // two functions of points (1 + n, S) and parameters, N (n, S) and ∂N/∂y (n², S), or None
    Windows windows;
};

RightHandSide::Values values_of(const py::object& function, const py::object& parameters) {
    return [function, parameters](const MatrixXd& points, MatrixXd& values) {
        const py::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        const MatrixXd rows = points.transpose();  // NumPy's rows are Eigen's columns
        const py::object found = function(to_numpy(rows), parameters);
        const auto array = checked_array<double>(found, "the value of the right-hand side", 2);
        values =
            Eigen::Map<const MatrixXd>(array.data(), values.rows(), values.cols());  // not finite where trials fail
    };
}

std::unique_ptr<Windowed> solve(const Solver& solver, const py::object& parameters, const py::object& y0, double begin,
                                double end, double tolerance, const py::object& floor, double first, bool estimate,
                                const py::object& added, double small) {
    const Index n = solver.equations.n;
    const auto p = finite_array(parameters, "parameters", {solver.parameters});
    RightHandSide::Values N, J;
    if (!solver.values.is_none()) {
        const py::tuple values = solver.values;
        N = values_of(values[0], p), J = values_of(values[1], p);
    }
    RightHandSide f(solver.equations, as_vector(p), std::move(N), std::move(J));
    if (!added.is_none()) f.add(as_vector(finite_array(added, "forcing", {n})));
    const VectorXd start = as_vector(finite_array(y0, "y0", {n}));
    WindowOptions options;
    options.tolerance = tolerance, options.small = small, options.first = first, options.estimate = estimate;
    options.floor = as_vector(finite_array(floor, "floor", {n}));
    using Clock = std::chrono::steady_clock;
    options.between = [last = Clock::now()]() mutable {  // so that Ctrl-C stops within a second
        if (Clock::now() - last < std::chrono::milliseconds(100)) return;
        last = Clock::now();
        const py::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    };
    const py::gil_scoped_release release;
    return std::make_unique<Windowed>(solver.windows.solve(f, start, begin, end, options));
}

py::array_t<double> evaluate(const Solver& solver, const Windowed& solution, const py::object& x) {
    const VectorXd points = as_vector(checked_array<double>(x, "x", 1));
    const Index n = solver.equations.n;
    py::array_t<double> y({n, points.size()});
    Eigen::Map<MatrixXd> values(y.mutable_data(), points.size(), n);
    const py::gil_scoped_release release;
    solver.windows.evaluate(solution, points, values);
    return y;
}

}  // namespace STLFAST_NAMESPACE::windows_bindings

void bind_windows(py::module_& module) {
    using namespace windows_bindings;
    py::class_<Windowed>(module, "Windowed", "A solution on time windows.")
        .def(py::pickle(
            [](const Windowed& w) {
                return py::make_tuple(w.finished, to_numpy(w.edges), to_numpy(w.values), to_numpy(w.error), w.rejected,
                                      w.iterations, w.last_step, w.limited, w.relative_error, w.residual);
            },
            [](const py::tuple& state) {
                const auto values = checked_array<double>(state[2], "values", 2);
                Windowed w;
                w.finished = state[0].cast<bool>();
                w.edges = as_vector(checked_array<double>(state[1], "edges", 1));
                w.values = Eigen::Map<const MatrixXd>(values.data(), values.shape(1), values.shape(0)).transpose();
                if (!Windows::valid(w))
                    throw py::value_error("a solution on time windows of another version of stlfast");
                w.error = as_vector(checked_array<double>(state[3], "error", 1));
                w.rejected = state[4].cast<Index>(), w.iterations = state[5].cast<Index>();
                w.last_step = state[6].cast<double>(), w.limited = state[7].cast<bool>();
                w.relative_error = state[8].cast<double>(), w.residual = state[9].cast<double>();
                return w;
            }))
        .def_readonly("finished", &Windowed::finished)
        .def_readonly("limited", &Windowed::limited)
        .def_readonly("relative_error", &Windowed::relative_error)
        .def_readonly("rejected", &Windowed::rejected)
        .def_readonly("iterations", &Windowed::iterations)
        .def_readonly("last_step", &Windowed::last_step)
        .def_readonly("residual", &Windowed::residual)
        .def_property_readonly("edges", [](const Windowed& w) { return to_numpy(w.edges); })
        .def_property_readonly("error", [](const Windowed& w) { return to_numpy(w.error); })
        .def_property_readonly(
            "largest",
            [](const Windowed& w) { return to_numpy(VectorXd(w.values.cwiseAbs().colwise().maxCoeff().transpose())); })
        .def_property_readonly(
            "last", [](const Windowed& w) { return to_numpy(VectorXd(w.values.bottomRows(1).transpose())); });
    py::class_<Solver>(module, "Windows",
                       "Solves members of a family, linear or not, on one time window after the other.")
        .def(py::init([](const Family& family, const py::object& values) {
                 return std::make_unique<Solver>(family, values);
             }),
             py::arg("family"), py::arg("values"))
        .def("solve", &solve, py::arg("parameters"), py::arg("y0"), py::arg("begin"), py::arg("end"),
             py::arg("tolerance"), py::arg("floor"), py::arg("first"), py::arg("estimate"),
             py::arg("added") = py::none(), py::arg("small") = 1.0,
             "added: (n,) constant added to the right-hand side. small: part of the floor where windows are sized.")
        .def("evaluate", &evaluate, py::arg("solution"), py::arg("x"));
}
