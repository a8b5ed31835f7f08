#include "stlfast/model.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "stlfast/buffer.hpp"
#include "stlfast/chebyshev.hpp"
#include "stlfast/dense.hpp"
#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double check_tau = 1e-5;     // the check points resolve time scales from this one on
constexpr Index band_checks = 128;     // a reduced residual swings about r times, 40 at most
constexpr Index dense_checks = 800;    // one on the full dictionary about M times,
constexpr Index dense_uniform = 1200;  // and one with a user's forcing as often as that does
constexpr Index sample_points = 16;

VectorXd joined(const VectorXd& first, const VectorXd& second) {
    VectorXd all(first.size() + second.size());
    all << first, second;
    return all;
}

bool logarithmic(const Family& family, Index k) {
    return k == family.stiffness || (family.low[k] > 0 && family.high[k] >= 10 * family.low[k]);
}

double worst(const Answer& answer) {
    return answer.bound.hasNaN() ? std::numeric_limits<double>::infinity() : answer.bound.maxCoeff();
}

}  // namespace

void to_box_coordinates(const Family& family, const Model::ConstVector& parameters, Model::Vector u) {
    for (Index k = 0; k < u.size(); ++k) {
        const double low = family.low[k], high = family.high[k], p = parameters[k];
        if (high == low)
            u[k] = 0;
        else
            u[k] = logarithmic(family, k) ? std::log(p / low) / std::log(high / low) : (p - low) / (high - low);
    }
}

VectorXd from_box_coordinates(const Family& family, const VectorXd& u) {
    VectorXd p(u.size());
    for (Index k = 0; k < u.size(); ++k) {
        const double low = family.low[k], high = family.high[k];
        p[k] = logarithmic(family, k) ? low * std::pow(high / low, u[k]) : low + u[k] * (high - low);
        p[k] = std::min(std::max(p[k], low), high);
    }
    return p;
}

VectorXd band_check_points(Index uniform) { return check_points(band_checks, check_tau, uniform); }

Model::Model(Family family, Dictionary dictionary, Points collocation, FullOptions options, Index uniform_checks,
             ForcingModes modes, std::vector<Band> bands)
    : family_(std::move(family)),
      dictionary_(std::move(dictionary)),
      options_(options),
      modes_(std::move(modes)),
      bands_(std::move(bands)),
      grids_{std::move(collocation), Certificate(band_check_points(uniform_checks))},
      output_(bands_, &dictionary_, family_.n, VectorXd::LinSpaced(output_points, 0, 1)),
      samples_(bands_, &dictionary_, family_.n, check_points(sample_points, check_tau)),
      anywhere_(bands_, family_.n),
      dense_(check_points(dense_checks, check_tau, dense_uniform)),
      forcing_points_(joined(grids_.collocation.x, dense_.x())),
      band_once_(bands_.size()),
      operators_(bands_.size()) {
    family_.validate();
    head_size(dictionary_.size(), family_.n, options_.shared_head);
    if (options_.decoupled && (family_.A.varies() || options_.shared_head))
        throw std::invalid_argument(
            "decoupled equations need a system matrix that is constant in time, and a head of their own each");
    const Index K = modes_.size(), P = family_.n_parameters();
    if (modes_.g.cols() != K || (K > 0 && modes_.g.rows() != grids_.collocation.x.size()) ||
        modes_.interpolate.rows() != K || modes_.interpolate.cols() != K)
        throw std::invalid_argument("Model: the forcing modes' shapes do not fit each other or the points");
    for (const auto& band : bands_) {
        if (band.decoupled != options_.decoupled)
            throw std::invalid_argument("Model: bands are decoupled where the model is");
        check(band, family_);
    }
    centre_.resize(P, static_cast<Index>(bands_.size())), half_.resizeLike(centre_);
    VectorXd low(P), high(P);
    for (Index k = 0; k < centre_.cols(); ++k) {
        const Band& band = bands_[static_cast<std::size_t>(k)];
        to_box_coordinates(family_, band.low, low), to_box_coordinates(family_, band.high, high);
        centre_.col(k) = 0.5 * (low + high);
        half_.col(k) = (0.5 * (high - low)).cwiseMax(std::numeric_limits<double>::min());
        largest_size_ = std::max(largest_size_, size(k));
    }
}

