// The dense kernels of the online solve, for sizes (a dozen to a few dozen unknowns) at which a call into a general
// library costs more than its arithmetic.
//
// Every sum has a fixed order, whatever the vector width: the same source gives the same numbers on every processor,
// where normal equations would otherwise make a visible difference of rounding.
//
// Packed lower triangle of a symmetric matrix (r, r): column j holds rows j … r − 1, one column behind the other.
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE::dense {

using Vector = Eigen::Ref<Eigen::VectorXd>;
using ConstVector = Eigen::Ref<const Eigen::VectorXd>;

inline Eigen::Index packed_size(Eigen::Index r) { return r * (r + 1) / 2; }

// The lower triangle of G (r, r), packed.
Eigen::VectorXd packed(const Eigen::MatrixXd& G);

// G = L Lᵀ in place, with the diagonal of L inverted. Returns false where a pivot is not positive.
bool factor(Vector G, Eigen::Index r);

// x (r) becomes (L Lᵀ)⁻¹ x.
void solve(const ConstVector& L, Vector x);

// The same of a Hermitian matrix, of which only the lower triangle is read and written; the diagonal of L as it is.
bool factor(Eigen::Ref<Eigen::MatrixXcd> G);
void solve(const Eigen::Ref<const Eigen::MatrixXcd>& L, Eigen::Ref<Eigen::VectorXcd> x);

// y (N) = M (N, K) v (K).
void product(const Eigen::Ref<const Eigen::MatrixXd>& M, const ConstVector& v, Vector y);

// A (N, K) B (K, M), for tables that `product` or a factorisation uses.
Eigen::MatrixXd product(const Eigen::Ref<const Eigen::MatrixXd>& A, const Eigen::Ref<const Eigen::MatrixXd>& B);

// A table (N, K) that is read once for each product, at the rate of the second cache: the 8 rows that a product
// accumulates in registers lie together. Every sum is in the order of the columns.
class Tiles {
  public:
    Tiles() = default;
    explicit Tiles(const Eigen::Ref<const Eigen::MatrixXd>& M);

    Eigen::Index rows() const { return rows_; }
    Eigen::Index cols() const { return cols_; }

    // y (N) = M v (K).
    void product(const double* v, double* y) const;

    // The same for `count` vectors, four of them in about the time of two.
    void product(const double* const* v, double* const* y, Eigen::Index count) const;

  private:
    Eigen::Index rows_ = 0, cols_ = 0;
    Eigen::VectorXd entries_;  // tile after tile, column after column, with rows of zeros at the end
};

}  // namespace STLFAST_NAMESPACE::dense
