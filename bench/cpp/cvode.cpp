#include "cvode.hpp"

#ifdef BENCH_SUNDIALS

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>

#include <algorithm>
#include <stdexcept>

#include "sundials_vectors.hpp"

namespace bench {

namespace {

constexpr long most_steps = 10'000'000;

int evaluate_rhs(realtype t, N_Vector y, N_Vector dy, void* member) {
    rhs(*static_cast<const Member*>(member), t, NV_DATA_S(y), NV_DATA_S(dy));
    return 0;
}

int evaluate_jacobian(realtype, N_Vector y, N_Vector, SUNMatrix J, void* member, N_Vector, N_Vector, N_Vector) {
    jacobian(*static_cast<const Member*>(member), NV_DATA_S(y), SM_DATA_D(J));
    return 0;
}

}  // namespace

struct Cvode::Memory {
    SUNContext context = nullptr;
    void* cvode = nullptr;
    N_Vector y = nullptr;
    SUNMatrix J = nullptr;
    SUNLinearSolver solver = nullptr;
    Member member{};
};

Cvode::Cvode(int n) : memory_(std::make_unique<Memory>()) {
    auto& m = *memory_;
    SUNContext_Create(nullptr, &m.context);
    m.y = N_VNew_Serial(n, m.context);
    use_compiled_operations(m.y);
    m.J = SUNDenseMatrix(n, n, m.context);
    m.solver = SUNLinSol_Dense(m.y, m.J, m.context);
    m.cvode = CVodeCreate(CV_BDF, m.context);
    const bool ready =
        CVodeInit(m.cvode, evaluate_rhs, 0, m.y) == CV_SUCCESS &&
        CVodeSStolerances(m.cvode, 1e-6, 1e-6) == CV_SUCCESS &&
        CVodeSetLinearSolver(m.cvode, m.solver, m.J) == CV_SUCCESS &&
        CVodeSetJacFn(m.cvode, evaluate_jacobian) == CV_SUCCESS && CVodeSetUserData(m.cvode, &m.member) == CV_SUCCESS &&
        CVodeSetErrFile(m.cvode, nullptr) == CV_SUCCESS && CVodeSetMaxNumSteps(m.cvode, most_steps) == CV_SUCCESS;
    if (!ready) throw std::runtime_error("CVODE cannot be set up");
}

Cvode::~Cvode() {
    auto& m = *memory_;
    CVodeFree(&m.cvode);
    SUNLinSolFree(m.solver);
    SUNMatDestroy(m.J);
    N_VDestroy(m.y);
    SUNContext_Free(&m.context);
}

bool Cvode::solve(const Member& member, const double* y0, double rtol, double atol, const double* t, long N,
                  double* y) {
    auto& m = *memory_;
    m.member = member;
    const long n = NV_LENGTH_S(m.y);
    double* state = NV_DATA_S(m.y);
    std::copy(y0, y0 + n, state);
    CVodeReInit(m.cvode, t[0], m.y);
    CVodeSStolerances(m.cvode, rtol, atol);
    for (long k = 0; k < N; ++k) {
        realtype reached;
        if (k > 0 && CVode(m.cvode, t[k], m.y, &reached, CV_NORMAL) < 0) return false;
        for (long i = 0; i < n; ++i) y[i * N + k] = state[i];
    }
    return true;
}

long Cvode::steps() const {
    long steps = 0;
    CVodeGetNumSteps(memory_->cvode, &steps);
    return steps;
}

const char* Cvode::version() { return SUNDIALS_VERSION; }

}  // namespace bench

#else

namespace bench {

struct Cvode::Memory {};
Cvode::Cvode(int) {}
Cvode::~Cvode() = default;
bool Cvode::solve(const Member&, const double*, double, double, const double*, long, double*) { return false; }
long Cvode::steps() const { return 0; }
const char* Cvode::version() { return nullptr; }

}  // namespace bench

#endif
