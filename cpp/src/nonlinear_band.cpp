#include "stlfast/nonlinear_band.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "stlfast/buffer.hpp"
#include "stlfast/chebyshev.hpp"
#include "stlfast/decompositions.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Lane = NonlinearOperators::Lane;
using Lanes = NonlinearOperators::Lanes;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

constexpr Index most_iterations = 12;
constexpr double next_step = 1e-9;  // that is not worth taking, relative to the largest coefficient
constexpr double small_step = 1e-4;
constexpr double diverged = 1e3;  // such a step

Lane* part(Lanes& buffer, Index size) {
    if (Index(buffer.size()) < size) buffer.resize(std::size_t(size));
    return buffer.data();
}

// Σ_j v_j c_j over r entries.
template <class Entry>
Lane combination(const Entry* v, const Lane* c, Index r) {
    Lane even = Lane::Zero(), odd = Lane::Zero();
    Index j = 0;
    for (; j + 1 < r; j += 2) even += v[j] * c[j], odd += v[j + 1] * c[j + 1];
    if (j < r) even += v[j] * c[j];
    return even + odd;
}

// Factors G (r, r) in place, without pivoting: the rows come in an order that makes it unnecessary, and where that
// fails the numbers are not finite or the iteration ends. Unit lower triangle, then the upper one with inverse pivots.
void factor(Lane* G, Index r) {
    for (Index i = 0; i < r; ++i) {
        Lane* const row = G + i * r;
        Index p = 0;
        for (; p + 1 < i; p += 2) {
            const Lane *const first = G + p * r, *const second = first + r;
            const Lane u = row[p] * first[p];
            const Lane v = (row[p + 1] - u * first[p + 1]) * second[p + 1];
            for (Index j = p + 2; j < r; ++j) row[j] -= u * first[j] + v * second[j];
            row[p] = u, row[p + 1] = v;
        }
        if (p < i) {
            const Lane* const first = G + p * r;
            const Lane u = row[p] * first[p];
            for (Index j = p + 1; j < r; ++j) row[j] -= u * first[j];
            row[p] = u;
        }
        row[i] = row[i].inverse();
    }
}

// Solves with the factors, in place.
void substitute(const Lane* G, Lane* x, Index r) {
    for (Index i = 1; i < r; ++i) x[i] -= combination(G + i * r, x, i);
    for (Index i = r - 1; i >= 0; --i)
        x[i] = (x[i] - combination(G + i * r + i + 1, x + i + 1, r - i - 1)) * G[i * r + i];
}

}  // namespace

std::vector<Index> Starts::varying() const {
    std::vector<Index> result;
    for (Index i = 0; i < y0.size(); ++i)
        if (low[i] < high[i]) result.push_back(i);
    return result;
}

NonlinearOperators::NonlinearOperators(const NonlinearBand& band, const Family& family, const Starts& starts,
                                       const VectorXd& check_points)
    : family_(&family),
      varying_(starts.varying()),
      start_(starts.y0),
      n_(family.n),
      L_(1 + Index(varying_.size())),
      r_(band.x.size()),
      powers_(band.powers.transpose()),
      guess_(band.guess.transpose()),
      x_(band.x),
      equation_(band.equation.data(), band.equation.data() + band.equation.size()),
      estimate_(family, check_points) {
    check(band);
    const auto add = [&](Index index, bool initial, double low, double high, bool logarithmic) {
        if (logarithmic) low = std::log(low), high = std::log(high);
        coordinates_.push_back({index, initial, logarithmic, 0.5 * (low + high), std::max(0.5 * (high - low), 1e-300)});
    };
    for (Index k = 0; k < family.n_parameters(); ++k)
        add(k, false, band.functions.low[k], band.functions.high[k], family.low[k] > 0);
    for (const Index i : varying_) add(i, true, starts.low[i], starts.high[i], false);
    tabulate(band, check_points);
    order_rows();
}

