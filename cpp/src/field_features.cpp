#include "stlfast/field_features.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;

namespace {

constexpr Index block_columns = 256;  // of a jet, so that two layers' numbers stay in the second cache
constexpr Index least_points = 16;    // of a block, below which products are slow

// Which derivatives have to go through the layers for the wanted partials.
struct Plan {
    std::vector<Index> first;                     // coordinates
    std::vector<std::pair<Index, Index>> second;  // of positions in first
    std::vector<Index> wanted;                    // for each partial its part of the jet

    Index parts() const { return 1 + Index(first.size()) + Index(second.size()); }
};

template <class T>
Index position(std::vector<T>& list, const T& item) {  // where item is, appended if need be
    const auto found = std::find(list.begin(), list.end(), item);
    const Index at = found - list.begin();
    if (found == list.end()) list.push_back(item);
    return at;
}

// The coordinates that a partial of order at most 2 differentiates in, increasing.
std::vector<Index> coordinates_of(const Partial& partial) {
    std::vector<Index> coordinates;
    for (std::size_t c = 0; c < partial.size(); ++c) coordinates.insert(coordinates.end(), partial[c], Index(c));
    return coordinates;
}

Plan plan_for(const std::vector<Partial>& partials) {
    Plan plan;
    for (const auto& partial : partials)
        for (const Index c : coordinates_of(partial)) position(plan.first, c);
    for (const auto& partial : partials) {
        const auto in = coordinates_of(partial);
        if (in.empty())
            plan.wanted.push_back(0);
        else if (in.size() == 1)
            plan.wanted.push_back(1 + position(plan.first, in[0]));
        else
            plan.wanted.push_back(1 + Index(plan.first.size()) +
                                  position(plan.second, {position(plan.first, in[0]), position(plan.first, in[1])}));
    }
    return plan;
}

// A layer's output and its derivatives for n points: parts of n columns side by side, (width, parts n), so that one
// product takes all of them through the weights.
struct FieldJet {
    Index n;
    MatrixXd h;

    auto part(Index k) { return h.middleCols(k * n, n); }
};

// The inputs' columns; a derivative in another coordinate than the input's own is zero.
void fill(const FieldBody& body, double kappa, const Eigen::Ref<const MatrixXd>& points, const Plan& plan,
          FieldJet& jet) {
    jet.n = points.rows();
    jet.h.setZero(body.columns(), plan.parts() * jet.n);
    Index row = 0;
    for (const auto& input : body.inputs()) {
        const Index c = input.coordinate();
        const double rate = c == body.coordinates() - 1 ? kappa : 1.0;
        const auto seeds = [&](Index index) { return plan.first[std::size_t(index)] == c; };
        double value[2], first[2], second[2];
        for (Index i = 0; i < jet.n; ++i) {
            input.evaluate(rate * points(i, c), value, first, second);
            for (Index k = 0; k < input.columns(); ++k) {
                Index part = 0;
                jet.part(part++)(row + k, i) = value[k];
                for (Index a = 0; a < Index(plan.first.size()); ++a, ++part)
                    if (seeds(a)) jet.part(part)(row + k, i) = rate * first[k];
                for (const auto& [a, b] : plan.second) {
                    if (a == b && seeds(a)) jet.part(part)(row + k, i) = rate * rate * second[k];
                    ++part;
                }
            }
        }
        row += input.columns();
    }
}

// h ← σ(z), z = W h + b, and the chain rule: h_a ← σ' z_a, h_ab ← σ'' z_a z_b + σ' z_ab.
void apply_layer(const MatrixXd& weight, const Eigen::VectorXd& bias, Activation activation, const Plan& plan,
                 FieldJet& jet, FieldJet& z, ActivationJet& sigma) {
    z.n = jet.n;
    z.h.noalias() = weight * jet.h;
    z.part(0).colwise() += bias;
    activate(activation, plan.second.empty() ? plan.first.empty() ? 0 : 1 : 2, z.part(0), sigma);
    jet.h.resize(z.h.rows(), z.h.cols());
    jet.part(0) = sigma.value;
    Index part = 1;
    for (std::size_t a = 0; a < plan.first.size(); ++a, ++part) jet.part(part) = sigma.first * z.part(part).array();
    for (const auto& [a, b] : plan.second) {
        jet.part(part) =
            sigma.second * z.part(1 + a).array() * z.part(1 + b).array() + sigma.first * z.part(part).array();
        ++part;
    }
}

}  // namespace

void check_partial(const Partial& partial, Index coordinates) {
    if (Index(partial.size()) != coordinates)
        throw std::invalid_argument("a partial has " + std::to_string(partial.size()) + " exponents, expected " +
                                    std::to_string(coordinates) + ", one for each coordinate with time the last");
    if (std::any_of(partial.begin(), partial.end(), [](int e) { return e < 0 || e > 2; }) ||
        std::accumulate(partial.begin(), partial.end(), 0) > 2) {
        std::string text;
        for (const int exponent : partial) text += (text.empty() ? "" : ", ") + std::to_string(exponent);
        throw std::invalid_argument("a partial has exponents (" + text +
                                    "), expected none negative and a sum of at most 2: derivatives of higher order "
                                    "need the equation as a system of lower order");
    }
}

void field_features(const FieldBody& body, double kappa, const Eigen::Ref<const MatrixXd>& points,
                    const std::vector<Partial>& partials, std::vector<Eigen::Ref<MatrixXd>> H) {
    for (const auto& partial : partials) check_partial(partial, body.coordinates());
    const Plan plan = plan_for(partials);
    const Index block = std::max(least_points, block_columns / plan.parts());
    FieldJet jet, z;
    ActivationJet sigma;
    for (Index start = 0; start < points.rows(); start += block) {
        const Index n = std::min(block, points.rows() - start);
        fill(body, kappa, points.middleRows(start, n), plan, jet);
        for (std::size_t l = 0; l < body.weights().size(); ++l)
            apply_layer(body.weights()[l], body.biases()[l], body.activation(), plan, jet, z, sigma);
        for (std::size_t k = 0; k < partials.size(); ++k)
            H[k].middleRows(start, n) = jet.part(plan.wanted[k]).transpose();
    }
}

}  // namespace STLFAST_NAMESPACE
