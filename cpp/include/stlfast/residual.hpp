// What a solution leaves of its equation: the residual r = A y + b − dy/dx at check points and the initial error,
// each with a bound on the rounding in it.
//
// n states, C points.
#pragma once

#include <Eigen/Core>
#include <limits>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// A bound for the relative rounding error of a short sum of products.
constexpr double rounding = 8 * std::numeric_limits<double>::epsilon();
constexpr double left_out_of_values = 1e-13;  // of a state's largest value, where a band's answer is evaluated anywhere

struct Defect {
    Eigen::MatrixXd residual, residual_rounding;  // (C, n)
    Eigen::VectorXd initial, initial_rounding;    // (n)
};

// A (1 or C, n²), y and dy (C, n), b (C, n) or null where there is none, y(0) and y0 (n).
void defect(const Eigen::MatrixXd& A, const Eigen::Ref<const Eigen::MatrixXd>& y,
            const Eigen::Ref<const Eigen::MatrixXd>& dy, const Eigen::MatrixXd* b,
            const Eigen::Ref<const Eigen::VectorXd>& start, const Eigen::Ref<const Eigen::VectorXd>& y0,
            Defect& result);

}  // namespace STLFAST_NAMESPACE
