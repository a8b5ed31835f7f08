#include "stlfast/features.hpp"

#include <algorithm>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index block_size = 64;  // points propagated together, so that all layers' matrices stay in cache

// A layer's output and its derivatives in s, all (points, width). order says how many derivatives are wanted.
struct Jet {
    int order;
    MatrixXd h, dh, ddh;
};

// h ← σ(z), z = W h + b, and the chain rule: dh ← σ' dz, ddh ← σ'' dz² + σ' ddz.
void apply_layer(const MatrixXd& weight, const VectorXd& bias, Activation activation, Jet& jet, ActivationJet& sigma) {
    MatrixXd z = jet.h * weight.transpose();
    z.rowwise() += bias.transpose();
    activate(activation, jet.order, z, sigma);
    jet.h = sigma.value;
    if (jet.order == 0) return;
    z.noalias() = jet.dh * weight.transpose();  // dz
    if (jet.order > 1) {
        const MatrixXd ddz = jet.ddh * weight.transpose();
        jet.ddh = sigma.second * z.array().square() + sigma.first * ddz.array();
    }
    jet.dh = sigma.first * z.array();
}

}  // namespace

void features(const Body& body, double kappa, const Eigen::Ref<const VectorXd>& x, MatrixXd& H, MatrixXd* dH,
              MatrixXd* ddH) {
    const InputMap& input = body.input();
    H.resize(x.size(), body.width());
    if (dH) dH->resize(x.size(), body.width());
    if (ddH) ddH->resize(x.size(), body.width());
    Jet jet{ddH ? 2 : dH ? 1 : 0, {}, {}, {}};
    ActivationJet sigma;
    for (Index start = 0; start < x.size(); start += block_size) {
        const Index n = std::min(block_size, x.size() - start);
        const VectorXd dilated = kappa * x.segment(start, n);
        jet.h = dilated.unaryExpr([&](double u) { return input.value(u); });
        jet.dh = MatrixXd::Ones(n, 1);
        jet.ddh = MatrixXd::Zero(n, 1);
        for (std::size_t l = 0; l < body.weights().size(); ++l)
            apply_layer(body.weights()[l], body.biases()[l], body.activation(), jet, sigma);
        H.middleRows(start, n) = jet.h;
        if (jet.order == 0) continue;
        // From derivatives in s to derivatives in x.
        const VectorXd ds = dilated.unaryExpr([&](double u) { return kappa * input.derivative(u); });
        if (dH) dH->middleRows(start, n) = ds.asDiagonal() * jet.dh;
        if (!ddH) continue;
        const VectorXd dds = dilated.unaryExpr([&](double u) { return kappa * kappa * input.second_derivative(u); });
        ddH->middleRows(start, n) = ds.cwiseAbs2().asDiagonal() * jet.ddh;
        ddH->middleRows(start, n) += dds.asDiagonal() * jet.dh;
    }
}

}  // namespace STLFAST_NAMESPACE
