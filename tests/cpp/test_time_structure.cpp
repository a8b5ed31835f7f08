#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <vector>

#include "stlfast/time_structure.hpp"

using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

using Code = std::vector<std::array<int, 3>>;

Program program(const std::vector<double>& constants, const Code& code, const std::vector<int>& outputs, int inputs = 1,
                int varying = 1) {
    Program::Code rows(Index(code.size()), 3);
    for (std::size_t k = 0; k < code.size(); ++k) rows.row(Index(k)) << code[k][0], code[k][1], code[k][2];
    Program::Registers registers(Index(outputs.size()));
    for (std::size_t o = 0; o < outputs.size(); ++o) registers[Index(o)] = outputs[o];
    return Program(inputs, Eigen::Map<const VectorXd>(constants.data(), Index(constants.size())), rows, registers,
                   varying);
}

int op(Op which) { return static_cast<int>(which); }

// ω x − c, of which then a function is taken: registers x, c, ω, ω x, ω x − c.
Program of_a_line(double omega, double c, Op function) {
    return program({c, omega}, {{op(Op::mul), 2, 0}, {op(Op::sub), 3, 1}, {op(function), 4, -1}}, {5});
}

}  // namespace

// Bounds hold what the program computes anywhere, and over a short interval little more.
TEST(Enclosure, HoldsTheValues) {
    const auto unary = {Op::neg,  Op::exp,  Op::log,  Op::sqrt, Op::sin,  Op::cos,   Op::tan,   Op::tanh,  Op::abs,
                        Op::sinh, Op::cosh, Op::asin, Op::acos, Op::atan, Op::asinh, Op::acosh, Op::atanh, Op::erf};
    std::srand(3);
    for (const Op each : unary)
        for (int sample = 0; sample < 50; ++sample) {
            const VectorXd r = VectorXd::Random(4);
            const Program f = of_a_line(10 * r[0], 3 * r[1], each);
            const double a = std::abs(r[2]), b = a + 0.3 * std::abs(r[3]);
            Program::Workspace workspace;
            f.prepare(VectorXd(0), workspace);
            MatrixXd values(200, 1);
            f.evaluate_prepared(VectorXd::LinSpaced(200, a, b), values, workspace);
            VectorXd least, largest;
            f.enclose(VectorXd::Constant(1, a), VectorXd::Constant(1, b), workspace, least, largest);
            for (Index q = 0; q < 200; ++q) {
                if (!std::isfinite(values(q, 0))) continue;
                EXPECT_GE(values(q, 0), least[0] - 1e-12 * (1 + std::abs(least[0]))) << op(each);
                EXPECT_LE(values(q, 0), largest[0] + 1e-12 * (1 + std::abs(largest[0]))) << op(each);
            }
            if (values.allFinite() && std::isfinite(least[0] + largest[0])) {
                const double seen = values.maxCoeff() - values.minCoeff();
                EXPECT_LE(largest[0] - least[0], 1.02 * seen + 1e-3) << op(each);
            }
        }
}

TEST(SignChanges, AreFoundWhereverTheyAre) {
    std::srand(4);
    for (int sample = 0; sample < 100; ++sample) {
        const double at = 0.5 + 0.49 * VectorXd::Random(1)[0];
        const Program line = program({at}, {{op(Op::sub), 0, 1}}, {2});
        Program::Workspace workspace;
        line.prepare(VectorXd(0), workspace);
        const std::vector<double> found = sign_changes(line, workspace, 0, 1);
        ASSERT_EQ(found.size(), 1u);
        EXPECT_NEAR(found[0], at, 1e-15);
        // (x − at)² − 1e-10: two roots, 2e-5 apart
        const Program close =
            program({at, 1e-10}, {{op(Op::sub), 0, 1}, {op(Op::mul), 3, 3}, {op(Op::sub), 4, 2}}, {5});
        close.prepare(VectorXd(0), workspace);
        const std::vector<double> pair = sign_changes(close, workspace, 0, 1);
        ASSERT_EQ(pair.size(), 2u);
        EXPECT_NEAR(pair[0], at - 1e-5, 1e-10);
        EXPECT_NEAR(pair[1], at + 1e-5, 1e-10);
    }
    Program::Workspace workspace;
    const Program wave = of_a_line(1000, 0.5, Op::sin);
    wave.prepare(VectorXd(0), workspace);
    EXPECT_EQ(sign_changes(wave, workspace, 0, 1).size(), 319u);  // k π in [−1/2, 999.5]
    const Program touching = program({0.3}, {{op(Op::sub), 0, 1}, {op(Op::mul), 2, 2}}, {3});
    touching.prepare(VectorXd(0), workspace);
    EXPECT_TRUE(sign_changes(touching, workspace, 0, 1).empty());
}

