#include "problems.hpp"

namespace bench {

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
