// Solving on one model from several threads; to be run under ThreadSanitizer (STLFAST_SANITIZE=thread) too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>

#include "stlfast/io.hpp"
#include "stlfast/nonlinear_sweep.hpp"

using namespace stlfast;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// The states at the output times of members 0, 1, … from the reduced bases, and of every third on the full dictionary.
std::vector<MatrixXd> solve_all(const LoadedModel& loaded) {
    std::vector<MatrixXd> answers;
    Model::Workspace workspace;
    Answer answer;
    for (int k = 0; k < 12; ++k) {
        const auto p = loaded.parameters({{"alpha", std::pow(10.0, k / 4.0)}});
        loaded.model->solve(p, {loaded.y0}, {true, {}, k % 3 == 0 ? Space::full : Space::reduced}, answer, workspace);
        answers.emplace_back(loaded.model->output().x().size(), 2);
        loaded.model->output().evaluate(answer, answers.back());
        answers.push_back(answer.bound);
    }
    return answers;
}

TEST(Threads, SolveOneModelAtOnceWithTheResultsOfOne) {
    const auto expected = solve_all(load(STLFAST_MODELS "dho.safetensors"));
    const auto shared =
        load(STLFAST_MODELS "dho.safetensors");  // new, so that the threads meet where it fills its tables
    std::vector<std::vector<MatrixXd>> answers(4);
    std::vector<std::thread> threads;
    for (auto& mine : answers) threads.emplace_back([&] { mine = solve_all(shared); });
    for (auto& thread : threads) thread.join();
    for (const auto& mine : answers) EXPECT_EQ(mine, expected);
}

TEST(Threads, OneMemberServesAll) {
    const auto loaded = load(STLFAST_MODELS "dho.safetensors");
    const auto fixed = loaded.at({{"alpha", 75.0}});
    std::vector<MatrixXd> answers(4, MatrixXd(512, 2));
    std::vector<std::thread> threads;
    for (auto& y : answers)
        threads.emplace_back([&] {
            Answer answer;
            Member::Workspace workspace;
            for (int k = 0; k < 100; ++k) fixed.solve(Eigen::Vector2d(1, k), y, answer, workspace);
        });
    for (auto& thread : threads) thread.join();
    for (const auto& y : answers) EXPECT_EQ(y, answers[0]);
}

TEST(Threads, SweepsDoNotDependOnTheirNumber) {
    const auto loaded = load(STLFAST_MODELS "dho.safetensors");
    const Eigen::Index B = 600, E = 512;
    RowMajor parameters(B, 1), y0(B, 2);
    for (Eigen::Index k = 0; k < B; ++k) {
        parameters(k, 0) = k < B / 2 ? 75.0 : std::pow(1000.0, double(k % 97) / 97.0);
        y0.row(k) << double(k) / B, 1.0;
    }
    const Queries queries{B, {parameters.data(), B, 1}, {y0.data(), B, 2}};
    std::vector<std::vector<double>> values, bounds;
    for (const int threads : {1, 2, 5}) {
        values.emplace_back(B * 2 * E), bounds.emplace_back(B * 2);
        const auto success = std::make_unique<bool[]>(B);
        solve_many(*loaded.model, loaded.model->output(), queries, {{}, threads, Observe::values},
                   {values.back().data(), success.get(), bounds.back().data()}, [](Eigen::Index) {});
        EXPECT_TRUE(std::all_of(success.get(), success.get() + B, [](bool good) { return good; }));
    }
    EXPECT_EQ(values[0], values[1]);
    EXPECT_EQ(values[0], values[2]);
    EXPECT_EQ(bounds[0], bounds[2]);
}

TEST(Threads, NonlinearSweepsDoNotDependOnTheirNumber) {
    const auto loaded = load_nonlinear(STLFAST_MODELS "duffing.safetensors");
    const Eigen::Index B = 300, E = 512;
    RowMajor parameters(B, 2), y0(B, 2);
    for (Eigen::Index k = 0; k < B; ++k) {
        parameters.row(k) << 5.0 * std::pow(200.0, double(k % 97) / 97.0), double(k % 7) / 7;
        y0.row(k) << 3 * double(k) / B, 1.0;
    }
    const Queries queries{B, {parameters.data(), B, 2}, {y0.data(), B, 2}};
    std::vector<std::vector<double>> values, estimates;
    for (const int threads : {1, 3}) {
        values.emplace_back(B * 2 * E), estimates.emplace_back(B * 2);
        const auto success = std::make_unique<bool[]>(B);
        solve_many(*loaded.model, loaded.model->output(), queries, {{}, threads, Observe::values},
                   {values.back().data(), success.get(), estimates.back().data()}, [](Eigen::Index) {});
        EXPECT_TRUE(std::all_of(success.get(), success.get() + B, [](bool good) { return good; }));
    }
    EXPECT_EQ(values[0], values[1]);
    EXPECT_EQ(estimates[0], estimates[1]);
}

TEST(Threads, ASweepStopsWhereItsProgressThrows) {
    const auto loaded = load(STLFAST_MODELS "dho.safetensors");
    const Eigen::Index B = 300;
    const RowMajor parameters = RowMajor::Constant(B, 1, 75.0), y0 = RowMajor::Ones(1, 2);
    const Queries queries{B, {parameters.data(), B, 1}, {y0.data(), 1, 2}};
    std::vector<double> values(B * 2 * 512), bounds(B * 2);
    const auto success = std::make_unique<bool[]>(B);
    SweepOptions options{{true, {}, Space::full}, 2, Observe::values};  // milliseconds a piece
    options.solve.tolerance = {0, 0};
    const auto stop = [](Eigen::Index) { throw std::runtime_error("enough"); };
    EXPECT_THROW(solve_many(*loaded.model, loaded.model->output(), queries, options,
                            {values.data(), success.get(), bounds.data()}, stop),
                 std::runtime_error);
    options.threads = 0;
    EXPECT_THROW(solve_many(*loaded.model, loaded.model->output(), queries, options,
                            {values.data(), success.get(), bounds.data()}, stop),
                 std::invalid_argument);
}

}  // namespace
