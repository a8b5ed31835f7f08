// The residual r = A y + b − dy/dx at check points, enlarged by what rounding may hide in it.
//
// n states, C points.
#pragma once

#include <Eigen/Core>
#include <limits>

namespace stlfast {

// A bound for the relative rounding error of a short sum of products.
constexpr double rounding = 8 * std::numeric_limits<double>::epsilon();

// |r| + rounding of its terms, with the sign of r; A (1 or C, n²), the rest (C, n).
void residual(const Eigen::MatrixXd& A, const Eigen::MatrixXd& y, const Eigen::Ref<const Eigen::MatrixXd>& dy,
              const Eigen::MatrixXd& b, Eigen::MatrixXd& r);

}  // namespace stlfast
