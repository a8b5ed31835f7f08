// What a window's points did not see of functions of the states.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <utility>
#include <vector>

#include "stlfast/right_hand_side.hpp"
#include "stlfast/window_scheme.hpp"

namespace STLFAST_NAMESPACE {

constexpr double unseen = 10;  // the residual between samples, over that at them, that is still known

// Whether f bends between the points of a window, with values at (s + 1, n), in a way that the residual does not tell,
// as where a divisor gets small: parts of the window are halved where bounds of what functions bend at tell more than
// samples do, and what is found there is judged by the residual, of which `allowed` (n) is fine.
// evaluate(points (S, 1 + n) with x first, slopes (S, n)).
template <class Evaluate>
bool bends_unseen(const WindowScheme& scheme, RightHandSide& f, const Eigen::MatrixXd& at, double x0, double H,
                  const Eigen::VectorXd& allowed, Evaluate evaluate) {
    using Eigen::Index;
    using Eigen::MatrixXd;
    using Eigen::VectorXd;
    constexpr Index count = Bends::samples, most_parts = 200;
    constexpr double shortest_part = 1e-9;
    const Index n = at.cols();
    MatrixXd weights, derivatives, points(count, 1 + n), samples, slopes(count, n);
    VectorXd low, high, least, largest;
    std::vector<std::pair<double, double>> parts{{0.0, 1.0}};
    for (Index looked = 0; !parts.empty() && looked < most_parts; ++looked) {
        const auto [a, b] = parts.back();
        parts.pop_back();
        const VectorXd where = VectorXd::LinSpaced(count, a, b);
        if (looked > 0) scheme.points.interpolate(where, weights, &derivatives);
        const MatrixXd& here = looked > 0 ? weights : scheme.spread;
        points.col(0) = x0 + H * where.array();
        points.rightCols(n).noalias() = here * at;
        low = points.colwise().minCoeff().transpose(), high = points.colwise().maxCoeff().transpose();
        for (Index i = 1; i <= n; ++i) {  // what the polynomial may do between the samples
            const auto of = points.col(i);
            double more = 0;
            for (Index q = 1; q < count - 1; ++q)
                more = std::max(more, std::abs(of[q - 1] - 2 * of[q] + of[q + 1]) / 8);
            low[i] -= more, high[i] += more;
        }
        f.bends(points, samples);
        f.bends(low, high, least, largest);
        const bool told = f.equations().of_functions->told(samples, least, largest);
        if (looked > 0) {
            evaluate(points, slopes);
            slopes = (H * slopes - derivatives * at).cwiseAbs();
            for (Index i = 0; i < n; ++i)
                if (!(slopes.col(i).maxCoeff() <= allowed[i])) return true;
        }
        if (told || b - a < shortest_part) continue;
        parts.push_back({0.5 * (a + b), b}), parts.push_back({a, 0.5 * (a + b)});
    }
    return false;
}

}  // namespace STLFAST_NAMESPACE
