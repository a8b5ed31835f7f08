// The solver core without Python: y1' = y2, y2' = −y1 − 2α y2 on [0, 10] (the damped oscillator), in x = t/10.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stlfast/chebyshev.hpp"
#include "stlfast/compile.hpp"
#include "stlfast/dense.hpp"
#include "stlfast/member.hpp"

using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

Program program(std::vector<double> constants, std::vector<std::array<std::int32_t, 3>> instructions,
                std::vector<std::int32_t> outputs) {
    Program::Code code(static_cast<Index>(instructions.size()), 3);
    for (Index k = 0; k < code.rows(); ++k)
        for (Index c = 0; c < 3; ++c)
            code(k, c) = instructions[static_cast<std::size_t>(k)][static_cast<std::size_t>(c)];
    return Program(2, Eigen::Map<VectorXd>(constants.data(), static_cast<Index>(constants.size())), code,
                   Eigen::Map<Program::Registers>(outputs.data(), static_cast<Index>(outputs.size())));
}

// Registers: 0 x, 1 α, 2 zero, 3 ten, 4 −ten, 5 −twenty, 6 one, 7 −20 α.
Family oscillator() {
    const std::vector<double> constants{0, 10, -10, -20, 1};
    return {2,
            program(constants, {{2, 5, 1}}, {2, 3, 4, 7}),
            program(constants, {}, {2, 2}),
            program(constants, {}, {6, 1}),
            program(constants, {}, {2, 3, 4, 2, 2, 2, 2, 5}),
            VectorXd::Constant(1, 1.0),
            VectorXd::Constant(1, 1000.0),
            0};
}

MatrixXd exact(double alpha, const VectorXd& y0, const VectorXd& x) {
    const double root = std::sqrt(alpha * alpha - 1), fast = -alpha - root, slow = -1 / (alpha + root);
    const double c1 = (y0[1] - fast * y0[0]) / (slow - fast), c2 = (slow * y0[0] - y0[1]) / (slow - fast);
    const Eigen::ArrayXd t = 10 * x.array();
    MatrixXd y(x.size(), 2);
    y.col(0) = c1 * (slow * t).exp() + c2 * (fast * t).exp();
    y.col(1) = c1 * slow * (slow * t).exp() + c2 * fast * (fast * t).exp();
    return y;
}

const Model& model() {
    static const Model compiled = [] {
        const auto points = log_time_points(300, 1e-3);
        const auto dictionary = Dictionary::chebyshev(80, InputMap("log", 1e-3));
        const auto modes = compile_forcing(oscillator(), points);
        const Model bare(oscillator(), dictionary, points, {}, 0, modes, {});
        auto bands = compile_bands(bare, {1e-8, 24, 64}, [](double) {}).bands;
        return Model(oscillator(), dictionary, points, {}, 0, modes, std::move(bands));
    }();
    return compiled;
}

TEST(Chebyshev, ReproducesAFunctionAndItsDerivative) {
    const double tau = 1e-2;
    const VectorXd nodes = chebyshev::nodes(60, tau), x = VectorXd::LinSpaced(101, 0, 1);
    const MatrixXd whole = chebyshev::coefficients((-5 * nodes.array()).exp().matrix());
    const Index D = chebyshev::length(whole, 1e-14);
    const MatrixXd a = whole.topRows(D);
    MatrixXd values(101, 1), T, dT;
    chebyshev::evaluate(a, tau, x, values);
    chebyshev::basis(x, D, tau, T, &dT);
    const Eigen::ArrayXd truth = (-5 * x.array()).exp();
    EXPECT_LT((values.col(0).array() - truth).abs().maxCoeff(), 1e-13);
    EXPECT_LT((T * a - values).cwiseAbs().maxCoeff(), 1e-13);
    // The derivative in time grows as 1/(τ + x) towards 0, and its rounding with it.
    EXPECT_LT((((dT * a).col(0).array() + 5 * truth) * (tau + x.array())).abs().maxCoeff(), 1e-11);
    EXPECT_LT(D, 50);
}

TEST(Points, WeightsAreAQuadrature) {
    const auto points = log_time_points(400, 1e-3);
    const Eigen::ArrayXd f = (-30 * points.x.array()).exp();
    EXPECT_NEAR((points.weight.array().square() * f).sum(), (1 - std::exp(-30.0)) / 30, 1e-4);
    EXPECT_THROW(weighted_points(VectorXd::LinSpaced(5, 1, 0), true), std::invalid_argument);
}

