// An estimate of the error of any function y that should satisfy y' = f(x, y) = A y + b + N, y(0) = y0.
//
//   e' = J e + ρ,   ρ = f(x, y) − y',   J = ∂f/∂y
//
// along check points by the two-stage Lobatto IIIC method, with h the distance of two of them and M = I − h/2 J_0:
//
//   (I − h J_1 + M⁻¹ h/2 J_1) e(x + h) = h ρ_1 + M⁻¹ (e(x) + h/2 (ρ_0 − ρ_1))
//
// in which no product of two stiff matrices drowns the slow directions in rounding.
//
// n states, C check points.
#pragma once

#include <Eigen/Core>

#include "stlfast/family.hpp"

namespace STLFAST_NAMESPACE {

class ErrorEstimate {
  public:
    struct Workspace {
        Program::Workspace program;
        Eigen::VectorXd points, A, b, N, J, inverse, S, determinant, propagator, source;
    };

    // Check points x (C ≥ 2), increasing from 0 to 1. Keeps a reference to the family, which has programs for N and J.
    ErrorEstimate(const Family& family, Eigen::VectorXd x);

    const Eigen::VectorXd& x() const { return x_; }

    // To be called first: what depends on the parameters (P) alone.
    void prepare(const double* parameters, Workspace& workspace) const;

    // Of max |e| (n), infinite where it is not finite, with the rounding in y, and max |y| (n), for values y (C, n),
    // derivatives dy (C, n), which are overwritten, and an initial error (n), or null for none. Returns max x |ρ| / max
    // |y|.
    double operator()(const double* parameters, const double* y, double* dy, const double* initial, double* largest,
                      double* scale, Workspace& workspace) const;

  private:
    // For two states, where what does not depend on e is done for all steps at once.
    void propagate_two(const Eigen::Map<Eigen::MatrixXd>& J, const Eigen::Map<Eigen::MatrixXd>& left,
                       const double* initial, double* largest, Workspace& workspace) const;

    const Family* family_;
    Eigen::VectorXd x_;
    Eigen::ArrayXd step_;  // (C − 1)
};

}  // namespace STLFAST_NAMESPACE
