#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "stlfast/dictionary.hpp"
#include "stlfast/features.hpp"

namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using stlfast::Activation;
using stlfast::Body;
using stlfast::Dictionary;
using stlfast::InputMap;

Body random_body(Activation activation, const char* input) {
    std::srand(1);  // Eigen's Random
    return Body({MatrixXd::Random(32, 1) * 4.0, MatrixXd::Random(16, 32) * 0.4},
                {VectorXd::Random(32), VectorXd::Random(16)}, activation, InputMap(input));
}

// One layer of one unit has closed-form derivatives.
TEST(Features, OneUnitAgreesWithTheFormula) {
    const double w = 1.5, b = -0.3, kappa = 8.0;
    const Body body({MatrixXd::Constant(1, 1, w)}, {VectorXd::Constant(1, b)}, Activation::tanh, InputMap("plain"));
    const VectorXd x = VectorXd::LinSpaced(200, 0.0, 1.0);
    MatrixXd H, dH, ddH;
    stlfast::features(body, kappa, x, H, &dH, &ddH);
    const Eigen::ArrayXd a = (kappa * w * x.array() + b).tanh();
    const double rate = kappa * w;
    EXPECT_LT((H.array() - a).abs().maxCoeff(), 1e-15);
    EXPECT_LT((dH.array() - rate * (1.0 - a.square())).abs().maxCoeff(), 1e-14);
    EXPECT_LT((ddH.array() + 2.0 * rate * rate * a * (1.0 - a.square())).abs().maxCoeff(), 1e-13);
}

// Central differences: their error falls with the square of the step.
TEST(Features, DerivativesAgreeWithDifferencesAtSecondOrder) {
    const VectorXd x = VectorXd::LinSpaced(50, 0.1, 0.9);
    for (const auto activation : {Activation::tanh, Activation::sin, Activation::silu})
        for (const char* input : {"log", "plain"}) {
            const auto body = random_body(activation, input);
            MatrixXd H, dH, ddH;
            stlfast::features(body, 1.0, x, H, &dH, &ddH);
            const auto errors = [&](double step) {
                MatrixXd plus, minus, dplus, dminus;
                stlfast::features(body, 1.0, x.array() + step, plus, &dplus);
                stlfast::features(body, 1.0, x.array() - step, minus, &dminus);
                return std::pair(((plus - minus) / (2.0 * step) - dH).cwiseAbs().maxCoeff(),
                                 ((dplus - dminus) / (2.0 * step) - ddH).cwiseAbs().maxCoeff());
            };
            const auto coarse = errors(2e-3), fine = errors(1e-3);
            EXPECT_NEAR(std::log2(coarse.first / fine.first), 2.0, 0.05) << to_string(activation) << " " << input;
            EXPECT_NEAR(std::log2(coarse.second / fine.second), 2.0, 0.05) << to_string(activation) << " " << input;
        }
}

TEST(Dictionary, JoinsTheDilatedFeatures) {
    const auto body = random_body(Activation::tanh, "log");
    const auto dictionary = Dictionary::from_body(body, {1.0, 64.0});
    const VectorXd x = VectorXd::LinSpaced(130, 0.0, 1.0);
    MatrixXd H, dH, h, dh;
    dictionary.evaluate(x, H, &dH);
    ASSERT_EQ(H.cols(), dictionary.size());
    EXPECT_EQ(H.col(0), VectorXd::Ones(130));
    EXPECT_EQ(dH.col(0), VectorXd::Zero(130));
    stlfast::features(body, 64.0, x, h, &dh);
    EXPECT_EQ(H.rightCols(16), h);
    EXPECT_EQ(dH.rightCols(16), dh);
}

TEST(Dictionary, RefusesDilationsOfActivationsThatDoNotSaturate) {
    EXPECT_THROW(Dictionary::from_body(random_body(Activation::sin, "log"), {8.0}), std::invalid_argument);
    EXPECT_THROW(Dictionary::from_body(random_body(Activation::silu, "log"), {8.0}), std::invalid_argument);
    EXPECT_NO_THROW(Dictionary::from_body(random_body(Activation::sin, "log"), {1.0}));
}

TEST(Dictionary, RefusesPointsThatAreNotTimes) {
    const auto dictionary = Dictionary::chebyshev(3, InputMap("log"));
    MatrixXd H;
    EXPECT_THROW(dictionary.evaluate(VectorXd::Constant(1, -0.1), H), std::invalid_argument);
    EXPECT_THROW(dictionary.evaluate(VectorXd::Constant(1, std::nan("")), H), std::invalid_argument);
}

}  // namespace
