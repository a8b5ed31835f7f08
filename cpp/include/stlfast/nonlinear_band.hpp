// The members of a nonlinear family in a band's reduced basis, by Newton's method on as many equations as unknowns.
//
//   y(x) = Φ(x) a + Ψ(x) c,   a = (1, the varying initial values),   Ψ(0) = 0
//   y_i'(x_k) = f_i(x_k, y(x_k)),   (x_k, i) the band's rows, one for each of the r functions of Ψ
//
// Φ lifts the initial values, which every iterate thus satisfies. The first guess of c is a polynomial in the member's
// coordinates; the answer is what Newton's method makes of it.
//
// n states, P parameters, L columns of Φ, r of Ψ, d = P + L − 1 coordinates, M monomials, C check points.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/answer.hpp"
#include "stlfast/band.hpp"
#include "stlfast/error_estimate.hpp"

namespace STLFAST_NAMESPACE {

// Where members start: the states with low < high vary, the others keep the family's initial value.
struct Starts {
    Eigen::VectorXd y0, low, high;  // (n)

    std::vector<Eigen::Index> varying() const;
};

struct NonlinearBand {
    Band functions;            // coefficients (D, n (L + r)), column i·(L + r) + k holds component i of function k
    Eigen::VectorXd x;         // (r) the rows' points
    Eigen::VectorXi equation;  // (r) and equations
    Eigen::MatrixXi powers;    // (M, d) of each monomial
    Eigen::MatrixXd guess;     // (M, r)
};

class NonlinearOperators {
  public:
    // Members that are solved side by side, in the lanes of the processor's registers.
    static constexpr Eigen::Index lanes = 4;
    using Lane = Eigen::Array<double, lanes, 1>;
    using Lanes = std::vector<Lane, Eigen::aligned_allocator<Lane>>;

    struct Query {
        const double* parameters;  // (P)
        const double* y0;          // (n)
    };
    struct Result {
        double* c;         // (L + r), a first
        double* estimate;  // (n) of max |error|, and
        double* scale;     // (n) max |y| at the check points; both null, for all queries, where not asked for
        Newton newton;
    };

    struct Workspace {
        Program::Workspace program;
        Lanes a, c, y, y_lift, slope_lift, G, factors, right;
        Eigen::VectorXd monomials, points, A, b, N, J, checked;
        ErrorEstimate::Workspace estimate;
    };

    // Check points x (C), increasing from 0 to 1. Keeps references to the family and the starts. Throws
    // std::invalid_argument where the band's shapes do not fit them.
    NonlinearOperators(const NonlinearBand& band, const Family& family, const Starts& starts,
                       const Eigen::VectorXd& check_points);

    Eigen::Index size() const { return L_ + r_; }

    // The first `count` ≤ lanes queries; a lane's result does not depend on the others. Not converged for another
    // initial value of a state that does not vary.
    void solve(const Query* queries, Eigen::Index count, Result* results, Workspace& workspace) const;

  private:
    struct Coordinate {  // of a member, −1 … 1 in the band
        Eigen::Index index;
        bool initial, logarithmic;
        double middle, half;
    };
    void check(const NonlinearBand& band) const;
    void tabulate(const NonlinearBand& band, const Eigen::VectorXd& check_points);
    void order_rows();
    void guess(const Query& query, double* c, Eigen::Index stride, Workspace& workspace) const;
    void lift(Workspace& workspace) const;
    void evaluate_linear(const Query* queries, bool same_member, Workspace& workspace) const;
    void linearise(const Query* queries, bool same_member, bool jacobian, Workspace& workspace) const;

    const Family* family_;
    std::vector<Eigen::Index> varying_;
    Eigen::VectorXd start_;
    Eigen::Index n_, L_, r_;
    std::vector<Coordinate> coordinates_;  // (d)
    Eigen::MatrixXi powers_;               // (d, M)
    Eigen::MatrixXd guess_;                // (r, M)
    Eigen::VectorXd x_;
    std::vector<Eigen::Index> equation_;
    // At the rows' points, row after row: values (n, L + r) of every state and slopes (L + r) of the row's own.
    std::vector<double> values_, slopes_;
    ErrorEstimate estimate_;
    dense::Tiles at_checks_;  // values, then slopes (2 n C, L + r)
};

}  // namespace STLFAST_NAMESPACE
