#include "stlfast/svd.hpp"

#include <Eigen/SVD>

namespace STLFAST_NAMESPACE {

using Eigen::MatrixXd;

namespace {

template <class Decomposition>
Singular parts(const Decomposition& svd, Vectors vectors) {
    Singular result{svd.singularValues(), {}, {}};
    if (vectors == Vectors::left || vectors == Vectors::both) result.U = svd.matrixU();
    if (vectors == Vectors::right || vectors == Vectors::both) result.V = svd.matrixV();
    return result;
}

}  // namespace

Singular singular(const MatrixXd& A, Vectors vectors) {
    const unsigned options = vectors == Vectors::none    ? 0u
                             : vectors == Vectors::left  ? unsigned(Eigen::ComputeThinU)
                             : vectors == Vectors::right ? unsigned(Eigen::ComputeThinV)
                                                         : unsigned(Eigen::ComputeThinU | Eigen::ComputeThinV);
    Singular found = parts(Eigen::BDCSVD<MatrixXd>(A, options), vectors);
    if (found.values.allFinite() && found.U.allFinite() && found.V.allFinite()) return found;
    return parts(Eigen::JacobiSVD<MatrixXd>(A, options), vectors);
}

}  // namespace STLFAST_NAMESPACE
