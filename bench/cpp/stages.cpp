// Each stage of a solve apart, and CVODE on the same problem: bench_stages FOLDER_OF_MODEL_FILES [benchmark options]
//
// flops and bytes: operations and memory traffic that a stage cannot do without; over the machine's rates, its floor.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stlfast/io.hpp>
#include <stlfast/member.hpp>

#include "cvode.hpp"
#include "exponential.hpp"

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using State = benchmark::State;

constexpr double alphas[] = {20, 150, 1000};
constexpr double target = 1e-6;

struct Problem {
    explicit Problem(const std::string& folder, const std::string& name)
        : file(stlfast::load(folder + "/" + name + ".safetensors")), forced(name == "ncff") {}

    std::map<std::string, double> named(double alpha) const {
        if (forced) return {{"alpha", alpha}, {"omega", 1.0}};
        return {{"alpha", alpha}};
    }
    bench::Member member(double alpha) const {
        return {forced ? bench::Equations::ncff : bench::Equations::dho, {alpha, 1.0, 0.0}};
    }

    stlfast::LoadedModel file;
    bool forced;
};

// One member with everything that a stage needs from those before it.
struct Solved {
    Solved(const Problem& problem, double alpha)
        : model(*problem.file.model), p(problem.file.parameters(problem.named(alpha))), data{problem.file.y0} {
        model.solve(p, data, {}, answer, workspace);
        if (answer.band < 0) throw std::runtime_error("no reduced basis answers at this tolerance");
        operators = &std::get<stlfast::BandOperators>(model.operators(answer.band));
        r = operators->size();
        y.resize(model.output().x().size(), model.family().n);
        model.output().evaluate(answer, y);
        bound.resize(model.family().n);
        scale.resize(model.family().n);
    }

    const stlfast::Model& model;
    VectorXd p;
    stlfast::Data data;
    stlfast::Answer answer;
    stlfast::Model::Workspace workspace;
    const stlfast::BandOperators* operators;
    Index r;
    MatrixXd y;
    VectorXd bound, scale;
};

