#include "stlfast/stage_systems.hpp"

#include <algorithm>
#include <utility>

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr int lanes = 4;
constexpr int powers = 4, most_powers = 24;
constexpr double growing = 1.05;  // of a vector, in so many powers
constexpr Index most_dense = 4;   // unknowns up to which all entries are taken, with loops that the compiler unrolls

}  // namespace

Combination::Combination(const MatrixXd& M) : count_(int(M.cols())) {
    for (int k = 0; k < count_; ++k)
        for (int q = 0; q < stored_points; ++q) columns_[std::size_t(k)][q] = M(std::min(q, int(M.rows()) - 1), k);
}

StageSystems::Split::Split(const RadauPoints& points) : s(int(points.size())) {
    const Index L = points.eigenvalues().size();
    for (Index l = 0; l < lanes; ++l) {  // lanes to spare repeat the real system, with nothing on its right
        const bool spare = l >= L, complex = !spare && l > 0;
        const Index at = complex ? 2 * l - 1 : 0;
        lambda_re[l] = points.eigenvalues()[spare ? 0 : l].real();
        lambda_im[l] = points.eigenvalues()[spare ? 0 : l].imag();
        for (int q = 0; q < stored_points; ++q) {
            const auto k = std::size_t(q), lane = std::size_t(l);
            inverse_re[k][l] = spare || q >= s ? 0 : points.inverse_vectors()(at, q);
            inverse_im[k][l] = !complex || q >= s ? 0 : points.inverse_vectors()(at + 1, q);
            vectors_re[lane][q] = spare ? 0 : points.vectors()(std::min(q, s - 1), at);
            vectors_im[lane][q] = complex ? points.vectors()(std::min(q, s - 1), at + 1) : 0;
        }
    }
}

void StageSystems::factor(const Split& split, const MatrixXd& J, double H, Index lower, Index upper) {
    split_ = &split, n_ = J.rows();
    banded_ = 2 * lower + upper + 1 < n_, dense_ = !banded_ && n_ <= most_dense;
    lower_ = banded_ ? lower : n_ - 1, upper_ = banded_ ? upper : n_ - 1;
    height_ = banded_ ? 2 * lower_ + upper_ + 1 : n_;
    entries_.resize(std::size_t(n_ * height_)), right_.resize(std::size_t(n_)), pivots_.resize(std::size_t(n_));
    if (banded_) std::fill(entries_.begin(), entries_.end(), Complex{Lane::Zero(), Lane::Zero()});
    for (Index j = 0; j < n_; ++j) {
        Complex* const a = column(j);
        const Index end = std::min(j + lower_ + 1, n_);
        for (Index i = std::max<Index>(j - upper_, 0); i < end; ++i)
            a[i].re.setConstant(-H * J(i, j)), a[i].im.setZero();
        a[j].re += split.lambda_re, a[j].im = split.lambda_im;
    }
    eliminate();
}

// Unit lower triangle, then the upper one with inverse pivots. Rows change places from the pivot's column on, in dense
// systems in all columns.
void StageSystems::eliminate() {
    const auto is_zero = [](const Complex& a) { return (a.re == 0).all() && (a.im == 0).all(); };
    above_.clear(), below_.clear(), above_begin_.assign(1, 0), below_begin_.assign(1, 0);
    for (Index k = 0; k < n_; ++k) {
        Complex* const own = column(k);
        const Index end = std::min(k + lower_ + 1, n_), columns = std::min(k + lower_ + upper_ + 1, n_);
        for (Index i = std::max<Index>(banded_ ? k - lower_ - upper_ : 0, 0); i < k; ++i)
            if (!is_zero(own[i])) above_.push_back(int(i));
        double largest = -1;
        Index at = k;
        for (Index i = k; i < end; ++i) {
            if (own[i].re[0] == 0) continue;  // the real system's, in which nothing but 0 is 0
            const double size = (own[i].re.square() + own[i].im.square()).minCoeff();
            if (size > largest) largest = size, at = i;
        }
        pivots_[std::size_t(k)] = at;
        if (at != k)
            for (Index j = dense_ ? 0 : k; j < columns; ++j) std::swap(column(j)[k], column(j)[at]);
        const Lane inverse = (own[k].re.square() + own[k].im.square()).inverse();
        own[k].re *= inverse, own[k].im *= -inverse;
        const Complex pivot = own[k];
        for (Index i = k + 1; i < end; ++i) {
            if (is_zero(own[i])) continue;
            below_.push_back(int(i));
            own[i] = {own[i].re * pivot.re - own[i].im * pivot.im, own[i].re * pivot.im + own[i].im * pivot.re};
        }
        const int *const first = below_.data() + below_begin_.back(), *const last = below_.data() + below_.size();
        for (Index j = k + 1; j < columns; ++j) {
            Complex* const a = column(j);
            const Complex u = a[k];
            if (is_zero(u)) continue;
            for (const int* i = first; i < last; ++i) {
                a[*i].re -= own[*i].re * u.re - own[*i].im * u.im;
                a[*i].im -= own[*i].re * u.im + own[*i].im * u.re;
            }
        }
        above_begin_.push_back(int(above_.size())), below_begin_.push_back(int(below_.size()));
    }
}

