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
#include <variant>
#include <vector>

#include "stlfast/answer.hpp"
#include "stlfast/band.hpp"
#include "stlfast/decoupled.hpp"
#include "stlfast/decoupled_space.hpp"
#include "stlfast/dictionary.hpp"
#include "stlfast/full_space.hpp"
#include "stlfast/output_table.hpp"
#include "stlfast/piecewise_table.hpp"

namespace STLFAST_NAMESPACE {

struct FullOptions {
    bool shared_head = false;
    LeastSquares solver = LeastSquares::svd;
    bool decoupled = false;  // n problems of one equation each, for a system matrix constant in time
};

// Where a member is solved: in the reduced basis of its band, on the full dictionary, or, by default, on the latter
// where the former misses the tolerance.
enum class Space { automatic, reduced, full };

struct SolveOptions {
    bool certify = true;
    Tolerance tolerance = {};
    Space space = Space::automatic;
};

class Model {
  public:
    using Vector = Eigen::Ref<Eigen::VectorXd>;
    using ConstVector = Eigen::Ref<const Eigen::VectorXd>;

    // Buffers of a solve, for any model; one for each thread.
    struct Workspace {
        BandOperators::Workspace band;
        DecoupledOperators::Workspace decoupled;
        Certificate::Workspace dense;
        Eigen::VectorXd coordinates, scale;
    };

    // uniform_checks: points that a band's certificate has besides the logarithmic ones, see compile.hpp.
    Model(Family family, Dictionary dictionary, Points collocation, FullOptions options, Eigen::Index uniform_checks,
          ForcingModes modes, std::vector<Band> bands);

    const Family& family() const { return family_; }
    const std::vector<Band>& bands() const { return bands_; }
    const ForcingModes& modes() const { return modes_; }
    const Grids& grids() const { return grids_; }
    const Dictionary& dictionary() const { return dictionary_; }
    const FullOptions& options() const { return options_; }
    const FullSpace& full_space() const;            // where the model is not decoupled
    const DecoupledSpace& decoupled_space() const;  // where it is

    // Points at which further forcing is sampled: collocation, then the dense check points of its certificate.
    const Eigen::VectorXd& forcing_points() const { return forcing_points_; }

    // The member at `parameters` (P). Allocates nothing in a band after the first solves with this answer and
    // workspace (but see schur.hpp). Throws std::invalid_argument for a reduced solve without bands, std::runtime_error
    // where the operator is numerically singular, std::domain_error where the answer is not finite.
    void solve(const ConstVector& parameters, const Data& data, const SolveOptions& options, Answer& answer,
               Workspace& workspace) const;

    // The same in a band, for the parameters of the last solve in a band with this workspace: without factoring anew.
    void solve_again(const ConstVector& parameters, const Data& data, const SolveOptions& options, Answer& answer,
                     Workspace& workspace) const;

    // The same on the full dictionary, with this member's operator factored before: see FullSpace::factor.
    void solve_factored(const FullSpace::Member& factored, const ConstVector& parameters, const Data& data,
                        const SolveOptions& options, Answer& answer, Workspace& workspace) const;

    // The certificate of any heads (M, n); fills bound and within.
    void certify_heads(const ConstVector& parameters, const Data& data, const Tolerance& tolerance, Answer& answer,
                       Workspace& workspace) const;

    // Values (N, n) of an answer at points x (N).
    void evaluate(const Answer& answer, const ConstVector& x, Eigen::Ref<Eigen::MatrixXd> y) const;

    // The default output grid, 512 uniform points, and a few points of every time scale.
    const OutputTable& output() const { return output_; }
    const OutputTable& samples() const { return samples_; }

    // Chebyshev coefficients (D, n) in the band's log time of an answer in a band.
    Eigen::MatrixXd expansion(const Answer& answer) const;

    // The band whose centre is nearest, −1 where there is none.
    Eigen::Index band_of(const ConstVector& parameters, Workspace& workspace) const;
    using Operators = std::variant<BandOperators, DecoupledOperators>;
    const Operators& operators(Eigen::Index band) const;
    Eigen::Index size(Eigen::Index band) const;                  // coefficients of an answer in a band
    Eigen::Index largest_size() const { return largest_size_; }  // and in any

  private:
    struct Full {  // the dictionary's tables
        std::unique_ptr<FullSpace> space;
        std::unique_ptr<DecoupledSpace> decoupled;
        Eigen::MatrixXd H, dH;  // at the dense check points (C, M)
    };
    const Full& full() const;
    bool solve_reduced(const ConstVector& parameters, const Data& data, const SolveOptions& options, bool factored,
                       Answer& answer, Workspace& workspace) const;
    template <class BandKind>
    bool solve_band(const BandKind& operators, const ConstVector& parameters, const Data& data,
                    const SolveOptions& options, bool factored, Answer& answer, typename BandKind::Workspace& workspace,
                    Vector scale) const;
    void solve_full(const ConstVector& parameters, const Data& data, const SolveOptions& options, Answer& answer,
                    Workspace& workspace) const;
    Eigen::MatrixXd collocated(const ConstVector& parameters, const Data& data) const;  // the forcing (N, n)

    // Of values y and derivatives dy (C, n) at the dense check points; fills bound and within.
    void certify_values(const ConstVector& parameters, const Data& data, const Eigen::MatrixXd& y,
                        const Eigen::MatrixXd& dy, const Eigen::VectorXd& noise, const Tolerance& tolerance,
                        Answer& answer, Workspace& workspace) const;

    Family family_;
    Dictionary dictionary_;
    FullOptions options_;
    ForcingModes modes_;
    std::vector<Band> bands_;
    Eigen::MatrixXd centre_, half_;  // (P, bands) of the bands in box coordinates
    Eigen::Index largest_size_ = 0;
    Grids grids_;
    OutputTable output_, samples_;
    PiecewiseTable anywhere_;
    Certificate dense_;
    Eigen::VectorXd forcing_points_;
    mutable std::vector<std::once_flag> band_once_;
    mutable std::vector<std::unique_ptr<Operators>> operators_;
    mutable std::once_flag full_once_;
    mutable Full full_;
};

// The check points of a band's certificate.
Eigen::VectorXd band_check_points(Eigen::Index uniform);

// Coordinates of parameters in a box, where ranges that span a decade or more count logarithmically: 0 at low, 1 at
// high. The stiffness parameter is always logarithmic.
void to_box_coordinates(const Family& family, const Model::ConstVector& parameters, Model::Vector coordinates);
Eigen::VectorXd from_box_coordinates(const Family& family, const Eigen::VectorXd& coordinates);

}  // namespace STLFAST_NAMESPACE
