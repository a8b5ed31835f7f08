// Right-hand sides and Jacobians of the benchmark's problems, written by hand for the C++ competitors.
//
//   dho        y1' = y2,                       y2' = −y1 − 2 α y2
//   ncff       y1' = −2 y1 + y2 + 2 sin ωt,    y2' = (α − 1) y1 − α y2 + α (cos ωt − sin ωt)
//   duffing    y1' = y2,                       y2' = −α y2 − y1/10 − β y1³ + cos t
//   robertson  y1' = −k1 y1 + k3 y2 y3,        y2' = k1 y1 − k3 y2 y3 − k2 y2²,    y3' = k2 y2²
//   vdp        y1' = y2,                       y2' = μ (1 − y1²) y2 − y1
#pragma once

#include <cmath>

namespace bench {

enum class Equations : int { dho = 0, ncff = 1, duffing = 2, robertson = 3, vdp = 4 };

struct Member {
    Equations equations;
    double p[3];  // the family's parameters in its order, (α), (α, ω), (α, β), (k1, k2, k3) or (μ)
};

constexpr int states(Equations equations) { return equations == Equations::robertson ? 3 : 2; }

void jacobian(const Member& member, const double* y, double* J);  // (n, n) column-major; the same at all times

// Inline for the solvers that take any function; they fold the switch where the equations are constant.
inline void rhs(const Member& m, double t, const double* y, double* dy) {
    switch (m.equations) {
        case Equations::dho:
            dy[0] = y[1];
            dy[1] = -y[0] - 2 * m.p[0] * y[1];
            return;
        case Equations::ncff: {
            const double alpha = m.p[0], sine = std::sin(m.p[1] * t), cosine = std::cos(m.p[1] * t);
            dy[0] = -2 * y[0] + y[1] + 2 * sine;
            dy[1] = (alpha - 1) * y[0] - alpha * y[1] + alpha * (cosine - sine);
            return;
        }
        case Equations::duffing:
            dy[0] = y[1];
            dy[1] = -m.p[0] * y[1] - (0.1 + m.p[1] * y[0] * y[0]) * y[0] + std::cos(t);
            return;
        case Equations::robertson: {
            const double forward = m.p[0] * y[0], pair = m.p[1] * y[1] * y[1], back = m.p[2] * y[1] * y[2];
            dy[0] = back - forward;
            dy[1] = forward - back - pair;
            dy[2] = pair;
            return;
        }
        case Equations::vdp:
            dy[0] = y[1];
            dy[1] = m.p[0] * (1 - y[0] * y[0]) * y[1] - y[0];
            return;
    }
}

}  // namespace bench
