#include "stlfast/chain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "stlfast/unseen.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Lane = Chain::Lane;

namespace {

constexpr Index lanes = 4, s = WindowScheme::s, M = s + 1;
constexpr Index systems = (s + 1) / 2;    // the first of them real
constexpr double step_tolerance = 0.03;   // of what further Newton steps would change, over the tolerance
constexpr double moved = 0.02;            // Newton step from which on the Jacobians are evaluated anew
constexpr double slow = 0.3, near = 0.1;  // contraction of steps smaller than that, from which on rows are scaled
constexpr double settled = 1e-3;          // Newton step, from which down the states' sizes stay what they are
constexpr double diverged = 1e8;          // Newton step, over the states' sizes
constexpr double hopeless = 2;            // growth of Newton steps, with new Jacobians
constexpr Index most_corrections = 10;    // of the estimate
constexpr double assumed = 0.3;           // contraction of the first
constexpr double enough_correction = 0.05, slowest_correction = 0.8;
constexpr int powers = 4, most_powers = 24;
constexpr double growing = 1.05;  // of a vector, in so many powers
constexpr double infinity = std::numeric_limits<double>::infinity();

using Lanes = std::vector<Lane, Eigen::aligned_allocator<Lane>>;
struct Complex {
    Lane re, im;
};
using Complexes = std::vector<Complex, Eigen::aligned_allocator<Complex>>;

// Not a number where either is not finite.
Lane larger(const Lane& a, const Lane& b) { return a.max(b) + 0 * (a + b); }

template <Index rows, Index cols>
void combine(const double* matrix, const Lane* in, Lane* out) {  // column-major
    for (Index q = 0; q < rows; ++q) {
        Lane sum = matrix[q] * in[0];
        for (Index k = 1; k < cols; ++k) sum += matrix[q + k * rows] * in[k];
        out[q] = sum;
    }
}

struct Real {
    using Entry = Lane;
    static Lane size(const Lane& a) { return a.abs(); }
    static Lane inverse(const Lane& a) { return a.inverse(); }
    static Lane times(const Lane& a, const Lane& b) { return a * b; }
    static void subtract(Lane& a, const Lane& b, const Lane& c) { a -= b * c; }
    static Lane negative(const Lane& a) { return -a; }
};
struct Pair {
    using Entry = Complex;
    static Lane size(const Complex& a) { return a.re.square() + a.im.square(); }
    static Complex inverse(const Complex& a) {
        const Lane size = (a.re.square() + a.im.square()).inverse();
        return {a.re * size, -a.im * size};
    }
    static Complex times(const Complex& a, const Complex& b) {
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    static void subtract(Complex& a, const Complex& b, const Complex& c) {
        a.re -= b.re * c.re - b.im * c.im, a.im -= b.re * c.im + b.im * c.re;
    }
    static Complex negative(const Complex& a) { return {-a.re, -a.im}; }
};

// A (n, n), column after column, becomes its inverse, with pivots that serve all lanes.
template <class Kind, class Size>
void invert(typename Kind::Entry* A, Size n, std::vector<Index>& pivots) {
    using Entry = typename Kind::Entry;
    pivots.resize(std::size_t(n));
    for (Index k = 0; k < n; ++k) {
        Index at = k;
        double largest = -1;
        for (Index i = k; i < n; ++i)
            if (const double size = Kind::size(A[i + k * n]).minCoeff(); size > largest) largest = size, at = i;
        pivots[std::size_t(k)] = at;
        if (at != k)
            for (Index j = 0; j < n; ++j) std::swap(A[k + j * n], A[at + j * n]);
        const Entry pivot = Kind::inverse(A[k + k * n]);
        Entry* const own = A + k * n;
        for (Index i = 0; i < n; ++i)
            if (i != k) own[i] = Kind::negative(Kind::times(own[i], pivot));
        own[k] = pivot;
        for (Index j = 0; j < n; ++j) {
            Entry* const a = A + j * n;
            if (j == k) continue;
            const Entry u = Kind::negative(a[k]);
            for (Index i = 0; i < n; ++i)
                if (i != k) Kind::subtract(a[i], own[i], u);
            a[k] = Kind::times(a[k], pivot);
        }
    }
    for (Index k = n - 1; k >= 0; --k)  // rows that changed places are columns of the inverse
        if (const Index at = pivots[std::size_t(k)]; at != k)
            for (Index i = 0; i < n; ++i) std::swap(A[i + k * n], A[i + at * n]);
}

// A number of states that is known when compiling, or not.
template <int N>
struct Size {
    explicit Size(Index) {}
    constexpr operator Index() const { return N; }
};
template <>
struct Size<0> {
    explicit Size(Index n) : n(n) {}
    operator Index() const { return n; }
    Index n;
};

// N states, or as many as f has for N = 0: loops over few are unrolled.
template <int N>
struct Run {
    const WindowScheme& scheme;
    RightHandSide& f;
    const Chain::Options& options;
    const Size<N> n;
    const Index K, groups, S;  // S points in all: stage q of window w is number ((w / 4) s + q) 4 + w % 4

