// dy/dx = f(x, y) = A(p, x) y + b(p, x) + N(x, y, p) of one member, at many points at once.
//
// n states, S points.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <optional>
#include <vector>

#include "stlfast/bends.hpp"
#include "stlfast/family.hpp"
#include "stlfast/time_structure.hpp"

namespace STLFAST_NAMESPACE {

// A family's programs without the entries of A and ∂N/∂y that are 0 for all members.
struct Equations {
    explicit Equations(const Family& family, bool dense = false);  // dense: of ∂N/∂y nothing is known

    struct Entry {
        Eigen::Index i, j;
    };

    Eigen::Index n;
    Eigen::Index lower = 0, upper = 0;  // bandwidths of ∂f/∂y
    bool dense;                         // whether N is a function that is no program
    bool autonomous;                    // whether f depends on x through y alone
    std::vector<Entry> linear, nonlinear;
    Program A, b;                 // of A the entries `linear`
    std::optional<Program> N, J;  // of ∂N/∂y the entries `nonlinear`
    std::optional<Program> switches;
    std::vector<Eigen::Index> of_time, of_states;  // switches of x alone, and the others
    Program at_times;                              // the first of them
    std::optional<Bends> of_functions;             // what functions of the states in N bend at
    std::vector<Bends> in_time;                    // what functions of x in A, b and N bend at
    std::optional<Cells> same_cells;               // of [0, 1], where those are the same for all members

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

    // What is added to f from now on: a constant (n), empty for none; or a function of x (S) with values (S, n), which
    // may change fast anywhere if `sampled`.
    using Forcing = std::function<void(const Eigen::VectorXd& x, Eigen::MatrixXd& values)>;
    void add(Eigen::VectorXd constant) { constant_ = std::move(constant); }
    void add(Forcing forcing, bool sampled) { added_ = std::move(forcing), sampled_ = sampled_ || sampled; }

    bool autonomous() const { return equations_->autonomous && !added_; }
    bool sampled() const { return sampled_; }  // whether part of f is a function of which nothing is known

    // Of each switch the value that its steps have from now on, and what is added to it times the switch.
    void hold(const Eigen::VectorXd& modes, const Eigen::VectorXd& slopes);
    // The values, among those of all switches, that steps of time have at x.
    void steps_of_time(double x, Eigen::VectorXd& modes);

    // All switches (S, m) at x (S) and y (S, n).
    void switches(const Eigen::VectorXd& x, const Eigen::MatrixXd& y, Eigen::MatrixXd& values);
    Program::Workspace& at_times() { return at_times_; }
    // Cells of what is in_time, of [begin, end].
    Cells cells(double begin, double end);

    // f (S, n) at x (S) and y (S, n), whose rows from the `distinct`-th on are copies of the one before.
    void evaluate(const Eigen::Ref<const Eigen::VectorXd>& x, const Eigen::Ref<const Eigen::MatrixXd>& y,
                  Eigen::Ref<Eigen::MatrixXd> f, Eigen::Index distinct);

    // The limit (n) of f at x and y (n), where it is 0/0 in the states. How far from y, over the state or 1, values
    // tell it best; 0 where it has none.
    double limit(double x, const Eigen::VectorXd& y, Eigen::VectorXd& f);

    // What functions in N bend at, at points (S, 1 + n) with x first, and its bounds between two of them.
    void bends(const Eigen::MatrixXd& points, Eigen::MatrixXd& values);
    void bends(const Eigen::VectorXd& low, const Eigen::VectorXd& high, Eigen::VectorXd& least,
               Eigen::VectorXd& largest);

    // ∂f/∂y (n, n) at x and y (n); entries that are 0 for all members are left as they were.
    void jacobian(double x, const Eigen::VectorXd& y, Eigen::MatrixXd& J);

    // The same at x (S) and y (S, n) as J (S, n²), row-major; families with programs alone.
    void jacobians(const Eigen::Ref<const Eigen::VectorXd>& x, const Eigen::Ref<const Eigen::MatrixXd>& y,
                   Eigen::Ref<Eigen::MatrixXd> J);

  private:
    const Equations* equations_;
    Eigen::VectorXd constant_;
    Program::Workspace A_, b_, N_, J_, switches_, at_times_, bends_;
    std::vector<Program::Workspace> in_time_;
    Values N_values_, J_values_;
    Forcing added_;
    bool sampled_;
    bool A_varies_, b_varies_;
    Eigen::MatrixXd linear_, forcing_, points_, values_, slopes_, added_values_;  // of A the entries `linear`
};

}  // namespace STLFAST_NAMESPACE
