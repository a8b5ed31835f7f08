// Dense decompositions and what they solve: each of Eigen's templates that the library needs, in one translation unit,
// for they take longer to compile than all that uses them.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/QR>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// ------------------------------------------------------------------------------------------------ singular values
// A = U Σ Vᵀ
struct Singular {
    Eigen::VectorXd values;  // decreasing
    Eigen::MatrixXd U, V;    // thin; empty where not asked for
};

enum class Vectors { none, left, right, both };

Singular singular(const Eigen::MatrixXd& A, Vectors vectors);

// ------------------------------------------------------------------------------------------------- factorisations
// decomposition.compute(A), which allocates nothing where A is as large as the one before.
void decompose(Eigen::PartialPivLU<Eigen::MatrixXd>& decomposition, const Eigen::MatrixXd& A);
void decompose(Eigen::LLT<Eigen::MatrixXd>& decomposition, const Eigen::MatrixXd& A);
void decompose(Eigen::HouseholderQR<Eigen::MatrixXd>& decomposition, const Eigen::MatrixXd& A);
void decompose(Eigen::ColPivHouseholderQR<Eigen::MatrixXd>& decomposition, const Eigen::MatrixXd& A);
void decompose(Eigen::RealSchur<Eigen::MatrixXd>& decomposition, const Eigen::MatrixXd& A);
void decompose(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>& decomposition, const Eigen::MatrixXd& A);

// x becomes A⁻¹ x.
void solve_in_place(const Eigen::PartialPivLU<Eigen::MatrixXd>& A, Eigen::Ref<Eigen::VectorXd> x);
void solve_in_place(const Eigen::LLT<Eigen::MatrixXd>& A, Eigen::Ref<Eigen::VectorXd> x);

// argmin ‖A x − b‖
Eigen::VectorXd least_squares(const Eigen::HouseholderQR<Eigen::MatrixXd>& A, const Eigen::VectorXd& b);
Eigen::VectorXd least_squares(const Eigen::ColPivHouseholderQR<Eigen::MatrixXd>& A, const Eigen::VectorXd& b);

// A = Q R in place of A (N, K), and Qᵀ B in place of B (N, M).
void triangularise(Eigen::Ref<Eigen::MatrixXd> A, Eigen::Ref<Eigen::MatrixXd> B);

// A⁻¹, and whether A is invertible within rounding.
struct Inverse {
    Eigen::MatrixXd matrix;
    bool exists;
};
Inverse inverse(const Eigen::MatrixXd& A);

// The upper triangular C for which Cᵀ G C is the identity; the identity itself where G is not positive definite.
Eigen::MatrixXd orthonormalising(const Eigen::MatrixXd& G);

// ----------------------------------------------------------------------------------------------------- eigenvalues
Eigen::VectorXcd eigenvalues(const Eigen::MatrixXd& A);
double largest_eigenvalue(const Eigen::MatrixXcd& A);  // of a Hermitian matrix

// Of the symmetric tridiagonal matrix, increasing.
Eigen::VectorXd eigenvalues(const Eigen::VectorXd& diagonal, const Eigen::VectorXd& side);

}  // namespace STLFAST_NAMESPACE
