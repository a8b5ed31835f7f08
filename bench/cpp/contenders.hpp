// The solvers that are put side by side, each bound to one member.
//
// n states, N times.
#pragma once

#include <functional>

#include "truth.hpp"

namespace bench {

struct About {
    long steps = 0;         // 0 where there are none
    Eigen::VectorXd bound;  // (n) on the error, or an estimate; empty where the solver has none
};

// Values y (N, n) at times, at a tolerance, which compiled models do not take. False where the solver gives up, or was
// stopped after most_steps.
using Solve = std::function<bool(double tolerance, const Times& times, Eigen::MatrixXd& y, About& about)>;

constexpr long most_steps = 2'000'000;

struct Contender {
    const char* name;
    bool adaptive;     // whether it takes tolerances
    bool (*linked)();  // whether this program was built with it
    // Keeps references. Empty for a model that was compiled without a reduced basis, for time windows.
    Solve (*bind)(const Shipped&, const Member&, const Truth&);
};

extern const std::vector<Contender> contenders;

}  // namespace bench
