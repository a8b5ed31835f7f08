// A compiled family: the dictionary, the reduced basis of each band, and the solve that uses them.
//
// Immutable and shared between threads; what only some solves need (a band's operators, the full dictionary's tables)
// is built when first needed, once. n equations, P parameters, M dictionary functions, E output points, N collocation
// points, C check points.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "stlfast/band.hpp"
#include "stlfast/dictionary.hpp"
#include "stlfast/full_space.hpp"

namespace STLFAST_NAMESPACE {

struct FullOptions {
    bool shared_head = false;
    LeastSquares solver = LeastSquares::svd;
};

struct Tolerance {
    double relative = 1e-6, absolute = 1e-8;
};

// An answer as coefficients: of a band's functions, or heads on the dictionary.
struct Answer {
    Eigen::Index band = -1;  // −1: heads on the full dictionary
    Eigen::MatrixXd a;       // Chebyshev coefficients (D, n) in the band's log time, or heads (M, n)
    Eigen::VectorXd c;       // coefficients (r) of the band's functions; empty for heads
    Eigen::VectorXd bound;   // (n) on the error; empty where not certified
    Eigen::VectorXd scale;   // (n) max |y|
    bool within = false;     // whether the bound meets the tolerance
};

class Model {
  public:
    // uniform_checks: points that a band's certificate has besides the logarithmic ones, see compile.hpp.
    Model(Family family, Dictionary dictionary, Points collocation, FullOptions options, Eigen::Index uniform_checks,
          ForcingModes modes, std::vector<Band> bands);

    const Family& family() const { return family_; }
    const std::vector<Band>& bands() const { return bands_; }
    const ForcingModes& modes() const { return modes_; }
    const Grids& grids() const { return grids_; }
    const FullSpace& full_space() const;

    // Points at which further forcing is sampled: collocation, then the dense check points of its certificate.
    const Eigen::VectorXd& forcing_points() const { return forcing_points_; }

    // The member at `parameters` (P) in the reduced basis of its band, or by heads on the full dictionary; certified or
    // not. Throws std::invalid_argument for a reduced solve without bands and std::runtime_error where the operator is
    // numerically singular.
    Answer solve(const Eigen::VectorXd& parameters, const Data& data, bool full, bool certify,
                 const Tolerance& tolerance, BandOperators::Workspace& workspace) const;

    // The certificate of any heads (M, n); fills bound, scale and within.
    void certify_heads(const Eigen::VectorXd& parameters, const Data& data, Answer& answer, const Tolerance& tolerance,
                       Certificate::Workspace& workspace) const;

    // Values (N, n) of an answer at points x (N), and on the default output grid (E, n).
    void evaluate(const Answer& answer, const Eigen::Ref<const Eigen::VectorXd>& x,
                  Eigen::Ref<Eigen::MatrixXd> y) const;
    void evaluate_grid(const Answer& answer, Eigen::Ref<Eigen::MatrixXd> y) const;
    const Eigen::VectorXd& output_grid() const { return grids_.output; }

    // The band whose centre is nearest, −1 where there is none.
    Eigen::Index band_of(const Eigen::VectorXd& parameters) const;

  private:
    struct Full {  // the dictionary's tables
        std::unique_ptr<FullSpace> space;
        Eigen::MatrixXd H, dH;  // at the dense check points (C, M)
    };
    const Full& full() const;
    const BandOperators& operators(Eigen::Index band) const;
    Answer solve_full(const Eigen::VectorXd& parameters, const Data& data, bool certify, const Tolerance& tolerance,
                      Certificate::Workspace& workspace) const;

    // Of values y and derivatives dy (C, n) at the dense check points; fills bound, scale and within.
    void certify_values(const Eigen::VectorXd& parameters, const Data& data, const Eigen::MatrixXd& y,
                        const Eigen::MatrixXd& dy, const Eigen::VectorXd& noise, Answer& answer,
                        const Tolerance& tolerance, Certificate::Workspace& workspace) const;

    Family family_;
    Dictionary dictionary_;
    FullOptions options_;
    ForcingModes modes_;
    std::vector<Band> bands_;
    Grids grids_;
    Certificate dense_;
    Eigen::VectorXd forcing_points_;
    mutable std::vector<std::once_flag> band_once_;
    mutable std::vector<std::unique_ptr<BandOperators>> operators_;
    mutable std::once_flag full_once_;
    mutable Full full_;
};

// The check points of a band's certificate.
Eigen::VectorXd band_check_points(Eigen::Index uniform);

// Whether the bound is within absolute + relative·scale in every component.
bool meets(const Eigen::VectorXd& bound, const Eigen::VectorXd& scale, const Tolerance& tolerance);

// Coordinates of parameters in a box, where ranges that span a decade or more count logarithmically: 0 at low, 1 at
// high. The stiffness parameter is always logarithmic.
Eigen::VectorXd box_coordinates(const Family& family, const Eigen::VectorXd& parameters);
Eigen::VectorXd from_box_coordinates(const Family& family, const Eigen::VectorXd& coordinates);

}  // namespace STLFAST_NAMESPACE
