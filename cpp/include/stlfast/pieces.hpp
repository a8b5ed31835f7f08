// A function of time made of cubic polynomials, from tabulated values: n components, K pieces.
#pragma once

#include <Eigen/Core>
#include <algorithm>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

struct Pieces {
    Eigen::VectorXd knots;         // (K) where the pieces begin, increasing; the first and the last go on beyond them
    Eigen::MatrixXd coefficients;  // (4 n, K): of powers 0 … 3 of x − knot, one power after the other

    // values (S, n) at x (S)
    void evaluate(const Eigen::VectorXd& x, Eigen::MatrixXd& values) const {
        const Eigen::Index n = coefficients.rows() / 4;
        values.resize(x.size(), n);
        for (Eigen::Index q = 0; q < x.size(); ++q) {
            const auto after = std::upper_bound(knots.data(), knots.data() + knots.size(), x[q]) - knots.data();
            const Eigen::Index k = std::max<Eigen::Index>(after - 1, 0);
            const double d = x[q] - knots[k];
            const auto c = [&](Eigen::Index power) { return coefficients.col(k).segment(power * n, n); };
            values.row(q) = (c(0) + d * (c(1) + d * (c(2) + d * c(3)))).transpose();
        }
    }
};

}  // namespace STLFAST_NAMESPACE
