// Argument reduction and polynomials without branches or table look-ups, so that every loop vectorises.
//
// x = k·ln2 + r or x = k·π/2 + r with |r| as small as can be; k is rounded by adding and subtracting 1.5·2^52, which
// also leaves k in the low bits of the sum, where shifts and masks turn it into an exponent or a quadrant.
#include "stlfast/math.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace STLFAST_NAMESPACE::math {

namespace {

constexpr double rounder = 6755399441055744.0;  // 1.5·2^52
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;

inline std::uint64_t to_bits(double x) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline double from_bits(std::uint64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

inline double magnitude(double x) { return from_bits(to_bits(x) & ~sign_bit); }

// 2^k from k + rounder, −1022 ≤ k ≤ 1023.
inline double power_of_two(double shifted) { return from_bits((to_bits(shifted) + 1023) << 52); }

// exp(r) − 1 for |r| ≤ ln2/2 by its Taylor polynomial, whose remainder is below 1e-17·|r|.
inline double expm1_reduced(double r) {
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return r + r * r * p;
}

constexpr double log2_e = 1.44269504088896340736;
// ln2 in two parts (fdlibm): k times the first is exact for |k| < 2^20.
constexpr double ln2_high = 6.93147180369123816490e-01;
constexpr double ln2_low = 1.90821492927058770002e-10;

inline double exp_kernel(double x) {
    // Beyond these the result is +inf or 0 in any case. Written so that NaN falls through.
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    const double k = (x * log2_e + rounder) - rounder;
    const double r = (x - k * ln2_high) - k * ln2_low;
    // 2^k in two factors, because k itself may be beyond the range of exponents.
    const double shifted = 0.5 * k + rounder;
    const double rest = k - (shifted - rounder);
    return (1.0 + expm1_reduced(r)) * power_of_two(shifted) * power_of_two(rest + rounder);
}

// tanh x = E/(E + 2), E = exp(2x) − 1 = 2^k·expm1(r) + (2^k − 1): no cancellation, also near 0.
inline double tanh_kernel(double x) {
    double y = 2.0 * magnitude(x);
    y = y > 44.0 ? 44.0 : y;  // tanh(22) = 1 in double precision
    const double shifted = y * log2_e + rounder;
    const double k = shifted - rounder;
    const double r = (y - k * ln2_high) - k * ln2_low;
    const double scale = power_of_two(shifted);
    const double e = scale * expm1_reduced(r) + (scale - 1.0);
    return from_bits(to_bits(e / (e + 2.0)) | (to_bits(x) & sign_bit));
}

// log(1 + x), x ≥ 0: 1 + x = 2^k m with √½ ≤ m < √2, and fdlibm's polynomial for log m; what the sum loses is x/(1 + x)
// of it, to first order.
inline double log1p_kernel(double x) {
    constexpr std::uint64_t root_half = 0x3fe6a09e667f3bcd, exponent = std::uint64_t{0xfff} << 52;
    const double w = 1.0 + x, lost = (x - (w - 1.0)) / w;
    const std::uint64_t above = to_bits(w) - root_half;
    const double k = from_bits((above >> 52) + to_bits(rounder)) - rounder;
    const double f = from_bits(to_bits(w) - (above & exponent)) - 1.0;
    const double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double p = 1.479819860511658591e-01;
    p = p * z + 1.531383769920937332e-01;
    p = p * z + 1.818357216161805012e-01;
    p = p * z + 2.222219843214978396e-01;
    p = p * z + 2.857142874366239149e-01;
    p = p * z + 3.999999999940941908e-01;
    p = p * z + 6.666666666666735130e-01;
    return k * ln2_high - ((half - (s * (half + z * p) + (k * ln2_low + lost))) - f);
}

constexpr double two_over_pi = 6.36619772367581382433e-01;
// π/2 in three parts (fdlibm): k times the first or the second is exact for |k| < 2^20.
constexpr double pi_half_1 = 1.57079632673412561417e+00;
constexpr double pi_half_2 = 6.07710050630396597660e-11;
constexpr double pi_half_3 = 2.02226624879595063154e-21;
constexpr double largest_reduced = 1e5;  // |x| up to which that reduction is used

// sin and cos of |x| by fdlibm's polynomials on [−π/4, π/4]; `bits` holds the quadrant, in which each is one of them or
// its negative.
struct Circle {
    double sine, cosine;
    std::uint64_t bits;

    // sin(|x| + shift·π/2)
    double at(std::uint64_t shift) const {
        const std::uint64_t quadrant = bits + shift;
        const std::uint64_t swap = ~((quadrant & 1) - 1);  // all ones in odd quadrants
        const std::uint64_t sign = (quadrant & 2) << 62;
        return from_bits(((to_bits(cosine) & swap) | (to_bits(sine) & ~swap)) ^ sign);
    }
};

inline Circle circle(double a) {
    const double shifted = a * two_over_pi + rounder;
    const double k = shifted - rounder;
    const double r = ((a - k * pi_half_1) - k * pi_half_2) - k * pi_half_3;
    const double z = r * r;
    double s = 1.58969099521155010221e-10;
    s = s * z - 2.50507602534068634195e-08;
    s = s * z + 2.75573137070700676789e-06;
    s = s * z - 1.98412698298579493134e-04;
    s = s * z + 8.33333333332248946124e-03;
    s = s * z - 1.66666666666666324348e-01;
    const double sine = r + r * z * s;
    double c = -1.13596475577881948265e-11;
    c = c * z + 2.08757232129817482790e-09;
    c = c * z - 2.75573143513906633035e-07;
    c = c * z + 2.48015872894767294178e-05;
    c = c * z - 1.38888888888741095749e-03;
    c = c * z + 4.16666666666666019037e-02;
    const double half = 0.5 * z, w = 1.0 - half;
    const double cosine = w + (((1.0 - w) - half) + z * z * c);
    return {sine, cosine, to_bits(shifted)};
}

inline double with_sign_of(double x, double value) { return from_bits(to_bits(value) ^ (to_bits(x) & sign_bit)); }

inline double sin_kernel(double x) { return with_sign_of(x, circle(magnitude(x)).at(0)); }

inline double cos_kernel(double x) { return circle(magnitude(x)).at(1); }

// in and out may be the same array: the pragma tells the compiler that this is harmless.
template <class Function>
inline void transform(Function f, const double* in, double* out, std::ptrdiff_t n) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = f(in[i]);
}

bool all_reduced(const double* in, std::ptrdiff_t n) {
    std::uint64_t beyond = 0;  // an integer, because the compiler may not reorder a sum of doubles
    for (std::ptrdiff_t i = 0; i < n; ++i) beyond |= magnitude(in[i]) <= largest_reduced ? 0u : 1u;
    return beyond == 0;
}

// Blocks with an argument too large to be reduced, or not finite, go through <cmath> for that argument.
template <class Kernel, class Standard>
void transform_periodic(Kernel kernel, Standard standard, const double* in, double* out, std::ptrdiff_t n) {
    constexpr std::ptrdiff_t block = 128;
    for (std::ptrdiff_t start = 0; start < n; start += block) {
        const std::ptrdiff_t count = std::min(block, n - start);
        if (all_reduced(in + start, count))
            transform(kernel, in + start, out + start, count);
        else
            for (std::ptrdiff_t i = start; i < start + count; ++i)
                out[i] = std::fabs(in[i]) <= largest_reduced ? kernel(in[i]) : standard(in[i]);
    }
}

}  // namespace

