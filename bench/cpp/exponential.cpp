#include "exponential.hpp"

#include <Eigen/Core>
#include <cmath>
#include <unsupported/Eigen/MatrixFunctions>

namespace bench {

namespace {

constexpr double same_step = 1e-11;  // relative difference that rounding in evenly spaced times leaves

template <int m>
void exponential(const Eigen::Matrix<double, m, m>& A, Eigen::Matrix<double, m, 1> state, const double* t, long N,
                 double* y) {
    Eigen::Matrix<double, m, m> step;
    double known = -1;
    for (long k = 0; k < N; ++k) {
        if (k > 0) {
            const double h = t[k] - t[k - 1];
            if (std::abs(h - known) > same_step * h) step = (h * A).exp(), known = h;
            state = step * state;
        }
        y[k] = state[0];
        y[N + k] = state[1];
    }
}

}  // namespace

void exponential(const Member& member, const double* y0, const double* t, long N, double* y) {
    Eigen::Matrix2d A;
    const double alpha = member.p[0], omega = member.p[1];
    jacobian(member, y0, A.data());
    if (member.equations == Equations::dho) {
        exponential<2>(A, Eigen::Vector2d(y0[0], y0[1]), t, N, y);
        return;
    }
    Eigen::Matrix4d larger = Eigen::Matrix4d::Zero();
    larger.topLeftCorner<2, 2>() = A;
    larger.topRightCorner<2, 2>() << 2, 0, -alpha, alpha;
    larger.bottomRightCorner<2, 2>() << 0, omega, -omega, 0;
    const double phase = omega * t[0];
    exponential<4>(larger, Eigen::Vector4d(y0[0], y0[1], std::sin(phase), std::cos(phase)), t, N, y);
}

void propagate(const double* table, const double* y0, bool forced, long length, double* y) {
    using Row = Eigen::Map<const Eigen::ArrayXd>;
    const Row first(table, length), second(table + length, length), rest(table + 2 * length, length);
    Eigen::Map<Eigen::ArrayXd> result(y, length);
    if (forced)
        result = y0[0] * first + y0[1] * second + rest;
    else
        result = y0[0] * first + y0[1] * second;
}

}  // namespace bench
