#include "stlfast/dense.hpp"

#include <algorithm>
#include <cmath>
#include <complex>

namespace STLFAST_NAMESPACE::dense {

using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXcd;
using Eigen::VectorXd;

namespace {

// y −= a f or y += a f for four columns a at once, which loads and stores y a quarter as often.
inline void subtract(double* __restrict y, const double* a, double f, Index n) {
    for (Index i = 0; i < n; ++i) y[i] -= a[i] * f;
}

inline void subtract(double* __restrict y, const double* const a[4], const double f[4], Index n) {
    const double *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
    const double f0 = f[0], f1 = f[1], f2 = f[2], f3 = f[3];
    for (Index i = 0; i < n; ++i) y[i] -= (a0[i] * f0 + a1[i] * f1) + (a2[i] * f2 + a3[i] * f3);
}

inline void add(double* __restrict y, const double* a, Index stride, const double* f, Index n) {
    const double *a0 = a, *a1 = a + stride, *a2 = a1 + stride, *a3 = a2 + stride;
    const double f0 = f[0], f1 = f[1], f2 = f[2], f3 = f[3];
    for (Index i = 0; i < n; ++i) y[i] += (a0[i] * f0 + a1[i] * f1) + (a2[i] * f2 + a3[i] * f3);
}

// In four interleaved sums, which is what vectors of two or four lanes make of it too.
inline double dot(const double* a, const double* b, Index n) {
    double sum[4] = {0, 0, 0, 0};
    Index i = 0;
    for (; i + 4 <= n; i += 4)
        for (Index lane = 0; lane < 4; ++lane) sum[lane] += a[i + lane] * b[i + lane];
    double rest = 0;
    for (; i < n; ++i) rest += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]) + rest;
}

constexpr Index tile_rows = 8;
using Tile = Eigen::Array<double, tile_rows, 1>;

template <int M>
void tiled_product(const double* entries, Index rows, Index cols, const double* const* v, double* const* y) {
    for (Index i = 0; i < rows; i += tile_rows) {
        Tile sum[M];
        for (int m = 0; m < M; ++m) sum[m].setZero();
        for (Index k = 0; k < cols; ++k, entries += tile_rows) {
            const Eigen::Map<const Tile> column(entries);
            for (int m = 0; m < M; ++m) sum[m] += column * v[m][k];
        }
        const Index count = std::min(tile_rows, rows - i);
        for (int m = 0; m < M; ++m)
            if (count == tile_rows)
                Eigen::Map<Tile>(y[m] + i) = sum[m];
            else
                std::copy_n(sum[m].data(), count, y[m] + i);
    }
}

}  // namespace

VectorXd packed(const MatrixXd& G) {
    const Index r = G.rows();
    VectorXd result(packed_size(r));
    for (Index j = 0, at = 0; j < r; at += r - j, ++j) result.segment(at, r - j) = G.col(j).tail(r - j);
    return result;
}

bool factor(Vector G, Index r) {
    double* column = G.data();
    for (Index j = 0; j < r; column += r - j, ++j) {
        const Index n = r - j;
        const double* left = G.data() + j;  // row j of column k, from which that column continues below
        Index k = 0;
        for (; k + 4 <= j; k += 4) {
            const double* a[4];
            double f[4];
            for (Index c = 0; c < 4; ++c) a[c] = left, f[c] = *left, left += r - k - c - 1;
            subtract(column, a, f, n);
        }
        for (; k < j; ++k) {
            subtract(column, left, *left, n);
            left += r - k - 1;
        }
        if (!(column[0] > 0)) return false;
        const double inverse = 1 / std::sqrt(column[0]);
        column[0] = inverse;
        for (Index i = 1; i < n; ++i) column[i] *= inverse;
    }
    return true;
}

void solve(const ConstVector& L, Vector x) {
    const Index r = x.size();
    const double* column = L.data();
    for (Index j = 0; j < r; column += r - j, ++j) {
        x[j] *= column[0];
        subtract(x.data() + j + 1, column + 1, x[j], r - j - 1);
    }
    for (Index j = r - 1; j >= 0; --j) {
        column -= r - j;
        x[j] = (x[j] - dot(column + 1, x.data() + j + 1, r - j - 1)) * column[0];
    }
}

bool factor(Eigen::Ref<MatrixXcd> G) {
    const Index r = G.rows();
    for (Index j = 0; j < r; ++j) {
        auto column = G.col(j).tail(r - j);
        for (Index k = 0; k < j; ++k) column -= std::conj(G(j, k)) * G.col(k).tail(r - j);
        const double pivot = G(j, j).real();
        if (!(pivot > 0)) return false;
        column /= std::sqrt(pivot);
    }
    return true;
}

void solve(const Eigen::Ref<const MatrixXcd>& L, Eigen::Ref<VectorXcd> x) {
    const Index r = x.size();
    for (Index j = 0; j < r; ++j) {
        x[j] /= L(j, j).real();
        x.tail(r - j - 1) -= x[j] * L.col(j).tail(r - j - 1);
    }
    for (Index j = r - 1; j >= 0; --j) x[j] = (x[j] - L.col(j).tail(r - j - 1).dot(x.tail(r - j - 1))) / L(j, j).real();
}

void product(const Eigen::Ref<const MatrixXd>& M, const ConstVector& v, Vector y) {
    const Index K = M.cols();
    const auto column = [&](Index k) { return M.col(k) * v[k]; };
    Index k = K % 4;
    if (k == 1)
        y = column(0);
    else if (k == 2)
        y = column(0) + column(1);
    else if (k == 3)
        y = column(0) + column(1) + column(2);
    else if (K > 0)
        y = (column(0) + column(1)) + (column(2) + column(3)), k = 4;
    else
        y.setZero();
    for (; k < K; k += 4) add(y.data(), M.col(k).data(), M.outerStride(), v.data() + k, M.rows());
}

MatrixXd product(const Eigen::Ref<const MatrixXd>& A, const Eigen::Ref<const MatrixXd>& B) {
    MatrixXd result(A.rows(), B.cols());
    for (Index j = 0; j < B.cols(); ++j) product(A, B.col(j), result.col(j));
    return result;
}

Tiles::Tiles(const Eigen::Ref<const MatrixXd>& M) : rows_(M.rows()), cols_(M.cols()) {
    const Index tiles = (rows_ + tile_rows - 1) / tile_rows;
    entries_.setZero(tiles * tile_rows * cols_);
    for (Index i = 0; i < rows_; ++i)
        for (Index k = 0; k < cols_; ++k) entries_[(i / tile_rows * cols_ + k) * tile_rows + i % tile_rows] = M(i, k);
}

void Tiles::product(const double* v, double* y) const { tiled_product<1>(entries_.data(), rows_, cols_, &v, &y); }

void Tiles::product(const double* const* v, double* const* y, Index count) const {
    Index m = 0;
    for (; m + 4 <= count; m += 4) tiled_product<4>(entries_.data(), rows_, cols_, v + m, y + m);
    for (; m < count; ++m) product(v[m], y[m]);
}

}  // namespace STLFAST_NAMESPACE::dense
