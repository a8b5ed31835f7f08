// Many solves at once: grouped by member, so that what depends on parameters is done once for each, and shared between
// threads in pieces whose results do not depend on how many threads there are.
//
// B queries, n equations, P parameters, E output points.
#pragma once

#include <Eigen/Core>

#include "stlfast/crew.hpp"
#include "stlfast/model.hpp"

namespace STLFAST_NAMESPACE {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Queries {
    Eigen::Index count;                     // B
    Eigen::Map<const RowMajor> parameters;  // (B or 1, P)
    Eigen::Map<const RowMajor> y0;          // (B or 1, n)
};

// What is kept of each answer.
enum class Observe {
    values,  // at the points of the output table, (n, E)
    maximum  // largest value of each state over the points, (n)
};

struct SweepOptions {
    SolveOptions solve = {};
    int threads = 1;
    Observe observe = Observe::values;
};

// Memory of the caller, C-contiguous.
struct SweepResults {
    double* y;             // (B, n, E) or (B, n)
    bool* success;         // (B) whether the bound meets the tolerance; true where not certified
    double* bound;         // (B, n); untouched where not certified
    bool* full = nullptr;  // (B) whether the full dictionary answered, of linear models; null: not wanted
};

// Throws std::invalid_argument for wrong shapes, for numbers that are not finite (which row) and for fewer than one
// thread.
void check(const Queries& queries, Eigen::Index P, Eigen::Index n, int threads);

// Answers agree with single solves to rounding. Throws as `check` before anything is written; as Model::solve while
// running.
void solve_many(const Model& model, const OutputTable& output, const Queries& queries, const SweepOptions& options,
                const SweepResults& results, const SweepProgress& progress);

}  // namespace STLFAST_NAMESPACE
