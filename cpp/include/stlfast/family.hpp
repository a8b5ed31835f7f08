// A family of equations in normalised time: dy/dx = A(p, x) y + b(p, x) + N(x, y, p), x ∈ [0, 1]; without N a linear
// one.
//
// n states, P parameters, Q coefficient functions: A(p, x) = Σ_q θ_q(p) A_q(x).
#pragma once

#include <Eigen/Core>
#include <optional>

#include "stlfast/program.hpp"

namespace STLFAST_NAMESPACE {

struct Family {
    Eigen::Index n;
    Program A;                     // n² outputs, row-major
    Program b;                     // n outputs
    std::optional<Program> theta;  // Q outputs; absent, as parts, where A does not separate
    std::optional<Program> parts;  // Q·n² outputs
    Eigen::VectorXd low, high;     // (P) the parameters that can be solved
    Eigen::Index stiffness;        // index of the parameter that makes members stiff, −1: none is positive
    // The rest of a nonlinear right-hand side, N(x, y, p), n outputs, and ∂N/∂y, n² outputs, row-major.
    std::optional<Program> N = std::nullopt, J = std::nullopt;
    std::optional<Program> switches =
        std::nullopt;  // what the steps in A, b and N are steps of, by number; inputs of N

    // Throws std::invalid_argument where the programs' inputs and outputs do not fit n and P.
    void validate() const;

    Eigen::Index n_parameters() const { return low.size(); }
    bool separable() const { return theta.has_value(); }
    bool nonlinear() const { return N.has_value(); }
};

// A is evaluated once for each of many points where it varies with x, and once in all where it does not.
// Result (N or 1, n²), column i·n + j. Throws std::domain_error where it is not finite.
Eigen::MatrixXd system_matrix(const Family& family, const Eigen::VectorXd& parameters, const Eigen::VectorXd& x);

// b at the points x (N), result (N, n). Throws std::domain_error where it is not finite.
Eigen::MatrixXd forcing(const Family& family, const Eigen::VectorXd& parameters, const Eigen::VectorXd& x);

}  // namespace STLFAST_NAMESPACE
