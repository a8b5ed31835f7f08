#include "stlfast/field_band.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "stlfast/buffer.hpp"
#include "stlfast/decompositions.hpp"
#include "stlfast/sizes.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// (e^{a h} − 1)/a, what a unit source leaves after a time h.
double grown(double a, double h) { return std::abs(a * h) < 1e-8 ? h : std::expm1(a * h) / a; }

}  // namespace

FieldOperators::FieldOperators(const FieldBand& band, const FieldPoints& points, Index n, Index P, Index V)
    : band_(&band), points_(&points), n_(n), r_(band.core.cols()), M_(points.weight.size()), V_(V) {
    const auto refuse = [](const std::string& what) { throw std::invalid_argument("a field band's " + what); };
    const Index C = product_of({points.check_times.size(), points.check_spaces}), pairs = (V + 1) * (V + 2) / 2;
    if (band.low.size() != P || band.high.size() != P || !(band.low.array() <= band.high.array()).all())
        refuse("low and high must be P increasing pairs");
    if (band.centre.size() != V) refuse("centre must have V entries");
    if (band.space.size() == 0 || band.time.size() == 0 || r_ == 0) refuse("space, time and core must not be empty");
    if (band.core.rows() != product_of({n, band.space.cols(), band.time.cols()})) refuse("core must be (n q p, r)");
    if (band.gram.rows() != dense::packed_size(r_) || band.gram.cols() != pairs)
        refuse("gram must be (r (r + 1)/2, " + std::to_string(pairs) + ")");
    if (band.right.rows() != r_ || band.right.cols() != product_of({n, M_})) refuse("right must be (r, n M)");
    if (band.checks.rows() != product_of({V + 1, n, C}) || band.checks.cols() != r_)
        refuse("checks must be ((V + 1) n C, r)");
    if (band.reaction.rows() < 1 || band.reaction.cols() != product_of({V + 1, n, n}))
        refuse("reaction must be (samples, (V + 1) n²)");
    if (!(band.tau > 0) || !std::isfinite(band.tau)) refuse("tau must be positive");
    for (const MatrixXd* const m : {&band.space, &band.time, &band.core, &band.gram, &band.right, &band.checks})
        if (!m->allFinite()) refuse("numbers must be finite");
    MatrixXd missing = band.right.transpose();
    for (Index i = 0; i < n; ++i)
        for (Index k = 0; k < M_; ++k) missing.row(i * M_ + k) /= points.weight[k] * points.weight[k];
    right_ = dense::Tiles(band.right), missing_ = dense::Tiles(missing), checks_ = dense::Tiles(band.checks);
    order_.resize(std::size_t(M_));
    std::iota(order_.begin(), order_.end(), Index(0));
    std::stable_sort(order_.begin(), order_.end(), [&](Index a, Index b) { return points.time[a] < points.time[b]; });
}

bool FieldOperators::factor(const VectorXd& theta, Member& member, Workspace& w) const {
    member.delta.resize(V_ + 1);
    member.delta[0] = 1;
    member.delta.tail(V_) = theta - band_->centre;
    auto pairs = part(w.factors, band_->gram.cols());
    Index pair = 0;
    for (Index q = 0; q <= V_; ++q)
        for (Index s = q; s <= V_; ++s) pairs[pair++] = (q == s ? 1 : 2) * member.delta[q] * member.delta[s];
    member.gram.resize(r_, r_);
    Index first = 0;
    for (Index j = 0; j < r_; ++j) {
        const Index count = r_ - j;
        auto column = member.gram.col(j).tail(count);
        column = pairs[0] * band_->gram.col(0).segment(first, count);
        for (Index k = 1; k < pairs.size(); ++k) column += pairs[k] * band_->gram.col(k).segment(first, count);
        first += count;
    }
    decompose(member.factors, member.gram);
    return member.factors.info() == Eigen::Success;
}

void FieldOperators::solve(const Member& member, const double* data, double* c) const {
    right_.product(data, c);
    Map<VectorXd> unknowns(c, r_);
    solve_in_place(member.factors, unknowns);
}

double FieldOperators::growth(const Member& member) const {
    double largest = -std::numeric_limits<double>::infinity();
    for (Index sample = 0; sample < band_->reaction.rows(); ++sample)
        for (Index i = 0; i < n_; ++i) {
            double norm = 0;
            for (Index j = 0; j < n_; ++j) {
                double factor = 0;
                for (Index q = 0; q <= V_; ++q)
                    factor += member.delta[q] * band_->reaction(sample, (q * n_ + i) * n_ + j);
                norm += i == j ? factor : std::abs(factor);
            }
            largest = std::max(largest, norm);
        }
    return largest;
}

void FieldOperators::estimate(const Member& member, const double* data, const double* c, double* largest,
                              Workspace& w) const {
    const Index C_t = points_->check_times.size(), C_z = points_->check_spaces, C = C_t * C_z;
    auto rows = part(w.rows, (V_ + 1) * n_ * C), mismatch = part(w.mismatch, n_ * M_);
    auto residual = part(w.residual, n_ * C);
    checks_.product(c, rows.data());
    residual = rows.head(n_ * C);
    for (Index q = 1; q <= V_; ++q) residual += member.delta[q] * rows.segment(q * n_ * C, n_ * C);
    missing_.product(c, mismatch.data());
    mismatch = (Map<const VectorXd>(data, n_ * M_) - mismatch).cwiseAbs();

    // The largest error of any field at the check times, one after the other; data enter at their own times.
    const double a = growth(member);
    std::size_t next = 0;
    double error = 0, before = 0;
    std::fill_n(largest, n_, 0.0);
    if (!std::isfinite(residual.sum() + mismatch.sum()))  // of which std::max would know nothing
        return void(std::fill_n(largest, n_, std::numeric_limits<double>::infinity()));
    for (Index k = 0; k < C_t; ++k) {
        double source = 0, entering = 0;
        for (Index i = 0; i < n_; ++i)
            source = std::max(source, residual.segment(i * C + k * C_z, C_z).cwiseAbs().maxCoeff());
        for (; next < order_.size() && points_->time[order_[next]] <= points_->check_times[k]; ++next)
            for (Index i = 0; i < n_; ++i) entering = std::max(entering, mismatch[i * M_ + order_[next]]);
        if (k > 0) {
            const double h = points_->check_times[k] - points_->check_times[k - 1];
            error = std::exp(a * h) * error + grown(a, h) * 0.5 * (source + before);
        }
        before = source;
        error = std::max(error, entering);
        for (Index i = 0; i < n_; ++i) largest[i] = std::max(largest[i], error);
    }
}

}  // namespace STLFAST_NAMESPACE
