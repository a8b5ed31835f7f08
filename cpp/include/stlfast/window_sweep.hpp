// Many members on time windows, shared between threads; results do not depend on how many there are.
#pragma once

#include <Eigen/Core>

#include "stlfast/chains.hpp"
#include "stlfast/sweep.hpp"
#include "stlfast/windows.hpp"

namespace STLFAST_NAMESPACE {

// Where windows of each query end: K stops, of all queries or of each.
struct Stops {
    Eigen::Index count, rows;  // K, and 1 or B
    const double* x;           // (rows, K), increasing
    const double* jumps;       // (rows, K, n)
};

// Values at x (E) in [0, 1], on compiled windows where there are any that hold the query; beside SweepResults::bound
// the estimates; the floor is that of the options, success is that of a single solve.
void solve_many(const Windows& windows, const Chains* chains, const Equations& equations, const Eigen::VectorXd& x,
                const Queries& queries, const Stops& stops, const WindowOptions& options, double relative, int threads,
                Observe observe, const SweepResults& results, const SweepProgress& progress);

}  // namespace STLFAST_NAMESPACE
