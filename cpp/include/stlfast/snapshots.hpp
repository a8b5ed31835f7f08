// Solutions on the full dictionary, of which the reduced bases are made. No numerical integrator takes part.
//
// n equations, P parameters, M dictionary functions.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/model.hpp"

namespace STLFAST_NAMESPACE {

struct Snapshots {
    Eigen::Index components;          // of each solution: n, or 1 where the equations are decoupled
    Eigen::MatrixXd heads;            // (M, solutions · components), one solution after the other
    std::vector<Eigen::Index> owner;  // member of each solution
};

// Unit initial values without forcing and, where there is any, the family's forcing from zero.
std::vector<Data> unit_data(const Model& model);

// Of members (S, P), in box coordinates: for each its unit data or, where the model is decoupled, single modes and
// their responses to the forcing, of all members about as many as show every decay rate.
Snapshots solve_members(const Model& model, const Eigen::MatrixXd& members);

}  // namespace STLFAST_NAMESPACE