void count(State& state, double flops, double doubles) {
    using benchmark::Counter;
    state.counters["flops"] = flops;
    state.counters["bytes"] = 8 * doubles;
    state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

void features(State& state, const Problem& problem, double) {
    const auto& dictionary = problem.file.model->dictionary();
    const VectorXd x = problem.file.model->output().x();
    MatrixXd H, dH;
    for (auto _ : state) {
        dictionary.evaluate(x, H, &dH);
        benchmark::DoNotOptimize(H.data());
    }
}

// δ_q of the operators: that of the central member and those of the coefficient functions that vary.
double factors(const stlfast::Model& model) {
    const auto& theta = *model.family().theta;
    double count = 1;
    for (Index q = 0; q < theta.n_outputs(); ++q) count += theta.is_constant(q) ? 0 : 1;
    return count;
}

void assemble_and_factor(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    for (auto _ : state) benchmark::DoNotOptimize(s.operators->factor(s.p, s.workspace.band));
    const double r = static_cast<double>(s.r), Q = factors(s.model);
    const double pairs = Q * (Q + 1) / 2, triangle = r * (r + 1) / 2;
    count(state, 2 * pairs * triangle + r * r * r / 3, (pairs + 1) * triangle);
}

void solve(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    s.operators->factor(s.p, s.workspace.band);
    VectorXd c(s.r);
    for (auto _ : state) {
        s.operators->solve(s.p, s.data, c, s.workspace.band);
        benchmark::DoNotOptimize(c.data());
    }
    const double r = static_cast<double>(s.r), Q = factors(s.model);
    const double sources = Q * static_cast<double>(s.model.family().n * s.model.modes().size());
    count(state, 2 * r * r + 2 * r * sources, r * (r + 1) / 2 + r * sources);
}

void evaluate(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    for (auto _ : state) {
        s.model.output().evaluate(s.answer, s.y);
        benchmark::DoNotOptimize(s.y.data());
    }
    const double size = static_cast<double>(s.y.size()), r = static_cast<double>(s.r);
    count(state, 2 * size * r, size * (r + 1));
}

void certificate(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    s.operators->factor(s.p, s.workspace.band);
    const VectorXd c = s.answer.c.head(s.r);
    for (auto _ : state) {
        s.operators->certify(s.p, s.data, c, s.bound, s.scale, s.workspace.band);
        benchmark::DoNotOptimize(s.bound.data());
    }
    const auto& x = s.model.grids().certificate.x();
    const double size = static_cast<double>(x.size() * s.model.family().n), r = static_cast<double>(s.r);
    count(state, 4 * size * r, 2 * size * r);
}

void uncertified(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    stlfast::SolveOptions options;
    options.certify = false;
    for (auto _ : state) {
        s.model.solve(s.p, s.data, options, s.answer, s.workspace);
        s.model.output().evaluate(s.answer, s.y);
        benchmark::DoNotOptimize(s.y.data());
    }
}

void new_stiffness(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    for (auto _ : state) {
        s.model.solve(s.p, s.data, {}, s.answer, s.workspace);
        s.model.output().evaluate(s.answer, s.y);
        benchmark::DoNotOptimize(s.y.data());
    }
}

void new_initial_value(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    const stlfast::Member member(s.model, s.model.output(), s.p, {}, {});
    stlfast::Member::Workspace workspace;
    for (auto _ : state) {
        member.solve(s.data.y0, s.y, s.answer, workspace);
        benchmark::DoNotOptimize(s.y.data());
    }
    const double size = static_cast<double>(s.y.size()), columns = s.model.family().n + (problem.forced ? 1 : 0);
    count(state, 2 * size * columns, size * (columns + 1));
}

// Twice the forcing sin t in every equation, as another amplitude of it.
void new_amplitude(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    const MatrixXd forcing = (10 * s.model.forcing_points()).array().sin().matrix().replicate(1, s.model.family().n);
    const stlfast::Member member(s.model, s.model.output(), s.p, {forcing}, {});
    stlfast::Member::Workspace workspace;
    const VectorXd amplitude = VectorXd::Constant(1, 2.0);
    for (auto _ : state) {
        member.solve(s.data.y0, amplitude, s.y, s.answer, workspace);
        benchmark::DoNotOptimize(s.y.data());
    }
    const double size = static_cast<double>(s.y.size()), columns = s.model.family().n + (problem.forced ? 2 : 1);
    count(state, 2 * size * columns, size * (columns + 1));
}

void new_output_times(State& state, const Problem& problem, double alpha) {
    Solved s(problem, alpha);
    const VectorXd x = VectorXd::LinSpaced(512, 0, 1).cwiseProduct(VectorXd::LinSpaced(512, 0.5, 1));
    for (auto _ : state) {
        s.model.evaluate(s.answer, x, s.y);
        benchmark::DoNotOptimize(s.y.data());
    }
    const double size = static_cast<double>(s.y.size());
    const double D = static_cast<double>(s.model.bands()[static_cast<std::size_t>(s.answer.band)].coefficients.rows());
    count(state, 2 * size * D, size);
}

// 512 uniform and 512 logarithmic times, as stlfast.reference.point_set.
std::vector<double> point_set(double t1) {
    std::vector<double> t;
    for (int k = 0; k < 512; ++k) t.insert(t.end(), {t1 * k / 511, t1 * std::pow(10, -5.0 * k / 511)});
    std::sort(t.begin(), t.end());
    t.erase(std::unique(t.begin(), t.end()), t.end());
    return t;
}

// BDF at the loosest of half decades whose error meets the target.
void cvode(State& state, const Problem& problem, double alpha) {
    bench::Cvode solver;
    const auto member = problem.member(alpha);
    const double* y0 = problem.file.y0.data();
    const double t1 = problem.file.t_span_at(problem.file.parameters(problem.named(alpha))).second;
    const auto points = point_set(t1);
    const auto N = static_cast<long>(points.size());
    Eigen::ArrayXd truth(2 * N), y(2 * N);
    bench::exponential(member, y0, points.data(), N, truth.data());
    double tolerance = 1e-2, error = INFINITY;
    for (; tolerance > 1e-14; tolerance /= std::sqrt(10)) {
        if (!solver.solve(member, y0, tolerance, tolerance, points.data(), N, y.data())) continue;
        if ((error = (y - truth).abs().maxCoeff()) <= target) break;
    }
    const VectorXd grid = VectorXd::LinSpaced(512, 0, t1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(solver.solve(member, y0, tolerance, tolerance, grid.data(), 512, y.data()));
    }
    state.counters["error"] = error;
}

// What the machine can do, from which floors follow: the product of a vector with a matrix of 32 columns.
void matrix_vector(State& state, Index rows) {
    const MatrixXd M = MatrixXd::Random(rows, 32);
    const VectorXd v = VectorXd::Random(32);
    VectorXd y(rows);
    for (auto _ : state) {
        y.noalias() = M * v;
        benchmark::DoNotOptimize(y.data());
    }
    count(state, 2.0 * double(M.size()), double(M.size()));
}

using Stage = void (*)(State&, const Problem&, double);
const std::pair<const char*, Stage> stages[] = {
    {"features at 512 times", features},
    {"assemble and factor", assemble_and_factor},
    {"solve", solve},
    {"evaluate at 512 times", evaluate},
    {"certificate", certificate},
    {"new stiffness, not certified", uncertified},
    {"new stiffness, certified", new_stiffness},
    {"new initial value, certified", new_initial_value},
    {"new forcing amplitude, certified", new_amplitude},
    {"512 new output times", new_output_times},
    {"CVODE BDF, error 1e-6", cvode},
};

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: %s FOLDER_OF_MODEL_FILES [benchmark options]\n", arguments[0]);
        return 1;
    }
    const std::string folder = arguments[1];
    const Problem problems[] = {Problem(folder, "dho"), Problem(folder, "ncff")};
    benchmark::RegisterBenchmark("machine: a matrix of 16 kB", [](State& state) { matrix_vector(state, 64); });
    benchmark::RegisterBenchmark("machine: a matrix of 256 kB", [](State& state) { matrix_vector(state, 1024); });
    for (const auto& problem : problems)
        for (const auto& [name, stage] : stages) {
            if (stage == cvode && bench::Cvode::version() == nullptr) continue;
            for (const double alpha : alphas) {
                const auto title = problem.file.name + ", alpha = " + std::to_string(int(alpha)) + ": " + name;
                benchmark::RegisterBenchmark(title.c_str(), [stage = stage, &problem, alpha](State& state) {
                    stage(state, problem, alpha);
                })->Unit(benchmark::kMicrosecond);
                if (stage == features) break;
            }
        }
    benchmark::AddCustomContext("compiler", BENCH_FLAGS);
    benchmark::Initialize(&count, arguments);
    benchmark::RunSpecifiedBenchmarks();
}
