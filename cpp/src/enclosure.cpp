// Program::enclose: bounds of what a program computes over an interval, by interval arithmetic (Moore, Kearfott &
// Cloud, Introduction to Interval Analysis, 2009), without outward rounding: they tell what may be hidden between
// samples.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "stlfast/program.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(), pi = 3.14159265358979323846;

struct Interval {
    double low, high;
};

constexpr Interval all{-infinity, infinity};

Interval hull(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return all;
    return {std::min(a, b), std::max(a, b)};
}

template <class Function>
Interval monotone(Interval u, Function f) {
    return hull(f(u.low), f(u.high));
}

// 0 · ∞ is 0 here: a bound that is not reached.
double product(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

Interval multiply(Interval u, Interval v) {
    const double corners[] = {product(u.low, v.low), product(u.low, v.high), product(u.high, v.low),
                              product(u.high, v.high)};
    return {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
}

Interval square(Interval u) {
    const Interval ends = hull(u.low * u.low, u.high * u.high);
    return {u.low < 0 && u.high > 0 ? 0 : ends.low, ends.high};
}

Interval divide(Interval u, Interval v) {
    if (v.low <= 0 && v.high >= 0) return all;
    return multiply(u, {1 / v.high, 1 / v.low});
}

Interval power(Interval u, Interval v) {
    if (u.low >= 0) {
        Interval result = hull(std::pow(u.low, v.low), std::pow(u.high, v.high));
        const Interval others = hull(std::pow(u.low, v.high), std::pow(u.high, v.low));
        result = {std::min(result.low, others.low), std::max(result.high, others.high)};
        return result;
    }
    const bool whole = v.low == v.high && v.low == std::floor(v.low);
    if (!whole || (v.low < 0 && u.high >= 0)) return all;
    Interval result = monotone(u, [&](double x) { return std::pow(x, v.low); });
    if (u.high > 0 && std::fmod(v.low, 2) == 0) result.low = 0;
    return result;
}

// Of a sine whose argument is shifted by `shift`.
Interval wave(Interval u, double shift) {
    const double low = u.low + shift, high = u.high + shift;
    if (!(high - low < 2 * pi)) return {-1, 1};
    Interval result = hull(std::sin(low), std::sin(high));
    const auto within = [&](double extremum) {  // whether extremum + 2 π k is in [low, high] for some k
        return std::floor((high - extremum) / (2 * pi)) >= std::ceil((low - extremum) / (2 * pi));
    };
    if (within(pi / 2)) result.high = 1;
    if (within(-pi / 2)) result.low = -1;
    return result;
}

Interval tangent(Interval u) {
    if (!(u.high - u.low < pi) || std::floor(u.low / pi + 0.5) != std::floor(u.high / pi + 0.5)) return all;
    return monotone(u, [](double x) { return std::tan(x); });
}

Interval apply(Op op, Interval u, Interval v, bool same) {
    switch (op) {
        case Op::add:
            return {u.low + v.low, u.high + v.high};
        case Op::sub:
            return {u.low - v.high, u.high - v.low};
        case Op::mul:
        case Op::gate:
            return same ? square(u) : multiply(u, v);
        case Op::div:
            return divide(u, v);
        case Op::neg:
            return {-u.high, -u.low};
        case Op::pow:
            return power(u, v);
        case Op::exp:
            return monotone(u, [](double x) { return std::exp(x); });
        case Op::log:
            return monotone(u, [](double x) { return std::log(x); });
        case Op::sqrt:
            return monotone(u, [](double x) { return std::sqrt(x); });
        case Op::sin:
            return wave(u, 0);
        case Op::cos:
            return wave(u, pi / 2);
        case Op::tan:
            return tangent(u);
        case Op::tanh:
            return monotone(u, [](double x) { return std::tanh(x); });
        case Op::abs: {
            const Interval ends = hull(std::fabs(u.low), std::fabs(u.high));
            return {u.low < 0 && u.high > 0 ? 0 : ends.low, ends.high};
        }
        case Op::sinh:
            return monotone(u, [](double x) { return std::sinh(x); });
        case Op::cosh: {
            const Interval ends = monotone(u, [](double x) { return std::cosh(x); });
            return {u.low < 0 && u.high > 0 ? 1 : ends.low, ends.high};
        }
        case Op::asin:
            return monotone(u, [](double x) { return std::asin(x); });
        case Op::acos:
            return monotone(u, [](double x) { return std::acos(x); });
        case Op::atan:
            return monotone(u, [](double x) { return std::atan(x); });
        case Op::asinh:
            return monotone(u, [](double x) { return std::asinh(x); });
        case Op::acosh:
            return monotone(u, [](double x) { return std::acosh(x); });
        case Op::atanh:
            return monotone(u, [](double x) { return std::atanh(x); });
        case Op::erf:
            return monotone(u, [](double x) { return std::erf(x); });
        case Op::atan2:
            if (v.low <= 0) return {-pi, pi};
            return hull(std::min(std::atan2(u.low, v.low), std::atan2(u.low, v.high)),
                        std::max(std::atan2(u.high, v.low), std::atan2(u.high, v.high)));
        case Op::step:
            return {u.low >= 0 ? 1.0 : 0.0, u.high >= 0 ? 1.0 : 0.0};
    }
    return all;
}

}  // namespace

void Program::enclose(const Eigen::VectorXd& low, const Eigen::VectorXd& high, Workspace& workspace,
                      Eigen::VectorXd& least, Eigen::VectorXd& largest) const {
    const Index first = n_inputs_ + constants_.size();
    std::vector<Interval> value(static_cast<std::size_t>(first + code_.rows()));
    for (std::size_t r = 0; r < value.size(); ++r)
        if (column_[r] < 0) value[r] = {workspace.uniform[Index(r)], workspace.uniform[Index(r)]};
    for (Index k = 0; k < varying_; ++k) value[std::size_t(k)] = {low[k], high[k]};
    for (Index k = 0; k < code_.rows(); ++k) {
        const auto r = static_cast<std::size_t>(first + k);
        if (column_[r] < 0) continue;
        const auto a = code_(k, 1), b = code_(k, 2);
        const Interval u = value[std::size_t(a)], v = b >= 0 ? value[std::size_t(b)] : u;
        const auto op = static_cast<Op>(code_(k, 0));
        value[r] = apply(op, u, v, a == b);
        if (op == Op::step && workspace.modes.size() > 0)  // what slides does so on a switch of the states
            value[r].low = value[r].high = workspace.modes[-2 - Index(b)];
        if (std::isnan(value[r].low) || std::isnan(value[r].high)) value[r] = all;
    }
    least.resize(outputs_.size()), largest.resize(outputs_.size());
    for (Index o = 0; o < outputs_.size(); ++o) {
        const Interval found = value[std::size_t(outputs_[o])];
        least[o] = found.low, largest[o] = found.high;
    }
}

}  // namespace STLFAST_NAMESPACE
