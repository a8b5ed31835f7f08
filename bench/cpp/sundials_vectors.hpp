// SUNDIALS' serial vectors with the operations on which solvers spend their time compiled as this program is:
// distributions compile them for any processor.
#pragma once

#include <sundials/sundials_nvector.h>

namespace bench {

void use_compiled_operations(N_Vector v);  // v is serial; vectors cloned from it later have them too

}  // namespace bench
