#include "stlfast/right_hand_side.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stlfast/stage_systems.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::Ref;
using Eigen::VectorXd;

namespace {

// From where to where values are looked at for a limit, over the state or 1, and how well they have to agree.
constexpr double nearest = 1e-14, farthest = 1e6, agreement = 1e-6;

}  // namespace

Equations::Equations(const Family& family, bool dense)
    : n(family.n),
      dense(dense),
      autonomous(!dense && !family.A.varies() && !family.b.varies() && !(family.N && family.N->depends_on(0))),
      A(family.A.with_outputs(entries_of(family.A, linear))),
      b(family.b),
      N(family.N),
      switches(family.switches),
      at_times(family.b) {
    if (switches) {
        for (Index k = 0; k < switches->n_outputs(); ++k) {
            bool state = false;
            const Program alone = switches->with_outputs({k});
            for (Index i = 1; i <= n; ++i) state = state || alone.depends_on(i);
            (state ? of_states : of_time).push_back(k);
        }
        if (!of_time.empty()) at_times = switches->with_outputs(of_time).of_time();
    }
    for (const Program* each : {&family.A, &family.b, family.N ? &*family.N : nullptr})
        if (auto found = each == nullptr ? std::nullopt : STLFAST_NAMESPACE::bends(*each, true))
            in_time.push_back(std::move(*found));
    const auto of_time_alone = [](const Bends& each) {
        for (Index input = 1; input < each.at.n_inputs(); ++input)
            if (each.at.depends_on(input)) return false;
        return true;
    };
    if (!in_time.empty() && !switches && std::all_of(in_time.begin(), in_time.end(), of_time_alone)) {
        std::vector<Program::Workspace> workspaces(in_time.size());
        for (std::size_t k = 0; k < in_time.size(); ++k)
            in_time[k].at.prepare(VectorXd::Zero(in_time[k].at.n_inputs() - 1), workspaces[k]);
        same_cells = Cells(in_time, workspaces, 0, 1);
    }
    if (family.N && !dense) of_functions = STLFAST_NAMESPACE::bends(*family.N, false);
    if (family.J) J = family.J->with_outputs(entries_of(*family.J, nonlinear));
    if (dense) lower = upper = n - 1;
}

std::vector<Index> Equations::entries_of(const Program& program, std::vector<Entry>& where) {
    std::vector<Index> result;
    for (Index o = 0; o < program.n_outputs(); ++o) {
        if (program.is_zero(o)) continue;
        const Index i = o / n, j = o % n;
        lower = std::max(lower, i - j), upper = std::max(upper, j - i);
        result.push_back(o), where.push_back({i, j});
    }
    return result;
}

RightHandSide::RightHandSide(const Equations& equations, const VectorXd& parameters, Values N, Values J)
    : equations_(&equations),
      N_values_(std::move(N)),
      J_values_(std::move(J)),
      sampled_(equations.dense),
      A_varies_(equations.A.varies()),
      b_varies_(equations.b.varies()) {
    const MatrixXd origin = MatrixXd::Zero(1, 1);
    equations.A.prepare(parameters, A_), equations.b.prepare(parameters, b_);
    linear_.resize(1, equations.A.n_outputs()), forcing_.resize(1, n());
    if (!A_varies_) equations.A.evaluate_prepared(origin, linear_, A_);
    if (!b_varies_) equations.b.evaluate_prepared(origin, forcing_, b_);
    if (equations.N) equations.N->prepare(parameters, N_), equations.J->prepare(parameters, J_);
    if (equations.switches) equations.switches->prepare(parameters, switches_);
    if (!equations.of_time.empty()) equations.at_times.prepare(parameters, at_times_);
    if (equations.of_functions) equations.of_functions->at.prepare(parameters, bends_);
    in_time_.resize(equations.in_time.size());
    for (std::size_t k = 0; k < in_time_.size(); ++k) equations.in_time[k].at.prepare(parameters, in_time_[k]);
}

