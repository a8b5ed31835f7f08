#include "stlfast/windows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stlfast/chebyshev.hpp"
#include "stlfast/decompositions.hpp"
#include "stlfast/stage_systems.hpp"
#include "stlfast/time_structure.hpp"
#include "stlfast/unseen.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::Ref;
using Eigen::VectorXd;

namespace {

constexpr Index most_iterations = 10;
constexpr double step_tolerance = 1e-2;  // of what further Newton steps would change, over the window's tolerance
constexpr double slow = 0.01;            // contraction of Newton steps from which the Jacobian is evaluated anew
constexpr double much_the_same = 0.5;    // change of the Jacobian from a window's beginning to its middle
// Of the time since the span's beginning, and of the span: layers at its beginning may be shorter than its rounding.
constexpr double shortest_window = 1e-14, shortest_of_all = 1e-26;
constexpr double for_derivatives = 10;     // how much farther from 0/0 than the limit of f that of J is seen
constexpr double after_divergence = 0.25;  // of a window's length
constexpr double diverged = 1e100;         // Newton step, relative to the size of the solution
constexpr int most_corrections = 10;       // of the estimate, for the change of the Jacobian within a window
constexpr double enough_correction = 0.01, slowest_correction = 0.7, least_correction = 2e-15;
// A window is made shorter to tell its error while it is longer than that part of the span, and the estimate smaller
// than so many times the tolerance: beyond, all is solved again anyway.
constexpr double shortest_told = 1e-9, still_small = 10;
constexpr double first_part = 2, shortest_first = 1e-23;
// Of [0, 1], where f depends on x otherwise than through y: what is short there may come at any time, also to rest.
constexpr double longest_window = 1.0 / 16;
constexpr double farthest_guess = 8;  // over the last window, whose polynomial tells nothing of what is farther
constexpr double safety = 0.8;
constexpr Index most_values = 16000000;  // of all windows, 128 MB; of many states, as many windows as are asked for
constexpr double most_growth = 6, growth_after_rejection = 1.5, most_shrinking = 0.15;
constexpr double worth_factoring = 1.2;      // growth of a window below which it keeps its length
constexpr double shortest_interval = 1e-13;  // between stops, over the span; closer ones are one
constexpr Index most_aims = 5;               // at one switch
constexpr double aimed = 1e-3;               // of the tolerance, how well a switch is met, over the window
// Change of a state over which a slide goes through its step: of the tolerance, and of the state for its rounding.
constexpr double slide_width = 1e-3, slide_noise = 1e-11;
constexpr Index most_passes_at_once = 20;  // of switches of the states, without a window in between
// How functions that are no programs are sampled: points of a window's polynomial, samples over the span, of a window.
constexpr Index few_samples = 12, samples_of_all = 16384, least_samples = 24, most_samples = 4096;

}  // namespace

Windows::Windows() : scheme_(std::make_shared<const WindowScheme>()) {}

// The state of one integration.
struct Windows::Run {
    const WindowScheme& scheme;
    RightHandSide& f;
    const WindowOptions& options;
    const Index n;
    const AtPoints none = AtPoints::Zero();

    Run(const WindowScheme& scheme, RightHandSide& f, const WindowOptions& options, const VectorXd& y0)
        : scheme(scheme), f(f), options(options), n(f.n()), y(y0), largest_state(y0.cwiseAbs()), start(y0) {
        for (Stages* each : {&Y, &F, &right, &local, &source, &values}) each->setZero(stored_points, n);
        previous.resize(s + 1, n);
        J.setZero(n, n);
        floor = options.small * options.floor, scale = largest_state + floor, error.setZero(n),
        largest_error.setZero(n);
        limit = scheme.most_growth;
    }

