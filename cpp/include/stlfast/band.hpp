// A reduced basis for a band of members, and the operators that solve any of them.
//
//   y_i(x) = Σ_k ψ_ik(x) c_k,   G(p) c = g,   G = Σ_qs δ_q δ_s G_qs + ω_0² Ψ(0)ᵀ Ψ(0)
//
// δ_0 = 1 belongs to the residual of the band's central member p̄, δ_q = θ_q(p) − θ_q(p̄) to A_q: of stiff members the
// sum over θ_q itself would cancel to a small part, and rounding with it.
//
// The functions ψ_k are vectors of n components that share their coefficient: slow manifolds couple the states, and a
// basis for each equation apart would spend stiffness times its truncation error on undoing that. r functions,
// n equations, Q coefficient functions, P parameters, D Chebyshev coefficients, N collocation points, C check points,
// K forcing modes.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/certificate.hpp"
#include "stlfast/dense.hpp"
#include "stlfast/family.hpp"
#include "stlfast/forcing_modes.hpp"
#include "stlfast/points.hpp"

namespace STLFAST_NAMESPACE {

// What the model file keeps of a band.
struct Band {
    Eigen::VectorXd low, high;     // (P) the members it was made for
    double tau;                    // of the functions' Chebyshev expansions in log time
    Eigen::MatrixXd coefficients;  // (D, n r), column i·r + k holds ψ_ik; (D, r) where decoupled
    bool decoupled = false;        // whether all states share the functions: see decoupled.hpp
};

// Throws std::invalid_argument where a band's shapes do not fit the family, or its numbers make no sense.
void check(const Band& band, const Family& family);

// The columns (N, n r) of a band's functions, one block of r for each equation, stacked to (n N, r): times the
// coefficients c they give the values (N, n) of a solution, one state after the other.
Eigen::MatrixXd stacked(const Eigen::MatrixXd& blocks, Eigen::Index n);

// Chebyshev coefficients (D, n) in the band's log time of the solution with coefficients c, which may be longer.
Eigen::MatrixXd expansion(const Band& band, Eigen::Index n, const Eigen::VectorXd& c);

// The points at which a band's functions are tabulated, common to all bands of a model.
struct Grids {
    Points collocation;       // (N)
    Certificate certificate;  // (C)
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
    using Vector = Eigen::Ref<Eigen::VectorXd>;
    using ConstVector = Eigen::Ref<const Eigen::VectorXd>;

    struct Workspace {
        Program::Workspace program;
        Certificate::Workspace certificate;
        Defect defect;
        Eigen::VectorXd theta, factors, pairs;     // θ (Q), δ (V + 1), (pairs q ≤ s)
        Eigen::VectorXd G;                         // packed lower triangle, then its Cholesky factor
        Eigen::VectorXd at_magic, sources, right;  // (K n), ((V + 1) K n), (r)
        Eigen::VectorXd start, checked;            // (n), values then derivatives at the check points (2 n C)
        Eigen::MatrixXd A, b;                      // at the check points (C or 1, n²), (C, n)
    };

    // Throws std::invalid_argument where the family does not separate or the band's shapes do not fit it.
    BandOperators(const Band& band, const Family& family, const ForcingModes& modes, const Grids& grids);

    Eigen::Index size() const { return r_; }  // coefficients of a solution

    // Assembles and factors G of a member; `solve` and `certify` then answer for it with the same workspace. Returns
    // false where it is numerically singular.
    bool factor(const ConstVector& parameters, Workspace& workspace) const;

    // Coefficients c (r).
    void solve(const ConstVector& parameters, const Data& data, Vector c, Workspace& workspace) const;

    // Bound (n) on the error of a solve without further forcing, and max |y| (n) at the check points.
    void certify(const ConstVector& parameters, const Data& data, const ConstVector& c, Vector bound, Vector scale,
                 Workspace& workspace) const;

    // Combinations (r, r), upper triangular, of the functions for which G of the central member is the identity.
    Eigen::MatrixXd orthonormalise() const;

  private:
    void assemble_operators();
    void evaluate_theta(const ConstVector& parameters, Workspace& workspace) const;
    void add_own_forcing(const ConstVector& parameters, Vector c, Workspace& workspace) const;

    const Band* band_;
    const Family* family_;
    const ForcingModes* modes_;
    const Grids* grids_;
    Eigen::Index r_;
    Eigen::VectorXd centre_;             // θ (Q) of the central member
    std::vector<Eigen::Index> varying_;  // q of the θ_q that depend on parameters, V of them
    std::vector<Eigen::MatrixXd> rows_;  // L_q (n N, r), weighted: of the central member, then −A_q of the varying θ_q
    Eigen::MatrixXd gram_;               // (packed lower triangle, pairs q ≤ s), the initial rows in the first
    Eigen::MatrixXd forced_;             // L_qᵀ applied to the forcing that is 1 at one magic point and in one
                                         // equation, (r, (V + 1) n K)
    Eigen::MatrixXd initial_;            // Ψ(0) (n, r)
    Eigen::MatrixXd initial_right_;      // ω_0² Ψ(0)ᵀ (r, n)
    dense::Tiles checks_;                // values, then derivatives, at the check points (2 n C, r)
    Eigen::MatrixXd parts_;              // A_q at the check points, (C or 1, Q n²)
};

}  // namespace STLFAST_NAMESPACE
