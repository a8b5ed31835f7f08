#include "stlfast/model.hpp"

#include <cmath>
#include <stdexcept>

#include "stlfast/chebyshev.hpp"
#include "stlfast/residual.hpp"

namespace stlfast {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double check_tau = 1e-5;     // the check points resolve time scales from this one on
constexpr Index reduced_checks = 160;  // a reduced residual swings about r times
constexpr Index checks_per_point = 2;  // on the full dictionary, for each collocation point
constexpr Index output_points = 512;

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

Grids make_grids(Points collocation) {
    return {std::move(collocation), Certificate(log_time_grid(reduced_checks, check_tau)),
            VectorXd::LinSpaced(output_points, 0, 1)};
}

Model::Model(Family family, Dictionary dictionary, Points collocation, FullOptions options, ForcingModes modes,
             std::vector<Band> bands)
    : family_(std::move(family)),
      dictionary_(std::move(dictionary)),
      options_(options),
      modes_(std::move(modes)),
      bands_(std::move(bands)),
      grids_(make_grids(std::move(collocation))),
      band_forcing_points_(joined(grids_.collocation.x, grids_.certificate.x())),
      band_once_(bands_.size()),
      operators_(bands_.size()) {
    family_.validate();
    head_size(dictionary_.size(), family_.n, options_.shared_head);
    const Index K = modes_.size(), P = family_.n_parameters();
    if (modes_.g.cols() != K || (K > 0 && modes_.g.rows() != grids_.collocation.x.size()) ||
        modes_.interpolate.rows() != K || modes_.interpolate.cols() != K)
        throw std::invalid_argument("Model: the forcing modes' shapes do not fit each other or the points");
    for (const auto& band : bands_)
        if (band.low.size() != P || band.high.size() != P || band.coefficients.cols() % family_.n != 0 ||
            !(band.tau > 0))
            throw std::invalid_argument("Model: a band's shapes do not fit the family");
}

const Model::Full& Model::full() const {
    std::call_once(full_once_, [this] {
        full_.space = std::make_unique<FullSpace>(dictionary_, grids_.collocation, family_.n, options_.shared_head,
                                                  options_.solver);
        const auto checks = checks_per_point * grids_.collocation.x.size();
        full_.certificate = std::make_unique<Certificate>(log_time_grid(checks, check_tau));
        dictionary_.evaluate(VectorXd::Zero(1), full_.H0);
        dictionary_.evaluate(full_.certificate->x(), full_.H, &full_.dH);
        full_.forcing_points = joined(grids_.collocation.x, full_.certificate->x());
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

const VectorXd& Model::forcing_points(bool in_full) const {
    return in_full ? full().forcing_points : band_forcing_points_;
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
    answer.a = ops.expansion(answer.c);
    if (!certify) return answer;
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
    const auto& x = tables.certificate->x();
    MatrixXd b = MatrixXd::Zero(x.size(), family_.n);
    if (data.own_forcing) b = forcing(family_, parameters, x);
    if (data.added.size() > 0) b += data.added.bottomRows(x.size());
    const MatrixXd y = tables.H * answer.a, A = system_matrix(family_, parameters, x);
    answer.scale = y.cwiseAbs().colwise().maxCoeff();
    Defect left;
    defect(A, y, tables.dH * answer.a, b, (tables.H0 * answer.a).transpose(), data.y0, left);
    // Large heads that cancel leave rounding in the values themselves.
    const VectorXd noise = rounding * (tables.H.cwiseAbs().colwise().maxCoeff() * answer.a.cwiseAbs()).transpose();
    left.initial_rounding += noise;
    answer.bound = tables.certificate->bound(A, left, workspace) + noise;
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

}  // namespace stlfast
