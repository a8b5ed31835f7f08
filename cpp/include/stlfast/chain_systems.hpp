// The linear systems of a Newton step on windows (chain.hpp), four of them side by side, a group:
//
//   (D ⊗ I − H diag(J_1 … J_s)) x = right − d_0 ⊗ a
//
// First what `right` makes of the windows' ends, then, when the changes a at their beginnings are known, all of x; and
// how the ends follow the beginnings.
//
// n states, s points.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <vector>

#include "stlfast/lanes.hpp"
#include "stlfast/window_scheme.hpp"

namespace STLFAST_NAMESPACE {

// With one Jacobian J for all points of a window, the one in its middle: split into (s + 1)/2 systems λ_l I − H J, the
// first of them real. So an end follows its beginning as S = R(H J), with the stability function R of the scheme.
//
// Where J differs much from point to point, rows are scaled: multiplied by P_q = (μ − H J)(μ − H J_q)⁻¹, so that what
// is stiff is as in the middle (the residual of a stiff row is J_q times the error).
template <Eigen::Index n>
class Split {
  public:
    static constexpr Eigen::Index s = WindowScheme::s, systems = (s + 1) / 2;
    static constexpr bool exact_in_time = false;  // whether linear equations with a varying A are solved exactly

    Split(const WindowScheme& scheme, Eigen::Index groups)
        : scheme_(scheme),
          scaled_(std::size_t(groups), false),
          made_for_(std::size_t(groups)),
          real_(groups * n * n),
          z_real_(groups * n),
          complex_(groups * (systems - 1) * n * n),
          z_complex_(groups * (systems - 1) * n),
          transfer_(groups * n * n),
          ends_(groups * n),
          lambda_re_(scheme.points.eigenvalues().real()),
          lambda_im_(scheme.points.eigenvalues().imag()),
          of_start_(-scheme.points.inverse_vectors() * scheme.points.D().col(0)) {}

    // Iterations that take longer than factoring anew and one more.
    double worth_factoring() const { return 1.5 + double(n * n) / double(2 * n + 20); }
    // The systems of the group before serve this one too, which has the same matrices.
    static constexpr bool can_share = true;
    void share(Eigen::Index g) { made_for_[std::size_t(g)] = made_for_[std::size_t(g - 1)]; }

    static constexpr bool can_scale = true;
    void scale(Eigen::Index g) {  // the rows of a group
        if (!any_) rows_ = Lanes(Eigen::Index(scaled_.size()) * s * n * n), before_ = Lanes(n * s);
        any_ = true, scaled_[std::size_t(g)] = true;
    }

    // Jacobians are asked for at all points, or in the middle of each window; where those of a point begin.
    bool at_all_points() const { return any_; }
    Eigen::Index row(Eigen::Index g, Eigen::Index q) const { return (any_ ? g * s + q : g) * lanes; }

    // J (points, n²), row-major.
    void factor(Eigen::Index g, const Lane& H, const Eigen::MatrixXd& J) {
        using Eigen::Index;
        const Index middle = row(g, (s - 1) / 2);
        made_for_[std::size_t(g)] = g;
        Lane* const A = &real_[g * n * n];
        ComplexLane* const C = &complex_[g * (systems - 1) * n * n];
        for (Index j = 0; j < n; ++j)
            for (Index i = 0; i < n; ++i) {
                const Lane entry = -H * load(J, i * n + j, middle);
                A[i + j * n] = entry;
                if (i == j) A[i + j * n] += lambda_re_[0];
                for (Index l = 1; l < systems; ++l) {
                    ComplexLane& c = C[(l - 1) * n * n + i + j * n];
                    c.re = entry, c.im.setZero();
                    if (i == j) c.re += lambda_re_[l], c.im += lambda_im_[l];
                }
            }
        invert<Real, n>(A);
        for (Index l = 1; l < systems; ++l) invert<Complex, n>(C + (l - 1) * n * n);
        Lane* const T = &transfer_[g * n * n];
        const double real = vectors()(s - 1, 0) * of_start_[0];
        for (Index k = 0; k < n * n; ++k) T[k] = real * A[k];
        for (Index l = 1; l < systems; ++l) {  // Re of (v_re − i v_im)(g_re + i g_im) C
            const double vr = vectors()(s - 1, 2 * l - 1), vi = vectors()(s - 1, 2 * l);
            const double gr = of_start_[2 * l - 1], gi = of_start_[2 * l];
            for (Index k = 0; k < n * n; ++k) {
                const ComplexLane& c = C[(l - 1) * n * n + k];
                T[k] += (vr * gr + vi * gi) * c.re + (vi * gr - vr * gi) * c.im;
            }
        }
        for (Index q = 0; q < s && scaled_[std::size_t(g)]; ++q) scaling(g, q, H, J);
    }

