// The frozen layers of a network of several variables, for fields u(x, t) and u(x, y, t): every layer, also the last,
// is followed by the activation.
//
//   h_0 = s(z),   h_l = σ(W_l h_{l−1} + b_l),   W_l (width_l, width_{l−1}),   b_l (width_l)
//
// z = (z_1, …, z_d, z_t) are the coordinates, each scaled to [0, 1], with time the last. s(z), the columns that the
// first layer sees, come from a list of inputs; a coordinate may serve several of them, such as time both plain and
// log.
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "stlfast/activation.hpp"
#include "stlfast/body.hpp"

namespace STLFAST_NAMESPACE {

// One coordinate on its way into the first layer:
//
//   plain  z     log  log(1 + z/τ)/log(1 + 1/τ)     periodic  the two columns cos 2πz, sin 2πz
class FieldInput {
  public:
    enum class Kind { plain, log, periodic };

    // kind is "plain", "log" or "periodic"; tau, the smallest resolved scale, is used by "log" only. Throws
    // std::invalid_argument for another kind, a negative coordinate and a tau that is not a positive number.
    FieldInput(Eigen::Index coordinate, const std::string& kind, double tau = 1e-3);

    Eigen::Index coordinate() const { return coordinate_; }
    Kind kind() const { return kind_; }
    Eigen::Index columns() const { return kind_ == Kind::periodic ? 2 : 1; }

    // The derivatives of the columns in z, of order 0 to 2, each an array of as many numbers as there are columns.
    void evaluate(double z, double* value, double* first, double* second) const;

  private:
    Eigen::Index coordinate_;
    Kind kind_;
    InputMap map_;  // plain or log
};

class FieldBody {
  public:
    // Throws std::invalid_argument unless weights and biases are finite and their shapes chain from the inputs'
    // columns, every coordinate up to the last serves an input, and time is not periodic.
    FieldBody(std::vector<Eigen::MatrixXd> weights, std::vector<Eigen::VectorXd> biases, Activation activation,
              std::vector<FieldInput> inputs);

    const std::vector<Eigen::MatrixXd>& weights() const { return weights_; }
    const std::vector<Eigen::VectorXd>& biases() const { return biases_; }
    Activation activation() const { return activation_; }
    const std::vector<FieldInput>& inputs() const { return inputs_; }
    Eigen::Index coordinates() const { return coordinates_; }         // d + 1
    Eigen::Index columns() const { return weights_.front().cols(); }  // of s
    Eigen::Index width() const { return weights_.back().rows(); }     // number of features
    bool is_log(Eigen::Index coordinate) const;                       // where it must not be negative

  private:
    std::vector<Eigen::MatrixXd> weights_;
    std::vector<Eigen::VectorXd> biases_;
    Activation activation_;
    std::vector<FieldInput> inputs_;
    Eigen::Index coordinates_ = 0;
};

}  // namespace STLFAST_NAMESPACE
