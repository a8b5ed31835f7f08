#include "stlfast/dictionary.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "stlfast/features.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

Dictionary Dictionary::from_body(Body body, std::vector<double> dilations, bool constant) {
    if (dilations.empty()) throw std::invalid_argument("dilations is empty, expected at least one: use [1]");
    for (std::size_t i = 0; i < dilations.size(); ++i) {
        const double kappa = dilations[i];
        if (!std::isfinite(kappa) || !(kappa > 0.0))
            throw std::invalid_argument("a dilation is " + std::to_string(kappa) + ", expected a positive number");
        if (std::find(dilations.begin(), dilations.begin() + i, kappa) != dilations.begin() + i)
            throw std::invalid_argument("dilation " + std::to_string(kappa) + " is given twice");
        if (kappa != 1.0 && body.activation() != Activation::tanh)
            throw std::invalid_argument("dilation " + std::to_string(kappa) + " of a body with activation " +
                                        to_string(body.activation()) +
                                        ": activations that do not saturate cannot be dilated; "
                                        "use tanh or dilations=[1]");
    }
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

namespace {

// Values and derivatives in z = 2s − 1 of T_0 … T_{m−1} by Reinsch's form of the recurrence,
//
//   T_{k+1} = T_k + d_k,   d_k = d_{k−1} + 2(w − 1) T_k,   w = |z|,   T_k(−w) = (−1)^k T_k(w),
//
// which unlike T_{k+1} = 2z T_k − T_{k−1} loses nothing near the ends: w − 1 comes from s without cancellation.
void chebyshev_polynomials(double s, Eigen::ArrayXd& t, Eigen::ArrayXd& dt, Eigen::ArrayXd& ddt) {
    const bool mirrored = s < 0.5;
    const double delta = -4.0 * (mirrored ? s : 1.0 - s);  // 2(w − 1)
    t[0] = 1.0, dt[0] = 0.0, ddt[0] = 0.0;
    double d = 0.5 * delta, dd = 1.0, ddd = 0.0;  // d_k and its derivatives in w
    for (Index k = 0; k + 1 < t.size(); ++k) {
        if (k > 0) {
            d += delta * t[k];
            dd += delta * dt[k] + 2.0 * t[k];
            ddd += delta * ddt[k] + 4.0 * dt[k];
        }
        t[k + 1] = t[k] + d, dt[k + 1] = dt[k] + dd, ddt[k + 1] = ddt[k] + ddd;
    }
    if (!mirrored) return;
    for (Index k = 0; k < t.size(); ++k)
        if (k % 2 == 1)
            t[k] = -t[k], ddt[k] = -ddt[k];
        else
            dt[k] = -dt[k];
}

}  // namespace

void Dictionary::evaluate(const Chebyshev& functions, const Eigen::Ref<const VectorXd>& x, MatrixXd& H, MatrixXd* dH,
                          MatrixXd* ddH) {
    const auto& [m, input] = functions;
    Eigen::ArrayXd t(m), dt(m), ddt(m);
    for (Index i = 0; i < x.size(); ++i) {
        chebyshev_polynomials(input.value(x[i]), t, dt, ddt);
        const double dz = 2.0 * input.derivative(x[i]), ddz = 2.0 * input.second_derivative(x[i]);
        H.row(i) = t;
        if (dH) dH->row(i) = dz * dt;
        if (ddH) ddH->row(i) = dz * dz * ddt + ddz * dt;
    }
}

}  // namespace STLFAST_NAMESPACE
