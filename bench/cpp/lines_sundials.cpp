#include "lines_sundials.hpp"

#include <cstring>
#include <stdexcept>

#include "advection_reaction.hpp"

namespace bench {

std::string Method::name() const {
    std::string text = solver;
    if (order > 0) text += " " + std::to_string(order) + ", interpolation of degree " + std::to_string(degree);
    if (std::strcmp(jacobian, "none") != 0) return text + ", " + jacobian + " Jacobian";
    return text + (order > 0 ? "" : ", fixed-point iteration");
}

}  // namespace bench

#ifdef BENCH_SUNDIALS_LINES

#include <arkode/arkode_arkstep.h>
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_band.h>
#include <sunmatrix/sunmatrix_band.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include "sundials_vectors.hpp"

namespace bench {

namespace {

struct Problem {
    const Lines* lines;
    double alpha;
};

const Problem& problem(void* data) { return *static_cast<const Problem*>(data); }

int all(realtype t, N_Vector y, N_Vector dy, void* data) {
    problem(data).lines->right_hand_side(problem(data).alpha, t, NV_DATA_S(y), NV_DATA_S(dy));
    return 0;
}

int advection(realtype t, N_Vector y, N_Vector dy, void* data) {
    problem(data).lines->advection(problem(data).alpha, t, NV_DATA_S(y), NV_DATA_S(dy));
    return 0;
}

int reaction(realtype, N_Vector y, N_Vector dy, void* data) {
    problem(data).lines->reaction(problem(data).alpha, NV_DATA_S(y), NV_DATA_S(dy));
    return 0;
}

// SUNDIALS hands J over with zeros.
int jacobian(realtype, N_Vector y, N_Vector, SUNMatrix J, void* data, N_Vector, N_Vector, N_Vector) {
    const auto& [lines, alpha] = problem(data);
    const auto at = [J](long i, long j) -> double& { return SM_COLUMN_ELEMENT_B(SM_COLUMN_B(J, j), i, j); };
    for (long node = 1, i = 0; i < NV_LENGTH_S(y); ++node, i += 2) {
        const auto row = lines->derivative(int(node));
        for (int k = row.first == 0 ? 1 : 0; k < row.size; ++k)
            for (long s = 0; s < 2; ++s) at(i + s, 2 * (row.first + k - 1) + s) = -row.weights[k];
        at(i, i) -= alpha;
        at(i + 1, i) += alpha;
        at(i, i + 1) += alpha / 2;
        at(i + 1, i + 1) -= alpha / 2;
    }
    return 0;
}

void check(int flag) {
    if (flag < 0) throw std::runtime_error("SUNDIALS cannot be set up");
}

// (1 − γ R)^{-1} = 1 + γ / (1 + 3/2 alpha γ) R
struct ReactionSolver {
    void *const *cvode, *const *arkode;  // one of them is there
    const Problem* problem;
};

int solve_reaction(SUNLinearSolver solver, SUNMatrix, N_Vector x, N_Vector b, realtype) {
    const auto& s = *static_cast<const ReactionSolver*>(solver->content);
    realtype gamma = 0;
    if (*s.cvode)
        CVodeGetCurrentGamma(*s.cvode, &gamma);
    else
        ARKStepGetCurrentGamma(*s.arkode, &gamma);
    const double alpha = s.problem->alpha, share = gamma * alpha / (1 + 1.5 * alpha * gamma);
    const double* from = NV_DATA_S(b);
    double* to = NV_DATA_S(x);
    for (long i = 0; i < NV_LENGTH_S(b); i += 2) {
        const double moved = share * (from[i] - from[i + 1] / 2);
        to[i] = from[i] - moved;
        to[i + 1] = from[i + 1] + moved;
    }
    return 0;
}

SUNLinearSolver reaction_solver(ReactionSolver& content, SUNContext context) {
    const auto solver = SUNLinSolNewEmpty(context);
    solver->content = &content;
    solver->ops->gettype = [](SUNLinearSolver) { return SUNLINEARSOLVER_MATRIX_EMBEDDED; };
    solver->ops->solve = solve_reaction;
    solver->ops->free = [](SUNLinearSolver s) {
        SUNLinSolFreeEmpty(s);
        return 0;
    };
    return solver;
}

}  // namespace

struct LinesSolver::Memory {
    SUNContext context = nullptr;
    void *cvode = nullptr, *arkode = nullptr;
    N_Vector y = nullptr, output = nullptr;
    SUNMatrix J = nullptr;
    SUNLinearSolver linear = nullptr;
    SUNNonlinearSolver fixed_point = nullptr;
    ARKRhsFn not_stiff = nullptr, stiff = nullptr;
    Problem problem{};
    ReactionSolver blocks{&cvode, &arkode, &problem};

    void make_cvode(const Method& method, bool newton) {
        cvode = CVodeCreate(std::strcmp(method.solver, "CVODE BDF") == 0 ? CV_BDF : CV_ADAMS, context);
        check(CVodeInit(cvode, all, 0, y));
        check(CVodeSStolerances(cvode, 1e-6, 1e-6));
        check(CVodeSetUserData(cvode, &problem));
        check(CVodeSetErrFile(cvode, nullptr));
        if (newton) {
            check(CVodeSetLinearSolver(cvode, linear, J));
            if (J) check(CVodeSetJacFn(cvode, jacobian));
        } else {
            fixed_point = SUNNonlinSol_FixedPoint(y, 0, context);
            check(CVodeSetNonlinearSolver(cvode, fixed_point));
        }
    }

