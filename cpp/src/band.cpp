#include "stlfast/band.hpp"

#include <stdexcept>
#include <string>

#include "stlfast/assembly.hpp"
#include "stlfast/buffer.hpp"
#include "stlfast/chebyshev.hpp"
#include "stlfast/decompositions.hpp"
#include "stlfast/full_space.hpp"
#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index longest_expansion = 4096;
constexpr double smallest_tau = 1e-12;

const Family& separable(const Family& family) {
    if (!family.separable())
        throw std::invalid_argument(
            "the system matrix is no sum of products of parameter and time functions, which a reduced basis needs: "
            "compile with reduced=False");
    return family;
}

}  // namespace

void check(const Band& band, const Family& family) {
    const auto refuse = [](const std::string& what) { throw std::invalid_argument("a band's " + what); };
    const Index P = family.n_parameters(), rows = band.coefficients.rows(), columns = band.coefficients.cols();
    if (band.low.size() != P || band.high.size() != P) refuse("low and high must have P entries");
    if (rows < 1 || rows > longest_expansion || columns < 1 || (!band.decoupled && columns % family.n != 0))
        refuse("coefficients do not fit the family");
    if (!band.coefficients.allFinite() || !(band.tau >= smallest_tau && band.tau <= 1 / smallest_tau))
        refuse("numbers must be finite, and tau of a sensible size");
    if (!(band.low.array() >= family.low.array()).all() || !(band.high.array() <= family.high.array()).all() ||
        !(band.low.array() <= band.high.array()).all())
        refuse("box must lie inside the solve ranges");
}

MatrixXd stacked(const MatrixXd& blocks, Index n) {
    const Index N = blocks.rows(), r = blocks.cols() / n;
    MatrixXd rows(n * N, r);
    for (Index i = 0; i < n; ++i) rows.middleRows(i * N, N) = blocks.middleCols(i * r, r);
    return rows;
}

MatrixXd expansion(const Band& band, Index n, const VectorXd& c) {
    const MatrixXd& functions = band.coefficients;
    if (band.decoupled) return functions * c.head(functions.cols() * n).reshaped(functions.cols(), n);
    const Index r = functions.cols() / n;
    MatrixXd a(functions.rows(), n);
    for (Index i = 0; i < n; ++i) dense::product(functions.middleCols(i * r, r), c.head(r), a.col(i));
    return a;
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
    Workspace workspace;
    evaluate_theta(0.5 * (band.low + band.high), workspace);
    centre_ = workspace.theta;
    MatrixXd T, dT;
    chebyshev::basis(VectorXd::Zero(1), D, band.tau, T);
    initial_ = stacked(dense::product(T, band.coefficients), n);
    initial_right_ = initial_weight * initial_weight * initial_.transpose();
    chebyshev::basis(grids.certificate.x(), D, band.tau, T, &dT);
    const Index checks = n * grids.certificate.x().size();
    MatrixXd values_and_derivatives(2 * checks, r_);
    values_and_derivatives << stacked(dense::product(T, band.coefficients), n),
        stacked(dense::product(dT, band.coefficients), n);
    checks_ = dense::Tiles(values_and_derivatives);
    assemble_operators();
}

void BandOperators::assemble_operators() {
    const Points& points = grids_->collocation;
    const Index n = family_->n, N = points.x.size(), K = modes_->size(), Q = family_->theta->n_outputs();
    MatrixXd T, dT;
    chebyshev::basis(points.x, band_->coefficients.rows(), band_->tau, T, &dT);
    const MatrixXd H = dense::product(T, band_->coefficients), dH = dense::product(dT, band_->coefficients);
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
    for (Index q = 0; q < Q; ++q) {
        const MatrixXd rows = -system_rows(trial, parts.middleCols(q * n * n, n * n), points.weight);
        rows_[0] += centre_[q] * rows;
        if (family_->theta->is_constant(q)) continue;
        varying_.push_back(q);
        rows_.push_back(rows);
    }

    const auto R = static_cast<Index>(rows_.size());
    gram_.resize(dense::packed_size(r_), R * (R + 1) / 2);
    Index pair = 0;
    for (Index q = 0; q < R; ++q)
        for (Index s = q; s < R; ++s, ++pair) {
            MatrixXd G = dense::product(rows_[q].transpose(), rows_[s]);
            if (s != q) G += G.transpose().eval();
            if (pair == 0) G += dense::product(initial_right_, initial_);
            gram_.col(pair) = dense::packed(G);
        }
    if (K == 0) return;
    // Of the forcing's values at the magic points, which the modes interpolate.
    const MatrixXd g = points.weight.asDiagonal() * dense::product(modes_->g, modes_->interpolate);
    forced_.resize(r_, R * n * K);
    for (Index q = 0, column = 0; q < R; ++q)
        for (Index i = 0; i < n; ++i, column += K)
            forced_.middleCols(column, K) = dense::product(rows_[q].middleRows(i * N, N).transpose(), g);
}

