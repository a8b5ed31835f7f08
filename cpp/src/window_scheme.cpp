#include "stlfast/window_scheme.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stlfast/bends.hpp"
#include "stlfast/decompositions.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double longest_growth = 0.8;  // of a window, over the least Re λ and the time of an e-fold growth
constexpr double growth_noise = 1e-9;   // rounding in an eigenvalue, over the matrix

}  // namespace

double growth_rate(const MatrixXd& J) {
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

WindowScheme::WindowScheme() : points(s), split(points), D(points.D()) {
    const VectorXd& nodes = points.c();
    VectorXd places(s + 1);
    places << 0.0, 0.5 * (nodes.head(s) + nodes.tail(s));
    for (Index q = 0; q < stored_points; ++q) c[q] = nodes[std::min(q, s - 1) + 1], checks[q] = places[std::min(q, s)];
    MatrixXd values, slopes;
    points.interpolate(places, values, &slopes);
    at_check = values, slope_at_check = slopes;
    at_checks = Combination(values), slope_at_checks = Combination(slopes);
    // ∫_0^{c_k} of the polynomial with value 1 at one check, 0 at the others and at the points
    const RadauPoints finer(s + 2);
    const VectorXd weights = inverse(MatrixXd(finer.D().rightCols(s + 2))).matrix.row(s + 1).transpose();
    const auto node = [&](double x) { return (x - nodes.tail(s).array()).prod(); };
    MatrixXd integral = MatrixXd::Zero(s, s + 1);
    for (Index k = 0; k < s; ++k)
        for (Index d = 0; d <= s; ++d)
            for (Index q = 0; q < weights.size(); ++q) {
                const double x = nodes[k + 1] * finer.c()[q + 1];
                double value = node(x) / node(places[d]);
                for (Index e = 0; e <= s; ++e)
                    if (e != d) value *= (x - places[e]) / (places[d] - places[e]);
                integral(k, d) += nodes[k + 1] * weights[q] * value;
            }
    source_of = points.D().rightCols(s) * integral;
    source = Combination(source_of);
    most_growth = longest_growth * points.eigenvalues().real().minCoeff();
    looked = VectorXd::LinSpaced(2 * stored_points, 1.0 / (2 * stored_points), 1);
    points.interpolate(looked, looks);
    points.interpolate(VectorXd::LinSpaced(Bends::samples, 0, 1), spread);
    MatrixXd chebyshev(s + 1, s + 1);
    for (Index q = 0; q <= s; ++q)
        for (Index k = 0; k <= s; ++k) chebyshev(q, k) = std::cos(double(k) * std::acos(2 * nodes[q] - 1));
    series = Combination(inverse(chebyshev).matrix);
}

AtPoints WindowScheme::coefficients(const double* values) const {
    const AtPoints change = Map<const AtPoints>(values) - values[0];
    AtPoints result = series(change[0], &change[1]);
    result[0] += values[0];
    return result;
}

}  // namespace STLFAST_NAMESPACE
