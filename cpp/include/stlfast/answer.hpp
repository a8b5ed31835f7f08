// What a solve returns, and the tolerance it is held against.
//
// n states, M dictionary functions.
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

struct Tolerance {
    double relative = 1e-6, absolute = 1e-8;
};

// What Newton's method did for an answer.
struct Newton {
    bool converged = false;
    Eigen::Index iterations = 0;
    double last_step = 0;  // relative to the largest coefficient
    double residual = 0;   // max x |f − y'| at the check points, relative to the state's largest value
};

// An answer as coefficients: of a band's functions, or heads on the dictionary.
struct Answer {
    Eigen::Index band = -1;  // −1: heads on the full dictionary
    Eigen::VectorXd c;       // coefficients of the band's functions, then unused entries
    Eigen::MatrixXd heads;   // (M, n) where band is −1
    bool certified = false;  // whether there is a bound
    bool within = false;     // whether it meets the tolerance
    Eigen::VectorXd bound;   // (n) on the error; of nonlinear members an estimate
    Newton newton = {};      // of nonlinear members
};

// Whether the bound is within absolute + relative·scale in every component.
inline bool meets(const Eigen::Ref<const Eigen::VectorXd>& bound, const Eigen::Ref<const Eigen::VectorXd>& scale,
                  const Tolerance& tolerance) {
    for (Eigen::Index i = 0; i < bound.size(); ++i)
        if (!(bound[i] <= tolerance.absolute + tolerance.relative * scale[i])) return false;
    return true;
}

}  // namespace STLFAST_NAMESPACE
