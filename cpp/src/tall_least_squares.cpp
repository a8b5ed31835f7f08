#include "stlfast/tall_least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "stlfast/decompositions.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index gathered_rows = 1024;  // eliminated at a time: enough that R's passing through the caches costs little
constexpr Index panel = 48;            // columns eliminated before the others follow: what Eigen applies as products

std::string shape(Index rows, Index cols) { return "(" + std::to_string(rows) + ", " + std::to_string(cols) + ")"; }

}  // namespace

TallLeastSquares::TallLeastSquares(Index columns, Index right_hand_sides) {
    if (columns < 1 || right_hand_sides < 0)
        throw std::invalid_argument("columns is " + std::to_string(columns) + " and right_hand_sides " +
                                    std::to_string(right_hand_sides) + ", expected at least 1 and 0");
    R_.setZero(columns, columns + right_hand_sides);
    work_.resize(panel + gathered_rows, columns + right_hand_sides);
    remainder_.setZero(right_hand_sides);
}

void TallLeastSquares::add(const Rows& A, const Rows& B) {
    const Index C = columns(), k = right_hand_sides();
    if (A.cols() != C || B.cols() != k || A.rows() != B.rows())
        throw std::invalid_argument("A is " + shape(A.rows(), A.cols()) + " and B " + shape(B.rows(), B.cols()) +
                                    ", expected (rows, " + std::to_string(C) + ") and (rows, " + std::to_string(k) +
                                    ") with equally many rows");
    if (!A.allFinite() || !B.allFinite())
        throw std::invalid_argument("A or B has a number that is not finite: no rows of this block were added");
    for (Index start = 0; start < A.rows();) {
        const Index n = std::min(gathered_rows - pending_, A.rows() - start);
        work_.block(panel + pending_, 0, n, C) = A.middleRows(start, n);
        work_.block(panel + pending_, C, n, k) = B.middleRows(start, n);
        start += n, pending_ += n, rows_ += n;
        if (pending_ == gathered_rows) eliminate();
    }
}

// QR of [R; rows] one panel of columns after another. Of R only the panel's own rows take part: the rows below them are
// zero in these columns. They are lent the room above the pending rows, so that what is transformed is one matrix.
void TallLeastSquares::eliminate() {
    if (pending_ == 0) return;
    const Index C = columns(), all = R_.cols();
    for (Index j = 0; j < C; j += panel) {
        const Index width = std::min(panel, C - j), top = panel - width, height = width + pending_;
        work_.block(top, j, width, all - j) = R_.block(j, j, width, all - j);
        triangularise(work_.block(top, j, height, width), work_.block(top, j + width, height, all - j - width));
        R_.block(j, j, width, width).triangularView<Eigen::Upper>() = work_.block(top, j, width, width);
        R_.block(j, j + width, width, all - j - width) = work_.block(top, j + width, width, all - j - width);
    }
    for (Index i = 0; i < right_hand_sides(); ++i)
        remainder_[i] = std::hypot(remainder_[i], work_.col(C + i).segment(panel, pending_).norm());
    pending_ = 0;
}

TallLeastSquares TallLeastSquares::triangular() const {
    TallLeastSquares result = *this;
    result.eliminate();
    return result;
}

void TallLeastSquares::merge(const TallLeastSquares& other) {
    if (other.columns() != columns() || other.right_hand_sides() != right_hand_sides())
        throw std::invalid_argument("the other has " + std::to_string(other.columns()) + " columns and " +
                                    std::to_string(other.right_hand_sides()) + " right-hand sides, expected " +
                                    std::to_string(columns()) + " and " + std::to_string(right_hand_sides()));
    const TallLeastSquares factor = other.triangular();
    const Index rows = rows_ + factor.rows_;
    add(factor.R(), factor.Qtb());
    for (Index i = 0; i < remainder_.size(); ++i) remainder_[i] = std::hypot(remainder_[i], factor.remainder_[i]);
    rows_ = rows;
}

TallLeastSquares::Solution TallLeastSquares::solve(double rcond) const {
    if (!(rcond >= 0.0) || rcond >= 1.0)
        throw std::invalid_argument("rcond is " + std::to_string(rcond) + ", expected at least 0 and below 1");
    const TallLeastSquares factor = triangular();
    const MatrixXd R = factor.R(), Qtb = factor.Qtb();
    const VectorXd scale = R.colwise().norm().cwiseMax(std::numeric_limits<double>::min()).cwiseInverse();
    const Singular svd = singular(R * scale.asDiagonal(), Vectors::both);
    const VectorXd& sigma = svd.values;
    const Index rank = (sigma.array() > rcond * sigma[0]).count();
    const auto U = svd.U.leftCols(rank);
    const auto V = svd.V.leftCols(rank);
    Solution solution;
    solution.rank = rank;
    solution.X = scale.asDiagonal() * (V * (sigma.head(rank).cwiseInverse().asDiagonal() * (U.transpose() * Qtb)));
    const MatrixXd misfit = R * solution.X - Qtb;
    solution.residual = factor.remainder_;
    for (Index i = 0; i < misfit.cols(); ++i)
        solution.residual[i] = std::hypot(solution.residual[i], misfit.col(i).norm());
    return solution;
}

MatrixXd TallLeastSquares::R() const { return pending_ > 0 ? triangular().R() : MatrixXd(R_.leftCols(columns())); }

MatrixXd TallLeastSquares::Qtb() const {
    return pending_ > 0 ? triangular().Qtb() : MatrixXd(R_.rightCols(right_hand_sides()));
}

}  // namespace STLFAST_NAMESPACE