    VectorXd y;  // at the window's beginning
    Stages Y, F, right, local, source, values;
    MatrixXd previous, J;   // the last window's values (s + 1, n)
    double before = 0;      // length of that window; 0 for none
    VectorXd floor, scale;  // (n) the second the states' sizes and the first
    AtPoints x;
    StageSystems systems;
    bool current = false;   // whether J is of this window
    bool ahead = true;      // whether it may be of its middle
    bool singular = false;  // whether f is not finite where the solution starts, and limits are taken
    double near = 0;        // where that of J is seen, over the state or 1
    double factored = 0;    // H of the systems, 0 for none
    double growth = -1;     // rate of J, −1 where not known
    double contraction = 1, step = 0, limit = 0;
    Index iterations = 0;
    VectorXd error, largest_error, largest_state;  // (n), the first at the window's beginning
    const VectorXd start;
    double relative = 0;

    void set_guess(double H) {
        if (before == 0 || H > farthest_guess * before) {
            Y.rowwise() = y.transpose().array();
            return;
        }
        const AtPoints z = 1 + 2 * H / before * scheme.c;  // [−1, 1] was the last window
        for (Index i = 0; i < n; ++i) Y.col(i) = chebyshev::sum_series(scheme.coefficients(previous.col(i).data()), z);
    }

    void measure() {
        for (Index i = 0; i < n; ++i) scale[i] = std::max(Y.col(i).abs().maxCoeff(), std::abs(y[i])) + floor[i];
    }

    // The largest entry over the scale; nan where one is.
    double size(const Stages& R) const {
        double result = 0;
        for (Index i = 0; i < n; ++i) {
            const double each = R.col(i).abs().maxCoeff<Eigen::PropagateNaN>() / scale[i];
            if (std::isnan(each)) return each;
            result = std::max(result, each);
        }
        return result;
    }

    void factor(double H) {
        const Equations& e = f.equations();
        systems.factor(scheme.split, J, H, sliding ? n - 1 : e.lower, sliding ? n - 1 : e.upper);
        factored = H;
    }

    // J of the window's middle by the guess, where that is much the same: a guess may be anywhere, and with a J that is
    // too large what is left of the equations seems little.
    void look_ahead(double x0, double H) {
        const Index middle = (s - 1) / 2;
        const MatrixXd begin = J;
        jacobian(x0 + H * scheme.c[middle], Y.row(middle).matrix().transpose());
        const auto size = [&](const MatrixXd& of) {
            return ((of * scale.asDiagonal()).array().colwise() / scale.array()).abs().rowwise().sum().maxCoeff();
        };
        if (!(size(J - begin) <= much_the_same * size(begin))) J = begin;
    }

    // J, where it is not to be kept, and the systems for H; false where growth within H asks for a shorter window.
    bool prepare(double x0, double H) {
        if (!current && (factored == 0 || contraction > slow)) {
            measure_start();  // the last attempt may have left anything
            jacobian(x0, y);
            if (ahead && before > 0 && !sliding) look_ahead(x0, H);
            current = true, factored = 0, growth = -1;
        }
        if (factored != H) {
            if (n <= 2) growth = growth_rate(J);
            if (growth >= 0 && H * growth > limit) return false;
            factor(H);
            if (growth < 0 && H * most_growth_rate() > limit && systems.may_grow(limit, scale)) {
                growth = growth_rate(J);
                if (H * growth > limit) return false;
            }
        }
        return true;
    }

    // Bound on the rate of growth by the logarithmic norm of J, in which sizes are over the scale.
    double most_growth_rate() const {
        const ArrayXd sizes = (J.cwiseAbs() * scale).array() / scale.array() - J.diagonal().array().abs();
        return (sizes + J.diagonal().array()).maxCoeff();
    }

    // ∂f/∂y; by differences where the solution slides along a switch, whose steps have no derivative.
    void jacobian(double x0, const VectorXd& at) {
        if (!sliding) {
            f.jacobian(x0, at, J);
            if (singular && !J.allFinite()) f.jacobian(x0, at.array() + near * at.array().abs().max(1.0), J);
            return;
        }
        MatrixXd moved = at.transpose().replicate(n + 1, 1), values(n + 1, n);
        for (Index j = 0; j < n; ++j) moved(j + 1, j) += 1e-7 * scale[j];
        f.evaluate(VectorXd::Constant(n + 1, x0), moved, values, n + 1);
        for (Index j = 0; j < n; ++j)
            J.col(j) = (values.row(j + 1) - values.row(0)).transpose() / (moved(j + 1, j) - at[j]);
    }

