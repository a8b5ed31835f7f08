#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "stlfast/math.hpp"

namespace {

using Function = void (*)(const double*, double*, std::ptrdiff_t);
using Reference = long double (*)(long double);

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double tiny = std::numeric_limits<double>::denorm_min();
constexpr double largest_error = 3.0;  // ulp

std::vector<double> evaluate(Function f, const std::vector<double>& x) {
    std::vector<double> y(x.size());
    f(x.data(), y.data(), static_cast<std::ptrdiff_t>(x.size()));
    return y;
}

// |y − exact| in units of the exact value's last place.
double error_in_ulp(double y, long double exact) {
    const double rounded = static_cast<double>(exact);
    if (y == rounded) return 0.0;
    const double size = std::fabs(rounded);
    const double ulp = size - std::nextafter(size, 0.0);
    return static_cast<double>(std::fabs(y - exact) / (ulp > 0.0 ? ulp : tiny));
}

// Values from low to high, evenly spaced; both signs of values whose decimal logarithms are evenly spaced; random ones.
std::vector<double> grid(double low, double high, double smallest) {
    std::vector<double> x;
    constexpr int n = 20001;  // odd: the last values do not fill a vector
    for (int i = 0; i < n; ++i) x.push_back(low + (high - low) * i / (n - 1));
    const double first = std::log10(smallest), last = std::log10(std::max(-low, high));
    for (int i = 0; i < n; ++i) {
        const double size = std::pow(10.0, first + (last - first) * i / (n - 1));
        if (size <= high) x.push_back(size);
        if (-size >= low) x.push_back(-size);
    }
    std::mt19937_64 generator(1);
    std::uniform_real_distribution<double> uniform(low, high);
    for (int i = 0; i < 100000; ++i) x.push_back(uniform(generator));
    return x;
}

void expect_accurate(Function f, Reference exact, const std::vector<double>& x) {
    const auto y = evaluate(f, x);
    for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_LE(error_in_ulp(y[i], exact(x[i])), largest_error) << "at " << x[i] << ", got " << y[i];
}

void expect_same(double got, double expected, double x) {
    if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(got)) << "at " << x << ", got " << got;
    else
        EXPECT_TRUE(got == expected && std::signbit(got) == std::signbit(expected))
            << "at " << x << ", got " << got << ", expected " << expected;
}

TEST(Math, TanhIsAccurateInRelativeError) {
    expect_accurate(
        stlfast::math::tanh, [](long double x) { return std::tanh(x); }, grid(-25.0, 25.0, 1e-320));
    expect_accurate(
        stlfast::math::tanh, [](long double x) { return std::tanh(x); }, grid(-1.0, 1.0, 1e-9));
}

TEST(Math, ExpIsAccurateInRelativeError) {
    expect_accurate(
        stlfast::math::exp, [](long double x) { return std::exp(x); }, grid(-708.0, 709.7, 1e-320));
    expect_accurate(
        stlfast::math::exp, [](long double x) { return std::exp(x); }, grid(-1.0, 1.0, 1e-9));
}

TEST(Math, Log1pIsAccurateInRelativeError) {
    for (const double high : {1e-8, 1.0, 1e6, 1e300}) {
        std::vector<double> x = grid(0.0, high, 1e-320);
        x.push_back(0.0);
        for (int k = 1; k < 60; ++k)
            x.push_back(std::ldexp(1.0, k) - 1), x.push_back(std::ldexp(1.4142135623730951, k) - 1);
        expect_accurate(
            stlfast::math::log1p, [](long double y) { return std::log1p(y); }, x);
    }
}

TEST(Math, ExpUnderflowsGradually) {
    expect_accurate(
        stlfast::math::exp, [](long double x) { return std::exp(x); }, grid(-745.1, -708.0, 708.0));
}

TEST(Math, SigmoidIsAccurateInRelativeError) {
    expect_accurate(
        stlfast::math::sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, grid(-708.0, 50.0, 1e-320));
}

TEST(Math, SinAndCosAreAccurateInRelativeError) {
    for (const double high : {4.0, 1e5, 1e9}) {
        expect_accurate(
            stlfast::math::sin, [](long double x) { return std::sin(x); }, grid(-high, high, 1e-320));
        expect_accurate(
            stlfast::math::cos, [](long double x) { return std::cos(x); }, grid(-high, high, 1e-320));
    }
}

TEST(Math, SinAndCosAreAccurateNextToTheirZeros) {
    std::vector<double> x;
    for (int k = -60000; k <= 60000; ++k) {
        const double zero = k * 1.57079632679489661923;
        for (const double near : {zero, std::nextafter(zero, inf), std::nextafter(zero, -inf)}) x.push_back(near);
    }
    expect_accurate(
        stlfast::math::sin, [](long double v) { return std::sin(v); }, x);
    expect_accurate(
        stlfast::math::cos, [](long double v) { return std::cos(v); }, x);
}

TEST(Math, SpecialValuesAreThoseOfTheStandardLibrary) {
    struct Case {
        Function function;
        double (*standard)(double);
    };
    const Case cases[] = {
        {stlfast::math::tanh, [](double x) { return std::tanh(x); }},
        {stlfast::math::exp, [](double x) { return std::exp(x); }},
        {stlfast::math::sigmoid, [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
        {stlfast::math::sin, [](double x) { return std::sin(x); }},
        {stlfast::math::cos, [](double x) { return std::cos(x); }},
    };
    const std::vector<double> x = {0.0, -0.0, inf, -inf, nan, -nan, tiny, -tiny};
    for (const auto& [function, standard] : cases) {
        const auto y = evaluate(function, x);
        for (std::size_t i = 0; i < x.size(); ++i) expect_same(y[i], standard(x[i]), x[i]);
    }
    const std::vector<double> large = {709.79, 1e4, 1e300, -745.14, -1e4, -1e300};
    const auto y = evaluate(stlfast::math::exp, large);
    for (std::size_t i = 0; i < large.size(); ++i) expect_same(y[i], std::exp(large[i]), large[i]);
    for (const double saturated : evaluate(stlfast::math::tanh, {22.0, 1e3, 1e300})) EXPECT_EQ(saturated, 1.0);
}

// A value must not depend on its place in the array, on the array's length or on its neighbours.
TEST(Math, ValuesAreIndependentOfTheirNeighbours) {
    auto x = grid(-30.0, 30.0, 1e-9);
    x[777] = 1e7;  // beyond the range that sin and cos reduce: the block takes another path
    for (const Function f :
         {stlfast::math::tanh, stlfast::math::exp, stlfast::math::sigmoid, stlfast::math::sin, stlfast::math::cos}) {
        const auto together = evaluate(f, x);
        for (std::size_t i = 0; i < 1500; ++i) {
            double alone;
            f(&x[i], &alone, 1);
            ASSERT_EQ(alone, together[i]) << "at " << x[i];
        }
        auto in_place = x;
        f(in_place.data(), in_place.data(), static_cast<std::ptrdiff_t>(x.size()));
        EXPECT_EQ(in_place, together);
    }
}

}  // namespace