    Run(const WindowScheme& scheme, RightHandSide& f, const Chain::Options& options, const VectorXd& edges)
        : scheme(scheme),
          f(f),
          options(options),
          n(f.n()),
          K(edges.size() - 1),
          groups((K + lanes - 1) / lanes),
          S(groups * s * lanes) {
        begin.resize(std::size_t(groups)), H.resize(std::size_t(groups)), x.resize(S);
        for (Index w = 0; w < groups * lanes; ++w) {  // lanes to spare have windows of no length at the end
            const double from = edges[std::min(w, K)], to = edges[std::min(w + 1, K)];
            const auto g = std::size_t(w / lanes);
            begin[g][w % lanes] = from, H[g][w % lanes] = to - from;
            for (Index q = 0; q < s; ++q)
                x[((w / lanes) * s + q) * lanes + w % lanes] = from + (to - from) * scheme.c[q];
        }
        for (MatrixXd* each : {&Y, &F, &E}) each->resize(S, Index(n));
        right.resize(std::size_t(s * n));
        for (MatrixXd* each : {&a, &change, &e}) each->resize(groups * lanes, Index(n));
        real_inverse.resize(std::size_t(groups * n * n)), z_real.resize(std::size_t(groups * n));
        inverses.resize(std::size_t(groups * (systems - 1) * n * n)), z.resize(std::size_t(groups * (systems - 1) * n));
        transfer.resize(std::size_t(groups * n * n)), ends.resize(std::size_t(groups * n));
        of_start = -scheme.points.inverse_vectors() * scheme.points.D().col(0);
        lambda_re = scheme.points.eigenvalues().real(), lambda_im = scheme.points.eigenvalues().imag();
    }

    Lanes begin, H;
    VectorXd x;
    const MatrixXd &split = scheme.points.inverse_vectors(), &vectors = scheme.points.vectors();  // V⁻¹ and V (s, s)
    VectorXd lambda_re, lambda_im, of_start;  // the last V⁻¹ (−d_0)
    MatrixXd Y, F, E;                         // (S, n)
    MatrixXd a, change, e;                    // at the windows' beginnings (K, n): states, their changes, errors
    MatrixXd scale;                           // (K, n) of the states, the largest so far, and the floor
    MatrixXd J;
    bool scaled = false;
    Lanes rows, inner, before;
    Lanes right, real_inverse, z_real, transfer, ends;
    Complexes inverses, z;
    std::vector<Index> pivots;

    Lane load(const MatrixXd& of, Index i, Index point) const { return Eigen::Map<const Lane>(&of(point, i)); }
    static void store(MatrixXd& of, Index i, Index point, const Lane& value) {
        Eigen::Map<Lane>(&of(point, i)) = value;
    }

