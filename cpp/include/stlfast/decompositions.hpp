// Singular values and vectors, A = U Σ Vᵀ, in one translation unit: Eigen's templates take a minute to compile.
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

struct Singular {
    Eigen::VectorXd values;  // decreasing
    Eigen::MatrixXd U, V;    // thin; empty where not asked for
};

enum class Vectors { none, left, right, both };

// By the slower algorithm where the faster one breaks down, which Eigen's does for some matrices whose singular values
// span many decades.
Singular singular(const Eigen::MatrixXd& A, Vectors vectors);

}  // namespace STLFAST_NAMESPACE
