#include "stlfast/forcing_modes.hpp"

#include <Eigen/LU>
#include <Eigen/QR>
#include <Eigen/SVD>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double smallest_mode = 1e-13;  // singular value, relative to the largest

}  // namespace

ForcingModes forcing_modes(const MatrixXd& snapshots, const Points& points) {
    const VectorXd size = (points.weight.asDiagonal() * snapshots).colwise().norm();
    ForcingModes modes;
    if (size.size() == 0 || size.maxCoeff() == 0) return modes;
    // Every snapshot counts alike, however large the parameters make it.
    const VectorXd scale = size.unaryExpr([](double v) { return v > 0 ? 1 / v : 0.0; });
    const Eigen::BDCSVD<MatrixXd> svd(points.weight.asDiagonal() * snapshots * scale.asDiagonal(), Eigen::ComputeThinU);
    const Index K = (svd.singularValues().array() > smallest_mode * svd.singularValues()[0]).count();
    modes.g = points.weight.cwiseInverse().asDiagonal() * svd.matrixU().leftCols(K);

    const Eigen::ColPivHouseholderQR<MatrixXd> pivots(svd.matrixU().leftCols(K).transpose());
    MatrixXd at_magic(K, K);
    modes.magic.resize(K);
    for (Index k = 0; k < K; ++k) {
        const Index point = pivots.colsPermutation().indices()[k];
        modes.magic[k] = points.x[point];
        at_magic.row(k) = modes.g.row(point);
    }
    modes.interpolate = at_magic.fullPivLu().inverse();
    return modes;
}

}  // namespace STLFAST_NAMESPACE
