#include "stlfast/right_hand_side.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::Ref;
using Eigen::VectorXd;

void RightHandSide::evaluate(const Ref<const VectorXd>& x, const Ref<const MatrixXd>& y, MatrixXd& f,
                             MatrixXd& jacobian) {
    const Index n = family_->n, N = x.size();
    f.resize(N, n), jacobian.resize(N, n * n);
    family_->A.evaluate(x, parameters_, jacobian, workspace_);
    family_->b.evaluate(x, parameters_, f, workspace_);
    for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j) f.col(i) += jacobian.col(i * n + j).cwiseProduct(y.col(j));
    if (constant_.size() > 0) f.rowwise() += constant_.transpose();
    if (!family_->nonlinear() && !values_) return;
    points_.resize(N, 1 + n), N_.resize(N, n), J_.resize(N, n * n);
    points_ << x, y;
    if (values_) {
        values_(points_, N_, J_);
    } else {
        family_->N->evaluate(points_, parameters_, N_, workspace_);
        family_->J->evaluate(points_, parameters_, J_, workspace_);
    }
    f += N_, jacobian += J_;
}

}  // namespace STLFAST_NAMESPACE
