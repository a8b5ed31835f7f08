// Many members of a nonlinear family at once: side by side in the lanes of each thread.
#pragma once

#include "stlfast/nonlinear_model.hpp"
#include "stlfast/sweep.hpp"

namespace STLFAST_NAMESPACE {

struct NonlinearSweepOptions {
    NonlinearModel::Options solve = {};
    int threads = 1;
    Observe observe = Observe::values;
};

// Answers are those of single solves and do not depend on the number of threads; success also says that Newton's
// method converged. Parameters in no band have no success and values that are not a number. Throws as `check`.
void solve_many(const NonlinearModel& model, const OutputTable& output, const Queries& queries,
                const NonlinearSweepOptions& options, const SweepResults& results, const SweepProgress& progress);

}  // namespace STLFAST_NAMESPACE
