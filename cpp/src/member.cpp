#include "stlfast/member.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

#include "stlfast/buffer.hpp"
#include "stlfast/dense.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

void check(const Model::ConstVector& values, const char* name, Index size) {
    if (values.size() != size)
        throw std::invalid_argument(std::string(name) + " must have shape (" + std::to_string(size) + ",), got (" +
                                    std::to_string(values.size()) + ",)");
    for (Index i = 0; i < size; ++i)
        if (!std::isfinite(values[i]))
            throw std::invalid_argument(std::string(name) + " must be finite; entry " + std::to_string(i) + " is not");
}

void check_forcing(const Model& model, const MatrixXd& f) {
    if (f.rows() != model.forcing_points().size() || f.cols() != model.family().n || !f.allFinite())
        throw std::invalid_argument("a forcing must have one finite value for each forcing point and equation");
}

}  // namespace

Member::Member(const Model& model, const OutputTable& output, VectorXd parameters, std::vector<MatrixXd> forcings,
               SolveOptions options)
    : model_(&model),
      output_(&output),
      parameters_(std::move(parameters)),
      forcings_(std::move(forcings)),
      options_(options) {
    check(parameters_, "parameters", model.family().n_parameters());
    for (const MatrixXd& f : forcings_) check_forcing(model, f);
    forced_ = !forcing(model.family(), parameters_, model.grids().collocation.x).isZero(0);
    ones_.setOnes(this->forcings());
    const std::vector<Data> data = unit_data();
    bounds_.resize(model.family().n, static_cast<Index>(data.size()));
    Model::Workspace workspace;
    const bool bands = !model.bands().empty();
    if (options.space == Space::full || !bands || !solve_reduced(data, workspace)) solve_full(data, workspace);
    tabulate();
}

std::vector<Data> Member::unit_data() const {
    const Index n = model_->family().n;
    std::vector<Data> data;
    for (Index j = 0; j < n; ++j) data.push_back({VectorXd::Unit(n, j), false, {}});
    if (forced_) data.push_back({VectorXd::Zero(n), true, {}});
    for (const MatrixXd& f : forcings_) data.push_back({VectorXd::Zero(n), false, f});
    return data;
}

// Whether the reduced basis will do.
bool Member::solve_reduced(const std::vector<Data>& data, Model::Workspace& workspace) {
    const bool automatic = options_.space == Space::automatic;
    SolveOptions options = options_;
    options.space = Space::reduced;
    Answer answer;
    for (std::size_t j = 0; j < data.size(); ++j) {
        try {
            if (j == 0)
                model_->solve(parameters_, data[j], options, answer, workspace);
            else
                model_->solve_again(parameters_, data[j], options, answer, workspace);
        } catch (const std::runtime_error&) {  // a singular operator
            if (automatic) return false;
            throw;
        }
        if (automatic && options.certify && data[j].added.size() > 0 && !answer.within) return false;
        const Index U = model_->size(answer.band);
        if (j == 0) coefficients_.resize(U, static_cast<Index>(data.size()));
        coefficients_.col(static_cast<Index>(j)) = answer.c.head(U);
        bounds_.col(static_cast<Index>(j)) = answer.bound;
    }
    band_ = answer.band;
    return true;
}

void Member::solve_full(const std::vector<Data>& data, Model::Workspace& workspace) {
    SolveOptions options = options_;
    options.space = Space::full;
    Answer answer;
    coefficients_.resize(model_->dictionary().size() * model_->family().n, static_cast<Index>(data.size()));
    for (std::size_t j = 0; j < data.size(); ++j) {
        model_->solve(parameters_, data[j], options, answer, workspace);
        coefficients_.col(static_cast<Index>(j)) = answer.heads.reshaped();
        if (options.certify) bounds_.col(static_cast<Index>(j)) = answer.bound;
    }
}

void Member::tabulate() {
    const Index n = model_->family().n, J = coefficients_.cols();
    const auto tabulated = [&](const OutputTable& output) {
        const Index E = output.x().size();
        MatrixXd table(n * E, J);
        Answer column;
        column.band = band_;
        for (Index j = 0; j < J; ++j) {
            if (band_ >= 0)
                column.c = coefficients_.col(j);
            else
                column.heads = coefficients_.col(j).reshaped(model_->dictionary().size(), n);
            output.evaluate(column, Map<MatrixXd>(table.col(j).data(), E, n));
        }
        return table;
    };
    // Evaluating the coefficients takes a product of r columns, if decoupled as fast as of a third as many.
    const bool decoupled = model_->options().decoupled;
    if (band_ < 0 || (decoupled ? 3 : 1) * J < output_->functions(band_).cols()) table_ = tabulated(*output_);
    samples_ = tabulated(model_->samples());
    if (!options_.certify) return;
    const Index S = model_->samples().x().size();
    for (Index i = 0; i < n; ++i)  // adding up the columns rounds
        bounds_.row(i) += rounding * samples_.middleRows(i * S, S).cwiseAbs().colwise().maxCoeff();
}

void Member::solve(const ConstVector& y0, Eigen::Ref<MatrixXd> y, Answer& answer, Workspace& workspace) const {
    solve(y0, ones_, y, answer, workspace);
}

