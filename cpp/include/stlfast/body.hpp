// The frozen layers of a trained network with one input: every layer, also the last, is followed by the activation.
//
//   h_0 = s(x),   h_l = σ(W_l h_{l−1} + b_l),   W_l (width_l, width_{l−1}),   b_l (width_l)
//
// x is time scaled to [0, 1] and s the input map.
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "stlfast/activation.hpp"

namespace STLFAST_NAMESPACE {

// s(x) = log(1 + x/τ)/log(1 + 1/τ), which gives all time scales from τ on equal room, or s(x) = x.
class InputMap {
  public:
    enum class Kind { log, plain };

    // name is "log" or "plain"; tau, the smallest resolved time scale, is used by "log" only.
    explicit InputMap(const std::string& name, double tau = 1e-3);

    Kind kind() const { return kind_; }
    double tau() const { return tau_; }
    double value(double x) const;
    double derivative(double x) const;
    double second_derivative(double x) const;

  private:
    Kind kind_;
    double tau_;
    double scale_;  // log(1 + 1/τ)
};

// Throws std::invalid_argument unless there is a bias for each weight, all are finite and their shapes chain from so
// many inputs; meaning says in the message what these are.
void check_layers(const std::vector<Eigen::MatrixXd>& weights, const std::vector<Eigen::VectorXd>& biases,
                  Eigen::Index inputs, const std::string& meaning);

class Body {
  public:
    // Throws std::invalid_argument unless weights and biases are finite and their shapes chain from one input.
    Body(std::vector<Eigen::MatrixXd> weights, std::vector<Eigen::VectorXd> biases, Activation activation,
         InputMap input);

    const std::vector<Eigen::MatrixXd>& weights() const { return weights_; }
    const std::vector<Eigen::VectorXd>& biases() const { return biases_; }
    Activation activation() const { return activation_; }
    const InputMap& input() const { return input_; }
    Eigen::Index width() const { return weights_.back().rows(); }  // number of features

  private:
    std::vector<Eigen::MatrixXd> weights_;
    std::vector<Eigen::VectorXd> biases_;
    Activation activation_;
    InputMap input_;
};

}  // namespace STLFAST_NAMESPACE
