#include <gtest/gtest.h>

#include <Eigen/QR>
#include <cmath>
#include <stdexcept>

#include "stlfast/field_dictionary.hpp"
#include "stlfast/tall_least_squares.hpp"

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using stlfast::Activation;
using stlfast::FieldBody;
using stlfast::FieldDictionary;
using stlfast::FieldInput;
using stlfast::InputMap;
using stlfast::Partial;
using stlfast::TallLeastSquares;

// Of (x, y, t): x periodic, y plain, t log and plain.
FieldBody random_body(Activation activation) {
    std::srand(1);  // Eigen's Random
    return FieldBody({MatrixXd::Random(24, 5) * 2.0, MatrixXd::Random(10, 24) * 0.4},
                     {VectorXd::Random(24), VectorXd::Random(10)}, activation,
                     {FieldInput(0, "periodic"), FieldInput(1, "plain"), FieldInput(2, "log"), FieldInput(2, "plain")});
}

// The partials of the features of a dilated body.
std::vector<MatrixXd> field_features(const FieldBody& body, double kappa, const MatrixXd& points,
                                     const std::vector<Partial>& partials) {
    return FieldDictionary::from_body(body, {kappa}, false).evaluate(points, partials);
}

MatrixXd random_points(Index N) {
    std::srand(2);
    return (0.5 + 0.4 * MatrixXd::Random(N, 3).array()).matrix();
}

// One unit of x and t has closed-form derivatives, with the dilation's factors in time.
TEST(Fields, OneUnitAgreesWithTheFormula) {
    const double a = 1.5, b = -0.8, kappa = 8.0;
    const FieldBody body({(MatrixXd(1, 2) << a, b).finished()}, {VectorXd::Constant(1, 0.3)}, Activation::tanh,
                         {FieldInput(0, "plain"), FieldInput(1, "plain")});
    const MatrixXd points = random_points(100).leftCols(2);
    const auto H = field_features(body, kappa, points, {{0, 0}, {1, 0}, {0, 1}, {2, 0}, {1, 1}, {0, 2}});
    const Eigen::ArrayXd h = (a * points.col(0).array() + kappa * b * points.col(1).array() + 0.3).tanh();
    const Eigen::ArrayXd slope = 1.0 - h.square(), curvature = -2.0 * h * slope;
    const double rate = kappa * b;
    const Eigen::ArrayXd expected[] = {
        h, a * slope, rate * slope, a * a * curvature, a * rate * curvature, rate * rate * curvature};
    for (std::size_t k = 0; k < H.size(); ++k)
        EXPECT_LT((H[k].col(0).array() - expected[k]).abs().maxCoeff(), 1e-13) << k;
}

// Central differences: their error falls with the square of the step.
TEST(Fields, DerivativesAgreeWithDifferencesAtSecondOrder) {
    const MatrixXd points = random_points(40);
    for (const auto activation : {Activation::tanh, Activation::sin, Activation::silu}) {
        const auto body = random_body(activation);
        for (Index a = 0; a < 3; ++a)
            for (Index c = 0; c < 3; ++c) {
                Partial first(3, 0), both(3, 0);
                ++first[std::size_t(a)], ++both[std::size_t(a)], ++both[std::size_t(c)];
                const MatrixXd exact = field_features(body, 1.0, points, {both})[0];
                const auto error = [&](double step) {
                    MatrixXd plus = points, minus = points;
                    plus.col(c).array() += step, minus.col(c).array() -= step;
                    const MatrixXd difference =
                        field_features(body, 1.0, plus, {first})[0] - field_features(body, 1.0, minus, {first})[0];
                    return (difference / (2.0 * step) - exact).cwiseAbs().maxCoeff();
                };
                EXPECT_NEAR(std::log2(error(2e-3) / error(1e-3)), 2.0, 0.05) << to_string(activation) << a << c;
            }
    }
}

