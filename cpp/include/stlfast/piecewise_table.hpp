// The functions of all bands as short Chebyshev series on pieces of time: evaluating an answer anywhere takes a few
// nanoseconds a value, with a ten-trillionth of it left out at most, or the bands' own series do it. OutputTable is for
// the points of a grid.
//
// n states, N points, r functions of a band, W pieces. What a band needs is made when the first of its answers is
// evaluated.
#pragma once

#include <Eigen/Core>
#include <mutex>
#include <vector>

#include "stlfast/band.hpp"
#include "stlfast/dense.hpp"

namespace STLFAST_NAMESPACE {

class PiecewiseTable {
  public:
    // Keeps a reference to the bands.
    PiecewiseTable(const std::vector<Band>& bands, Eigen::Index n);
    PiecewiseTable(const PiecewiseTable&) = delete;
    PiecewiseTable& operator=(const PiecewiseTable&) = delete;

    // Values (N, n) at x (N) in [0, 1], in any order, of the solution in a band with coefficients c, which may be
    // longer than the band's.
    void evaluate(Eigen::Index band, const Eigen::VectorXd& c, const Eigen::Ref<const Eigen::VectorXd>& x,
                  Eigen::Ref<Eigen::MatrixXd> y) const;

  private:
    struct Pieces {
        Eigen::VectorXd edges;   // (W + 1)
        dense::Tiles functions;  // coefficients, piece after piece: (n W terms, r), (W terms, r) where decoupled
        Eigen::MatrixXd missed;  // what they leave out of each function: (n, r), (1, r) where decoupled
    };
    const Pieces& pieces(Eigen::Index band) const;

    const std::vector<Band>* bands_;
    Eigen::Index n_;
    mutable std::vector<std::once_flag> once_;
    mutable std::vector<Pieces> pieces_;
};

}  // namespace STLFAST_NAMESPACE
