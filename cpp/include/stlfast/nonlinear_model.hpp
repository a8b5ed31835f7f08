// A compiled nonlinear family: the reduced basis of each band and the Newton solve that uses them.
//
// Immutable, for many threads. n equations, P parameters, E output points.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "stlfast/nonlinear_band.hpp"
#include "stlfast/output_table.hpp"
#include "stlfast/piecewise_table.hpp"

namespace STLFAST_NAMESPACE {

class NonlinearModel {
  public:
    using Query = NonlinearOperators::Query;
    static constexpr Eigen::Index at_once = NonlinearOperators::lanes;

    struct Options {
        bool estimate = true;
        Tolerance tolerance = {};
    };

    // Buffers of solves, for any model; one for each thread.
    struct Workspace {
        NonlinearOperators::Workspace band;
        Eigen::MatrixXd scales;  // (n, at_once) of the states
    };

    // uniform_checks: points, besides the logarithmic ones, that residuals are sampled at. Throws std::invalid_argument
    // where shapes do not fit the family.
    NonlinearModel(Family family, Starts starts, std::vector<NonlinearBand> bands, Eigen::Index uniform_checks);
    NonlinearModel(const NonlinearModel&) = delete;
    NonlinearModel& operator=(const NonlinearModel&) = delete;

    const Family& family() const { return family_; }
    const Starts& starts() const { return starts_; }
    const std::vector<Band>& bands() const { return bands_; }
    const NonlinearOperators& operators(Eigen::Index band) const { return operators_[static_cast<std::size_t>(band)]; }

    // The band whose centre is nearest to parameters (P), −1 where none has them.
    Eigen::Index band_of(const double* parameters) const;

    // The first `count` ≤ at_once queries, all of one band ≥ 0, each to the answer of the same number; together they
    // take about the time of one. Answers do not depend on who shares the call. With two or three states nothing is
    // allocated after the first solves with these answers and this workspace.
    void solve(const Query* queries, Eigen::Index count, Eigen::Index band, const Options& options, Answer* answers,
               Workspace& workspace) const;

    // Values (N, n) of an answer at points x (N).
    void evaluate(const Answer& answer, const Eigen::Ref<const Eigen::VectorXd>& x,
                  Eigen::Ref<Eigen::MatrixXd> y) const;

    const OutputTable& output() const { return output_; }  // 512 uniform points

  private:
    Family family_;
    Starts starts_;
    std::vector<Band> bands_;
    std::vector<NonlinearOperators> operators_;
    Eigen::Index largest_size_ = 0;
    OutputTable output_;
    PiecewiseTable anywhere_;
};

}  // namespace STLFAST_NAMESPACE