TEST(Fields, JoinsTheDilatedFeatures) {
    const auto body = random_body(Activation::tanh);
    const auto dictionary = FieldDictionary::from_body(body, {1.0, 64.0});
    const MatrixXd points = random_points(130);
    const std::vector<Partial> partials = {{0, 0, 0}, {0, 0, 1}, {1, 1, 0}};
    const auto H = dictionary.evaluate(points, partials);
    const auto h = field_features(body, 64.0, points, partials);
    ASSERT_EQ(H[0].cols(), dictionary.size());
    EXPECT_EQ(H[0].col(0), VectorXd::Ones(130));
    EXPECT_EQ(H[1].col(0), VectorXd::Zero(130));
    for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(H[k].rightCols(10), h[k]);
}

// A product of a harmonic and two polynomials is in the tensor product, at the place that the order of the axes says.
TEST(Fields, TensorProductHasTimeRunningFastest) {
    const auto dictionary = FieldDictionary::tensor(
        {{5, true, InputMap("plain")}, {3, false, InputMap("plain")}, {4, false, InputMap("log")}});
    ASSERT_EQ(dictionary.size(), 60);
    const MatrixXd points = random_points(50);
    const Eigen::ArrayXd x = points.col(0), y = points.col(1), t = points.col(2);
    const double scale = 2.0 / std::log1p(1e3);
    const Eigen::ArrayXd time = scale * (t / 1e-3).log1p() - 1.0, rate = scale / (1e-3 + t);
    const Index at = (4 * 3 + 1) * 4 + 2;  // sin 4πx, T_1(2y − 1), T_2
    const auto H = dictionary.evaluate(points, {{0, 0, 0}, {1, 0, 1}, {2, 0, 0}, {0, 1, 1}});
    const double omega = 4.0 * M_PI;
    const Eigen::ArrayXd wave = (omega * x).sin(), T1 = 2.0 * y - 1.0, T2 = 2.0 * time.square() - 1.0;
    const Eigen::ArrayXd expected[] = {wave * T1 * T2, omega * (omega * x).cos() * T1 * 4.0 * time * rate,
                                       -omega * omega * wave * T1 * T2, wave * 2.0 * 4.0 * time * rate};
    for (std::size_t k = 0; k < H.size(); ++k)
        EXPECT_LT((H[k].col(at).array() - expected[k]).abs().maxCoeff(), 1e-12 * expected[k].abs().maxCoeff()) << k;
}

TEST(Fields, RefusesWhatIsNoPointAndNoPartial) {
    const auto dictionary = FieldDictionary::from_body(random_body(Activation::tanh), {1.0});
    const MatrixXd points = random_points(3);
    EXPECT_THROW(dictionary.evaluate(points.leftCols(2), {{0, 0, 0}}), std::invalid_argument);
    EXPECT_THROW(dictionary.evaluate(-points, {{0, 0, 0}}), std::invalid_argument);
    EXPECT_THROW(dictionary.evaluate(points, {{0, 0}}), std::invalid_argument);
    EXPECT_THROW(dictionary.evaluate(points, {{1, 1, 1}}), std::invalid_argument);
    EXPECT_THROW(dictionary.evaluate(points, {{-1, 0, 1}}), std::invalid_argument);
    EXPECT_THROW(FieldDictionary::from_body(random_body(Activation::sin), {8.0}), std::invalid_argument);
    EXPECT_THROW(FieldDictionary::tensor({{3, true, InputMap("plain")}}), std::invalid_argument);
}

// Columns of very different length and, at that, close to dependent.
MatrixXd ill_conditioned(Index rows, Index columns) {
    std::srand(3);
    const Eigen::HouseholderQR<MatrixXd> left(MatrixXd::Random(rows, columns)),
        right(MatrixXd::Random(columns, columns));
    VectorXd sigma(columns);
    for (Index i = 0; i < columns; ++i) sigma[i] = std::pow(10.0, -8.0 * double(i) / double(columns - 1));
    const MatrixXd thin = left.householderQ() * MatrixXd::Identity(rows, columns);
    return thin * sigma.asDiagonal() * MatrixXd(right.householderQ());
}

TallLeastSquares in_blocks(const MatrixXd& A, const MatrixXd& B, Index block) {
    TallLeastSquares problem(A.cols(), B.cols());
    for (Index i = 0; i < A.rows(); i += block) {
        const Index n = std::min(block, A.rows() - i);
        problem.add(A.middleRows(i, n), B.middleRows(i, n));
    }
    return problem;
}

