#include "stlfast/band.hpp"

#include <limits>
#include <stdexcept>

#include "stlfast/assembly.hpp"
#include "stlfast/chebyshev.hpp"
#include "stlfast/full_space.hpp"
#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// The columns of (N, n r), one block of r for each equation, stacked to (n N, r).
MatrixXd stacked(const MatrixXd& blocks, Index n) {
    const Index N = blocks.rows(), r = blocks.cols() / n;
    MatrixXd rows(n * N, r);
    for (Index i = 0; i < n; ++i) rows.middleRows(i * N, N) = blocks.middleCols(i * r, r);
    return rows;
}

const Family& separable(const Family& family) {
    if (!family.separable())
        throw std::invalid_argument(
            "the system matrix is no sum of products of parameter and time functions, which a reduced basis needs: "
            "compile with reduced=False");
    return family;
}

}  // namespace

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
    chebyshev::basis(grids.output, D, band.tau, T);
    output_ = stacked(T * band.coefficients, n);
    chebyshev::basis(VectorXd::Zero(1), D, band.tau, T);
    initial_ = stacked(T * band.coefficients, n);
    chebyshev::basis(grids.certificate.x(), D, band.tau, T, &dT);
    check_ = stacked(T * band.coefficients, n);
    dcheck_ = stacked(dT * band.coefficients, n);
    assemble_operators(grids.collocation, modes);
}

void BandOperators::assemble_operators(const Points& points, const ForcingModes& modes) {
    const Index n = family_->n, N = points.x.size(), K = modes.size(), Q = family_->theta->n_outputs();
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

    gram_.resize(r_ * r_, (Q + 1) * (Q + 2) / 2);
    Index pair = 0;
    for (Index q = 0; q <= Q; ++q)
        for (Index s = q; s <= Q; ++s, ++pair) {
            MatrixXd G = rows_[q].transpose() * rows_[s];
            if (s != q) G += G.transpose().eval();
            if (pair == 0) G += initial_weight * initial_weight * initial_.transpose() * initial_;
            gram_.col(pair) = G.reshaped();
        }
    if (K == 0) return;
    const MatrixXd g = points.weight.asDiagonal() * modes.g;
    for (const auto& rows : rows_) {
        MatrixXd applied(r_, n * K);
        for (Index i = 0; i < n; ++i) applied.middleCols(i * K, K) = rows.middleRows(i * N, N).transpose() * g;
        forced_.push_back(std::move(applied));
    }
}

void BandOperators::evaluate_theta(const VectorXd& parameters, Workspace& workspace) const {
    const Index Q = family_->theta->n_outputs();
    workspace.values.resize(1, Q);
    family_->theta->evaluate(VectorXd::Zero(1), parameters, workspace.values, workspace.program);
    workspace.theta.resize(Q + 1);
    workspace.theta << 1, workspace.values.transpose();
}

bool BandOperators::solve(const VectorXd& parameters, const Data& data, VectorXd& c, Workspace& w) const {
    const Index K = modes_->size(), N = grids_->collocation.x.size();
    evaluate_theta(parameters, w);
    w.pairs.resize(gram_.cols());
    for (Index q = 0, pair = 0; q < w.theta.size(); ++q)
        for (Index s = q; s < w.theta.size(); ++s, ++pair) w.pairs[pair] = w.theta[q] * w.theta[s];
    w.flat.noalias() = gram_ * w.pairs;
    w.G = w.flat.reshaped(r_, r_);
    w.cholesky.compute(w.G);
    if (w.cholesky.info() != Eigen::Success) return false;

    w.right.noalias() = initial_weight * initial_weight * initial_.transpose() * data.y0;
    if (data.own_forcing && K > 0) {
        w.values.resize(K, family_->n);
        family_->b.evaluate(modes_->magic, parameters, w.values, w.program);
        w.beta.noalias() = modes_->interpolate * w.values;  // (K, n)
        for (Index q = 0; q < w.theta.size(); ++q) w.right.noalias() += w.theta[q] * (forced_[q] * w.beta.reshaped());
    }
    if (data.added.size() > 0) {
        w.flat = weighted(data.added.topRows(N), grids_->collocation.weight);
        for (Index q = 0; q < w.theta.size(); ++q) w.right.noalias() += w.theta[q] * (rows_[q].transpose() * w.flat);
    }
    c = w.cholesky.solve(w.right);
    return true;
}

void BandOperators::tabulated(const VectorXd& c, Eigen::Ref<MatrixXd> y) const {
    const Index E = grids_->output.size();
    for (Index i = 0; i < family_->n; ++i) y.col(i).noalias() = output_.middleRows(i * E, E) * c;
}

MatrixXd BandOperators::expansion(const VectorXd& c) const {
    MatrixXd a(band_->coefficients.rows(), family_->n);
    for (Index i = 0; i < family_->n; ++i) a.col(i).noalias() = band_->coefficients.middleCols(i * r_, r_) * c;
    return a;
}

VectorXd BandOperators::certify(const VectorXd& parameters, const Data& data, const VectorXd& c, VectorXd& scale,
                                Workspace& w) const {
    const Index n = family_->n, C = grids_->certificate.x().size();
    evaluate_theta(parameters, w);
    w.A = MatrixXd::Zero(parts_.rows(), n * n);
    for (Index q = 1; q < w.theta.size(); ++q) w.A += w.theta[q] * parts_.middleCols((q - 1) * n * n, n * n);
    w.b = MatrixXd::Zero(C, n);
    if (data.own_forcing && modes_->size() > 0)
        family_->b.evaluate(grids_->certificate.x(), parameters, w.b, w.program);

    w.flat.noalias() = check_ * c;
    w.derivative.noalias() = dcheck_ * c;
    const auto y = w.flat.reshaped(C, n);
    scale = y.cwiseAbs().colwise().maxCoeff();
    defect(w.A, y, w.derivative.reshaped(C, n), w.b, initial_ * c, data.y0, w.defect);
    return grids_->certificate.bound(w.A, w.defect, w.certificate) + rounding * scale;
}

}  // namespace STLFAST_NAMESPACE
