#include "problems.hpp"

#include <cmath>

namespace bench {

void rhs(const Member& m, double t, const double* y, double* dy) {
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

void jacobian(const Member& m, const double* y, double* J) {
    switch (m.equations) {
        case Equations::dho:
            J[0] = 0, J[2] = 1;
            J[1] = -1, J[3] = -2 * m.p[0];
            return;
        case Equations::ncff:
            J[0] = -2, J[2] = 1;
            J[1] = m.p[0] - 1, J[3] = -m.p[0];
            return;
        case Equations::duffing:
            J[0] = 0, J[2] = 1;
            J[1] = -0.1 - 3 * m.p[1] * y[0] * y[0], J[3] = -m.p[0];
            return;
        case Equations::robertson: {
            const double k1 = m.p[0], k2 = m.p[1], k3 = m.p[2];
            J[0] = -k1, J[3] = k3 * y[2], J[6] = k3 * y[1];
            J[1] = k1, J[4] = -k3 * y[2] - 2 * k2 * y[1], J[7] = -k3 * y[1];
            J[2] = 0, J[5] = 2 * k2 * y[1], J[8] = 0;
            return;
        }
        case Equations::vdp:
            J[0] = 0, J[2] = 1;
            J[1] = -2 * m.p[0] * y[0] * y[1] - 1, J[3] = m.p[0] * (1 - y[0] * y[0]);
            return;
    }
}

}  // namespace bench
