#include "stlfast/schur.hpp"

#include <Eigen/Jacobi>
#include <cmath>
#include <complex>

#include "stlfast/decompositions.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Matrix2cd;
using Eigen::Matrix2d;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::Vector2cd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

// The unitary G for which Gᴴ B G is upper triangular with the faster decay first: its columns are an eigenvector of
// that and the vector orthogonal to it.
Matrix2cd schur_vectors(const Matrix2d& block) {
    const double size = block.cwiseAbs().maxCoeff();
    if (!(size > 0)) return Matrix2cd::Identity();
    const Matrix2d B = block / size;
    const double half = 0.5 * (B(0, 0) - B(1, 1)), square = half * half + B(0, 1) * B(1, 0);
    const double root = std::sqrt(std::abs(square));
    // Either row of B − λ gives an eigenvector; the one whose entry does not cancel is accurate.
    Vector2cd v;
    if (square < 0)
        v << B(0, 1), std::complex<double>(-half, -root);
    else if (half > 0 || B(1, 0) == 0)
        v << B(0, 1), -half - root;
    else
        v << half - root, B(1, 0);
    const double norm = v.norm();
    if (!(norm > 0)) return Matrix2cd::Identity();
    v /= norm;
    Matrix2cd G;
    G << v[0], -std::conj(v[1]), v[1], std::conj(v[0]);
    return G;
}

}  // namespace

void Schur::compute(const Eigen::Ref<const Eigen::VectorXd>& entries, Index n) {
    A_ = Eigen::Map<const RowMajor>(entries.data(), n, n);
    if (n > 2 && A_ == A_.transpose())
        compute_symmetric();
    else
        compute_general();
}

// Eigenvalues come in increasing order, which is the fastest decay first.
void Schur::compute_symmetric() {
    decompose(symmetric_, A_);
    T_.setZero(A_.rows(), A_.rows());
    T_.diagonal() = symmetric_.eigenvalues().cast<std::complex<double>>();
    Q_ = symmetric_.eigenvectors().cast<std::complex<double>>();
}

void Schur::compute_general() {
    const Index n = A_.rows();
    if (n <= 2) {
        T_ = A_.cast<std::complex<double>>();
        Q_.setIdentity(n, n);
        if (n == 2) triangularise(0);
        return;
    }
    decompose(blocks_, A_);
    T_ = blocks_.matrixT().cast<std::complex<double>>();
    Q_ = blocks_.matrixU().cast<std::complex<double>>();
    for (Index k = 0; k + 1 < n; ++k)
        if (T_(k + 1, k) != 0.0) triangularise(k);
    order_by_decay();
}

// The 2 × 2 block on the diagonal that begins there.
void Schur::triangularise(Index first) {
    const Index n = T_.rows();
    const Matrix2cd G = schur_vectors(T_.block<2, 2>(first, first).real());
    for (Index j = first; j < n; ++j) T_.block<2, 1>(first, j) = (G.adjoint() * T_.block<2, 1>(first, j)).eval();
    for (Index i = 0; i < first + 2; ++i) T_.block<1, 2>(i, first) = (T_.block<1, 2>(i, first) * G).eval();
    for (Index i = 0; i < n; ++i) Q_.block<1, 2>(i, first) = (Q_.block<1, 2>(i, first) * G).eval();
    T_(first + 1, first) = 0;
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
