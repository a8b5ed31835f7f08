// What the functions in a program bend at: divisors, and the arguments of exponentials, roots and their like. Where
// bounds of those over an interval tell no more than samples there, no function does anything in between that samples
// miss.
#pragma once

#include <Eigen/Core>
#include <optional>
#include <vector>

#include "stlfast/program.hpp"

namespace STLFAST_NAMESPACE {

struct Bends {
    static constexpr Eigen::Index samples = 9;  // of an interval, evenly spread, both ends among them

    Program at;          // what they bend at
    std::vector<Op> of;  // the function of each

    // Whether samples (samples, of) tell all there is between the bounds.
    bool told(const Eigen::MatrixXd& values, const Eigen::VectorXd& least, const Eigen::VectorXd& largest) const;
};

// Of functions of x alone, as a program of x, or of those that also depend on other varying inputs; none where there
// are none.
std::optional<Bends> bends(const Program& program, bool of_time);

}  // namespace STLFAST_NAMESPACE
