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
// Of the length that a window should have, that of the one before it, for it to have the same.
constexpr double shorter = 0.8, longer = 1.05;

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
        Index total = 0;
        for (const Index count : cell.counts) {
            need(count > 0 && count <= cell.lengths.rows(), "each segment must have a window");
            total += count;
        }
        need(total == cell.lengths.rows(), "the segments must have all windows");
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

bool Chains::guess(const Place& place, Index first, Index count, const Segment& segment, const Cells* alike,
                   const VectorXd& y0, VectorXd& edges, MatrixXd& values) const {
    const ChainCell& cell = *place.cell;
    VectorXf lengths = cell.lengths.middleRows(first, count) * place.products;
    lengths = lengths.array().max(-70.0f).min(3.0f).exp();
    const Index K = count;
    const double end = segment.end;
    std::vector<double> at{segment.begin};
    double part = 1;  // of the last window
    double known_to = segment.begin, kept = 0;
    Index number = 0;
    for (Index w = 0; at.back() < end && w < most_longer * K; ++w) {
        double length = lengths[std::min(w, K - 1)];
        if (alike) {  // by where it is, for they are not counted any more
            while (number + 1 < K && known_to + lengths[number] <= at.back()) known_to += lengths[number++];
            const double wanted = lengths[number];
            if (!(kept >= shorter * wanted && kept <= longer * wanted)) kept = wanted;
            length = alike->longest(at.back(), kept);
        }
        const double next = at.back() + length;
        part = (end - at.back()) / length;
        at.push_back(next >= end - crumb * (end - segment.begin) ? end : next);
    }
    if (alike && at.back() < end) return false;
    at.back() = end;
    edges = Eigen::Map<const VectorXd>(at.data(), Index(at.size()));
    const Index W = edges.size() - 1;
    values.resize(W * M, n_);
    if (cell.values.size() == 0) {
        values = y0.transpose().replicate(W * M, 1);
        return true;
    }
    const VectorXf known = cell.values.middleRows(3 * n_ * first, 3 * n_ * std::min(W, K)) * place.products;
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
    return true;
}

// Windows that are longer than what functions of time do in a moment, cut; false where that takes too many.
bool Chains::split(const WindowScheme& scheme, const Cells& cells, VectorXd& edges, MatrixXd& values) {
    std::vector<double> at{edges[0]};
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

bool Chains::along(const std::vector<Segment>& segments, const Place& place, const Windows& windows, RightHandSide& f,
                   VectorXd y, Chain::Options options, Windowed& w) const {
    const Equations& equations = f.equations();
    const Chain chain(windows.scheme());
    const std::vector<Index>& counts = place.cell->counts;
    VectorXd modes, edges;
    if (equations.switches) modes.setZero(equations.switches->n_outputs());
    const bool alike = !equations.N && !equations.A.varies();
    std::vector<double> all_edges{0.0};
    std::vector<MatrixXd> parts(segments.size());
    Index first = 0, rows = 0;
    for (std::size_t k = 0; k < segments.size(); first += counts[k++]) {
        const auto& [begin, end, jump] = segments[k];
        MatrixXd& values = parts[k];
        y += jump;
        if (equations.switches) {
            f.steps_of_time(0.5 * (begin + end), modes);
            f.hold(modes, VectorXd::Zero(modes.size()));
        }
        const Cells cells = equations.in_time.empty() ? Cells() : f.cells(begin, end);
        if (!guess(place, first, counts[k], segments[k], alike ? &cells : nullptr, y, edges, values)) return false;
        if (!alike && !equations.in_time.empty() && !split(windows.scheme(), cells, edges, values)) return false;
        const Chained found = chain.solve(f, y, edges, options, values);
        w.iterations += found.iterations, w.last_step = std::max(w.last_step, found.last_step);
        if (!found.converged || !found.seen) return false;
        w.relative_error = std::max(w.relative_error, found.relative_error);
        w.residual = std::max(w.residual, found.residual);
        w.error = k == 0 ? found.error : w.error.cwiseMax(found.error).eval();
        rows += values.rows();
        if (segments.size() == 1) break;
        all_edges.insert(all_edges.end(), edges.begin() + 1, edges.end());
        y = values.bottomRows(1).transpose();
        const VectorXd sizes = values.cwiseAbs().colwise().maxCoeff().transpose();
        Before& before = options.before;
        before.sizes = k == 0 ? sizes : before.sizes.cwiseMax(sizes).eval();
        before.error = found.last_error, before.left = found.left;
    }
    if (segments.size() == 1) {
        w.edges = std::move(edges), w.values = std::move(parts[0]);
        return true;
    }
    w.edges = Eigen::Map<const VectorXd>(all_edges.data(), Index(all_edges.size()));
    w.values.resize(rows, n_);
    rows = 0;
    for (const MatrixXd& part : parts) w.values.middleRows(rows, part.rows()) = part, rows += part.rows();
    return true;
}

bool Chains::solve(const Windows& windows, RightHandSide& f, const VectorXd& parameters, const VectorXd& y0,
                   double relative, const WindowOptions& options, Refined& result) const {
    const Equations& equations = f.equations();
    if (relative < sharper * tolerance_ || equations.dense || !equations.of_states.empty()) return false;
    if (start_.size() > 0 && y0 != start_) return false;
    const Place place = place_of(parameters, y0);
    if (!place.cell || !place.cell->held) return false;
    const std::vector<Segment> segments = segments_of(f, 0, 1, options);
    if (segments.size() > place.cell->counts.size()) return false;
    Windowed& w = result.solution;
    w = Windowed();
    w.compiled = true;
    w.finished = along(segments, place, windows, f, y0, {relative, options.floor, options.estimate}, w);
    result.missed = (options.estimate ? w.relative_error : w.residual) / relative;
    if (!w.finished || !(result.missed <= 1) || gets_negative(w, options, relative)) return false;
    const VectorXd most = w.values.colwise().maxCoeff().transpose().cwiseMax(0.0);
    return windows.through_zero(w, f, relative * (most + options.floor)) < 0;
}

Refined of_span(const Chains* chains, const Windows& windows, RightHandSide& f, const VectorXd& parameters,
                const VectorXd& y0, double relative, const WindowOptions& options) {
    Refined found;
    if (chains && chains->solve(windows, f, parameters, y0, relative, options, found)) return found;
    return refined(windows, f, y0, 0, 1, options, relative);
}

}  // namespace STLFAST_NAMESPACE
