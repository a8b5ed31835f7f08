#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "stlfast/program.hpp"

namespace {

using stlfast::Op;
using stlfast::Program;

std::int32_t number(Op op) { return static_cast<std::int32_t>(op); }

// Outputs sin(2 x) p and exp(p): registers x, p, the constant 2, then the instructions.
Program example() {
    Program::Code code(4, 3);
    code << number(Op::mul), 0, 2, number(Op::sin), 3, -1, number(Op::mul), 4, 1, number(Op::exp), 1, -1;
    return Program(2, Eigen::VectorXd::Constant(1, 2.0), code, (Program::Registers(2) << 5, 6).finished());
}

TEST(Program, EvaluatesAtManyPoints) {
    const auto program = example();
    const Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(1000, 0.0, 1.0), p = Eigen::VectorXd::Constant(1, 0.7);
    Eigen::MatrixXd out(x.size(), 2);
    Program::Workspace workspace;
    program.evaluate(x, p, out, workspace);
    for (Eigen::Index i = 0; i < x.size(); ++i) {
        EXPECT_NEAR(out(i, 0), std::sin(2.0 * x[i]) * 0.7, 1e-15);
        EXPECT_NEAR(out(i, 1), std::exp(0.7), 1e-15);
    }
}

TEST(Program, KnowsWhatItDependsOn) {
    const auto program = example();
    EXPECT_TRUE(program.depends_on(0) && program.depends_on(1));
    const Program second(3, program.constants(), (Program::Code(1, 3) << number(Op::mul), 1, 3).finished(),
                         Program::Registers::Constant(1, 4));
    EXPECT_TRUE(second.depends_on(1));
    EXPECT_FALSE(second.depends_on(0) || second.depends_on(2));
}

TEST(Program, AllocatesNothingWithAUsedWorkspace) {
    const auto program = example();
    const Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(1000, 0.0, 1.0), p = Eigen::VectorXd::Constant(1, 0.7);
    Eigen::MatrixXd out(x.size(), 2);
    Program::Workspace workspace;
    program.evaluate(x.head(1), p, out.topRows(1), workspace);
    Eigen::internal::set_is_malloc_allowed(false);
    program.evaluate(x, p, out, workspace);
    Eigen::internal::set_is_malloc_allowed(true);
}

TEST(Program, OneWorkspaceServesDifferentPrograms) {
    const auto program = example();
    const Program identity(1, Eigen::VectorXd(), Program::Code(0, 3), Program::Registers::Zero(1));
    const Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(10, 0.0, 1.0), p = Eigen::VectorXd::Constant(1, 0.7);
    Eigen::MatrixXd first(10, 2), again(10, 2), copy(10, 1);
    Program::Workspace workspace;
    program.evaluate(x, p, first, workspace);
    identity.evaluate(x, Eigen::VectorXd(), copy, workspace);
    program.evaluate(x, p, again, workspace);
    EXPECT_EQ(copy, x);
    EXPECT_EQ(first, again);
}

TEST(Program, SeveralInputsCanVary) {
    // Registers 0 x, 1 y, 2 p, then y·p and x − y·p.
    const Program::Code code = (Program::Code(2, 3) << 2, 1, 2, 1, 0, 3).finished();
    const Program program(3, Eigen::VectorXd(), code, (Program::Registers(2) << 4, 2).finished(), 2);
    const Eigen::MatrixXd points = Eigen::MatrixXd::Random(300, 2);
    Eigen::MatrixXd out(300, 2);
    Program::Workspace workspace;
    program.evaluate(points, Eigen::VectorXd::Constant(1, 3.0), out, workspace);
    EXPECT_EQ(out.col(0), points.col(0) - 3 * points.col(1));
    EXPECT_EQ(out.col(1), Eigen::VectorXd::Constant(300, 3.0));
    EXPECT_THROW(program.evaluate(points.leftCols(1), Eigen::VectorXd::Constant(1, 3.0), out, workspace),
                 std::invalid_argument);
    EXPECT_THROW(Program(3, Eigen::VectorXd(), code, Program::Registers::Zero(1), 4), std::invalid_argument);
}

TEST(Program, RefusesWrongShapes) {
    const auto program = example();
    const Eigen::VectorXd x = Eigen::VectorXd::Zero(5);
    Eigen::MatrixXd out(5, 2), narrow(5, 1), low(4, 2);
    Program::Workspace workspace;
    EXPECT_THROW(program.evaluate(x, Eigen::VectorXd(), out, workspace), std::invalid_argument);
    EXPECT_THROW(program.evaluate(x, Eigen::VectorXd::Zero(1), narrow, workspace), std::invalid_argument);
    EXPECT_THROW(program.evaluate(x, Eigen::VectorXd::Zero(1), low, workspace), std::invalid_argument);
}

}  // namespace
