#include "stlfast/error_estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "stlfast/buffer.hpp"
#include "stlfast/decompositions.hpp"
#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// Matrices (K, 4), row-major, of two rows and columns each, all inverted at once; inverse (K), of the determinants.
void invert_two(Map<MatrixXd> M, Map<VectorXd> inverse) {
    M.col(0).swap(M.col(3));
    M.col(1) *= -1, M.col(2) *= -1;
    inverse = (M.col(0).cwiseProduct(M.col(3)) - M.col(1).cwiseProduct(M.col(2))).cwiseInverse();
    for (Index k = 0; k < 4; ++k) M.col(k).array() *= inverse.array();
}

// From step to step, for any number of states; a fixed one is several times as fast, and allocates nothing.
template <int size>
void propagate(const ArrayXd& step, const Map<MatrixXd>& J, const Map<MatrixXd>& left, const double* initial,
               double* largest) {
    using Matrix = Eigen::Matrix<double, size, size>;
    using RowMajor = Eigen::Matrix<double, size, size, Eigen::RowMajor>;
    using Vector = Eigen::Matrix<double, size, 1>;
    const Index n = left.cols();
    RowMajor before(n, n), after(n, n);
    Matrix M(n, n), half(n, n);
    Vector e(n), right(n);
    Eigen::PartialPivLU<Matrix> lu(n);
    const auto factor = [&] {
        if constexpr (size == Eigen::Dynamic)
            decompose(lu, M);
        else
            lu.compute(M);
    };
    const auto solve = [&](auto& x) {  // in place
        if constexpr (size == Eigen::Dynamic)
            for (Index j = 0; j < x.cols(); ++j) solve_in_place(lu, x.col(j));
        else
            x = lu.solve(x).eval();
    };
    const auto row = [&](Index q, RowMajor& to) {
        for (Index k = 0; k < n * n; ++k) to.data()[k] = J(q, k);
    };
    for (Index i = 0; i < n; ++i) e[i] = initial ? initial[i] : 0;
    row(0, after);
    for (Index q = 0; q < step.size(); ++q) {
        const double h = step[q];
        before = after;
        row(q + 1, after);
        M = -0.5 * h * before;
        M.diagonal().array() += 1;
        factor();
        right = e + 0.5 * h * (left.row(q) - left.row(q + 1)).transpose();
        e = right;
        solve(e);
        half = 0.5 * h * after;
        M = half;
        solve(M);
        M -= 2 * half;
        M.diagonal().array() += 1;
        right = e + h * left.row(q + 1).transpose();
        factor();
        e = right;
        solve(e);
        for (Index i = 0; i < n; ++i) largest[i] = std::max(largest[i], std::abs(e[i]));
    }
    if (!e.allFinite()) std::fill_n(largest, n, std::numeric_limits<double>::infinity());
}

}  // namespace

ErrorEstimate::ErrorEstimate(const Family& family, VectorXd x) : family_(&family), x_(std::move(x)) {
    if (x_.size() < 2) throw std::invalid_argument("ErrorEstimate: needs at least 2 check points");
    if (!family.N || !family.J) throw std::invalid_argument("ErrorEstimate: needs a nonlinear family with programs");
    step_ = x_.tail(x_.size() - 1) - x_.head(x_.size() - 1);
}

void ErrorEstimate::prepare(const double* parameters, Workspace& w) const {
    const Index n = family_->n, C = x_.size();
    const Map<const VectorXd> p(parameters, family_->n_parameters());
    family_->A.evaluate(x_, p, part(w.A, C, n * n), w.program);
    family_->b.evaluate(x_, p, part(w.b, C, n), w.program);
}

