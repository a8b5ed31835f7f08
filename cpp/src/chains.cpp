#include "stlfast/chains.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::MatrixXi;
using Eigen::VectorXd;
using Eigen::VectorXf;

namespace {

constexpr Index s = WindowScheme::s, M = s + 1;
constexpr std::array<Index, 4> kept{0, 2, 4, s};  // points of the guess, the beginning among them
constexpr double sharper = 0.1;                   // tolerances of a solve over the windows', that are not tried
constexpr double crumb = 1e-9;                    // at the end, of the span
constexpr Index most_longer = 4;                  // windows, over those of the cell

// The cubic through values at `kept` of the points c, at x.
std::array<double, 4> cubic(const VectorXd& c, double x) {
    std::array<double, 4> result;
    for (std::size_t j = 0; j < 4; ++j) {
        result[j] = 1;
        for (std::size_t k = 0; k < 4; ++k)
            if (k != j) result[j] *= (x - c[kept[k]]) / (c[kept[j]] - c[kept[k]]);
    }
    return result;
}

}  // namespace

Chains::Chains(Index n, std::vector<ChainCoordinate> coordinates, MatrixXi powers, std::vector<ChainCell> cells,
               double tolerance, VectorXd start)
    : n_(n),
      coordinates_(std::move(coordinates)),
      powers_(std::move(powers)),
      cells_(std::move(cells)),
      tolerance_(tolerance),
      start_(std::move(start)),
      nodes_(RadauPoints(s).c()) {
    const Index d = Index(coordinates_.size()), products = powers_.rows();
    const auto need = [](bool fits, const char* what) {
        if (!fits) throw std::invalid_argument(std::string("Chains: ") + what);
    };
    need(powers_.cols() == d && products > 0, "powers must have a column for each coordinate");
    need(powers_.size() == 0 || (powers_.minCoeff() >= 0 && powers_.maxCoeff() <= 64), "powers must be 0 … 64");
    degree_ = powers_.size() == 0 ? 0 : powers_.maxCoeff();
    need(tolerance > 0, "the tolerance must be positive");
    need(start_.size() == 0 || start_.size() == n, "start must have an entry for each state");
    for (const ChainCell& cell : cells_) {
        need(cell.low.size() == d && cell.high.size() == d && (cell.low.array() < cell.high.array()).all(),
             "a cell must have ends low < high for each coordinate");
        need(cell.lengths.cols() == products && cell.lengths.rows() > 0, "lengths must have a column for each product");
        need(cell.values.size() == 0 ||
                 (cell.values.cols() == products && cell.values.rows() == 3 * n * cell.lengths.rows()),
             "values must have 3 n rows for each window");
    }
}

Chains::Place Chains::place_of(const VectorXd& parameters, const VectorXd& y0) const {
    const Index d = Index(coordinates_.size());
    VectorXd u(d);
    for (Index k = 0; k < d; ++k) {
        const ChainCoordinate& c = coordinates_[std::size_t(k)];
        const double value = c.initial ? y0[c.index] : parameters[c.index];
        const double at =
            c.logarithmic ? std::log(value / c.low) / std::log(c.high / c.low) : (value - c.low) / (c.high - c.low);
        u[k] = std::clamp(2 * at - 1, -1.0, 1.0);
    }
    Place result;
    for (const ChainCell& cell : cells_)
        if ((cell.low.array() <= u.array()).all() && (u.array() <= cell.high.array()).all()) {
            result.cell = &cell;
            break;
        }
    if (!result.cell) return result;
    Eigen::MatrixXf chebyshev(degree_ + 1, d);
    for (Index k = 0; k < d; ++k) {
        const double low = result.cell->low[k], high = result.cell->high[k];
        const float z = float((2 * u[k] - low - high) / (high - low));
        chebyshev(0, k) = 1;
        if (degree_ > 0) chebyshev(1, k) = z;
        for (int q = 2; q <= degree_; ++q) chebyshev(q, k) = 2 * z * chebyshev(q - 1, k) - chebyshev(q - 2, k);
    }
    result.products.setOnes(powers_.rows());
    for (Index k = 0; k < d; ++k)
        for (Index m = 0; m < powers_.rows(); ++m)
            if (powers_(m, k) > 0) result.products[m] *= chebyshev(powers_(m, k), k);
    return result;
}