    // ∂f/∂y at the middle of each window, and all that follows from it. Where it differs from point to point, their
    // rows are multiplied by P_q = (μ − H J)(μ − H J_q)⁻¹, so that what is stiff is as in the middle (the residual of a
    // stiff row is J_q times the error).
    void factor() {
        const Index middle = (s - 1) / 2;
        f.jacobians(x, Y, J);
        if (scaled) rows.resize(std::size_t(groups * s * n * n)), inner.resize(std::size_t(n * n));
        for (Index g = 0; g < groups; ++g) {
            factor(g, (g * s + middle) * lanes);
            if (!scaled) continue;
            const double mu = lambda_re[0];
            for (Index q = 0; q < s; ++q) {
                const Index at = (g * s + q) * lanes, from = (g * s + middle) * lanes;
                for (Index j = 0; j < n; ++j)
                    for (Index i = 0; i < n; ++i) {
                        inner[std::size_t(i + j * n)] = -H[std::size_t(g)] * load(J, i * n + j, at);
                        if (i == j) inner[std::size_t(i + j * n)] += mu;
                    }
                invert<Real, Size<N>>(inner.data(), n, pivots);
                Lane* const P = &rows[std::size_t((g * s + q) * n * n)];
                for (Index j = 0; j < n; ++j) {
                    for (Index i = 0; i < n; ++i) P[i + j * n] = mu * inner[std::size_t(i + j * n)];
                    for (Index k = 0; k < n; ++k) {
                        const Lane by = -H[std::size_t(g)] * inner[std::size_t(k + j * n)];
                        for (Index i = 0; i < n; ++i) P[i + j * n] += load(J, i * n + k, from) * by;
                    }
                }
            }
        }
    }

    void factor(Index g, Index from) {
        Lane* const A = &real_inverse[std::size_t(g * n * n)];
        Complex* const C = &inverses[std::size_t(g * (systems - 1) * n * n)];
        for (Index j = 0; j < n; ++j)
            for (Index i = 0; i < n; ++i) {
                const Lane entry = -H[std::size_t(g)] * load(J, i * n + j, from);
                A[i + j * n] = entry;
                if (i == j) A[i + j * n] += lambda_re[0];
                for (Index l = 1; l < systems; ++l) {
                    Complex& c = C[(l - 1) * n * n + i + j * n];
                    c.re = entry, c.im.setZero();
                    if (i == j) c.re += lambda_re[l], c.im += lambda_im[l];
                }
            }
        invert<Real, Size<N>>(A, n, pivots);
        for (Index l = 1; l < systems; ++l) invert<Pair, Size<N>>(C + (l - 1) * n * n, n, pivots);
        Lane* const T = &transfer[std::size_t(g * n * n)];
        const double real = vectors(s - 1, 0) * of_start[0];
        for (Index k = 0; k < n * n; ++k) T[k] = real * A[k];
        for (Index l = 1; l < systems; ++l) {  // Re of (v_re − i v_im)(g_re + i g_im) C
            const double vr = vectors(s - 1, 2 * l - 1), vi = vectors(s - 1, 2 * l);
            const double gr = of_start[2 * l - 1], gi = of_start[2 * l];
            for (Index k = 0; k < n * n; ++k) {
                const Complex& c = C[(l - 1) * n * n + k];
                T[k] += (vr * gr + vi * gi) * c.re + (vi * gr - vr * gi) * c.im;
            }
        }
    }

    // z = (λ_l I − H J)⁻¹ (V⁻¹ right)_l of a group, and what that adds at the windows' ends.
    void forward(Index g) {
        Lane transformed[s], *const end = &ends[std::size_t(g * n)];
        Lane* const zr = &z_real[std::size_t(g * n)];
        Complex* const zc = &z[std::size_t(g * (systems - 1) * n)];
        for (Index i = 0; i < n; ++i) zr[i].setZero();
        for (Index i = 0; i < (systems - 1) * n; ++i) zc[i].re.setZero(), zc[i].im.setZero();
        const Lane* const A = &real_inverse[std::size_t(g * n * n)];
        const Complex* const C = &inverses[std::size_t(g * (systems - 1) * n * n)];
        for (Index j = 0; j < n; ++j) {
            combine<s, s>(split.data(), &right[std::size_t(j * s)], transformed);
            add_product(A + j * n, transformed[0], zr);
            for (Index l = 1; l < systems; ++l)
                add_product(C + ((l - 1) * n + j) * n, Complex{transformed[2 * l - 1], transformed[2 * l]},
                            zc + (l - 1) * n);
        }
        for (Index i = 0; i < n; ++i) {
            end[i] = vectors(s - 1, 0) * zr[i];
            for (Index l = 1; l < systems; ++l)
                end[i] +=
                    vectors(s - 1, 2 * l - 1) * zc[(l - 1) * n + i].re + vectors(s - 1, 2 * l) * zc[(l - 1) * n + i].im;
        }
    }

