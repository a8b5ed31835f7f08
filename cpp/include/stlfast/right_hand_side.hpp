// dy/dx = f(x, y) = A(p, x) y + b(p, x) + N(x, y, p) of one member, at many points at once.
//
// n states, N points.
#pragma once

#include <Eigen/Core>
#include <functional>

#include "stlfast/family.hpp"

namespace STLFAST_NAMESPACE {

class RightHandSide {
  public:
    // N (S, n) and ∂N/∂y (S, n²) at points (S, 1 + n) with x first, where no programs give them.
    using Values = std::function<void(const Eigen::MatrixXd& points, Eigen::MatrixXd& N, Eigen::MatrixXd& jacobian)>;

    // Keeps a reference to the family; parameters (P).
    RightHandSide(const Family& family, Eigen::VectorXd parameters, Values values = {})
        : family_(&family), parameters_(std::move(parameters)), values_(std::move(values)) {}

    Eigen::Index n() const { return family_->n; }

    // A constant (n) that is added to f from now on; empty for none.
    void add(Eigen::VectorXd constant) { constant_ = std::move(constant); }

    // f (N, n) and ∂f/∂y (N, n²), row-major, at x (N) and y (N, n).
    void evaluate(const Eigen::Ref<const Eigen::VectorXd>& x, const Eigen::Ref<const Eigen::MatrixXd>& y,
                  Eigen::MatrixXd& f, Eigen::MatrixXd& jacobian);

  private:
    const Family* family_;
    Eigen::VectorXd parameters_, constant_;
    Program::Workspace workspace_;
    Values values_;
    Eigen::MatrixXd points_, N_, J_;
};

}  // namespace STLFAST_NAMESPACE