void Chains::guess(const Place& place, const VectorXd& y0, VectorXd& edges, MatrixXd& values) const {
    const ChainCell& cell = *place.cell;
    VectorXf lengths = cell.lengths * place.products;
    lengths = lengths.array().max(-70.0f).min(3.0f).exp();
    const Index K = lengths.size();
    std::vector<double> at{0.0};
    double part = 1;  // of the last window
    for (Index w = 0; at.back() < 1 && w < most_longer * K; ++w) {
        const double length = lengths[std::min(w, K - 1)], next = at.back() + length;
        part = (1 - at.back()) / length;
        at.push_back(next >= 1 - crumb ? 1.0 : next);
    }
    at.back() = 1;
    edges = Eigen::Map<const VectorXd>(at.data(), Index(at.size()));
    const Index W = edges.size() - 1;
    values.resize(W * M, n_);
    if (cell.values.size() == 0) {
        values = y0.transpose().replicate(W * M, 1);
        return;
    }
    const VectorXf known = cell.values.topRows(3 * n_ * std::min(W, K)) * place.products;
    std::array<std::array<double, 4>, std::size_t(M)> weights;
    for (Index q = 0; q < M; ++q) weights[std::size_t(q)] = cubic(nodes_, nodes_[q]);
    VectorXd before = y0;
    for (Index w = 0; w < W; ++w) {
        if (w == W - 1 && part < 1)
            for (Index q = 0; q < M; ++q) weights[std::size_t(q)] = cubic(nodes_, part * nodes_[q]);
        for (Index i = 0; i < n_; ++i) {
            double four[4] = {before[i], before[i], before[i], before[i]};
            if (w < K)
                for (Index k = 0; k < 3; ++k) four[k + 1] = double(known[(w * n_ + i) * 3 + k]);
            for (Index q = 0; q < M; ++q) {
                const auto& c = weights[std::size_t(q)];
                values(w * M + q, i) = c[0] * four[0] + c[1] * four[1] + c[2] * four[2] + c[3] * four[3];
            }
            before[i] = four[3];
        }
    }
}

// Windows that are longer than what functions of time do in a moment, cut; false where that takes too many.
bool Chains::split(const WindowScheme& scheme, const Cells& cells, VectorXd& edges, MatrixXd& values) {
    std::vector<double> at{0.0};
    std::vector<Index> of;
    for (Index w = 0; w + 1 < edges.size(); ++w)
        while (at.back() < edges[w + 1]) {
            const double left = edges[w + 1] - at.back(), length = cells.longest(at.back(), left);
            at.push_back(length < left ? at.back() + length : edges[w + 1]), of.push_back(w);
            if (Index(at.size()) > most_longer * edges.size()) return false;
        }
    if (Index(at.size()) == edges.size()) return true;
    MatrixXd weights, cut(Index(of.size()) * M, values.cols());
    for (std::size_t k = 0; k < of.size(); ++k) {
        const double begin = edges[of[k]], length = edges[of[k] + 1] - begin;
        const auto whole = values.middleRows(of[k] * M, M);
        auto part = cut.middleRows(Index(k) * M, M);
        if (at[k + 1] - at[k] == length || (whole.rowwise() - whole.row(0)).isZero(0)) {  // uncut, or the same all over
            part = whole;
        } else {
            scheme.points.interpolate(((at[k] - begin) + (at[k + 1] - at[k]) * scheme.points.c().array()) / length,
                                      weights);
            part.noalias() = weights * whole;
        }
    }
    edges = Eigen::Map<const VectorXd>(at.data(), Index(at.size()));
    values = cut;
    return true;
}

bool Chains::solve(const Windows& windows, RightHandSide& f, const VectorXd& parameters, const VectorXd& y0,
                   double relative, const WindowOptions& options, Refined& result) const {
    if (relative < sharper * tolerance_ || f.equations().dense || f.equations().switches) return false;
    if (start_.size() > 0 && y0 != start_) return false;
    const Place place = place_of(parameters, y0);
    if (!place.cell || !place.cell->held) return false;
    Windowed& w = result.solution;
    w = Windowed();
    guess(place, y0, w.edges, w.values);
    if (!f.equations().in_time.empty() && !split(windows.scheme(), f.cells(0, 1), w.edges, w.values)) return false;
    const Chain::Options of_chain{relative, options.floor, options.estimate};
    const Chained found = Chain(windows.scheme()).solve(f, y0, w.edges, of_chain, w.values);
    w.finished = found.converged, w.iterations = found.iterations, w.last_step = found.last_step;
    w.error = found.error, w.relative_error = found.relative_error, w.residual = found.residual;
    w.compiled = true;
    result.missed = (options.estimate ? found.relative_error : found.residual) / relative;
    if (!found.converged || !found.seen || !(result.missed <= 1) || gets_negative(w, options, relative)) return false;
    const VectorXd most = w.values.colwise().maxCoeff().transpose().cwiseMax(0.0);
    return windows.through_zero(w, f, relative * (most + options.floor)) < 0;
}

}  // namespace STLFAST_NAMESPACE
