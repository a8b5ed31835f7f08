#include "stlfast/chain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "stlfast/chain_systems.hpp"
#include "stlfast/unseen.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index s = WindowScheme::s, M = s + 1;
constexpr double step_tolerance = 0.03;   // of what further Newton steps would change, over the tolerance
constexpr double moved = 0.02;            // Newton step from which on the Jacobians are evaluated anew
constexpr double slow = 0.3, near = 0.1;  // contraction of steps smaller than that, from which on rows are scaled
constexpr double a_little_slow = 0.1;     // contraction in a group, from which on its own are
constexpr double settled = 1e-3;          // Newton step, from which down the states' sizes stay what they are
constexpr double moved_a_little = 0.005;  // of a group, from which on its own are
constexpr double noise = 1e-13;           // steps, from which nothing is told
constexpr double least_contraction = 0.01, settled_part = 0.03;  // of a group that has converged
constexpr double diverged = 1e8;                                 // Newton step, over the states' sizes
constexpr double longest = 1;  // Newton step, over the states' sizes: longer ones are cut to it
constexpr Index most_cut = 4;
constexpr double same_length = 1e-12;   // of windows, to rounding: what differs less has the same systems
constexpr double hopeless = 2;          // growth of Newton steps, with new Jacobians
constexpr Index most_corrections = 10;  // of the estimate
constexpr double assumed = 0.3;         // contraction of the first
constexpr double enough_correction = 0.05, slowest_correction = 0.8;
constexpr int powers = 4, most_powers = 24;
constexpr double growing = 1.05;  // of a vector, in so many powers
constexpr double infinity = std::numeric_limits<double>::infinity();

template <Index n, class Systems>
struct Run {
    const WindowScheme& scheme;
    RightHandSide& f;
    const Chain::Options& options;
    const Index K, groups, S;  // S points in all: stage q of window w is number ((w / 4) s + q) 4 + w % 4

    Run(const WindowScheme& scheme, RightHandSide& f, const Chain::Options& options, const VectorXd& edges)
        : scheme(scheme),
          f(f),
          options(options),
          K(edges.size() - 1),
          groups((K + lanes - 1) / lanes),
          S(groups * s * lanes),
          begin(groups),
          H(groups),
          x(S),
          x_middle(groups * lanes),
          systems(scheme, groups),
          steps(VectorXd::Constant(groups, infinity)),
          contraction(VectorXd::Constant(groups, assumed)),
          wanted(decltype(wanted)::Constant(groups, true)),
          right(s * n),
          stages(s * n),
          starts(n) {
        for (Index w = 0; w < groups * lanes; ++w) {  // lanes to spare have windows of no length at the end
            const double from = edges[std::min(w, K)], to = edges[std::min(w + 1, K)];
            const Index g = w / lanes;
            begin[g][w % lanes] = from, H[g][w % lanes] = to - from;
            for (Index q = 0; q < s; ++q)
                x[((w / lanes) * s + q) * lanes + w % lanes] = from + (to - from) * scheme.c[q];
            x_middle[w] = from + (to - from) * scheme.c[middle];
        }
        for (MatrixXd* each : {&Y, &F}) each->resize(S, n);
        for (MatrixXd* each : {&a, &change, &e}) each->resize(groups * lanes, n);
    }

    static constexpr Index middle = (s - 1) / 2;  // of the points
    Lanes begin, H;
    VectorXd x, x_middle;
    Systems systems;
    MatrixXd Y, F, E;                              // (S, n)
    MatrixXd a, change, e;                         // at the windows' beginnings (K, n): states, their changes, errors
    MatrixXd scale;                                // (K, n) of the states, the largest so far, and the floor
    MatrixXd J, in_middle;                         // Jacobians; Y in the middle of the windows
    double left = infinity;                        // of Newton steps, over the states' sizes
    VectorXd steps, before;                        // the last of each group, and the one before it
    VectorXd contraction;                          // of the last steps in each group
    Eigen::Array<bool, Eigen::Dynamic, 1> wanted;  // whether each group's systems are to be made
    Lanes right, stages, starts;

