#include "lines.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "advection_reaction.hpp"

namespace bench {

namespace {

constexpr double pi = 3.14159265358979323846;
constexpr int most_points = 9;       // of a stencil on uniform nodes
constexpr int most_unknowns = 2048;  // 2M + 2

// Weights at z of the values at x (n), for the value (d = 0) or the first derivative (d = 1): Fornberg, Math. Comp. 51
// (1988) 699.
std::vector<double> fornberg(double z, const double* x, int n, int d) {
    std::vector<double> c(std::size_t(2 * n), 0.0);  // (n, 2)
    double c1 = 1, c4 = x[0] - z;
    c[0] = 1;
    for (int i = 1; i < n; ++i) {
        double c2 = 1;
        const double c5 = c4;
        c4 = x[i] - z;
        for (int j = 0; j < i; ++j) {
            const double c3 = x[i] - x[j];
            double* w = &c[std::size_t(2 * j)];
            c2 *= c3;
            if (j == i - 1) {
                double* last = &c[std::size_t(2 * i)];
                last[1] = c1 * (w[0] - c5 * w[1]) / c2;
                last[0] = -c1 * c5 * w[0] / c2;
            }
            w[1] = (c4 * w[1] - w[0]) / c3;
            w[0] = c4 * w[0] / c3;
        }
        c1 = c2;
    }
    std::vector<double> weights;
    for (int i = 0; i < n; ++i) weights.push_back(c[std::size_t(2 * i + d)]);
    return weights;
}

// dy_j = −Σ_k w_k v_{j + 2k}, for `count` values of j.
template <int points>
void difference(const double* w, const double* v, int count, double* dy) {
    double negative[points];
    for (int k = 0; k < points; ++k) negative[k] = -w[k];
    for (int j = 0; j < count; ++j) {
        double sum = 0;
        for (int k = 0; k < points; ++k) sum += negative[k] * v[j + 2 * k];
        dy[j] = sum;
    }
}

}  // namespace

void Lines::Stencils::add(int first, int size, const std::vector<double>& nodes, double x, int derivative) {
    const auto found = fornberg(x, &nodes[std::size_t(first)], size, derivative);
    rows.push_back({first, size, int(weights.size())});
    weights.insert(weights.end(), found.begin(), found.end());
}

Lines::Lines(Space space) : cells_(space.cells) {
    const int M = cells_;
    const bool collocation = space.order == 0;
    const int size = collocation ? M + 1 : space.order + 1;
    if (size > M + 1 || (!collocation && size > most_points) || 2 * M + 2 > most_unknowns)
        throw std::invalid_argument("a stencil has at most as many points as there are nodes");
    for (int i = 0; i <= M; ++i) nodes_.push_back(collocation ? (1 - std::cos(pi * i / M)) / 2 : double(i) / M);
    behind_ = collocation ? 0 : space.order / 2 + 1;
    for (int i = 1; i <= M; ++i) {
        const int first = std::clamp(i - behind_, 0, M + 1 - size);
        derivative_.add(first, size, nodes_, nodes_[std::size_t(i)], 1);
        below_ = std::max(below_, 2 * (i - std::max(first, 1)));
        above_ = std::max(above_, 2 * (first + size - 1 - i));
    }
    middle_first_ = collocation ? M + 1 : behind_;
    middle_last_ = collocation ? M : M + 1 - size + behind_;
    if (collocation)
        for (int k = 0; k <= M; ++k)
            for (int i = 1; i <= M; ++i) columns_.insert(columns_.end(), 2, -derivative(i).weights[k]);

    const int nearby = collocation ? M + 1 : std::min(M + 1, size + 1);
    for (int i = 0; i < grid_size; ++i) {
        const double x = grid_point(i), cell = x * M;
        const int nearest = int(std::lround(cell));
        if (!collocation && std::abs(cell - nearest) < 1e-9)
            interpolation_.add(nearest, 1, nodes_, x, 0);
        else
            interpolation_.add(collocation ? 0 : std::clamp(int(cell) - nearby / 2 + 1, 0, M + 1 - nearby), nearby,
                               nodes_, x, 0);
    }
}

void Lines::inflow(double alpha, double t, double* u) const {
    double g[2];
    initial_values(-t, g);
    react(alpha, t, g, u);
}

void Lines::one_row(int node, const double* v, double* dy) const {
    const auto row = derivative(node);
    double sum[2] = {0, 0};
    for (int k = 0; k < row.size; ++k)
        for (int c = 0; c < 2; ++c) sum[c] -= row.weights[k] * v[2 * (row.first + k) + c];
    for (int c = 0; c < 2; ++c) dy[2 * (node - 1) + c] = sum[c];
}

void Lines::advection(double alpha, double t, const double* y, double* dy) const {
    const int M = cells_;
    double v[most_unknowns];
    inflow(alpha, t, v);
    std::copy(y, y + 2 * M, v + 2);
    if (!columns_.empty()) {
        const double* column = columns_.data();
        std::fill(dy, dy + 2 * M, 0.0);
        for (int k = 0; k <= M; ++k, column += 2 * M) {
            const double pair[4] = {v[2 * k], v[2 * k + 1], v[2 * k], v[2 * k + 1]};
            int j = 0;
            for (; j + 4 <= 2 * M; j += 4)
                for (int l = 0; l < 4; ++l) dy[j + l] += column[j + l] * pair[l];
            for (; j < 2 * M; ++j) dy[j] += column[j] * pair[j % 2];
        }
        return;
    }
    for (int i = 1; i < middle_first_; ++i) one_row(i, v, dy);
    for (int i = middle_last_ + 1; i <= M; ++i) one_row(i, v, dy);
    const auto row = derivative(middle_first_);
    const double* from = v + 2 * row.first;
    double* to = dy + 2 * (middle_first_ - 1);
    const int count = 2 * (middle_last_ - middle_first_ + 1);
    switch (row.size) {
        case 3:
            return difference<3>(row.weights, from, count, to);
        case 4:
            return difference<4>(row.weights, from, count, to);
        case 5:
            return difference<5>(row.weights, from, count, to);
        case 6:
            return difference<6>(row.weights, from, count, to);
        case 7:
            return difference<7>(row.weights, from, count, to);
        case 8:
            return difference<8>(row.weights, from, count, to);
        default:
            return difference<9>(row.weights, from, count, to);
    }
}

void Lines::right_hand_side(double alpha, double t, const double* y, double* dy) const {
    advection(alpha, t, y, dy);
    for (int i = 0; i < 2 * cells_; i += 2) {
        const double rate = alpha * (y[i] - y[i + 1] / 2);
        dy[i] -= rate;
        dy[i + 1] += rate;
    }
}

void Lines::reaction(double alpha, const double* y, double* dy) const {
    for (int i = 0; i < 2 * cells_; i += 2) {
        const double rate = alpha * (y[i] - y[i + 1] / 2);
        dy[i] = -rate;
        dy[i + 1] = rate;
    }
}

// In registers: four vectors of four values of u at a time.
void Lines::interpolate(const std::vector<double>& values, int N, double* u) const {
    using Four = Eigen::Array4d;
    using In = Eigen::Map<const Four>;
    using Out = Eigen::Map<Four>;
    const int row = 2 * N;
    for (int i = 0; i < grid_size; ++i) {
        const auto s = at(interpolation_, i);
        const double* from = &values[std::size_t(s.first * row)];
        double* to = u + i * row;
        int j = 0;
        for (; j + 16 <= row; j += 16) {
            Four a = Four::Zero(), b = a, c = a, d = a;
            const double* v = from + j;
            for (int k = 0; k < s.size; ++k, v += row) {
                const double w = s.weights[k];
                a += w * In(v), b += w * In(v + 4), c += w * In(v + 8), d += w * In(v + 12);
            }
            Out(to + j) = a, Out(to + j + 4) = b, Out(to + j + 8) = c, Out(to + j + 12) = d;
        }
        for (; j < row; ++j) {
            to[j] = 0;
            for (int k = 0; k < s.size; ++k) to[j] += s.weights[k] * from[k * row + j];
        }
    }
}

}  // namespace bench
