#include "stlfast/decompositions.hpp"

#include <algorithm>
#include <cmath>

#include "once/singular_values.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::Ref;
using Eigen::VectorXcd;
using Eigen::VectorXd;

Singular singular(const MatrixXd& A, Vectors vectors) {
    const Index K = std::min(A.rows(), A.cols());
    Singular result{VectorXd(K), {}, {}};
    if (vectors == Vectors::left || vectors == Vectors::both) result.U.resize(A.rows(), K);
    if (vectors == Vectors::right || vectors == Vectors::both) result.V.resize(A.cols(), K);
    stlfast_once::singular_values(A.data(), A.rows(), A.cols(), result.values.data(), result.U.data(), result.V.data());
    return result;
}

void decompose(Eigen::PartialPivLU<MatrixXd>& decomposition, const MatrixXd& A) { decomposition.compute(A); }
void decompose(Eigen::LLT<MatrixXd>& decomposition, const MatrixXd& A) { decomposition.compute(A); }
void decompose(Eigen::HouseholderQR<MatrixXd>& decomposition, const MatrixXd& A) { decomposition.compute(A); }
void decompose(Eigen::ColPivHouseholderQR<MatrixXd>& decomposition, const MatrixXd& A) { decomposition.compute(A); }
void decompose(Eigen::RealSchur<MatrixXd>& decomposition, const MatrixXd& A) { decomposition.compute(A); }
void decompose(Eigen::SelfAdjointEigenSolver<MatrixXd>& decomposition, const MatrixXd& A) { decomposition.compute(A); }

void solve_in_place(const Eigen::PartialPivLU<MatrixXd>& A, Ref<VectorXd> x) { x = A.solve(x).eval(); }
void solve_in_place(const Eigen::LLT<MatrixXd>& A, Ref<VectorXd> x) { A.solveInPlace(x); }

VectorXd least_squares(const Eigen::HouseholderQR<MatrixXd>& A, const VectorXd& b) { return A.solve(b); }
VectorXd least_squares(const Eigen::ColPivHouseholderQR<MatrixXd>& A, const VectorXd& b) { return A.solve(b); }

void triangularise(Ref<MatrixXd> A, Ref<MatrixXd> B) {
    const Eigen::HouseholderQR<Ref<MatrixXd>> qr(A);
    B.applyOnTheLeft(qr.householderQ().adjoint());
}

Inverse inverse(const MatrixXd& A) {
    const Eigen::FullPivLU<MatrixXd> lu(A);
    return {lu.inverse(), lu.isInvertible()};
}

MatrixXd orthonormalising(const MatrixXd& G) {
    const MatrixXd identity = MatrixXd::Identity(G.rows(), G.rows());
    const Eigen::LLT<MatrixXd> cholesky(G);
    return cholesky.info() == Eigen::Success ? cholesky.matrixU().solve(identity).eval() : identity;
}

// Of the blocks on the diagonal of the Schur form, one row each or, for a pair of complex ones, two.
VectorXcd eigenvalues(const MatrixXd& A) {
    const Eigen::RealSchur<MatrixXd> schur(A, false);
    const MatrixXd& T = schur.matrixT();
    VectorXcd values(A.rows());
    for (Index k = 0; k < A.rows(); ++k) {
        values[k] = T(k, k);
        if (k + 1 == A.rows() || T(k + 1, k) == 0) continue;
        const double half = 0.5 * (T(k, k) - T(k + 1, k + 1)), below = std::abs(T(k + 1, k));
        const double size = std::max({std::abs(half), std::abs(T(k, k + 1)), below});  // so that no square overflows
        const double root = std::abs(half / size * (half / size) + T(k, k + 1) / size * (T(k + 1, k) / size));
        values[k] = {T(k + 1, k + 1) + half, size * std::sqrt(root)};
        values[k + 1] = std::conj(values[k]);
        ++k;
    }
    return values;
}

double largest_eigenvalue(const MatrixXcd& A) {
    const Index n = A.rows();
    MatrixXd real(2 * n, 2 * n);  // with every eigenvalue of A twice
    real << A.real(), -A.imag(), A.imag(), A.real();
    return Eigen::SelfAdjointEigenSolver<MatrixXd>(real, Eigen::EigenvaluesOnly).eigenvalues()[2 * n - 1];
}

VectorXd eigenvalues(const VectorXd& diagonal, const VectorXd& side) {
    Eigen::SelfAdjointEigenSolver<MatrixXd> eigen;
    eigen.computeFromTridiagonal(diagonal, side, Eigen::EigenvaluesOnly);
    return eigen.eigenvalues();
}

}  // namespace STLFAST_NAMESPACE