    void evaluate(double x0, double H, const AtPoints& where, const Stages& at, Index distinct) {
        x = x0 + H * where;
        if (options.inside > 0) x = x.max(interval_begin + options.inside).min(interval_end - options.inside);
        f.evaluate(x.matrix(), at.matrix(), F.matrix(), distinct);
        if (singular) mend(x.matrix(), at.matrix(), F.matrix());
    }

    void mend(const VectorXd& where, const MatrixXd& at, Ref<MatrixXd> slopes) {
        VectorXd limit;
        for (Index q = 0; q < slopes.rows(); ++q) {
            if (slopes.row(q).allFinite()) continue;
            if (const double distance = f.limit(where[q], at.row(q).transpose(), limit); distance > 0)
                slopes.row(q) = limit.transpose(), near = for_derivatives * distance;
        }
    }

    bool newton(double x0, double H) {
        const double enough = step_tolerance * options.tolerance;
        double last = std::numeric_limits<double>::infinity();
        contraction = std::pow(std::max(contraction, 1e-16), 0.8);
        for (Index iteration = 1; iteration <= most_iterations; ++iteration) {
            ++iterations;
            evaluate(x0, H, scheme.c, Y, s);
            for (Index i = 0; i < n; ++i) right.col(i) = H * F.col(i) - scheme.D(y[i], &Y(0, i));
            systems.solve(right);
            Y += right;
            measure();
            step = size(right);
            if (!(step <= diverged)) return false;
            if (iteration > 1) {
                const double theta = contraction = step / last;
                if (theta >= 0.99) return step < 1e-3 * enough;
                double left = theta / (1 - theta) * step;
                if (left <= enough) return true;
                for (Index k = iteration; k < most_iterations; ++k) left *= theta;
                if (left > enough) return false;
            } else if (std::min(contraction, 0.3) * step <= enough) {
                return true;
            }
            last = step;
        }
        return false;
    }

    // What the window adds to the error, relative to the scale.
    double residual(double x0, double H) {
        for (Index i = 0; i < n; ++i) values.col(i) = scheme.at_checks(y[i], &Y(0, i));
        evaluate(x0, H, scheme.checks, values, s + 1);
        for (Index i = 0; i < n; ++i) {
            right.col(i) = H * F.col(i) - scheme.slope_at_checks(y[i], &Y(0, i));
            source.col(i) = scheme.source(right(0, i), &right(1, i));
        }
        local = source;
        systems.solve(local);
        const double found = between_points * size(local);
        return std::isfinite(found) ? found : std::numeric_limits<double>::infinity();
    }

    // The error at the points from that at the beginning and the residuals; whether the last correction was small.
    bool propagate(double x0, double H) {
        for (Index i = 0; i < n; ++i) right.col(i) = source.col(i) - scheme.D(error[i], none.data());
        local = right;
        systems.solve(local);
        double last = std::numeric_limits<double>::infinity();
        for (int correction = 0; correction < most_corrections; ++correction) {
            values = Y + local;
            evaluate(x0, H, scheme.c, values, s);
            for (Index i = 0; i < n; ++i)
                right.col(i) = H * F.col(i) - scheme.D(y[i] + error[i], &values(0, i)) + source.col(i);
            systems.solve(right);
            const double change = size(right);
            local += right;
            const double enough = enough_correction * std::min(size(local), 0.1 * options.tolerance);
            if (change <= std::max(enough, least_correction)) return true;
            if (!(change < slowest_correction * last)) return false;
            last = change;
        }
        return false;
    }

    // Whether the error at the window's end could be told from that at its beginning.
    bool carry_error(double x0, double H) {
        bool told = propagate(x0, H);
        for (const Index point : {(s - 1) / 2, s - 1}) {  // with J there, which serves the next window as well
            if (told) break;
            jacobian(x0 + H * scheme.c[point], Y.row(point).matrix().transpose());
            factor(H);
            growth = -1, contraction = 1;
            told = propagate(x0, H);
        }
        if (!told && !sliding && relative < still_small * options.tolerance && H > shortest_told) return false;
        const double infinity = std::numeric_limits<double>::infinity();
        for (Index i = 0; i < n; ++i) {
            error[i] = local(s - 1, i);
            const double found = between_points * local.col(i).abs().maxCoeff<Eigen::PropagateNaN>();
            const double largest = std::isnan(found) ? infinity : found;
            largest_error[i] = std::max(largest_error[i], largest);
            largest_state[i] = std::max(largest_state[i], scale[i] - floor[i]);
            relative = std::max(relative, largest / (largest_state[i] + options.floor[i]));
        }
        return true;
    }

