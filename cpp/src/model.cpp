#include "stlfast/model.hpp"

#include <cmath>
#include <stdexcept>

#include "stlfast/chebyshev.hpp"
#include "stlfast/residual.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double check_tau = 1e-5;     // the check points resolve time scales from this one on
constexpr Index band_checks = 160;     // a reduced residual swings about r times
constexpr Index dense_checks = 800;    // one on the full dictionary about M times,
constexpr Index dense_uniform = 1200;  // and one with a user's forcing as often as that does
constexpr Index output_points = 512;
constexpr Index longest_expansion = 4096;
constexpr double smallest_tau = 1e-12;

VectorXd joined(const VectorXd& first, const VectorXd& second) {
    VectorXd all(first.size() + second.size());
    all << first, second;
    return all;
}

bool logarithmic(const Family& family, Index k) {
    return k == family.stiffness || (family.low[k] > 0 && family.high[k] >= 10 * family.low[k]);
}

}  // namespace

bool meets(const VectorXd& bound, const VectorXd& scale, const Tolerance& tolerance) {
    return (bound.array() <= tolerance.absolute + tolerance.relative * scale.array()).all();
}

VectorXd box_coordinates(const Family& family, const VectorXd& parameters) {
    VectorXd u(parameters.size());
    for (Index k = 0; k < u.size(); ++k) {
        const double low = family.low[k], high = family.high[k], p = parameters[k];
        if (high == low)
            u[k] = 0;
        else
            u[k] = logarithmic(family, k) ? std::log(p / low) / std::log(high / low) : (p - low) / (high - low);
    }
    return u;
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
      grids_{std::move(collocation), Certificate(band_check_points(uniform_checks)),
             VectorXd::LinSpaced(output_points, 0, 1)},
      dense_(check_points(dense_checks, check_tau, dense_uniform)),
      forcing_points_(joined(grids_.collocation.x, dense_.x())),
      band_once_(bands_.size()),
      operators_(bands_.size()) {
    family_.validate();
    head_size(dictionary_.size(), family_.n, options_.shared_head);
    const Index K = modes_.size(), P = family_.n_parameters();
    if (modes_.g.cols() != K || (K > 0 && modes_.g.rows() != grids_.collocation.x.size()) ||
        modes_.interpolate.rows() != K || modes_.interpolate.cols() != K)
        throw std::invalid_argument("Model: the forcing modes' shapes do not fit each other or the points");
    for (const auto& band : bands_) {
        const Index rows = band.coefficients.rows(), columns = band.coefficients.cols();
        if (band.low.size() != P || band.high.size() != P || rows < 1 || rows > longest_expansion || columns < 1 ||
            columns % family_.n != 0)
            throw std::invalid_argument("Model: a band's shapes do not fit the family");
        if (!band.coefficients.allFinite() || !(band.tau >= smallest_tau && band.tau <= 1 / smallest_tau) ||
            !(band.low.array() >= family_.low.array()).all() || !(band.high.array() <= family_.high.array()).all() ||
            !(band.low.array() <= band.high.array()).all())
            throw std::invalid_argument("Model: a band's numbers must be finite, its box inside the solve ranges");
    }
}

const Model::Full& Model::full() const {
    std::call_once(full_once_, [this] {
        full_.space = std::make_unique<FullSpace>(dictionary_, grids_.collocation, family_.n, options_.shared_head,
                                                  options_.solver);
        dictionary_.evaluate(dense_.x(), full_.H, &full_.dH);
    });
    return full_;
}

const FullSpace& Model::full_space() const { return *full().space; }

const BandOperators& Model::operators(Index band) const {
    const auto k = static_cast<std::size_t>(band);
    std::call_once(band_once_[k],
                   [&] { operators_[k] = std::make_unique<BandOperators>(bands_[k], family_, modes_, grids_); });
    return *operators_[k];
}

Index Model::band_of(const VectorXd& parameters) const {
    const VectorXd u = box_coordinates(family_, parameters);
    Index best = -1;
    double nearest = 0;
    for (std::size_t k = 0; k < bands_.size(); ++k) {
        const VectorXd low = box_coordinates(family_, bands_[k].low), high = box_coordinates(family_, bands_[k].high);
        // Distance in units of the band's own half-width, so that a narrow band does not claim its neighbours' members.
        const double distance =
            ((u - 0.5 * (low + high)).array() / (0.5 * (high - low)).array().max(1e-300)).abs().maxCoeff();
        if (best < 0 || distance < nearest) best = static_cast<Index>(k), nearest = distance;
    }
    return best;
}

Answer Model::solve(const VectorXd& parameters, const Data& data, bool full, bool certify, const Tolerance& tolerance,
                    BandOperators::Workspace& workspace) const {
    if (full) return solve_full(parameters, data, certify, tolerance, workspace.certificate);
    const Index band = band_of(parameters);
    if (band < 0) throw std::invalid_argument("the model was compiled without reduced bases");
    const auto& ops = operators(band);
    Answer answer;
    answer.band = band;
    if (!ops.solve(parameters, data, answer.c, workspace))
        throw std::runtime_error("the reduced operator is numerically singular: compile with a lower rank");
    if (!answer.c.allFinite())
        throw std::domain_error(
            "the answer is not finite: the equations are not for these parameters, or y0 is too large");
    answer.a = ops.expansion(answer.c);
    if (!certify) return answer;
    if (data.added.size() > 0) {
        MatrixXd T, dT;
        chebyshev::basis(dense_.x(), answer.a.rows(), bands_[static_cast<std::size_t>(band)].tau, T, &dT);
        certify_values(parameters, data, T * answer.a, dT * answer.a, VectorXd::Zero(family_.n), answer, tolerance,
                       workspace.certificate);
        return answer;
    }
    answer.bound = ops.certify(parameters, data, answer.c, answer.scale, workspace);
    answer.within = meets(answer.bound, answer.scale, tolerance);
    return answer;
}

Answer Model::solve_full(const VectorXd& parameters, const Data& data, bool certify, const Tolerance& tolerance,
                         Certificate::Workspace& workspace) const {
    const auto& points = grids_.collocation.x;
    const auto member = full().space->factor(system_matrix(family_, parameters, points));
    MatrixXd b = MatrixXd::Zero(points.size(), family_.n);
    if (data.own_forcing) b = forcing(family_, parameters, points);
    if (data.added.size() > 0) b += data.added.topRows(points.size());
    Answer answer;
    answer.a = member.solve(data.y0, b);
    if (certify) certify_heads(parameters, data, answer, tolerance, workspace);
    return answer;
}

void Model::certify_heads(const VectorXd& parameters, const Data& data, Answer& answer, const Tolerance& tolerance,
                          Certificate::Workspace& workspace) const {
    const auto& tables = full();
    // Large heads that cancel leave rounding in the values themselves.
    const VectorXd noise = rounding * (tables.H.cwiseAbs().colwise().maxCoeff() * answer.a.cwiseAbs()).transpose();
    certify_values(parameters, data, tables.H * answer.a, tables.dH * answer.a, noise, answer, tolerance, workspace);
}

void Model::certify_values(const VectorXd& parameters, const Data& data, const MatrixXd& y, const MatrixXd& dy,
                           const VectorXd& noise, Answer& answer, const Tolerance& tolerance,
                           Certificate::Workspace& workspace) const {
    const auto& x = dense_.x();
    MatrixXd b = MatrixXd::Zero(x.size(), family_.n);
    if (data.own_forcing) b = forcing(family_, parameters, x);
    if (data.added.size() > 0) b += data.added.bottomRows(x.size());
    const MatrixXd A = system_matrix(family_, parameters, x);
    Defect left;
    defect(A, y, dy, b, y.row(0), data.y0, left);
    left.initial_rounding += noise;
    answer.scale = y.cwiseAbs().colwise().maxCoeff();
    answer.bound = dense_.bound(A, left, workspace) + noise + rounding * answer.scale;
    answer.within = meets(answer.bound, answer.scale, tolerance);
}

void Model::evaluate(const Answer& answer, const Eigen::Ref<const VectorXd>& x, Eigen::Ref<MatrixXd> y) const {
    if (answer.band >= 0) {
        chebyshev::evaluate(answer.a, bands_[static_cast<std::size_t>(answer.band)].tau, x, y);
        return;
    }
    MatrixXd H;
    dictionary_.evaluate(x, H);
    y.noalias() = H * answer.a;
}

void Model::evaluate_grid(const Answer& answer, Eigen::Ref<MatrixXd> y) const {
    if (answer.band >= 0)
        operators(answer.band).tabulated(answer.c, y);
    else
        evaluate(answer, grids_.output, y);
}

}  // namespace STLFAST_NAMESPACE
