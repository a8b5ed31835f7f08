// SUNDIALS' CVODE, BDF with the dense analytic Jacobian. Memory is allocated once; every solve reinitialises it.
#pragma once

#include <memory>

#include "problems.hpp"

namespace bench {

class Cvode {
  public:
    explicit Cvode(int n = 2);
    ~Cvode();

    // y (n, N) row-major at increasing times t (N), t[0] being where y0 (n) holds; between steps CVODE interpolates.
    // Returns false where CVODE gives up.
    bool solve(const Member& member, const double* y0, double rtol, double atol, const double* t, long N, double* y);

    long steps() const;  // of the last solve

    static const char* version();  // nullptr where this was built without SUNDIALS

  private:
    struct Memory;
    std::unique_ptr<Memory> memory_;
};

}  // namespace bench