TEST(Dense, FactorsAndSolves) {
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    for (const Index r : {1, 2, 5, 12, 41}) {
        const MatrixXd half = MatrixXd::NullaryExpr(r + 3, r, [&] { return normal(random); });
        const MatrixXd G = half.transpose() * half;
        const VectorXd x = VectorXd::NullaryExpr(r, [&] { return normal(random); });
        VectorXd L = dense::packed(G), solution = G * x, product(r);
        ASSERT_TRUE(dense::factor(L, r));
        dense::solve(L, solution);
        EXPECT_LT((solution - x).norm(), 1e-9 * x.norm()) << r;
        dense::product(G, x, product);
        EXPECT_LT((product - G * x).norm(), 1e-13 * product.norm()) << r;
    }
    VectorXd indefinite = dense::packed((MatrixXd(2, 2) << 1, 2, 2, 1).finished());
    EXPECT_FALSE(dense::factor(indefinite, 2));
}

TEST(Solver, ErrorsAreSmallAndBounded) {
    const VectorXd y0 = (VectorXd(2) << 1, 0.5).finished();
    Model::Workspace workspace;
    Answer answer;
    for (const double alpha : {1.5, 10.0, 150.0, 1000.0})
        for (const Space space : {Space::reduced, Space::full}) {
            const bool full = space == Space::full;
            model().solve(VectorXd::Constant(1, alpha), {y0}, {true, {}, space}, answer, workspace);
            MatrixXd y(model().output().x().size(), 2);
            model().output().evaluate(answer, y);
            const VectorXd error = (y - exact(alpha, y0, model().output().x())).cwiseAbs().colwise().maxCoeff();
            EXPECT_LT(error.maxCoeff(), full ? 1e-10 : 1e-7) << alpha;
            EXPECT_TRUE((answer.bound.array() >= error.array()).all())
                << alpha << " full " << full << " error " << error.transpose() << " bound " << answer.bound.transpose();
            EXPECT_TRUE(answer.within) << alpha;
        }
}

TEST(Solver, AMemberAgreesWithSingleSolves) {
    const VectorXd p = VectorXd::Constant(1, 300.0), x = VectorXd::LinSpaced(7, 0, 1);
    const OutputTable output(model().bands(), &model().dictionary(), 2, x);
    const Member fixed(model(), output, p);
    Member::Workspace workspace;
    Answer answer, single;
    MatrixXd y(7, 2), expected(7, 2);
    for (const double second : {-3.0, 0.0, 4.0}) {
        const VectorXd y0 = (VectorXd(2) << 2, second).finished();
        fixed.solve(y0, y, answer, workspace);
        model().solve(p, {y0}, {}, single, workspace.model);
        output.evaluate(single, expected);
        EXPECT_LT((y - expected).cwiseAbs().maxCoeff(), 1e-12);
        EXPECT_TRUE((answer.bound.array() >= single.bound.array() * (1 - 1e-9)).all());  // a sum of bounds
    }
    EXPECT_THROW(fixed.solve(VectorXd::Ones(3), y, answer, workspace), std::invalid_argument);
    EXPECT_THROW(fixed.solve(VectorXd::Constant(2, NAN), y, answer, workspace), std::invalid_argument);
    MatrixXd wrong(6, 2);
    EXPECT_THROW(fixed.solve(VectorXd::Ones(2), wrong, answer, workspace), std::invalid_argument);
}

TEST(Solver, TheHotPathAllocatesNothing) {
    const VectorXd y0 = VectorXd::Ones(2);
    const Data data{y0};
    const Member fixed(model(), model().output(), VectorXd::Constant(1, 50.0));
    Member::Workspace workspace;
    Answer answer;
    MatrixXd y(model().output().x().size(), 2);
    VectorXd p(1);
    for (const bool guarded : {false, true}) {  // first so that buffers grow and tables are built
        Eigen::internal::set_is_malloc_allowed(!guarded);
        for (const double alpha : {1.0, 2.0, 5.0, 10.0, 50.0, 200.0, 1000.0}) {  // bands of different ranks
            p[0] = alpha;
            model().solve(p, data, {}, answer, workspace.model);
            model().output().evaluate(answer, y);
        }
        fixed.solve(y0, y, answer, workspace);
        Eigen::internal::set_is_malloc_allowed(true);
    }
    EXPECT_TRUE(answer.within);
}