void NonlinearOperators::check(const NonlinearBand& band) const {
    const auto refuse = [](const std::string& what) { throw std::invalid_argument("a nonlinear band's " + what); };
    const Index P = family_->n_parameters(), M = powers_.cols();
    if (!family_->nonlinear() || !family_->J) throw std::invalid_argument("a nonlinear band needs a nonlinear family");
    if (r_ == 0 || band.functions.coefficients.cols() != n_ * (L_ + r_))
        refuse("coefficients must have " + std::to_string(n_ * (L_ + r_)) + " columns");
    if (band.equation.size() != r_ || band.equation.minCoeff() < 0 || band.equation.maxCoeff() >= n_)
        refuse("equation must be r numbers of equations");
    if (!(x_.minCoeff() >= 0 && x_.maxCoeff() <= 1)) refuse("x must lie in [0, 1]");
    if (powers_.rows() != P + L_ - 1 || powers_.size() == 0 || powers_.minCoeff() < 0 || powers_.maxCoeff() > 16)
        refuse("powers must be (M, P + L − 1)");
    if (guess_.rows() != r_ || guess_.cols() != M) refuse("guess must be (M, r)");
    if (!guess_.allFinite()) refuse("numbers must be finite");
}

void NonlinearOperators::tabulate(const NonlinearBand& band, const VectorXd& check_points) {
    const Band& functions = band.functions;
    const Index R = L_ + r_, D = functions.coefficients.rows();
    MatrixXd T, dT;
    chebyshev::basis(x_, D, functions.tau, T, &dT);
    const MatrixXd values = T * functions.coefficients, slopes = dT * functions.coefficients;
    values_.resize(std::size_t(r_ * n_ * R)), slopes_.resize(std::size_t(r_ * R));
    for (Index k = 0; k < r_; ++k) {
        for (Index i = 0; i < n_ * R; ++i) values_[std::size_t(k * n_ * R + i)] = values(k, i);
        for (Index j = 0; j < R; ++j) slopes_[std::size_t(k * R + j)] = slopes(k, equation_[std::size_t(k)] * R + j);
    }
    chebyshev::basis(check_points, D, functions.tau, T, &dT);
    MatrixXd both(2 * n_ * check_points.size(), R);
    both << stacked(T * functions.coefficients, n_), stacked(dT * functions.coefficients, n_);
    at_checks_ = dense::Tiles(both);
}

// To the order in which elimination with partial pivoting takes them for the central member.
void NonlinearOperators::order_rows() {
    const Index R = L_ + r_;
    VectorXd parameters(family_->n_parameters()), y0 = VectorXd::Zero(n_);
    for (const Coordinate& z : coordinates_)
        (z.initial ? y0 : parameters)[z.index] = z.logarithmic ? std::exp(z.middle) : z.middle;
    Workspace w;
    const Query query{parameters.data(), y0.data()};
    const Query queries[lanes] = {query, query, query, query};
    w.a.assign(std::size_t(L_), Lane::Zero()), w.c.assign(std::size_t(r_), Lane::Zero());
    w.a[0] = Lane::Ones();
    for (std::size_t k = 0; k < varying_.size(); ++k) w.a[k + 1] = Lane::Constant(y0[varying_[k]]);
    guess(query, w.c[0].data(), lanes, w);
    for (Lane& c : w.c) c = Lane::Constant(c[0]);
    lift(w);
    evaluate_linear(queries, true, w);
    linearise(queries, true, true, w);
    MatrixXd G(r_, r_);
    for (Index k = 0; k < r_; ++k)
        for (Index j = 0; j < r_; ++j) G(k, j) = w.G[std::size_t(k * r_ + j)][0];
    Eigen::PartialPivLU<MatrixXd> lu;
    decompose(lu, G);
    const VectorXd x = x_;
    const auto equation = equation_;
    const auto values = values_, slopes = slopes_;
    for (Index k = 0; k < r_; ++k) {
        const Index to = lu.permutationP().indices()[k];
        x_[to] = x[k], equation_[std::size_t(to)] = equation[std::size_t(k)];
        std::copy_n(values.data() + k * n_ * R, n_ * R, values_.data() + to * n_ * R);
        std::copy_n(slopes.data() + k * R, R, slopes_.data() + to * R);
    }
}

// c[j · stride] = Σ_m guess(j, m) Π_i z_i^powers(i, m).
void NonlinearOperators::guess(const Query& query, double* c, Index stride, Workspace& w) const {
    const Index d = Index(coordinates_.size()), M = powers_.cols();
    const int most = powers_.maxCoeff();
    auto monomials = part(w.monomials, M + d * (most + 1) + r_);
    double* const power = monomials.data() + M;
    for (Index i = 0; i < d; ++i) {
        const Coordinate& z = coordinates_[std::size_t(i)];
        const double value = z.initial ? query.y0[z.index] : query.parameters[z.index];
        const double at = ((z.logarithmic ? std::log(value) : value) - z.middle) / z.half;
        double* const own = power + i * (most + 1);
        own[0] = 1;
        for (int k = 1; k <= most; ++k) own[k] = own[k - 1] * at;
    }
    for (Index m = 0; m < M; ++m) {
        double product = 1;
        for (Index i = 0; i < d; ++i) product *= power[i * (most + 1) + powers_(i, m)];
        monomials[m] = product;
    }
    auto found = monomials.tail(r_);
    dense::product(guess_, monomials.head(M), found);
    for (Index j = 0; j < r_; ++j) c[j * stride] = found[j];
}

