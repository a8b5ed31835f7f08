#include "stlfast/chebyshev.hpp"

#include <algorithm>
#include <cmath>

#include "stlfast/math.hpp"
#include "stlfast/points.hpp"

namespace STLFAST_NAMESPACE::chebyshev {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

ArrayXd log_time(const Eigen::Ref<const VectorXd>& x, double tau) {
    ArrayXd result = x.array() / tau;
    math::log1p(result.data(), result.data(), result.size());
    return 2 / std::log1p(1 / tau) * result - 1;
}

}  // namespace

void polynomials(double s, ArrayXd& t, ArrayXd& dt, ArrayXd& ddt) {
    const bool mirrored = s < 0.5;
    const double delta = -4.0 * (mirrored ? s : 1.0 - s);  // 2(w − 1)
    t[0] = 1.0, dt[0] = 0.0, ddt[0] = 0.0;
    double d = 0.5 * delta, dd = 1.0, ddd = 0.0;  // d_k and its derivatives in w
    for (Index k = 0; k + 1 < t.size(); ++k) {
        if (k > 0) {
            d += delta * t[k];
            dd += delta * dt[k] + 2.0 * t[k];
            ddd += delta * ddt[k] + 4.0 * dt[k];
        }
        t[k + 1] = t[k] + d, dt[k + 1] = dt[k] + dd, ddt[k + 1] = ddt[k] + ddd;
    }
    if (!mirrored) return;
    for (Index k = 0; k < t.size(); ++k)
        if (k % 2 == 1)
            t[k] = -t[k], ddt[k] = -ddt[k];
        else
            dt[k] = -dt[k];
}

VectorXd nodes(Index D, double tau) { return log_time_points(D, tau).x; }

MatrixXd coefficients(const MatrixXd& values) {
    const Index D = values.rows();
    MatrixXd transform(D, D);  // a_d = (2 − δ_d0)/D Σ_i f(z_i) cos(d φ_i), z_i = −cos(π(i + 1/2)/D)
    for (Index i = 0; i < D; ++i)
        for (Index d = 0; d < D; ++d)
            transform(d, i) = (d == 0 ? 1.0 : 2.0) / double(D) * (d % 2 == 0 ? 1 : -1) *
                              std::cos(M_PI * double(d) * (double(i) + 0.5) / double(D));
    return transform * values;
}

void basis(const VectorXd& x, Index D, double tau, MatrixXd& T, MatrixXd* dT) {
    const ArrayXd z = log_time(x, tau);
    T.resize(x.size(), D);
    T.col(0).setOnes();
    if (D > 1) T.col(1) = z;
    for (Index d = 2; d < D; ++d) T.col(d) = (2 * z * T.col(d - 1).array() - T.col(d - 2).array()).matrix();
    if (!dT) return;
    // T_d' = d U_{d−1}, with U the polynomials of the second kind.
    const ArrayXd dz = 2 / std::log1p(1 / tau) / (tau + x.array());
    ArrayXd U = ArrayXd::Ones(x.size()), U_before = ArrayXd::Zero(x.size());
    dT->resize(x.size(), D);
    dT->col(0).setZero();
    for (Index d = 1; d < D; ++d) {
        dT->col(d) = (double(d) * U * dz).matrix();
        const ArrayXd next = 2 * z * U - U_before;
        U_before = U;
        U = next;
    }
}

void evaluate(const MatrixXd& a, double tau, const Eigen::Ref<const VectorXd>& x, Eigen::Ref<MatrixXd> values) {
    using Places = Eigen::Array<double, 16, 1>;
    constexpr Index at_once = Places::SizeAtCompileTime;
    const Index N = x.size(), D = a.rows();
    ArrayXd z = ArrayXd::Zero((N + at_once - 1) / at_once * at_once);
    z.head(N) = log_time(x, tau);
    for (Index f = 0; f < a.cols(); ++f)
        for (Index start = 0; start < N; start += at_once) {
            Places sums = Places::Constant(a(0, f));
            if (D > 1) sums = sum_series(a.col(f), Places(z.segment<at_once>(start)));
            const Index count = std::min(N - start, at_once);
            values.col(f).segment(start, count) = sums.head(count).matrix();
        }
}

Index length(const MatrixXd& a, double tol) {
    const double bound = tol * a.cwiseAbs().maxCoeff();
    Index D = a.rows();
    while (D > 1 && a.row(D - 1).cwiseAbs().maxCoeff() <= bound) --D;
    return D;
}

}  // namespace STLFAST_NAMESPACE::chebyshev