const Model::Full& Model::full() const {
    std::call_once(full_once_, [this] {
        if (options_.decoupled)
            full_.decoupled = std::make_unique<DecoupledSpace>(dictionary_, grids_.collocation, options_.solver);
        else
            full_.space = std::make_unique<FullSpace>(dictionary_, grids_.collocation, family_.n, options_.shared_head,
                                                      options_.solver);
        dictionary_.evaluate(dense_.x(), full_.H, &full_.dH);
    });
    return full_;
}

const FullSpace& Model::full_space() const { return *full().space; }
const DecoupledSpace& Model::decoupled_space() const { return *full().decoupled; }

const Model::Operators& Model::operators(Index band) const {
    const auto k = static_cast<std::size_t>(band);
    std::call_once(band_once_[k], [&] {
        if (bands_[k].decoupled)
            operators_[k] = std::make_unique<Operators>(DecoupledOperators(bands_[k], family_, modes_, grids_));
        else
            operators_[k] = std::make_unique<Operators>(BandOperators(bands_[k], family_, modes_, grids_));
    });
    return *operators_[k];
}

Index Model::size(Index band) const {
    const Band& b = bands_[static_cast<std::size_t>(band)];
    return b.decoupled ? b.coefficients.cols() * family_.n : b.coefficients.cols() / family_.n;
}

Index Model::band_of(const ConstVector& parameters, Workspace& w) const {
    auto u = part(w.coordinates, parameters.size());
    to_box_coordinates(family_, parameters, u);
    Index best = -1;
    double nearest = 0;
    if (u.size() == 0) return bands_.empty() ? -1 : 0;  // one member
    for (Index k = 0; k < centre_.cols(); ++k) {
        // Distance in units of the band's own half-width, so that a narrow band does not claim its neighbours' members.
        const double distance = ((u - centre_.col(k)).array() / half_.col(k).array()).abs().maxCoeff();
        if (best < 0 || distance < nearest) best = k, nearest = distance;
    }
    return best;
}

void Model::solve(const ConstVector& parameters, const Data& data, const SolveOptions& options, Answer& answer,
                  Workspace& workspace) const {
    if (options.space == Space::full || (options.space == Space::automatic && bands_.empty()))
        return solve_full(parameters, data, options, answer, workspace);
    if (bands_.empty())
        throw std::invalid_argument(
            "this model has no reduced basis: compile with reduced=True, or leave reduced=None");
    const bool solved = solve_reduced(parameters, data, options, false, answer, workspace);
    if (options.space == Space::reduced && !solved)
        throw std::runtime_error("the reduced operator is numerically singular: compile with a lower rank");
    if (options.space == Space::reduced || (solved && (answer.within || !options.certify))) return;
    Answer full;
    solve_full(parameters, data, options, full, workspace);
    if (!solved || full.within || worst(full) < worst(answer)) answer = std::move(full);
}

void Model::solve_again(const ConstVector& parameters, const Data& data, const SolveOptions& options, Answer& answer,
                        Workspace& workspace) const {
    solve_reduced(parameters, data, options, true, answer, workspace);
}

bool Model::solve_reduced(const ConstVector& parameters, const Data& data, const SolveOptions& options, bool factored,
                          Answer& answer, Workspace& w) const {
    answer.band = band_of(parameters, w);
    answer.certified = options.certify, answer.within = false;
    answer.c.resize(largest_size_), answer.bound.resize(family_.n);
    auto scale = part(w.scale, family_.n);
    const Operators& kind = operators(answer.band);
    const auto* coupled = std::get_if<BandOperators>(&kind);
    const bool solved = coupled ? solve_band(*coupled, parameters, data, options, factored, answer, w.band, scale)
                                : solve_band(std::get<DecoupledOperators>(kind), parameters, data, options, factored,
                                             answer, w.decoupled, scale);
    if (!solved) return false;
    if (options.certify && data.added.size() > 0) {
        MatrixXd T, dT;
        const MatrixXd a = expansion(answer);
        chebyshev::basis(dense_.x(), a.rows(), bands_[static_cast<std::size_t>(answer.band)].tau, T, &dT);
        certify_values(parameters, data, T * a, dT * a, VectorXd::Zero(family_.n), options.tolerance, answer, w);
    }
    return true;
}

