// u_t + u_x = R u, R = alpha [[−1, ½], [1, −½]], x, t in [0, 1], u(x, 0) = g(x) = (1 + ½ sin 2πx, ½ + ¼ cos 2πx), with
// the exact solution e^{Rt} g(x − t), which is also what flows in at x = 0; its output grid, its errors, and the exact
// solution as a competitor.
//
// R² = −(3/2) alpha R, so that e^{Rt} = 1 + (1 − e^{−(3/2) alpha t}) / (3/2 alpha) R.
// Values at times t (N): u (128, N, 2), row-major.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

namespace bench {

constexpr int grid_size = 128;  // points in x and in t, i / 127
constexpr int layer_size = 32;  // times that check the initial layer

inline double grid_point(int i) { return double(i) / (grid_size - 1); }
std::vector<double> grid_times();
std::vector<double> layer_times(double alpha);  // uniform in (0, 5 / (3/2 alpha)]

template <class Real>
void initial_values(Real x, Real* g) {
    const Real angle = 2 * Real(3.14159265358979323846264338327950288L) * x;
    g[0] = 1 + std::sin(angle) / 2;
    g[1] = (2 + std::cos(angle)) / 4;
}

// The exact solution, from g (2) at the foot of the characteristic.
template <class Real>
void react(Real alpha, Real t, const Real* g, Real* u) {
    const Real moved = -std::expm1(-alpha * t * 3 / 2) * 2 / 3 * (g[0] - g[1] / 2);
    u[0] = g[0] - moved;
    u[1] = g[1] + moved;
}

struct Errors {
    double max, mean;              // over both species and the output grid
    double layer_max, layer_mean;  // over the times of the layer, at the grid's x
    double worst() const { return std::fmax(max, layer_max); }
};

std::vector<double> exact(double alpha, const std::vector<double>& t);  // in extended precision, then rounded

// max and mean of |u − exact|; infinite where u is not finite.
std::pair<double, double> errors(const double* u, const std::vector<double>& truth);

// g at x − t at every point of the output.
void characteristics(double alpha, const std::vector<double>& t, double* u);

// On the output grid alone: x_i − t_j takes 255 values, g is evaluated once at each.
void characteristics_on_grid(double alpha, double* u);

}  // namespace bench
