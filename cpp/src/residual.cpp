#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::Ref;
using Eigen::VectorXd;

void defect(const MatrixXd& A, const Ref<const MatrixXd>& y, const Ref<const MatrixXd>& dy, const MatrixXd& b,
            const VectorXd& start, const VectorXd& y0, Defect& result) {
    const Index n = y.cols();
    auto &sum = result.residual, &size = result.residual_rounding;
    sum = b - dy;
    size = b.cwiseAbs() + dy.cwiseAbs();
    for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j) {
            if (A.rows() == 1) {
                sum.col(i) += A(0, i * n + j) * y.col(j);
                size.col(i) += std::abs(A(0, i * n + j)) * y.col(j).cwiseAbs();
            } else {
                sum.col(i) += A.col(i * n + j).cwiseProduct(y.col(j));
                size.col(i) += A.col(i * n + j).cwiseProduct(y.col(j)).cwiseAbs();
            }
        }
    size *= rounding;
    result.initial = y0 - start;
    result.initial_rounding = rounding * (y0.cwiseAbs() + start.cwiseAbs());
}

}  // namespace STLFAST_NAMESPACE