// exp(−((x − s)/w)²): windows near s are no longer than a few w, others may be long.
TEST(Cells, AreShortWhereAPulseIs) {
    for (const double width : {1e-2, 1e-4, 1e-6}) {
        const Program pulse = program(
            {0.37, width},
            {{op(Op::sub), 0, 1}, {op(Op::div), 3, 2}, {op(Op::mul), 4, 4}, {op(Op::neg), 5, -1}, {op(Op::exp), 6, -1}},
            {7});
        const auto found = bends(pulse, true);
        ASSERT_TRUE(found);
        std::vector<Program::Workspace> workspaces(1);
        found->at.prepare(VectorXd(0), workspaces[0]);
        const Cells cells({*found}, workspaces, 0, 1);
        EXPECT_LE(cells.longest(0.37 - width, 1), 10 * width);
        EXPECT_GE(cells.longest(0.7, 1), 0.02);
        const double before = cells.longest(0.3, 1);  // up to the pulse, not beyond it
        EXPECT_LE(0.3 + before, 0.37);
    }
}

TEST(Bends, AreWhatFunctionsOfStatesBendAt) {
    // x, y: y / (0.01 + y) + exp(x): the divisor is of the states, the exponent of time
    const Program f = program(
        {0.01}, {{op(Op::add), 1, 2}, {op(Op::div), 1, 3}, {op(Op::exp), 0, -1}, {op(Op::add), 4, 5}}, {6}, 2, 2);
    const auto of_states = bends(f, false), of_time = bends(f, true);
    ASSERT_TRUE(of_states && of_time);
    EXPECT_EQ(of_states->of, std::vector<Op>{Op::div});
    EXPECT_EQ(of_time->of, std::vector<Op>{Op::exp});
    EXPECT_EQ(of_time->at.varying(), 1);
    MatrixXd samples = VectorXd::LinSpaced(9, 0.01, 1.01);
    EXPECT_FALSE(of_states->told(samples, VectorXd::Constant(1, 0.01), VectorXd::Constant(1, 1.01)));  // × 13 at first
    samples = VectorXd::LinSpaced(9, 0.5, 1.01);
    EXPECT_TRUE(of_states->told(samples, VectorXd::Constant(1, 0.5), VectorXd::Constant(1, 1.01)));
    EXPECT_FALSE(of_states->told(samples, VectorXd::Constant(1, 0.1), VectorXd::Constant(1, 1.01)));
}

TEST(Program, StepsAreHeldWhereAsked) {
    const Program f = program({0.5}, {{op(Op::sub), 0, 1}, {op(Op::step), 2, -2}, {op(Op::gate), 0, 3}}, {4});
    EXPECT_EQ(f.n_switches(), 1);
    Program::Workspace workspace;
    MatrixXd values(3, 1);
    const VectorXd x = VectorXd::LinSpaced(3, 0, 1);
    f.evaluate(x, VectorXd(0), values, workspace);
    EXPECT_EQ(values, (MatrixXd(3, 1) << 0, 0.5, 1).finished());
    workspace.modes = VectorXd::Ones(1), workspace.slopes = VectorXd::Zero(1);
    f.evaluate(x, VectorXd(0), values, workspace);
    EXPECT_EQ(values, x);
    workspace.modes.setZero();
    f.evaluate(x, VectorXd(0), values, workspace);
    EXPECT_TRUE(values.isZero(0));
}
