#include "stlfast/forcing_modes.hpp"

#include "stlfast/decompositions.hpp"

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
    const Singular svd = singular(points.weight.asDiagonal() * snapshots * scale.asDiagonal(), Vectors::left);
    const Index K = (svd.values.array() > smallest_mode * svd.values[0]).count();
    modes.g = points.weight.cwiseInverse().asDiagonal() * svd.U.leftCols(K);

    Eigen::ColPivHouseholderQR<MatrixXd> pivots;
    decompose(pivots, svd.U.leftCols(K).transpose());
    MatrixXd at_magic(K, K);
    modes.magic.resize(K);
    for (Index k = 0; k < K; ++k) {
        const Index point = pivots.colsPermutation().indices()[k];
        modes.magic[k] = points.x[point];
        at_magic.row(k) = modes.g.row(point);
    }
    modes.interpolate = inverse(at_magic).matrix;
    return modes;
}

}  // namespace STLFAST_NAMESPACE