    void add_product(const Lane* column, const Lane& value, Lane* to) const {
        for (Index i = 0; i < n; ++i) to[i] += column[i] * value;
    }
    void add_product(const Complex* column, const Complex& value, Complex* to) const {
        for (Index i = 0; i < n; ++i) {
            to[i].re += column[i].re * value.re - column[i].im * value.im;
            to[i].im += column[i].re * value.im + column[i].im * value.re;
        }
    }

    // The changes at the beginnings (K, n), `first` at the first, where the ends are off the next beginnings by what
    // `of` (S, n) and `starts` (K, n) are; by nothing without them.
    void chain(const VectorXd& first, const MatrixXd* of, const MatrixXd* starts) {
        change.row(0) = first.transpose();
        const Index W = groups * lanes;
        for (Index g = 0; g < groups; ++g) {
            const Lane *const T = &transfer[std::size_t(g * n * n)], *const end = &ends[std::size_t(g * n)];
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

    // Adds to `to` (S, n) what follows from z and the changes at the beginnings; the largest of it over the scale.
    double backward(MatrixXd& to) {
        Lane largest = Lane::Zero(), w[s], added[s];
        for (Index g = 0; g < groups; ++g) {
            Lane* const zr = &z_real[std::size_t(g * n)];
            Complex* const zc = &z[std::size_t(g * (systems - 1) * n)];
            const Lane* const A = &real_inverse[std::size_t(g * n * n)];
            const Complex* const C = &inverses[std::size_t(g * (systems - 1) * n * n)];
            for (Index j = 0; j < n; ++j) {
                const Lane d = load(change, j, g * lanes);
                add_product(A + j * n, of_start[0] * d, zr);
                for (Index l = 1; l < systems; ++l)
                    add_product(C + ((l - 1) * n + j) * n, Complex{of_start[2 * l - 1] * d, of_start[2 * l] * d},
                                zc + (l - 1) * n);
            }
            for (Index i = 0; i < n; ++i) {
                w[0] = zr[i];
                for (Index l = 1; l < systems; ++l)
                    w[2 * l - 1] = zc[(l - 1) * n + i].re, w[2 * l] = zc[(l - 1) * n + i].im;
                combine<s, s>(vectors.data(), w, added);
                Lane most = Lane::Zero();
                for (Index q = 0; q < s; ++q) {
                    Eigen::Map<Lane>(&to((g * s + q) * lanes, i)) += added[q];
                    most = larger(most, added[q].abs());
                }
                largest = larger(largest, most / load(scale, i, g * lanes));
            }
        }
        return largest.maxCoeff<Eigen::PropagateNaN>();
    }

    void measure() {
        scale.resize(groups * lanes, Index(n));
        for (Index i = 0; i < n; ++i) {
            double largest = std::abs(a(0, i));
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
            Lane* const r = &right[std::size_t(i * s)];
            for (Index q = 0; q < s; ++q) {
                r[q] = H[std::size_t(g)] * load(F, i, (g * s + q) * lanes) - out[q];
                if (source) r[q] += Eigen::Map<const Lane>(source + i * S + (g * s + q) * lanes);
            }
        }
        scale_rows(g);
    }

    void scale_rows(Index g) {
        if (!scaled) return;
        before = right;
        for (Index q = 0; q < s; ++q) {
            const Lane* const P = &rows[std::size_t((g * s + q) * n * n)];
            for (Index i = 0; i < n; ++i) {
                Lane sum = P[i] * before[std::size_t(q)];
                for (Index j = 1; j < n; ++j) sum += P[i + j * n] * before[std::size_t(j * s + q)];
                right[std::size_t(i * s + q)] = sum;
            }
        }
    }

    Chained newton(const VectorXd& y0) {
        Chained result;
        const double enough = step_tolerance * options.tolerance;
        double last = infinity;
        bool fresh = true;
        measure();
        factor();
        while (result.iterations < options.most_iterations) {
            ++result.iterations;
            f.evaluate(x, Y, F, S);
            for (Index g = 0; g < groups; ++g) residual(g, a, Y, nullptr), forward(g);
            chain(y0 - a.row(0).transpose(), &Y, &a);
            result.last_step = backward(Y);
            a += change;
            if (result.last_step > settled) measure();
            const double theta = exact() ? 0 : result.iterations == 1 ? assumed : result.last_step / last;
            if (!(result.last_step <= diverged) || (fresh && result.iterations > 1 && theta > hopeless)) return result;
            if ((result.iterations > 1 || exact()) && theta < 1 && theta / (1 - theta) * result.last_step <= enough)
                result.converged = true;
            if (result.last_step <= 1e-3 * enough) result.converged = true;
            if (result.converged) return result;
            last = result.last_step;
            const double left = theta < 1 ? std::log(enough / last) / std::log(std::max(theta, 1e-3)) : infinity;
            const bool scale_now = result.iterations > 1 && theta > slow && !scaled && (linear() || last < near);
            fresh = scale_now || (!linear() && last > moved && left > worth_factoring());
            scaled = scaled || scale_now;
            if (fresh) factor();
        }
        return result;
    }

    // Iterations that take longer than factoring anew and one more.
    double worth_factoring() const { return 1.5 + double(n * n) / (2.0 * double(n) + 20); }
    bool linear() const { return !f.equations().N; }
    bool exact() const { return linear() && !f.equations().A.varies(); }  // whether one step solves it

    // Whether a window is longer than what grows fast allows: collocation would damp that, in the solution and in the
    // estimate. By the logarithmic norm of J where sizes are over the scale; where that tells nothing by powers of
    // 2 (μ − γ) (μ I − H J)⁻¹ − I, which maps eigenvalues of H J beyond the growth γ that is fine to outside the unit
    // circle (as StageSystems::may_grow); and by the eigenvalues where these grow.
    bool grows() {
        const Index middle = (s - 1) / 2, columns = n;
        MatrixXd one(columns, columns);
        for (Index g = 0; g < groups; ++g) {
            const Index at = (g * s + middle) * lanes;
            Lane most = Lane::Constant(-infinity);
            for (Index i = 0; i < n; ++i) {
                Lane sum = Lane::Zero();
                for (Index j = 0; j < n; ++j)
                    if (j != i) sum += load(J, i * n + j, at).abs() * load(scale, j, g * lanes);
                most = most.max(load(J, i * n + i, at) + sum / load(scale, i, g * lanes));
            }
            const Lane& length = H[std::size_t(g)];
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
        const double mu = lambda_re[0], factor = 2 * (mu - scheme.most_growth);
        const Lane* const A = &real_inverse[std::size_t(g * n * n)];
        Lanes v, next;
        v.resize(std::size_t(n)), next.resize(std::size_t(n));
        for (Index i = 0; i < n; ++i)  // some vector without a structure
            v[std::size_t(i)] = load(scale, i, g * lanes) * (0.5 + double((i * 7919 + 12345) % 1009) / 1009);
        Lane before = Lane::Constant(infinity);
        for (int power = 1; power <= most_powers; ++power) {
            for (Index i = 0; i < n; ++i) next[std::size_t(i)] = -v[std::size_t(i)];
            for (Index j = 0; j < n; ++j) add_product(A + j * n, factor * v[std::size_t(j)], next.data());
            v.swap(next);
            if (power % powers != 0) continue;
            Lane size = Lane::Zero();
            for (Index i = 0; i < n; ++i) size = size.max((v[std::size_t(i)] / load(scale, i, g * lanes)).abs());
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
                where.segment<lanes>((g * M + q) * lanes) =
                    (begin[std::size_t(g)] + H[std::size_t(g)] * scheme.checks[q]).matrix();
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
                    in[q] = H[std::size_t(g)] * load(found, i, at) - load(slopes, i, at);
                    largest = larger(largest, in[q].abs());
                }
                store(rest, i, g * lanes, largest);
                combine<s, M>(scheme.source_of.data(), in, &right[std::size_t(i * s)]);
                for (Index q = 0; q < s; ++q) store(source, i, (g * s + q) * lanes, right[std::size_t(i * s + q)]);
            }
            scale_rows(g);
            forward(g);
            for (Index i = 0; i < n; ++i)
                most = larger(most, ends[std::size_t(g * n + i)].abs() / load(scale, i, g * lanes));
        }
        result.residual = between_points * most.maxCoeff<Eigen::PropagateNaN>();
        if (!f.equations().of_functions) return true;
        MatrixXd at(M, columns);
        for (Index w = 0; w < K; ++w) {
            const Index g = w / lanes, l = w % lanes;
            at.row(0) = a.row(w);
            for (Index q = 0; q < s; ++q) at.row(q + 1) = Y.row((g * s + q) * lanes + l);
            const VectorXd allowed = unseen * rest.row(w).transpose() + options.tolerance * scale.row(w).transpose();
            const auto evaluate = [&](const MatrixXd& points, MatrixXd& values) {
                f.evaluate(points.col(0), points.rightCols(columns), values, values.rows());
            };
            if (bends_unseen(scheme, f, at, begin[std::size_t(g)][l], H[std::size_t(g)][l], allowed, evaluate))
                return false;
        }
        return true;
    }
    MatrixXd source, rest;  // of residuals: what they come to at the points (S, n), and the largest (K, n)

    void estimate(Chained& result) {
        MatrixXd values, slopes;
        E.setZero(), e.setZero();
        chain(VectorXd::Zero(Index(n)), nullptr, nullptr);
        backward(E);
        e += change;
        double last = infinity;
        bool told = exact();
        double left = 0;  // of further corrections, over the states' sizes
        for (Index correction = 0; correction < most_corrections && !told; ++correction) {
            values = Y + E, slopes = a + e;
            f.evaluate(x, values, F, S);
            for (Index g = 0; g < groups; ++g) residual(g, slopes, values, source.data()), forward(g);
            chain(VectorXd::Zero(Index(n)), &values, &slopes);
            const double now = backward(E), theta = correction == 0 ? assumed : now / last;
            e += change;
            if (!(theta < slowest_correction)) break;
            left = theta / (1 - theta) * now;
            told = left <= enough_correction * std::max(largest_error(nullptr), options.tolerance);
            last = now;
        }
        result.error.resize(Index(n));
        result.relative_error = between_points * largest_error(result.error.data()) + left;
        result.error = between_points * result.error + left * scale.row(scale.rows() - 1).transpose();
        if (!told) result.error.setConstant(infinity), result.relative_error = infinity;
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

template <int N>
Chained solve(const WindowScheme& scheme, RightHandSide& f, const VectorXd& y0, const VectorXd& edges,
              const Chain::Options& options, MatrixXd& values) {
    Run<N> run(scheme, f, options, edges);
    const Index K = run.K, n = run.n;
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
    switch (f.n()) {
        case 1:
            return STLFAST_NAMESPACE::solve<1>(*scheme_, f, y0, edges, options, values);
        case 2:
            return STLFAST_NAMESPACE::solve<2>(*scheme_, f, y0, edges, options, values);
        case 3:
            return STLFAST_NAMESPACE::solve<3>(*scheme_, f, y0, edges, options, values);
        case 4:
            return STLFAST_NAMESPACE::solve<4>(*scheme_, f, y0, edges, options, values);
        default:
            return STLFAST_NAMESPACE::solve<0>(*scheme_, f, y0, edges, options, values);
    }
}

}  // namespace STLFAST_NAMESPACE