double ErrorEstimate::operator()(const double* parameters, const double* values, double* slopes, const double* initial,
                                 double* largest, double* scale, Workspace& w) const {
    const Index n = family_->n, C = x_.size();
    const Map<const VectorXd> p(parameters, family_->n_parameters());
    const Map<const MatrixXd> y(values, C, n);
    Map<MatrixXd> left(slopes, C, n);  // y', then ρ
    auto xy = part(w.points, C, 1 + n);
    xy << x_, y;
    auto N = part(w.N, C, n), J = part(w.J, C, n * n);
    const auto A = part(w.A, C, n * n), b = part(w.b, C, n);
    family_->N->evaluate(xy, p, N, w.program);
    family_->J->evaluate(xy, p, J, w.program);
    left = N + b - left;
    for (Index i = 0; i < n; ++i)
        for (Index s = 0; s < n; ++s) left.col(i).array() += A.col(i * n + s).array() * y.col(s).array();
    J += A;

    double residual = 0;
    for (Index i = 0; i < n; ++i) {
        scale[i] = y.col(i).cwiseAbs().maxCoeff();
        const double worst = (x_.array() * left.col(i).array().abs()).maxCoeff();
        residual = std::max(residual, scale[i] > 0 ? worst / scale[i] : worst);
        largest[i] = initial ? std::abs(initial[i]) : 0;
    }
    if (n == 2)
        propagate_two(J, left, initial, largest, w);
    else if (n == 3)
        propagate<3>(step_, J, left, initial, largest);
    else
        propagate<Eigen::Dynamic>(step_, J, left, initial, largest);
    for (Index i = 0; i < n; ++i) largest[i] += (rounding + left_out_of_values) * scale[i];
    return residual;
}

void ErrorEstimate::propagate_two(const Map<MatrixXd>& J, const Map<MatrixXd>& left, const double* initial,
                                  double* largest, Workspace& w) const {
    const Index K = step_.size();
    auto M = part(w.inverse, K, 4), S = part(w.S, K, 4), P = part(w.propagator, K, 4), source = part(w.source, K, 2);
    const auto from = [&](const Map<MatrixXd>& values, Index column) { return values.col(column).head(K).array(); };
    const auto to = [&](const Map<MatrixXd>& values, Index column) { return values.col(column).tail(K).array(); };
    for (Index k = 0; k < 4; ++k) M.col(k) = double(k % 3 == 0) - 0.5 * step_ * from(J, k);
    invert_two(M, part(w.determinant, K));
    for (Index k = 0; k < 4; ++k) {
        const Index i = k / 2, j = k % 2;
        S.col(k) =
            double(i == j) + step_ * (0.5 * (from(M, 2 * i) * to(J, j) + from(M, 2 * i + 1) * to(J, 2 + j)) - to(J, k));
    }
    invert_two(S, part(w.determinant, K));
    for (Index k = 0; k < 4; ++k) {
        const Index i = k / 2, j = k % 2;
        P.col(k) = from(S, 2 * i) * from(M, j) + from(S, 2 * i + 1) * from(M, 2 + j);
    }
    for (Index i = 0; i < 2; ++i)
        source.col(i) = step_ * (0.5 * (from(P, 2 * i) * (from(left, 0) - to(left, 0)) +
                                        from(P, 2 * i + 1) * (from(left, 1) - to(left, 1))) +
                                 from(S, 2 * i) * to(left, 0) + from(S, 2 * i + 1) * to(left, 1));
    double e0 = initial ? initial[0] : 0, e1 = initial ? initial[1] : 0;
    for (Index q = 0; q < K; ++q) {
        const double u = e0, v = e1;
        e0 = P(q, 0) * u + P(q, 1) * v + source(q, 0), e1 = P(q, 2) * u + P(q, 3) * v + source(q, 1);
        largest[0] = std::max(largest[0], std::abs(e0)), largest[1] = std::max(largest[1], std::abs(e1));
    }
    if (!std::isfinite(e0 + e1)) largest[0] = largest[1] = std::numeric_limits<double>::infinity();
}

}  // namespace STLFAST_NAMESPACE
