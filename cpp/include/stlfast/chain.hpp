// A member solved on windows that are known beforehand, all of them at once: Newton's method for the values at all
// points of all windows and the states at their beginnings (multiple shooting: Deuflhard, Newton Methods for Nonlinear
// Problems, 7.1), with the scheme of windows.hpp in each. Four windows are side by side in the lanes of SIMD.
//
//   D Y_w − H_w f(Y_w) = −d_0 a_w,   a_{w+1} = Y_w(1),   a_0 = y0
//
// The systems of a Newton step (chain_systems.hpp) also give how the end of a window follows its beginning. So all
// windows find what they add to their ends at once, the states at the beginnings follow one after the other in n²
// operations each, and what these change within the windows is added.
//
// The estimate solves D E − H (f(Y + E) − f(Y)) = source of the residuals between the points likewise.
//
// n states, s points, K windows.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/right_hand_side.hpp"
#include "stlfast/window_scheme.hpp"

namespace STLFAST_NAMESPACE {

struct Chained {
    bool converged = false;
    bool seen = false;  // whether residuals between the points tell all there is
    Eigen::Index iterations = 0;
    double last_step = 0;        // the last Newton step, over the states' sizes
    double residual = 0;         // the largest of what a window adds to the error, over the states' sizes
    Eigen::VectorXd error;       // (n) estimate of max |error|; empty where not asked for
    double relative_error = 0;   // the largest over the states' sizes so far and the floor
    Eigen::VectorXd last_error;  // (n) at the end
    double left = 0;             // part of the relative error, of what was not iterated to the end
};

// What a chain goes on from.
struct Before {
    Eigen::VectorXd sizes;  // (n) of the states, the largest before
    Eigen::VectorXd error;  // (n) at the beginning
    double left = 0;
};

class Chain {
  public:
    struct Options {
        double tolerance = 1e-6;  // relative to the states' sizes
        Eigen::VectorXd floor;    // (n) added to these
        bool estimate = true;
        Eigen::Index most_iterations = 15;
        Before before = {};  // with sizes and errors (n), or without either where it starts
    };

    explicit Chain(const WindowScheme& scheme);

    static constexpr Eigen::Index most_states = 8;  // each number of them is compiled on its own

    // From y0 (n) on windows between edges (K + 1), increasing. values (K (s + 1), n): the guess, then the solution at
    // the beginning and the points of each window. Nothing is said of them where it does not converge, as it does not
    // with more states.
    Chained solve(RightHandSide& f, const Eigen::VectorXd& y0, const Eigen::VectorXd& edges, const Options& options,
                  Eigen::MatrixXd& values) const;

  private:
    const WindowScheme* scheme_;
};

}  // namespace STLFAST_NAMESPACE