    // Jacobians of the groups from the first to the last that is wanted, and the systems of those that are.
    void factor() {
        Index first = 0, last = groups;
        const Index each = systems.at_all_points() ? s * lanes : lanes;
        if (J.rows() != groups * each) {
            J.resize(groups * each, n * n);
        } else {
            while (first < groups && !wanted[first]) ++first;
            while (last > first && !wanted[last - 1]) --last;
        }
        const Index from = first * each, count = (last - first) * each;
        if (systems.at_all_points()) {
            f.jacobians(x.segment(from, count), Y.middleRows(from, count), J.middleRows(from, count));
        } else {
            in_middle.resize(groups * lanes, n);
            for (Index i = 0; i < n; ++i)
                for (Index g = first; g < last; ++g)
                    store(in_middle, i, g * lanes, load(Y, i, (g * s + middle) * lanes));
            f.jacobians(x_middle.segment(from, count), in_middle.middleRows(from, count), J.middleRows(from, count));
        }
        const bool constant = linear() && !f.equations().A.varies();
        for (Index g = first; g < last; ++g) {
            if (!wanted[g]) continue;
            if constexpr (Systems::can_share)
                if (constant && g > first && ((H[g] - H[g - 1]).abs() <= same_length * H[g]).all()) {
                    systems.share(g);
                    continue;
                }
            systems.factor(g, H[g], J);
        }
    }

    // The changes at the beginnings (K, n) from that of group `from` on, which is given, where the ends are off the
    // next beginnings by what `of` (S, n) and `starts` (K, n) are; by nothing without them.
    void chain(Index from, const MatrixXd* of, const MatrixXd* starts) {
        const Index W = groups * lanes;
        for (Index g = from; g < groups; ++g) {
            const Lane *const T = systems.transfer(g), *const end = systems.ends(g);
            for (Index l = 0; l < lanes; ++l) {
                const Index w = g * lanes + l;
                if (w + 1 == W) return;
                for (Index i = 0; i < n; ++i) {
                    double sum = end[i][l];
                    if (of) sum += (*of)((g * s + s - 1) * lanes + l, i) - (*starts)(w + 1, i);
                    for (Index j = 0; j < n; ++j) sum += T[i + j * n][l] * change(w, j);
                    change(w + 1, i) = sum;
                }
            }
        }
    }

    // Adds to `to` (S, n) what follows from the changes at the beginnings, from group `from` on; the largest of it over
    // the scale.
    double backward(Index from, MatrixXd& to) {
        double all = 0;
        for (Index g = from; g < groups; ++g) {
            Lane largest = Lane::Zero();
            for (Index j = 0; j < n; ++j) starts[j] = load(change, j, g * lanes);
            systems.backward(g, starts.data(), stages.data());
            for (Index i = 0; i < n; ++i) {
                Lane most = Lane::Zero();
                for (Index q = 0; q < s; ++q) {
                    const Lane& added = stages[i * s + q];
                    Eigen::Map<Lane>(&to((g * s + q) * lanes, i)) += added;
                    most = larger(most, added.abs());
                }
                largest = larger(largest, most / load(scale, i, g * lanes));
            }
            const double here = largest.maxCoeff<Eigen::PropagateNaN>();
            steps[g] = here;
            if (!(here <= all)) all = here;  // also where it is not a number
            if (std::isnan(here)) return here;
        }
        return all;
    }

    void measure() {
        scale.resize(groups * lanes, n);
        for (Index i = 0; i < n; ++i) {
            double largest = std::abs(a(0, i));
            if (options.before.sizes.size() > 0) largest = std::max(largest, options.before.sizes[i]);
            for (Index g = 0; g < groups; ++g) {
                Lane most = load(Y, i, g * s * lanes).abs();
                for (Index q = 1; q < s; ++q) most = most.max(load(Y, i, (g * s + q) * lanes).abs());
                for (Index l = 0; l < lanes; ++l)
                    scale(g * lanes + l, i) = (largest = std::max(largest, most[l])) + options.floor[i];
            }
        }
    }

    // right = H F − D (a, at), plus `source` where there is one.
    void residual(Index g, const MatrixXd& starts, const MatrixXd& at, const double* source) {
        Lane in[M], out[s];
        for (Index i = 0; i < n; ++i) {
            in[0] = load(starts, i, g * lanes);
            for (Index q = 0; q < s; ++q) in[q + 1] = load(at, i, (g * s + q) * lanes);
            combine<s, M>(scheme.points.D().data(), in, out);
            Lane* const r = &right[i * s];
            for (Index q = 0; q < s; ++q) {
                r[q] = H[g] * load(F, i, (g * s + q) * lanes) - out[q];
                if (source) r[q] += Eigen::Map<const Lane>(source + i * S + (g * s + q) * lanes);
            }
        }
    }

