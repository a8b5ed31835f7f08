#include "stlfast/band.hpp"

#include <stdexcept>

#include "stlfast/assembly.hpp"
#include "stlfast/buffer.hpp"
#include "stlfast/chebyshev.hpp"
#include "stlfast/dense.hpp"
#include "stlfast/full_space.hpp"
#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

const Family& separable(const Family& family) {
    if (!family.separable())
        throw std::invalid_argument(
            "the system matrix is no sum of products of parameter and time functions, which a reduced basis needs: "
            "compile with reduced=False");
    return family;
}

}  // namespace

MatrixXd stacked(const MatrixXd& blocks, Index n) {
    const Index N = blocks.rows(), r = blocks.cols() / n;
    MatrixXd rows(n * N, r);
    for (Index i = 0; i < n; ++i) rows.middleRows(i * N, N) = blocks.middleCols(i * r, r);
    return rows;
}

BandOperators::BandOperators(const Band& band, const Family& family, const ForcingModes& modes, const Grids& grids)
    : band_(&band),
      family_(&separable(family)),
      modes_(&modes),
      grids_(&grids),
      r_(band.coefficients.cols() / family.n) {
    const Index n = family.n, D = band.coefficients.rows();
    if (r_ * n != band.coefficients.cols() || r_ == 0 || !band.coefficients.allFinite())
        throw std::invalid_argument("a band's coefficients must be finite, with a multiple of " + std::to_string(n) +
                                    " columns");
    MatrixXd T, dT;
    chebyshev::basis(VectorXd::Zero(1), D, band.tau, T);
    initial_ = stacked(T * band.coefficients, n);
    initial_right_ = initial_weight * initial_weight * initial_.transpose();
    chebyshev::basis(grids.certificate.x(), D, band.tau, T, &dT);
    check_ = stacked(T * band.coefficients, n);
    dcheck_ = stacked(dT * band.coefficients, n);
    assemble_operators();
}

void BandOperators::assemble_operators() {
    const Points& points = grids_->collocation;
    const Index n = family_->n, N = points.x.size(), K = modes_->size(), Q = family_->theta->n_outputs();
    MatrixXd T, dT;
    chebyshev::basis(points.x, band_->coefficients.rows(), band_->tau, T, &dT);
    const MatrixXd H = T * band_->coefficients, dH = dT * band_->coefficients;
    Trial trial{{}, r_};
    for (Index i = 0; i < n; ++i) trial.equations.push_back({H.middleCols(i * r_, r_), dH.middleCols(i * r_, r_), 0});

    Program::Workspace workspace;
    const VectorXd unused = VectorXd::Zero(family_->n_parameters());
    const bool varies = family_->parts->varies();
    MatrixXd parts(varies ? N : 1, Q * n * n);
    family_->parts->evaluate(points.x.head(parts.rows()), unused, parts, workspace);
    const VectorXd& x = grids_->certificate.x();
    parts_.resize(varies ? x.size() : 1, Q * n * n);
    family_->parts->evaluate(x.head(parts_.rows()), unused, parts_, workspace);

    rows_.push_back(derivative_rows(trial, points.weight));
    for (Index q = 0; q < Q; ++q)
        rows_.push_back(-system_rows(trial, parts.middleCols(q * n * n, n * n), points.weight));

    gram_.resize(dense::packed_size(r_), (Q + 1) * (Q + 2) / 2);
    Index pair = 0;
    for (Index q = 0; q <= Q; ++q)
        for (Index s = q; s <= Q; ++s, ++pair) {
            MatrixXd G = rows_[q].transpose() * rows_[s];
            if (s != q) G += G.transpose().eval();
            if (pair == 0) G += initial_right_ * initial_;
            gram_.col(pair) = dense::packed(G);
        }
    if (K == 0) return;
    const MatrixXd g = points.weight.asDiagonal() * modes_->g;
    forced_.resize(r_, (Q + 1) * n * K);
    for (Index q = 0, column = 0; q <= Q; ++q)
        for (Index i = 0; i < n; ++i, column += K)
            forced_.middleCols(column, K) = rows_[q].middleRows(i * N, N).transpose() * g;
}

