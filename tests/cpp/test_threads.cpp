// Solving on one model from several threads; to be run under ThreadSanitizer (STLFAST_SANITIZE=thread) too.
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "stlfast/io.hpp"

using namespace stlfast;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// The states at the output times of members 0, 1, … from the reduced bases, and of every third on the full dictionary.
std::vector<MatrixXd> solve_all(const LoadedModel& loaded) {
    std::vector<MatrixXd> answers;
    BandOperators::Workspace workspace;
    for (int k = 0; k < 12; ++k) {
        const auto p = loaded.parameters({{"alpha", std::pow(10.0, k / 4.0)}});
        const auto answer = loaded.model->solve(p, {loaded.y0}, k % 3 == 0, true, {}, workspace);
        answers.emplace_back(loaded.model->output_grid().size(), 2);
        loaded.model->evaluate_grid(answer, answers.back());
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

}  // namespace
