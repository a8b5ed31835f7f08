// The linear systems of simplified Newton steps on a window, split by the eigenvectors of its points:
//
//   (D ⊗ I − H I ⊗ J) Y = R   ⇔   (λ_l I − H J) W_l = (V⁻¹ R)_l,   Y = V W
//
// L = (s + 1)/2 ≤ 4 systems of n unknowns, eliminated together, each in a lane of SIMD, with common pivots. Entries
// that are 0 are skipped, and outside the band of J nothing is stored.
//
// n states; s ≤ 7 points, stored as eight: those beyond are copies of the last.
#pragma once

#include <Eigen/Core>
#include <array>
#include <vector>

#include "stlfast/radau.hpp"

namespace STLFAST_NAMESPACE {

constexpr int stored_points = 8;
using AtPoints = Eigen::Array<double, stored_points, 1>;             // of one state
using Stages = Eigen::Array<double, stored_points, Eigen::Dynamic>;  // of all, (8, n)

// A matrix (R, s + 1) that is applied to values at the beginning and the points: eight results, those from the R-th on
// copies of the one before.
class Combination {
  public:
    Combination() = default;
    explicit Combination(const Eigen::MatrixXd& M);

    AtPoints operator()(double first, const double* rest) const {
        AtPoints result = columns_[0] * first;
        for (int k = 1; k < count_; ++k) result += columns_[std::size_t(k)] * rest[k - 1];
        return result;
    }

  private:
    int count_ = 0;
    std::array<AtPoints, stored_points> columns_;
};

class StageSystems {
  public:
    using Lane = Eigen::Array<double, 4, 1>;

    // The eigenvalues and eigenvectors of a set of points, in lanes.
    struct Split {
        explicit Split(const RadauPoints& points);

        int s;
        Lane lambda_re, lambda_im;
        std::array<Lane, stored_points> inverse_re, inverse_im;  // columns of V⁻¹
        std::array<AtPoints, 4> vectors_re, vectors_im;
    };

    // J (n, n) whose entries (i, j) differ from 0 only for −upper ≤ i − j ≤ lower.
    void factor(const Split& split, const Eigen::MatrixXd& J, double H, Eigen::Index lower, Eigen::Index upper);

    // R becomes Y.
    void solve(Stages& R);

    // Whether H J may have an eigenvalue whose real part is larger than `growth`, less than that of every λ: whether
    // the power iteration of 2 (Re λ_l − growth) (λ_l I − H J)⁻¹ − I, which maps those to outside the unit circle,
    // grows.
    bool may_grow(double growth, const Eigen::VectorXd& scale);

  private:
    struct Complex {
        Lane re, im;
    };
    using Complexes = std::vector<Complex, Eigen::aligned_allocator<Complex>>;

    void eliminate();
    void substitute(Complex* x) const;
    template <int n>
    void substitute_dense(Complex* x) const;

    Complex* column(Eigen::Index j) { return entries_.data() + j * height_ - (banded_ ? j - lower_ - upper_ : 0); }
    const Complex* column(Eigen::Index j) const { return const_cast<StageSystems*>(this)->column(j); }

    const Split* split_ = nullptr;
    Eigen::Index n_ = 0, height_ = 0, lower_ = 0, upper_ = 0;
    bool banded_ = false, dense_ = false;
    Complexes entries_, right_, vector_;  // entries column after column
    std::vector<Eigen::Index> pivots_;
    // Rows of the entries that are not 0, above the diagonal and below it, column after column, and where they begin.
    std::vector<int> above_, below_, above_begin_, below_begin_;
};

}  // namespace STLFAST_NAMESPACE
