// The features h(s(κx)) of a body and their derivatives in x, by forward mode through the layers.
//
// N points, m features (the body's last width).
#pragma once

#include <Eigen/Core>

#include "stlfast/body.hpp"

namespace STLFAST_NAMESPACE {

// H(i, j) = h_j(s(κ x_i)) and, where asked for, its first and second derivative in x; x (N), results (N, m).
// κ > 0 is a dilation: it puts the features' time scales a factor κ below the trained ones.
void features(const Body& body, double kappa, const Eigen::Ref<const Eigen::VectorXd>& x, Eigen::MatrixXd& H,
              Eigen::MatrixXd* dH = nullptr, Eigen::MatrixXd* ddH = nullptr);

}  // namespace STLFAST_NAMESPACE
