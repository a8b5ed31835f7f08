// The transfer solve on the whole dictionary: heads W by linear least squares, as in the paper (its equation for
// one-shot transfer), with the conditioning that it lacks.
//
//   min_W Σ_q ω_q² ‖ P_q (Φ'(x_q) W − A Φ(x_q) W − b(x_q)) ‖² + ω_0² ‖ Φ(0) W − y0 ‖²
//
// P_q is a row preconditioner, the identity unless given.
// M dictionary functions, n equations, N points, R functions after orthonormalisation, U unknowns.
// With a shared head one vector serves all equations and equation i owns the i-th of n equal blocks of functions.
#pragma once

#include <Eigen/Core>
#include <Eigen/QR>
#include <variant>

#include "stlfast/assembly.hpp"
#include "stlfast/dictionary.hpp"
#include "stlfast/family.hpp"

namespace STLFAST_NAMESPACE {

enum class LeastSquares {
    svd,  // QR on functions orthonormalised by an SVD of their values and derivatives: the default
    qr,   // pivoted QR on the raw functions with scaled columns
    pinv  // pseudo-inverse of the normal equations on the raw functions: the paper's
};
LeastSquares least_squares_from(const std::string& name);

constexpr double initial_weight = 10;  // of the initial-value rows, ω_0

// Functions that one equation's head multiplies: M, or M/n with a shared head. Throws std::invalid_argument where n
// does not divide M.
Eigen::Index head_size(Eigen::Index M, Eigen::Index n, bool shared_head);

class FullSpace {
  public:
    FullSpace(Dictionary dictionary, Points points, Eigen::Index n, bool shared_head, LeastSquares solver);

    const Dictionary& dictionary() const { return dictionary_; }
    const Points& points() const { return points_; }
    Eigen::Index n() const { return trial_.n(); }

    // One member's least-squares problem, factored.
    class Member {
      public:
        // Heads (M, n) for the initial value y0 (n) and the forcing (N, n) at the collocation points.
        Eigen::MatrixXd solve(const Eigen::VectorXd& y0, const Eigen::Ref<const Eigen::MatrixXd>& forcing) const;
        const FullSpace& space() const { return *space_; }

      private:
        friend class FullSpace;
        using PseudoInverse = Eigen::MatrixXd;
        const FullSpace* space_;
        Eigen::MatrixXd rows_;   // P (N, n²), or empty
        Eigen::VectorXd scale_;  // (U) of the unknowns
        std::variant<Eigen::HouseholderQR<Eigen::MatrixXd>, Eigen::ColPivHouseholderQR<Eigen::MatrixXd>, PseudoInverse>
            factor_;
    };
    // A (N or 1, n²) and P (N, n²), row-major, at the collocation points; an empty P is the identity.
    Member factor(const Eigen::MatrixXd& A, Eigen::MatrixXd P = {}) const;

  private:
    Dictionary dictionary_;
    Points points_;
    bool shared_head_;
    LeastSquares solver_;
    Eigen::MatrixXd transform_;  // (M, R) to orthonormal functions; empty where the raw ones are used
    Trial trial_;
    Eigen::MatrixXd derivative_;  // weighted rows of dY (n N, U)
    Eigen::MatrixXd initial_;     // weighted rows of Y(0) (n, U)
};

}  // namespace STLFAST_NAMESPACE
