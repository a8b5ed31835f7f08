#include "stlfast/nonlinear_model.hpp"

#include <algorithm>
#include <stdexcept>

#include "stlfast/nearest_band.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index fewest_checks = 72, checks_per_function = 3;

std::vector<Band> functions_of(const std::vector<NonlinearBand>& bands) {
    std::vector<Band> result;
    for (const auto& band : bands) result.push_back(band.functions);
    return result;
}

}  // namespace

NonlinearModel::NonlinearModel(Family family, Starts starts, std::vector<NonlinearBand> bands, Index uniform_checks)
    : family_(std::move(family)),
      starts_(std::move(starts)),
      bands_(functions_of(bands)),
      output_(bands_, nullptr, family_.n, VectorXd::LinSpaced(output_points, 0, 1)),
      anywhere_(bands_, family_.n) {
    family_.validate();
    if (starts_.y0.size() != family_.n || starts_.low.size() != family_.n || starts_.high.size() != family_.n)
        throw std::invalid_argument("NonlinearModel: the starts must have one entry for each state");
    for (const auto& band : bands) {
        check(band.functions, family_);
        const Index checks =
            std::max({fewest_checks, checks_per_function * band.x.size(), band.functions.coefficients.rows()});
        operators_.emplace_back(band, family_, starts_, check_points(checks, band.functions.tau, uniform_checks));
    }
    for (const auto& own : operators_) largest_size_ = std::max(largest_size_, own.size());
}

Index NonlinearModel::band_of(const double* parameters) const { return nearest_band(bands_, parameters); }

void NonlinearModel::solve(const Query* queries, Index count, Index band, const Options& options, Answer* answers,
                           Workspace& w) const {
    const NonlinearOperators& own = operators(band);
    const Index n = family_.n;
    NonlinearOperators::Result results[at_once];
    w.scales.resize(n, at_once);
    for (Index k = 0; k < count; ++k) {
        Answer& answer = answers[k];
        answer.band = band, answer.certified = options.estimate;
        if (answer.c.size() < own.size()) answer.c.resize(largest_size_);
        answer.bound.resize(options.estimate ? n : 0);
        results[k] = {answer.c.data(), options.estimate ? answer.bound.data() : nullptr, w.scales.col(k).data(), {}};
    }
    own.solve(queries, count, results, w.band);
    for (Index k = 0; k < count; ++k) {
        answers[k].newton = results[k].newton;
        answers[k].within = results[k].newton.converged && options.estimate &&
                            meets(answers[k].bound, w.scales.col(k), options.tolerance);
    }
}

void NonlinearModel::evaluate(const Answer& answer, const Eigen::Ref<const VectorXd>& x, Eigen::Ref<MatrixXd> y) const {
    anywhere_.evaluate(answer.band, answer.c, x, y);
}

}  // namespace STLFAST_NAMESPACE