// What rounding does to A's fit of b is of the size of ‖b‖ where that is in A's range, and 1e8 times larger, the
// condition number, for a residual of the size of ‖b‖.
TEST(TallLeastSquares, IsAsAccurateAsOneFactorisationOfAllRows) {
    const Index C = 130, rows = 3000;  // neither a multiple of what is eliminated at a time
    const MatrixXd A = ill_conditioned(rows, C);
    MatrixXd B = MatrixXd::Random(rows, 2);
    B.col(0) = A * VectorXd::Ones(C);
    const MatrixXd exact = A.householderQr().solve(B);
    const auto problem = in_blocks(A, B, rows);
    const auto solution = problem.solve(1e-14);
    EXPECT_EQ(problem.rows(), rows);
    EXPECT_EQ(solution.rank, C);
    const VectorXd fit = (A * (solution.X - exact)).colwise().norm(), size = B.colwise().norm();
    EXPECT_LT(fit[0], 1e-13 * size[0]);
    EXPECT_LT(fit[1], 1e-8 * size[1]);
    EXPECT_LT(solution.residual[0], 1e-13 * size[0]);
    EXPECT_NEAR(solution.residual[1], (A * exact - B).col(1).norm(), 1e-10 * size[1]);
    // R is A but for a rotation.
    EXPECT_LT((problem.R().transpose() * problem.R() - A.transpose() * A).norm(), 1e-13 * A.squaredNorm());
}

TEST(TallLeastSquares, DoesNotDependOnTheBlocksThatRowsComeIn) {
    const MatrixXd A = MatrixXd::Random(2500, 60), B = MatrixXd::Random(2500, 2);
    const auto whole = in_blocks(A, B, 2500).solve(1e-14);
    for (const Index block : {1, 7, 1024}) EXPECT_EQ(in_blocks(A, B, block).solve(1e-14).X, whole.X) << block;
}

TEST(TallLeastSquares, MergesTheRowsOfAnother) {
    const MatrixXd A = MatrixXd::Random(400, 20), B = MatrixXd::Random(400, 3);
    TallLeastSquares whole(20, 3), one(20, 3), other(20, 3);
    whole.add(A, B);
    one.add(A.topRows(150), B.topRows(150));
    other.add(A.bottomRows(250), B.bottomRows(250));
    one.merge(other);
    EXPECT_EQ(one.rows(), 400);
    const auto merged = one.solve(0.0), expected = whole.solve(0.0);
    EXPECT_LT((merged.X - expected.X).norm(), 1e-13 * expected.X.norm());
    EXPECT_LT((merged.residual - expected.residual).norm(), 1e-13 * expected.residual.norm());
    EXPECT_THROW(one.merge(TallLeastSquares(20, 2)), std::invalid_argument);
}

TEST(TallLeastSquares, TakesTheShortestOfManySolutions) {
    const Index C = 30;
    TallLeastSquares problem(C, 1);
    EXPECT_EQ(problem.solve(1e-14).rank, 0);
    MatrixXd A = MatrixXd::Random(200, C);
    A.rightCols(10) = A.leftCols(10);
    for (Index j = 0; j < C; ++j) A.col(j).normalize();
    const VectorXd B = MatrixXd::Random(200, 1);
    problem.add(A, B);
    const auto solution = problem.solve(1e-12);
    EXPECT_EQ(solution.rank, 20);
    const VectorXd shortest = A.completeOrthogonalDecomposition().solve(B);
    EXPECT_LT((solution.X - shortest).norm(), 1e-12 * shortest.norm());
}

TEST(TallLeastSquares, RefusesRowsOfAnotherShapeAndThoseThatAreNotFinite) {
    TallLeastSquares problem(4, 1);
    const MatrixXd A = MatrixXd::Random(9, 4), B = MatrixXd::Random(9, 1);
    EXPECT_THROW(problem.add(A.leftCols(3), B), std::invalid_argument);
    EXPECT_THROW(problem.add(A, B.topRows(8)), std::invalid_argument);
    EXPECT_THROW(problem.add(A / 0.0, B), std::invalid_argument);
    EXPECT_EQ(problem.rows(), 0);
    EXPECT_THROW(problem.solve(-1.0), std::invalid_argument);
    EXPECT_THROW(TallLeastSquares(0, 1), std::invalid_argument);
}

}  // namespace
