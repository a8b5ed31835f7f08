// SUNDIALS on the lines of lines.hpp. Memory is allocated once; every solve reinitialises it.
#pragma once

#include <memory>
#include <string>

#include "lines.hpp"

namespace bench {

// rtol = atol = tolerance. Jacobian "band": all of it, factored as a band; "reaction": that of R u alone, whose 2 x 2
// blocks are solved in closed form, so that Newton's method iterates over what moves (for IMEX it is exact); "none":
// fixed-point iteration, or an explicit method.
struct Method {
    const char* solver;    // "CVODE BDF", "CVODE Adams", "ARKODE DIRK", "ARKODE IMEX", "ARKODE ERK"
    const char* jacobian;  // "band", "reaction", "none"
    int order;             // of ARKODE's table; 0: CVODE's variable order
    int degree;            // of ARKODE's interpolation between steps
    std::string name() const;
};

class LinesSolver {
  public:
    LinesSolver(Space space, Method method);
    ~LinesSolver();

    // u (128, N, 2) at increasing times t (N), interpolated between steps and between nodes: the steps do not depend on
    // t. Returns false where SUNDIALS gives up or takes more than most_steps steps.
    bool solve(double alpha, double tolerance, const std::vector<double>& t, double* u, long most_steps = 100'000);
    long steps() const { return steps_; }  // of the last solve

    static const char* version();  // nullptr where this was built without SUNDIALS

  private:
    struct Memory;
    Lines lines_;
    std::unique_ptr<Memory> memory_;
    std::vector<double> values_;  // (M + 1, N, 2)
    long steps_ = 0;
};

}  // namespace bench