Cells RightHandSide::cells(double begin, double end) {
    const Equations& e = *equations_;
    return e.same_cells && begin == 0 && end == 1 ? *e.same_cells : Cells(e.in_time, in_time_, begin, end);
}

void RightHandSide::hold(const VectorXd& modes, const VectorXd& slopes) {
    const auto set = [&](Program::Workspace& each) { each.modes = modes, each.slopes = slopes; };
    for (auto* each : {&A_, &b_, &N_, &J_, &switches_, &bends_}) set(*each);
    for (auto& each : in_time_) set(each);
}

void RightHandSide::steps_of_time(double x, VectorXd& modes) {
    const Equations& e = *equations_;
    if (e.of_time.empty()) return;
    MatrixXd values(1, Index(e.of_time.size()));
    e.at_times.evaluate_prepared(MatrixXd::Constant(1, 1, x), values, at_times_);
    for (std::size_t k = 0; k < e.of_time.size(); ++k) modes[e.of_time[k]] = values(0, Index(k)) >= 0 ? 1 : 0;
}

void RightHandSide::switches(const VectorXd& x, const MatrixXd& y, MatrixXd& values) {
    MatrixXd points(x.size(), 1 + n());
    points << x, y;
    values.resize(x.size(), equations_->switches->n_outputs());
    equations_->switches->evaluate_prepared(points, values, switches_);
}

void RightHandSide::bends(const MatrixXd& points, MatrixXd& values) {
    values.resize(points.rows(), Index(equations_->of_functions->of.size()));
    equations_->of_functions->at.evaluate_prepared(points, values, bends_);
}

void RightHandSide::bends(const VectorXd& low, const VectorXd& high, VectorXd& least, VectorXd& largest) {
    equations_->of_functions->at.enclose(low, high, bends_, least, largest);
}

void RightHandSide::evaluate(const Ref<const VectorXd>& x, const Ref<const MatrixXd>& y, Ref<MatrixXd> f,
                             Index distinct) {
    const Equations& e = *equations_;
    const Index S = x.size();
    if (b_varies_)
        e.b.evaluate_prepared(x, f, b_);
    else
        for (Index i = 0; i < n(); ++i) f.col(i).setConstant(forcing_(0, i));
    if (A_varies_) {
        linear_.resize(S, e.A.n_outputs());
        e.A.evaluate_prepared(x, linear_, A_);
        for (std::size_t k = 0; k < e.linear.size(); ++k)
            f.col(e.linear[k].i) += linear_.col(Index(k)).cwiseProduct(y.col(e.linear[k].j));
    } else if (S == stored_points) {
        const double* a = linear_.data();
        for (auto entry = e.linear.begin(); entry != e.linear.end();) {  // row after row
            Eigen::Map<AtPoints> row(f.data() + entry->i * f.outerStride());
            AtPoints sum = row;
            for (const Index i = entry->i; entry != e.linear.end() && entry->i == i; ++entry)
                sum += *a++ * Eigen::Map<const AtPoints>(y.data() + entry->j * y.outerStride());
            row = sum;
        }
    } else {
        for (std::size_t k = 0; k < e.linear.size(); ++k)
            f.col(e.linear[k].i) += linear_(0, Index(k)) * y.col(e.linear[k].j);
    }
    if (constant_.size() > 0) f.rowwise() += constant_.transpose();
    if (added_) {
        added_(x, added_values_);
        f += added_values_;
    }
    if (!e.N && !N_values_) return;
    if (!N_values_) return e.N->add_prepared(x, y, f, N_);
    points_.resize(distinct, 1 + n()), values_.resize(distinct, n());
    points_.col(0) = x.head(distinct);
    points_.rightCols(n()) = y.topRows(distinct);
    N_values_(points_, values_);
    f.topRows(distinct) += values_;
    for (Index q = distinct; q < S; ++q) f.row(q) = f.row(distinct - 1);
}

