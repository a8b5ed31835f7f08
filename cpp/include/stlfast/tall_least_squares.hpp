// Least squares with more rows than fit in memory, min_X ‖A X − B‖ column by column: rows come in blocks, of which only
// a triangular factor is kept, by Householder transformations and so without the loss of normal equations.
//
//   Qᵀ [A B] = [R  QᵀB; 0  ρ],   the norms of ρ's columns are all that is kept of it
//
// C columns, k right-hand sides; A (rows, C), B (rows, k), R (C, C) upper triangular, QᵀB (C, k), X (C, k).
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

class TallLeastSquares {
  public:
    // Rows in either order of storage.
    using Rows = Eigen::Ref<const Eigen::MatrixXd, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;

    struct Solution {
        Eigen::MatrixXd X;         // (C, k)
        Eigen::VectorXd residual;  // (k) ‖A X − B‖ of each right-hand side
        Eigen::Index rank;
    };

    // Throws std::invalid_argument for C < 1 or k < 0.
    TallLeastSquares(Eigen::Index columns, Eigen::Index right_hand_sides);

    Eigen::Index columns() const { return R_.rows(); }
    Eigen::Index right_hand_sides() const { return R_.cols() - R_.rows(); }
    Eigen::Index rows() const { return rows_; }  // added so far

    // Throws std::invalid_argument, with nothing added, for other shapes and for numbers that are not finite.
    void add(const Rows& A, const Rows& B);

    // Adds the rows of another, which has as many columns and right-hand sides.
    void merge(const TallLeastSquares& other);

    // The least-squares solution in the unknowns scaled by their columns' norms; where singular values are at most
    // rcond times the largest, they count as zero and X is the shortest such solution in the scaled unknowns.
    Solution solve(double rcond) const;

    Eigen::MatrixXd R() const;
    Eigen::MatrixXd Qtb() const;

  private:
    void eliminate();                     // the pending rows
    TallLeastSquares triangular() const;  // itself, with no rows pending

    Eigen::MatrixXd R_;          // [R  QᵀB] (C, C + k), zero below the diagonal
    Eigen::MatrixXd work_;       // room for a panel's rows of R_, then the pending rows
    Eigen::VectorXd remainder_;  // (k) norms of ρ
    Eigen::Index pending_ = 0, rows_ = 0;
};

}  // namespace STLFAST_NAMESPACE
