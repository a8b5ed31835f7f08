// Systems of many equations: the Schur form, and the solve that takes one equation at a time.
#include <gtest/gtest.h>

#include <complex>
#include <random>
#include <unsupported/Eigen/MatrixFunctions>

#include "stlfast/compile.hpp"
#include "stlfast/member.hpp"

using namespace stlfast;
using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

MatrixXd random_matrix(Index n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    return MatrixXd::NullaryExpr(n, n, [&] { return normal(random); });
}

VectorXd row_major(const MatrixXd& A) { return A.transpose().reshaped(); }

void expect_schur_form(const MatrixXd& A, bool real) {
    Schur schur;
    schur.compute(row_major(A), A.rows());
    const MatrixXcd &T = schur.T(), &Q = schur.Q();
    const Index n = A.rows();
    EXPECT_LT((Q * T * Q.adjoint() - A).norm(), 1e-14 * double(n) * (1 + A.norm())) << A;
    EXPECT_LT((Q * Q.adjoint() - MatrixXcd::Identity(n, n)).norm(), 1e-14 * double(n)) << A;
    for (Index k = 0; k < n; ++k) {
        for (Index i = k + 1; i < n; ++i) EXPECT_EQ(T(i, k), 0.0) << A;
        if (k > 0) {
            EXPECT_LE(T(k - 1, k - 1).real(), T(k, k).real() + 1e-12 * A.norm()) << "slower before faster";
        }
    }
    if (real) {
        EXPECT_TRUE(Q.imag().isZero(0) && T.imag().isZero(0)) << A;
    }
}

// Registers 0 x, 1 α, then the constants, then α·constant for the entries of one part: A = constant + α·linear.
Program affine_program(const MatrixXd& constant, const MatrixXd& linear) {
    const Index count = constant.size();
    VectorXd constants(2 * count);
    constants << row_major(constant), row_major(linear);
    Program::Code code(2 * count, 3);
    Program::Registers outputs(count);
    for (Index k = 0; k < count; ++k) {
        code.row(2 * k) << 2, 1, std::int32_t(2 + count + k);                                // α · linear
        code.row(2 * k + 1) << 0, std::int32_t(2 + 2 * count + 2 * k), std::int32_t(2 + k);  // + constant
        outputs[k] = std::int32_t(2 + 2 * count + 2 * k + 1);
    }
    return Program(2, constants, code, outputs);
}

Family family_of(const MatrixXd& constant, const MatrixXd& linear) {
    const Index n = constant.rows();
    return {n,
            affine_program(constant, linear),
            affine_program(VectorXd::LinSpaced(n, 1, 2), VectorXd::Zero(n)),
            std::nullopt,
            std::nullopt,
            VectorXd::Constant(1, 1.0),
            VectorXd::Constant(1, 100.0),
            0};
}

Family diffusion(Index n) {
    MatrixXd linear = MatrixXd::Zero(n, n);
    linear.diagonal().setConstant(-20);
    linear.diagonal(1).setConstant(10), linear.diagonal(-1).setConstant(10);
    return family_of(-MatrixXd::Identity(n, n), linear);
}

// Each state decays into the next.
Family decay(Index n) {
    MatrixXd constant = MatrixXd::Zero(n, n), linear = MatrixXd::Zero(n, n);
    for (Index k = 0; k < n; ++k) {
        (k % 2 ? constant : linear)(k, k) = -double(k + 1);
        if (k > 0) (k % 2 ? linear : constant)(k, k - 1) = double(k);
    }
    return family_of(constant, linear);
}

// Pairs of states that rotate and decay, each pair fed by the next.
Family rotation(Index n) {
    MatrixXd constant = MatrixXd::Zero(n, n), linear = MatrixXd::Zero(n, n);
    for (Index k = 0; k + 1 < n; k += 2) {
        constant(k, k + 1) = 3 + double(k), constant(k + 1, k) = -3 - double(k);
        linear(k, k) = linear(k + 1, k + 1) = -double(k + 1);
        if (k + 2 < n) linear(k, k + 2) = 2;
    }
    return family_of(constant, linear);
}

Model compiled(const Family& family) {
    const auto points = log_time_points(300, 1e-3);
    const auto dictionary = Dictionary::chebyshev(100, InputMap("log", 1e-3));
    const FullOptions options{false, LeastSquares::svd, true};
    const auto modes = compile_forcing(family, points);
    const Model bare(family, dictionary, points, options, 0, modes, {});
    auto bands = compile_bands(bare, {1e-8, 48, 64}, [](double) {}).bands;
    return Model(family, dictionary, points, options, 0, modes, std::move(bands));
}

// y = e^{A x} y0 + ∫ e^{A s} b ds, from one exponential of a larger matrix.
MatrixXd exact(const Family& family, const VectorXd& p, const VectorXd& y0, const VectorXd& x) {
    const Index n = family.n;
    MatrixXd M = MatrixXd::Zero(n + 1, n + 1), y(x.size(), n);
    M.topLeftCorner(n, n) = system_matrix(family, p, VectorXd::Zero(1)).reshaped(n, n).transpose();
    M.topRightCorner(n, 1) = forcing(family, p, VectorXd::Zero(1)).transpose();
    VectorXd start(n + 1);
    start << y0, 1;
    for (Index q = 0; q < x.size(); ++q) y.row(q) = ((x[q] * M).exp() * start).head(n).transpose();
    return y;
}

