#include "stlfast/activation.hpp"

#include <stdexcept>
#include <utility>

#include "stlfast/math.hpp"

namespace STLFAST_NAMESPACE {

namespace {

constexpr std::pair<const char*, Activation> activations[] = {
    {"tanh", Activation::tanh}, {"sin", Activation::sin}, {"silu", Activation::silu}};

}  // namespace

Activation activation_from(const std::string& name) {
    for (const auto& [known, activation] : activations)
        if (name == known) return activation;
    throw std::invalid_argument("activation is \"" + name + "\", expected \"tanh\", \"sin\" or \"silu\"");
}

std::string to_string(Activation activation) {
    for (const auto& [name, known] : activations)
        if (activation == known) return name;
    throw std::logic_error("activation without a name");
}

void activate(Activation activation, int order, const Eigen::Ref<const Eigen::MatrixXd>& z, ActivationJet& sigma) {
    auto& [value, first, second] = sigma;
    value.resize(z.rows(), z.cols());
    first.resize(z.rows(), z.cols());
    eigen_assert(z.outerStride() == z.rows() || z.cols() < 2);
    const double* in = z.data();
    switch (activation) {
        case Activation::tanh:
            math::tanh(in, value.data(), z.size());
            if (order > 0) first = 1.0 - value.square();
            if (order > 1) second = -2.0 * value * first;
            return;
        case Activation::sin:
            math::sin(in, value.data(), z.size());
            if (order > 0) math::cos(in, first.data(), z.size());
            if (order > 1) second = -value;
            return;
        case Activation::silu: {
            math::sigmoid(in, value.data(), z.size());  // g
            const auto& g = value;
            if (order > 0) first = g * (1.0 + z.array() * (1.0 - g));
            if (order > 1) second = g * (1.0 - g) * (2.0 + z.array() * (1.0 - 2.0 * g));
            value *= z.array();
            return;
        }
    }
}

}  // namespace STLFAST_NAMESPACE