void BandOperators::evaluate_theta(const ConstVector& parameters, Workspace& w) const {
    static const VectorXd origin = VectorXd::Zero(1);
    const Index Q = family_->theta->n_outputs();
    w.theta.resize(Q + 1);
    w.theta[0] = 1;
    family_->theta->evaluate(origin, parameters, Map<MatrixXd>(w.theta.data() + 1, 1, Q), w.program);
}

bool BandOperators::factor(const ConstVector& parameters, Workspace& w) const {
    evaluate_theta(parameters, w);
    w.pairs.resize(gram_.cols());
    for (Index q = 0, pair = 0; q < w.theta.size(); ++q)
        for (Index s = q; s < w.theta.size(); ++s, ++pair) w.pairs[pair] = w.theta[q] * w.theta[s];
    auto G = part(w.G, gram_.rows());
    dense::product(gram_, w.pairs, G);
    return dense::factor(G, r_);
}

void BandOperators::solve(const ConstVector& parameters, const Data& data, Vector c, Workspace& w) const {
    dense::product(initial_right_, data.y0, c);
    if (data.own_forcing && modes_->size() > 0) add_own_forcing(parameters, c, w);
    if (data.added.size() > 0) {
        const VectorXd added =
            weighted(data.added.topRows(grids_->collocation.x.size()), grids_->collocation.weight);
        for (Index q = 0; q < w.theta.size(); ++q) c.noalias() += w.theta[q] * (rows_[q].transpose() * added);
    }
    dense::solve(w.G.head(gram_.rows()), c);
}

void BandOperators::add_own_forcing(const ConstVector& parameters, Vector c, Workspace& w) const {
    const Index K = modes_->size(), n = family_->n;
    auto at_magic = part(w.at_magic, K, n), beta = part(w.beta, K, n);
    family_->b.evaluate(modes_->magic, parameters, at_magic, w.program);
    for (Index i = 0; i < n; ++i) dense::product(modes_->interpolate, at_magic.col(i), beta.col(i));
    auto sources = part(w.sources, forced_.cols());
    for (Index q = 0; q < w.theta.size(); ++q) sources.segment(q * K * n, K * n) = w.theta[q] * beta.reshaped();
    c.noalias() += forced_ * sources;
}

void BandOperators::certify(const ConstVector& parameters, const Data& data, const ConstVector& c, Vector bound,
                            Vector scale, Workspace& w) const {
    const Index n = family_->n, C = grids_->certificate.x().size();
    w.A.setZero(parts_.rows(), n * n);
    for (Index q = 1; q < w.theta.size(); ++q) w.A += w.theta[q] * parts_.middleCols((q - 1) * n * n, n * n);
    const bool forced = data.own_forcing && modes_->size() > 0;
    if (forced) {
        w.b.resize(C, n);
        family_->b.evaluate(grids_->certificate.x(), parameters, w.b, w.program);
    }
    w.start.resize(n), w.values.resize(n * C), w.derivatives.resize(n * C);
    dense::product(initial_, c, w.start);
    dense::product(check_, c, w.values);
    dense::product(dcheck_, c, w.derivatives);
    const Map<const MatrixXd> y(w.values.data(), C, n), dy(w.derivatives.data(), C, n);
    for (Index i = 0; i < n; ++i) scale[i] = y.col(i).cwiseAbs().maxCoeff();
    defect(w.A, y, dy, forced ? &w.b : nullptr, w.start, data.y0, w.defect);
    grids_->certificate.bound(w.A, w.defect, bound, w.certificate);
    bound += rounding * scale;
}

}  // namespace STLFAST_NAMESPACE
