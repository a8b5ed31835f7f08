// A bound on the error from the residual: e' = A e + r, e(0) = y0 − y(0).
//
// For constant A the complex Schur form A = Q T Qᴴ gives for k = n … 1
//
//   |z_k(x)| ≤ e^{Re t_kk x} |z_k(0)| + ∫₀ˣ e^{Re t_kk (x−s)} ( |(Qᴴ r)_k| + Σ_{l>k} |t_kl| |z_l| ) ds,   |e| ≤ |Q|
//   |z|.
//
// For A(x) one inner product, made from the Schur form at the middle, turns that into the scalar inequality
// ζ' ≤ μ(A) ζ + ‖r‖ with the logarithmic norm μ. Between two check points the larger of the two residuals is used, each
// raised by what its curvature suggests: there, and only there, the bound is an estimate.
//
// n states, C check points.
#pragma once

#include <Eigen/Core>

#include "stlfast/residual.hpp"
#include "stlfast/schur.hpp"

namespace STLFAST_NAMESPACE {

class Certificate {
  public:
    using Bound = Eigen::Ref<Eigen::VectorXd>;

    struct Workspace {
        Schur schur;
        Eigen::MatrixXd modulus, real, imaginary;       // of Q (n, n)
        Eigen::MatrixXd rows;                           // of the modulus, as columns
        Eigen::MatrixXd z;                              // (C, n)
        Eigen::VectorXd source, rotated;                // (C)
        Eigen::ArrayXd bulge;                           // (C)
        Eigen::ArrayXd rate, growth, integral, larger;  // (C − 1)
    };

    // Check points x (C), increasing from 0 to 1.
    explicit Certificate(Eigen::VectorXd x);

    const Eigen::VectorXd& x() const { return x_; }

    // Bound (n) on max |error| over [0, 1]; A (1 or C, n²).
    void bound(const Eigen::MatrixXd& A, const Defect& defect, Bound result, Workspace& workspace) const;

    // The same for constant A whose Schur form is in the workspace.
    void bound_schur(const Defect& defect, Bound result, Workspace& workspace) const;

  private:
    void bound_varying(const Eigen::MatrixXd& A, const Defect& defect, Bound result, Workspace& workspace) const;
    // source (C) = |(Qᴴ r)_k| and the rounding in it
    void rotate(const Defect& defect, Eigen::Index k, Workspace& workspace) const;
    // z' = rate z + source, z(0) given, where the larger source of each interval's ends counts.
    void integrate(double initial, Bound z, Workspace& workspace) const;

    Eigen::VectorXd x_;
    Eigen::ArrayXd step_;  // (C − 1)
};

}  // namespace STLFAST_NAMESPACE
