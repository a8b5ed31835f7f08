#include "stlfast/window_sweep.hpp"

#include <limits>
#include <stdexcept>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

void solve_many(const Windows& windows, const Chains* chains, const Equations& equations, const VectorXd& x,
                const Queries& queries, const Stops& stops, const WindowOptions& common, double relative, int threads,
                Observe observe, const SweepResults& results, const SweepProgress& progress) {
    const Index n = equations.n, E = x.size(), P = queries.parameters.cols();
    struct State {
        MatrixXd values;
    };
    Crew crew(progress);
    crew.run<State>(queries.count, threads, [&](Index query, State& s) {
        const Index of_parameters = queries.parameters.rows() > 1 ? query : 0,
                    of_start = queries.y0.rows() > 1 ? query : 0;
        const VectorXd p = Map<const VectorXd>(queries.parameters.data() + of_parameters * P, P);
        RightHandSide f(equations, p);
        WindowOptions options = common;
        if (stops.count > 0) {
            const Index row = stops.rows > 1 ? query : 0;
            options.stops = Map<const VectorXd>(stops.x + row * stops.count, stops.count);
            options.jumps = Map<const MatrixXd>(stops.jumps + row * stops.count * n, n, stops.count);
        }
        options.between = [&] {
            if (crew.stopped()) throw std::runtime_error("stopped");
            crew.advance(0);
        };
        const VectorXd y0 = Map<const VectorXd>(queries.y0.data() + of_start * n, n);
        const Refined found = of_span(chains, windows, f, p, y0, relative, options);
        results.full[query] = found.solution.compiled;
        results.success[query] = found.solution.finished && found.missed <= 1;
        if (options.estimate) {
            Map<VectorXd> bound(results.bound + query * n, n);
            if (found.solution.finished && found.solution.error.size() == n)
                bound = found.solution.error;
            else
                bound.setConstant(std::numeric_limits<double>::infinity());
        }
        s.values.resize(E, n);
        windows.evaluate(found.solution, x, s.values);
        if (observe == Observe::maximum) {
            for (Index i = 0; i < n; ++i) results.y[query * n + i] = s.values.col(i).maxCoeff<Eigen::PropagateNaN>();
        } else {
            Map<MatrixXd>(results.y + query * n * E, E, n) = s.values;
        }
        crew.advance(1);
    });
}

}  // namespace STLFAST_NAMESPACE
