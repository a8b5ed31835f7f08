// The collocation of a time window: a polynomial of degree s that satisfies the equations at Radau points.
//
//   D u(c) = H f(x_0 + H c, u(c)),   c_1 < … < c_s = 1
#pragma once

#include <Eigen/Core>

#include "stlfast/radau.hpp"
#include "stlfast/stage_systems.hpp"

namespace STLFAST_NAMESPACE {

// The points, and where between them the residual is looked at.
struct WindowScheme {
    // Points of a window, as many as there are lanes for: fewer take more windows, which cost as much.
    static constexpr Eigen::Index s = 7;

    WindowScheme();

    // Chebyshev coefficients of the polynomial with these values (s + 1) at the beginning and the points.
    AtPoints coefficients(const double* values) const;

    RadauPoints points;
    StageSystems::Split split;
    AtPoints c;                                // the points, the last of them twice
    AtPoints checks;                           // the beginning and s places between the points
    Eigen::MatrixXd at_check, slope_at_check;  // (s + 1, s + 1) values and derivatives there
    Eigen::MatrixXd source_of;  // (s, s + 1) of residuals there, the derivatives at the points of their sum
    Combination D;              // derivatives at the points
    Combination at_checks, slope_at_checks, source;
    double most_growth;     // of a solution in a window, in e-folds: beyond, collocation damps it
    Eigen::MatrixXd looks;  // values (S, s + 1) where switches are looked at, increasing to 1
    Eigen::VectorXd looked;
    Eigen::MatrixXd spread;  // values (9, s + 1) at evenly spread places, both ends among them
    Combination series;      // Chebyshev coefficients
};

// The largest rate of growth: real part of an eigenvalue of J (n, n), or 0 for none that rounding could not have made.
double growth_rate(const Eigen::MatrixXd& J);

// Error between the points, over that at the points.
constexpr double between_points = 1.5;

}  // namespace STLFAST_NAMESPACE
