// Elementwise functions over contiguous arrays, vectorised by the compiler at any vector width and with the same
// result at each: within 3 ulp of the exact value, signed zeros, infinities and NaN as in <cmath>.
//
// in and out are arrays of n values; they may be the same array, and may not overlap otherwise.
#pragma once

#include <cstddef>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE::math {

void exp(const double* in, double* out, std::ptrdiff_t n);
void tanh(const double* in, double* out, std::ptrdiff_t n);
void log1p(const double* in, double* out, std::ptrdiff_t n);    // log(1 + x) of finite x ≥ 0
void sigmoid(const double* in, double* out, std::ptrdiff_t n);  // 1/(1 + exp(−x))
void sin(const double* in, double* out, std::ptrdiff_t n);
void cos(const double* in, double* out, std::ptrdiff_t n);
void sincos(const double* in, double* sine, double* cosine, std::ptrdiff_t n);  // three arrays, for the price of one

}  // namespace STLFAST_NAMESPACE::math
