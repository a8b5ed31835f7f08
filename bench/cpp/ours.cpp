// stlfast's C++ interface for Python's ctypes, each call repeated k times, as a program in C++ would call it in a loop.
//
// p: parameters (P). y0 (n), times x (N) in [0, 1], answers y (n, N) row-major, which is Eigen's (N, n) in column
// order. Sweeps: y0 (B, n), y (B, n, 512).
#include <memory>
#include <stlfast/io.hpp>
#include <stlfast/member.hpp>
#include <stlfast/nonlinear_sweep.hpp>
#include <vector>

namespace {

using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

struct Opened {
    stlfast::LoadedModel file;
    stlfast::Model::Workspace workspace;
    stlfast::Answer answer;
};

struct Held {
    stlfast::Member member;
    stlfast::Member::Workspace workspace;
    stlfast::Answer answer;
};

struct OpenedNonlinear {
    stlfast::LoadedNonlinearModel file;
    stlfast::NonlinearModel::Workspace workspace;
    stlfast::Answer answer;
};

// B initial values (n) at one member, on one thread, with their bounds.
template <class Options, class Model>
void sweep(long k, const Model& model, const double* p, const double* y0, long B, double* y) {
    const Options options;
    const Eigen::Index P = model.family().n_parameters(), n = model.family().n;
    const stlfast::Queries queries{B, {p, 1, P}, {y0, B, n}};
    const std::unique_ptr<bool[]> success(new bool[std::size_t(B)]);
    std::vector<double> bound(std::size_t(B * n));
    const stlfast::SweepResults results{y, success.get(), bound.data()};
    while (k-- > 0) stlfast::solve_many(model, model.output(), queries, options, results, [](Eigen::Index) {});
}

Map<const VectorXd> vector(const double* values, Eigen::Index size) { return {values, size}; }

}  // namespace

extern "C" {

// nullptr where the file cannot be read; Python has then said why.
void* model_open(const char* path) {
    try {
        return new Opened{stlfast::load(path), {}, {}};
    } catch (const std::exception&) {
        return nullptr;
    }
}

void model_close(void* opened) { delete static_cast<Opened*>(opened); }

// New parameters, on the default output grid.
void model_repeat(long k, void* opened, const double* p, const double* y0, int certify, double* y) {
    auto& [file, workspace, answer] = *static_cast<Opened*>(opened);
    const auto& model = *file.model;
    const VectorXd parameters = vector(p, model.family().n_parameters());
    const stlfast::Data data{vector(y0, model.family().n)};
    stlfast::SolveOptions options;
    options.certify = certify != 0;
    Map<MatrixXd> values(y, model.output().x().size(), model.family().n);
    while (k-- > 0) {
        model.solve(parameters, data, options, answer, workspace);
        model.output().evaluate(answer, values);
    }
}

// The last answer at other times.
void model_evaluate(long k, void* opened, const double* x, long N, double* y) {
    const auto& [file, workspace, answer] = *static_cast<Opened*>(opened);
    const VectorXd points = vector(x, N);
    Map<MatrixXd> values(y, N, file.model->family().n);
    while (k-- > 0) file.model->evaluate(answer, points, values);
}

void model_sweep(long k, const void* opened, const double* p, const double* y0, long B, double* y) {
    sweep<stlfast::SweepOptions>(k, *static_cast<const Opened*>(opened)->file.model, p, y0, B, y);
}

void* member_open(const void* opened, const double* p) {
    const auto& model = *static_cast<const Opened*>(opened)->file.model;
    return new Held{stlfast::Member(model, model.output(), vector(p, model.family().n_parameters()), {}, {}), {}, {}};
}

void member_close(void* held) { delete static_cast<Held*>(held); }

// New initial values on the default output grid, with their bound.
void member_repeat(long k, void* held, const double* y0, double* y) {
    auto& [member, workspace, answer] = *static_cast<Held*>(held);
    const VectorXd start = vector(y0, member.model().family().n);
    Map<MatrixXd> values(y, member.model().output().x().size(), start.size());
    while (k-- > 0) member.solve(start, values, answer, workspace);
}

void* nonlinear_open(const char* path) {
    try {
        return new OpenedNonlinear{stlfast::load_nonlinear(path), {}, {}};
    } catch (const std::exception&) {
        return nullptr;
    }
}

// New parameters, on the default output grid; false where no band has them or Newton's method does not converge.
int nonlinear_repeat(long k, void* opened, const double* p, const double* y0, int estimate, double* y) {
    auto& [file, workspace, answer] = *static_cast<OpenedNonlinear*>(opened);
    const auto& model = *file.model;
    stlfast::NonlinearModel::Options options;
    options.estimate = estimate != 0;
    const stlfast::NonlinearModel::Query query{p, y0};
    Map<MatrixXd> values(y, model.output().x().size(), model.family().n);
    while (k-- > 0) {
        const auto band = model.band_of(p);
        if (band < 0) return false;
        model.solve(&query, 1, band, options, &answer, workspace);
        model.output().evaluate(answer, values);
    }
    return answer.newton.converged;
}

void nonlinear_evaluate(void* opened, const double* x, long N, double* y) {
    const auto& [file, workspace, answer] = *static_cast<OpenedNonlinear*>(opened);
    Map<MatrixXd> values(y, N, file.model->family().n);
    file.model->evaluate(answer, vector(x, N), values);
}

void nonlinear_sweep(long k, const void* opened, const double* p, const double* y0, long B, double* y) {
    sweep<stlfast::NonlinearSweepOptions>(k, *static_cast<const OpenedNonlinear*>(opened)->file.model, p, y0, B, y);
}

}  // extern "C"