// What the initial values add to states and slopes at the rows.
void NonlinearOperators::lift(Workspace& w) const {
    const Index R = L_ + r_;
    Lane *const y = part(w.y_lift, r_ * n_), *const slope = part(w.slope_lift, r_);
    for (Index k = 0; k < r_; ++k) {
        for (Index i = 0; i < n_; ++i) y[k * n_ + i] = combination(values_.data() + (k * n_ + i) * R, w.a.data(), L_);
        slope[k] = combination(slopes_.data() + k * R, w.a.data(), L_);
    }
}

// A and b at the rows, which do not depend on the states.
void NonlinearOperators::evaluate_linear(const Query* queries, bool same, Workspace& w) const {
    auto A = part(w.A, lanes * r_, n_ * n_), b = part(w.b, lanes * r_, n_);
    for (Index l = 0; l < (same ? 1 : lanes); ++l) {
        const Map<const VectorXd> parameters(queries[l].parameters, family_->n_parameters());
        family_->A.evaluate(x_, parameters, A.middleRows(l * r_, r_), w.program);
        family_->b.evaluate(x_, parameters, b.middleRows(l * r_, r_), w.program);
    }
}

// The Jacobian G of the rows in the unknowns, where asked for, and what is missing in them.
void NonlinearOperators::linearise(const Query* queries, bool same, bool jacobian, Workspace& w) const {
    const Index R = L_ + r_, all = lanes * r_;
    Lane *const states = part(w.y, r_ * n_), *const G = part(w.G, r_ * r_), *const right = part(w.right, r_);
    auto xy = part(w.points, all, 1 + n_);
    for (Index l = 0; l < lanes; ++l) xy.col(0).segment(l * r_, r_) = x_;
    for (Index k = 0; k < r_; ++k)
        for (Index i = 0; i < n_; ++i) {
            const Lane y =
                w.y_lift[std::size_t(k * n_ + i)] + combination(values_.data() + (k * n_ + i) * R + L_, w.c.data(), r_);
            states[k * n_ + i] = y;
            for (Index l = 0; l < lanes; ++l) xy(l * r_ + k, 1 + i) = y[l];
        }
    auto A = part(w.A, all, n_ * n_), b = part(w.b, all, n_), N = part(w.N, all, n_), J = part(w.J, all, n_ * n_);
    for (Index l = 0; l < (same ? 1 : lanes); ++l) {
        const Map<const VectorXd> parameters(queries[l].parameters, family_->n_parameters());
        const Index from = l * r_, count = same ? all : r_;
        family_->N->evaluate(xy.middleRows(from, count), parameters, N.middleRows(from, count), w.program);
        if (jacobian)
            family_->J->evaluate(xy.middleRows(from, count), parameters, J.middleRows(from, count), w.program);
    }
    const auto gather = [&](const Map<MatrixXd>& M, Index k, Index column, bool shared) -> Lane {
        const double* const from = &M(k, column);
        return shared ? Lane(Lane::Constant(*from)) : Lane(from[0], from[r_], from[2 * r_], from[3 * r_]);
    };
    Lane slope_of[16];  // ∂f_i/∂y of a row; longer rows are taken in pieces
    for (Index k = 0; k < r_; ++k) {
        const Index i = equation_[std::size_t(k)];
        const double *const values = values_.data() + k * n_ * R + L_, *const slopes = slopes_.data() + k * R + L_;
        Lane missing = gather(b, k, i, same) + gather(N, k, i, false) - w.slope_lift[std::size_t(k)] -
                       combination(slopes, w.c.data(), r_);
        Lane* const row = G + k * r_;
        for (Index j = 0; j < r_ && jacobian; ++j) row[j] = Lane::Constant(slopes[j]);
        for (Index first = 0; first < n_; first += 16) {
            const Index count = std::min<Index>(16, n_ - first);
            for (Index s = 0; s < count; ++s) {
                const Index column = i * n_ + first + s;
                const Lane linear = gather(A, k, column, same);
                missing += linear * states[k * n_ + first + s];
                if (jacobian) slope_of[s] = linear + gather(J, k, column, false);
            }
            for (Index s = 0; s < count && jacobian; ++s) {
                if ((slope_of[s] == 0).all()) continue;
                const double* const v = values + (first + s) * R;
                for (Index j = 0; j < r_; ++j) row[j] -= slope_of[s] * v[j];
            }
        }
        right[k] = missing;
    }
}

