// What exists for these problems and not for most: exact solutions by the matrix exponential.
#pragma once

#include "problems.hpp"

namespace bench {

// One exponential for each distinct step between the times t (N), one product for each time; y (2, N) row-major. The
// forcing of ncff is two more states, sin ωt and cos ωt.
void exponential(const Member& member, const double* y0, const double* t, long N, double* y);

// A table of the solutions at known times, made beforehand for one member, times the initial values:
// y = Σ_j y0_j table_j + table_n, with table (n + 1, length), y (length).
void propagate(const double* table, const double* y0, bool forced, long length, double* y);

}  // namespace bench
