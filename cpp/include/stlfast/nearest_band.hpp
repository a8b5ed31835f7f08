// Which of the bands of a model answers for a member, where bands are boxes of the parameters that overlap.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// The band with low and high (P) that holds the parameters most centrally, in logarithms where they are positive; −1
// where none holds them.
template <class AnyBand>
Eigen::Index nearest_band(const std::vector<AnyBand>& bands, const double* parameters) {
    Eigen::Index nearest = -1;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < bands.size(); ++k) {
        const AnyBand& band = bands[k];
        double distance = 0;
        for (Eigen::Index i = 0; i < band.low.size(); ++i) {
            const double p = parameters[i], low = band.low[i], high = band.high[i];
            if (!(p >= low && p <= high)) {
                distance = std::numeric_limits<double>::infinity();
                break;
            }
            if (low == high) continue;
            const double u = low > 0 ? std::log(p / low) / std::log(high / low) : (p - low) / (high - low);
            distance = std::max(distance, std::abs(u - 0.5));
        }
        if (distance < least) least = distance, nearest = Eigen::Index(k);
    }
    return nearest;
}

}  // namespace STLFAST_NAMESPACE