    // right (n, s) by states, four windows in each.
    void forward(Eigen::Index g, Lane* right) {
        using Eigen::Index;
        if (scaled_[std::size_t(g)]) scale_rows(g, right);
        Lane transformed[s], *const end = &ends_[g * n];
        Lane* const zr = &z_real_[g * n];
        ComplexLane* const zc = &z_complex_[g * (systems - 1) * n];
        for (Index i = 0; i < n; ++i) zr[i].setZero();
        for (Index i = 0; i < (systems - 1) * n; ++i) zc[i].re.setZero(), zc[i].im.setZero();
        for (Index j = 0; j < n; ++j) {
            combine<s, s>(scheme_.points.inverse_vectors().data(), right + j * s, transformed);
            add(g, j, transformed, zr, zc);
        }
        for (Index i = 0; i < n; ++i) {
            end[i] = vectors()(s - 1, 0) * zr[i];
            for (Index l = 1; l < systems; ++l)
                end[i] += vectors()(s - 1, 2 * l - 1) * zc[(l - 1) * n + i].re +
                          vectors()(s - 1, 2 * l) * zc[(l - 1) * n + i].im;
        }
    }
    const Lane* ends(Eigen::Index g) const { return &ends_[g * n]; }                        // (n), with a = 0
    const Lane* transfer(Eigen::Index g) const { return &transfer_[made_for(g) * n * n]; }  // (n, n) of a

    // x (n, s) with the changes a (n); once for each `forward`.
    void backward(Eigen::Index g, const Lane* a, Lane* x) {
        using Eigen::Index;
        Lane* const zr = &z_real_[g * n];
        ComplexLane* const zc = &z_complex_[g * (systems - 1) * n];
        Lane w[s];
        for (Index j = 0; j < n; ++j) {
            for (Index q = 0; q < s; ++q) w[q] = of_start_[q] * a[j];
            add(g, j, w, zr, zc);
        }
        for (Index i = 0; i < n; ++i) {
            w[0] = zr[i];
            for (Index l = 1; l < systems; ++l)
                w[2 * l - 1] = zc[(l - 1) * n + i].re, w[2 * l] = zc[(l - 1) * n + i].im;
            combine<s, s>(vectors().data(), w, x + i * s);
        }
    }

  private:
    const Eigen::MatrixXd& vectors() const { return scheme_.points.vectors(); }  // V (s, s)
    Eigen::Index made_for(Eigen::Index g) const { return made_for_[std::size_t(g)]; }

    void add(Eigen::Index g, Eigen::Index j, const Lane* value, Lane* zr, ComplexLane* zc) const {
        using Eigen::Index;
        const Lane* const A = &real_[made_for(g) * n * n + j * n];
        const ComplexLane* const C = &complex_[made_for(g) * (systems - 1) * n * n + j * n];
        for (Index i = 0; i < n; ++i) zr[i] += A[i] * value[0];
        for (Index l = 1; l < systems; ++l)
            for (Index i = 0; i < n; ++i) {
                const ComplexLane& c = C[(l - 1) * n * n + i];
                ComplexLane& to = zc[(l - 1) * n + i];
                to.re += c.re * value[2 * l - 1] - c.im * value[2 * l];
                to.im += c.re * value[2 * l] + c.im * value[2 * l - 1];
            }
    }