MatrixXd BandOperators::orthonormalise() const {
    MatrixXd G(r_, r_);
    for (Index j = 0, at = 0; j < r_; at += r_ - j, ++j) G.col(j).tail(r_ - j) = gram_.col(0).segment(at, r_ - j);
    return orthonormalising(G);
}

void BandOperators::evaluate_theta(const ConstVector& parameters, Workspace& w) const {
    static const VectorXd origin = VectorXd::Zero(1);
    const Index Q = family_->theta->n_outputs();
    w.theta.resize(Q);
    family_->theta->evaluate(origin, parameters, Map<MatrixXd>(w.theta.data(), 1, Q), w.program);
}

bool BandOperators::factor(const ConstVector& parameters, Workspace& w) const {
    evaluate_theta(parameters, w);
    w.factors.resize(static_cast<Index>(rows_.size()));
    w.factors[0] = 1;
    for (Index k = 1; k < w.factors.size(); ++k) {
        const Index q = varying_[static_cast<std::size_t>(k - 1)];
        w.factors[k] = w.theta[q] - centre_[q];
    }
    w.pairs.resize(gram_.cols());
    for (Index q = 0, pair = 0; q < w.factors.size(); ++q)
        for (Index s = q; s < w.factors.size(); ++s, ++pair) w.pairs[pair] = w.factors[q] * w.factors[s];
    auto G = part(w.G, gram_.rows());
    dense::product(gram_, w.pairs, G);
    return dense::factor(G, r_);
}

void BandOperators::solve(const ConstVector& parameters, const Data& data, Vector c, Workspace& w) const {
    dense::product(initial_right_, data.y0, c);
    if (data.own_forcing && modes_->size() > 0) add_own_forcing(parameters, c, w);
    if (data.added.size() > 0) {
        const VectorXd added = weighted(data.added.topRows(grids_->collocation.x.size()), grids_->collocation.weight);
        for (Index q = 0; q < w.factors.size(); ++q)
            c += w.factors[q] * dense::product(rows_[q].transpose(), added).col(0);
    }
    dense::solve(w.G.head(gram_.rows()), c);
}

void BandOperators::add_own_forcing(const ConstVector& parameters, Vector c, Workspace& w) const {
    const Index K = modes_->size(), n = family_->n;
    auto at_magic = part(w.at_magic, K, n);
    family_->b.evaluate(modes_->magic, parameters, at_magic, w.program);
    auto sources = part(w.sources, forced_.cols());
    for (Index q = 0; q < w.factors.size(); ++q) sources.segment(q * K * n, K * n) = w.factors[q] * at_magic.reshaped();
    auto right = part(w.right, c.size());
    dense::product(forced_, sources, right);
    c += right;
}

void BandOperators::certify(const ConstVector& parameters, const Data& data, const ConstVector& c, Vector bound,
                            Vector scale, Workspace& w) const {
    const Index n = family_->n, C = grids_->certificate.x().size();
    w.A.setZero(parts_.rows(), n * n);
    for (Index q = 0; q < w.theta.size(); ++q) w.A += w.theta[q] * parts_.middleCols(q * n * n, n * n);
    const bool forced = data.own_forcing && modes_->size() > 0;
    if (forced) {
        w.b.resize(C, n);
        family_->b.evaluate(grids_->certificate.x(), parameters, w.b, w.program);
    }
    w.start.resize(n), w.checked.resize(2 * n * C);
    dense::product(initial_, c, w.start);
    checks_.product(c.data(), w.checked.data());
    const Map<const MatrixXd> y(w.checked.data(), C, n), dy(w.checked.data() + n * C, C, n);
    for (Index i = 0; i < n; ++i) scale[i] = y.col(i).cwiseAbs().maxCoeff();
    defect(w.A, y, dy, forced ? &w.b : nullptr, w.start, data.y0, w.defect);
    grids_->certificate.bound(w.A, w.defect, bound, w.certificate);
    bound += (rounding + left_out_of_values) * scale;
}

}  // namespace STLFAST_NAMESPACE