// With the bound of what has no further forcing.
template <class BandKind>
bool Model::solve_band(const BandKind& operators, const ConstVector& parameters, const Data& data,
                       const SolveOptions& options, bool factored, Answer& answer,
                       typename BandKind::Workspace& workspace, Vector scale) const {
    if (!factored && !operators.factor(parameters, workspace)) return false;
    auto c = answer.c.head(operators.size());
    operators.solve(parameters, data, c, workspace);
    if (!c.allFinite())
        throw std::domain_error(
            "the answer is not finite: the equations are not for these parameters, or y0 is too large");
    if (!options.certify || data.added.size() > 0) return true;
    operators.certify(parameters, data, c, answer.bound, scale, workspace);
    answer.within = meets(answer.bound, scale, options.tolerance);
    return true;
}

void Model::solve_full(const ConstVector& parameters, const Data& data, const SolveOptions& options, Answer& answer,
                       Workspace& workspace) const {
    const MatrixXd A = system_matrix(family_, parameters, grids_.collocation.x);
    if (!options_.decoupled)
        return solve_factored(full_space().factor(A), parameters, data, options, answer, workspace);
    answer.band = -1, answer.certified = answer.within = false;
    answer.heads = decoupled_space().solve(A, data.y0, collocated(parameters, data));
    if (options.certify) certify_heads(parameters, data, options.tolerance, answer, workspace);
}

void Model::solve_factored(const FullSpace::Member& factored, const ConstVector& parameters, const Data& data,
                           const SolveOptions& options, Answer& answer, Workspace& workspace) const {
    answer.band = -1, answer.certified = answer.within = false;
    answer.heads = factored.solve(data.y0, collocated(parameters, data));
    if (options.certify) certify_heads(parameters, data, options.tolerance, answer, workspace);
}

MatrixXd Model::collocated(const ConstVector& parameters, const Data& data) const {
    const auto& points = grids_.collocation.x;
    MatrixXd b = MatrixXd::Zero(points.size(), family_.n);
    if (data.own_forcing) b = forcing(family_, parameters, points);
    if (data.added.size() > 0) b += data.added.topRows(points.size());
    return b;
}

void Model::certify_heads(const ConstVector& parameters, const Data& data, const Tolerance& tolerance, Answer& answer,
                          Workspace& workspace) const {
    const auto& tables = full();
    const MatrixXd& W = answer.heads;
    // Large heads that cancel leave rounding in the values themselves.
    const VectorXd noise = rounding * (tables.H.cwiseAbs().colwise().maxCoeff() * W.cwiseAbs()).transpose();
    answer.certified = true, answer.bound.resize(family_.n);
    certify_values(parameters, data, tables.H * W, tables.dH * W, noise, tolerance, answer, workspace);
}

void Model::certify_values(const ConstVector& parameters, const Data& data, const MatrixXd& y, const MatrixXd& dy,
                           const VectorXd& noise, const Tolerance& tolerance, Answer& answer,
                           Workspace& workspace) const {
    const VectorXd& x = dense_.x();
    MatrixXd b = MatrixXd::Zero(x.size(), family_.n);
    if (data.own_forcing) b = forcing(family_, parameters, x);
    if (data.added.size() > 0) b += data.added.bottomRows(x.size());
    const MatrixXd A = system_matrix(family_, parameters, x);
    Defect left;
    defect(A, y, dy, &b, y.row(0).transpose(), data.y0, left);
    left.initial_rounding += noise;
    const VectorXd scale = y.cwiseAbs().colwise().maxCoeff();
    dense_.bound(A, left, answer.bound, workspace.dense);
    answer.bound += noise + rounding * scale;
    answer.within = meets(answer.bound, scale, tolerance);
}

MatrixXd Model::expansion(const Answer& answer) const {
    return STLFAST_NAMESPACE::expansion(bands_[static_cast<std::size_t>(answer.band)], family_.n, answer.c);
}

void Model::evaluate(const Answer& answer, const ConstVector& x, Eigen::Ref<MatrixXd> y) const {
    if (answer.band >= 0) return anywhere_.evaluate(answer.band, answer.c, x, y);
    MatrixXd H;
    dictionary_.evaluate(x, H);
    y.noalias() = H * answer.heads;
}

}  // namespace STLFAST_NAMESPACE