void NonlinearOperators::solve(const Query* queries, Index count, Result* results, Workspace& w) const {
    Query all[lanes];
    for (Index l = 0; l < lanes; ++l) all[l] = queries[std::min(l, count - 1)];
    const Index P = family_->n_parameters();
    const bool same = std::all_of(all + 1, all + lanes, [&](const Query& query) {
        return std::equal(query.parameters, query.parameters + P, all[0].parameters);
    });
    Lane *const a = part(w.a, L_), *const c = part(w.c, r_);
    a[0] = Lane::Ones();
    for (Index k = 1; k < L_; ++k)
        for (Index l = 0; l < lanes; ++l) a[k][l] = all[l].y0[varying_[std::size_t(k - 1)]];
    for (Index l = 0; l < lanes; ++l) {
        if (l < count)
            guess(all[l], c[0].data() + l, lanes, w);
        else
            for (Index j = 0; j < r_; ++j) c[j][l] = c[j][count - 1];
    }
    lift(w);
    evaluate_linear(all, same, w);
    Lane before = Lane::Constant(std::numeric_limits<double>::infinity());
    Newton newton[lanes];
    Eigen::Array<bool, lanes, 1> active = Eigen::Array<bool, lanes, 1>::Constant(true);
    Eigen::Array<bool, lanes, 1> fresh = active;  // whose Jacobian is taken anew
    for (Index iteration = 1; iteration <= most_iterations && active.any(); ++iteration) {
        linearise(all, same, fresh.any(), w);
        if (fresh.any()) factor(w.G.data(), r_);
        if (fresh.all())
            w.factors.swap(w.G);
        else if (fresh.any())
            for (Index k = 0; k < r_ * r_; ++k)
                w.factors[std::size_t(k)] = fresh.select(w.G[std::size_t(k)], w.factors[std::size_t(k)]);
        substitute(w.factors.data(), w.right.data(), r_);
        Lane largest = Lane::Zero(), size = Lane::Zero();
        for (Index j = 0; j < r_; ++j) {
            const Lane& step = w.right[std::size_t(j)];
            c[j] = active.select(c[j] + step, c[j]);
            largest = largest.max(step.abs()), size = size.max(c[j].abs());
        }
        const Lane step = largest / size;
        for (Index l = 0; l < lanes; ++l) {
            if (!active[l]) continue;
            newton[l].iterations = iteration, newton[l].last_step = step[l];
            const double fall = iteration > 1 ? std::min(step[l] / before[l], 1.0) : 1.0;
            newton[l].converged = step[l] * fall < next_step;
            const bool lost = !(step[l] < diverged) || (iteration > 3 && step[l] > 2 * before[l]);
            active[l] = !newton[l].converged && !lost;
        }
        before = step;
        // The Jacobian of a small step ago is as good: what it leaves is the product of the two steps.
        fresh = !active || !(step < small_step);
    }
    const double* coefficients[lanes];
    for (Index l = 0; l < count; ++l) {
        Result& result = results[l];
        coefficients[l] = result.c;
        for (Index k = 0; k < L_; ++k) result.c[k] = a[k][l];
        for (Index j = 0; j < r_; ++j) result.c[L_ + j] = c[j][l];
        result.newton = newton[l];
        for (Index i = 0; i < n_; ++i)  // no function of the band lifts another initial value
            if (std::find(varying_.begin(), varying_.end(), i) == varying_.end() && queries[l].y0[i] != start_[i])
                result.newton.converged = false;
    }
    if (!results[0].estimate) return;
    const Index values = at_checks_.rows() / 2;
    auto checked = part(w.checked, 2 * values, count);
    double* y[lanes];
    for (Index l = 0; l < count; ++l) y[l] = checked.col(l).data();
    at_checks_.product(coefficients, y, count);
    for (Index l = 0; l < count; ++l) {
        Result& result = results[l];
        if (l == 0 || !same) estimate_.prepare(queries[l].parameters, w.estimate);
        result.newton.residual =
            estimate_(queries[l].parameters, y[l], y[l] + values, nullptr, result.estimate, result.scale, w.estimate);
    }
}

}  // namespace STLFAST_NAMESPACE
