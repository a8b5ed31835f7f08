// Memory of a workspace: allocated when first needed, never shrunk, so that a loop of solves allocates nothing.
#pragma once

#include <Eigen/Core>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// The first entries of a buffer, which grows where it is too short. What they held before is undefined.
inline Eigen::Map<Eigen::VectorXd> part(Eigen::VectorXd& buffer, Eigen::Index size) {
    if (buffer.size() < size) buffer.resize(size);
    return {buffer.data(), size};
}

inline Eigen::Map<Eigen::MatrixXd> part(Eigen::VectorXd& buffer, Eigen::Index rows, Eigen::Index columns) {
    return {part(buffer, rows * columns).data(), rows, columns};
}

}  // namespace STLFAST_NAMESPACE
