// The C++ competitors for Python's ctypes, each repeated k times, so that one interleaved run times everything.
//
// p: (3), as in problems.hpp. B initial values y0 (B, n), times t (N), answers y (B, n, N); all row-major and
// contiguous. Exact solutions are those of the linear problems, n = 2.
#include "cvode.hpp"
#include "exponential.hpp"

using bench::Equations;
using bench::Member;

namespace {

Member member(int equations, const double* p) { return {static_cast<Equations>(equations), {p[0], p[1], p[2]}}; }

}  // namespace

extern "C" {

const char* bench_flags() { return BENCH_FLAGS; }

void bench_rhs(int equations, const double* p, double t, const double* y, double* dy) {
    bench::rhs(member(equations, p), t, y, dy);
}

void bench_jacobian(int equations, const double* p, const double* y, double* J) {
    bench::jacobian(member(equations, p), y, J);
}

const char* cvode_version() { return bench::Cvode::version(); }

int cvode_repeat(long k, int equations, const double* p, const double* y0, long B, double rtol, double atol,
                 const double* t, long N, double* y) {
    static bench::Cvode two(2), three(3);
    const long n = bench::states(static_cast<Equations>(equations));
    auto& cvode = n == 2 ? two : three;
    bool good = true;
    while (k-- > 0)
        for (long i = 0; i < B; ++i)
            good = cvode.solve(member(equations, p), y0 + n * i, rtol, atol, t, N, y + n * N * i) && good;
    return good;
}

void exponential_repeat(long k, int equations, const double* p, const double* y0, long B, const double* t, long N,
                        double* y) {
    while (k-- > 0)
        for (long i = 0; i < B; ++i) bench::exponential(member(equations, p), y0 + 2 * i, t, N, y + 2 * N * i);
}

void table_repeat(long k, const double* table, const double* y0, long B, int forced, long N, double* y) {
    while (k-- > 0)
        for (long i = 0; i < B; ++i) bench::propagate(table, y0 + 2 * i, forced != 0, 2 * N, y + 2 * N * i);
}

}  // extern "C"
