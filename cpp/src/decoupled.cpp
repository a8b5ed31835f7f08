#include "stlfast/decoupled.hpp"

#include <complex>
#include <stdexcept>

#include "stlfast/chebyshev.hpp"
#include "stlfast/decompositions.hpp"
#include "stlfast/dense.hpp"
#include "stlfast/full_space.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXd;

DecoupledOperators::DecoupledOperators(const Band& band, const Family& family, const ForcingModes& modes,
                                       const Grids& grids)
    : family_(&family), modes_(&modes), grids_(&grids), r_(band.coefficients.cols()) {
    if (family.A.varies())
        throw std::invalid_argument("decoupled equations need a system matrix that is constant in time");
    if (r_ == 0 || !band.coefficients.allFinite())
        throw std::invalid_argument("a band's coefficients must be finite, with at least one column");
    const Points& points = grids.collocation;
    MatrixXd T, dT;
    chebyshev::basis(points.x, band.coefficients.rows(), band.tau, T, &dT);
    F_ = points.weight.asDiagonal() * dense::product(T, band.coefficients);
    D_ = points.weight.asDiagonal() * dense::product(dT, band.coefficients);
    chebyshev::basis(VectorXd::Zero(1), band.coefficients.rows(), band.tau, T);
    initial_ = dense::product(T, band.coefficients).transpose();
    chebyshev::basis(grids.certificate.x(), band.coefficients.rows(), band.tau, T, &dT);
    check_ = dense::product(T, band.coefficients);
    dcheck_ = dense::product(dT, band.coefficients);

    FF_ = dense::product(F_.transpose(), F_);
    DF_ = dense::product(D_.transpose(), F_);
    DD_ = dense::product(D_.transpose(), D_) + initial_weight * initial_weight * initial_ * initial_.transpose();
    packed_.resize(dense::packed_size(r_), 3);
    packed_ << dense::packed(DD_), dense::packed(-(DF_ + DF_.transpose())), dense::packed(FF_);
    const MatrixXd g = points.weight.asDiagonal() * dense::product(modes.g, modes.interpolate);
    F_modes_ = dense::product(F_.transpose(), g);
    D_modes_ = dense::product(D_.transpose(), g);
}

MatrixXd DecoupledOperators::orthonormalise(double fastest) const { return orthonormalising(DD_ + fastest * FF_); }

bool DecoupledOperators::factor(const ConstVector& parameters, Workspace& w) const {
    static const VectorXd origin = VectorXd::Zero(1);
    const Index n = family_->n;
    w.A.resize(1, n * n);
    family_->A.evaluate(origin, parameters, w.A, w.program);
    Schur& schur = w.certificate.schur;
    schur.compute(Map<const VectorXd>(w.A.data(), n * n), n);
    w.real = schur.T().imag().isZero(0) && schur.Q().imag().isZero(0);
    return w.real ? factor_real(w) : factor_complex(w);
}

bool DecoupledOperators::factor_real(Workspace& w) const {
    const Index n = family_->n;
    w.Q = w.certificate.schur.Q().real(), w.T = w.certificate.schur.T().real();
    w.factors.resize(packed_.rows(), n);
    for (Index k = 0; k < n; ++k) {
        const double rate = w.T(k, k);
        w.factors.col(k) = packed_.col(0) + rate * packed_.col(1) + rate * rate * packed_.col(2);
        if (!dense::factor(w.factors.col(k), r_)) return false;
    }
    return true;
}

bool DecoupledOperators::factor_complex(Workspace& w) const {
    const Index n = family_->n;
    w.complex_factors.resize(r_, n * r_);
    for (Index k = 0; k < n; ++k) {
        const std::complex<double> rate = w.certificate.schur.T()(k, k);
        auto G = w.complex_factors.middleCols(k * r_, r_);
        G.real() = DD_ - rate.real() * (DF_ + DF_.transpose()) + std::norm(rate) * FF_;
        G.imag() = rate.imag() * (DF_.transpose() - DF_);
        if (!dense::factor(G)) return false;
    }
    return true;
}

// Fᵀ and Dᵀ of what forces the states, (r, n), to values and slopes.
void DecoupledOperators::project(const ConstVector& parameters, const Data& data, Workspace& w) const {
    const Index n = family_->n, K = modes_->size(), N = grids_->collocation.x.size();
    w.values.setZero(r_, n), w.slopes.setZero(r_, n);
    if (data.own_forcing && K > 0) {
        w.at_magic.resize(K, n);
        family_->b.evaluate(modes_->magic, parameters, w.at_magic, w.program);
        w.values.noalias() = F_modes_ * w.at_magic;
        w.slopes.noalias() = D_modes_ * w.at_magic;
    }
    if (data.added.size() > 0) {
        const MatrixXd added = grids_->collocation.weight.asDiagonal() * data.added.topRows(N);
        w.values += F_.transpose() * added;
        w.slopes += D_.transpose() * added;
    }
}