    // What comes later changes nothing before: groups at the beginning that have converged are left as they are.
    Chained newton(const VectorXd& y0) {
        Chained result;
        double last = infinity;
        bool fresh = true;
        Index from = 0, cut = 0;
        measure();
        factor();
        while (result.iterations < options.most_iterations) {
            ++result.iterations;
            const Index point = from * s * lanes, rest = S - point;
            f.evaluate(x.tail(rest), Y.bottomRows(rest), F.bottomRows(rest), rest);
            for (Index g = from; g < groups; ++g) residual(g, a, Y, nullptr), systems.forward(g, right.data());
            if (from == 0)
                change.row(0) = y0.transpose() - a.row(0);
            else
                change.row(from * lanes) = Y.row(point - 1) - a.row(from * lanes);
            chain(from, &Y, &a);
            before = steps;
            const bool far = !linear() && last > near;
            if (far) E = Y;
            result.last_step = backward(from, Y);
            const double part = far ? std::min(1.0, longest / result.last_step) : 1.0;
            if (part < 1) {
                if (++cut > most_cut) return result;
                Y = E + part * (Y - E);
            }
            a.bottomRows((groups - from) * lanes) += part * change.bottomRows((groups - from) * lanes);
            if (result.last_step > settled) measure();
            const double theta = exact() ? 0 : result.iterations == 1 ? assumed : result.last_step / last;
            if (!(result.last_step <= diverged) || (fresh && result.iterations > 1 && part == 1 && theta > hopeless))
                return result;
            for (Index g = from; g < groups; ++g)
                if (exact())
                    contraction[g] = 0;
                else if (before[g] < infinity && before[g] > noise)
                    contraction[g] = std::max(steps[g] / before[g], least_contraction);
            left = left_in(from, groups);
            result.converged = (result.iterations > 1 || exact()) && left <= enough();
            if (result.last_step <= 1e-3 * enough()) result.converged = true;
            if (result.converged) return result;
            last = result.last_step;
            const double still =
                theta < 1 ? std::log(enough() / last) / std::log(std::max(theta, 1e-3)) : infinity;  // iterations
            const bool scale_now = result.iterations > 1 && theta > slow && systems.can_scale &&
                                   !systems.at_all_points() && (linear() || last < near);
            fresh = scale_now || (!linear() && last > moved && still > systems.worth_factoring());
            while (!fresh && from + 1 < groups && left_in(from, from + 1) <= settled_part * enough()) ++from;
            for (Index g = 0; fresh && g < groups; ++g) {
                wanted[g] =
                    g >= from && (scale_now ? !(steps[g] < a_little_slow * before[g]) : steps[g] > moved_a_little);
                if (scale_now && wanted[g]) systems.scale(g);
            }
            if (fresh) factor();
        }
        return result;
    }

    // What further steps like the last come to in these groups, over the states' sizes.
    double left_in(Index first, Index last) const {
        double most = 0;
        for (Index g = first; g < last; ++g) {
            const double theta = contraction[g], nothing = 1e-3 * enough();
            most = std::max(most, steps[g] <= nothing          ? steps[g]
                                  : theta < slowest_correction ? theta / (1 - theta) * steps[g]
                                                               : infinity);
        }
        return most;
    }

    double enough() const { return step_tolerance * options.tolerance; }
    bool linear() const { return !f.equations().N; }
    bool exact() const {  // whether one step solves it
        return linear() && (Systems::exact_in_time || !f.equations().A.varies());
    }

