// One member of a family with everything that depends on its parameters done once: a new initial value, or another
// amplitude of a forcing, is one product with a table.
//
//   y = Σ_j v_j Y_j,   |error| ≤ Σ_j |v_j| B_j,   v = (y0, 1, amplitudes)
//
// Y_j answers the j-th unit initial value, then the family's own forcing from zero where it has one, then each of the
// caller's forcings from zero; B_j is its certified bound. n equations, J columns, E output points, U coefficients.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "stlfast/model.hpp"

namespace STLFAST_NAMESPACE {

class Member {
  public:
    using Vector = Model::Vector;
    using ConstVector = Model::ConstVector;

    struct Workspace {
        Eigen::VectorXd v, sampled;
        Model::Workspace model;
    };

    // Keeps references to the model and the output points, those of model.output() or a table of the same model.
    // forcings: (forcing points, n) each, times the length of the time span. Solved on the full dictionary where the
    // reduced basis misses the tolerance for one of them (unless options.space says otherwise). Throws as Model::solve,
    // and std::invalid_argument for a wrong shape.
    Member(const Model& model, const OutputTable& output, Eigen::VectorXd parameters,
           std::vector<Eigen::MatrixXd> forcings = {}, SolveOptions options = {});

    const Model& model() const { return *model_; }
    const OutputTable& output() const { return *output_; }
    Eigen::Index forcings() const { return static_cast<Eigen::Index>(forcings_.size()); }

    // Values y (E, n) at the output points for y0 (n) and an amplitude (K) of each forcing; y shares no memory with
    // them. Allocates nothing after the first call, unless the bound misses the tolerance: then Model::solve answers.
    // Throws std::invalid_argument for a wrong shape or a number that is not finite, and as Model::solve.
    void solve(const ConstVector& y0, const ConstVector& amplitudes, Eigen::Ref<Eigen::MatrixXd> y, Answer& answer,
               Workspace& workspace) const;

    // The same with a further forcing (forcing points, n), times the length of the time span: one solve on the full
    // dictionary, whose operator is factored at the first such call (unless the model is decoupled).
    void solve(const ConstVector& y0, const ConstVector& amplitudes, const Eigen::MatrixXd& further,
               Eigen::Ref<Eigen::MatrixXd> y, Answer& answer, Workspace& workspace) const;

    // The same with amplitude 1 of each forcing.
    void solve(const ConstVector& y0, Eigen::Ref<Eigen::MatrixXd> y, Answer& answer, Workspace& workspace) const;

  private:
    std::vector<Data> unit_data() const;
    bool solve_reduced(const std::vector<Data>& data, Model::Workspace& workspace);
    void solve_full(const std::vector<Data>& data, Model::Workspace& workspace);
    void tabulate();
    void check_arguments(const ConstVector& y0, const ConstVector& amplitudes,
                         const Eigen::Ref<const Eigen::MatrixXd>& y) const;
    Data combined(const ConstVector& y0, const ConstVector& amplitudes) const;
    const FullSpace::Member& factored() const;
    void check_finite(const Answer& answer, const Eigen::Ref<const Eigen::MatrixXd>& y) const;
    bool within(const ConstVector& y0, const ConstVector& v, const ConstVector& bound, Workspace& workspace) const;
    void solve_anew(const ConstVector& y0, const ConstVector& amplitudes, Eigen::Ref<Eigen::MatrixXd> y, Answer& answer,
                    Workspace& workspace) const;

    const Model* model_;
    const OutputTable* output_;
    Eigen::VectorXd parameters_;
    std::vector<Eigen::MatrixXd> forcings_;
    SolveOptions options_;
    bool forced_;                   // whether the family has a forcing of its own
    Eigen::Index band_ = -1;        // −1: on the full dictionary
    Eigen::MatrixXd coefficients_;  // (U, J), or heads one equation after the other (M n, J)
    Eigen::MatrixXd bounds_;        // (n, J)
    Eigen::MatrixXd table_;         // (n E, J); empty where evaluating the coefficients is cheaper
    Eigen::MatrixXd samples_;       // (n S, J) at the model's sample points, for the size of a solution
    Eigen::VectorXd ones_;          // (K)
    struct Factored {
        std::once_flag once;
        std::optional<FullSpace::Member> factor;
    };
    std::shared_ptr<Factored> factored_ = std::make_shared<Factored>();
};

}  // namespace STLFAST_NAMESPACE