void DecoupledOperators::solve(const ConstVector& parameters, const Data& data, Vector c, Workspace& w) const {
    project(parameters, data, w);
    if (w.real)
        solve_real(data, w);
    else
        solve_complex(data, w);
    const Index n = family_->n;
    Map<MatrixXd> coefficients(c.data(), r_, n);
    if (w.real) {
        coefficients.noalias() = w.solution * w.Q.transpose();
        return;
    }
    const MatrixXcd& Q = w.certificate.schur.Q();
    coefficients.setZero();
    for (Index i = 0; i < n; ++i)
        for (Index k = 0; k < n; ++k)
            coefficients.col(i) +=
                Q(i, k).real() * w.complex_solution.col(k).real() - Q(i, k).imag() * w.complex_solution.col(k).imag();
}

void DecoupledOperators::solve_real(const Data& data, Workspace& w) const {
    const Index n = family_->n;
    w.solution.resize(r_, n);
    w.right.noalias() = w.slopes * w.Q;
    w.slopes.swap(w.right);
    w.right.noalias() = w.values * w.Q;
    w.values.swap(w.right);
    w.start.noalias() = w.Q.transpose() * data.y0;
    for (Index k = n - 1; k >= 0; --k) {
        const double rate = w.T(k, k);
        auto z = w.solution.col(k);
        z = w.slopes.col(k) - rate * w.values.col(k) + (initial_weight * initial_weight * w.start[k]) * initial_;
        const auto coupling = w.T.row(k).tail(n - 1 - k);
        if (!coupling.isZero(0)) {
            auto others = w.right.col(0);  // Σ_{l>k} t_kl s_l
            others.noalias() = w.solution.rightCols(n - 1 - k) * coupling.transpose();
            z.noalias() += DF_ * others;
            z.noalias() -= rate * (FF_ * others);
        }
        dense::solve(w.factors.col(k), z);
    }
}

void DecoupledOperators::solve_complex(const Data& data, Workspace& w) const {
    using Complex = std::complex<double>;
    const Index n = family_->n;
    const MatrixXcd &Q = w.certificate.schur.Q(), &T = w.certificate.schur.T();
    w.complex_solution.resize(r_, n), w.others.resize(r_);
    for (Index k = n - 1; k >= 0; --k) {
        const Complex rate = std::conj(T(k, k));
        Complex start = 0;
        for (Index i = 0; i < n; ++i) start += std::conj(Q(i, k)) * data.y0[i];
        auto z = w.complex_solution.col(k);
        z = initial_weight * initial_weight * start * initial_.cast<Complex>();
        const auto add = [&](const auto& slope, const auto& value, Complex factor) {
            z += factor * slope.template cast<Complex>() - rate * factor * value.template cast<Complex>();
        };
        for (Index i = 0; i < n; ++i) add(w.slopes.col(i), w.values.col(i), std::conj(Q(i, k)));
        w.others.setZero();  // Σ_{l>k} t_kl s_l
        for (Index l = k + 1; l < n; ++l) w.others += T(k, l) * w.complex_solution.col(l);
        for (Index j = 0; j < r_ && k + 1 < n; ++j) add(DF_.col(j), FF_.col(j), w.others[j]);
        dense::solve(w.complex_factors.middleCols(k * r_, r_), z);
    }
}

void DecoupledOperators::certify(const ConstVector& parameters, const Data& data, const ConstVector& c, Vector bound,
                                 Vector scale, Workspace& w) const {
    const Map<const MatrixXd> coefficients(c.data(), r_, family_->n);
    const VectorXd& x = grids_->certificate.x();
    w.y.noalias() = check_ * coefficients;
    w.dy.noalias() = dcheck_ * coefficients;
    w.start.noalias() = coefficients.transpose() * initial_;
    for (Index i = 0; i < scale.size(); ++i) scale[i] = w.y.col(i).cwiseAbs().maxCoeff();
    const bool forced = data.own_forcing && modes_->size() > 0;
    if (forced) {
        w.b.resize(x.size(), family_->n);
        family_->b.evaluate(x, parameters, w.b, w.program);
    }
    defect(w.A, w.y, w.dy, forced ? &w.b : nullptr, w.start, data.y0, w.defect);
    grids_->certificate.bound_schur(w.defect, bound, w.certificate);
    bound += (rounding + left_out_of_values) * scale;
}

}  // namespace STLFAST_NAMESPACE