    // Whether no state that should not gets negative by more than its floor's part.
    bool positive(double part) const {
        return std::all_of(options.positive.begin(), options.positive.end(), [&](Index i) {
            return Y.col(i).minCoeff() >= std::min(y[i], 0.0) - part * options.floor[i];
        });
    }

    // Length of the first window: where the bend of a line from the start leaves it by a small part.
    double first_length(double x0, double longest) {
        measure_start();
        Y.rowwise() = y.transpose().array();
        singular = false;
        evaluate(x0, 0, scheme.c, Y, 1);
        if (!f.sampled() && !F.row(0).allFinite()) {
            singular = true;
            mend(x.matrix(), Y.matrix(), F.matrix());
        }
        jacobian(x0, y);
        current = true, factored = 0, growth = -1, before = 0, contraction = 1;
        const VectorXd bend = J * F.row(0).transpose().matrix();
        const double second = (bend.array() / scale.array()).abs().maxCoeff();
        const double part = std::pow(options.tolerance, 1 / double(s + 1));
        return second > 0 ? std::max(std::min(longest, first_part * part / std::sqrt(second)), shortest_first * longest)
                          : longest;
    }

    void measure_start() {
        for (Index i = 0; i < n; ++i) scale[i] = std::max(std::abs(y[i]), largest_state[i]) + floor[i];
    }

    // ------------------------------------------------------------------------------------------ what breaks
    double interval_begin = 0, interval_end = 1;  // between stops
    Cells cells;
    VectorXd modes, slopes, offsets;  // of all switches; the switch is taken for 0 at its offset
    bool sliding = false;

    const std::vector<Index>& of_states() const { return f.equations().of_states; }

    void hold() {
        if (sliding) J.setZero();  // where other entries than those of the programs differ from 0
        sliding = (slopes.array() != 0).any();
        f.hold(modes, slopes);
    }

    VectorXd switches_at(double x0, const VectorXd& at) {
        MatrixXd values;
        f.switches(VectorXd::Constant(1, x0), at.transpose(), values);
        return values.row(0).transpose();
    }

    VectorXd slope_at(double x0, const VectorXd& at) {
        MatrixXd value(1, n);
        f.evaluate(VectorXd::Constant(1, x0), at.transpose(), value, 1);
        return value.row(0).transpose();
    }

    // How fast switch k changes along the solution through `at`.
    double rate_of(Index k, double x0, const VectorXd& at) {
        const VectorXd slope = slope_at(x0, at);
        const double fastest = (slope.array() / scale.array()).abs().maxCoeff();
        const double step = 1e-5 / std::max(fastest, 1.0);
        const VectorXd moved = step * slope;
        return (switches_at(x0 + step, at + moved)[k] - switches_at(x0 - step, at - moved)[k]) / (2 * step);
    }

    // The same with its steps held at a mode.
    double rate_of(Index k, double x0, const VectorXd& at, double mode) {
        modes[k] = mode, slopes[k] = 0;
        hold();
        return rate_of(k, x0, at);
    }

    // The part of a step with which the solution through `at` slides along switch k, beyond [0, 1] where it leaves.
    double sliding_part(Index k, double x0, const VectorXd& at) {
        const double mode = modes[k], slope = slopes[k];
        const MatrixXd kept = J;
        const double above = rate_of(k, x0, at, 1), below = rate_of(k, x0, at, 0);
        modes[k] = mode, slopes[k] = slope;
        hold();
        J = kept;
        return below / (below - above);
    }

