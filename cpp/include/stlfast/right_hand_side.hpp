// dy/dx = f(x, y) = A(p, x) y + b(p, x) + N(x, y, p) of one member, at many points at once.
//
// n states, S points.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <optional>
#include <vector>

#include "stlfast/family.hpp"

namespace STLFAST_NAMESPACE {

// A family's programs without the entries of A and ∂N/∂y that are 0 for all members.
struct Equations {
    explicit Equations(const Family& family, bool dense = false);  // dense: of ∂N/∂y nothing is known

    struct Entry {
        Eigen::Index i, j;
    };

    Eigen::Index n;
    Eigen::Index lower = 0, upper = 0;  // bandwidths of ∂f/∂y
    bool autonomous;                    // whether f depends on x through y alone
    std::vector<Entry> linear, nonlinear;
    Program A, b;                 // of A the entries `linear`
    std::optional<Program> N, J;  // of ∂N/∂y the entries `nonlinear`

  private:
    std::vector<Eigen::Index> entries_of(const Program& program, std::vector<Entry>& where);
};

class RightHandSide {
  public:
    // N (S, n) or ∂N/∂y (S, n²), row-major, at points (S, 1 + n) with x first, where no programs give them.
    using Values = std::function<void(const Eigen::MatrixXd& points, Eigen::MatrixXd& values)>;

    // Keeps a reference to the equations; parameters (P).
    RightHandSide(const Equations& equations, const Eigen::VectorXd& parameters, Values N = {}, Values J = {});

    Eigen::Index n() const { return equations_->n; }
    const Equations& equations() const { return *equations_; }

    // A constant (n) that is added to f from now on; empty for none.
    void add(Eigen::VectorXd constant) { constant_ = std::move(constant); }

    // f (S, n) at x (S) and y (S, n), whose rows from the `distinct`-th on are copies of the one before.
    void evaluate(const Eigen::Ref<const Eigen::VectorXd>& x, const Eigen::Ref<const Eigen::MatrixXd>& y,
                  Eigen::Ref<Eigen::MatrixXd> f, Eigen::Index distinct);

    // ∂f/∂y (n, n) at x and y (n); entries that are 0 for all members are left as they were.
    void jacobian(double x, const Eigen::VectorXd& y, Eigen::MatrixXd& J);

  private:
    const Equations* equations_;
    Eigen::VectorXd constant_;
    Program::Workspace A_, b_, N_, J_;
    Values N_values_, J_values_;
    bool A_varies_, b_varies_;
    Eigen::MatrixXd linear_, forcing_, points_, values_, slopes_;  // of A the entries `linear`
};

}  // namespace STLFAST_NAMESPACE
