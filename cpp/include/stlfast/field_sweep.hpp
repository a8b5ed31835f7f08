// Many solves of a compiled family of PDEs, shared between threads; a run of queries with the same parameters is
// factored once in each piece.
//
// B queries, n fields, P parameters, M data of a field.
#pragma once

#include "stlfast/crew.hpp"
#include "stlfast/field_model.hpp"

namespace STLFAST_NAMESPACE {

// C-contiguous memory of the caller: parameters (B or 1, P) and data (B or 1, n, M).
struct FieldQueries {
    Eigen::Index count;  // B
    const double* parameters;
    bool own_parameters;  // whether every query has its own
    const double* data;
    bool own_data;
};

struct FieldSweepOptions {
    bool estimate = true;
    Tolerance tolerance = {};
    int threads = 1;
};

struct FieldResults {
    double* u;      // (B, n, N_z, N_x)
    bool* success;  // (B) whether the estimate meets the tolerance; true where not asked for
    double* bound;  // (B, n); untouched where not asked for
};

// Throws std::invalid_argument for fewer than one thread, and as FieldModel::factor.
void solve_many(const FieldModel& model, const FieldTable& table, const FieldQueries& queries,
                const FieldSweepOptions& options, const FieldResults& results, const SweepProgress& progress);

}  // namespace STLFAST_NAMESPACE
