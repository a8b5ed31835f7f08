// The features h(s(z_1, …, z_d, κ z_t)) of a body of several variables and their partial derivatives, by forward mode
// through the layers.
//
// N points, d + 1 coordinates with time the last, m features (the body's last width).
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "stlfast/field_body.hpp"

namespace STLFAST_NAMESPACE {

// How often to differentiate in each of the d + 1 coordinates: (0, 0) is the value, (1, 1) ∂²/∂x∂t.
using Partial = std::vector<int>;

// Throws std::invalid_argument for a wrong number of exponents, a negative one, and a sum above 2.
void check_partial(const Partial& partial, Eigen::Index coordinates);

// H[k](i, j) = the k-th partial of feature j at point i; points (N, d + 1), H[k] (N, m), one for each partial.
// Derivatives are in z_t itself, with the factors κ and κ² of the dilation κ > 0. Throws std::invalid_argument as
// check_partial does; the points are the caller's to check.
void field_features(const FieldBody& body, double kappa, const Eigen::Ref<const Eigen::MatrixXd>& points,
                    const std::vector<Partial>& partials, std::vector<Eigen::Ref<Eigen::MatrixXd>> H);

}  // namespace STLFAST_NAMESPACE
