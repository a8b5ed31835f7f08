#include "stlfast/decoupled_space.hpp"

#include <complex>

#include "stlfast/schur.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::VectorXcd;
using Eigen::VectorXd;

DecoupledSpace::DecoupledSpace(const Dictionary& dictionary, const Points& points, LeastSquares solver)
    : real_(dictionary, points, 1, false, solver), solver_(solver) {
    dictionary.evaluate(points.x, H_);
}

DecoupledSpace::Equation DecoupledSpace::factor(std::complex<double> rate) const {
    Equation equation;
    equation.real_ = rate.imag() == 0;
    if (equation.real_) {
        equation.member_ = real_.factor(MatrixXd::Constant(1, 1, rate.real()));
        return equation;
    }
    std::call_once(
        once_, [this] { pair_ = std::make_unique<FullSpace>(real_.dictionary(), real_.points(), 2, false, solver_); });
    MatrixXd A(1, 4);
    A << rate.real(), -rate.imag(), rate.imag(), rate.real();
    equation.member_ = pair_->factor(A);
    return equation;
}

VectorXcd DecoupledSpace::Equation::solve(std::complex<double> start, const Eigen::Ref<const VectorXcd>& f) const {
    const std::complex<double> i(0, 1);
    if (!real_) {
        MatrixXd both(f.size(), 2);
        both << f.real(), f.imag();
        const MatrixXd W = member_.solve(Eigen::Vector2d(start.real(), start.imag()), both);
        return W.col(0) + i * W.col(1);
    }
    const auto part = [&](double at_start, const MatrixXd& forcing) -> VectorXd {
        return member_.solve(VectorXd::Constant(1, at_start), forcing);
    };
    VectorXcd W = part(start.real(), f.real()).cast<std::complex<double>>();
    if (start.imag() != 0 || !f.imag().isZero(0)) W += i * part(start.imag(), f.imag());
    return W;
}

MatrixXd DecoupledSpace::solve(const MatrixXd& A, const VectorXd& y0, const MatrixXd& b) const {
    const Index n = y0.size();
    Schur schur;
    schur.compute(A.reshaped(), n);
    const MatrixXcd &T = schur.T(), &Q = schur.Q();
    MatrixXcd heads(H_.cols(), n);
    for (Index k = n - 1; k >= 0; --k) {
        VectorXcd f = b * Q.col(k).conjugate();
        if (k + 1 < n) f += H_ * (heads.rightCols(n - 1 - k) * T.row(k).tail(n - 1 - k).transpose());
        heads.col(k) = factor(T(k, k)).solve(Q.col(k).dot(y0.cast<std::complex<double>>()), f);
    }
    return (heads * Q.transpose()).real();
}

}  // namespace STLFAST_NAMESPACE
