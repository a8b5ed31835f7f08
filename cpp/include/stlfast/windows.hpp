// A member of any family, linear or not, solved on one time window after the other: in each a polynomial that satisfies
// the equations at Radau points, by Newton's method on the whole window at once.
//
//   D y(c) = H f(x_0 + H c, y(c)),   c_1 < … < c_m = 1 the Radau points
//
// Windows are sized by what the residual between those points says of the error, so that layers anywhere in the time
// span are resolved, where dilated features resolve the one at its beginning. The error obeys e' = J e + r with the
// residual r; solved on m + 3 points of every window and carried from one to the next, it is the estimate. Collocation
// at these points damps what grows fast as it damps what decays fast, in the solution and in the estimate: no window
// may be longer than eight times the time in which something grows e-fold.
//
// n states, m points, K windows.
#pragma once

#include <Eigen/Core>
#include <Eigen/LU>
#include <functional>
#include <vector>

#include "stlfast/right_hand_side.hpp"

namespace STLFAST_NAMESPACE {

// Polynomials on [0, 1] by their values at 0 and the m Radau points.
class RadauPoints {
  public:
    explicit RadauPoints(Eigen::Index m);

    Eigen::Index size() const { return c_.size() - 1; }
    const Eigen::VectorXd& c() const { return c_; }  // 0, then the points (m + 1)
    const Eigen::MatrixXd& D() const { return D_; }  // derivatives at the points (m, m + 1)

    // Values, and derivatives unless null, at s (S) of the polynomial with values 1 at one point each, (S, m + 1).
    void interpolate(const Eigen::VectorXd& s, Eigen::MatrixXd& values, Eigen::MatrixXd* derivatives = nullptr) const;

  private:
    Eigen::VectorXd c_, weight_;  // barycentric
    Eigen::MatrixXd D_;
};

struct WindowOptions {
    double tolerance = 1e-6;  // of what each window adds to the error, relative to the state's size in it
    Eigen::VectorXd floor;    // (n) added to that size
    double first = 1e-3;      // length of the first window
    bool estimate = true;
    std::function<void()> between = {};  // called before every window; throws to stop
    Eigen::Index most_windows = 10000;
};

struct Windowed {
    bool limited = false;         // whether most_windows ended it
    double relative_error = 0;    // largest estimate over the state's largest size so far plus the floor
    bool finished = false;        // whether the windows reach the end
    Eigen::VectorXd edges;        // (K + 1)
    Eigen::MatrixXd values;       // (K (m + 1), n): each window's at its beginning and the points; (1, n) for K = 0
    Eigen::VectorXd error;        // (n) estimate of max |error|; empty where not asked for, or K = 0
    Eigen::Index rejected = 0;    // attempts at windows that were too long
    Eigen::Index iterations = 0;  // of Newton's method in all, of rejected attempts too
    double last_step = 0;         // the largest of a window's last Newton step
    double residual = 0;          // the largest of what a window adds to the error, over the state's size in it
};

class Windows {
  public:
    Windows() : points_(12), finer_(15) { tabulate(); }

    // From y0 (n) at `begin` to `end`.
    Windowed solve(RightHandSide& f, const Eigen::VectorXd& y0, double begin, double end,
                   const WindowOptions& options) const;

    // Values (N, n) at x (N); nan outside the edges.
    void evaluate(const Windowed& solution, const Eigen::Ref<const Eigen::VectorXd>& x,
                  Eigen::Ref<Eigen::MatrixXd> y) const;

  private:
    struct Attempt;  // at a window
    struct Carried {
        Eigen::VectorXd error, largest_error, largest_state;  // (n), the first at the window's beginning
        double relative = 0;
    };
    void tabulate();
    bool newton(RightHandSide& f, double x0, double H, const WindowOptions& options, Attempt& attempt) const;
    double residual(RightHandSide& f, double x0, double H, Attempt& attempt) const;
    void carry_error(RightHandSide& f, double x0, double H, const WindowOptions& options, Attempt& attempt,
                     Carried& carried) const;

    RadauPoints points_, finer_;
    Eigen::VectorXd checks_;                       // between the points
    Eigen::MatrixXd at_checks_, slope_at_checks_;  // (checks, m + 1)
    Eigen::MatrixXd at_finer_, slope_at_finer_;    // (points of finer_, m + 1)
};

}  // namespace STLFAST_NAMESPACE
