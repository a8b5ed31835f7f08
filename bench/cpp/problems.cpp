#include "problems.hpp"

#include <cmath>

namespace bench {

void rhs(const Member& m, double t, const double* y, double* dy) {
    if (m.equations == Equations::dho) {
        dy[0] = y[1];
        dy[1] = -y[0] - 2 * m.alpha * y[1];
        return;
    }
    const double sine = std::sin(m.omega * t), cosine = std::cos(m.omega * t);
    dy[0] = -2 * y[0] + y[1] + 2 * sine;
    dy[1] = (m.alpha - 1) * y[0] - m.alpha * y[1] + m.alpha * (cosine - sine);
}

void jacobian(const Member& m, double* J) {
    const bool dho = m.equations == Equations::dho;
    J[0] = dho ? 0 : -2;
    J[1] = dho ? -1 : m.alpha - 1;
    J[2] = 1;
    J[3] = dho ? -2 * m.alpha : -m.alpha;
}

}  // namespace bench
