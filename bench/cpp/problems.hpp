// Right-hand sides and Jacobians of the benchmark's problems, written by hand for the C++ competitors.
//
//   dho        y1' = y2,                       y2' = −y1 − 2 α y2
//   ncff       y1' = −2 y1 + y2 + 2 sin ωt,    y2' = (α − 1) y1 − α y2 + α (cos ωt − sin ωt)
//   duffing    y1' = y2,                       y2' = −α y2 − y1/10 − β y1³ + cos t
//   robertson  y1' = −k1 y1 + k3 y2 y3,        y2' = k1 y1 − k3 y2 y3 − k2 y2²,    y3' = k2 y2²
//   vdp        y1' = y2,                       y2' = μ (1 − y1²) y2 − y1
#pragma once

namespace bench {

enum class Equations : int { dho = 0, ncff = 1, duffing = 2, robertson = 3, vdp = 4 };

struct Member {
    Equations equations;
    double p[3];  // the family's parameters in its order, (α), (α, ω), (α, β), (k1, k2, k3) or (μ)
};

inline int states(Equations equations) { return equations == Equations::robertson ? 3 : 2; }

void rhs(const Member& member, double t, const double* y, double* dy);
void jacobian(const Member& member, const double* y, double* J);  // (n, n) column-major; the same at all times

}  // namespace bench
