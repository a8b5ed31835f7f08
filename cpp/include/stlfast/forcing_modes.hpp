// A family's forcing as a short sum, by empirical interpolation (discrete, with pivoted QR for its points).
//
//   b_i(x, p) ≈ Σ_k g_k(x) β_ki(p),   β(p) = E b(x_magic, p)
//
// n equations, N collocation points, K modes g_k, orthonormal in the row norm; E (K, K) inverts the modes at the K
// magic points. Nothing needs to be known of b: whether it is affine in the parameters shows in K.
#pragma once

#include <Eigen/Core>

#include "stlfast/family.hpp"
#include "stlfast/points.hpp"

namespace STLFAST_NAMESPACE {

struct ForcingModes {
    Eigen::MatrixXd g;            // (N, K) at the collocation points
    Eigen::VectorXd magic;        // (K)
    Eigen::MatrixXd interpolate;  // E (K, K)

    Eigen::Index size() const { return magic.size(); }
};

// Modes that span snapshots (N, S) of the forcing to rounding.
ForcingModes forcing_modes(const Eigen::MatrixXd& snapshots, const Points& points);

}  // namespace STLFAST_NAMESPACE
