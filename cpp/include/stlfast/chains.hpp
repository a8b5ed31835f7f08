// Compiled windows: in cells of the box of a family's members, where a member's windows end and a first guess of its
// solution there, from which all windows are solved at once (chain.hpp).
//
// A member's coordinates u ∈ [−1, 1]^d are its parameters, by their logarithm where they are positive, and the initial
// values that vary. Products φ_m of Chebyshev polynomials of its place in the cell tell the windows' lengths and
// values:
//
//   log H_w = Σ_m L_wm φ_m,   y_i(x_w + c H_w) = Σ_m V_wicm φ_m,   c three of the points
//
// Windows are counted from the beginning: as many as it takes to the end, where the last is cut. So what they hold, an
// oscillation or a front, stays in the same window from member to member. Where a right-hand side or a state jumps, at
// times that may depend on the member, they are counted anew, and what is between two such times is solved after what
// is before. Nothing depends on how good the guess is but the number of iterations.
//
// n states, P parameters, d coordinates, M products, K windows.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/chain.hpp"
#include "stlfast/windows.hpp"

namespace STLFAST_NAMESPACE {

struct ChainCell {
    Eigen::VectorXd low, high;         // (d) in coordinates of the box
    bool held;                         // whether members there are solved well
    Eigen::MatrixXf lengths;           // (K, M)
    Eigen::MatrixXf values;            // (3 n K, M), window after window, state after state; empty for linear families
    std::vector<Eigen::Index> counts;  // of the K windows, those of each segment
};

struct ChainCoordinate {
    Eigen::Index index;  // of a parameter or state
    bool initial, logarithmic;
    double low, high;
};

class Chains {
  public:
    // powers (M, d): the degrees of each product's polynomials; start (n): of all members, empty where initial values
    // are coordinates or parameters tell them. Throws std::invalid_argument where shapes do not fit.
    Chains(Eigen::Index n, std::vector<ChainCoordinate> coordinates, Eigen::MatrixXi powers,
           std::vector<ChainCell> cells, double tolerance, Eigen::VectorXd start = {});

    double tolerance() const { return tolerance_; }  // relative, that windows are made for

    // From y0 (n), on [0, 1]: the solution and true, where its estimate meets the tolerance `relative`, as `refined`
    // does; false where the member's cell does not hold it, where y0 is not what windows are for, or where it does not.
    // options: the floor, whether to estimate, positive states, and stops with their jumps.
    bool solve(const Windows& windows, RightHandSide& f, const Eigen::VectorXd& parameters, const Eigen::VectorXd& y0,
               double relative, const WindowOptions& options, Refined& result) const;

  private:
    struct Place {
        const ChainCell* cell = nullptr;
        Eigen::VectorXf products;  // (M)
    };
    Place place_of(const Eigen::VectorXd& parameters, const Eigen::VectorXd& y0) const;
    static bool split(const WindowScheme& scheme, const Cells& cells, Eigen::VectorXd& edges, Eigen::MatrixXd& values);
    // Of a segment, whose first window of the cell is number `first`, of `count`. alike: as many windows as can be are
    // of the same length, and none is longer than these cells, for equations whose matrices depend on that alone, or
    // null; the guess is then a constant, and false where that takes too many.
    bool guess(const Place& place, Eigen::Index first, Eigen::Index count, const Segment& segment, const Cells* alike,
               const Eigen::VectorXd& y0, Eigen::VectorXd& edges, Eigen::MatrixXd& values) const;
    // One segment after the other from y (n), into w; whether all have a solution whose error can be told.
    bool along(const std::vector<Segment>& segments, const Place& place, const Windows& windows, RightHandSide& f,
               Eigen::VectorXd y, Chain::Options options, Windowed& w) const;

    Eigen::Index n_;
    std::vector<ChainCoordinate> coordinates_;
    Eigen::MatrixXi powers_;
    int degree_;
    std::vector<ChainCell> cells_;
    double tolerance_;
    Eigen::VectorXd start_;
    Eigen::VectorXd nodes_;
};

// A member on [0, 1]: on compiled windows where there are any and they hold it, else on windows of its own.
Refined of_span(const Chains* chains, const Windows& windows, RightHandSide& f, const Eigen::VectorXd& parameters,
                const Eigen::VectorXd& y0, double relative, const WindowOptions& options);

}  // namespace STLFAST_NAMESPACE
