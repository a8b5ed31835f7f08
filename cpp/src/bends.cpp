#include "stlfast/bends.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace STLFAST_NAMESPACE {

using Eigen::Index;

namespace {

constexpr double most_e_folds = 2;  // of an argument, from one sample to the next
constexpr double flat = 60;         // argument from which on a function is the same for all others
constexpr double smaller_divisor = 0.3, most_change = 8;  // of a divisor, between samples and from one to the next

bool is_plain(Op op) {
    return op == Op::add || op == Op::sub || op == Op::mul || op == Op::neg || op == Op::gate || op == Op::step ||
           op == Op::abs;
}

bool divides(Op op) { return op == Op::div || op == Op::atan2 || op == Op::pow || op == Op::sqrt || op == Op::log; }

bool saturates(Op op) { return op == Op::tanh || op == Op::erf; }

}  // namespace

bool Bends::told(const Eigen::MatrixXd& values, const Eigen::VectorXd& least, const Eigen::VectorXd& largest) const {
    for (Index o = 0; o < values.cols(); ++o) {
        const Op op = of[std::size_t(o)];
        const double low = least[o], high = largest[o];
        if (divides(op)) {
            const double smallest = low <= 0 && high >= 0 ? 0 : std::min(std::abs(low), std::abs(high));
            if (smallest < smaller_divisor * values.col(o).cwiseAbs().minCoeff()) return false;
            for (Index q = 1; q < samples; ++q) {
                const double before = std::abs(values(q - 1, o)), after = std::abs(values(q, o));
                if (std::max(before, after) > most_change * std::min(before, after)) return false;
            }
        } else {
            const bool is_flat = ((op == Op::exp || saturates(op)) && high < -flat) || (saturates(op) && low > flat);
            if (!is_flat && !(high - low <= most_e_folds * double(samples - 1))) return false;
        }
    }
    return true;
}

std::optional<Bends> bends(const Program& program, bool of_time) {
    const Program::Code& code = program.code();
    const Index first = program.n_inputs() + program.constants().size();
    std::vector<int> depends(static_cast<std::size_t>(first + code.rows()), 0);  // 1: on x alone, 2: on others too
    for (int k = 0; k < program.varying(); ++k) depends[std::size_t(k)] = k == 0 ? 1 : 2;
    std::vector<std::int32_t> where;
    std::vector<Op> ops;
    for (Index k = 0; k < code.rows(); ++k) {
        const auto op = static_cast<Op>(code(k, 0));
        const auto a = code(k, 1), b = code(k, 2);
        depends[std::size_t(first + k)] = std::max(depends[std::size_t(a)], b >= 0 ? depends[std::size_t(b)] : 0);
        const auto at = op == Op::div || op == Op::atan2 ? b : a;
        const bool wave = op == Op::sin || op == Op::cos;  // of states: windows are short enough for those
        if (is_plain(op) || (wave && !of_time) || depends[std::size_t(at)] != (of_time ? 1 : 2)) continue;
        where.push_back(at), ops.push_back(op);
    }
    if (where.empty()) return std::nullopt;
    Program at(program.n_inputs(), program.constants(), code,
               Eigen::Map<const Program::Registers>(where.data(), Index(where.size())), program.varying());
    return Bends{of_time ? at.of_time() : std::move(at), std::move(ops)};
}

}  // namespace STLFAST_NAMESPACE
