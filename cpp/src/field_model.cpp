#include "stlfast/field_model.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "stlfast/buffer.hpp"
#include "stlfast/chebyshev.hpp"
#include "stlfast/decompositions.hpp"
#include "stlfast/nearest_band.hpp"
#include "stlfast/sizes.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using RowMajorMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

constexpr double full_turn = 6.283185307179586;
// Relative sizes of degrees and of times that are not evaluated, far below what reduced bases are compiled for.
constexpr double no_degree = 1e-8, extinct = 1e-7;

// Values (N, size) of an axis's functions.
MatrixXd axis_basis(const SpaceAxis& axis, const VectorXd& z) {
    MatrixXd values(z.size(), axis.size);
    values.col(0).setOnes();
    if (axis.periodic) {
        for (Index k = 1; k < axis.size; ++k) {
            const auto angle = full_turn * double((k + 1) / 2) * z.array();
            if (k % 2 == 1)
                values.col(k) = angle.cos();
            else
                values.col(k) = angle.sin();
        }
        return values;
    }
    const VectorXd at = 2 * z.array() - 1;
    if (axis.size > 1) values.col(1) = at;
    for (Index k = 2; k < axis.size; ++k) values.col(k) = 2 * at.cwiseProduct(values.col(k - 1)) - values.col(k - 2);
    return values;
}

// How many of the first entries are worth evaluating: smooth data need few degrees, what has decayed no later times.
Index needed(const VectorXd& sizes, double share) {
    const double least = share * sizes.maxCoeff();
    Index count = sizes.size();
    while (count > 0 && sizes[count - 1] <= least) --count;
    return count;
}

}  // namespace

FieldModel::FieldModel(Definition definition) : definition_(std::move(definition)) {
    const auto refuse = [](const std::string& what) { throw std::invalid_argument("FieldModel: " + what); };
    const auto& own = definition_;
    const Index n = own.mixing.rows(), P = own.low.size(), V = Index(own.varying.size());
    if (n == 0 || own.mixing.cols() != n || !own.mixing.allFinite())
        refuse("the mixing must be a finite square matrix");
    const auto [unmixing, exists] = inverse(own.mixing);
    if (!exists) refuse("the mixing must be invertible");
    unmixing_ = unmixing;
    if (own.theta.n_inputs() != 1 + P) refuse("theta must have the parameters as inputs");
    for (const Index q : own.varying)
        if (q < 0 || q >= own.theta.n_outputs()) refuse("varying must be outputs of theta");
    const auto& points = own.points;
    if (points.weight.size() == 0 || points.time.size() != points.weight.size() || !(points.weight.array() > 0).all() ||
        !(points.time.array() >= 0).all() || !(points.time.array() <= 1).all())
        refuse("the data must have positive weights, and times in [0, 1]");
    const Index C_t = points.check_times.size();
    if (C_t < 2 || points.check_spaces < 1 ||
        !(points.check_times.tail(C_t - 1).array() > points.check_times.head(C_t - 1).array()).all())
        refuse("there must be check points, at increasing times");
    Index S = 1;
    for (const SpaceAxis& axis : own.axes) {
        if (axis.size < 1) refuse("every axis must have functions");
        S = product_of({S, axis.size});
    }
    std::vector<bool> there(std::size_t(n), false);
    for (const FieldGroup& group : own.groups) {
        for (const Index field : group.fields) {
            if (field < 0 || field >= n || there[std::size_t(field)]) refuse("each field must be in one group");
            there[std::size_t(field)] = true;
        }
        if (group.fields.empty() || group.bands.empty()) refuse("every group must have fields and bands");
        operators_.emplace_back();
        for (const FieldBand& band : group.bands) {
            if (band.space.rows() != S) refuse("the functions of space must have S coefficients");
            operators_.back().emplace_back(band, points, Index(group.fields.size()), P, V);
        }
    }
    if (!std::all_of(there.begin(), there.end(), [](bool found) { return found; })) refuse("a field is in no group");
}

