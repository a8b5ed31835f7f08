// Time windows without Python: y' = −3 y and the nonlinear y' = y (1 − y).
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <Eigen/QR>
#include <algorithm>
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

class RadauPointsOf : public testing::TestWithParam<int> {};

TEST_P(RadauPointsOf, DifferentiateAndInterpolatePolynomials) {
    const Index s = GetParam();
    const RadauPoints points(s);
    EXPECT_EQ(points.c()[0], 0);
    EXPECT_EQ(points.c()[s], 1);
    const auto power = [](const VectorXd& x, double p) -> VectorXd { return x.array().pow(p); };
    const VectorXd x = VectorXd::LinSpaced(9, 0, 1);
    MatrixXd values, derivatives;
    points.interpolate(x, values, &derivatives);
    const VectorXd at_points = power(points.c(), double(s)), slopes = double(s) * power(x, double(s - 1));
    EXPECT_LT((points.D() * at_points - double(s) * power(points.c().tail(s), double(s - 1))).cwiseAbs().maxCoeff(),
              1e-12);
    EXPECT_LT((values * at_points - power(x, double(s))).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_LT((derivatives * at_points - slopes).cwiseAbs().maxCoeff(), 1e-12);
    // Radau quadrature: Σ w_i p(c_i) with the weights of the last row of D⁻¹ is exact to degree 2 s − 2.
    const VectorXd w = points.D().rightCols(s).inverse().row(s - 1).transpose();
    EXPECT_NEAR(w.dot(power(points.c().tail(s), double(2 * s - 2))), 1.0 / double(2 * s - 1), 1e-14);
}

// The systems of all points at once, (s n, s n), one state's points after the other's.
TEST_P(RadauPointsOf, SplitTheSystemsOfAWindow) {
    const Index s = GetParam();
    const RadauPoints points(s);
    const StageSystems::Split split(points);
    for (const Index n : {1, 2, 3, 4, 5, 30}) {
        for (const Index band : {n - 1, Index(1)}) {
            MatrixXd J = MatrixXd::Random(n, n);
            for (Index i = 0; i < n; ++i)
                for (Index j = 0; j < n; ++j)
                    if (std::abs(i - j) > band) J(i, j) = 0;
            for (const double H : {1e-3, 1.0, 1e6}) {
                MatrixXd whole = MatrixXd::Zero(s * n, s * n);
                for (Index i = 0; i < n; ++i) {
                    whole.block(i * s, i * s, s, s) = points.D().rightCols(s);
                    for (Index j = 0; j < n; ++j) whole.block(i * s, j * s, s, s).diagonal().array() -= H * J(i, j);
                }
                StageSystems systems;
                systems.factor(split, J, H, std::min(band, n - 1), std::min(band, n - 1));
                Stages R = Stages::Random(stored_points, n);
                const MatrixXd right = R.matrix().topRows(s);
                const VectorXd expected = whole.partialPivLu().solve(right.reshaped());
                systems.solve(R);
                const MatrixXd found = R.matrix().topRows(s);
                EXPECT_LT((found.reshaped() - expected).norm(), 1e-9 * expected.norm()) << n << " " << band << " " << H;
                EXPECT_TRUE((R.row(stored_points - 1) == R.row(s - 1)).all());
            }
        }
    }
}

// HJ of a rotation, of decay and of growth, turned. What turns far faster than it grows or decays is close to the unit
// circle and may be taken for either.
TEST_P(RadauPointsOf, GrowthIsSeen) {
    const RadauPoints points(GetParam());
    const StageSystems::Split split(points);
    const double limit = 0.8 * points.eigenvalues().real().minCoeff();
    const Index n = 6;
    std::srand(1);  // the same matrices, whichever tests ran before
    for (int sample = 0; sample < 50; ++sample) {
        const Eigen::HouseholderQR<MatrixXd> qr(MatrixXd::Random(n, n));
        const MatrixXd Q = qr.householderQ();
        const auto may_grow = [&](double rate, double turn) {
            MatrixXd blocks = MatrixXd::Zero(n, n);
            blocks.diagonal() << rate, rate, -1, -10, -1e3, -1e6;
            blocks(0, 1) = turn, blocks(1, 0) = -turn;
            StageSystems systems;
            systems.factor(split, Q * blocks * Q.transpose(), 1, n - 1, n - 1);
            return systems.may_grow(limit, VectorXd::Ones(n));
        };
        for (const double turn : {0.0, 0.5, 3.0}) {
            EXPECT_FALSE(may_grow(-0.1, turn)) << turn;
            EXPECT_FALSE(may_grow(0.3 * limit, turn)) << turn;
            for (const double times : {2.0, 5.0}) EXPECT_TRUE(may_grow(times * limit, turn)) << turn << " " << times;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Orders, RadauPointsOf, testing::Values(3, 5, 7));

void expect_solution(const Family& family, double y0, double end, double (*exact)(double)) {
    const Windows windows;
    const Equations equations(family);
    RightHandSide f(equations, VectorXd::Ones(1));
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
    const Equations equations(family);
    RightHandSide f(equations, VectorXd::Ones(1));
    WindowOptions options;
    options.floor = VectorXd::Constant(1, 1e-3);
    const Windowed found = Windows().solve(f, VectorXd::Ones(1), 0, 2, options);
    EXPECT_FALSE(found.finished);
    EXPECT_NEAR(found.edges[found.edges.size() - 1], std::log(2.0), 1e-3);
}

TEST(Windows, WithoutOneTheInitialValueIsAllThatIsKnown) {
    const Family family = logistic();
    const Equations equations(family);
    RightHandSide f(equations, VectorXd::Ones(1));
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
    const Equations equations(family);
    RightHandSide f(equations, VectorXd::Ones(1));
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