void Member::solve(const ConstVector& y0, const ConstVector& amplitudes, Eigen::Ref<MatrixXd> y, Answer& answer,
                   Workspace& w) const {
    check_arguments(y0, amplitudes, y);
    const Index n = model_->family().n, E = output_->x().size();
    auto v = part(w.v, coefficients_.cols());
    v.head(n) = y0;
    if (forced_) v[n] = 1;
    v.tail(forcings()) = amplitudes;

    answer.band = band_, answer.certified = options_.certify;
    if (band_ >= 0) {
        answer.c.resize(model_->largest_size());
        dense::product(coefficients_, v, answer.c.head(coefficients_.rows()));
    } else {
        answer.heads.resize(model_->dictionary().size(), n);
        dense::product(coefficients_, v, answer.heads.reshaped());
    }
    if (table_.size() > 0)
        dense::product(table_, v, Map<VectorXd>(y.data(), n * E));
    else
        output_->evaluate(answer, y);

    check_finite(answer, y);

    answer.bound.resize(n);
    answer.within = false;
    if (!options_.certify) return;
    for (Index i = 0; i < n; ++i) answer.bound[i] = bounds_.row(i).cwiseAbs().dot(v.cwiseAbs());
    answer.within = within(y0, v, answer.bound, w);
    if (!answer.within) solve_anew(y0, amplitudes, y, answer, w);
}

void Member::solve(const ConstVector& y0, const ConstVector& amplitudes, const MatrixXd& further,
                   Eigen::Ref<MatrixXd> y, Answer& answer, Workspace& w) const {
    check_arguments(y0, amplitudes, y);
    check_forcing(*model_, further);
    Data data = combined(y0, amplitudes);
    data.added = data.added.size() > 0 ? MatrixXd(data.added + further) : further;
    SolveOptions options = options_;
    options.space = Space::full;
    if (model_->options().decoupled)
        model_->solve(parameters_, data, options, answer, w.model);
    else
        model_->solve_factored(factored(), parameters_, data, options, answer, w.model);
    output_->evaluate(answer, y);
    if (!y.allFinite()) throw std::domain_error("the answer is not finite: y0 or the forcing is too large");
}

const FullSpace::Member& Member::factored() const {
    std::call_once(factored_->once, [this] {
        const MatrixXd A = system_matrix(model_->family(), parameters_, model_->grids().collocation.x);
        factored_->factor = model_->full_space().factor(A);
    });
    return *factored_->factor;
}

void Member::check_arguments(const ConstVector& y0, const ConstVector& amplitudes,
                             const Eigen::Ref<const MatrixXd>& y) const {
    const Index n = model_->family().n, E = output_->x().size();
    check(y0, "y0", n);
    check(amplitudes, "amplitudes", forcings());
    if (y.rows() != E || y.cols() != n || y.outerStride() != E)
        throw std::invalid_argument("y must be contiguous with shape (" + std::to_string(E) + ", " + std::to_string(n) +
                                    "), got (" + std::to_string(y.rows()) + ", " + std::to_string(y.cols()) + ")");
}

// The values of moderate coefficients are finite, so that they need no look.
void Member::check_finite(const Answer& answer, const Eigen::Ref<const MatrixXd>& y) const {
    constexpr double moderate = 1e280;
    const double largest =
        band_ >= 0 ? answer.c.head(coefficients_.rows()).cwiseAbs().maxCoeff() : answer.heads.cwiseAbs().maxCoeff();
    if (!(largest < moderate) && !y.allFinite())
        throw std::domain_error("the answer is not finite: y0 or the amplitudes are too large");
}

// By max |y| over few points, which is no larger than that over all.
bool Member::within(const ConstVector& y0, const ConstVector& v, const ConstVector& bound, Workspace& w) const {
    const Tolerance& tolerance = options_.tolerance;
    bool met = true;
    for (Index i = 0; i < y0.size(); ++i)
        met = met && bound[i] <= tolerance.absolute + tolerance.relative * std::abs(y0[i]);
    if (met) return true;
    const Index n = bound.size(), S = samples_.rows() / n;
    auto sampled = part(w.sampled, samples_.rows());
    dense::product(samples_, v, sampled);
    for (Index i = 0; i < n; ++i)
        if (!(bound[i] <= tolerance.absolute + tolerance.relative * sampled.segment(i * S, S).cwiseAbs().maxCoeff()))
            return false;
    return true;
}

// The bound of a sum is not the sum of bounds: what misses the tolerance so may meet it when solved as one.
void Member::solve_anew(const ConstVector& y0, const ConstVector& amplitudes, Eigen::Ref<MatrixXd> y, Answer& answer,
                        Workspace& w) const {
    SolveOptions options = options_;
    if (band_ < 0) options.space = Space::full;
    model_->solve(parameters_, combined(y0, amplitudes), options, answer, w.model);
    output_->evaluate(answer, y);
}

Data Member::combined(const ConstVector& y0, const ConstVector& amplitudes) const {
    Data data{y0, true, {}};
    for (Index k = 0; k < amplitudes.size(); ++k) {
        const MatrixXd& f = forcings_[static_cast<std::size_t>(k)];
        if (k == 0)
            data.added = amplitudes[k] * f;
        else
            data.added += amplitudes[k] * f;
    }
    return data;
}

}  // namespace STLFAST_NAMESPACE