void FieldModel::factor(const double* parameters, Member& member, Workspace& w) const {
    const Index P = definition_.low.size(), V = Index(definition_.varying.size());
    auto outputs = part(w.values, 1, definition_.theta.n_outputs());
    definition_.theta.evaluate(MatrixXd::Zero(1, 1), Map<const VectorXd>(parameters, P), outputs, w.program);
    w.theta.resize(V);
    for (Index q = 0; q < V; ++q) w.theta[q] = outputs(0, definition_.varying[std::size_t(q)]);
    member.bands.resize(operators_.size()), member.factors.resize(operators_.size());
    for (std::size_t g = 0; g < operators_.size(); ++g) {
        const Index band = nearest_band(definition_.groups[g].bands, parameters);
        if (band < 0) throw std::out_of_range("no band of the model has these parameters");
        member.bands[g] = band;
        if (!operators_[g][std::size_t(band)].factor(w.theta, member.factors[g], w.band))
            throw std::runtime_error("the reduced operator is numerically singular; compile with a larger tol");
    }
}

void FieldModel::solve(const Member& member, const double* data, bool estimate, const Tolerance& tolerance,
                       FieldAnswer& answer, Workspace& w) const {
    const Index n = this->n(), M = data_size();
    const Map<const RowMajorMatrix> given(data, n, M);
    answer.bands = member.bands;
    answer.c.resize(operators_.size()), answer.core.resize(operators_.size());
    answer.scale = given.rowwise().lpNorm<Eigen::Infinity>();
    auto own = part(w.data, n * M);
    w.largest.setZero(n);
    Index first = 0;
    for (std::size_t g = 0; g < operators_.size(); ++g) {
        const auto& fields = definition_.groups[g].fields;
        const FieldOperators& operators = operators_[g][std::size_t(member.bands[g])];
        const FieldBand& band = definition_.groups[g].bands[std::size_t(member.bands[g])];
        double* const d = own.data() + first * M;
        for (std::size_t k = 0; k < fields.size(); ++k) {
            Map<VectorXd> row(d + Index(k) * M, M);
            row = unmixing_(fields[k], 0) * given.row(0).transpose();
            for (Index i = 1; i < n; ++i) row += unmixing_(fields[k], i) * given.row(i).transpose();
        }
        answer.c[g].resize(operators.size()), answer.core[g].resize(band.core.rows());
        operators.solve(member.factors[g], d, answer.c[g].data());
        answer.core[g].noalias() = band.core * answer.c[g];
        if (estimate) {
            double* const largest = part(w.values, n).data();
            operators.estimate(member.factors[g], d, answer.c[g].data(), largest, w.band);
            for (std::size_t k = 0; k < fields.size(); ++k) w.largest[fields[k]] = largest[k];
        }
        first += Index(fields.size());
    }
    if (estimate) {
        answer.estimate.noalias() = definition_.mixing.cwiseAbs() * w.largest;
        answer.within = meets(answer.estimate, answer.scale, tolerance);
    } else {
        answer.estimate.resize(0), answer.within = false;
    }
}

MatrixXd FieldModel::space_basis(const MatrixXd& z) const {
    MatrixXd basis = MatrixXd::Ones(z.rows(), 1);
    for (std::size_t k = 0; k < definition_.axes.size(); ++k) {
        const MatrixXd own = axis_basis(definition_.axes[k], z.col(Index(k)));
        MatrixXd next(z.rows(), basis.cols() * own.cols());
        for (Index j = 0; j < basis.cols(); ++j)
            next.middleCols(j * own.cols(), own.cols()) = own.array().colwise() * basis.col(j).array();
        basis = std::move(next);
    }
    return basis;
}

