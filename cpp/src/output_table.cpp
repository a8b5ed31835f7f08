#include "stlfast/output_table.hpp"

#include <algorithm>

#include "stlfast/answer.hpp"
#include "stlfast/chebyshev.hpp"
#include "stlfast/dense.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

OutputTable::OutputTable(const std::vector<Band>& bands, const Dictionary* dictionary, Index n, VectorXd x)
    : bands_(&bands),
      dictionary_(dictionary),
      n_(n),
      x_(std::move(x)),
      once_(bands.size() + 1),
      bands_at_x_(bands.size()) {}

const dense::Tiles& OutputTable::functions(Index band) const {
    const auto k = static_cast<std::size_t>(band);
    std::call_once(once_[k], [&] {
        MatrixXd T;
        const Band& source = (*bands_)[k];
        chebyshev::basis(x_, source.coefficients.rows(), source.tau, T);
        const MatrixXd values = dense::product(T, source.coefficients);
        bands_at_x_[k] = dense::Tiles(source.decoupled ? values : stacked(values, n_));
    });
    return bands_at_x_[k];
}

void OutputTable::evaluate(const Answer& answer, Eigen::Ref<MatrixXd> y) const {
    const Index E = x_.size();
    if (y.outerStride() != E) {
        MatrixXd values(E, n_);
        evaluate(answer, values);
        y = values;
    } else if (answer.band < 0) {
        std::call_once(once_.back(), [this] { dictionary_->evaluate(x_, dictionary_at_x_); });
        y.noalias() = dictionary_at_x_ * answer.heads;
    } else if (const auto& table = functions(answer.band); decoupled(answer)) {
        for (Index i = 0; i < n_; i += at_once) {
            const double* c[at_once];
            double* values[at_once];
            const Index count = std::min(at_once, n_ - i);
            for (Index k = 0; k < count; ++k) c[k] = answer.c.data() + (i + k) * table.cols(), values[k] = &y(0, i + k);
            table.product(c, values, count);
        }
    } else {
        table.product(answer.c.data(), y.data());
    }
}

void OutputTable::evaluate(const Answer (&answers)[at_once], double* const (&y)[at_once], Index count) const {
    const bool share = std::all_of(answers, answers + count,
                                   [&](const Answer& a) { return a.band == answers[0].band && a.band >= 0; });
    if (count == at_once && share && !decoupled(answers[0])) {
        const double* c[at_once];
        for (Index k = 0; k < count; ++k) c[k] = answers[k].c.data();
        functions(answers[0].band).product(c, y, count);
        return;
    }
    for (Index k = 0; k < count; ++k) evaluate(answers[k], Map<MatrixXd>(y[k], x_.size(), n_));
}

bool OutputTable::decoupled(const Answer& answer) const {
    return (*bands_)[static_cast<std::size_t>(answer.band)].decoupled;
}

}  // namespace STLFAST_NAMESPACE
