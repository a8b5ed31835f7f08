// The namespace that stlfast's names live in, for a program `stlfast` all the same.
//
// Eigen allocates and aligns memory differently where AVX is enabled, so that code compiled with and without it, by
// -march=native for instance, must not hand each other matrices. The library is therefore compiled both ways, into two
// namespaces, and the flags of the program that includes this header choose which one it links.
#pragma once

#if defined(__AVX2__) && defined(__FMA__)
#define STLFAST_NAMESPACE stlfast_v3  // x86-64-v3, and all that has more
#elif defined(__AVX__)
#error "stlfast is compiled for processors without AVX and for those with AVX2 and FMA: add -mavx2 -mfma, or drop -mavx"
#else
#define STLFAST_NAMESPACE stlfast_baseline
#endif

namespace STLFAST_NAMESPACE {}
namespace stlfast = STLFAST_NAMESPACE;
