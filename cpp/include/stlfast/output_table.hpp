// The functions of all bands, and of the dictionary, tabulated at fixed output points: evaluating an answer there is
// one product.
//
// E output points, n states. What a band needs is tabulated when the first of its answers is evaluated.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <mutex>
#include <vector>

#include "stlfast/band.hpp"
#include "stlfast/dictionary.hpp"

namespace STLFAST_NAMESPACE {

struct Answer;

constexpr Eigen::Index output_points = 512;  // of a model's own grid, uniform

class OutputTable {
  public:
    // Keeps references to the bands and the dictionary, which is null where no answer has heads; points x (E) in [0,
    // 1].
    OutputTable(const std::vector<Band>& bands, const Dictionary* dictionary, Eigen::Index n, Eigen::VectorXd x);
    OutputTable(const OutputTable&) = delete;
    OutputTable& operator=(const OutputTable&) = delete;

    const Eigen::VectorXd& x() const { return x_; }

    // Values (E, n).
    void evaluate(const Answer& answer, Eigen::Ref<Eigen::MatrixXd> y) const;

    // The same of the first `count` of a few answers, each to E n numbers, one state after the other. Together they
    // take half the time if they share a band, and have the same values as alone.
    static constexpr Eigen::Index at_once = 4;
    void evaluate(const Answer (&answers)[at_once], double* const (&y)[at_once], Eigen::Index count) const;

    // Ψ (n E, r) of a band, φ (E, r) where it is decoupled.
    const dense::Tiles& functions(Eigen::Index band) const;

  private:
    bool decoupled(const Answer& answer) const;

    const std::vector<Band>* bands_;
    const Dictionary* dictionary_;
    Eigen::Index n_;
    Eigen::VectorXd x_;
    mutable std::vector<std::once_flag> once_;  // of each band, then of the dictionary
    mutable std::vector<dense::Tiles> bands_at_x_;
    mutable Eigen::MatrixXd dictionary_at_x_;
};

}  // namespace STLFAST_NAMESPACE
