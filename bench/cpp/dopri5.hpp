// Boost.Odeint's dopri5 (RK45) with its dense output, compiled for each problem's right-hand side.
#pragma once

#include "problems.hpp"

namespace bench {

// y (n, N) row-major at increasing times t (N), t[0] being where y0 (n) holds. The number of steps, −1 where
// Odeint gives up, and a larger one than most_steps where it was stopped there.
long dopri5(const Member& member, const double* y0, double rtol, double atol, const double* t, long N, long most_steps,
            double* y);

const char* boost_version();  // nullptr where this was built without Boost

}  // namespace bench
