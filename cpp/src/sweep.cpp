#include "stlfast/sweep.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "stlfast/crew.hpp"
#include "stlfast/member.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;
using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index piece_of_one = 1024;  // queries of one member that a thread takes at once
constexpr Index piece_of_many = 64;   // queries of many members

// Queries order[begin … end) that one thread answers in turn; all of one member, or of several.
struct Piece {
    Index begin, end;
    bool one_member;
};

class Sweep {
  public:
    Sweep(const Model& model, const OutputTable& output, const Queries& queries, const SweepOptions& options,
          const SweepResults& results, const SweepProgress& progress)
        : model_(model),
          output_(output),
          queries_(queries),
          options_(options),
          results_(results),
          n_(model.family().n),
          crew_(progress) {
        sort();
        cut();
    }

    void run() {
        crew_.run<State>(Index(pieces_.size()), options_.threads,
                         [this](Index k, State& state) { answer_piece(pieces_[static_cast<std::size_t>(k)], state); });
    }

  private:
    auto parameters(Index query) const { return queries_.parameters.row(queries_.parameters.rows() > 1 ? query : 0); }
    auto y0(Index query) const { return queries_.y0.row(queries_.y0.rows() > 1 ? query : 0); }

    // Queries of one member become neighbours, and so do those of one band.
    void sort() {
        order_.resize(static_cast<std::size_t>(queries_.count));
        std::iota(order_.begin(), order_.end(), Index{0});
        if (queries_.parameters.rows() == 1) return;
        const Index P = queries_.parameters.cols();
        std::stable_sort(order_.begin(), order_.end(), [&](Index a, Index b) {
            const double *p = queries_.parameters.data() + a * P, *q = queries_.parameters.data() + b * P;
            return std::lexicographical_compare(p, p + P, q, q + P);
        });
    }

    bool same_member(Index a, Index b) const {
        return queries_.parameters.rows() == 1 ||
               parameters(order_[std::size_t(a)]) == parameters(order_[std::size_t(b)]);
    }

    void cut() {
        const Index worth_it = n_ + 2;  // a member costs about as much as this many solves
        Index loose = 0;                // first query that is in no piece yet
        const auto close = [&](Index end) {
            for (; loose < end; loose = std::min(loose + piece_of_many, end))
                pieces_.push_back({loose, std::min(loose + piece_of_many, end), false});
        };
        for (Index begin = 0, end; begin < queries_.count; begin = end) {
            for (end = begin + 1; end < queries_.count && same_member(begin, end);) ++end;
            if (end - begin < worth_it) continue;
            close(begin);
            for (; loose < end; loose = std::min(loose + piece_of_one, end))
                pieces_.push_back({loose, std::min(loose + piece_of_one, end), true});
        }
        close(queries_.count);
    }

    static constexpr Index at_once = OutputTable::at_once;

    struct State {  // of one thread
        Answer answers[at_once];
        Member::Workspace workspace;
        VectorXd parameters;
        Data data;
        MatrixXd values[at_once];  // (E, n)
    };

    void answer_piece(const Piece& piece, State& s) {
        s.parameters = parameters(order_[static_cast<std::size_t>(piece.begin)]);
        std::optional<Member> member;
        if (piece.one_member) member.emplace(model_, output_, s.parameters, std::vector<MatrixXd>{}, options_.solve);
        for (Index first = piece.begin; first < piece.end && !crew_.stopped(); first += at_once) {
            const Index count = std::min(at_once, piece.end - first);
            double* y[at_once];
            for (Index k = 0; k < count; ++k) {
                const Index query = order_[static_cast<std::size_t>(first + k)];
                y[k] = values(query, s.values[k]);
                answer_query(query, member ? &*member : nullptr, y[k], s.answers[k], s);
            }
            if (!member) output_.evaluate(s.answers, y, count);
            for (Index k = 0; k < count; ++k) keep(order_[static_cast<std::size_t>(first + k)], s.answers[k], y[k]);
            crew_.advance(count);
        }
    }

    // Where a query's values go: to the caller, or to the buffer where they are only observed.
    double* values(Index query, MatrixXd& buffer) const {
        const Index E = output_.x().size();
        if (options_.observe == Observe::values) return results_.y + query * n_ * E;
        buffer.resize(E, n_);
        return buffer.data();
    }

    // The answer and, of a member, its values.
    void answer_query(Index query, const Member* member, double* y, Answer& answer, State& s) const {
        s.data.y0 = y0(query);
        try {
            if (member) {
                member->solve(s.data.y0, Map<MatrixXd>(y, output_.x().size(), n_), answer, s.workspace);
            } else {
                s.parameters = parameters(query);
                model_.solve(s.parameters, s.data, options_.solve, answer, s.workspace.model);
            }
        } catch (const std::domain_error& error) {
            throw std::domain_error("row " + std::to_string(query) + ": " + error.what());
        }
    }

    void keep(Index query, const Answer& answer, const double* y) {
        if (options_.observe == Observe::maximum)
            Map<VectorXd>(results_.y + query * n_, n_) =
                Map<const MatrixXd>(y, output_.x().size(), n_).colwise().maxCoeff();
        results_.success[query] = answer.within || !answer.certified;
        if (results_.full) results_.full[query] = answer.band < 0;
        if (answer.certified) Map<VectorXd>(results_.bound + query * n_, n_) = answer.bound;
    }

    const Model& model_;
    const OutputTable& output_;
    const Queries& queries_;
    const SweepOptions& options_;
    const SweepResults& results_;
    Index n_;
    std::vector<Index> order_;
    std::vector<Piece> pieces_;
    Crew crew_;
};

void check_shape(const Map<const RowMajor>& values, const char* name, Index count, Index columns) {
    if (values.cols() == columns && (values.rows() == 1 || values.rows() == count)) return;
    throw std::invalid_argument(std::string(name) + " must have shape (" + std::to_string(count) + ", " +
                                std::to_string(columns) + ") or (1, " + std::to_string(columns) + "), got (" +
                                std::to_string(values.rows()) + ", " + std::to_string(values.cols()) + ")");
}

void check_finite(const Map<const RowMajor>& values, const char* name) {
    for (Index row = 0; row < values.rows(); ++row)
        if (!values.row(row).allFinite())
            throw std::invalid_argument(std::string(name) + " must be finite; row " + std::to_string(row) + " is not");
}

}  // namespace

void check(const Queries& queries, Index P, Index n, int threads) {
    if (threads < 1) throw std::invalid_argument("threads must be at least 1, got " + std::to_string(threads));
    check_shape(queries.parameters, "parameters", queries.count, P);
    check_shape(queries.y0, "y0", queries.count, n);
    check_finite(queries.parameters, "parameters");
    check_finite(queries.y0, "y0");
}

void solve_many(const Model& model, const OutputTable& output, const Queries& queries, const SweepOptions& options,
                const SweepResults& results, const SweepProgress& progress) {
    check(queries, model.family().n_parameters(), model.family().n, options.threads);
    if (queries.count > 0) Sweep(model, output, queries, options, results, progress).run();
}

}  // namespace STLFAST_NAMESPACE
