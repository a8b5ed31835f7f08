#include "stlfast/window_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double stops_within = 1e-12;  // how far from the span's ends rounding has them
constexpr double first_window = 1e-2, smallest_relative = 1e-12, smallest_floor = 1e-30;

}  // namespace

VectorXd values_at(const Program& program, const VectorXd& parameters) {
    MatrixXd values(1, program.n_outputs());
    Program::Workspace workspace;
    program.evaluate(MatrixXd::Zero(1, 1), parameters, values, workspace);
    return values.row(0).transpose();
}

bool set_stops(const Program& program, const VectorXd& parameters, Index n, WindowOptions& options) {
    const VectorXd values = values_at(program, parameters);
    const Index K = values.size() / (1 + n);
    const auto of = values.reshaped(1 + n, K);
    if (!values.allFinite() || (of.row(0).array() < -stops_within).any() ||
        (of.row(0).array() > 1 + stops_within).any())
        return false;
    std::vector<Index> order(static_cast<std::size_t>(K));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return of(0, a) < of(0, b); });
    options.stops.resize(K), options.jumps.resize(n, K);
    for (Index k = 0; k < K; ++k) {
        const auto from = of.col(order[static_cast<std::size_t>(k)]);
        options.stops[k] = std::clamp(from[0], 0.0, 1.0), options.jumps.col(k) = from.tail(n);
    }
    return true;
}

WindowModel::WindowModel(const Family& family, Rest rest, Chains chains)
    : parameters_(family.n_parameters()), equations_(family), rest_(std::move(rest)), chains_(std::move(chains)) {
    const auto need = [](bool fits, const char* what) {
        if (!fits) throw std::invalid_argument(std::string("WindowModel: ") + what);
    };
    family.validate();
    const Index n = family.n;
    need(rest_.y0.size() == n && rest_.y0.allFinite(), "y0 must have a finite entry for each state");
    for (const auto* program : {&rest_.start, &rest_.stops})
        need(!*program || ((*program)->n_inputs() == 1 + parameters_ && (*program)->varying() == 1),
             "start and stops must be programs of the parameters");
    need(!rest_.start || rest_.start->n_outputs() == n, "start must have an output for each state");
    need(!rest_.stops || rest_.stops->n_outputs() % (1 + n) == 0, "stops must have 1 + n outputs each");
    for (const Index i : rest_.positive) need(i >= 0 && i < n, "positive states must be some of the states");
}

VectorXd WindowModel::start(const VectorXd& parameters) const {
    return rest_.start ? values_at(*rest_.start, parameters) : rest_.y0;
}

Refined WindowModel::solve(const VectorXd& parameters, const VectorXd& y0, const Tolerance& tolerance,
                           bool estimate) const {
    const Index n = equations_.n;
    if (parameters.size() != parameters_ || y0.size() != n || !parameters.allFinite() || !y0.allFinite())
        throw std::invalid_argument("WindowModel: there must be a finite number for each parameter and each state");
    const double relative = std::max(tolerance.relative, smallest_relative);
    if (!(tolerance.relative >= 0 && tolerance.relative < 1 && tolerance.absolute >= 0 &&
          std::isfinite(tolerance.absolute)))
        throw std::invalid_argument("WindowModel: the tolerances must be finite and at least 0");
    WindowOptions options;
    options.first = first_window, options.estimate = estimate, options.positive = rest_.positive;
    options.floor = VectorXd::Constant(n, std::max(tolerance.absolute / relative, smallest_floor));
    if (rest_.stops && !set_stops(*rest_.stops, parameters, n, options))
        throw std::invalid_argument("WindowModel: a break or dose is outside the time span");
    RightHandSide f(equations_, parameters);
    return of_span(&chains_, windows_, f, parameters, y0, relative, options);
}

}  // namespace STLFAST_NAMESPACE
