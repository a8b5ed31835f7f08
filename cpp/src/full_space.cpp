#include "stlfast/full_space.hpp"

#include <limits>
#include <stdexcept>

#include "stlfast/decompositions.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double smallest_singular_value = 1e-15;  // of the dictionary, relative to the largest

// Columns that make the functions orthonormal in values and time-scaled derivatives at the points, (M, R).
MatrixXd orthonormal_transform(const MatrixXd& H, const MatrixXd& dH, const Points& points) {
    const Index N = H.rows();
    MatrixXd rows(2 * N, H.cols());
    rows.topRows(N) = points.weight.asDiagonal() * H;
    rows.bottomRows(N) = points.weight.cwiseProduct(points.x).asDiagonal() * dH;
    const VectorXd scale = rows.colwise().norm().cwiseMax(std::numeric_limits<double>::min()).cwiseInverse();
    const Singular svd = singular(rows * scale.asDiagonal(), Vectors::both);
    const VectorXd& sigma = svd.values;
    const Index R = (sigma.array() > smallest_singular_value * sigma[0]).count();
    return scale.asDiagonal() * svd.V.leftCols(R) * sigma.head(R).cwiseInverse().asDiagonal();
}

// Of the symmetric matrix G, without eigenvalues that rounding could have made.
MatrixXd pseudo_inverse(const MatrixXd& G) {
    Eigen::SelfAdjointEigenSolver<MatrixXd> eigen;
    decompose(eigen, G);
    const double cut = double(G.rows()) * epsilon * eigen.eigenvalues().cwiseAbs().maxCoeff();
    const VectorXd inverse = eigen.eigenvalues().unaryExpr([&](double v) { return std::abs(v) > cut ? 1 / v : 0.0; });
    return eigen.eigenvectors() * inverse.asDiagonal() * eigen.eigenvectors().transpose();
}

}  // namespace

LeastSquares least_squares_from(const std::string& name) {
    if (name == "svd") return LeastSquares::svd;
    if (name == "qr") return LeastSquares::qr;
    if (name == "pinv") return LeastSquares::pinv;
    throw std::invalid_argument("solver is \"" + name + "\", expected \"svd\", \"qr\" or \"pinv\"");
}

Index head_size(Index M, Index n, bool shared_head) {
    if (!shared_head) return M;
    if (M % n != 0)
        throw std::invalid_argument("shared_head splits the dictionary into one block for each of the " +
                                    std::to_string(n) + " equations, which its " + std::to_string(M) +
                                    " functions do not divide into: change the number of features");
    return M / n;
}

FullSpace::FullSpace(Dictionary dictionary, Points points, Index n, bool shared_head, LeastSquares solver)
    : dictionary_(std::move(dictionary)),
      points_(std::move(points)),
      shared_head_(shared_head),
      // Orthonormal functions of all equations would mix the blocks; pivoting copes with the raw ones.
      solver_(shared_head && solver == LeastSquares::svd ? LeastSquares::qr : solver) {
    const Index block = head_size(dictionary_.size(), n, shared_head);
    MatrixXd H, dH, H0;
    dictionary_.evaluate(points_.x, H, &dH);
    dictionary_.evaluate(VectorXd::Zero(1), H0);
    if (solver_ == LeastSquares::svd) {
        transform_ = orthonormal_transform(H, dH, points_);
        H *= transform_, dH *= transform_, H0 *= transform_;
    }
    const Index columns = shared_head ? block : H.cols();
    trial_.unknowns = shared_head ? block : n * columns;
    initial_ = MatrixXd::Zero(n, trial_.unknowns);
    for (Index i = 0; i < n; ++i) {
        const Index from = shared_head ? i * block : 0, first = shared_head ? 0 : i * columns;
        trial_.equations.push_back({H.middleCols(from, columns), dH.middleCols(from, columns), first});
        initial_.block(i, first, 1, columns) = initial_weight * H0.middleCols(from, columns);
    }
    derivative_ = derivative_rows(trial_, points_.weight);
}

FullSpace::Member FullSpace::factor(const MatrixXd& A, MatrixXd P) const {
    Member member;
    member.space_ = this;
    member.rows_ = std::move(P);
    MatrixXd rows(derivative_.rows() + n(), trial_.unknowns);
    rows.topRows(derivative_.rows()) = derivative_ - system_rows(trial_, A, points_.weight);
    if (member.rows_.size() > 0)
        rows.topRows(derivative_.rows()) = combined(member.rows_, rows.topRows(derivative_.rows()));
    rows.bottomRows(n()) = initial_;
    if (solver_ == LeastSquares::pinv) {
        member.scale_ = VectorXd::Ones(rows.cols());
        member.factor_ = Member::PseudoInverse(pseudo_inverse(rows.transpose() * rows) * rows.transpose());
        return member;
    }
    member.scale_ = rows.colwise().norm().cwiseMax(std::numeric_limits<double>::min()).cwiseInverse();
    rows *= member.scale_.asDiagonal();
    if (solver_ == LeastSquares::svd) {
        decompose(member.factor_.emplace<Eigen::HouseholderQR<MatrixXd>>(), rows);
    } else {
        auto& qr = member.factor_.emplace<Eigen::ColPivHouseholderQR<MatrixXd>>();
        qr.setThreshold(smallest_singular_value);
        decompose(qr, rows);
    }
    return member;
}

MatrixXd FullSpace::Member::solve(const VectorXd& y0, const Eigen::Ref<const MatrixXd>& forcing) const {
    const Index rows = space_->derivative_.rows(), n = space_->n();
    VectorXd right(rows + n);
    right << weighted(forcing, space_->points_.weight), initial_weight * y0;
    if (rows_.size() > 0) right.head(rows) = combined(rows_, right.head(rows));
    VectorXd c;
    if (const auto* inverse = std::get_if<PseudoInverse>(&factor_))
        c = *inverse * right;
    else if (const auto* pivoted = std::get_if<Eigen::ColPivHouseholderQR<MatrixXd>>(&factor_))
        c = least_squares(*pivoted, right);
    else
        c = least_squares(std::get<Eigen::HouseholderQR<MatrixXd>>(factor_), right);
    c.array() *= scale_.array();

    MatrixXd W = MatrixXd::Zero(space_->dictionary_.size(), n);
    for (Index i = 0; i < n; ++i) {
        const auto& block = space_->trial_.equations[static_cast<std::size_t>(i)];
        const auto head = c.segment(block.first, block.H.cols());
        if (space_->transform_.size() > 0)
            W.col(i) = space_->transform_ * head;
        else
            W.col(i).segment(space_->shared_head_ ? i * head.size() : 0, head.size()) = head;
    }
    return W;
}

}  // namespace STLFAST_NAMESPACE
