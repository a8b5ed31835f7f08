// The transfer solve on the whole dictionary where the system matrix is constant in time: by the Schur form
// A = Q T Qᴴ, n problems with M unknowns where full_space.hpp has one with n M.
//
// n equations, M dictionary functions, N collocation points.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <mutex>

#include "stlfast/full_space.hpp"

namespace STLFAST_NAMESPACE {

class DecoupledSpace {
  public:
    DecoupledSpace(const Dictionary& dictionary, const Points& points, LeastSquares solver);

    // One equation z' = rate·z + f, z(0) = start, factored for any number of right-hand sides.
    class Equation {
      public:
        // Heads (M), for f (N) at the collocation points.
        Eigen::VectorXcd solve(std::complex<double> start, const Eigen::Ref<const Eigen::VectorXcd>& f) const;

      private:
        friend class DecoupledSpace;
        bool real_;
        FullSpace::Member member_;  // of the equation, or of its real and imaginary parts
    };
    Equation factor(std::complex<double> rate) const;

    // Heads (M, n) of y' = A y + b; A (1, n²), y0 (n), b (N, n).
    Eigen::MatrixXd solve(const Eigen::MatrixXd& A, const Eigen::VectorXd& y0, const Eigen::MatrixXd& b) const;

  private:
    FullSpace real_;
    mutable std::once_flag once_;
    mutable std::unique_ptr<FullSpace> pair_;  // for complex rates, built when first needed
    LeastSquares solver_;
    Eigen::MatrixXd H_;  // (N, M)
};

}  // namespace STLFAST_NAMESPACE
