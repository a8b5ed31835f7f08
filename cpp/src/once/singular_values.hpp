// The singular value decomposition of plain arrays, compiled once for all processors: its templates take a compiler as
// long as a fifth of the library, and a compiled family's time is elsewhere.
#pragma once

#include <cstddef>

namespace stlfast_once {

// A (rows, cols) = U Σ Vᵀ, all column-major: the values (K), K = min(rows, cols), decreasing, and, where they are not
// null, U (rows, K) and V (cols, K). By the slower algorithm where the faster one breaks down, which Eigen's does for
// some matrices whose singular values span many decades.
void singular_values(const double* A, std::ptrdiff_t rows, std::ptrdiff_t cols, double* values, double* U, double* V);

}  // namespace stlfast_once
