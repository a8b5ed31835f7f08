#include "stlfast/output_table.hpp"

#include "stlfast/chebyshev.hpp"
#include "stlfast/dense.hpp"
#include "stlfast/model.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

OutputTable::OutputTable(const std::vector<Band>& bands, const Dictionary& dictionary, Index n, VectorXd x)
    : bands_(&bands),
      dictionary_(&dictionary),
      n_(n),
      x_(std::move(x)),
      once_(bands.size() + 1),
      tables_(bands.size() + 1) {}

const MatrixXd& OutputTable::functions(Index band) const {
    const auto k = static_cast<std::size_t>(band);
    std::call_once(once_[k], [&] {
        MatrixXd T;
        const Band& source = (*bands_)[k];
        chebyshev::basis(x_, source.coefficients.rows(), source.tau, T);
        tables_[k] = stacked(dense::product(T, source.coefficients), n_);
    });
    return tables_[k];
}

void OutputTable::evaluate(const Answer& answer, Eigen::Ref<MatrixXd> y) const {
    const Index E = x_.size();
    if (answer.band < 0) {
        std::call_once(once_.back(), [this] { dictionary_->evaluate(x_, tables_.back()); });
        y.noalias() = tables_.back() * answer.heads;
        return;
    }
    const MatrixXd& Psi = functions(answer.band);
    const auto c = answer.c.head(Psi.cols());
    if (y.outerStride() == E)
        Map<VectorXd>(y.data(), n_ * E).noalias() = Psi * c;
    else
        for (Index i = 0; i < n_; ++i) y.col(i).noalias() = Psi.middleRows(i * E, E) * c;
}

}  // namespace STLFAST_NAMESPACE