void FieldModel::evaluate(const FieldAnswer& answer, const MatrixXd& points, double* u) const {
    const Index d = Index(definition_.axes.size()), N = points.rows();
    const MatrixXd basis = space_basis(points.leftCols(d));
    Map<RowMajorMatrix> values(u, n(), N);
    values.setZero();
    for (std::size_t g = 0; g < operators_.size(); ++g) {
        const FieldBand& band = definition_.groups[g].bands[std::size_t(answer.bands[g])];
        const Index p = band.space.cols(), q = band.time.cols();
        MatrixXd T;
        chebyshev::basis(points.col(d), band.time.rows(), band.tau, T);
        const MatrixXd X = basis * band.space;
        T = T * band.time;
        const auto& fields = definition_.groups[g].fields;
        for (std::size_t k = 0; k < fields.size(); ++k) {
            const Map<const MatrixXd> core(answer.core[g].data() + Index(k) * p * q, p, q);
            const VectorXd v = (X * core).cwiseProduct(T).rowwise().sum();
            values += definition_.mixing.col(fields[k]) * v.transpose();
        }
    }
}

FieldTable::FieldTable(const FieldModel& model, MatrixXd z, VectorXd x)
    : model_(&model), z_(std::move(z)), x_(std::move(x)) {
    if (z_.cols() != Index(model.definition_.axes.size()))
        throw std::invalid_argument("FieldTable: space points must have one column for each coordinate");
    if (!(z_.array() >= 0).all() || !(z_.array() <= 1).all() || !(x_.array() >= 0).all() || !(x_.array() <= 1).all())
        throw std::invalid_argument("FieldTable: points must lie in [0, 1]");
    for (const FieldGroup& group : model.definition_.groups) {
        functions_.emplace_back();
        for (std::size_t k = 0; k < group.bands.size(); ++k) functions_.back().push_back(std::make_unique<Functions>());
    }
}

const FieldTable::Functions& FieldTable::functions(std::size_t group, Index number) const {
    Functions& own = *functions_[group][std::size_t(number)];
    std::call_once(own.once, [&] {
        std::call_once(basis_once_, [&] { basis_ = model_->space_basis(z_); });
        const FieldBand& band = model_->definition_.groups[group].bands[std::size_t(number)];
        MatrixXd T;
        chebyshev::basis(x_, band.time.rows(), band.tau, T);
        own.space = basis_ * band.space;
        own.time = (T * band.time).transpose();
    });
    return own;
}

void FieldTable::evaluate(const FieldModel::FieldAnswer& answer, double* u, FieldModel::Workspace& w) const {
    const auto& definition = model_->definition_;
    const Index n = model_->n(), rows = space_size(), columns = time_size();
    auto values = part(w.values, n * rows * columns);
    w.alive.assign(std::size_t(n), 0);
    for (std::size_t g = 0; g < definition.groups.size(); ++g) {
        const Functions& own = functions(g, answer.bands[g]);
        const Index p = own.space.cols(), q = own.time.rows();
        const auto& fields = definition.groups[g].fields;
        for (std::size_t k = 0; k < fields.size(); ++k) {
            const Map<const MatrixXd> core(answer.core[g].data() + Index(k) * p * q, p, q);
            const Index degrees = needed(core.rowwise().lpNorm<Eigen::Infinity>(), no_degree);
            w.time_part.noalias() = core.topRows(degrees) * own.time;
            const Index alive = needed(w.time_part.colwise().lpNorm<Eigen::Infinity>().transpose(), extinct);
            w.alive[std::size_t(fields[k])] = alive;
            Map<RowMajorMatrix>(values.data() + fields[k] * rows * columns, rows, alive).noalias() =
                own.space.leftCols(degrees) * w.time_part.leftCols(alive);
        }
    }
    for (Index i = 0; i < n; ++i)
        for (Index z = 0; z < rows; ++z) {
            Map<VectorXd> out(u + (i * rows + z) * columns, columns);
            Index written = 0;  // entries that hold a sum already
            for (Index k = 0; k < n; ++k) {
                const Index alive = w.alive[std::size_t(k)];
                const double factor = definition.mixing(i, k);
                const Map<const VectorXd> v(values.data() + k * rows * columns + z * alive, alive);
                const Index both = std::min(written, alive);
                out.head(both) += factor * v.head(both);
                if (alive > written) out.segment(written, alive - written) = factor * v.tail(alive - written);
                written = std::max(written, alive);
            }
            out.tail(columns - written).setZero();
        }
}

}  // namespace STLFAST_NAMESPACE