void expect_exact(const Family& family, Space space) {
    const Model model = compiled(family);
    const VectorXd x = check_points(30, 1e-4), y0 = random_matrix(family.n, 3).col(0).normalized();
    const OutputTable output(model.bands(), &model.dictionary(), family.n, x);
    Model::Workspace workspace;
    Answer answer;
    MatrixXd y(x.size(), family.n);
    for (const double alpha : {1.0, 30.0, 100.0}) {
        const VectorXd p = VectorXd::Constant(1, alpha);
        model.solve(p, {y0}, {true, {}, space}, answer, workspace);
        output.evaluate(answer, y);
        const VectorXd error = (y - exact(family, p, y0, x)).cwiseAbs().colwise().maxCoeff();
        EXPECT_LT(error.maxCoeff(), 1e-8) << alpha;
        EXPECT_LT(answer.bound.maxCoeff(), 1e-7) << alpha;
        EXPECT_TRUE((error.array() <= answer.bound.array()).all()) << alpha;
    }
}

TEST(Schur, TwoByTwoOfEveryKind) {
    for (const auto& [a, b, c, d] : std::vector<std::array<double, 4>>{{1, 2, 3, 4},
                                                                       {-3, 0, 0, -1},
                                                                       {-1, 0, 0, -3},
                                                                       {-1, 1, 0, -1},  // defective
                                                                       {-1, 0, 1, -1},
                                                                       {0, 10, -10, -20},  // dho at its double root
                                                                       {0, 10, -10, -20000},
                                                                       {0, 1e-200, -1e200, -1e200},
                                                                       {0, 0, 0, 0},
                                                                       {2, 0, 5, 1}}) {
        MatrixXd A(2, 2);
        A << a, b, c, d;
        expect_schur_form(A, true);
    }
    for (unsigned seed = 0; seed < 200; ++seed) expect_schur_form(random_matrix(2, seed), false);
}

TEST(Schur, LargerMatrices) {
    for (const Index n : {1, 3, 4, 7, 16}) {
        const MatrixXd A = random_matrix(n, unsigned(n)), lower = A.triangularView<Eigen::Lower>();
        expect_schur_form(A, n == 1);
        expect_schur_form(A + A.transpose(), true);
        expect_schur_form(lower, true);
        expect_schur_form(MatrixXd::Zero(n, n), true);
    }
}

TEST(Tiles, EqualTheProduct) {
    for (const Index rows : {1, 7, 8, 40, 43}) {
        const MatrixXd M = MatrixXd::Random(rows, 5), V = MatrixXd::Random(5, 6);
        const dense::Tiles tiles(M);
        MatrixXd together(rows, 6), apart(rows, 6);
        const double* v[6];
        double* y[6];
        for (Index k = 0; k < 6; ++k) {
            v[k] = &V(0, k), y[k] = &together(0, k);
            tiles.product(v[k], &apart(0, k));
        }
        tiles.product(v, y, 6);
        EXPECT_EQ(together, apart);
        EXPECT_LT((together - M * V).cwiseAbs().maxCoeff(), 1e-14);
    }
}

TEST(Decoupled, SymmetricSystemsAreExactWithinTheirBound) {
    expect_exact(diffusion(8), Space::reduced);
    expect_exact(diffusion(3), Space::full);
}

TEST(Decoupled, TriangularSystemsAreExactWithinTheirBound) { expect_exact(decay(5), Space::reduced); }

TEST(Decoupled, RotatingSystemsAreExactWithinTheirBound) {
    expect_exact(rotation(6), Space::reduced);
    expect_exact(rotation(4), Space::full);
}

TEST(Decoupled, AMemberAgreesWithSingleSolvesAndAllocatesNothing) {
    for (const auto& [family, symmetric] :
         std::vector<std::pair<Family, bool>>{{diffusion(8), true}, {decay(8), false}, {rotation(6), false}}) {
        const Model model = compiled(family);
        const VectorXd y0 = VectorXd::LinSpaced(family.n, -1, 1);
        const Data data{y0};
        VectorXd p = VectorXd::Constant(1, 20.0);
        const Member fixed(model, model.output(), p);
        Member::Workspace workspace;
        Answer single, answer;
        MatrixXd expected(model.output().x().size(), family.n), y = expected;
        for (const bool guarded : {false, true}) {
            Eigen::internal::set_is_malloc_allowed(!guarded || symmetric);
            for (const double alpha : {1.0, 100.0, 20.0}) {
                p[0] = alpha;
                model.solve(p, data, {}, single, workspace.model);
                model.output().evaluate(single, expected);
            }
            fixed.solve(y0, y, answer, workspace);
            Eigen::internal::set_is_malloc_allowed(true);
        }
        EXPECT_LT((y - expected).cwiseAbs().maxCoeff(), 1e-12);
        EXPECT_TRUE(answer.within && single.within);
    }
}

TEST(Decoupled, RefusesWhatDoesNotFit) {
    const auto points = log_time_points(100, 1e-3);
    const auto dictionary = Dictionary::chebyshev(40, InputMap("log", 1e-3));
    EXPECT_THROW(Model(diffusion(4), dictionary, points, {true, LeastSquares::qr, true}, 0, {}, {}),
                 std::invalid_argument);  // a shared head
    Band coupled{VectorXd::Ones(1), VectorXd::Constant(1, 2.0), 1e-3, MatrixXd::Ones(5, 8), false};
    EXPECT_THROW(Model(diffusion(4), dictionary, points, {false, LeastSquares::svd, true}, 0, {}, {coupled}),
                 std::invalid_argument);
}

}  // namespace
