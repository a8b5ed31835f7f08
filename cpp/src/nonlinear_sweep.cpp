#include "stlfast/nonlinear_sweep.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index band_piece_size = 64;  // queries that a thread takes at once
constexpr Index at_once = NonlinearModel::at_once;

struct BandPiece {  // queries order[begin … end), of one band
    Index begin, end, band;
};

struct BandState {  // of one thread
    Answer answers[OutputTable::at_once];
    NonlinearModel::Workspace workspace;
    MatrixXd values[at_once];  // (E, n)
};

}  // namespace

void solve_many(const NonlinearModel& model, const OutputTable& output, const Queries& queries,
                const NonlinearSweepOptions& options, const SweepResults& results, const SweepProgress& progress) {
    static_assert(at_once == OutputTable::at_once, "lanes are evaluated together too");
    const Index n = model.family().n, E = output.x().size(), B = queries.count;
    check(queries, model.family().n_parameters(), n, options.threads);
    const auto row = [](const Map<const RowMajor>& rows, Index query) {
        return rows.data() + (rows.rows() > 1 ? query : 0) * rows.cols();
    };
    const auto parameters = [&](Index query) { return row(queries.parameters, query); };
    std::vector<std::vector<Index>> of_band(model.bands().size());
    for (Index query = 0; query < B; ++query) {
        const Index band = model.band_of(parameters(query));
        if (band >= 0) {
            of_band[std::size_t(band)].push_back(query);
            continue;
        }
        const Index values = options.observe == Observe::maximum ? n : n * E;
        std::fill_n(results.y + query * values, values, std::numeric_limits<double>::quiet_NaN());
        results.success[query] = false;
        if (options.solve.estimate) std::fill_n(results.bound + query * n, n, std::numeric_limits<double>::infinity());
    }
    std::vector<Index> order;
    std::vector<BandPiece> pieces;
    for (std::size_t band = 0; band < of_band.size(); ++band)
        for (std::size_t k = 0; k < of_band[band].size(); k += band_piece_size) {
            const std::size_t count = std::min<std::size_t>(band_piece_size, of_band[band].size() - k);
            pieces.push_back({Index(order.size()), Index(order.size() + count), Index(band)});
            order.insert(order.end(), of_band[band].begin() + std::ptrdiff_t(k),
                         of_band[band].begin() + std::ptrdiff_t(k + count));
        }
    Crew crew(progress);
    crew.run<BandState>(Index(pieces.size()), options.threads, [&](Index k, BandState& s) {
        const BandPiece piece = pieces[std::size_t(k)];
        for (Index first = piece.begin; first < piece.end && !crew.stopped(); first += at_once) {
            const Index count = std::min(at_once, piece.end - first);
            NonlinearModel::Query own[at_once];
            double* y[at_once];
            for (Index l = 0; l < count; ++l) {
                const Index query = order[std::size_t(first + l)];
                own[l] = {parameters(query), row(queries.y0, query)};
                if (options.observe == Observe::maximum) s.values[l].resize(E, n);
                y[l] = options.observe == Observe::maximum ? s.values[l].data() : results.y + query * n * E;
            }
            model.solve(own, count, piece.band, options.solve, s.answers, s.workspace);
            output.evaluate(s.answers, y, count);
            for (Index l = 0; l < count; ++l) {
                const Index query = order[std::size_t(first + l)];
                const Answer& answer = s.answers[l];
                if (options.observe == Observe::maximum)
                    Map<VectorXd>(results.y + query * n, n) = s.values[l].colwise().maxCoeff();
                results.success[query] = answer.newton.converged && (answer.within || !answer.certified);
                if (answer.certified) Map<VectorXd>(results.bound + query * n, n) = answer.bound;
            }
            crew.advance(count);
        }
    });
}

}  // namespace STLFAST_NAMESPACE
