// SUNDIALS' ARKODE: Kværnø's ESDIRK method of order 5 with the dense analytic Jacobian, or Dormand and Prince's
// explicit one. Memory is allocated once; every solve reinitialises it.
#pragma once

#include <memory>

#include "problems.hpp"

namespace bench {

class Arkode {
  public:
    enum class Method { kvaerno, dormand_prince };

    Arkode(Method method, Equations equations);  // for members of these alone
    ~Arkode();

    // The number of steps, as bench::dopri5.
    long solve(const Member& member, const double* y0, double rtol, double atol, const double* t, long N,
               long most_steps, double* y);

    static const char* version();  // nullptr where this was built without SUNDIALS

  private:
    struct Memory;
    std::unique_ptr<Memory> memory_;
};

}  // namespace bench
