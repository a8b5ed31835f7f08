#include "stlfast/windows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stlfast/decompositions.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::Ref;
using Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

constexpr Index most_iterations = 10;
constexpr double diverged = 1e6;         // Newton step, relative to the size of the solution
constexpr double step_tolerance = 1e-3;  // of the next Newton step, over the window's tolerance
constexpr double shortest_window = 1e-14;
constexpr double after_divergence = 0.25;  // of a window's length
constexpr double longest_growth = 8;       // of a window, over the time of an e-fold growth
constexpr double growth_noise = 1e-9;      // rounding in an eigenvalue, over the matrix
constexpr double safety = 0.8;
constexpr double most_growth = 4, growth_after_rejection = 1.5, most_shrinking = 0.15;

// The largest rate of growth: real part of an eigenvalue of J (n, n), or 0 for none that rounding could not have made.
double growth_rate(const Eigen::Ref<const RowMajor>& J) {
    const Index n = J.rows();
    double rate;
    if (n == 1) {
        rate = J(0, 0);
    } else if (n == 2) {
        const double half = 0.5 * (J(0, 0) - J(1, 1)), square = half * half + J(0, 1) * J(1, 0);
        rate = 0.5 * (J(0, 0) + J(1, 1)) + std::sqrt(std::max(square, 0.0));
    } else {
        if (!J.allFinite()) return std::numeric_limits<double>::infinity();
        rate = eigenvalues(J).real().maxCoeff();
    }
    return std::max(rate - growth_noise * J.cwiseAbs().maxCoeff(), 0.0);
}

// The m Radau points on (0, 1]: 1, and the zeros of the Jacobi polynomial P^(1, 0) of degree m − 1, which are the
// eigenvalues of its recurrence.
VectorXd radau_points(Index m) {
    VectorXd diagonal(m - 1), side(std::max<Index>(m - 2, 0));
    for (Index k = 0; k < m - 1; ++k) diagonal[k] = -1.0 / double((2 * k + 1) * (2 * k + 3));
    for (Index k = 1; k < m - 1; ++k) side[k - 1] = std::sqrt(double(k * (k + 1))) / double(2 * k + 1);
    VectorXd c(m);
    c << 0.5 * (eigenvalues(diagonal, side).array() + 1), 1.0;
    return c;
}

}  // namespace

RadauPoints::RadauPoints(Index m) : c_(m + 1), weight_(m + 1) {
    c_ << 0.0, radau_points(m);
    for (Index j = 0; j <= m; ++j) {
        weight_[j] = 1;
        for (Index k = 0; k <= m; ++k)
            if (k != j) weight_[j] /= 4 * (c_[j] - c_[k]);  // 4: the capacity of [0, 1] is 1/4
    }
    MatrixXd all = MatrixXd::Zero(m + 1, m + 1);
    for (Index i = 0; i <= m; ++i)
        for (Index j = 0; j <= m; ++j)
            if (i != j) {
                all(i, j) = weight_[j] / weight_[i] / (c_[i] - c_[j]);
                all(i, i) -= all(i, j);
            }
    D_ = all.bottomRows(m);
}

void RadauPoints::interpolate(const VectorXd& s, MatrixXd& values, MatrixXd* derivatives) const {
    const Index M = c_.size();
    values.resize(s.size(), M);
    for (Index q = 0; q < s.size(); ++q) {
        Index at;
        const double nearest = (c_.array() - s[q]).abs().minCoeff(&at);
        if (nearest == 0) {
            values.row(q) = VectorXd::Unit(M, at);
        } else {
            values.row(q) = (weight_.array() / (s[q] - c_.array())).transpose();
            values.row(q) /= values.row(q).sum();
        }
    }
    if (!derivatives) return;
    // The derivative is a polynomial of lower degree: that through its values at the points and at 0.
    MatrixXd slopes(M, M);
    slopes.bottomRows(M - 1) = D_;
    for (Index j = 1; j < M; ++j) slopes(0, j) = weight_[j] / weight_[0] / (c_[0] - c_[j]);
    slopes(0, 0) = -slopes.row(0).tail(M - 1).sum();
    *derivatives = values * slopes;
}

struct Windows::Attempt {
    MatrixXd Y;  // (m + 1, n), the value at the beginning first
    MatrixXd f, J, system, values, slopes;
    VectorXd scale, x, right, entries;
    Eigen::PartialPivLU<MatrixXd> lu;
    Index iterations = 0;
    double step = 0, growth = 0;
    bool rejected = false;

