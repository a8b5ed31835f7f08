#include "stlfast/piecewise_table.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stlfast/chebyshev.hpp"
#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index piece_terms = 16, most_pieces = 256;
// Of the largest coefficient of a function, in the last two terms of a piece: of the first and, over that, of the last
// function, which solutions have least of.
constexpr double left_out = 1e-14, more_of_last = 1e6;
constexpr double shortest_piece = 1e-13;
constexpr Index places_at_once = 8;  // places, whose sums stay in registers
using PiecePlaces = Eigen::Array<double, places_at_once, 1>;

// Σ_d a_d T_d(z) of some states, which share the polynomials; the first `count` to y.
template <Index states>
void sum_states(const double* a, Index stride, const PiecePlaces& z, Index count, double* y, Index y_stride) {
    const PiecePlaces twice = 2 * z;
    PiecePlaces before = PiecePlaces::Ones(), now = z, sums[states];
    for (Index i = 0; i < states; ++i) sums[i] = a[i * stride] + a[i * stride + 1] * z;
    for (Index d = 2; d < piece_terms; ++d) {
        const PiecePlaces next = twice * now - before;
        before = now, now = next;
        for (Index i = 0; i < states; ++i) sums[i] += a[i * stride + d] * next;
    }
    for (Index i = 0; i < states; ++i)
        if (count == places_at_once)
            Map<PiecePlaces>(y + i * y_stride) = sums[i];
        else
            std::copy_n(sums[i].data(), count, y + i * y_stride);
}

}  // namespace

PiecewiseTable::PiecewiseTable(const std::vector<Band>& bands, Index n)
    : bands_(&bands), n_(n), once_(bands.size()), pieces_(bands.size()) {}

const PiecewiseTable::Pieces& PiecewiseTable::pieces(Index band) const {
    const auto number = static_cast<std::size_t>(band);
    std::call_once(once_[number], [&] {
        struct Piece {
            double begin, end;
        };
        const Band& source = (*bands_)[number];
        const MatrixXd& a = source.coefficients;
        const Index blocks = source.decoupled ? 1 : n_, r = a.cols() / blocks;
        VectorXd fine = a.cwiseAbs().colwise().maxCoeff().transpose();
        for (Index k = 0; k < a.cols(); ++k)
            fine[k] *= left_out * std::pow(more_of_last, double(k % r) / double(std::max<Index>(r - 1, 1)));
        VectorXd missed = VectorXd::Zero(a.cols());
        const auto nodes = [](double begin, double end) {
            const Eigen::ArrayXd angles =
                Eigen::ArrayXd::LinSpaced(piece_terms, 0.5, double(piece_terms) - 0.5) * M_PI / piece_terms;
            return VectorXd(begin + 0.5 * (end - begin) * (1 - angles.cos()));
        };
        std::vector<Piece> open{{0, 1}};
        std::vector<double> edges{0};
        std::vector<MatrixXd> series;
        MatrixXd values(piece_terms, a.cols());
        while (!open.empty()) {
            const auto [begin, end] = open.back();
            open.pop_back();
            chebyshev::evaluate(a, source.tau, nodes(begin, end), values);
            MatrixXd c = chebyshev::coefficients(values);
            const VectorXd last = c.bottomRows(2).cwiseAbs().colwise().maxCoeff().transpose();
            const bool told = (last.array() <= fine.array()).all();
            if (told || end - begin < shortest_piece || Index(series.size() + open.size()) >= most_pieces) {
                edges.push_back(end), series.push_back(std::move(c));
                missed = missed.cwiseMax(last);
            } else {  // in the middle of log time
                const double tau = source.tau, middle = std::sqrt((begin + tau) * (end + tau)) - tau;
                open.push_back({middle, end}), open.push_back({begin, middle});
            }
        }
        const auto W = Index(series.size());
        Pieces& made = pieces_[number];
        made.edges = Map<const VectorXd>(edges.data(), W + 1);
        made.missed = missed.reshaped(r, blocks).transpose();
        MatrixXd functions(blocks * W * piece_terms, r);
        for (Index i = 0; i < blocks; ++i)
            for (Index w = 0; w < W; ++w)
                functions.middleRows((i * W + w) * piece_terms, piece_terms) =
                    series[std::size_t(w)].middleCols(i * r, r);
        made.functions = dense::Tiles(functions);
    });
    return pieces_[number];
}

void PiecewiseTable::evaluate(Index band, const VectorXd& c, const Eigen::Ref<const VectorXd>& x,
                              Eigen::Ref<MatrixXd> y) const {
    const Pieces& own = pieces(band);
    const bool decoupled = (*bands_)[std::size_t(band)].decoupled;
    const Index W = own.edges.size() - 1, r = own.functions.cols();
    MatrixXd series(W * piece_terms, n_);
    for (Index i = 0; i < (decoupled ? n_ : 1); ++i) own.functions.product(c.data() + i * r, &series(0, i));
    for (Index i = 0; i < n_; ++i) {
        const auto of_state = c.segment(decoupled ? i * r : 0, r).cwiseAbs();
        if (!(own.missed.row(decoupled ? 0 : i) * of_state <=
              left_out_of_values * series.col(i).cwiseAbs().maxCoeff())) {
            const Band& source = (*bands_)[std::size_t(band)];
            return chebyshev::evaluate(expansion(source, n_, c), source.tau, x, y);
        }
    }
    const double* const edges = own.edges.data();
    Index next;
    for (Index q = 0; q < x.size(); q = next) {
        const Index w = std::min<Index>(std::upper_bound(edges, edges + W + 1, x[q]) - edges - 1, W - 1);
        const double begin = edges[w], end = edges[w + 1], scale = 2 / (end - begin);
        for (next = q + 1; next < x.size() && x[next] >= begin && x[next] < end;) ++next;
        for (Index p = q; p < next; p += places_at_once) {
            const Index count = std::min(next - p, places_at_once);
            PiecePlaces z = PiecePlaces::Zero();
            z.head(count) = scale * (x.segment(p, count).array() - begin) - 1;
            Index i = 0;
            for (; i + 1 < n_; i += 2)
                sum_states<2>(&series(w * piece_terms, i), W * piece_terms, z, count, &y(p, i), y.outerStride());
            if (i < n_)
                sum_states<1>(&series(w * piece_terms, i), W * piece_terms, z, count, &y(p, i), y.outerStride());
        }
    }
}

}  // namespace STLFAST_NAMESPACE