// From both sides in two directions, where that agrees best with what is four times as close: too close is rounding,
// and too far is something else. A pole grows, a step stays.
double RightHandSide::limit(double x, const VectorXd& y, VectorXd& f) {
    const Index n = y.size();
    MatrixXd at(8, n), values(8, n);
    double found = 0, best = agreement;
    for (double distance = nearest; distance <= farthest; distance *= 10) {
        for (Index q = 0; q < 8; ++q)  // side, distance, direction
            for (Index i = 0; i < n; ++i) {
                const double along = (q < 4 || i % 2 == 0 ? 1 : -0.5) * (q % 2 ? -1 : 1) * (q % 4 < 2 ? 1 : 0.25);
                at(q, i) = y[i] + along * distance * std::max(std::abs(y[i]), 1.0);
            }
        evaluate(VectorXd::Constant(8, x), at, values, 8);
        if (!values.allFinite()) continue;
        const auto middle = [&](Index q) { return 0.5 * (values.row(q) + values.row(q + 1)); };
        const auto apart = [&](Index q) { return (values.row(q) - values.row(q + 1)).cwiseAbs().array(); };
        const Eigen::RowVectorXd size = values.cwiseAbs().colwise().maxCoeff().array() + 1e-300;
        double off = 0;
        for (const Index q : {0, 4, 6})
            off = std::max(off, ((middle(q) - middle(2)).cwiseAbs().array() / size.array()).maxCoeff());
        for (const Index q : {0, 4})
            if ((apart(q + 2) > 0.5 * apart(q) + agreement * size.array()).any()) off = 1;
        if (off < best) f = middle(2).transpose(), best = off, found = distance;
    }
    return found;
}

void RightHandSide::jacobian(double x, const VectorXd& y, MatrixXd& J) {
    const Equations& e = *equations_;
    if (A_varies_) {
        linear_.resize(1, e.A.n_outputs());
        e.A.evaluate_prepared(MatrixXd::Constant(1, 1, x), linear_, A_);
    }
    for (const auto& [i, j] : e.linear) J(i, j) = 0;
    for (const auto& [i, j] : e.nonlinear) J(i, j) = 0;
    if (e.N || J_values_) {
        points_.resize(1, 1 + n());
        points_(0, 0) = x;
        points_.rightCols(n()) = y.transpose();
    }
    if (J_values_) {
        slopes_.resize(1, n() * n());
        J_values_(points_, slopes_);
        for (Index o = 0; o < slopes_.cols(); ++o) J(o / n(), o % n()) = slopes_(0, o);
    } else if (e.N) {
        slopes_.resize(1, e.J->n_outputs());
        e.J->evaluate_prepared(points_, slopes_, J_);
        for (std::size_t k = 0; k < e.nonlinear.size(); ++k)
            J(e.nonlinear[k].i, e.nonlinear[k].j) = slopes_(0, Index(k));
    }
    for (std::size_t k = 0; k < e.linear.size(); ++k) J(e.linear[k].i, e.linear[k].j) += linear_(0, Index(k));
}

void RightHandSide::jacobians(const Ref<const VectorXd>& x, const Ref<const MatrixXd>& y, Ref<MatrixXd> J) {
    const Equations& e = *equations_;
    J.setZero();
    if (e.N) {
        points_.resize(x.size(), 1 + n()), slopes_.resize(x.size(), e.J->n_outputs());
        points_ << x, y;
        e.J->evaluate_prepared(points_, slopes_, J_);
        for (std::size_t k = 0; k < e.nonlinear.size(); ++k)
            J.col(e.nonlinear[k].i * n() + e.nonlinear[k].j) = slopes_.col(Index(k));
    }
    if (A_varies_) {
        linear_.resize(x.size(), e.A.n_outputs());
        e.A.evaluate_prepared(x, linear_, A_);
    }
    for (std::size_t k = 0; k < e.linear.size(); ++k) {
        auto to = J.col(e.linear[k].i * n() + e.linear[k].j);
        if (A_varies_)
            to += linear_.col(Index(k));
        else
            to.array() += linear_(0, Index(k));
    }
}

}  // namespace STLFAST_NAMESPACE
