// Products of sizes that a file states, before anything of such a size is allocated.
#pragma once

#include <Eigen/Core>
#include <initializer_list>
#include <limits>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// The product, or the largest number where that overflows, which is the size of no array.
inline Eigen::Index product_of(std::initializer_list<Eigen::Index> sizes) {
    constexpr Eigen::Index most = std::numeric_limits<Eigen::Index>::max();
    Eigen::Index product = 1;
    for (const Eigen::Index size : sizes) {
        if (size > 0 && product > most / size) return most;
        product *= size;
    }
    return product;
}

}  // namespace STLFAST_NAMESPACE
