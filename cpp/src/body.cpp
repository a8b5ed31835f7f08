#include "stlfast/body.hpp"

#include <cmath>
#include <stdexcept>
#include <utility>

namespace STLFAST_NAMESPACE {

namespace {

std::string shape(const Eigen::MatrixXd& matrix) {
    return "(" + std::to_string(matrix.rows()) + ", " + std::to_string(matrix.cols()) + ")";
}

}  // namespace

InputMap::InputMap(const std::string& name, double tau)
    : kind_(name == "log" ? Kind::log : Kind::plain), tau_(tau), scale_(std::log1p(1.0 / tau)) {
    if (name != "log" && name != "plain")
        throw std::invalid_argument("input is \"" + name + "\", expected \"log\" or \"plain\"");
    if (!std::isfinite(tau) || !(tau > 0.0) || !std::isfinite(scale_))
        throw std::invalid_argument("tau is " + std::to_string(tau) + ", expected a positive finite number");
}

double InputMap::value(double x) const { return kind_ == Kind::plain ? x : std::log1p(x / tau_) / scale_; }

double InputMap::derivative(double x) const { return kind_ == Kind::plain ? 1.0 : 1.0 / ((tau_ + x) * scale_); }

double InputMap::second_derivative(double x) const {
    return kind_ == Kind::plain ? 0.0 : -1.0 / ((tau_ + x) * (tau_ + x) * scale_);
}

void check_layers(const std::vector<Eigen::MatrixXd>& weights, const std::vector<Eigen::VectorXd>& biases,
                  Eigen::Index inputs, const std::string& meaning) {
    if (weights.empty() || weights.size() != biases.size())
        throw std::invalid_argument("a body has " + std::to_string(weights.size()) + " weights and " +
                                    std::to_string(biases.size()) + " biases, expected one of each for every layer");
    for (std::size_t l = 0; l < weights.size(); ++l) {
        const auto layer = "layers." + std::to_string(l);
        const auto& weight = weights[l];
        const auto& bias = biases[l];
        if (weight.cols() != inputs || weight.rows() == 0)
            throw std::invalid_argument(layer + ".weight is " + shape(weight) + ", expected (width, " +
                                        std::to_string(inputs) +
                                        "): " + (l == 0 ? meaning : "the width of the layer before"));
        if (bias.rows() != weight.rows())
            throw std::invalid_argument(layer + ".bias has " + std::to_string(bias.rows()) + " entries, expected " +
                                        std::to_string(weight.rows()) + ", one for each row of the weight");
        if (!weight.allFinite() || !bias.allFinite())
            throw std::invalid_argument(layer + " has a weight or bias that is not finite");
        inputs = weight.rows();
    }
}

Body::Body(std::vector<Eigen::MatrixXd> weights, std::vector<Eigen::VectorXd> biases, Activation activation,
           InputMap input)
    : weights_(std::move(weights)), biases_(std::move(biases)), activation_(activation), input_(std::move(input)) {
    check_layers(weights_, biases_, 1, "a body has one input, time");
}

}  // namespace STLFAST_NAMESPACE