    // From one stop to the next: a jump, steps of time as they are in between, those of states as they are at y.
    void enter(double begin, double end, const VectorXd& jump, bool first) {
        interval_begin = begin, interval_end = end;
        y += jump;
        const Equations& e = f.equations();
        if (e.switches) {
            if (first) modes.setOnes(e.switches->n_outputs()), slopes.setZero(modes.size()), offsets = slopes;
            f.steps_of_time(0.5 * (begin + end), modes);
            hold();
            if (first || !jump.isZero(0)) settle(begin);
        }
        if (!e.in_time.empty()) cells = f.cells(begin, end);
    }

    // Steps of states as they are at y, where no window leads there.
    void settle(double x0) {
        measure_start();
        const VectorXd g = switches_at(x0, y);
        for (const Index k : of_states()) modes[k] = g[k] >= 0 ? 1 : 0, slopes[k] = 0, offsets[k] = 0;
        hold();
        for (const Index k : of_states())
            if (g[k] == 0) choose(k, x0);
    }

    // The mode of switch k, which is 0 at y: the one that the solution moves into, or in between where it is driven
    // back from both; keeps what it is where it does not move at all.
    void choose(Index k, double x0) {
        const double kept = modes[k], above = rate_of(k, x0, y, 1), below = rate_of(k, x0, y, 0);
        if (above > 0 && below >= 0)
            modes[k] = 1;
        else if (below < 0 && above <= 0)
            modes[k] = 0;
        else if (above < 0 && below > 0) {
            double change = 0;  // of the switch, where y moves by a small part of the tolerance
            const VectorXd g = switches_at(x0, y);
            for (Index i = 0; i < n; ++i) {
                VectorXd moved = y;
                moved[i] += std::max(slide_width * options.tolerance, slide_noise) * scale[i];
                change = std::max(change, std::abs(switches_at(x0, moved)[k] - g[k]));
            }
            slopes[k] = 1 / std::max(change, 1e-300);
            modes[k] = below / (below - above) - slopes[k] * g[k];
        } else {
            modes[k] = kept;
        }
        hold();
    }

    // Where on the window a switch of the states first is on the other side, as a part of it, and which; 2 for nowhere.
    double crossing(double x0, double H, Index& which) {
        const Index S = scheme.looked.size();
        MatrixXd at(s + 1, n), states, values;
        VectorXd where;
        at.row(0) = y.transpose();
        at.bottomRows(s) = Y.topRows(s).matrix();
        const auto look = [&](const VectorXd& c, const MatrixXd& weights) {
            states.noalias() = weights * at;
            where = x0 + H * c.array();
            f.switches(where, states, values);
        };
        const auto beyond = [&](Index q, Index k) {  // how far, above 0 on the other side
            const double g = values(q, k);
            if (slopes[k] != 0) return std::abs(sliding_part(k, where[q], states.row(q).transpose()) - 0.5) - 0.5;
            return modes[k] == 1 ? offsets[k] - g : g - offsets[k];
        };
        look(scheme.looked, scheme.looks);
        double first = 2;
        for (const Index k : of_states()) {
            Index q = 0;
            while (q < S && !(beyond(q, k) > 0)) ++q;
            if (q == S || scheme.looked[q] - (q > 0 ? scheme.looked[q] - scheme.looked[q - 1] : 0) > first) continue;
            double low = q > 0 ? scheme.looked[q - 1] : 0, high = scheme.looked[q];
            MatrixXd weights;
            VectorXd c(1);
            while (high - low > 1e-15 * high + 1e-17) {
                c[0] = 0.5 * (low + high);
                if (!(c[0] > low && c[0] < high)) break;
                scheme.points.interpolate(c, weights);
                look(c, weights);
                (beyond(0, k) > 0 ? high : low) = c[0];
            }
            look(scheme.looked, scheme.looks);
            if (high < first) first = high, which = k;
        }
        return first;
    }

