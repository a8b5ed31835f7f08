#include "stlfast/assembly.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

MatrixXd derivative_rows(const Trial& trial, const VectorXd& weight) {
    const Index N = weight.size();
    MatrixXd rows = MatrixXd::Zero(trial.n() * N, trial.unknowns);
    for (Index i = 0; i < trial.n(); ++i) {
        const auto& [H, dH, first] = trial.equations[static_cast<std::size_t>(i)];
        rows.block(i * N, first, N, H.cols()) = weight.asDiagonal() * dH;
    }
    return rows;
}

MatrixXd system_rows(const Trial& trial, const MatrixXd& A, const VectorXd& weight) {
    const Index N = weight.size(), n = trial.n();
    MatrixXd rows = MatrixXd::Zero(n * N, trial.unknowns);
    for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j) {
            if (A.col(i * n + j).isZero(0)) continue;
            const auto& [H, dH, first] = trial.equations[static_cast<std::size_t>(j)];
            auto block = rows.block(i * N, first, N, H.cols());
            if (A.rows() == 1)
                block += (weight * A(0, i * n + j)).asDiagonal() * H;
            else
                block += weight.cwiseProduct(A.col(i * n + j)).asDiagonal() * H;
        }
    return rows;
}

VectorXd weighted(const Eigen::Ref<const MatrixXd>& f, const VectorXd& weight) {
    const MatrixXd product = weight.asDiagonal() * f;
    return product.reshaped();
}

MatrixXd combined(const MatrixXd& P, const Eigen::Ref<const MatrixXd>& rows) {
    const Index N = P.rows(), n = rows.rows() / N;
    MatrixXd result = MatrixXd::Zero(rows.rows(), rows.cols());
    for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < n; ++j)
            result.middleRows(i * N, N) += P.col(i * n + j).asDiagonal() * rows.middleRows(j * N, N);
    return result;
}

}  // namespace STLFAST_NAMESPACE
