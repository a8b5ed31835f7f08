// Time windows without Python: y' = −3 y and the nonlinear y' = y (1 − y).
#include <gtest/gtest.h>

#include <cmath>

#include "stlfast/windows.hpp"

using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// A = constants[1] whatever the parameter, b = 0.
Family scalar_family(double rate) {
    const VectorXd constants = (VectorXd(2) << 0, rate).finished();
    const Program A(2, constants, Program::Code(0, 3), Program::Registers::Constant(1, 3));
    const Program b(2, constants, Program::Code(0, 3), Program::Registers::Constant(1, 2));
    return {1, A, b, std::nullopt, std::nullopt, VectorXd::Ones(1), VectorXd::Ones(1), 0};
}

// With N = −y², J = −2 y; registers 0 x, 1 y, 2 p, 3 the constant −2, then y², −y², −2 y.
Family logistic() {
    Family family = scalar_family(1);
    const Program::Code code = (Program::Code(3, 3) << 2, 1, 1, 4, 4, -1, 2, 1, 3).finished();
    const VectorXd constants = VectorXd::Constant(1, -2.0);
    family.N = Program(3, constants, code, Program::Registers::Constant(1, 5), 2);
    family.J = Program(3, constants, code, Program::Registers::Constant(1, 6), 2);
    return family;
}

TEST(RadauPoints, DifferentiateAndInterpolatePolynomials) {
    const RadauPoints points(6);
    EXPECT_EQ(points.c()[0], 0);
    EXPECT_EQ(points.c()[6], 1);
    const auto power = [](const VectorXd& x, double p) -> VectorXd { return x.array().pow(p); };
    const VectorXd s = VectorXd::LinSpaced(9, 0, 1);
    MatrixXd values, derivatives;
    points.interpolate(s, values, &derivatives);
    EXPECT_LT((points.D() * power(points.c(), 6) - 6 * power(points.c().tail(6), 5)).cwiseAbs().maxCoeff(), 1e-12);
    EXPECT_LT((values * power(points.c(), 6) - power(s, 6)).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_LT((derivatives * power(points.c(), 6) - 6 * power(s, 5)).cwiseAbs().maxCoeff(), 1e-12);
    // Radau quadrature: Σ w_i p(c_i) with the weights of the last row of D⁻¹ is exact to degree 2 m − 2.
    const VectorXd w = points.D().rightCols(6).inverse().row(5).transpose();
    EXPECT_NEAR(w.dot(power(points.c().tail(6), 10)), 1.0 / 11, 1e-14);
}

void expect_solution(const Family& family, double y0, double end, double (*exact)(double)) {
    const Windows windows;
    RightHandSide f(family, VectorXd::Ones(1));
    for (const double tolerance : {1e-4, 1e-8}) {
        WindowOptions options;
        options.tolerance = tolerance, options.floor = VectorXd::Constant(1, 1e-3);
        const Windowed found = windows.solve(f, VectorXd::Constant(1, y0), 0, end, options);
        ASSERT_TRUE(found.finished);
        const VectorXd x = VectorXd::LinSpaced(200, 0, end);
        MatrixXd y(200, 1);
        windows.evaluate(found, x, y);
        double error = 0;
        for (Index q = 0; q < 200; ++q) error = std::max(error, std::abs(y(q, 0) - exact(x[q])));
        EXPECT_LT(error, 10 * tolerance);
        EXPECT_LT(error, 10 * found.error[0] + 1e-13);
    }
}

TEST(Windows, SolveALinearEquation) {
    expect_solution(scalar_family(-3), 1, 5, [](double x) { return std::exp(-3 * x); });
}

TEST(Windows, SolveANonlinearEquation) {
    expect_solution(logistic(), 0.1, 8, [](double x) { return 1 / (1 + 9 * std::exp(-x)); });
}

TEST(Windows, StopWhereASolutionEnds) {
    Family family = logistic();  // y' = y + y², which leaves every bound at x = log(1 + 1/y0)
    const Program::Code code = (Program::Code(2, 3) << 2, 1, 1, 2, 1, 3).finished();
    const VectorXd constants = VectorXd::Constant(1, 2.0);
    family.N = Program(3, constants, code, Program::Registers::Constant(1, 4), 2);
    family.J = Program(3, constants, code, Program::Registers::Constant(1, 5), 2);
    RightHandSide f(family, VectorXd::Ones(1));
    WindowOptions options;
    options.floor = VectorXd::Constant(1, 1e-3);
    const Windowed found = Windows().solve(f, VectorXd::Ones(1), 0, 2, options);
    EXPECT_FALSE(found.finished);
    EXPECT_NEAR(found.edges[found.edges.size() - 1], std::log(2.0), 1e-3);
}

TEST(Windows, WithoutOneTheInitialValueIsAllThatIsKnown) {
    const Family family = logistic();
    RightHandSide f(family, VectorXd::Ones(1));
    WindowOptions options;
    options.floor = VectorXd::Constant(1, 1e-3);
    const Windowed found = Windows().solve(f, VectorXd::Constant(1, 1e200), 0, 1, options);  // whose square overflows
    EXPECT_FALSE(found.finished);
    EXPECT_EQ(found.edges.size(), 1);
    EXPECT_EQ(found.error.size(), 0);
    MatrixXd y(3, 1);
    const VectorXd x = Eigen::Vector3d(0, 1e-9, 1);
    Windows().evaluate(found, x, y);
    EXPECT_EQ(y(0, 0), 1e200);
    EXPECT_TRUE(std::isnan(y(1, 0)) && std::isnan(y(2, 0)));
    Windows().evaluate({}, x, y);
    EXPECT_TRUE(y.array().isNaN().all());
}

TEST(Windows, BeyondTheLastThereIsNothing) {
    const Family family = scalar_family(-3);
    RightHandSide f(family, VectorXd::Ones(1));
    WindowOptions options;
    options.floor = VectorXd::Constant(1, 1e-3);
    const Windowed found = Windows().solve(f, VectorXd::Ones(1), 0, 1, options);
    MatrixXd y(3, 1);
    Windows().evaluate(found, Eigen::Vector3d(-0.1, 1, 1.1), y);
    EXPECT_TRUE(std::isnan(y(0, 0)) && std::isnan(y(2, 0)));
    EXPECT_NEAR(y(1, 0), std::exp(-3), 1e-5);
}

TEST(Family, RefusesProgramsOfTheStatesThatDoNotFit) {
    Family family = logistic();
    family.J.reset();
    EXPECT_THROW(family.validate(), std::invalid_argument);
    family = logistic();
    family.N = family.A;
    EXPECT_THROW(family.validate(), std::invalid_argument);
}

}  // namespace
