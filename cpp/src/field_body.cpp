#include "stlfast/field_body.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace STLFAST_NAMESPACE {

using Eigen::Index;

namespace {

FieldInput::Kind kind_from(const std::string& name) {
    if (name == "plain") return FieldInput::Kind::plain;
    if (name == "log") return FieldInput::Kind::log;
    if (name == "periodic") return FieldInput::Kind::periodic;
    throw std::invalid_argument("an input's kind is \"" + name + "\", expected \"plain\", \"log\" or \"periodic\"");
}

}  // namespace

FieldInput::FieldInput(Index coordinate, const std::string& kind, double tau)
    : coordinate_(coordinate), kind_(kind_from(kind)), map_(kind_ == Kind::log ? "log" : "plain", tau) {
    if (coordinate < 0)
        throw std::invalid_argument("an input's coordinate is " + std::to_string(coordinate) +
                                    ", expected 0 for the first, and so on: time is the last");
}

void FieldInput::evaluate(double z, double* value, double* first, double* second) const {
    if (kind_ == Kind::periodic) {
        constexpr double omega = 2.0 * M_PI;
        const double cosine = std::cos(omega * z), sine = std::sin(omega * z);
        value[0] = cosine, value[1] = sine;
        first[0] = -omega * sine, first[1] = omega * cosine;
        second[0] = -omega * omega * cosine, second[1] = -omega * omega * sine;
        return;
    }
    *value = map_.value(z);
    *first = map_.derivative(z);
    *second = map_.second_derivative(z);
}

FieldBody::FieldBody(std::vector<Eigen::MatrixXd> weights, std::vector<Eigen::VectorXd> biases, Activation activation,
                     std::vector<FieldInput> inputs)
    : weights_(std::move(weights)), biases_(std::move(biases)), activation_(activation), inputs_(std::move(inputs)) {
    if (inputs_.empty()) throw std::invalid_argument("inputs is empty, expected at least one for each coordinate");
    Index columns = 0;
    for (const auto& input : inputs_) {
        columns += input.columns();
        coordinates_ = std::max(coordinates_, input.coordinate() + 1);
    }
    for (Index c = 0; c < coordinates_; ++c)
        if (std::none_of(inputs_.begin(), inputs_.end(), [&](const auto& input) { return input.coordinate() == c; }))
            throw std::invalid_argument("coordinate " + std::to_string(c) +
                                        " serves no input, expected each up to the last, which is time, to serve one");
    for (const auto& input : inputs_)
        if (input.coordinate() == coordinates_ - 1 && input.kind() == FieldInput::Kind::periodic)
            throw std::invalid_argument("time, the last coordinate, is periodic: make its inputs plain or log");
    check_layers(weights_, biases_, columns, "the inputs have as many columns, two for a periodic one");
}

bool FieldBody::is_log(Index coordinate) const {
    return std::any_of(inputs_.begin(), inputs_.end(), [&](const auto& input) {
        return input.coordinate() == coordinate && input.kind() == FieldInput::Kind::log;
    });
}

}  // namespace STLFAST_NAMESPACE
