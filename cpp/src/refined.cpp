#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "stlfast/windows.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::VectorXd;

namespace {

constexpr int most_passes = 4;
constexpr double first_aim = 0.3;    // part of the tolerance that windows of the first pass are sized by
constexpr double sharper = 0.3;      // part of the tolerance that the next pass aims at
constexpr double least_order = 0.3;  // of the error in the windows' tolerance
constexpr double smallest_tolerance = 1e-13;
constexpr double smallest_part = 1e-12;  // of the floor, where windows are sized
constexpr double most_missed = 1e5;      // times the tolerance that the next pass reckons with
constexpr double negative = 3;           // times the absolute tolerance, what a positive state may be below 0

}  // namespace

bool gets_negative(const Windowed& solution, const WindowOptions& options, double relative) {
    return std::any_of(options.positive.begin(), options.positive.end(), [&](Index i) {
        return solution.values.col(i).minCoeff() < -negative * relative * options.floor[i];
    });
}

Refined refined(const Windows& windows, RightHandSide& f, const VectorXd& y0, double begin, double end,
                WindowOptions options, double relative) {
    const double infinity = std::numeric_limits<double>::infinity();
    options.tolerance = first_aim * relative, options.small = 1;
    Refined best;
    double best_missed = infinity, before = infinity, looser = 1;
    for (int pass = 1;; ++pass) {
        const bool sharpest = options.tolerance <= smallest_tolerance && options.small <= smallest_part;
        const bool last = sharpest || pass == most_passes;
        options.hopeless = last ? infinity : std::min(1.0, most_missed * relative);
        Windowed found = windows.solve(f, y0, begin, end, options);
        double missed = options.estimate ? found.relative_error / relative : 0;
        if (found.finished && gets_negative(found, options, relative)) missed = infinity;
        if (found.finished && missed <= 1) {
            const VectorXd most = found.values.colwise().maxCoeff().transpose().cwiseMax(0.0);
            found.through = windows.through_zero(found, f, relative * (most + options.floor));
            if (found.through >= 0) missed = infinity;
        }
        const double judged = found.finished && !std::isnan(missed) ? missed : infinity;
        const bool finished = found.finished, hopeless = found.hopeless;
        if (best.solution.hopeless || pass == 1 || judged < best_missed) {
            best_missed = judged;
            best = {std::move(found), missed};
        }
        if (missed <= 1 || last || (!finished && !hopeless)) return best;
        double order = 1;  // the error falls as the tolerance to this power
        if (judged < before && pass > 1)
            order = std::clamp(std::log(before / judged) / std::log(looser / options.tolerance), least_order, 1.0);
        before = judged, looser = options.tolerance;
        const double aim = std::pow(sharper / std::min(missed, most_missed), 1 / order);
        options.tolerance = std::max(options.tolerance * aim, smallest_tolerance);
        // Errors of states while they are small may be what grows later: after one more pass, all digits of them.
        options.small = pass > 1 ? smallest_part : options.tolerance / relative;
    }
}

}  // namespace STLFAST_NAMESPACE
