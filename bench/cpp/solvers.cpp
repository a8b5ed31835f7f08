// Compiled models, the direct solver, Boost.Odeint, CVODE and ARKODE on the same members, at equal achieved error:
//
//   bench_solvers [--models FOLDER] [benchmark options]
//
// for example with --benchmark_filter='vdp.*1e-6', and for medians of interleaved repetitions --benchmark_repetitions=9
// --benchmark_enable_random_interleaving=true. FOLDER holds the model files that the package ships, by default those of
// the sources.
//
// Timed is one solve at 512 uniform times, memory and files being there. Adaptive solvers are at the loosest of half
// decades of tolerance whose error is within the target; the absolute one is the relative one times the smallest of the
// states' largest values. Errors are over each state's largest value, at 512 uniform and 512 logarithmic times, for Van
// der Pol away from its jumps. `tolerance`, `error`, `steps` and, of stlfast, `bound` (or estimate) are those of that
// solve; `doubt` is by how much two solvers at their sharpest differ, of which one is the truth. What does not reach
// the target, or takes more than 2 seconds, is an error that says so.
//
// The direct solver is collocation at Radau points, Radau IIA of 7 stages; its steps are time windows.
#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "arkode.hpp"
#include "contenders.hpp"
#include "dopri5.hpp"

namespace {

using bench::Equations;
using benchmark::State;

constexpr std::pair<double, const char*> targets[] = {{1e-6, "1e-6"}, {1e-9, "1e-9"}};
constexpr double loosest = 1e-2, tightest = 1e-14;
constexpr double longest = 2;   // seconds of a solve
constexpr double surely = 0.1;  // of the target, the largest doubt

struct Family {
    const char *name, *stiffness;
    Equations equations;
    std::vector<std::array<double, 3>> members;  // as in problems.hpp
    int which;                                   // of the parameters is the stiffness
    bench::Truth::How how;
};

const Family families[] = {
    {"dho", "alpha", Equations::dho, {{20}, {150}, {1000}}, 0, {}},
    {"ncff", "alpha", Equations::ncff, {{20, 1}, {150, 1}, {1000, 1}}, 0, {}},
    {"duffing", "alpha", Equations::duffing, {{20, 0.5}, {150, 0.5}, {1000, 0.5}}, 0, {}},
    {"robertson", "k2", Equations::robertson, {{0.04, 3e7, 1e4}, {0.04, 9e7, 1e4}}, 1, {1e-10, false}},
    {"vdp", "mu", Equations::vdp, {{5}, {50}, {1000}}, 0, {1e-5, true}},
};

std::string number(const char* format, double value) {
    char text[40];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

// One member, whose truth is found when it is first needed.
struct Question {
    const bench::Shipped* shipped;
    bench::Member member;
    bench::Truth::How how;
    std::optional<bench::Truth> known = {};

    const bench::Truth& truth() {
        if (!known) known.emplace(*shipped, member, how);
        return *known;
    }
};

// A solver on a member at the tolerance that it needs for a target, or the reason why there is none.
struct Matched {
    bench::Solve solve;
    double tolerance = loosest, error = INFINITY;
    bench::About about;
    std::string reason;
};

Matched match(const bench::Contender& contender, Question& question, double target) {
    const auto& truth = question.truth();
    Matched found;
    if (std::isfinite(truth.doubt()) && truth.doubt() > surely * target) {
        found.reason = "the true solution is not known well enough";
        return found;
    }
    found.solve = contender.bind(*question.shipped, question.member, truth);
    if (!found.solve) {
        found.reason = "no reduced basis";
        return found;
    }
    Eigen::MatrixXd y(truth.points().x.size(), question.shipped->family().n);
    double seconds = 0;
    for (int k = 0; found.tolerance > tightest; found.tolerance = loosest * std::pow(10, -0.5 * ++k)) {
        const auto began = std::clock();
        const bool solved = found.solve(found.tolerance, truth.points(), y, found.about);
        seconds = double(std::clock() - began) / CLOCKS_PER_SEC;
        found.error = solved ? truth.error(y) : INFINITY;
        const bool too_long = seconds > longest || found.about.steps > bench::most_steps;
        if (!contender.adaptive || too_long || found.error <= target) break;
    }
    if (found.about.steps > bench::most_steps)
        found.reason = number("more than %g million steps", 1e-6 * double(bench::most_steps));
    else if (seconds > longest)
        found.reason = number("takes %.0f s", seconds);
    else if (!(found.error <= target))
        found.reason = std::isfinite(found.error) ? number("reaches %.0e", found.error) : "gives up";
    return found;
}

void measure(State& state, const bench::Contender& contender, Question& question, double target,
             std::optional<Matched>& kept) {
    if (!kept) kept = match(contender, question, target);
    auto& [solve, tolerance, error, about, reason] = *kept;
    if (!reason.empty()) {
        state.SkipWithError(reason.c_str());
        return;
    }
    const auto& truth = question.truth();
    Eigen::MatrixXd y(truth.grid().x.size(), question.shipped->family().n);
    for (auto _ : state) {
        solve(tolerance, truth.grid(), y, about);
        benchmark::DoNotOptimize(y.data());
    }
    state.counters["error"] = error;
    if (std::isfinite(truth.doubt())) state.counters["doubt"] = truth.doubt();
    if (contender.adaptive) {
        state.counters["tolerance"] = tolerance;
        state.counters["steps"] = double(about.steps);
    }
    if (about.bound.size() > 0) state.counters["bound"] = about.bound.cwiseQuotient(truth.scale()).maxCoeff();
}

std::string folder_of_models(int& count, char** arguments) {
    for (int k = 1; k + 1 < count; ++k) {
        if (std::strcmp(arguments[k], "--models") != 0) continue;
        const std::string folder = arguments[k + 1];
        for (int rest = k + 2; rest < count; ++rest) arguments[rest - 2] = arguments[rest];
        count -= 2;
        return folder;
    }
    return BENCH_MODELS;
}

}  // namespace

int main(int count, char** arguments) try {
    const std::string folder = folder_of_models(count, arguments);
    std::deque<bench::Shipped> shipped;
    std::deque<Question> questions;
    std::deque<std::optional<Matched>> matched;
    for (const auto& family : families) {
        shipped.emplace_back(folder, family.name);
        for (const auto& p : family.members) {
            questions.push_back({&shipped.back(), {family.equations, {p[0], p[1], p[2]}}, family.how});
            auto& question = questions.back();
            const auto stiffness = std::string(family.stiffness) + " = " + number("%g", p[std::size_t(family.which)]);
            for (const auto& [target, written] : targets)
                for (const auto& contender : bench::contenders) {
                    if (!contender.linked()) continue;
                    auto& kept = matched.emplace_back();
                    const auto title =
                        std::string(family.name) + ", " + stiffness + ", error " + written + ": " + contender.name;
                    const auto run = [&, error = target](State& state) {
                        measure(state, contender, question, error, kept);
                    };
                    benchmark::RegisterBenchmark(title.c_str(), run)->Unit(benchmark::kMicrosecond);
                }
        }
    }
    benchmark::AddCustomContext("compiler", BENCH_FLAGS);
    const char *boost = bench::boost_version(), *sundials = bench::Arkode::version();
    benchmark::AddCustomContext("boost", boost ? boost : "");
    benchmark::AddCustomContext("sundials", sundials ? sundials : "");
    benchmark::Initialize(&count, arguments);
    if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
} catch (const stlfast::FileError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
