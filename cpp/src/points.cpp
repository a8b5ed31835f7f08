#include "stlfast/points.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::VectorXd;

namespace {

constexpr Index most_uniform_checks = 1 << 20;  // far beyond any model; keeps a broken file from asking for all memory

// The inverse of s = log(1 + x/τ)/log(1 + 1/τ).
VectorXd from_log_time(const ArrayXd& s, double tau) {
    const double scale = std::log1p(1 / tau);
    if (!(tau > 0) || !std::isfinite(tau) || !std::isfinite(scale))
        throw std::invalid_argument("tau is " + std::to_string(tau) + ", expected a positive finite number");
    return s.unaryExpr([&](double v) { return tau * std::expm1(v * scale); }).min(1.0);
}

}  // namespace

Points log_time_points(Index N, double tau) {
    if (N < 2) throw std::invalid_argument("points must be at least 2, got " + std::to_string(N));
    const ArrayXd angle = (ArrayXd::LinSpaced(N, 0, double(N - 1)) + 0.5) * (M_PI / double(N));
    return weighted_points(from_log_time(0.5 - 0.5 * angle.cos(), tau), true);
}

Points weighted_points(VectorXd x, bool quadrature) {
    const Index N = x.size();
    if (N < 2) throw std::invalid_argument("points must be at least 2, got " + std::to_string(N));
    if (!x.allFinite() || x[0] < 0 || x[N - 1] > 1 || (x.tail(N - 1).array() <= x.head(N - 1).array()).any())
        throw std::invalid_argument("points must increase strictly and lie within t_span");
    VectorXd weight = VectorXd::Constant(N, std::sqrt(1.0 / double(N)));
    if (quadrature) {
        VectorXd edge(N + 1);  // of the piece each point stands for
        edge << 0, 0.5 * (x.head(N - 1) + x.tail(N - 1)), 1;
        weight = (edge.tail(N) - edge.head(N)).cwiseSqrt();
    }
    return {std::move(x), std::move(weight)};
}

VectorXd check_points(Index N, double tau, Index uniform) {
    if (uniform < 0 || uniform > most_uniform_checks)
        throw std::invalid_argument("uniform_checks is " + std::to_string(uniform) + ", expected 0 … " +
                                    std::to_string(most_uniform_checks));
    VectorXd x(N + std::max<Index>(uniform - 1, 0));
    x.head(N) = from_log_time(ArrayXd::LinSpaced(N, 0, 1), tau);
    x[0] = 0, x[N - 1] = 1;
    for (Index k = 1; k < uniform; ++k) x[N + k - 1] = double(k) / double(uniform);
    std::sort(x.data(), x.data() + x.size());
    return x.head(std::unique(x.data(), x.data() + x.size()) - x.data());
}

}  // namespace STLFAST_NAMESPACE
