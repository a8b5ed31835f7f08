// The complex Schur form A = Q T Qᴴ with the fastest decay first.
//
// It exists, and is well conditioned, also where A has no basis of eigenvectors. In this order the last Schur vectors
// are left eigenvectors of the slow modes: no stiff residual leaks into what has a long memory, and back-substitution
// solves the slow modes first.
#pragma once

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

class Schur {
  public:
    // entries (n²), row-major. Allocates nothing when n is that of the call before, unless the matrix is symmetric and
    // n > 2: Eigen's solver for those has a vector of its own.
    void compute(const Eigen::Ref<const Eigen::VectorXd>& entries, Eigen::Index n);

    const Eigen::MatrixXcd& T() const { return T_; }
    const Eigen::MatrixXcd& Q() const { return Q_; }

  private:
    void compute_symmetric();
    void compute_general();
    void triangularise(Eigen::Index first);
    void order_by_decay();

    Eigen::MatrixXd A_;
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> symmetric_;
    Eigen::RealSchur<Eigen::MatrixXd> blocks_;
    Eigen::MatrixXcd T_, Q_;
};

}  // namespace STLFAST_NAMESPACE