    // Past switch k at x0: its mode, and what that does to the error.
    void pass(Index k, double x0) {
        measure_start();
        const VectorXd g = switches_at(x0, y), slope = slope_at(x0, y);
        const double rate = rate_of(k, x0, y);
        if (slopes[k] != 0) {  // the end of a slide
            modes[k] = sliding_part(k, x0, y) > 0.5 ? 1 : 0, slopes[k] = 0, offsets[k] = g[k];
            hold();
            return;
        }
        offsets[k] = g[k];
        modes[k] = 1 - modes[k];
        choose(k, x0);
        if (!options.estimate) return;
        const double ahead = switches_at(x0, y + error)[k] - g[k];
        const VectorXd change = slope_at(x0, y) - slope;
        if (ahead != 0 && !change.isZero(0)) error += change * (ahead / rate);
        for (Index i = 0; i < n; ++i) {
            const double found = std::isfinite(error[i]) ? std::abs(error[i]) : std::numeric_limits<double>::infinity();
            largest_error[i] = std::max(largest_error[i], found);
            relative = std::max(relative, found / (largest_state[i] + options.floor[i]));
        }
    }

    // ------------------------------------------------------------------------- what the points did not see
    // Whether f bends between the points in a way that the residual does not tell.
    bool bends(double x0, double H) {
        MatrixXd at(s + 1, n);
        at.row(0) = y.transpose();
        at.bottomRows(s) = Y.topRows(s).matrix();
        const VectorXd allowed =
            unseen * right.abs().colwise().maxCoeff().transpose().matrix() + options.tolerance * scale;
        return bends_unseen(scheme, f, at, x0, H, allowed, [&](const MatrixXd& points, MatrixXd& slopes) {
            f.evaluate(points.col(0), points.rightCols(n), slopes, slopes.rows());
            if (singular) mend(points.col(0), points.rightCols(n), slopes);
        });
    }

    // How much of the window is free of what the points did not see of f at the state of its beginning; 1 for all.
    double seen(double x0, double H) {
        const Index dense = std::clamp(Index(double(samples_of_all) * H), least_samples, most_samples);
        VectorXd c(few_samples + dense);
        for (Index q = 0; q < few_samples; ++q)
            c[q] = 0.5 - 0.5 * std::cos(3.14159265358979323846 * double(q) / double(few_samples - 1));
        for (Index q = 0; q < dense; ++q) c[few_samples + q] = (double(q) + 0.5) / double(dense);
        VectorXd at = x0 + H * c.array();
        at = at.cwiseMax(interval_begin + options.inside).cwiseMin(interval_end - options.inside);
        MatrixXd values(c.size(), n);
        f.evaluate(at, y.transpose().replicate(c.size(), 1), values, c.size());
        for (Index q = few_samples; q < c.size(); ++q) {
            double total = 0;
            VectorXd expected = VectorXd::Zero(n);
            for (Index a = 0; a < few_samples; ++a) {  // barycentric
                const double end = a == 0 || a == few_samples - 1 ? 0.5 : 1, sign = a % 2 ? -1 : 1;
                const double weight = sign * end / (c[q] - c[a]);
                total += weight;
                expected += weight * values.row(a).transpose();
            }
            for (Index i = 0; i < n; ++i) {
                const double off = H * std::abs(values(q, i) - expected[i] / total);
                const double known = unseen * right.col(i).abs().maxCoeff() + options.tolerance * scale[i];
                if (off > known) return std::max((c[q] * double(dense) - 1.5) / double(dense), 0.0);
            }
        }
        return 1;
    }
};

std::vector<Segment> segments_of(RightHandSide& f, double begin, double end, const WindowOptions& options) {
    struct Stop {
        double x;
        Index jump;  // −1 for none
    };
    std::vector<Stop> stops;
    for (Index k = 0; k < options.stops.size(); ++k)
        stops.push_back({std::clamp(options.stops[k], begin, end), options.jumps.size() > 0 ? k : -1});
    const Equations& e = f.equations();
    if (!e.of_time.empty())
        for (const double x : sign_changes(e.at_times, f.at_times(), begin, end)) stops.push_back({x, -1});
    std::stable_sort(stops.begin(), stops.end(), [](const Stop& a, const Stop& b) { return a.x < b.x; });
    const double close = shortest_interval * (end - begin);
    std::vector<Segment> segments;
    auto next = stops.begin();
    for (double x = begin; x < end; x = segments.back().end) {
        VectorXd jump = VectorXd::Zero(f.n());
        for (; next != stops.end() && next->x <= x + close; ++next)
            if (next->jump >= 0) jump += options.jumps.col(next->jump);
        const double stop = next != stops.end() ? next->x : end;
        segments.push_back({x, stop > end - close ? end : stop, std::move(jump)});
    }
    return segments;
}

