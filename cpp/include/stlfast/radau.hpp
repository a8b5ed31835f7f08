// Polynomials of degree s on [0, 1] by their values at 0 and the s Radau points 0 < c_1 < … < c_s = 1, s odd, and the
// eigenvectors that split the equations D y(c) = H f(y(c)) there into one real system and (s − 1)/2 complex ones.
//
// Hairer & Wanner, Solving Ordinary Differential Equations II, IV.5 and IV.8.
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

class RadauPoints {
  public:
    explicit RadauPoints(Eigen::Index s);

    Eigen::Index size() const { return c_.size() - 1; }
    const Eigen::VectorXd& c() const { return c_; }  // 0, then the points (s + 1)
    const Eigen::MatrixXd& D() const { return D_; }  // derivatives at the points (s, s + 1)

    // D without its first column is V diag(λ) V⁻¹. Of a pair of conjugate eigenvalues, one: L = (s + 1)/2, the real one
    // first. Columns of V: that of the real one, then 2 Re v and −2 Im v of each of the others; rows of V⁻¹ alike.
    const Eigen::VectorXcd& eigenvalues() const { return eigenvalues_; }
    const Eigen::MatrixXd& vectors() const { return vectors_; }  // (s, s)
    const Eigen::MatrixXd& inverse_vectors() const { return inverse_vectors_; }

    // Values, and derivatives unless null, at x (S) of the polynomials with values 1 at one point each, (S, s + 1).
    void interpolate(const Eigen::VectorXd& x, Eigen::MatrixXd& values, Eigen::MatrixXd* derivatives = nullptr) const;

  private:
    void split();

    Eigen::VectorXd c_, weight_;  // barycentric
    Eigen::MatrixXd D_;
    Eigen::VectorXcd eigenvalues_;
    Eigen::MatrixXd vectors_, inverse_vectors_;
};

}  // namespace STLFAST_NAMESPACE
