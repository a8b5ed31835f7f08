#if defined(BENCH_SUNDIALS) || defined(BENCH_SUNDIALS_LINES)

#include "sundials_vectors.hpp"

#include <nvector/nvector_serial.h>

#include <cmath>

namespace bench {

namespace {

// Vectors of one call may be the same.
void linear_sum(realtype a, N_Vector x, realtype b, N_Vector y, N_Vector z) {
    const double *from = NV_DATA_S(x), *and_from = NV_DATA_S(y);
    double* to = NV_DATA_S(z);
    const long n = NV_LENGTH_S(x);
#pragma GCC ivdep
    for (long i = 0; i < n; ++i) to[i] = a * from[i] + b * and_from[i];
}

void scale(realtype a, N_Vector x, N_Vector z) {
    const double* from = NV_DATA_S(x);
    double* to = NV_DATA_S(z);
    const long n = NV_LENGTH_S(x);
#pragma GCC ivdep
    for (long i = 0; i < n; ++i) to[i] = a * from[i];
}

realtype weighted_norm(N_Vector x, N_Vector w) {
    const double *value = NV_DATA_S(x), *weight = NV_DATA_S(w);
    const long n = NV_LENGTH_S(x);
    double sum[4] = {};
    long i = 0;
    for (; i + 4 <= n; i += 4)
        for (int l = 0; l < 4; ++l) sum[l] += value[i + l] * weight[i + l] * value[i + l] * weight[i + l];
    for (; i < n; ++i) sum[0] += value[i] * weight[i] * value[i] * weight[i];
    return std::sqrt((sum[0] + sum[1] + sum[2] + sum[3]) / double(n));
}

int linear_combination(int count, realtype* c, N_Vector* x, N_Vector z) {
    double* to = NV_DATA_S(z);
    const long n = NV_LENGTH_S(z);
    const double* first = NV_DATA_S(x[0]);
#pragma GCC ivdep
    for (long i = 0; i < n; ++i) to[i] = c[0] * first[i];
    for (int k = 1; k < count; ++k) {
        const double* from = NV_DATA_S(x[k]);
        const double w = c[k];
#pragma GCC ivdep
        for (long i = 0; i < n; ++i) to[i] += w * from[i];
    }
    return 0;
}

int scale_add_multi(int count, realtype* a, N_Vector x, N_Vector* y, N_Vector* z) {
    for (int k = 0; k < count; ++k) linear_sum(a[k], x, 1, y[k], z[k]);
    return 0;
}

}  // namespace

void use_compiled_operations(N_Vector v) {
    v->ops->nvlinearsum = linear_sum;
    v->ops->nvscale = scale;
    v->ops->nvwrmsnorm = weighted_norm;
    v->ops->nvlinearcombination = linear_combination;
    v->ops->nvscaleaddmulti = scale_add_multi;
}

}  // namespace bench

#endif
