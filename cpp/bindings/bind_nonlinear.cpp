// NonlinearModel: compiled nonlinear families.
#include <pybind11/stl.h>

#include <memory>
#include <utility>

#include "stlfast/nonlinear_sweep.hpp"
#include "swept.hpp"

namespace py = pybind11;
using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace STLFAST_NAMESPACE::nonlinear_bindings {

// low, high, tau, coefficients, x, equation, powers, guess
using BandTuple =
    std::tuple<py::object, py::object, double, py::object, py::object, py::object, py::object, py::object>;

NonlinearBand band_of(const BandTuple& band) {
    const auto& [low, high, tau, coefficients, x, equation, powers, guess] = band;
    const auto equations = checked_array<int>(equation, "equation", 1);
    // With a name: GCC 12 destroys an aggregate in braces twice where what follows it in other braces throws.
    Band functions{vector_of(low, "low"), vector_of(high, "high"), tau, matrix_of(coefficients, "coefficients")};
    return {std::move(functions), vector_of(x, "x"),
            Eigen::Map<const Eigen::VectorXi>(equations.data(), equations.size()), matrix_of<int>(powers, "powers"),
            matrix_of(guess, "guess")};
}

std::unique_ptr<NonlinearModel> make_model(const Family& family, const py::object& y0, const py::object& low,
                                           const py::object& high, const std::vector<BandTuple>& bands,
                                           Index uniform_checks) {
    std::vector<NonlinearBand> converted;
    for (const auto& band : bands) converted.push_back(band_of(band));
    const Starts starts{vector_of(y0, "y0"), vector_of(low, "low"), vector_of(high, "high")};
    return std::make_unique<NonlinearModel>(family, starts, std::move(converted), uniform_checks);
}

// The answer and its values (n, N) at the points x, or on the output grid where x is None. Instead None where no band
// has the parameters or the initial value is outside the model's box.
py::object solve(const NonlinearModel& model, const py::dict& params, const py::tuple& names, const py::object& y0,
                 const py::object& certify, const py::object& rtol, const py::object& atol, const py::object& x,
                 bool extrapolate) {
    const Index n = model.family().n;
    const VectorXd p = parameters_of(model.family(), params, names);
    const auto start = finite_array(y0, "y0", {n});
    const NonlinearModel::Options options{truth_of(certify, "certify"),
                                          {tolerance_of(rtol, "rtol"), tolerance_of(atol, "atol")}};
    for (Index i = 0; i < n && !extrapolate; ++i)
        if (!(start.data()[i] >= model.starts().low[i] && start.data()[i] <= model.starts().high[i])) return py::none();
    const Index band = model.band_of(p.data());
    if (band < 0) return py::none();
    auto answer = std::make_unique<Answer>();
    const VectorXd points = x.is_none() ? VectorXd() : vector_of(x, "x");
    const Index N = x.is_none() ? model.output().x().size() : points.size();
    py::array_t<double> y({n, N});
    Eigen::Map<MatrixXd> values(y.mutable_data(), N, n);
    {
        const py::gil_scoped_release release;
        thread_local NonlinearModel::Workspace workspace;
        const NonlinearModel::Query query{p.data(), start.data()};
        model.solve(&query, 1, band, options, answer.get(), workspace);
        if (points.size() > 0)
            model.evaluate(*answer, points, values);
        else if (N > 0)
            model.output().evaluate(*answer, values);
    }
    return py::make_tuple(std::move(answer), std::move(y));
}

py::tuple solve_queries(const NonlinearModel& model, const OutputTable& output, Index B, const py::object& parameters,
                        const py::object& y0, bool final, bool maximum, const py::object& certify,
                        const py::object& rtol, const py::object& atol, int threads, const py::object& out,
                        const py::object& progress) {
    const NonlinearModel::Options options{truth_of(certify, "certify"),
                                          {tolerance_of(rtol, "rtol"), tolerance_of(atol, "atol")}};
    return swept(
        model.family().n, output.x().size(), B, parameters, y0, final, maximum, options.estimate, out, progress,
        [&](const Queries& queries, Observe observe, const SweepResults& results, const SweepProgress& report) {
            solve_many(model, output, queries, {options, threads, observe}, results, report);
        });
}

// Of values y and derivatives dy (n, C) at check points x (C): the estimate (n), max |y| (n) and the residual.
py::tuple estimated(const Family& family, const py::object& parameters, const py::object& x, const py::object& y,
                    const py::object& dy, const py::object& y0) {
    const auto p = finite_array(parameters, "parameters", {family.n_parameters()});
    const ErrorEstimate estimate(family, vector_of(x, "x"));
    const Index n = family.n, C = estimate.x().size();
    const auto values = finite_array(y, "y", {n, C}), slopes = finite_array(dy, "dy", {n, C});
    const auto start = finite_array(y0, "y0", {n});
    VectorXd left = Eigen::Map<const VectorXd>(slopes.data(), n * C), initial(n), largest(n), scale(n);
    for (Index i = 0; i < n; ++i) initial[i] = start.data()[i] - values.data()[i * C];
    ErrorEstimate::Workspace workspace;
    estimate.prepare(p.data(), workspace);
    const double residual =
        estimate(p.data(), values.data(), left.data(), initial.data(), largest.data(), scale.data(), workspace);
    return py::make_tuple(to_numpy(largest), to_numpy(scale), residual);
}

}  // namespace STLFAST_NAMESPACE::nonlinear_bindings

void bind_nonlinear(py::module_& module) {
    using namespace nonlinear_bindings;
    py::class_<NonlinearModel>(module, "NonlinearModel",
                               "A compiled nonlinear family; immutable, shared between threads.")
        .def(py::init(&make_model), py::arg("family"), py::arg("y0"), py::arg("low"), py::arg("high"), py::arg("bands"),
             py::arg("uniform_checks"))
        .def("solve", &solve, py::arg("params"), py::arg("names"), py::arg("y0"), py::arg("certify"), py::arg("rtol"),
             py::arg("atol"), py::arg("x"), py::arg("extrapolate"))
        .def("solve_many", &solve_queries, py::arg("output"), py::arg("count"), py::arg("parameters"), py::arg("y0"),
             py::arg("final"), py::arg("maximum"), py::arg("certify"), py::arg("rtol"), py::arg("atol"),
             py::arg("threads"), py::arg("out"), py::arg("progress"))
        .def("evaluate", &evaluated<NonlinearModel>, py::arg("answer"), py::arg("x"),
             "Values (n, N) at the points x (N).")
        .def(
            "output_table",
            [](const NonlinearModel& model, const py::object& x) {
                return std::make_unique<OutputTable>(model.bands(), nullptr, model.family().n, vector_of(x, "x"));
            },
            py::arg("x"), py::keep_alive<0, 1>())
        .def_property_readonly("output", &NonlinearModel::output, py::return_value_policy::reference_internal);
    module.def("error_estimate", &estimated, py::arg("family"), py::arg("parameters"), py::arg("x"), py::arg("y"),
               py::arg("dy"), py::arg("y0"));
}
