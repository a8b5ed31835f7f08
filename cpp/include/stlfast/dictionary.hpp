// The functions of x that solutions are expanded in.
//
//   dilated body     Φ(x) = [1, h(s(κ_1 x)), …, h(s(κ_K x))]
//   Chebyshev        Φ(x) = [T_0(z), …, T_{m−1}(z)],  z = 2 s(x) − 1
//
// N points, m functions, κ dilations, s the input map.
#pragma once

#include <Eigen/Core>
#include <variant>
#include <vector>

#include "stlfast/body.hpp"

namespace STLFAST_NAMESPACE {

// Throws std::invalid_argument unless dilations are distinct positive numbers, and for a dilation other than 1 of a
// body whose activation does not saturate: its argument leaves the interval that the body was trained on.
void check_dilations(const std::vector<double>& dilations, Activation activation);

class Dictionary {
  public:
    // Throws std::invalid_argument as check_dilations does.
    static Dictionary from_body(Body body, std::vector<double> dilations, bool constant = true);

    // Polynomials of degree below m ≥ 1 in the input map.
    static Dictionary chebyshev(Eigen::Index m, InputMap input);

    Eigen::Index size() const;  // m

    // Values and, where asked for, first and second derivatives in x at the points x (N), all finite and ≥ 0;
    // results (N, m). Throws std::invalid_argument for other points.
    void evaluate(const Eigen::Ref<const Eigen::VectorXd>& x, Eigen::MatrixXd& H, Eigen::MatrixXd* dH = nullptr,
                  Eigen::MatrixXd* ddH = nullptr) const;

  private:
    struct Dilated {
        Body body;
        std::vector<double> dilations;
        bool constant;
    };
    struct Chebyshev {
        Eigen::Index m;
        InputMap input;
    };

    explicit Dictionary(std::variant<Dilated, Chebyshev> functions) : functions_(std::move(functions)) {}
    static void evaluate(const Dilated& functions, const Eigen::Ref<const Eigen::VectorXd>& x, Eigen::MatrixXd& H,
                         Eigen::MatrixXd* dH, Eigen::MatrixXd* ddH);
    static void evaluate(const Chebyshev& functions, const Eigen::Ref<const Eigen::VectorXd>& x, Eigen::MatrixXd& H,
                         Eigen::MatrixXd* dH, Eigen::MatrixXd* ddH);

    std::variant<Dilated, Chebyshev> functions_;
};

}  // namespace STLFAST_NAMESPACE
