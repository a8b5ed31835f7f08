// The activations that follow the layers of a body, and their derivatives for forward mode.
#pragma once

#include <Eigen/Core>
#include <string>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

enum class Activation { tanh, sin, silu };

// Throws std::invalid_argument for an unknown name.
Activation activation_from(const std::string& name);
std::string to_string(Activation activation);

// σ(z), σ'(z) and σ''(z), elementwise, each of z's shape.
struct ActivationJet {
    Eigen::ArrayXXd value, first, second;
};

// order, 0 to 2, says how many derivatives are wanted; the others hold anything. z is whole columns of a matrix, one
// array in memory. Allocates only where z has another shape than the last time.
void activate(Activation activation, int order, const Eigen::Ref<const Eigen::MatrixXd>& z, ActivationJet& sigma);

}  // namespace STLFAST_NAMESPACE
