// Points in normalised time and the weight of each row of the least-squares problem.
//
// N points. A row is multiplied by the square root of the piece of [0, 1] that its point stands for, so that a sum of
// squared rows is a quadrature of ∫ |r|² dx; on logarithmically spaced points that weight is √x up to a constant.
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

struct Points {
    Eigen::VectorXd x;       // (N) increasing, in [0, 1]
    Eigen::VectorXd weight;  // (N)
};

// s(x_i) at the Chebyshev nodes of the log-time map s with the given τ: every time scale above τ gets room, and the
// ends, where an expansion is hardest to hold, get more.
Points log_time_points(Eigen::Index N, double tau);

// Weights for given points; uniform ones where quadrature is not wanted.
// Throws std::invalid_argument unless x is increasing, finite and in [0, 1].
Points weighted_points(Eigen::VectorXd x, bool quadrature);

// N ≥ 2 points evenly spaced in the log-time map with the given τ, both ends included, together with the ends of
// `uniform` equal pieces of [0, 1]; increasing. Throws std::invalid_argument for a τ that is not positive and finite,
// and for too many pieces.
Eigen::VectorXd check_points(Eigen::Index N, double tau, Eigen::Index uniform = 0);

}  // namespace STLFAST_NAMESPACE
