// dy/dx = f(x, y) = A(p, x) y + b(p, x) + N(x, y, p) of one member, at many points at once.
//
// n states, N points.
#pragma once

#include <Eigen/Core>

#include "stlfast/family.hpp"

namespace STLFAST_NAMESPACE {

class RightHandSide {
  public:
    // Keeps a reference to the family; parameters (P).
    RightHandSide(const Family& family, Eigen::VectorXd parameters)
        : family_(&family), parameters_(std::move(parameters)) {}

    Eigen::Index n() const { return family_->n; }

    // f (N, n) and ∂f/∂y (N, n²), row-major, at x (N) and y (N, n).
    void evaluate(const Eigen::Ref<const Eigen::VectorXd>& x, const Eigen::Ref<const Eigen::MatrixXd>& y,
                  Eigen::MatrixXd& f, Eigen::MatrixXd& jacobian);

  private:
    const Family* family_;
    Eigen::VectorXd parameters_;
    Program::Workspace workspace_;
    Eigen::MatrixXd points_, A_, more_;
};

}  // namespace STLFAST_NAMESPACE