Windowed Windows::solve(RightHandSide& f, const VectorXd& y0, double begin, double end,
                        const WindowOptions& options) const {
    const Index n = f.n(), M = s + 1;
    const double span = end - begin;
    std::vector<double> edges{begin};
    std::vector<double> windows;
    Windowed result;
    Run run(*scheme_, f, options, y0);
    const bool dense = f.sampled();
    double x = begin, H = 0;
    Index count = 0;
    bool failed = false, first = true;
    for (const auto& [from, stop, jump] : segments_of(f, begin, end, options)) {
        if (failed) break;
        run.enter(from, stop, jump, first);
        first = false;
        bool rejected = false, fresh = true;
        double aim = 0;  // length of the window to a switch of the states; 0 for none
        Index aims = 0, stuck = 0;
        while (x < stop) {
            result.limited = count + result.rejected >= std::max(options.most_windows, most_values / (M * n));
            if (fresh) H = run.first_length(x, std::min(options.first, stop - x)), fresh = false;
            result.hopeless = run.relative > options.hopeless;
            if (result.limited || result.hopeless ||
                H < std::max(shortest_window * std::abs(x), shortest_of_all * span)) {
                failed = true;
                break;
            }
            if (options.between) options.between();
            double length = H;
            if (dense)
                length = std::min(length, longest_window);
            else if (!f.autonomous())
                length = run.cells.longest(x, length);
            if (x + 1.01 * length > stop) length = stop - x;  // no crumb at the end
            if (aim > 0) length = std::min(length, aim);
            double factor = after_divergence, missed = 0, clear = 1, cross = 2;
            Index which = -1;
            bool accepted = false;
            run.set_guess(length);
            if (!run.prepare(x, length)) {
                factor = std::max(safety * run.limit / (length * run.growth), most_shrinking);
            } else if (run.newton(x, length)) {
                missed = run.residual(x, length) / options.tolerance;
                accepted = missed <= 1;
                const double wanted = safety * std::pow(std::max(missed, 1e-30), -1 / double(M));
                factor = accepted ? std::clamp(wanted, 0.3, rejected ? growth_after_rejection : most_growth)
                                  : std::clamp(wanted, most_shrinking, safety);
                if (accepted && factor >= 1 && factor < worth_factoring) factor = 1;
                if (accepted && run.growth > 0)
                    factor = std::min(factor, std::max(safety * run.limit / (length * run.growth), safety));
                if (accepted && !run.positive(options.tolerance)) accepted = false, factor = after_divergence;
                if (accepted && f.equations().of_functions && run.bends(x, length))
                    accepted = false, factor = after_divergence;
                if (accepted && dense && (clear = run.seen(x, length)) < 1)
                    accepted = false, factor = clear > 0 ? clear : after_divergence;
                if (accepted && !run.of_states().empty()) {
                    cross = run.crossing(x, length, which);
                    const double near = aimed * options.tolerance;
                    if (cross * length < shortest_interval * span) {  // at the very beginning
                        run.pass(which, x);
                        fresh = true, aim = 0, aims = 0;
                        if (++stuck > most_passes_at_once) {
                            failed = true;
                            break;
                        }
                        continue;
                    }
                    if (cross < 1 - near) {
                        if (++aims <= most_aims) {
                            aim = cross * length;
                            run.factored = 0;
                            continue;
                        }
                        accepted = false, factor = after_divergence;
                    }
                }
            } else if (!run.current) {
                run.contraction = 1, run.factored = 0;
                ++result.rejected;
                continue;
            }
            if (accepted && options.estimate && !run.carry_error(x, length))
                accepted = false, factor = after_divergence;
            rejected = !accepted;
            run.ahead = accepted;
            if (!accepted) {
                run.current = false;
                ++result.rejected;
                H = length * factor;
                aim = 0, aims = 0;
                continue;
            }
            result.last_step = std::max(result.last_step, run.step);
            result.residual = std::max(result.residual, missed * options.tolerance);
            run.previous.row(0) = run.y.transpose();
            run.previous.bottomRows(M - 1) = run.Y.topRows(M - 1).matrix();
            run.y = run.previous.row(M - 1).transpose();
            windows.insert(windows.end(), run.previous.data(), run.previous.data() + run.previous.size());
            ++count;
            x = length >= stop - x ? stop : x + length;
            edges.push_back(x);
            run.before = length, run.current = false;
            for (Index i = 0; i < n; ++i)
                run.largest_state[i] = std::max(run.largest_state[i], run.scale[i] - run.floor[i]);
            H = length < H ? std::max(H, length * factor) : length * factor;
            aim = 0, aims = 0, stuck = 0;
            if (cross <= 1) {
                run.pass(which, x);
                fresh = true;
            }
        }
    }
    result.finished = x >= end;
    result.iterations = run.iterations;
    result.edges = Map<const VectorXd>(edges.data(), Index(edges.size()));
    result.values.resize(std::max<Index>(count * M, 1), n);
    result.values.row(0) = run.start.transpose();  // all that is known without windows
    for (Index k = 0; k < count; ++k)
        result.values.middleRows(k * M, M) = Map<const MatrixXd>(windows.data() + k * M * n, M, n);
    if (options.estimate && count > 0) result.error = run.largest_error, result.relative_error = run.relative;
    return result;
}

