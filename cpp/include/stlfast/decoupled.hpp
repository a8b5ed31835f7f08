// The reduced basis of a band whose system matrices are constant in time, for systems of many equations: n problems
// with r unknowns where band.hpp has one with n r.
//
// With A = Q T Qᴴ (see schur.hpp) and z = Qᴴ y the last equation stands alone, and each one before it is forced by
// those behind it:
//
//   z_k' = t_kk z_k + Σ_{l>k} t_kl z_l + (Qᴴ b)_k,   z_k(x) = Σ_j φ_j(x) s_jk,   k = n … 1
//   (Dᵀ D − λ Dᵀ F − λ̄ Fᵀ D + |λ|² Fᵀ F + ω_0² φ(0)ᵀ φ(0)) s_k = (D − λ F)ᴴ f_k + ω_0² φ(0)ᵀ z_k(0),   λ = t_kk
//
// with the weighted values F and derivatives D of the functions at the collocation points, and f_k what forces z_k.
// All states share the functions φ. One band may hold the decay of every mode of every member, so that a state's
// coupling to the others costs no function.
//
// r functions, n equations, P parameters, D Chebyshev coefficients, N collocation points, C check points, K forcing
// modes. The coefficients of a solution are (r, n), one state after the other: y = φ c.
#pragma once

#include <Eigen/Core>

#include "stlfast/band.hpp"

namespace STLFAST_NAMESPACE {

class DecoupledOperators {
  public:
    using Vector = BandOperators::Vector;
    using ConstVector = BandOperators::ConstVector;

    struct Workspace {
        Program::Workspace program;
        Certificate::Workspace certificate;  // its Schur form is that of the member
        Defect defect;
        bool real;                                           // whether the Schur form is
        Eigen::MatrixXd A;                                   // (1, n²)
        Eigen::MatrixXd Q, T, factors, values, slopes;       // real: (n, n), (n, n), (packed, n), (r, n), (r, n)
        Eigen::MatrixXcd complex_factors, complex_solution;  // (r, n r), (r, n)
        Eigen::VectorXcd others;                             // (r)
        Eigen::MatrixXd right, solution, at_magic;           // (r, n), (r, n), (K, n)
        Eigen::MatrixXd y, dy, b;                            // (C, n)
        Eigen::VectorXd start;                               // (n)
    };

    // Throws std::invalid_argument where A varies in time or the band's shapes do not fit the family.
    DecoupledOperators(const Band& band, const Family& family, const ForcingModes& modes, const Grids& grids);

    // As those of BandOperators.
    Eigen::Index size() const { return r_ * family_->n; }
    bool factor(const ConstVector& parameters, Workspace& workspace) const;
    void solve(const ConstVector& parameters, const Data& data, Vector c, Workspace& workspace) const;
    void certify(const ConstVector& parameters, const Data& data, const ConstVector& c, Vector bound, Vector scale,
                 Workspace& workspace) const;

    // Combinations (r, r), upper triangular, that make the functions orthonormal for the decay rate between the
    // slowest, 1, and the fastest: then all operators are well conditioned.
    Eigen::MatrixXd orthonormalise(double fastest) const;

  private:
    bool factor_real(Workspace& workspace) const;
    bool factor_complex(Workspace& workspace) const;
    void project(const ConstVector& parameters, const Data& data, Workspace& workspace) const;
    void solve_real(const Data& data, Workspace& workspace) const;
    void solve_complex(const Data& data, Workspace& workspace) const;

    const Family* family_;
    const ForcingModes* modes_;
    const Grids* grids_;
    Eigen::Index r_;
    Eigen::MatrixXd F_, D_;              // (N, r), weighted
    Eigen::MatrixXd FF_, DF_, DD_;       // FᵀF, DᵀF, DᵀD + ω_0² φ(0)ᵀ φ(0), (r, r)
    Eigen::MatrixXd packed_;             // (packed lower triangle, 3): of DD, −(DᵀF + FᵀD) and FF
    Eigen::MatrixXd F_modes_, D_modes_;  // Fᵀ and Dᵀ applied to the forcing that is 1 at one magic point, (r, K)
    Eigen::VectorXd initial_;            // φ(0) (r)
    Eigen::MatrixXd check_, dcheck_;     // (C, r)
};

}  // namespace STLFAST_NAMESPACE