    // Whether a window is longer than what grows fast allows: collocation would damp that, in the solution and in the
    // estimate. By the logarithmic norm of J where sizes are over the scale; where that tells nothing by powers of
    // 2 (μ − γ) (μ I − H J)⁻¹ − I, which maps eigenvalues of H J beyond the growth γ that is fine to outside the unit
    // circle (as StageSystems::may_grow); and by the eigenvalues where these grow.
    bool grows() {
        const Index columns = n;
        MatrixXd one(columns, columns);
        for (Index g = 0; g < groups; ++g) {
            const Index at = systems.row(g, middle);
            Lane most = Lane::Constant(-infinity);
            for (Index i = 0; i < n; ++i) {
                Lane sum = Lane::Zero();
                for (Index j = 0; j < n; ++j)
                    if (j != i) sum += load(J, i * n + j, at).abs() * load(scale, j, g * lanes);
                most = most.max(load(J, i * n + i, at) + sum / load(scale, i, g * lanes));
            }
            const Lane& length = H[g];
            if ((length * most <= scheme.most_growth).all() || (n > 2 && !powers_grow(g))) continue;
            for (Index l = 0; l < lanes; ++l) {
                for (Index i = 0; i < n; ++i)
                    for (Index j = 0; j < n; ++j) one(i, j) = J(at + l, i * n + j);
                if (length[l] * growth_rate(one) > scheme.most_growth) return true;
            }
        }
        return false;
    }

    bool powers_grow(Index g) {
        const double mu = scheme.points.eigenvalues()[0].real(), factor = 2 * (mu - scheme.most_growth);
        Lanes A(n * n), v(n), next(n);
        for (Index j = 0; j < n; ++j)
            for (Index i = 0; i < n; ++i)
                A[i + j * n] = -H[g] * load(J, i * n + j, systems.row(g, middle)) + (i == j ? mu : 0.0);
        invert<Real, n>(A.data());
        for (Index i = 0; i < n; ++i)  // some vector without a structure
            v[i] = load(scale, i, g * lanes) * (0.5 + double((i * 7919 + 12345) % 1009) / 1009);
        Lane before = Lane::Constant(infinity);
        for (int power = 1; power <= most_powers; ++power) {
            for (Index i = 0; i < n; ++i) next[i] = -v[i];
            for (Index j = 0; j < n; ++j)
                for (Index i = 0; i < n; ++i) next[i] += factor * v[j] * A[i + j * n];
            v.swap(next);
            if (power % powers != 0) continue;
            Lane size = Lane::Zero();
            for (Index i = 0; i < n; ++i) size = size.max((v[i] / load(scale, i, g * lanes)).abs());
            if (power > powers && (size <= growing * before).all()) return false;
            before = size;
        }
        return true;
    }

    // What each window adds to the error, by the residuals between its points; whether they tell all there is.
    bool look_between(Chained& result) {
        const Index C = groups * M * lanes, columns = n;
        VectorXd where(C);
        MatrixXd values(C, columns), slopes(C, columns), found(C, columns);
        Lane in[M], out[M];
        for (Index g = 0; g < groups; ++g) {
            for (Index q = 0; q < M; ++q)
                where.segment<lanes>((g * M + q) * lanes) = (begin[g] + H[g] * scheme.checks[q]).matrix();
            for (Index i = 0; i < n; ++i) {
                in[0] = load(a, i, g * lanes);
                for (Index q = 0; q < s; ++q) in[q + 1] = load(Y, i, (g * s + q) * lanes);
                combine<M, M>(scheme.at_check.data(), in, out);
                for (Index q = 0; q < M; ++q) store(values, i, (g * M + q) * lanes, out[q]);
                combine<M, M>(scheme.slope_at_check.data(), in, out);
                for (Index q = 0; q < M; ++q) store(slopes, i, (g * M + q) * lanes, out[q]);
            }
        }
        f.evaluate(where, values, found, C);
        source.resize(S, columns), rest.resize(groups * lanes, columns);
        Lane most = Lane::Zero();
        for (Index g = 0; g < groups; ++g) {
            for (Index i = 0; i < n; ++i) {
                Lane largest = Lane::Zero();
                for (Index q = 0; q < M; ++q) {
                    const Index at = (g * M + q) * lanes;
                    in[q] = H[g] * load(found, i, at) - load(slopes, i, at);
                    largest = larger(largest, in[q].abs());
                }
                store(rest, i, g * lanes, largest);
                combine<s, M>(scheme.source_of.data(), in, &right[i * s]);
                for (Index q = 0; q < s; ++q) store(source, i, (g * s + q) * lanes, right[i * s + q]);
            }
            systems.forward(g, right.data());
            for (Index i = 0; i < n; ++i) most = larger(most, systems.ends(g)[i].abs() / load(scale, i, g * lanes));
        }
        result.residual = between_points * most.maxCoeff<Eigen::PropagateNaN>();
        return !f.equations().of_functions || bends_are_seen();
    }

