// SUNDIALS' CVODE, BDF, for right-hand sides and Jacobians that are handed over as pointers, for Python's ctypes.
//
// A System's functions have the signature of numbalsoda's. Its Jacobian writes the nonzero entries (nonzeros), whose
// rows and columns are listed; the linear solver is dense, or banded where a band is less than half of the matrix.
#include "cvode.hpp"

namespace {

using Function = void (*)(double t, const double* y, double* values, const double* p);

struct System {
    Function rhs, jacobian;
    const double* p;
    const long *rows, *columns;
    long nonzeros, n, lower, upper;  // lower, upper: bandwidths
    double* values;                  // (nonzeros), which the Jacobian writes
};

}  // namespace

#ifdef BENCH_SUNDIALS

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_band.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_band.h>
#include <sunmatrix/sunmatrix_dense.h>

#include <algorithm>

#include "sundials_vectors.hpp"

namespace {

int evaluate_rhs(realtype t, N_Vector y, N_Vector dy, void* data) {
    const auto& system = *static_cast<const System*>(data);
    system.rhs(t, NV_DATA_S(y), NV_DATA_S(dy), system.p);
    return 0;
}

int evaluate_jacobian(realtype t, N_Vector y, N_Vector, SUNMatrix J, void* data, N_Vector, N_Vector, N_Vector) {
    const auto& system = *static_cast<const System*>(data);
    system.jacobian(t, NV_DATA_S(y), system.values, system.p);
    const bool banded = SUNMatGetID(J) == SUNMATRIX_BAND;
    for (long k = 0; k < system.nonzeros; ++k) {
        const long i = system.rows[k], j = system.columns[k];
        (banded ? SM_ELEMENT_B(J, i, j) : SM_ELEMENT_D(J, i, j)) = system.values[k];
    }
    return 0;
}

}  // namespace

extern "C" {

// y (N, n) row-major at increasing times t (N), t[0] being where y0 (n) holds; between steps CVODE interpolates.
// Returns false where CVODE gives up.
int cvode_solve(const System* given, const double* y0, double rtol, double atol, long most_steps, const double* t,
                long N, double* y) {
    System system = *given;
    const long n = system.n;
    const bool banded = 2 * (system.lower + system.upper + 1) < n;
    SUNContext context = nullptr;
    SUNContext_Create(nullptr, &context);
    N_Vector state = N_VNew_Serial(n, context);
    bench::use_compiled_operations(state);
    std::copy(y0, y0 + n, NV_DATA_S(state));
    SUNMatrix J = banded ? SUNBandMatrix(n, system.upper, system.lower, context) : SUNDenseMatrix(n, n, context);
    SUNLinearSolver solver = banded ? SUNLinSol_Band(state, J, context) : SUNLinSol_Dense(state, J, context);
    void* cvode = CVodeCreate(CV_BDF, context);
    bool good =
        CVodeInit(cvode, evaluate_rhs, t[0], state) == CV_SUCCESS &&
        CVodeSStolerances(cvode, rtol, atol) == CV_SUCCESS && CVodeSetLinearSolver(cvode, solver, J) == CV_SUCCESS &&
        CVodeSetJacFn(cvode, evaluate_jacobian) == CV_SUCCESS && CVodeSetUserData(cvode, &system) == CV_SUCCESS &&
        CVodeSetErrFile(cvode, nullptr) == CV_SUCCESS && CVodeSetMaxNumSteps(cvode, most_steps) == CV_SUCCESS;
    for (long k = 0; k < N && good; ++k) {
        realtype reached;
        good = k == 0 || CVode(cvode, t[k], state, &reached, CV_NORMAL) >= 0;
        std::copy(NV_DATA_S(state), NV_DATA_S(state) + n, y + n * k);
    }
    CVodeFree(&cvode);
    SUNLinSolFree(solver);
    SUNMatDestroy(J);
    N_VDestroy(state);
    SUNContext_Free(&context);
    return good;
}

}  // extern "C"

#else

extern "C" int cvode_solve(const System*, const double*, double, double, long, const double*, long, double*) {
    return false;
}

#endif