    void scaling(Eigen::Index g, Eigen::Index q, const Lane& H, const Eigen::MatrixXd& J) {
        using Eigen::Index;
        const Index at = row(g, q), middle = row(g, (s - 1) / 2);
        const double mu = lambda_re_[0];
        Lane inner[n * n];
        for (Index j = 0; j < n; ++j)
            for (Index i = 0; i < n; ++i) {
                inner[i + j * n] = -H * load(J, i * n + j, at);
                if (i == j) inner[i + j * n] += mu;
            }
        invert<Real, n>(inner);
        Lane* const P = &rows_[(g * s + q) * n * n];
        for (Index j = 0; j < n; ++j) {
            for (Index i = 0; i < n; ++i) P[i + j * n] = mu * inner[i + j * n];
            for (Index k = 0; k < n; ++k) {
                const Lane by = -H * inner[k + j * n];
                for (Index i = 0; i < n; ++i) P[i + j * n] += load(J, i * n + k, middle) * by;
            }
        }
    }

    void scale_rows(Eigen::Index g, Lane* right) {
        using Eigen::Index;
        std::copy_n(right, n * s, before_.data());
        for (Index q = 0; q < s; ++q) {
            const Lane* const P = &rows_[(g * s + q) * n * n];
            for (Index i = 0; i < n; ++i) {
                Lane sum = P[i] * before_[q];
                for (Index j = 1; j < n; ++j) sum += P[i + j * n] * before_[j * s + q];
                right[i * s + q] = sum;
            }
        }
    }

    const WindowScheme& scheme_;
    bool any_ = false;                    // whether rows of any group are scaled
    std::vector<char> scaled_;            // of each
    std::vector<Eigen::Index> made_for_;  // the group whose matrices are those of each
    Lanes real_, z_real_;
    ComplexLanes complex_, z_complex_;
    Lanes transfer_, ends_, rows_, before_;
    Eigen::VectorXd lambda_re_, lambda_im_, of_start_;  // the last V⁻¹ (−d_0)
};

// With the Jacobians of all points, by elimination of one point after the other: for few states it takes hardly more
// than Split, and steps that Newton's method squares.
template <Eigen::Index n>
class Whole {
  public:
    static constexpr Eigen::Index s = WindowScheme::s;
    static constexpr bool exact_in_time = true;

    Whole(const WindowScheme& scheme, Eigen::Index groups)
        : D_(scheme.points.D()), blocks_(groups * s * s * n * n), of_start_(groups * s * n * n), z_(groups * s * n) {}

    double worth_factoring() const { return 1.5 + n; }
    static constexpr bool can_share = false;
    static constexpr bool can_scale = false;
    void scale(Eigen::Index) {}
    bool at_all_points() const { return true; }
    Eigen::Index row(Eigen::Index g, Eigen::Index q) const { return (g * s + q) * lanes; }

    void factor(Eigen::Index g, const Lane& H, const Eigen::MatrixXd& J) {
        using Eigen::Index;
        Lane product[n * n];
        const auto diagonal = [&](Index q) {
            Lane* const to = block(g, q, q);
            for (Index j = 0; j < n; ++j)
                for (Index i = 0; i < n; ++i) {
                    to[i + j * n] = -H * load(J, i * n + j, row(g, q));
                    if (i == j) to[i + j * n] += D_(q, q + 1);
                }
        };
        diagonal(0);
        invert<Real, n>(block(g, 0, 0));
        for (Index r = 1; r < s; ++r) {
            for (Index k = 0; k < n * n; ++k) block(g, r, 0)[k] = D_(r, 1) * block(g, 0, 0)[k];
            diagonal(r);
            for (Index c = 1; c < s; ++c)
                for (Index k = 0; k < n * n; ++k) {
                    Lane& to = block(g, r, c)[k];
                    const Lane less = D_(0, c + 1) * block(g, r, 0)[k];
                    if (c == r)
                        to -= less;
                    else if (k % (n + 1) == 0)
                        to = D_(r, c + 1) - less;
                    else
                        to = -less;
                }
        }
        for (Index k = 1; k < s; ++k) {
            invert<Real, n>(block(g, k, k));
            for (Index r = k + 1; r < s; ++r) {
                for (Lane& entry : product) entry.setZero();
                subtract(block(g, r, k), block(g, k, k), product);
                for (Index e = 0; e < n * n; ++e) block(g, r, k)[e] = -product[e];
                for (Index c = k + 1; c < s; ++c) subtract(block(g, r, k), block(g, k, c), block(g, r, c));
            }
        }
        for (Index q = 0; q < s; ++q)
            for (Index k = 0; k < n * n; ++k) start(g, q)[k].setConstant(k % (n + 1) == 0 ? -D_(q, 0) : 0.0);
        for (Index k = 0; k < s; ++k)
            for (Index r = k + 1; r < s; ++r) subtract(block(g, r, k), start(g, k), start(g, r));
        for (Lane& entry : product) entry.setZero();
        subtract(block(g, s - 1, s - 1), start(g, s - 1), product);
        for (Index e = 0; e < n * n; ++e) start(g, s - 1)[e] = -product[e];
    }

