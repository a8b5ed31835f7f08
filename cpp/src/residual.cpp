#include "stlfast/residual.hpp"

namespace stlfast {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXd;

void residual(const MatrixXd& A, const MatrixXd& y, const Eigen::Ref<const MatrixXd>& dy, const MatrixXd& b,
              MatrixXd& r) {
    const Index n = y.cols();
    r.resize(y.rows(), n);
    ArrayXd sum(y.rows()), size(y.rows()), term(y.rows());
    for (Index i = 0; i < n; ++i) {
        sum = b.col(i) - dy.col(i);
        size = b.col(i).cwiseAbs() + dy.col(i).cwiseAbs();
        for (Index j = 0; j < n; ++j) {
            if (A.rows() == 1)
                term = A(0, i * n + j) * y.col(j).array();
            else
                term = A.col(i * n + j).array() * y.col(j).array();
            sum += term;
            size += term.abs();
        }
        r.col(i) = (sum >= 0).select(sum + rounding * size, sum - rounding * size);
    }
}

}  // namespace stlfast
