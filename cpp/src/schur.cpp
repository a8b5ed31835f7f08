#include "stlfast/schur.hpp"

#include <Eigen/Jacobi>
#include <complex>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void Schur::compute(const Eigen::Ref<const Eigen::VectorXd>& entries, Index n) {
    A_ = Eigen::Map<const RowMajor>(entries.data(), n, n);
    if (A_ == A_.transpose())
        compute_symmetric();
    else
        compute_general();
}

// Eigenvalues come in increasing order, which is the fastest decay first.
void Schur::compute_symmetric() {
    symmetric_.compute(A_);
    T_.setZero(A_.rows(), A_.rows());
    T_.diagonal() = symmetric_.eigenvalues().cast<std::complex<double>>();
    Q_ = symmetric_.eigenvectors().cast<std::complex<double>>();
}

void Schur::compute_general() {
    const Index n = A_.rows();
    complex_ = A_.cast<std::complex<double>>();
    if (n == 1) {
        T_ = complex_;
        Q_.setOnes(1, 1);
        return;
    }
    hessenberg_.compute(complex_);
    hessenberg_.matrixH().evalTo(H_);
    Q_.resize(n, n);
    temporary_.resize(n);
    hessenberg_.matrixQ().evalTo(Q_, temporary_);
    triangular_.computeFromHessenberg(H_, Q_, true);
    T_ = triangular_.matrixT(), Q_ = triangular_.matrixU();
    order_by_decay();
}

// Exchanges neighbouring eigenvalues until they are in order.
void Schur::order_by_decay() {
    const Index n = T_.rows();
    for (Index pass = 0; pass + 1 < n; ++pass)
        for (Index k = 0; k + 1 < n - pass; ++k) {
            if (T_(k, k).real() <= T_(k + 1, k + 1).real()) continue;
            Eigen::JacobiRotation<std::complex<double>> rotation;
            rotation.makeGivens(T_(k, k + 1), T_(k + 1, k + 1) - T_(k, k));
            T_.applyOnTheLeft(k, k + 1, rotation.adjoint());
            T_.applyOnTheRight(k, k + 1, rotation);
            Q_.applyOnTheRight(k, k + 1, rotation);
            T_(k + 1, k) = 0;
        }
}

}  // namespace STLFAST_NAMESPACE