    // D Y − H f linearised: (m n, m n), one point's states after the other's.
    void linearise(const MatrixXd& D, double H) {
        const Index m = D.rows(), n = f.cols();
        system.setZero(m * n, m * n);
        for (Index q = 0; q < m; ++q) {
            for (Index k = 0; k < m; ++k) system.block(q * n, k * n, n, n).diagonal().setConstant(D(q, k + 1));
            const VectorXd entries = J.row(q);
            system.block(q * n, q * n, n, n) -= H * Map<const RowMajor>(entries.data(), n, n);
        }
        decompose(lu, system);
    }
};

void Windows::tabulate() {
    const VectorXd& c = points_.c();
    const Index m = points_.size();
    checks_.resize(m + 1);
    checks_ << 0.25 * c[1], 0.5 * (c.head(m) + c.tail(m));
    points_.interpolate(checks_, at_checks_, &slope_at_checks_);
    points_.interpolate(finer_.c().tail(finer_.size()), at_finer_, &slope_at_finer_);
}

bool Windows::newton(RightHandSide& f, double x0, double H, const WindowOptions& options, Attempt& a) const {
    const Index m = points_.size(), n = f.n();
    const double enough = step_tolerance * options.tolerance;
    a.Y = a.Y.row(0).replicate(m + 1, 1).eval();
    a.x = x0 + H * points_.c().tail(m).array();
    double before = std::numeric_limits<double>::infinity();
    for (Index iteration = 1; iteration <= most_iterations; ++iteration) {
        ++a.iterations;
        f.evaluate(a.x, a.Y.bottomRows(m), a.f, a.J);
        a.linearise(points_.D(), H);
        a.right = RowMajor(H * a.f - points_.D() * a.Y).reshaped<Eigen::RowMajor>();
        solve_in_place(a.lu, a.right);
        const Map<const RowMajor> step(a.right.data(), m, n);
        if (!step.allFinite()) return false;
        a.Y.bottomRows(m) += step;
        a.scale = a.Y.cwiseAbs().colwise().maxCoeff().transpose() + options.floor;
        a.step = (step.cwiseAbs().colwise().maxCoeff().transpose().array() / a.scale.array()).maxCoeff();
        if (!(a.step <= diverged) || (iteration > 2 && a.step > 2 * before && a.step > 1)) return false;
        // The next step of a quadratic sequence is the cube of the last over the square of the one before.
        if (a.step < enough || (iteration > 1 && a.step < before && std::pow(a.step, 3) / (before * before) < enough))
            return true;
        before = a.step;
    }
    return false;
}

// What a window adds to the error, relative to the scale.
double Windows::residual(RightHandSide& f, double x0, double H, Attempt& a) const {
    const Index n = f.n();
    const double rate = double(points_.size());
    a.x = x0 + H * checks_.array();
    a.values = at_checks_ * a.Y, a.slopes = slope_at_checks_ * a.Y;
    f.evaluate(a.x, a.values, a.f, a.J);
    double worst = 0;
    a.growth = 0;
    for (Index q = 0; q < checks_.size(); ++q) {
        a.entries = a.J.row(q);
        const Map<const RowMajor> J(a.entries.data(), n, n);
        a.growth = std::max(a.growth, H * growth_rate(J));
        a.system = -H * J;
        a.system.diagonal().array() += rate;
        decompose(a.lu, a.system);
        a.right = (a.slopes.row(q) - H * a.f.row(q)).transpose();
        solve_in_place(a.lu, a.right);
        const double error = (a.right.array() / a.scale.array()).abs().maxCoeff();
        worst = std::isfinite(error) ? std::max(worst, error) : std::numeric_limits<double>::infinity();
    }
    return worst;
}

void Windows::carry_error(RightHandSide& f, double x0, double H, const WindowOptions& options, Attempt& a,
                          Carried& carried) const {
    const Index m = finer_.size(), n = f.n();
    a.x = x0 + H * finer_.c().tail(m).array();
    a.values = at_finer_ * a.Y, a.slopes = slope_at_finer_ * a.Y;
    f.evaluate(a.x, a.values, a.f, a.J);
    a.linearise(finer_.D(), H);
    a.right = RowMajor(H * a.f - a.slopes - finer_.D().col(0) * carried.error.transpose()).reshaped<Eigen::RowMajor>();
    solve_in_place(a.lu, a.right);
    const Map<const RowMajor> e(a.right.data(), m, n);
    const VectorXd error = e.cwiseAbs().colwise().maxCoeff().transpose();
    carried.error = e.row(m - 1).transpose();
    carried.largest_error = carried.largest_error.cwiseMax(error);
    carried.largest_state = carried.largest_state.cwiseMax(a.Y.cwiseAbs().colwise().maxCoeff().transpose());
    const double relative = (error.array() / (carried.largest_state + options.floor).array()).maxCoeff();
    carried.relative =
        std::isfinite(relative) ? std::max(carried.relative, relative) : std::numeric_limits<double>::infinity();
}

