#include "advection_reaction.hpp"

#include <algorithm>
#include <array>

namespace bench {

std::vector<double> grid_times() {
    std::vector<double> t(grid_size);
    for (int j = 0; j < grid_size; ++j) t[std::size_t(j)] = grid_point(j);
    return t;
}

std::vector<double> layer_times(double alpha) {
    std::vector<double> t(layer_size);
    for (int k = 0; k < layer_size; ++k) t[std::size_t(k)] = 5 / (1.5 * alpha) * (k + 1) / layer_size;
    return t;
}

std::vector<double> exact(double alpha, const std::vector<double>& t) {
    std::vector<double> u;
    for (int i = 0; i < grid_size; ++i)
        for (const long double time : t) {
            long double g[2], value[2];
            initial_values((long double)(i) / (grid_size - 1) - time, g);
            react<long double>(alpha, time, g, value);
            u.insert(u.end(), {double(value[0]), double(value[1])});
        }
    return u;
}

std::pair<double, double> errors(const double* u, const std::vector<double>& truth) {
    double largest = 0, sum = 0;
    for (std::size_t k = 0; k < truth.size(); ++k) {
        const double error = std::abs(u[k] - truth[k]);
        largest = std::max(largest, error);
        sum += error;
    }
    if (!std::isfinite(sum)) return {INFINITY, INFINITY};
    return {largest, sum / double(truth.size())};
}

void characteristics(double alpha, const std::vector<double>& t, double* u) {
    const auto N = t.size();
    for (std::size_t j = 0; j < N; ++j) {
        const double share = -std::expm1(-1.5 * alpha * t[j]) / 1.5;
        for (int i = 0; i < grid_size; ++i) {
            double g[2];
            initial_values(grid_point(i) - t[j], g);
            const double moved = share * (g[0] - g[1] / 2);
            double* value = u + (std::size_t(i) * N + j) * 2;
            value[0] = g[0] - moved;
            value[1] = g[1] + moved;
        }
    }
}

void characteristics_on_grid(double alpha, double* u) {
    constexpr int N = grid_size, row = 2 * N;
    std::array<double, 2 * (2 * N - 1)> g, moving;  // at x − t = (127 − k) / 127, so that a row of u reads on
    std::array<double, row> share;
    for (int k = 0; k < 2 * N - 1; ++k) {
        double* here = &g[std::size_t(2 * k)];
        initial_values(double(N - 1 - k) / (N - 1), here);
        moving[std::size_t(2 * k)] = here[1] / 2 - here[0];
        moving[std::size_t(2 * k + 1)] = here[0] - here[1] / 2;
    }
    for (int j = 0; j < N; ++j)
        share[std::size_t(2 * j)] = share[std::size_t(2 * j + 1)] = -std::expm1(-1.5 * alpha * grid_point(j)) / 1.5;
    for (int i = 0; i < N; ++i) {
        const double *from = &g[std::size_t(2 * (N - 1 - i))], *rate = &moving[std::size_t(2 * (N - 1 - i))];
        double* to = u + i * row;
        for (int j = 0; j < row; ++j) to[j] = from[j] + share[std::size_t(j)] * rate[j];
    }
}

}  // namespace bench