    // Whether functions of the states bend between the points in no other way than the residual tells (unseen.hpp): of
    // all windows together where samples tell it, else one by one.
    bool bends_are_seen() {
        constexpr Index P = Bends::samples;
        const Index columns = 1 + n, count = groups * P * lanes;
        MatrixXd points(count, columns), low(groups * lanes, columns), high(groups * lanes, columns), samples;
        Lane in[M], out[P];
        for (Index g = 0; g < groups; ++g) {
            store(low, 0, g * lanes, begin[g]), store(high, 0, g * lanes, begin[g] + H[g]);
            for (Index q = 0; q < P; ++q)
                store(points, 0, (g * P + q) * lanes, begin[g] + H[g] * (double(q) / double(P - 1)));
            for (Index i = 0; i < n; ++i) {
                in[0] = load(a, i, g * lanes);
                for (Index q = 0; q < s; ++q) in[q + 1] = load(Y, i, (g * s + q) * lanes);
                combine<P, M>(scheme.spread.data(), in, out);
                Lane least = out[0], largest = out[0], more = Lane::Zero();
                for (Index q = 0; q < P; ++q) {
                    store(points, 1 + i, (g * P + q) * lanes, out[q]);
                    least = least.min(out[q]), largest = largest.max(out[q]);
                    if (q > 1) more = more.max((out[q - 2] - 2 * out[q - 1] + out[q]).abs() / 8);
                }
                store(low, 1 + i, g * lanes, least - more), store(high, 1 + i, g * lanes, largest + more);
            }
        }
        f.bends(points, samples);
        MatrixXd own(P, samples.cols());
        VectorXd from(columns), to(columns), least, largest;
        for (Index w = 0; w < K; ++w) {
            const Index g = w / lanes, l = w % lanes;
            for (Index q = 0; q < P; ++q) own.row(q) = samples.row((g * P + q) * lanes + l);
            from = low.row(w).transpose(), to = high.row(w).transpose();
            f.bends(from, to, least, largest);
            if (!f.equations().of_functions->told(own, least, largest) && bends_unseen_in(w)) return false;
        }
        return true;
    }

    bool bends_unseen_in(Index w) {
        const Index g = w / lanes, l = w % lanes, columns = n;
        MatrixXd at(M, columns);
        at.row(0) = a.row(w);
        for (Index q = 0; q < s; ++q) at.row(q + 1) = Y.row((g * s + q) * lanes + l);
        const VectorXd allowed = unseen * rest.row(w).transpose() + options.tolerance * scale.row(w).transpose();
        const auto evaluate = [&](const MatrixXd& points, MatrixXd& values) {
            f.evaluate(points.col(0), points.rightCols(columns), values, values.rows());
        };
        return bends_unseen(scheme, f, at, begin[g][l], H[g][l], allowed, evaluate);
    }

    MatrixXd source, rest;  // of residuals: what they come to at the points (S, n), and the largest (K, n)

    void estimate(Chained& result) {
        MatrixXd values, slopes;
        E.setZero(S, n), e.setZero();
        change.row(0).setZero();
        if (options.before.error.size() > 0) change.row(0) = options.before.error.transpose();
        chain(0, nullptr, nullptr);
        backward(0, E);
        e += change;
        // Of further corrections, and of Newton steps where there are none, over the states' sizes.
        double last = infinity;
        left += left_in(0, groups) + options.before.left;
        const auto little = [&] {
            return left <= enough_correction * std::max(largest_error(nullptr), options.tolerance);
        };
        bool told = little();
        for (Index correction = 0; correction < most_corrections && !told; ++correction) {
            values = Y + E, slopes = a + e;
            f.evaluate(x, values, F, S);
            for (Index g = 0; g < groups; ++g)
                residual(g, slopes, values, source.data()), systems.forward(g, right.data());
            change.row(0).setZero();
            chain(0, &values, &slopes);
            const double now = backward(0, E), theta = correction == 0 ? assumed : now / last;
            e += change;
            if (!(theta < slowest_correction)) break;
            left = options.before.left + theta / (1 - theta) * now;
            told = little();
            last = now;
        }
        result.error.resize(n);
        result.relative_error = between_points * largest_error(result.error.data()) + left;
        result.error = between_points * result.error + left * scale.row(scale.rows() - 1).transpose();
        if (!told) result.error.setConstant(infinity), result.relative_error = infinity;
        result.last_error = E.row(S - 1).transpose(), result.left = left;
    }

