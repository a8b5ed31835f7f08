#include "singular_values.hpp"

#include <Eigen/SVD>

namespace stlfast_once {

using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// Whether all of it is finite.
template <class Decomposition>
bool decompose(const MatrixXd& A, double* values, double* U, double* V) {
    const Decomposition svd(A, (U ? unsigned(Eigen::ComputeThinU) : 0u) | (V ? unsigned(Eigen::ComputeThinV) : 0u));
    Map<VectorXd> sigma(values, svd.singularValues().size());
    sigma = svd.singularValues();
    bool finite = sigma.allFinite();
    const auto copy = [&](const MatrixXd& vectors, double* to) {
        Map<MatrixXd>(to, vectors.rows(), vectors.cols()) = vectors;
        finite = finite && vectors.allFinite();
    };
    if (U) copy(svd.matrixU(), U);
    if (V) copy(svd.matrixV(), V);
    return finite;
}

}  // namespace

void singular_values(const double* A, std::ptrdiff_t rows, std::ptrdiff_t cols, double* values, double* U, double* V) {
    const MatrixXd matrix = Map<const MatrixXd>(A, rows, cols);
    if (!decompose<Eigen::BDCSVD<MatrixXd>>(matrix, values, U, V))
        decompose<Eigen::JacobiSVD<MatrixXd>>(matrix, values, U, V);
}

}  // namespace stlfast_once
