#include "truth.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <stlfast/windows.hpp>

#include "cvode.hpp"
#include "dopri5.hpp"

namespace bench {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double sharpest = 1e-12, floor_of_sharpest = 1e-9;  // below the largest value of every state here
constexpr double sharpest_of_others = 1e-13;                  // where rounding begins
constexpr long most_steps = 5'000'000;
constexpr double away = 1e-3;    // from jumps, over the time span
constexpr Index looked = 20001;  // uniform times at which jumps are looked for

VectorXd uniform_and_logarithmic(double first) {
    std::vector<double> x;
    for (int k = 0; k < 512; ++k) x.insert(x.end(), {k / 511.0, std::pow(first, k / 511.0)});
    std::sort(x.begin(), x.end());
    x.erase(std::unique(x.begin(), x.end()), x.end());
    return Eigen::Map<const VectorXd>(x.data(), Index(x.size()));
}

std::variant<stlfast::LoadedModel, stlfast::LoadedNonlinearModel> opened(const std::string& path) {
    if (stlfast::Safetensors(path).has("family.N.")) return stlfast::load_nonlinear(path);
    return stlfast::load(path);
}

}  // namespace

Shipped::Shipped(const std::string& folder, const std::string& name)
    : file(opened(folder + "/" + name + ".safetensors")) {}

const stlfast::LoadedFamily& Shipped::about() const {
    return std::visit([](const auto& loaded) -> const stlfast::LoadedFamily& { return loaded; }, file);
}

const stlfast::Family& Shipped::family() const {
    return std::visit([](const auto& loaded) -> const stlfast::Family& { return loaded.model->family(); }, file);
}

VectorXd Shipped::parameters(const Member& member) const {
    return Eigen::Map<const VectorXd>(member.p, family().n_parameters());
}

Truth::Truth(const Shipped& shipped, const Member& member, How how)
    : grid_(VectorXd::LinSpaced(512, 0, 1), shipped.about().t_span_at(shipped.parameters(member))),
      points_(uniform_and_logarithmic(how.first), {grid_.t[0], grid_.t[511]}) {
    const Index n = shipped.family().n, N = points_.x.size();
    const stlfast::Windows windows;
    const stlfast::Equations equations(shipped.family());
    stlfast::RightHandSide f(equations, shipped.parameters(member));
    stlfast::WindowOptions options;
    options.floor = VectorXd::Constant(n, floor_of_sharpest);
    const VectorXd& y0 = shipped.about().y0;
    const auto solution = stlfast::refined(windows, f, y0, 0, 1, options, sharpest).solution;
    if (!solution.finished) throw std::runtime_error("the direct solver does not reach the end");
    y_.resize(N, n);
    windows.evaluate(solution, points_.x, y_);
    scale_ = solution.values.cwiseAbs().colwise().maxCoeff().transpose();

    counted_.assign(std::size_t(N), true);
    if (how.jumps) {
        MatrixXd y(looked, n);
        windows.evaluate(solution, VectorXd::LinSpaced(looked, 0, 1), y);
        leave_out_jumps(y.col(0));
    }

    MatrixXd y(N, n);
    const double rtol = sharpest_of_others, atol = rtol * smallest(), *t = points_.t.data();
    Cvode cvode(static_cast<int>(n));
    if (cvode.solve(member, y0.data(), rtol, atol, t, N, y.data())) doubt_ = error(y);
    const long steps = dopri5(member, y0.data(), rtol, atol, t, N, most_steps, y.data());
    if (0 < steps && steps <= most_steps) doubt_ = std::min(doubt_, error(y));
}

void Truth::leave_out_jumps(const VectorXd& first) {
    for (Index k = 1; k < first.size(); ++k) {
        if (first[k - 1] * first[k] > 0) continue;
        const double jump = double(k) / double(first.size() - 1);
        for (Index i = 0; i < points_.x.size(); ++i)
            if (std::abs(points_.x[i] - jump) <= away) counted_[std::size_t(i)] = false;
    }
}

double Truth::error(const MatrixXd& y) const {
    double largest = 0;
    for (Index k = 0; k < y.rows(); ++k) {
        if (!counted_[std::size_t(k)]) continue;
        for (Index i = 0; i < y.cols(); ++i) {
            const double error = std::abs(y(k, i) - y_(k, i)) / scale_[i];
            if (!(error < INFINITY)) return INFINITY;
            largest = std::max(largest, error);
        }
    }
    return largest;
}

}  // namespace bench
