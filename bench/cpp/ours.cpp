// stlfast's C++ interface for Python's ctypes, each call repeated k times, as a program in C++ would call it in a loop.
//
// p: parameters (P). y0 (n), times x (N) in [0, 1], answers y (n, N) row-major, which is Eigen's (N, n) in column
// order.
#include <stlfast/io.hpp>
#include <stlfast/member.hpp>

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

}  // extern "C"