    void forward(Eigen::Index g, Lane* right) {
        using Eigen::Index;
        Lane* const z = &z_[g * s * n];
        for (Index q = 0; q < s; ++q)
            for (Index i = 0; i < n; ++i) z[q * n + i] = right[i * s + q];
        for (Index r = 1; r < s; ++r)
            for (Index k = 0; k < r; ++k) apply(block(g, r, k), z + k * n, z + r * n);
        solve(g, s - 1, z + (s - 1) * n);
    }
    const Lane* ends(Eigen::Index g) const { return &z_[(g * s + s - 1) * n]; }
    const Lane* transfer(Eigen::Index g) const { return &of_start_[(g * s + s - 1) * n * n]; }

    void backward(Eigen::Index g, const Lane* a, Lane* x) {
        using Eigen::Index;
        Lane* const z = &z_[g * s * n];
        Lane less[n];
        for (Index i = 0; i < n; ++i) less[i] = -a[i];
        for (Index q = s - 1; q >= 0; --q) {
            apply(start(g, q), less, z + q * n);
            if (q == 0)
                for (Index c = 1; c < s; ++c)
                    for (Index i = 0; i < n; ++i) z[i] -= D_(0, c + 1) * z[c * n + i];
            else
                for (Index c = q + 1; c < s; ++c) apply(block(g, q, c), z + c * n, z + q * n);
            if (q < s - 1) solve(g, q, z + q * n);
            for (Index i = 0; i < n; ++i) x[i * s + q] = z[q * n + i];
        }
    }

  private:
    // Below the diagonal the factors of rows, on it inverses, above it what is left; the first row's is D_0c I.
    Lane* block(Eigen::Index g, Eigen::Index r, Eigen::Index c) { return &blocks_[((g * s + r) * s + c) * n * n]; }
    Lane* start(Eigen::Index g, Eigen::Index q) { return &of_start_[(g * s + q) * n * n]; }

    static void subtract(const Lane* A, const Lane* B, Lane* from) {  // A B
        for (Eigen::Index j = 0; j < n; ++j) apply(A, B + j * n, from + j * n);
    }
    static void apply(const Lane* A, const Lane* v, Lane* from) {
        for (Eigen::Index i = 0; i < n; ++i) {
            Lane sum = from[i];
            for (Eigen::Index k = 0; k < n; ++k) sum -= A[i + k * n] * v[k];
            from[i] = sum;
        }
    }
    void solve(Eigen::Index g, Eigen::Index q, Lane* z) {
        const Lane* const A = block(g, q, q);
        Lane result[n];
        for (Eigen::Index i = 0; i < n; ++i) {
            result[i] = A[i] * z[0];
            for (Eigen::Index k = 1; k < n; ++k) result[i] += A[i + k * n] * z[k];
        }
        for (Eigen::Index i = 0; i < n; ++i) z[i] = result[i];
    }

    Eigen::MatrixXd D_;  // (s, s + 1)
    Lanes blocks_, of_start_, z_;
};

}  // namespace STLFAST_NAMESPACE
