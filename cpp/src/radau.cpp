#include "stlfast/radau.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "stlfast/decompositions.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXcd;
using Eigen::VectorXd;

namespace {

// The s Radau points on (0, 1]: 1, and the zeros of the Jacobi polynomial P^(1, 0) of degree s − 1, which are the
// eigenvalues of its recurrence.
VectorXd radau_points(Index s) {
    VectorXd diagonal(s - 1), side(std::max<Index>(s - 2, 0));
    for (Index k = 0; k < s - 1; ++k) diagonal[k] = -1.0 / double((2 * k + 1) * (2 * k + 3));
    for (Index k = 1; k < s - 1; ++k) side[k - 1] = std::sqrt(double(k * (k + 1))) / double(2 * k + 1);
    VectorXd c(s);
    c << 0.5 * (eigenvalues(diagonal, side).array() + 1), 1.0;
    return c;
}

}  // namespace

RadauPoints::RadauPoints(Index s) : c_(s + 1), weight_(s + 1) {
    c_ << 0.0, radau_points(s);
    for (Index j = 0; j <= s; ++j) {
        weight_[j] = 1;
        for (Index k = 0; k <= s; ++k)
            if (k != j) weight_[j] /= 4 * (c_[j] - c_[k]);  // 4: the capacity of [0, 1] is 1/4
    }
    MatrixXd all = MatrixXd::Zero(s + 1, s + 1);
    for (Index i = 0; i <= s; ++i)
        for (Index j = 0; j <= s; ++j)
            if (i != j) {
                all(i, j) = weight_[j] / weight_[i] / (c_[i] - c_[j]);
                all(i, i) -= all(i, j);
            }
    D_ = all.bottomRows(s);
    split();
}

// The eigenvectors are the values of polynomials p with p(0) = 0 whose p' − λ p vanishes at the points, as
// π = ∏ (x − c_k) does: p = Σ_j π^(j)/λ^(j + 1).
void RadauPoints::split() {
    const Index s = size();
    const VectorXcd all = stlfast::eigenvalues(MatrixXd(D_.rightCols(s)));
    std::vector<std::complex<double>> upper;
    for (Index k = 0; k < s; ++k)
        if (all[k].imag() >= 0) upper.push_back(all[k]);
    std::sort(upper.begin(), upper.end(), [](auto a, auto b) { return a.imag() < b.imag(); });
    eigenvalues_ = Eigen::Map<const VectorXcd>(upper.data(), Index(upper.size()));
    VectorXd node = VectorXd::Unit(s + 1, 0);  // π in powers of x
    for (Index k = 1; k <= s; ++k)
        for (Index j = k; j >= 0; --j) node[j] = (j > 0 ? node[j - 1] : 0) - c_[k] * node[j];
    vectors_.resize(s, s);
    for (Index l = 0; l < eigenvalues_.size(); ++l) {
        const std::complex<double> lambda = eigenvalues_[l];
        VectorXcd v = VectorXcd::Zero(s);
        VectorXd derivative = node;
        for (Index j = 0; j <= s; ++j) {
            for (Index q = 0; q < s; ++q) {
                double value = 0;
                for (Index i = s - j; i >= 0; --i) value = value * c_[q + 1] + derivative[i];
                v[q] += value / std::pow(lambda, double(j + 1));
            }
            for (Index i = 0; i < s - j; ++i) derivative[i] = double(i + 1) * derivative[i + 1];
        }
        double largest = 0;
        for (Index q = 0; q < s; ++q) largest = std::max(largest, std::abs(v[q]));
        if (l == 0) {
            vectors_.col(0) = v.real() / largest;
        } else {
            vectors_.col(2 * l - 1) = 2 / largest * v.real();
            vectors_.col(2 * l) = -2 / largest * v.imag();
        }
    }
    inverse_vectors_ = inverse(vectors_).matrix;
}

void RadauPoints::interpolate(const VectorXd& x, MatrixXd& values, MatrixXd* derivatives) const {
    const Index M = c_.size();
    values.resize(x.size(), M);
    for (Index q = 0; q < x.size(); ++q) {
        Index at;
        const double nearest = (c_.array() - x[q]).abs().minCoeff(&at);
        if (nearest == 0) {
            values.row(q) = VectorXd::Unit(M, at);
        } else {
            values.row(q) = (weight_.array() / (x[q] - c_.array())).transpose();
            values.row(q) /= values.row(q).sum();
        }
    }
    if (!derivatives) return;
    // The derivative is a polynomial of lower degree: that through its values at the points and at 0.
    MatrixXd slopes(M, M);
    slopes.bottomRows(M - 1) = D_;
    for (Index j = 1; j < M; ++j) slopes(0, j) = weight_[j] / weight_[0] / (c_[0] - c_[j]);
    slopes(0, 0) = -slopes.row(0).tail(M - 1).sum();
    *derivatives = values * slopes;
}

}  // namespace STLFAST_NAMESPACE
