// The rows of the least-squares problem: the residual of dy/dx − A y = b at the collocation points.
//
// Trial functions: y_i(x) = Σ_u Y_i(x, u) c_u for each equation i, with u running over U unknowns.
// n equations, N points. Row i·N + q is equation i at point q, multiplied by the point's weight.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/points.hpp"

namespace STLFAST_NAMESPACE {

// The functions of one equation: values and derivatives (N, columns) belonging to the unknowns from `first` on.
struct TrialBlock {
    Eigen::MatrixXd H, dH;
    Eigen::Index first;
};

struct Trial {
    std::vector<TrialBlock> equations;  // n
    Eigen::Index unknowns;              // U
    Eigen::Index n() const { return static_cast<Eigen::Index>(equations.size()); }
};

// weight · dY, (n N, U).
Eigen::MatrixXd derivative_rows(const Trial& trial, const Eigen::VectorXd& weight);

// weight · A Y, (n N, U); A (N or 1, n²).
Eigen::MatrixXd system_rows(const Trial& trial, const Eigen::MatrixXd& A, const Eigen::VectorXd& weight);

// weight · f as one column, (n N); f (N, n).
Eigen::VectorXd weighted(const Eigen::Ref<const Eigen::MatrixXd>& f, const Eigen::VectorXd& weight);

// The n rows of each point, (n N, columns), multiplied from the left by its matrix; P (N, n²), row-major.
Eigen::MatrixXd combined(const Eigen::MatrixXd& P, const Eigen::Ref<const Eigen::MatrixXd>& rows);

}  // namespace STLFAST_NAMESPACE
