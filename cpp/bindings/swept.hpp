// What linear and nonlinear models share: how answers are evaluated, the arguments and results of sweeps.
#pragma once

#include <algorithm>

#include "arguments.hpp"
#include "stlfast/sweep.hpp"

namespace STLFAST_NAMESPACE {

// Values (n, N) of an answer at the points x (N).
template <class AnyModel>
py::array_t<double> evaluated(const AnyModel& model, const Answer& answer, const py::object& x) {
    const Eigen::VectorXd points = vector_of(x, "x");
    py::array_t<double> y({model.family().n, points.size()});
    Eigen::Map<Eigen::MatrixXd> values(y.mutable_data(), points.size(), model.family().n);
    const py::gil_scoped_release release;
    model.evaluate(answer, points, values);
    return y;
}

// (B, n, E) values, (B, n) of the last point or the maximum; (B) success, (B, n) bounds or None, (B) whether the full
// dictionary answered.
// solve(queries, observe, results, progress)
template <class Solve>
py::tuple swept(Eigen::Index n, Eigen::Index E, Eigen::Index B, const py::object& parameters, const py::object& y0,
                bool final, bool maximum, bool certify, const py::object& out, const py::object& progress,
                const Solve& solve) {
    const auto p = checked_array<double>(parameters, "parameters", 2), start = checked_array<double>(y0, "y0", 2);
    const bool flat = final || maximum;
    auto y = !out.is_none() ? (flat ? output_array(out, {B, n}) : output_array(out, {B, n, E}))
             : flat         ? py::array_t<double>({B, n})
                            : py::array_t<double>({B, n, E});
    py::array_t<bool> success(B), full(B);
    std::fill_n(full.mutable_data(), B, false);
    py::array_t<double> bound(certify ? std::vector<py::ssize_t>{B, n} : std::vector<py::ssize_t>{0});
    const Queries queries{B, {p.data(), p.shape(0), p.shape(1)}, {start.data(), start.shape(0), start.shape(1)}};
    const SweepResults results{y.mutable_data(), success.mutable_data(), bound.mutable_data(), full.mutable_data()};
    {
        const py::gil_scoped_release release;
        solve(queries, maximum ? Observe::maximum : Observe::values, results, [&](Eigen::Index done) {
            const py::gil_scoped_acquire acquire;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            if (!progress.is_none()) progress(done);
        });
    }
    const py::object bounds = certify ? py::object(std::move(bound)) : py::none();
    return py::make_tuple(std::move(y), std::move(success), bounds, std::move(full));
}

}  // namespace STLFAST_NAMESPACE
