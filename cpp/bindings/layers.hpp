// The layers of a network as lists of NumPy arrays.
#pragma once

#include <string>
#include <vector>

#include "arrays.hpp"

namespace STLFAST_NAMESPACE {

struct Layers {
    std::vector<Eigen::MatrixXd> weights;
    std::vector<Eigen::VectorXd> biases;
};

inline Layers layers_of(const std::vector<py::object>& weights, const std::vector<py::object>& biases) {
    using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Layers layers;
    for (const auto& weight : weights) {
        const auto w = checked_array<double>(weight, "weights[" + std::to_string(layers.weights.size()) + "]", 2);
        layers.weights.emplace_back(Eigen::Map<const RowMajor>(w.data(), w.shape(0), w.shape(1)));
    }
    for (const auto& bias : biases)
        layers.biases.emplace_back(
            as_vector(checked_array<double>(bias, "biases[" + std::to_string(layers.biases.size()) + "]", 1)));
    return layers;
}

}  // namespace STLFAST_NAMESPACE