template <int n>
void StageSystems::substitute_dense(Complex* x) const {
    Complex v[n];
    for (int k = 0; k < n; ++k)
        if (const Index at = pivots_[std::size_t(k)]; at != k) std::swap(x[k], x[at]);
    std::copy_n(x, n, v);
    const auto subtract = [](Complex& from, const Complex& a, const Complex& b) {
        from.re -= a.re * b.re - a.im * b.im;
        from.im -= a.re * b.im + a.im * b.re;
    };
    for (int k = 0; k < n; ++k)
        for (int i = k + 1; i < n; ++i) subtract(v[i], entries_[std::size_t(k * n + i)], v[k]);
    for (int k = n - 1; k >= 0; --k) {
        const Complex* const a = entries_.data() + k * n;
        v[k] = {v[k].re * a[k].re - v[k].im * a[k].im, v[k].re * a[k].im + v[k].im * a[k].re};
        for (int i = 0; i < k; ++i) subtract(v[i], a[i], v[k]);
    }
    std::copy_n(v, n, x);
}

void StageSystems::substitute(Complex* x) const {
    if (dense_ && n_ == 1) return substitute_dense<1>(x);
    if (dense_ && n_ == 2) return substitute_dense<2>(x);
    if (dense_ && n_ == 3) return substitute_dense<3>(x);
    if (dense_ && n_ == 4) return substitute_dense<4>(x);
    const auto subtract = [&](const Complex* a, const Complex& value, const std::vector<int>& rows, int begin,
                              int end) {
        for (int r = begin; r < end; ++r) {
            const int i = rows[std::size_t(r)];
            x[i].re -= a[i].re * value.re - a[i].im * value.im;
            x[i].im -= a[i].re * value.im + a[i].im * value.re;
        }
    };
    for (Index k = 0; k < n_; ++k) {
        const auto at = std::size_t(k);
        if (pivots_[at] != k) std::swap(x[k], x[pivots_[at]]);
        subtract(column(k), Complex(x[k]), below_, below_begin_[at], below_begin_[at + 1]);
    }
    for (Index k = n_ - 1; k >= 0; --k) {
        const Complex* const a = column(k);
        const auto at = std::size_t(k);
        const Complex value{x[k].re * a[k].re - x[k].im * a[k].im, x[k].re * a[k].im + x[k].im * a[k].re};
        x[k] = value;
        subtract(a, value, above_, above_begin_[at], above_begin_[at + 1]);
    }
}

void StageSystems::solve(Stages& R) {
    Complex* const x = right_.data();
    const auto s = std::size_t(split_->s);
    for (Index j = 0; j < n_; ++j) {
        Lane re = Lane::Zero(), im = Lane::Zero();
        for (std::size_t q = 0; q < s; ++q) {
            const double value = R(Index(q), j);
            re += split_->inverse_re[q] * value, im += split_->inverse_im[q] * value;
        }
        x[j] = {re, im};
    }
    substitute(x);
    for (Index j = 0; j < n_; ++j) {
        AtPoints even = split_->vectors_re[0] * x[j].re[0], odd = split_->vectors_re[1] * x[j].re[1];
        even += split_->vectors_re[2] * x[j].re[2], odd += split_->vectors_re[3] * x[j].re[3];
        for (std::size_t l = 1; l < lanes; ++l) (l % 2 ? odd : even) += split_->vectors_im[l] * x[j].im[Index(l)];
        R.col(j) = even + odd;
    }
}

bool StageSystems::may_grow(double growth, const VectorXd& scale) {
    const Lane factor = 2 * (split_->lambda_re - growth);
    Complex* const x = right_.data();
    vector_.resize(std::size_t(n_));
    for (Index i = 0; i < n_; ++i)  // some vector without a structure
        vector_[std::size_t(i)] = {Lane::Constant(scale[i] * (0.5 + double((i * 7919 + 12345) % 1009) / 1009)),
                                   Lane::Zero()};
    Lane before = Lane::Zero(), size = Lane::Zero();
    for (int power = 1; power <= most_powers; ++power) {
        std::copy(vector_.begin(), vector_.end(), x);
        substitute(x);
        size.setZero();
        for (Index i = 0; i < n_; ++i) {
            Complex& each = vector_[std::size_t(i)];
            each.re = factor * x[i].re - each.re, each.im = factor * x[i].im - each.im;
            size = size.max((each.re.square() + each.im.square()) / (scale[i] * scale[i]));
        }
        if (power % powers != 0) continue;
        if (power > powers && (size <= growing * growing * before).all()) return false;
        before = size;
    }
    return true;
}

}  // namespace STLFAST_NAMESPACE