void exp(const double* in, double* out, std::ptrdiff_t n) {
    transform([](double x) { return exp_kernel(x); }, in, out, n);
}

void tanh(const double* in, double* out, std::ptrdiff_t n) {
    transform([](double x) { return tanh_kernel(x); }, in, out, n);
}

void log1p(const double* in, double* out, std::ptrdiff_t n) {
    transform([](double x) { return log1p_kernel(x); }, in, out, n);
}

void sigmoid(const double* in, double* out, std::ptrdiff_t n) {
    transform([](double x) { return 1.0 / (1.0 + exp_kernel(-x)); }, in, out, n);
}

void sin(const double* in, double* out, std::ptrdiff_t n) {
    transform_periodic([](double x) { return sin_kernel(x); }, [](double x) { return std::sin(x); }, in, out, n);
}

void cos(const double* in, double* out, std::ptrdiff_t n) {
    transform_periodic([](double x) { return cos_kernel(x); }, [](double x) { return std::cos(x); }, in, out, n);
}

void sincos(const double* in, double* sine, double* cosine, std::ptrdiff_t n) {
    constexpr std::ptrdiff_t block = 128;
    for (std::ptrdiff_t start = 0; start < n; start += block) {
        const std::ptrdiff_t end = std::min(start + block, n);
        if (!all_reduced(in + start, end - start)) {
            sin(in + start, sine + start, end - start);
            cos(in + start, cosine + start, end - start);
            continue;
        }
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
        for (std::ptrdiff_t i = start; i < end; ++i) {
            const Circle both = circle(magnitude(in[i]));
            sine[i] = with_sign_of(in[i], both.at(0));
            cosine[i] = both.at(1);
        }
    }
}

}  // namespace STLFAST_NAMESPACE::math