TEST(Solver, FullDictionaryLeastSquaresVariantsAgree) {
    const auto points = log_time_points(200, 1e-3);
    const auto dictionary = Dictionary::chebyshev(40, InputMap("log", 1e-3));
    const VectorXd y0 = VectorXd::Ones(2);
    const MatrixXd A = system_matrix(oscillator(), VectorXd::Constant(1, 3.0), points.x), none = MatrixXd::Zero(200, 2);
    const MatrixXd W = FullSpace(dictionary, points, 2, false, LeastSquares::svd).factor(A).solve(y0, none);
    const MatrixXd V = FullSpace(dictionary, points, 2, false, LeastSquares::qr).factor(A).solve(y0, none);
    const MatrixXd U = FullSpace(dictionary, points, 2, false, LeastSquares::pinv).factor(A).solve(y0, none);
    EXPECT_LT((W - V).cwiseAbs().maxCoeff(), 1e-8);
    EXPECT_LT((W - U).cwiseAbs().maxCoeff(), 1e-4);
    EXPECT_THROW(FullSpace(Dictionary::chebyshev(41, InputMap("log")), points, 2, true, LeastSquares::qr),
                 std::invalid_argument);
}

TEST(Solver, RowPreconditionerLeavesTheSolutionOfACompatibleProblem) {
    const auto points = log_time_points(41, 1e-3);
    const VectorXd y0 = VectorXd::Ones(2);
    const MatrixXd A = system_matrix(oscillator(), VectorXd::Constant(1, 3.0), points.x), none = MatrixXd::Zero(41, 2);
    const FullSpace space(Dictionary::chebyshev(41, InputMap("log", 1e-3)), points, 2, false, LeastSquares::svd);
    MatrixXd P(41, 4);
    P << points.x, 2 + points.x.array(), 1 + points.x.array(), -points.x;
    const MatrixXd W = space.factor(A).solve(y0, none), V = space.factor(A, P).solve(y0, none);
    EXPECT_LT((W - V).cwiseAbs().maxCoeff(), 1e-7);
}

TEST(Certificate, IsExactForAConstantResidual) {
    // e' = −3 e + 2, e(0) = 1: e = 2/3 + e^{−3x}/3, which never exceeds 1.
    const Certificate certificate(check_points(50, 1e-4));
    Certificate::Workspace workspace;
    Defect defect{MatrixXd::Constant(50, 1, 2.0), MatrixXd::Zero(50, 1), VectorXd::Ones(1), VectorXd::Zero(1)};
    const MatrixXd A = MatrixXd::Constant(1, 1, -3.0);
    VectorXd bound(1);
    certificate.bound(A, defect, bound, workspace);
    EXPECT_NEAR(bound[0], 1.0, 1e-12);
    defect.initial[0] = 0;
    certificate.bound(A, defect, bound, workspace);
    EXPECT_NEAR(bound[0], 2.0 / 3 * (1 - std::exp(-3.0)), 1e-12);
    // The same from the inequality for matrices that vary.
    certificate.bound(MatrixXd::Constant(50, 1, -3.0), defect, bound, workspace);
    EXPECT_NEAR(bound[0], 2.0 / 3 * (1 - std::exp(-3.0)), 1e-12);
}

TEST(Certificate, CoversRandomErrorsOfNonNormalSystems) {
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    const VectorXd x = check_points(2000, 1e-4);
    const Certificate certificate(x);
    Certificate::Workspace workspace;
    for (int trial = 0; trial < 20; ++trial) {
        const MatrixXd A = MatrixXd::NullaryExpr(3, 3, [&] { return 5 * normal(random); });
        // e(x) = sin(ωx) v is the error that the residual r = e' − A e stands for.
        const VectorXd v = VectorXd::NullaryExpr(3, [&] { return normal(random); });
        const double omega = 1 + 5 * std::abs(normal(random));
        const Eigen::ArrayXd s = (omega * x.array()).sin(), c = omega * (omega * x.array()).cos();
        const MatrixXd residual = c.matrix() * v.transpose() - s.matrix() * (A * v).transpose();
        const Defect defect{residual, MatrixXd::Zero(2000, 3), VectorXd::Zero(3), VectorXd::Zero(3)};
        const MatrixXd row = Eigen::Map<const Eigen::RowVectorXd>(MatrixXd(A.transpose()).data(), 9);
        VectorXd bound(3), varying(3);
        certificate.bound(row, defect, bound, workspace);
        certificate.bound(row.replicate(2000, 1), defect, varying, workspace);
        const VectorXd error = s.abs().maxCoeff() * v.cwiseAbs();
        EXPECT_TRUE((bound.array() >= error.array() * (1 - 1e-12)).all());
        EXPECT_TRUE((varying.array() >= error.array() * (1 - 1e-12)).all());
    }
}

}  // namespace
