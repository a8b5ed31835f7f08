#include "stlfast/dictionary.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "stlfast/chebyshev.hpp"
#include "stlfast/features.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

void check_dilations(const std::vector<double>& dilations, Activation activation) {
    if (dilations.empty()) throw std::invalid_argument("dilations is empty, expected at least one: use [1]");
    for (std::size_t i = 0; i < dilations.size(); ++i) {
        const double kappa = dilations[i];
        if (!std::isfinite(kappa) || !(kappa > 0.0))
            throw std::invalid_argument("a dilation is " + std::to_string(kappa) + ", expected a positive number");
        if (std::find(dilations.begin(), dilations.begin() + i, kappa) != dilations.begin() + i)
            throw std::invalid_argument("dilation " + std::to_string(kappa) + " is given twice");
        if (kappa != 1.0 && activation != Activation::tanh)
            throw std::invalid_argument("dilation " + std::to_string(kappa) + " of a body with activation " +
                                        to_string(activation) +
                                        ": activations that do not saturate cannot be dilated; "
                                        "use tanh or dilations=[1]");
    }
}

Dictionary Dictionary::from_body(Body body, std::vector<double> dilations, bool constant) {
    check_dilations(dilations, body.activation());
    return Dictionary(Dilated{std::move(body), std::move(dilations), constant});
}

Dictionary Dictionary::chebyshev(Index m, InputMap input) {
    if (m < 1) throw std::invalid_argument("m is " + std::to_string(m) + ", expected at least 1 polynomial");
    return Dictionary(Chebyshev{m, std::move(input)});
}

Index Dictionary::size() const {
    if (const auto* dilated = std::get_if<Dilated>(&functions_))
        return static_cast<Index>(dilated->dilations.size()) * dilated->body.width() + (dilated->constant ? 1 : 0);
    return std::get<Chebyshev>(functions_).m;
}

void Dictionary::evaluate(const Eigen::Ref<const VectorXd>& x, MatrixXd& H, MatrixXd* dH, MatrixXd* ddH) const {
    if (!x.allFinite() || (x.array() < 0.0).any())
        throw std::invalid_argument("x must be finite and not negative: it is time scaled to [0, 1]");
    H.resize(x.size(), size());
    if (dH) dH->resize(x.size(), size());
    if (ddH) ddH->resize(x.size(), size());
    std::visit([&](const auto& functions) { evaluate(functions, x, H, dH, ddH); }, functions_);
}

void Dictionary::evaluate(const Dilated& functions, const Eigen::Ref<const VectorXd>& x, MatrixXd& H, MatrixXd* dH,
                          MatrixXd* ddH) {
    Index column = 0;
    if (functions.constant) {
        H.col(0).setOnes();
        if (dH) dH->col(0).setZero();
        if (ddH) ddH->col(0).setZero();
        column = 1;
    }
    const Index width = functions.body.width();
    MatrixXd h, dh, ddh;
    for (const double kappa : functions.dilations) {
        features(functions.body, kappa, x, h, dH || ddH ? &dh : nullptr, ddH ? &ddh : nullptr);
        H.middleCols(column, width) = h;
        if (dH) dH->middleCols(column, width) = dh;
        if (ddH) ddH->middleCols(column, width) = ddh;
        column += width;
    }
}

void Dictionary::evaluate(const Chebyshev& functions, const Eigen::Ref<const VectorXd>& x, MatrixXd& H, MatrixXd* dH,
                          MatrixXd* ddH) {
    const auto& [m, input] = functions;
    Eigen::ArrayXd t(m), dt(m), ddt(m);
    for (Index i = 0; i < x.size(); ++i) {
        chebyshev::polynomials(input.value(x[i]), t, dt, ddt);
        const double dz = 2.0 * input.derivative(x[i]), ddz = 2.0 * input.second_derivative(x[i]);
        H.row(i) = t;
        if (dH) dH->row(i) = dz * dt;
        if (ddH) ddH->row(i) = dz * dz * ddt + ddz * dt;
    }
}

}  // namespace STLFAST_NAMESPACE