    void make_arkode(const Method& method, bool newton) {
        const bool imex = std::strcmp(method.solver, "ARKODE IMEX") == 0;
        not_stiff = imex ? advection : newton ? nullptr : all;
        stiff = imex ? reaction : newton ? all : nullptr;
        arkode = ARKStepCreate(not_stiff, stiff, 0, y, context);
        check(ARKStepSStolerances(arkode, 1e-6, 1e-6));
        check(ARKStepSetUserData(arkode, &problem));
        check(ARKStepSetErrFile(arkode, nullptr));
        check(ARKStepSetOrder(arkode, method.order));
        check(ARKStepSetInterpolantDegree(arkode, method.degree));
        if (newton) {
            check(ARKStepSetLinearSolver(arkode, linear, J));
            if (J) check(ARKStepSetJacFn(arkode, jacobian));
            check(ARKStepSetLinear(arkode, 0));
        }
    }
};

LinesSolver::LinesSolver(Space space, Method method) : lines_(space), memory_(std::make_unique<Memory>()) {
    auto& m = *memory_;
    const bool newton = std::strcmp(method.jacobian, "none") != 0, band = std::strcmp(method.jacobian, "band") == 0;
    SUNContext_Create(nullptr, &m.context);
    m.y = N_VNew_Serial(lines_.unknowns(), m.context);
    use_compiled_operations(m.y);
    m.output = N_VNew_Serial(lines_.unknowns(), m.context);
    m.problem.lines = &lines_;
    if (band) {
        m.J = SUNBandMatrix(lines_.unknowns(), lines_.above(), lines_.below(), m.context);
        m.linear = SUNLinSol_Band(m.y, m.J, m.context);
    } else if (newton) {
        m.linear = reaction_solver(m.blocks, m.context);
    }
    if (method.order == 0)
        m.make_cvode(method, newton);
    else
        m.make_arkode(method, newton);
}

LinesSolver::~LinesSolver() {
    auto& m = *memory_;
    if (m.cvode) CVodeFree(&m.cvode);
    if (m.arkode) ARKStepFree(&m.arkode);
    if (m.fixed_point) SUNNonlinSolFree(m.fixed_point);
    if (m.linear) SUNLinSolFree(m.linear);
    if (m.J) SUNMatDestroy(m.J);
    N_VDestroy(m.y);
    N_VDestroy(m.output);
    SUNContext_Free(&m.context);
}

bool LinesSolver::solve(double alpha, double tolerance, const std::vector<double>& t, double* u, long most_steps) {
    auto& m = *memory_;
    const auto N = t.size();
    const auto row = 2 * N;
    values_.resize(lines_.nodes().size() * row);
    m.problem.alpha = alpha;
    for (std::size_t i = 1; i < lines_.nodes().size(); ++i)
        initial_values(lines_.nodes()[i], NV_DATA_S(m.y) + 2 * (i - 1));
    const auto store = [&](std::size_t k, const double* state) {
        lines_.inflow(alpha, t[k], &values_[2 * k]);
        for (std::size_t i = 1; i < lines_.nodes().size(); ++i, state += 2) {
            values_[i * row + 2 * k] = state[0];
            values_[i * row + 2 * k + 1] = state[1];
        }
    };
    std::size_t k = 0;
    for (; k < N && t[k] <= 0; ++k) store(k, NV_DATA_S(m.y));
    if (m.cvode) {
        CVodeReInit(m.cvode, 0, m.y);
        CVodeSStolerances(m.cvode, tolerance, tolerance);
    } else {
        ARKStepReInit(m.arkode, m.not_stiff, m.stiff, 0, m.y);
        ARKStepSStolerances(m.arkode, tolerance, tolerance);
    }
    for (steps_ = 0; k < N;) {
        realtype reached = 0;
        const int flag = m.cvode ? CVode(m.cvode, 1, m.y, &reached, CV_ONE_STEP)
                                 : ARKStepEvolve(m.arkode, 1, m.y, &reached, ARK_ONE_STEP);
        if (flag < 0 || ++steps_ > most_steps) return false;
        for (; k < N && t[k] <= reached; ++k) {
            if (m.cvode)
                CVodeGetDky(m.cvode, t[k], 0, m.output);
            else
                ARKStepGetDky(m.arkode, t[k], 0, m.output);
            store(k, NV_DATA_S(m.output));
        }
    }
    lines_.interpolate(values_, int(N), u);
    return true;
}

const char* LinesSolver::version() { return SUNDIALS_VERSION; }

}  // namespace bench

#else

namespace bench {

struct LinesSolver::Memory {};
LinesSolver::LinesSolver(Space space, Method) : lines_(space) {}
LinesSolver::~LinesSolver() = default;
bool LinesSolver::solve(double, double, const std::vector<double>&, double*, long) { return false; }
const char* LinesSolver::version() { return nullptr; }

}  // namespace bench

#endif
