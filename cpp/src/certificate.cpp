#include "stlfast/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <stdexcept>

#include "stlfast/decompositions.hpp"
#include "stlfast/dense.hpp"
#include "stlfast/math.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Certificate::Certificate(VectorXd x) : x_(std::move(x)) {
    if (x_.size() < 2) throw std::invalid_argument("Certificate: needs at least 2 check points");
    step_ = x_.tail(x_.size() - 1) - x_.head(x_.size() - 1);
}

void Certificate::bound(const MatrixXd& A, const Defect& defect, Bound result, Workspace& w) const {
    if (A.rows() > 1) return bound_varying(A, defect, result, w);
    w.schur.compute(Eigen::Map<const VectorXd>(A.data(), A.size()), defect.initial.size());
    bound_schur(defect, result, w);
}

void Certificate::bound_schur(const Defect& defect, Bound result, Workspace& w) const {
    const Index n = defect.initial.size();
    const MatrixXcd& T = w.schur.T();
    w.real = w.schur.Q().real(), w.imaginary = w.schur.Q().imag();
    w.modulus = w.schur.Q().cwiseAbs();
    w.z.resize(x_.size(), n);
    for (Index k = n - 1; k >= 0; --k) {
        rotate(defect, k, w);
        for (Index l = k + 1; l < n; ++l)
            if (const double coupling = std::abs(T(k, l)); coupling > 0) w.source += coupling * w.z.col(l);
        const double real = w.real.col(k).dot(defect.initial), imaginary = w.imaginary.col(k).dot(defect.initial);
        w.rate.setConstant(step_.size(), T(k, k).real());
        integrate(std::hypot(real, imaginary) + w.modulus.col(k).dot(defect.initial_rounding), w.z.col(k), w);
    }
    w.source.resize(x_.size()), w.rows = w.modulus.transpose();
    for (Index i = 0; i < n; ++i) {
        dense::product(w.z, w.rows.col(i), w.source);
        result[i] = w.source.maxCoeff();
    }
}

void Certificate::rotate(const Defect& defect, Index k, Workspace& w) const {
    w.source.resize(x_.size()), w.rotated.resize(x_.size());
    dense::product(defect.residual, w.real.col(k), w.source);
    if (w.imaginary.col(k).cwiseAbs().maxCoeff() == 0) {
        w.source = w.source.cwiseAbs();
    } else {
        dense::product(defect.residual, w.imaginary.col(k), w.rotated);
        w.source = (w.source.cwiseAbs2() + w.rotated.cwiseAbs2()).cwiseSqrt();
    }
    dense::product(defect.residual_rounding, w.modulus.col(k), w.rotated);
    w.source += w.rotated;
}

void Certificate::bound_varying(const MatrixXd& A, const Defect& defect, Bound result, Workspace& w) const {
    const Index n = defect.initial.size(), C = x_.size();
    // S = D⁻¹ Qᴴ, with a diagonal D that shrinks what lies above the diagonal of T until it is no stiffness of its own.
    w.schur.compute(A.row(C / 2).transpose(), n);
    const MatrixXcd &T = w.schur.T(), &Q = w.schur.Q();
    VectorXd d = VectorXd::Ones(n);
    for (Index k = 1; k < n; ++k) {
        const double above = T.col(k).head(k).cwiseAbs().maxCoeff(), gap = 1 + std::abs(T(k, k) - T(k - 1, k - 1));
        d[k] = d[k - 1] * std::min(1.0, gap / std::max(above, gap));
    }
    const MatrixXcd S = d.cwiseInverse().asDiagonal() * Q.adjoint();
    const MatrixXcd inverse = Q * d.asDiagonal();

    ArrayXd rate(C);
    for (Index q = 0; q < C; ++q) {
        const VectorXd entries = A.row(q);
        const MatrixXcd left = S.lazyProduct(Eigen::Map<const RowMajor>(entries.data(), n, n));
        const MatrixXcd similar = left.lazyProduct(inverse);  // few rows, and complex products take long to compile
        rate[q] = largest_eigenvalue(0.5 * (similar + similar.adjoint()));
    }
    const MatrixXd modulus = S.cwiseAbs();
    w.source = defect.residual.lazyProduct(S.transpose()).rowwise().norm() +
               defect.residual_rounding.lazyProduct(modulus.transpose()).rowwise().norm();
    const double start = S.lazyProduct(defect.initial).norm() + modulus.lazyProduct(defect.initial_rounding).norm();
    w.z.resize(C, 1);
    w.rate = rate.matrix().head(C - 1).cwiseMax(rate.matrix().tail(C - 1));
    integrate(start, w.z.col(0), w);
    result = inverse.rowwise().norm() * w.z.maxCoeff();
}

void Certificate::integrate(double initial, Bound z, Workspace& w) const {
    const Index intervals = step_.size();
    w.integral = w.rate * step_;
    w.growth.resize(intervals);
    math::exp(w.integral.data(), w.growth.data(), intervals);
    // ∫ e^{rate (h−s)} ds = (e^{rate h} − 1)/rate; where that cancels, an upper bound of it.
    w.integral = (w.integral.abs() > 1e-5).select((w.growth - 1) / w.rate, step_ * w.growth.max(1.0));
    // Between samples the source can rise above both: by an eighth of its second difference, where it is a parabola.
    if (intervals > 1) {
        w.bulge = (w.source.head(intervals - 1) - 2 * w.source.segment(1, intervals - 1) + w.source.tail(intervals - 1))
                      .array()
                      .abs();
        w.source.segment(1, intervals - 1) += (w.bulge / 8).matrix();
    }
    w.larger = w.source.head(intervals).cwiseMax(w.source.tail(intervals));
    w.larger *= w.integral;
    // Four steps at once, each from the first one's start: the processor waits for a fourth of the multiplications.
    z[0] = initial;
    for (Index q = 0; q < intervals;) {
        const double start = z[q];
        double growth = 1, sum = 0;
        for (const Index end = std::min(q + 4, intervals); q < end; ++q) {
            growth *= w.growth[q];
            sum = w.growth[q] * sum + w.larger[q];
            z[q + 1] = growth * start + sum;
        }
    }
}

}  // namespace STLFAST_NAMESPACE
