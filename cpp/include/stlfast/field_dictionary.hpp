// The functions of z = (z_1, …, z_d, z_t) that fields are expanded in; time, z_t, is the last coordinate.
//
//   dilated body     Φ(z) = [1, h(s(z_1, …, κ_1 z_t)), …, h(s(z_1, …, κ_K z_t))]
//   tensor product   Φ(z) = φ¹(z_1) ⊗ … ⊗ φᵈ(z_d) ⊗ φᵗ(z_t),  the functions of time running fastest
//
// N points, m functions, κ dilations.
#pragma once

#include <Eigen/Core>
#include <variant>
#include <vector>

#include "stlfast/field_body.hpp"
#include "stlfast/field_features.hpp"

namespace STLFAST_NAMESPACE {

class FieldDictionary {
  public:
    // One coordinate's factor of the tensor product: the first `functions` of
    //
    //   Chebyshev   T_0(2s − 1), T_1(2s − 1), …, s the coordinate plain or through a log map
    //   periodic    1, cos 2πz, sin 2πz, cos 4πz, sin 4πz, …
    struct Axis {
        Eigen::Index functions;
        bool periodic;
        InputMap map;  // of Chebyshev polynomials
    };

    // Throws std::invalid_argument as check_dilations does.
    static FieldDictionary from_body(FieldBody body, std::vector<double> dilations, bool constant = true);

    // Throws std::invalid_argument for an axis without functions and for periodic time.
    static FieldDictionary tensor(std::vector<Axis> axes);

    Eigen::Index size() const;         // m
    Eigen::Index coordinates() const;  // d + 1

    // For each partial the functions' derivatives, (N, m), at points (N, d + 1) that are finite and not negative in
    // time and wherever a log map is. Throws std::invalid_argument for others, and as check_partial does.
    std::vector<Eigen::MatrixXd> evaluate(const Eigen::Ref<const Eigen::MatrixXd>& points,
                                          const std::vector<Partial>& partials) const;

  private:
    struct Dilated {
        FieldBody body;
        std::vector<double> dilations;
        bool constant;
    };
    using Tensor = std::vector<Axis>;

    explicit FieldDictionary(std::variant<Dilated, Tensor> functions) : functions_(std::move(functions)) {}
    bool is_log(Eigen::Index coordinate) const;
    static std::vector<Eigen::MatrixXd> evaluate(const Dilated& functions,
                                                 const Eigen::Ref<const Eigen::MatrixXd>& points,
                                                 const std::vector<Partial>& partials);
    static std::vector<Eigen::MatrixXd> evaluate(const Tensor& axes, const Eigen::Ref<const Eigen::MatrixXd>& points,
                                                 const std::vector<Partial>& partials);

    std::variant<Dilated, Tensor> functions_;
};

}  // namespace STLFAST_NAMESPACE
