// Chebyshev polynomials, and expansions in log time, the form in which compiled functions are kept and evaluated.
//
//   f(x) = Σ_d a_d T_d(z),   z = 2 log(1 + x/τ)/log(1 + 1/τ) − 1 ∈ [−1, 1]
//
// D coefficients, N points, F functions side by side.
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE::chebyshev {

// Values and derivatives in z = 2s − 1 of T_0 … T_{D−1} at one point, D ≥ 1 the size of t, by Reinsch's form of the
// recurrence,
//
//   T_{k+1} = T_k + d_k,   d_k = d_{k−1} + 2(w − 1) T_k,   w = |z|,   T_k(−w) = (−1)^k T_k(w),
//
// which unlike T_{k+1} = 2z T_k − T_{k−1} loses nothing near the ends: w − 1 comes from s without cancellation.
void polynomials(double s, Eigen::ArrayXd& t, Eigen::ArrayXd& dt, Eigen::ArrayXd& ddt);

// The D points x of the expansion's nodes, increasing.
Eigen::VectorXd nodes(Eigen::Index D, double tau);

// Coefficients (D, F) of the polynomials through values (D, F) at the nodes.
Eigen::MatrixXd coefficients(const Eigen::MatrixXd& values);

// T (N, D) with T(i, d) = T_d(z(x_i)) and, where asked for, the derivatives dT in x.
void basis(const Eigen::VectorXd& x, Eigen::Index D, double tau, Eigen::MatrixXd& T, Eigen::MatrixXd* dT = nullptr);

// Values (N, F) at x (N) by Clenshaw's recurrence; coefficients (D, F).
void evaluate(const Eigen::MatrixXd& coefficients, double tau, const Eigen::Ref<const Eigen::VectorXd>& x,
              Eigen::Ref<Eigen::MatrixXd> values);

// Σ_d c_d T_d(z) at places z that stay in registers, by the same recurrence.
template <class Coefficients, class Places>
Places sum_series(const Coefficients& c, const Places& z) {
    const Places twice = 2 * z;
    Places next = Places::Zero(), last = Places::Constant(c[c.size() - 1]);
    for (Eigen::Index d = c.size() - 2; d > 0; --d) {
        const Places now = (c[d] - next) + twice * last;  // what does not wait for the last, first
        next = last, last = now;
    }
    return (c[0] - next) + z * last;
}

// How many leading coefficients hold the functions: all later ones are below tol times the largest of all.
Eigen::Index length(const Eigen::MatrixXd& coefficients, double tol);

}  // namespace STLFAST_NAMESPACE::chebyshev