Windowed Windows::solve(RightHandSide& f, const VectorXd& y0, double begin, double end,
                        const WindowOptions& options) const {
    const Index n = f.n(), M = points_.size() + 1;
    const double span = end - begin;
    std::vector<double> edges{begin};
    std::vector<MatrixXd> windows;
    Windowed result;
    Carried carried{VectorXd::Zero(n), VectorXd::Zero(n), y0.cwiseAbs()};
    Attempt attempt;
    attempt.Y = y0.transpose();
    double x = begin, H = options.first;
    while (x < end && H >= shortest_window * span) {
        result.limited = Index(windows.size()) + result.rejected >= options.most_windows;
        if (result.limited) break;
        if (options.between) options.between();
        if (x + 1.01 * H > end) H = end - x;  // no crumb at the end
        double factor = after_divergence, missed = 0;
        bool accepted = false;
        if (newton(f, x, H, options, attempt)) {
            missed = residual(f, x, H, attempt) / options.tolerance;
            const double growth = attempt.growth / longest_growth;
            accepted = missed <= 1 && growth <= 1;
            const double wanted = safety * std::pow(std::max(missed, 1e-30), -1 / double(M));
            factor = accepted ? std::clamp(wanted, 0.3, attempt.rejected ? growth_after_rejection : most_growth)
                              : std::clamp(std::min(wanted, safety / growth), most_shrinking, safety);
            if (accepted) factor = std::min(factor, std::max(safety / growth, safety));
        }
        attempt.rejected = !accepted;
        if (accepted) {
            if (options.estimate) carry_error(f, x, H, options, attempt, carried);
            result.last_step = std::max(result.last_step, attempt.step);
            result.residual = std::max(result.residual, missed * options.tolerance);
            windows.push_back(attempt.Y);
            x = x + H >= end ? end : x + H;
            edges.push_back(x);
            attempt.Y.row(0) = windows.back().row(M - 1);
        } else {
            ++result.rejected;
        }
        H *= factor;
    }
    result.finished = x >= end;
    result.iterations = attempt.iterations;
    result.edges = Map<const VectorXd>(edges.data(), Index(edges.size()));
    result.values.resize(std::max<Index>(Index(windows.size()) * M, 1), n);
    result.values.row(0) = y0.transpose();  // all that is known without windows
    for (Index k = 0; k < Index(windows.size()); ++k)
        result.values.middleRows(k * M, M) = windows[static_cast<std::size_t>(k)];
    if (options.estimate && !windows.empty())
        result.error = carried.largest_error, result.relative_error = carried.relative;
    return result;
}

void Windows::evaluate(const Windowed& solution, const Ref<const VectorXd>& x, Ref<MatrixXd> y) const {
    const Index M = points_.size() + 1, K = solution.edges.size() - 1;
    const double* const begin = solution.edges.data();
    MatrixXd values, product;
    VectorXd s;
    Index next;
    for (Index q = 0; q < x.size(); q = next) {
        next = q + 1;
        if (K < 0 || !(begin[0] <= x[q] && x[q] <= begin[K])) {
            y.row(q).setConstant(std::numeric_limits<double>::quiet_NaN());
            continue;
        }
        if (K == 0) {  // x is where the solution starts
            y.row(q) = solution.values.row(0);
            continue;
        }
        const Index k = std::min<Index>(std::upper_bound(begin, begin + K + 1, x[q]) - begin - 1, K - 1);
        while (next < x.size() && begin[k] <= x[next] && x[next] < begin[k + 1]) ++next;  // in the same window
        s = (x.segment(q, next - q).array() - begin[k]) / (begin[k + 1] - begin[k]);
        points_.interpolate(s, values);
        // Not straight into y: how a small product is rounded depends on where the memory it goes to begins.
        product.noalias() = values * solution.values.middleRows(k * M, M);
        y.middleRows(q, next - q) = product;
    }
}

}  // namespace STLFAST_NAMESPACE
