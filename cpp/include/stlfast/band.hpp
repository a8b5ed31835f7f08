// A reduced basis for a band of members, and the operators that solve any of them.
//
//   y_i(x) = Σ_k ψ_ik(x) c_k,   G(p) c = g,   G = Σ_qs θ_q θ_s G_qs + ω_0² Ψ(0)ᵀ Ψ(0)
//
// The functions ψ_k are vectors of n components that share their coefficient: slow manifolds couple the states, and a
// basis for each equation apart would spend stiffness times its truncation error on undoing that. r functions,
// n equations, Q coefficient functions (θ_0 = 1 belongs to the derivative), P parameters, D Chebyshev coefficients,
// N collocation points, C check points, E points of the default output grid, K forcing modes.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <vector>

#include "stlfast/certificate.hpp"
#include "stlfast/family.hpp"
#include "stlfast/forcing_modes.hpp"
#include "stlfast/points.hpp"

namespace STLFAST_NAMESPACE {

// What the model file keeps of a band.
struct Band {
    Eigen::VectorXd low, high;     // (P) the members it was made for
    double tau;                    // of the functions' Chebyshev expansions in log time
    Eigen::MatrixXd coefficients;  // (D, n r), column i·r + k holds ψ_ik
};

// The points at which functions are tabulated, common to all bands of a model.
struct Grids {
    Points collocation;       // (N)
    Certificate certificate;  // (C)
    Eigen::VectorXd output;   // (E)
};

// What a solve is asked for besides the member. The rows of `added` are the model's forcing points: first the
// collocation points, which are all that a band needs.
struct Data {
    Eigen::VectorXd y0;          // (n)
    bool own_forcing = true;     // whether the family's forcing acts
    Eigen::MatrixXd added = {};  // (forcing points, n) further forcing; empty for none
};

class BandOperators {
  public:
    struct Workspace {
        Program::Workspace program;
        Certificate::Workspace certificate;
        Eigen::VectorXd theta, pairs, right, flat, derivative;
        Eigen::MatrixXd values, beta, G, A, b;
        Defect defect;
        Eigen::LLT<Eigen::MatrixXd> cholesky;
    };

    // Throws std::invalid_argument where the family does not separate or the band's shapes do not fit it.
    BandOperators(const Band& band, const Family& family, const ForcingModes& modes, const Grids& grids);

    Eigen::Index rank() const { return r_; }

    // Coefficients c (r) of a member. Returns false where the operator is numerically singular.
    bool solve(const Eigen::VectorXd& parameters, const Data& data, Eigen::VectorXd& c, Workspace& workspace) const;

    // Values (E, n) on the default output grid.
    void tabulated(const Eigen::VectorXd& c, Eigen::Ref<Eigen::MatrixXd> y) const;

    // Chebyshev coefficients (D, n) of the solution.
    Eigen::MatrixXd expansion(const Eigen::VectorXd& c) const;

    // Bound (n) on the error of a solve without further forcing; scale (n) receives max |y|.
    Eigen::VectorXd certify(const Eigen::VectorXd& parameters, const Data& data, const Eigen::VectorXd& c,
                            Eigen::VectorXd& scale, Workspace& workspace) const;

  private:
    void assemble_operators(const Points& points, const ForcingModes& modes);
    void evaluate_theta(const Eigen::VectorXd& parameters, Workspace& workspace) const;

    const Band* band_;
    const Family* family_;
    const ForcingModes* modes_;
    const Grids* grids_;
    Eigen::Index r_;
    std::vector<Eigen::MatrixXd> rows_;    // L_q (n N, r), weighted
    Eigen::MatrixXd gram_;                 // (r², pairs q ≤ s), the initial rows in the first
    std::vector<Eigen::MatrixXd> forced_;  // L_qᵀ applied to each mode in each equation, (r, n K)
    Eigen::MatrixXd initial_;              // Ψ(0) (n, r)
    Eigen::MatrixXd output_;               // (n E, r)
    Eigen::MatrixXd check_, dcheck_;       // (n C, r)
    Eigen::MatrixXd parts_;                // A_q at the check points, (C or 1, Q n²)
};

}  // namespace STLFAST_NAMESPACE
