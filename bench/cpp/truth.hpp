// A member of a shipped family with its true solution, and the error of others.
//
// n states, N times; x = (t − t0)/(t1 − t0).
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <stlfast/io.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "problems.hpp"

namespace bench {

// A shipped model's file and what its family is solved at.
struct Shipped {
    Shipped(const std::string& folder, const std::string& name);

    const stlfast::LoadedFamily& about() const;
    const stlfast::Family& family() const;

    Eigen::VectorXd parameters(const Member& member) const;  // (P)

    std::variant<stlfast::LoadedModel, stlfast::LoadedNonlinearModel> file;
};

struct Times {
    Times(Eigen::VectorXd scaled, std::pair<double, double> span)
        : x(std::move(scaled)), t(span.first + (span.second - span.first) * x.array()) {}

    Eigen::VectorXd x, t;  // (N)
};

class Truth {
  public:
    // jumps: whether y1 jumps where it passes through 0, so that errors count only away from there. first: the first of
    // the logarithmic times.
    struct How {
        double first = 1e-5;
        bool jumps = false;
    };
    Truth(const Shipped& shipped, const Member& member, How how);

    // The largest error of y (N, n) at points(), over the state's largest value; infinite where y is not finite.
    double error(const Eigen::MatrixXd& y) const;

    const Times& grid() const { return grid_; }      // 512 uniform times
    const Times& points() const { return points_; }  // with 512 logarithmic ones
    double smallest() const { return scale_.minCoeff(); }
    const Eigen::VectorXd& scale() const { return scale_; }  // (n) largest values

    // The error of CVODE at its sharpest, or of dopri5 where that is smaller, measured as others: the truth is the
    // direct solver's. Infinite where neither is there.
    double doubt() const { return doubt_; }

  private:
    void leave_out_jumps(const Eigen::VectorXd& first);  // state y1, at uniform times

    Times grid_, points_;
    Eigen::MatrixXd y_;
    Eigen::VectorXd scale_;
    std::vector<bool> counted_;
    double doubt_ = INFINITY;
};

}  // namespace bench
