// Right-hand sides and Jacobians of the benchmark's problems, written by hand for the C++ competitors.
//
//   dho    y1' = y2,                       y2' = −y1 − 2 α y2
//   ncff   y1' = −2 y1 + y2 + 2 sin ωt,    y2' = (α − 1) y1 − α y2 + α (cos ωt − sin ωt)
#pragma once

namespace bench {

enum class Equations : int { dho = 0, ncff = 1 };

struct Member {
    Equations equations;
    double alpha, omega;  // dho has no ω
};

void rhs(const Member& member, double t, const double* y, double* dy);
void jacobian(const Member& member, double* J);  // (2, 2) column-major; the same at all times

}  // namespace bench
