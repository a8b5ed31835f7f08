#include "stlfast/certificate.hpp"

#include <Eigen/Jacobi>
#include <cmath>
#include <complex>
#include <stdexcept>

#include "stlfast/math.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

MatrixXd as_matrix(const MatrixXd& A, Index row, Index n) {
    const VectorXd entries = A.row(row);
    return Eigen::Map<const RowMajor>(entries.data(), n, n);
}

// Exchanges neighbouring eigenvalues of the Schur form until the fastest decay comes first. The last Schur vectors are
// then left eigenvectors of the slow modes, so that no stiff residual leaks into what has a long memory.
void order_by_decay(MatrixXcd& T, MatrixXcd& Q) {
    const Index n = T.rows();
    for (Index pass = 0; pass + 1 < n; ++pass)
        for (Index k = 0; k + 1 < n - pass; ++k) {
            if (T(k, k).real() <= T(k + 1, k + 1).real()) continue;
            Eigen::JacobiRotation<std::complex<double>> rotation;
            rotation.makeGivens(T(k, k + 1), T(k + 1, k + 1) - T(k, k));
            T.applyOnTheLeft(k, k + 1, rotation.adjoint());
            T.applyOnTheRight(k, k + 1, rotation);
            Q.applyOnTheRight(k, k + 1, rotation);
            T(k + 1, k) = 0;
        }
}

}  // namespace

Certificate::Certificate(VectorXd x) : x_(std::move(x)) {
    if (x_.size() < 2) throw std::invalid_argument("Certificate: needs at least 2 check points");
    step_ = x_.tail(x_.size() - 1) - x_.head(x_.size() - 1);
}

VectorXd Certificate::bound(const MatrixXd& A, const Defect& defect, Workspace& workspace) const {
    return A.rows() == 1 ? bound_constant(A, defect, workspace) : bound_varying(A, defect, workspace);
}

VectorXd Certificate::bound_constant(const MatrixXd& A, const Defect& defect, Workspace& workspace) const {
    const Index n = defect.initial.size();
    workspace.schur.compute(as_matrix(A, 0, n).cast<std::complex<double>>());
    MatrixXcd &T = workspace.T, &Q = workspace.Q;
    T = workspace.schur.matrixT(), Q = workspace.schur.matrixU();
    order_by_decay(T, Q);
    auto &rotated = workspace.rotated, &z = workspace.z;
    const MatrixXd modulus = Q.cwiseAbs();
    rotated = (defect.residual * Q.conjugate()).cwiseAbs() + defect.residual_rounding * modulus;
    const VectorXd start = (Q.adjoint() * defect.initial).cwiseAbs() + modulus.transpose() * defect.initial_rounding;
    z.resize(x_.size(), n);
    for (Index k = n - 1; k >= 0; --k) {
        workspace.source = rotated.col(k);
        for (Index l = k + 1; l < n; ++l) workspace.source += std::abs(T(k, l)) * z.col(l).array();
        integrate(ArrayXd::Constant(step_.size(), T(k, k).real()), start[k], z.col(k), workspace);
    }
    return (z * modulus.transpose()).colwise().maxCoeff();
}

VectorXd Certificate::bound_varying(const MatrixXd& A, const Defect& defect, Workspace& workspace) const {
    const Index n = defect.initial.size(), C = x_.size();
    workspace.schur.compute(as_matrix(A, C / 2, n).cast<std::complex<double>>());
    // S = D⁻¹ Qᴴ, with a diagonal D that shrinks what lies above the diagonal of T until it is no stiffness of its own.
    MatrixXcd T = workspace.schur.matrixT(), Q = workspace.schur.matrixU();
    order_by_decay(T, Q);
    VectorXd d = VectorXd::Ones(n);
    for (Index k = 1; k < n; ++k) {
        const double above = T.col(k).head(k).cwiseAbs().maxCoeff(), gap = 1 + std::abs(T(k, k) - T(k - 1, k - 1));
        d[k] = d[k - 1] * std::min(1.0, gap / std::max(above, gap));
    }
    const MatrixXcd S = d.cwiseInverse().asDiagonal() * Q.adjoint();
    const MatrixXcd inverse = Q * d.asDiagonal();

    ArrayXd rate(C);
    for (Index q = 0; q < C; ++q) {
        const MatrixXcd similar = S * as_matrix(A, q, n) * inverse;
        rate[q] = Eigen::SelfAdjointEigenSolver<MatrixXcd>(0.5 * (similar + similar.adjoint())).eigenvalues()[n - 1];
    }
    const MatrixXd modulus = S.cwiseAbs();
    workspace.source = (defect.residual * S.transpose()).rowwise().norm() +
                       (defect.residual_rounding * modulus.transpose()).rowwise().norm();
    const double start = (S * defect.initial).norm() + (modulus * defect.initial_rounding).norm();
    workspace.z.resize(C, 1);
    const ArrayXd left = rate.head(C - 1), right = rate.tail(C - 1);
    integrate(left.max(right), start, workspace.z.col(0), workspace);
    return inverse.rowwise().norm() * workspace.z.maxCoeff();
}

void Certificate::integrate(const ArrayXd& rate, double initial, Eigen::Ref<VectorXd> z, Workspace& workspace) const {
    const Index intervals = step_.size();
    auto &growth = workspace.growth, &integral = workspace.integral;
    integral = rate * step_;
    growth.resize(intervals);
    math::exp(integral.data(), growth.data(), intervals);
    // ∫ e^{rate (h−s)} ds = (e^{rate h} − 1)/rate; where that cancels, an upper bound of it.
    integral = (integral.abs() > 1e-5).select((growth - 1) / rate, step_ * growth.max(1.0));
    // Between samples the source can rise above both: by an eighth of its second difference, where it is a parabola.
    auto& source = workspace.source;
    auto& bulge = workspace.bulge;
    bulge.setZero(source.size());
    if (intervals > 1)
        bulge.segment(1, intervals - 1) =
            (source.head(intervals - 1) - 2 * source.segment(1, intervals - 1) + source.tail(intervals - 1)).abs() / 8;
    source += bulge;
    z[0] = initial;
    for (Index q = 0; q < intervals; ++q)
        z[q + 1] = growth[q] * z[q] + integral[q] * std::max(workspace.source[q], workspace.source[q + 1]);
}

}  // namespace STLFAST_NAMESPACE
