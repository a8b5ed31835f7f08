// A family of expressions on compiled windows, what `stlfast.compile` makes where no few bands do: a member that they
// do not hold is solved by the direct solver, on windows of its own. Immutable, for many threads.
//
// n states, P parameters, N output points. x = (t − t0)/(t1 − t0) ∈ [0, 1].
#pragma once

#include <Eigen/Core>
#include <optional>
#include <vector>

#include "stlfast/answer.hpp"
#include "stlfast/chains.hpp"
#include "stlfast/family.hpp"
#include "stlfast/windows.hpp"

namespace STLFAST_NAMESPACE {

// Outputs of a program of the parameters alone.
Eigen::VectorXd values_at(const Program& program, const Eigen::VectorXd& parameters);

// A member's stops, increasing, and its jumps there, of a program with K·(1 + n) outputs; false where one is not in the
// time span, or not finite.
bool set_stops(const Program& program, const Eigen::VectorXd& parameters, Eigen::Index n, WindowOptions& options);

class WindowModel {
  public:
    // What a family has besides its right-hand side.
    struct Rest {
        Eigen::VectorXd y0;                           // (n) initial values
        std::optional<Program> start = std::nullopt;  // or what tells them, n outputs
        std::optional<Program> stops = std::nullopt;  // K·(1 + n) outputs
        std::vector<Eigen::Index> positive = {};      // states that are never negative
    };

    // Throws std::invalid_argument where shapes do not fit.
    WindowModel(const Family& family, Rest rest, Chains chains);

    // A member's own initial values.
    Eigen::VectorXd start(const Eigen::VectorXd& parameters) const;

    // The member at `parameters` (P) from y0 (n): of its solution `finished` says whether it reaches the end, and
    // `missed` is the estimate of its error over the tolerance, 0 without an estimate. Throws std::invalid_argument for
    // other shapes, and for a break or dose outside the time span.
    Refined solve(const Eigen::VectorXd& parameters, const Eigen::VectorXd& y0, const Tolerance& tolerance = {},
                  bool estimate = true) const;

    // Values (N, n) at x (N); nan where the solution does not reach.
    void evaluate(const Windowed& solution, const Eigen::Ref<const Eigen::VectorXd>& x,
                  Eigen::Ref<Eigen::MatrixXd> y) const {
        windows_.evaluate(solution, x, y);
    }

  private:
    Eigen::Index parameters_;
    Equations equations_;
    Rest rest_;
    Windows windows_;
    Chains chains_;
};

}  // namespace STLFAST_NAMESPACE
