#include "stlfast/residual.hpp"

#include <cmath>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::Ref;
using Eigen::VectorXd;

void defect(const MatrixXd& A, const Ref<const MatrixXd>& y, const Ref<const MatrixXd>& dy, const MatrixXd* b,
            const Ref<const VectorXd>& start, const Ref<const VectorXd>& y0, Defect& result) {
    const Index n = y.cols();
    auto &sum = result.residual, &size = result.residual_rounding;
    sum.resize(y.rows(), n), size.resize(y.rows(), n);
    for (Index i = 0; i < n; ++i) {
        if (b) {
            sum.col(i) = b->col(i) - dy.col(i);
            size.col(i) = b->col(i).cwiseAbs() + dy.col(i).cwiseAbs();
        } else {
            sum.col(i) = -dy.col(i);
            size.col(i) = dy.col(i).cwiseAbs();
        }
        for (Index j = 0; j < n; ++j) {
            if (A.rows() > 1) {
                sum.col(i) += A.col(i * n + j).cwiseProduct(y.col(j));
                size.col(i) += A.col(i * n + j).cwiseProduct(y.col(j)).cwiseAbs();
            } else if (const double a = A(0, i * n + j); a != 0) {
                sum.col(i) += a * y.col(j);
                size.col(i) += std::abs(a) * y.col(j).cwiseAbs();
            }
        }
        size.col(i) *= rounding;
    }
    result.initial = y0 - start;
    result.initial_rounding = rounding * (y0.cwiseAbs() + start.cwiseAbs());
}

}  // namespace STLFAST_NAMESPACE