bool Windows::valid(const Windowed& solution) {
    const Index K = std::max<Index>(solution.edges.size() - 1, 0), rows = solution.values.rows();
    return rows == (K == 0 ? 1 : (s + 1) * K);
}

Index Windows::through_zero(const Windowed& solution, RightHandSide& f, const VectorXd& allowed) const {
    const Index K = solution.edges.size() - 1, M = s + 1;
    if (f.equations().switches) return -1;  // whose steps are held at what they are at the end
    for (Index i = 0; i < f.n(); ++i) {
        const auto values = solution.values.col(i);
        if (!(values[0] >= 0) || !(values.minCoeff() < -allowed[i])) continue;
        Index k = 0;
        while (k < K && !(values.segment(k * M, M).minCoeff() < -allowed[i])) ++k;
        if (k == K || values[k * M] < -allowed[i]) continue;  // a dose may have led there
        MatrixXd at = solution.values.middleRows(k * M, M), slopes(M, f.n());
        at.col(i).setZero();
        const double begin = solution.edges[k], length = solution.edges[k + 1] - begin;
        f.evaluate((begin + length * scheme_->points.c().array()).matrix(), at, slopes, M);
        if ((slopes.col(i).array() >= 0).all()) return i;
    }
    return -1;
}

void Windows::evaluate(const Windowed& solution, const Ref<const VectorXd>& x, Ref<MatrixXd> y) const {
    constexpr Index at_once = 2 * stored_points;  // where series are summed together, to wait less for each
    using Places = Eigen::Array<double, at_once, 1>;
    const Index K = solution.edges.size() - 1, M = s + 1;
    const double* const begin = solution.edges.data();
    VectorXd z;
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
        const auto values = solution.values.middleRows(k * M, M);
        z.setZero((next - q + at_once - 1) / at_once * at_once);
        z.head(next - q) = 2 * (x.segment(q, next - q).array() - begin[k]) / (begin[k + 1] - begin[k]) - 1;
        for (Index i = 0; i < y.cols(); ++i) {
            const AtPoints coefficients = scheme_->coefficients(values.col(i).data());
            for (Index p = 0; p < next - q; p += at_once) {
                const Places sums = chebyshev::sum_series(coefficients, Places(Map<const Places>(&z[p])));
                std::copy_n(sums.data(), std::min(next - q - p, at_once), &y(q + p, i));
            }
        }
        for (Index p = q; p < next; ++p)
            if (x[p] == begin[k] || x[p] == begin[k + 1]) y.row(p) = values.row(x[p] == begin[k] ? 0 : M - 1);
    }
}

}  // namespace STLFAST_NAMESPACE
