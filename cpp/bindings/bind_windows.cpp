// Windows: members of any family solved on one time window after the other.
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "stlfast/chains.hpp"
#include "stlfast/pieces.hpp"
#include "stlfast/window_model.hpp"
#include "stlfast/window_sweep.hpp"
#include "swept.hpp"

namespace py = pybind11;
using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace STLFAST_NAMESPACE::windows_bindings {

// The solver with the equations that it keeps.
struct Solver {
    Solver(const Family& family, py::object values, std::optional<Program> stops, std::optional<Program> start)
        : stops(std::move(stops)),
          start(std::move(start)),
          parameters(family.n_parameters()),
          low(family.low),
          high(family.high),
          equations(family, !values.is_none()),
          values(std::move(values)) {}

    // Of the parameters: K·(1 + n) outputs, where windows end and by how much the states jump there; initial values.
    std::optional<Program> stops, start;
    Index parameters;
    VectorXd low, high;
    Equations equations;
    py::object values;  // two functions of points (1 + n, S) and parameters, N (n, S) and ∂N/∂y (n², S), or None
    Windows windows;
    std::shared_ptr<const Chains> chains;  // compiled windows, null for none
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

// What is added to the right-hand side: a constant (n), a function of x (S) with values (n, S), or knots and
// coefficients of pieces.
void add(RightHandSide& f, const py::object& added) {
    if (added.is_none()) return;
    if (py::isinstance<py::tuple>(added)) {
        const py::tuple given = added;
        Pieces pieces{as_vector(checked_array<double>(given[0], "knots", 1)), {}};
        const auto c = finite_array(given[1], "coefficients", {pieces.knots.size(), 4 * f.n()});
        pieces.coefficients = Eigen::Map<const MatrixXd>(c.data(), 4 * f.n(), pieces.knots.size());
        f.add([pieces](const VectorXd& x, MatrixXd& values) { pieces.evaluate(x, values); }, false);
    } else if (PyCallable_Check(added.ptr())) {
        f.add(
            [added, n = f.n()](const VectorXd& x, MatrixXd& values) {
                const py::gil_scoped_acquire acquire;
                if (PyErr_CheckSignals() != 0) throw py::error_already_set();
                const auto found = finite_array(added(to_numpy(x)), "forcing", {n, x.size()});
                values = Eigen::Map<const MatrixXd>(found.data(), x.size(), n);
            },
            true);
    } else {
        f.add(as_vector(finite_array(added, "forcing", {f.n()})));
    }
}

WindowOptions options_of(Index n, const py::object& floor, double first, bool estimate, const py::object& stops,
                         const py::object& jumps, double inside, const std::vector<Index>& positive) {
    WindowOptions options;
    options.first = first, options.estimate = estimate, options.inside = inside, options.positive = positive;
    options.floor = as_vector(finite_array(floor, "floor", {n}));
    if (!stops.is_none()) options.stops = as_vector(checked_array<double>(stops, "stops", 1));
    if (!jumps.is_none()) {
        const auto array = finite_array(jumps, "jumps", {options.stops.size(), n});
        options.jumps = Eigen::Map<const MatrixXd>(array.data(), n, options.stops.size());
    }
    return options;
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

// For WindowOptions::between, so that Ctrl-C stops within a second.
std::function<void()> interrupts() {
    using Clock = std::chrono::steady_clock;
    return [last = Clock::now()]() mutable {
        if (Clock::now() - last < std::chrono::milliseconds(100)) return;
        last = Clock::now();
        const py::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    };
}

// With the tolerance `relative`, one pass of it where `once`, else as many as it takes: the solution, its estimate over
// the tolerance, whether it reaches the end, and its values at x, nan where it does not reach, or None without x.
py::tuple solve(const Solver& solver, const py::object& parameters, const py::object& y0, double begin, double end,
                double relative, const py::object& floor, double first, bool estimate, const py::object& added,
                const py::object& stops, const py::object& jumps, double inside, const std::vector<Index>& positive,
                const py::object& x, bool once) {
    const Index n = solver.equations.n;
    const auto p = finite_array(parameters, "parameters", {solver.parameters});
    RightHandSide::Values N, J;
    if (!solver.values.is_none()) {
        const py::tuple values = solver.values;
        N = values_of(values[0], p), J = values_of(values[1], p);
    }
    RightHandSide f(solver.equations, as_vector(p), std::move(N), std::move(J));
    add(f, added);
    const VectorXd start = as_vector(finite_array(y0, "y0", {n}));
    WindowOptions options = options_of(n, floor, first, estimate, stops, jumps, inside, positive);
    options.between = interrupts();
    Refined found;
    {
        const py::gil_scoped_release release;
        if (once) {
            options.tolerance = relative;
            found.solution = solver.windows.solve(f, start, begin, end, options);
        } else if (begin != 0 || end != 1 || !added.is_none()) {
            found = refined(solver.windows, f, start, begin, end, options, relative);
        } else {
            found = of_span(solver.chains.get(), solver.windows, f, as_vector(p), start, relative, options);
        }
    }
    const bool finished = found.solution.finished;
    const py::object y = x.is_none() ? py::none() : py::object(evaluate(solver, found.solution, x));
    return py::make_tuple(std::make_unique<Windowed>(std::move(found.solution)), found.missed, finished, y);
}

// (t − t0)/(t1 − t0); None where an entry is not in [t0, t1].
py::object scaled_times(const py::array_t<double, py::array::c_style>& t, double t0, double t1) {
    py::array_t<double> x(t.size());
    const Eigen::Map<const Eigen::ArrayXd> times(t.data(), t.size());
    if (!(times >= t0 && times <= t1).all()) return py::none();
    Eigen::Map<Eigen::ArrayXd>(x.mutable_data(), t.size()) = ((times - t0) / (t1 - t0)).min(1.0);
    return x;
}

// A copy of plain times t (N) in [t0, t1] and their x; two times None for another kind of argument, or a time outside.
std::pair<py::object, py::object> plain_times(const py::object& t, double t0, double t1) {
    using Array = py::array_t<double, py::array::c_style>;
    const std::pair<py::object, py::object> nothing{py::none(), py::none()};
    if (!is_plain_array(t) || !py::isinstance<Array>(t)) return nothing;
    const auto given = py::reinterpret_borrow<Array>(t);
    if (given.ndim() != 1) return nothing;
    py::object x = scaled_times(given, t0, t1);
    if (x.is_none()) return nothing;
    return {py::array_t<double>(given.size(), given.data()), std::move(x)};
}

// What `solve` returns of the whole span, on compiled windows first, with arguments as they mostly are, where the span
// is the same for all members; and a copy of the output times t, or None where these are None, for values at x. y0 is
// None where the program tells it. None where an argument is of another kind, or wrong: `solve` tells.
py::object solve_plain(const Solver& solver, const py::dict& params, const py::tuple& names, const py::object& y0,
                       const py::object& box, const py::object& t, const py::object& x, double t0, double t1,
                       const py::object& rtol, double smallest, const py::object& atol, double smallest_floor,
                       double first, const py::object& estimate, const std::vector<Index>& positive) {
    const Index n = solver.equations.n;
    VectorXd p, start;
    try {
        p = parameters_of(solver.low, solver.high, params, names);
        if (y0.is_none() && !solver.start) return py::none();
        start = y0.is_none() ? values_at(*solver.start, p) : VectorXd(as_vector(finite_array(y0, "y0", {n})));
    } catch (const py::builtin_exception&) {
        return py::none();
    }
    const double relative = PyFloat_CheckExact(rtol.ptr()) ? PyFloat_AS_DOUBLE(rtol.ptr()) : 0;
    const double added = PyFloat_CheckExact(atol.ptr()) ? PyFloat_AS_DOUBLE(atol.ptr()) : -1;
    if (!(relative >= smallest && relative < 1) || !(added >= 0 && std::isfinite(added)) ||
        !PyBool_Check(estimate.ptr()))
        return py::none();
    if (!box.is_none()) {
        const auto ends = checked_array<double>(box, "box", 2);
        for (Index i = 0; i < n; ++i)
            if (!(start[i] >= ends.data()[2 * i] && start[i] <= ends.data()[2 * i + 1])) return py::none();
    }
    py::object times = py::none(), at = x;
    if (!t.is_none()) {
        std::tie(times, at) = plain_times(t, t0, t1);
        if (at.is_none()) return py::none();
    }
    WindowOptions options;
    options.first = first, options.estimate = estimate.ptr() == Py_True, options.between = interrupts();
    options.positive = positive;
    options.floor = VectorXd::Constant(n, std::max(added / relative, smallest_floor));
    if (!start.allFinite() || (solver.stops && !set_stops(*solver.stops, p, n, options))) return py::none();
    Refined found;
    {
        const py::gil_scoped_release release;
        RightHandSide f(solver.equations, p);
        found = of_span(solver.chains.get(), solver.windows, f, p, start, relative, options);
    }
    const bool finished = found.solution.finished;
    auto y = evaluate(solver, found.solution, at);
    return py::make_tuple(std::make_unique<Windowed>(std::move(found.solution)), found.missed, finished, std::move(y),
                          std::move(times));
}

// Many members with programs; stops (B or 1, K) and jumps (B or 1, K, n), or None.
py::tuple solve_queries(const Solver& solver, const py::object& x, Index B, const py::object& parameters,
                        const py::object& y0, bool final, bool maximum, bool certify, double relative,
                        const py::object& floor, double first, const py::object& stops, const py::object& jumps,
                        const std::vector<Index>& positive, int threads, const py::object& out,
                        const py::object& progress) {
    if (!solver.values.is_none()) throw py::value_error("solve_many takes families without Python functions");
    const Index n = solver.equations.n;
    const VectorXd points = as_vector(checked_array<double>(x, "x", 1));
    const WindowOptions common = options_of(n, floor, first, certify, py::none(), py::none(), 0, positive);
    const auto at = stops.is_none() ? py::array_t<double>() : checked_array<double>(stops, "stops", 2);
    const auto by = jumps.is_none() ? py::array_t<double>() : checked_array<double>(jumps, "jumps", 3);
    return swept(
        n, points.size(), B, parameters, y0, final, maximum, certify, out, progress,
        [&](const Queries& queries, Observe observe, const SweepResults& results, const SweepProgress& report) {
            check(queries, solver.parameters, n, threads);
            const Stops breaks{stops.is_none() ? 0 : at.shape(1), stops.is_none() ? 0 : at.shape(0), at.data(),
                               by.data()};
            solve_many(solver.windows, solver.chains.get(), solver.equations, points, queries, breaks, common, relative,
                       threads, observe, results, report);
        });
}

Eigen::MatrixXf float_matrix(const py::object& from, const char* name) {
    const auto array = checked_array<float>(from, name, 2);
    return Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
        array.data(), array.shape(0), array.shape(1));
}

std::shared_ptr<Chains> chains_of(Index n, const std::vector<py::tuple>& coordinates, const py::object& powers,
                                  const std::vector<py::tuple>& cells, double tolerance, const py::object& start) {
    std::vector<ChainCoordinate> where;
    for (const py::tuple& c : coordinates)
        where.push_back(
            {c[0].cast<Index>(), c[1].cast<bool>(), c[2].cast<bool>(), c[3].cast<double>(), c[4].cast<double>()});
    const auto degrees = checked_array<std::int32_t>(powers, "powers", 2);
    std::vector<ChainCell> all;
    for (const py::tuple& c : cells) {
        ChainCell cell{as_vector(checked_array<double>(c[0], "low", 1)),
                       as_vector(checked_array<double>(c[1], "high", 1)),
                       c[2].cast<bool>(),
                       float_matrix(c[3], "lengths"),
                       {},
                       c[5].cast<std::vector<Index>>()};
        if (!c[4].is_none()) cell.values = float_matrix(c[4], "values");
        all.push_back(std::move(cell));
    }
    using Degrees = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::MatrixXi of = Eigen::Map<const Degrees>(degrees.data(), degrees.shape(0), degrees.shape(1));
    return std::make_shared<Chains>(
        n, std::move(where), of, std::move(all), tolerance,
        start.is_none() ? VectorXd() : VectorXd(as_vector(finite_array(start, "start", {n}))));
}

}  // namespace STLFAST_NAMESPACE::windows_bindings

void bind_windows(py::module_& module) {
    using namespace windows_bindings;
    module.def("scaled_times", &scaled_times, py::arg("t"), py::arg("t0"), py::arg("t1"),
               "x in [0, 1] of times (N,) in [t0, t1]; None where one is outside, or not a number.");
    module.def("plain_times", &plain_times, py::arg("t"), py::arg("t0"), py::arg("t1"),
               "A copy of times (N,) in [t0, t1] and x in [0, 1]; two times None for what is no such array.");
    module.def(
        "radau_points", [](Index s) { return to_numpy(RadauPoints(s).c()); }, py::arg("s"),
        "0, then the s Radau points of (0, 1].");
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
        .def_readonly("compiled", &Windowed::compiled)
        .def_readonly("limited", &Windowed::limited)
        .def_readonly("through", &Windowed::through)
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
            "least", [](const Windowed& w) { return to_numpy(VectorXd(w.values.colwise().minCoeff().transpose())); })
        .def_property_readonly(
            "last", [](const Windowed& w) { return to_numpy(VectorXd(w.values.bottomRows(1).transpose())); });
    py::class_<Chains, std::shared_ptr<Chains>>(module, "Chains", "Compiled windows of cells of a family's members.")
        .def(
            py::init(&chains_of), py::arg("n"), py::arg("coordinates"), py::arg("powers"), py::arg("cells"),
            py::arg("tolerance"), py::arg("start"),
            "coordinates: (index, initial, logarithmic, low, high) of each; powers (M, d) int32; cells: (low (d,), "
            "high (d,), held, lengths (K, M) float32, values (3 n K, M) float32 or None, how many of the K windows are "
            "of each segment) of each; start (n,) of all members, or None.");
    py::class_<Solver>(module, "Windows",
                       "Solves members of a family, linear or not, on one time window after the other.")
        .def(py::init([](const Family& family, const py::object& values, std::optional<Program> stops,
                         std::optional<Program> start) {
                 return std::make_unique<Solver>(family, values, std::move(stops), std::move(start));
             }),
             py::arg("family"), py::arg("values"), py::arg("stops") = py::none(), py::arg("start") = py::none(),
             "values: N and its Jacobian as functions, or None. stops, start: the family's programs, or None.")
        .def(
            "compiled",
            [](const Solver& solver, const py::object& parameters, const py::object& y0, double relative,
               const py::object& floor, bool estimate, const std::shared_ptr<Chains>& chains,
               const std::vector<Index>& positive, const py::object& stops, const py::object& jumps) {
                const Index n = solver.equations.n;
                const VectorXd p = as_vector(finite_array(parameters, "parameters", {solver.parameters}));
                const VectorXd start = as_vector(finite_array(y0, "y0", {n}));
                const WindowOptions options = options_of(n, floor, 1, estimate, stops, jumps, 0, positive);
                RightHandSide f(solver.equations, p);
                Refined found;
                const bool held = chains->solve(solver.windows, f, p, start, relative, options, found);
                return py::make_tuple(std::make_unique<Windowed>(std::move(found.solution)), found.missed, held);
            },
            py::arg("parameters"), py::arg("y0"), py::arg("relative"), py::arg("floor"), py::arg("estimate"),
            py::arg("chains"), py::arg("positive") = std::vector<Index>(), py::arg("stops") = py::none(),
            py::arg("jumps") = py::none(),
            "On compiled windows alone: the solution, its estimate over the tolerance, whether it meets it.")
        .def(
            "segments",
            [](const Solver& solver, const py::object& parameters, const py::object& stops) {
                const Index n = solver.equations.n;
                RightHandSide f(solver.equations,
                                as_vector(finite_array(parameters, "parameters", {solver.parameters})));
                const WindowOptions options =
                    options_of(n, to_numpy(VectorXd::Ones(n).eval()), 1, false, stops, py::none(), 0, {});
                VectorXd ends{{0.0}};
                for (const Segment& segment : segments_of(f, 0, 1, options)) {
                    ends.conservativeResize(ends.size() + 1);
                    ends[ends.size() - 1] = segment.end;
                }
                return to_numpy(ends);
            },
            py::arg("parameters"), py::arg("stops") = py::none(),
            "0 and the ends of what is between stops (K,) or steps of time.")
        .def(
            "with_chains",
            [](const Solver& solver, std::shared_ptr<Chains> chains) {
                auto result = std::make_unique<Solver>(solver);
                result->chains = std::move(chains);
                return result;
            },
            py::arg("chains"), "The same, trying compiled windows first.")
        .def(
            "parameters",
            [](const Solver& solver, const py::dict& params, const py::tuple& names) {
                return to_numpy(parameters_of(solver.low, solver.high, params, names));
            },
            py::arg("params"), py::arg("names"), "Values (P,) by name; KeyError for the caller to explain.")
        .def(
            "solve", &solve, py::arg("parameters"), py::arg("y0"), py::arg("begin"), py::arg("end"),
            py::arg("relative"), py::arg("floor"), py::arg("first"), py::arg("estimate"), py::arg("added") = py::none(),
            py::arg("stops") = py::none(), py::arg("jumps") = py::none(), py::arg("inside") = 0.0,
            py::arg("positive") = std::vector<Index>(), py::arg("x") = py::none(), py::arg("once") = false,
            "The solution, its estimate over the tolerance, whether it reaches the end, and its values at x. added: to "
            "the right-hand side, a constant (n,), a function of x (S,) with values (n, S), or (knots (K,), "
            "coefficients (K, 4 n)). stops: (K,) where windows end, increasing, and jumps (K, n) of the state there. "
            "inside: how far from stops functions that are no programs are evaluated. once: one pass with that "
            "tolerance.")
        .def("solve_plain", &solve_plain, py::arg("params"), py::arg("names"), py::arg("y0"), py::arg("box"),
             py::arg("t"), py::arg("x"), py::arg("t0"), py::arg("t1"), py::arg("rtol"), py::arg("smallest"),
             py::arg("atol"), py::arg("smallest_floor"), py::arg("first"), py::arg("estimate"), py::arg("positive"),
             "What `solve` returns of the whole span and the output times t, which values are at instead of at x; None "
             "where an argument is wrong or of an unusual kind. box: (n, 2) of initial values, or None.")
        .def("solve_many", &solve_queries, py::arg("x"), py::arg("count"), py::arg("parameters"), py::arg("y0"),
             py::arg("final"), py::arg("maximum"), py::arg("certify"), py::arg("relative"), py::arg("floor"),
             py::arg("first"), py::arg("stops"), py::arg("jumps"), py::arg("positive"), py::arg("threads"),
             py::arg("out"), py::arg("progress"))
        .def("evaluate", &evaluate, py::arg("solution"), py::arg("x"));
}