    // Over the scale; of each state too (n), unless null.
    double largest_error(double* of_state) const {
        Lane largest = Lane::Zero();
        for (Index i = 0; i < n; ++i) {
            Lane most = Lane::Zero();
            for (Index g = 0; g < groups; ++g) {
                Lane here = load(E, i, g * s * lanes).abs();
                for (Index q = 1; q < s; ++q) here = larger(here, load(E, i, (g * s + q) * lanes).abs());
                largest = larger(largest, here / load(scale, i, g * lanes));
                most = larger(most, here);
            }
            if (of_state) of_state[i] = most.maxCoeff<Eigen::PropagateNaN>();
        }
        return largest.maxCoeff<Eigen::PropagateNaN>();
    }
};

template <Index n, class Systems = Split<n>>
Chained solve(const WindowScheme& scheme, RightHandSide& f, const VectorXd& y0, const VectorXd& edges,
              const Chain::Options& options, MatrixXd& values) {
    Run<n, Systems> run(scheme, f, options, edges);
    const Index K = run.K;
    for (Index w = 0; w < run.groups * lanes; ++w) {
        const Index from = std::min(w, K - 1) * M;
        for (Index i = 0; i < n; ++i) {
            run.a(w, i) = w < K ? values(from, i) : values(from + s, i);
            for (Index q = 0; q < s; ++q)
                run.Y(((w / lanes) * s + q) * lanes + w % lanes, i) =
                    w < K ? values(from + 1 + q, i) : values(from + s, i);
        }
    }
    Chained result = run.newton(y0);
    for (Index w = 0; w < K; ++w)
        for (Index i = 0; i < n; ++i) {
            values(w * M, i) = run.a(w, i);
            for (Index q = 0; q < s; ++q)
                values(w * M + 1 + q, i) = run.Y(((w / lanes) * s + q) * lanes + w % lanes, i);
        }
    if (!result.converged) return result;
    result.seen = !run.grows() && run.look_between(result);
    if (!result.seen) return result;
    if (options.estimate) run.estimate(result);
    return result;
}

}  // namespace

Chain::Chain(const WindowScheme& scheme) : scheme_(&scheme) {}

Chained Chain::solve(RightHandSide& f, const VectorXd& y0, const VectorXd& edges, const Options& options,
                     MatrixXd& values) const {
    const bool constant = !f.equations().N && !f.equations().A.varies();  // one step solves it with either
    switch (f.n()) {
        case 1:
            return STLFAST_NAMESPACE::solve<1, Whole<1>>(*scheme_, f, y0, edges, options, values);
        case 2:
            return constant ? STLFAST_NAMESPACE::solve<2>(*scheme_, f, y0, edges, options, values)
                            : STLFAST_NAMESPACE::solve<2, Whole<2>>(*scheme_, f, y0, edges, options, values);
        case 3:
            return constant ? STLFAST_NAMESPACE::solve<3>(*scheme_, f, y0, edges, options, values)
                            : STLFAST_NAMESPACE::solve<3, Whole<3>>(*scheme_, f, y0, edges, options, values);
        case 4:
            return STLFAST_NAMESPACE::solve<4>(*scheme_, f, y0, edges, options, values);
        case 5:
            return STLFAST_NAMESPACE::solve<5>(*scheme_, f, y0, edges, options, values);
        case 6:
            return STLFAST_NAMESPACE::solve<6>(*scheme_, f, y0, edges, options, values);
        case 7:
            return STLFAST_NAMESPACE::solve<7>(*scheme_, f, y0, edges, options, values);
        case 8:
            return STLFAST_NAMESPACE::solve<8>(*scheme_, f, y0, edges, options, values);
        default:
            return {};
    }
}

}  // namespace STLFAST_NAMESPACE
