// A reduced basis for a band of members of a linear family of PDEs, and the operators that solve any of them.
//
//   v_i(z, x) = Σ_k ψ_ik(z, x) c_k,   G(p) c = g,   G = Σ_qs δ_q δ_s G_qs,   g = W d
//
// by least squares of the equations at collocation points, of the initial values and of the boundary values, d all
// these data. δ_0 = 1 belongs to the band's central member, δ_q = θ_q(p) − θ_q(p̄) to the operator L_q. The functions
// are kept as combinations of p functions of space and q functions of time:
//
//   ψ_ik(z, x) = Σ_ab core(i, b, a; k) X_a(z) T_b(x)
//
// z space and x time, scaled to [0, 1]. n fields, P parameters, V of the θ_q vary, r functions, S and D coefficients of
// X and T, M data of each field, C = C_t · C_z check points, space first.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <vector>

#include "stlfast/dense.hpp"

namespace STLFAST_NAMESPACE {

// What the model file keeps of a band.
struct FieldBand {
    Eigen::VectorXd low, high;  // (P) the members it was made for
    Eigen::VectorXd centre;     // (V) θ of the central member
    Eigen::MatrixXd space;      // (S, p) in the basis of the space coordinates
    double tau;                 // of the Chebyshev expansions in log time
    Eigen::MatrixXd time;       // (D, q)
    Eigen::MatrixXd core;       // (n q p, r), a the fastest
    Eigen::MatrixXd gram;       // (r (r + 1)/2, (V + 1)(V + 2)/2) packed lower triangles of the pairs q ≤ s
    Eigen::MatrixXd right;      // W (r, n M)
    Eigen::MatrixXd checks;     // ((V + 1) n C, r): what the equations miss at the check points
    Eigen::MatrixXd reaction;   // (samples, (V + 1) n²): factors of v in the equations, one sample if constant
};

// Where the data of a field are taken, and the check points.
struct FieldPoints {
    Eigen::VectorXd weight;       // (M) of the least squares
    Eigen::VectorXd time;         // (M) 0 for initial values
    Eigen::VectorXd check_times;  // (C_t), increasing from 0 to 1
    Eigen::Index check_spaces;    // C_z
};

class FieldOperators {
  public:
    struct Member {
        Eigen::VectorXd delta;  // (V + 1)
        Eigen::MatrixXd gram;
        Eigen::LLT<Eigen::MatrixXd> factors;
    };
    struct Workspace {
        Eigen::VectorXd factors, residual, rows, mismatch;
    };

    // Keeps references. Throws std::invalid_argument where shapes do not fit; n fields, P parameters, V varying θ.
    FieldOperators(const FieldBand& band, const FieldPoints& points, Eigen::Index n, Eigen::Index P, Eigen::Index V);

    Eigen::Index size() const { return r_; }

    // θ (V) of the member. Returns false where G is numerically singular.
    bool factor(const Eigen::VectorXd& theta, Member& member, Workspace& workspace) const;

    // c (r) for the data d (n M), field after field.
    void solve(const Member& member, const double* data, double* c) const;

    // An estimate (n) of the largest |error|: what the equations and the data miss, carried along as the family damps
    // it. Where space moves and smooths without amplifying (a maximum principle), and but for what passes between
    // the check points, it is a bound.
    void estimate(const Member& member, const double* data, const double* c, double* largest,
                  Workspace& workspace) const;

  private:
    // The logarithmic maximum norm of the reaction, at the sample where it is largest.
    double growth(const Member& member) const;

    const FieldBand* band_;
    const FieldPoints* points_;
    Eigen::Index n_, r_, M_, V_;
    std::vector<Eigen::Index> order_;  // of the data, by time
    dense::Tiles right_, missing_;     // W (r, n M), Wᵀ scaled to what c gives for the data (n M, r)
    dense::Tiles checks_;
};

}  // namespace STLFAST_NAMESPACE
