#include "arkode.hpp"

#ifdef BENCH_SUNDIALS

#include <arkode/arkode_arkstep.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>

#include <algorithm>
#include <stdexcept>

#include "sundials_vectors.hpp"

namespace bench {

namespace {

int evaluate_rhs(realtype t, N_Vector y, N_Vector dy, void* member) {
    rhs(*static_cast<const Member*>(member), t, NV_DATA_S(y), NV_DATA_S(dy));
    return 0;
}

int evaluate_jacobian(realtype, N_Vector y, N_Vector, SUNMatrix J, void* member, N_Vector, N_Vector, N_Vector) {
    jacobian(*static_cast<const Member*>(member), NV_DATA_S(y), SM_DATA_D(J));
    return 0;
}

void check(int flag) {
    if (flag < 0) throw std::runtime_error("ARKODE cannot be set up");
}

}  // namespace

struct Arkode::Memory {
    SUNContext context = nullptr;
    void* arkode = nullptr;
    N_Vector y = nullptr, output = nullptr;
    SUNMatrix J = nullptr;
    SUNLinearSolver solver = nullptr;
    ARKRhsFn not_stiff = nullptr, stiff = nullptr;
    Member member{};

    // What SUNDIALS' own example of Robertson's kinetics sets, without which its steps fail, and the interpolation that
    // uses no derivatives, whose errors stiffness multiplies. The Van der Pol oscillator gains too, the others lose.
    void sharpen_newton() {
        check(ARKStepSetNonlinConvCoef(arkode, 1e-7));
        check(ARKStepSetMaxNonlinIters(arkode, 8));
        check(ARKStepSetMaxErrTestFails(arkode, 20));
        check(ARKStepSetPredictorMethod(arkode, 1));
        check(ARKStepSetInterpolantType(arkode, ARK_INTERP_LAGRANGE));
        check(ARKStepSetInterpolantDegree(arkode, 4));
    }
};

Arkode::Arkode(Method method, Equations equations) : memory_(std::make_unique<Memory>()) {
    auto& m = *memory_;
    const int n = states(equations);
    const bool implicit = method == Method::kvaerno;
    (implicit ? m.stiff : m.not_stiff) = evaluate_rhs;
    SUNContext_Create(nullptr, &m.context);
    m.y = N_VNew_Serial(n, m.context);
    use_compiled_operations(m.y);
    m.output = N_VNew_Serial(n, m.context);
    m.arkode = ARKStepCreate(m.not_stiff, m.stiff, 0, m.y, m.context);
    check(ARKStepSStolerances(m.arkode, 1e-6, 1e-6));
    check(ARKStepSetUserData(m.arkode, &m.member));
    check(ARKStepSetErrFile(m.arkode, nullptr));
    check(ARKStepSetTableNum(m.arkode, implicit ? ARKODE_KVAERNO_7_4_5 : ARKODE_DIRK_NONE,
                             implicit ? ARKODE_ERK_NONE : ARKODE_DORMAND_PRINCE_7_4_5));
    if (!implicit) return;
    m.J = SUNDenseMatrix(n, n, m.context);
    m.solver = SUNLinSol_Dense(m.y, m.J, m.context);
    check(ARKStepSetLinearSolver(m.arkode, m.solver, m.J));
    check(ARKStepSetJacFn(m.arkode, evaluate_jacobian));
    if (equations == Equations::dho || equations == Equations::ncff) check(ARKStepSetLinear(m.arkode, 0));
    if (equations == Equations::robertson || equations == Equations::vdp) m.sharpen_newton();
}

Arkode::~Arkode() {
    auto& m = *memory_;
    ARKStepFree(&m.arkode);
    if (m.solver) SUNLinSolFree(m.solver);
    if (m.J) SUNMatDestroy(m.J);
    N_VDestroy(m.y);
    N_VDestroy(m.output);
    SUNContext_Free(&m.context);
}

long Arkode::solve(const Member& member, const double* y0, double rtol, double atol, const double* t, long N,
                   long most_steps, double* y) {
    auto& m = *memory_;
    m.member = member;
    const long n = NV_LENGTH_S(m.y);
    std::copy(y0, y0 + n, NV_DATA_S(m.y));
    ARKStepReInit(m.arkode, m.not_stiff, m.stiff, t[0], m.y);
    ARKStepSStolerances(m.arkode, rtol, atol);
    const auto store = [&](long k, const double* state) {
        for (long i = 0; i < n; ++i) y[i * N + k] = state[i];
    };
    store(0, y0);
    long steps = 0;
    for (long k = 1; k < N;) {
        realtype reached = 0;
        if (++steps > most_steps) return steps;
        if (ARKStepEvolve(m.arkode, t[N - 1], m.y, &reached, ARK_ONE_STEP) < 0) return -1;
        for (; k < N && t[k] <= reached; ++k) {
            ARKStepGetDky(m.arkode, t[k], 0, m.output);
            store(k, NV_DATA_S(m.output));
        }
    }
    return steps;
}

const char* Arkode::version() { return SUNDIALS_VERSION; }

}  // namespace bench

#else

namespace bench {

struct Arkode::Memory {};
Arkode::Arkode(Method, Equations) {}
Arkode::~Arkode() = default;
long Arkode::solve(const Member&, const double*, double, double, const double*, long, long, double*) { return -1; }
const char* Arkode::version() { return nullptr; }

}  // namespace bench

#endif
