#include "stlfast/field_sweep.hpp"

#include <algorithm>
#include <stdexcept>

namespace STLFAST_NAMESPACE {

using Eigen::Index;

namespace {

constexpr Index field_piece_size = 16;  // queries that a thread takes at once

struct FieldState {  // of one thread
    FieldModel::Member member;
    FieldModel::FieldAnswer answer;
    FieldModel::Workspace workspace;
};

}  // namespace

void solve_many(const FieldModel& model, const FieldTable& table, const FieldQueries& queries,
                const FieldSweepOptions& options, const FieldResults& results, const SweepProgress& progress) {
    if (options.threads < 1) throw std::invalid_argument("solve_many: threads must be at least 1");
    const Index n = model.n(), P = model.definition().low.size(), B = queries.count;
    const Index size = n * table.space_size() * table.time_size(), given = n * model.data_size();
    const auto parameters = [&](Index query) { return queries.parameters + (queries.own_parameters ? query * P : 0); };
    Crew crew(progress);
    crew.run<FieldState>((B + field_piece_size - 1) / field_piece_size, options.threads,
                         [&](Index piece, FieldState& s) {
                             const Index begin = piece * field_piece_size, end = std::min(B, begin + field_piece_size);
                             for (Index query = begin; query < end && !crew.stopped(); ++query) {
                                 const double* const p = parameters(query);
                                 if (query == begin || !std::equal(p, p + P, parameters(query - 1)))
                                     model.factor(p, s.member, s.workspace);
                                 model.solve(s.member, queries.data + (queries.own_data ? query * given : 0),
                                             options.estimate, options.tolerance, s.answer, s.workspace);
                                 table.evaluate(s.answer, results.u + query * size, s.workspace);
                                 results.success[query] = s.answer.within || !options.estimate;
                                 if (options.estimate)
                                     Eigen::Map<Eigen::VectorXd>(results.bound + query * n, n) = s.answer.estimate;
                                 crew.advance(1);
                             }
                         });
}

}  // namespace STLFAST_NAMESPACE
