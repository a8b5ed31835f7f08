// A member of any family, linear or not, solved on one time window after the other: in each a polynomial of degree s
// that satisfies the equations at Radau points, by simplified Newton steps whose matrices are kept while they serve.
//
//   D u(c) = H f(x_0 + H c, u(c)),   c_1 < … < c_s = 1 the Radau points
//
// The error e obeys e' = f(u + e) − f(u) + r, with the residual r = f(u) − u' between those points. Collocated at the
// same points, with the derivative of the polynomial through ∫ r in the place of r, it needs the matrices that are
// factored already. Without the error at the window's beginning it sizes the windows; with it, carried from one to the
// next, it is the estimate. Collocation damps what grows fast as it damps what decays fast, in the solution and in the
// estimate: no window may be longer than a few times the time in which something grows e-fold.
//
// Windows end where the right-hand side breaks: at stops, some with a jump of the state, where a switch of time changes
// its sign (time_structure.hpp), and where one of the states does, found on the window's polynomial; in between, steps
// are held at what they are (Program). At a switch of the states the error jumps as well (saltation: Filippov,
// Differential Equations with Discontinuous Righthand Sides, 1988; di Bernardo et al., Piecewise-smooth Dynamical
// Systems, 2008, section 2.5). Where the solution would slide along a switch, the step is a steep line instead, as
// steep as the tolerance asks for, until it leaves.
//
// n states, s points, K windows.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "stlfast/right_hand_side.hpp"
#include "stlfast/time_structure.hpp"
#include "stlfast/window_scheme.hpp"

namespace STLFAST_NAMESPACE {

struct WindowOptions {
    double tolerance = 1e-6;  // of what each window adds to the error, relative to the state's size in it
    Eigen::VectorXd floor;    // (n) added to that size
    double small = 1;         // part of the floor that is added where windows are sized
    double first = 1e-3;      // longest first window
    bool estimate = true;
    double hopeless = std::numeric_limits<double>::infinity();  // relative error at which to stop: it only grows
    std::function<void()> between = {};                         // called before every window; throws to stop
    Eigen::Index most_windows = 300000;
    Eigen::VectorXd stops = {};               // increasing, in [begin, end]: where windows end
    Eigen::MatrixXd jumps = {};               // (n, stops) of the state there; empty for none
    double inside = 0;                        // how far from stops functions that are no programs are evaluated
    std::vector<Eigen::Index> positive = {};  // states that are never negative
};

struct Windowed {
    bool limited = false;         // whether most_windows ended it
    bool hopeless = false;        // whether its error did
    double relative_error = 0;    // largest estimate over the state's largest size so far plus the floor
    bool finished = false;        // whether the windows reach the end
    bool compiled = false;        // whether the windows were known beforehand (chains.hpp)
    Eigen::VectorXd edges;        // (K + 1)
    Eigen::MatrixXd values;       // (K (s + 1), n): each window's at its beginning and the points; (1, n) for K = 0
    Eigen::VectorXd error;        // (n) estimate of max |error|; empty where not asked for, or K = 0
    Eigen::Index rejected = 0;    // attempts at windows that were too long
    Eigen::Index iterations = 0;  // of Newton's method in all, of rejected attempts too
    double last_step = 0;         // the largest of a window's last Newton step
    double residual = 0;          // the largest of what a window adds to the error, over the state's size in it
    Eigen::Index through = -1;    // a state that got through 0, where its slope does not let it; −1 for none
};

// What is between two places where windows end; the state jumps at its beginning.
struct Segment {
    double begin, end;
    Eigen::VectorXd jump;  // (n)
};

// Of [begin, end], cut at the stops of the options and where switches of time change their sign; at least one.
std::vector<Segment> segments_of(RightHandSide& f, double begin, double end, const WindowOptions& options);

class Windows {
  public:
    Windows();

    // From y0 (n) at `begin` to `end`.
    Windowed solve(RightHandSide& f, const Eigen::VectorXd& y0, double begin, double end,
                   const WindowOptions& options) const;

    const WindowScheme& scheme() const { return *scheme_; }

    // Whether the values are those of windows between the edges.
    static bool valid(const Windowed& solution);

    // The first state that is not negative at the beginning and gets below −allowed (n), though in the window where it
    // first does its slope at 0 is nowhere negative; −1 for none. No solution gets there.
    Eigen::Index through_zero(const Windowed& solution, RightHandSide& f, const Eigen::VectorXd& allowed) const;

    // Values (N, n) at x (N); nan outside the edges.
    void evaluate(const Windowed& solution, const Eigen::Ref<const Eigen::VectorXd>& x,
                  Eigen::Ref<Eigen::MatrixXd> y) const;

  private:
    struct Run;

    static constexpr Eigen::Index s = WindowScheme::s;

    std::shared_ptr<const WindowScheme> scheme_;  // whose size depends on the flags of who compiles it
};

// The best of a few passes, each with smaller windows, until the estimate meets a tolerance relative to the states'
// largest values so far plus the floor; without an estimate, the first.
struct Refined {
    Windowed solution;
    double missed = 0;  // estimate over tolerance; 0 without one
};

// Whether a state that should not gets negative by more than a few times the absolute tolerance.
bool gets_negative(const Windowed& solution, const WindowOptions& options, double relative);

Refined refined(const Windows& windows, RightHandSide& f, const Eigen::VectorXd& y0, double begin, double end,
                WindowOptions options, double relative);

}  // namespace STLFAST_NAMESPACE
