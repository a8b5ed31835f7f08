#include "stlfast/program.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "stlfast/buffer.hpp"
#include "stlfast/math.hpp"

namespace STLFAST_NAMESPACE {

using Eigen::Index;

namespace {

constexpr int max_inputs = 1 << 16;        // far beyond any family; keeps a broken file from asking for all memory
constexpr Index program_block_size = 256;  // points evaluated together, so that the registers stay in cache
constexpr Index few = 8;                   // points of a window: registers side by side
using AtFew = Eigen::Array<double, few, 1>;

// One value for each point, or the same value for all of them.
struct Operand {
    const double* values;
    bool uniform;
};

template <class Function>
void apply_binary(Function f, Operand a, Operand b, double* out, Index n) {
    const double a0 = *a.values, b0 = *b.values;
    if (a.uniform)
        for (Index i = 0; i < n; ++i) out[i] = f(a0, b.values[i]);
    else if (b.uniform)
        for (Index i = 0; i < n; ++i) out[i] = f(a.values[i], b0);
    else
        for (Index i = 0; i < n; ++i) out[i] = f(a.values[i], b.values[i]);
}

bool is_binary(Op op) {
    return op == Op::add || op == Op::sub || op == Op::mul || op == Op::div || op == Op::pow || op == Op::atan2 ||
           op == Op::gate;
}

Index switch_of(std::int32_t b) { return -2 - Index(b); }

void apply(Op op, Operand a, Operand b, double* out, Index n) {
    const auto unary = [&](auto f) { std::transform(a.values, a.values + n, out, f); };
    switch (op) {
        case Op::add:
            return apply_binary([](double u, double v) { return u + v; }, a, b, out, n);
        case Op::sub:
            return apply_binary([](double u, double v) { return u - v; }, a, b, out, n);
        case Op::mul:
            return apply_binary([](double u, double v) { return u * v; }, a, b, out, n);
        case Op::div:
            return apply_binary([](double u, double v) { return u / v; }, a, b, out, n);
        case Op::pow:
            return apply_binary([](double u, double v) { return std::pow(u, v); }, a, b, out, n);
        case Op::neg:
            return static_cast<void>(unary([](double u) { return -u; }));
        case Op::abs:
            return static_cast<void>(unary([](double u) { return std::fabs(u); }));
        case Op::sqrt:
            return static_cast<void>(unary([](double u) { return std::sqrt(u); }));
        case Op::log:
            return static_cast<void>(unary([](double u) { return std::log(u); }));
        case Op::tan:
            return static_cast<void>(unary([](double u) { return std::tan(u); }));
        case Op::exp:
            return math::exp(a.values, out, n);
        case Op::sin:
            return math::sin(a.values, out, n);
        case Op::cos:
            return math::cos(a.values, out, n);
        case Op::tanh:
            return math::tanh(a.values, out, n);
        case Op::sinh:
            return static_cast<void>(unary([](double u) { return std::sinh(u); }));
        case Op::cosh:
            return static_cast<void>(unary([](double u) { return std::cosh(u); }));
        case Op::asin:
            return static_cast<void>(unary([](double u) { return std::asin(u); }));
        case Op::acos:
            return static_cast<void>(unary([](double u) { return std::acos(u); }));
        case Op::atan:
            return static_cast<void>(unary([](double u) { return std::atan(u); }));
        case Op::asinh:
            return static_cast<void>(unary([](double u) { return std::asinh(u); }));
        case Op::acosh:
            return static_cast<void>(unary([](double u) { return std::acosh(u); }));
        case Op::atanh:
            return static_cast<void>(unary([](double u) { return std::atanh(u); }));
        case Op::erf:
            return static_cast<void>(unary([](double u) { return std::erf(u); }));
        case Op::atan2:
            return apply_binary([](double u, double v) { return std::atan2(u, v); }, a, b, out, n);
        case Op::gate:
            return apply_binary([](double u, double v) { return v == 0 ? 0 : u * v; }, a, b, out, n);
        case Op::step:
            return static_cast<void>(unary([](double u) { return u >= 0 ? 1.0 : 0.0; }));
    }
}

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("Program: " + what); }

}  // namespace

Program::Program(int n_inputs, Eigen::VectorXd constants, Code code, Registers outputs, int varying)
    : n_inputs_(n_inputs),
      varying_(varying),
      constants_(std::move(constants)),
      code_(std::move(code)),
      outputs_(std::move(outputs)) {
    validate();
    classify_registers();
}

void Program::validate() const {
    if (n_inputs_ < 1 || n_inputs_ > max_inputs)
        refuse("n_inputs is " + std::to_string(n_inputs_) + ", expected 1 (x itself) … " + std::to_string(max_inputs));
    if (varying_ < 1 || varying_ > n_inputs_)
        refuse("varying is " + std::to_string(varying_) + ", expected 1 … " + std::to_string(n_inputs_));
    if (!constants_.allFinite()) refuse("constants must be finite");
    if (outputs_.size() == 0) refuse("outputs is empty, expected at least one register");
    const Index first = n_inputs_ + constants_.size();
    for (Index k = 0; k < code_.rows(); ++k) {
        const auto where = "instruction " + std::to_string(k);
        const auto op = code_(k, 0), a = code_(k, 1), b = code_(k, 2);
        if (op < 0 || op > static_cast<std::int32_t>(Op::step))
            refuse(where + " has op " + std::to_string(op) + ", expected 0 … 25");
        const auto check = [&](std::int32_t r) {
            if (r < 0 || r >= first + k)
                refuse(where + " reads register " + std::to_string(r) + ", expected 0 … " +
                       std::to_string(first + k - 1));
        };
        check(a);
        if (is_binary(static_cast<Op>(op)))
            check(b);
        else if (static_cast<Op>(op) == Op::step && (b > -2 || switch_of(b) >= max_inputs))
            refuse(where + " is a step with b = " + std::to_string(b) + ", expected −2 or less: a switch's number");
        else if (static_cast<Op>(op) != Op::step && b != -1)
            refuse(where + " is unary with b = " + std::to_string(b) + ", expected −1");
    }
    for (const auto r : outputs_)
        if (r < 0 || r >= first + code_.rows())
            refuse("an output is register " + std::to_string(r) + ", expected 0 … " +
                   std::to_string(first + code_.rows() - 1));
}

void Program::classify_registers() {
    const Index first = n_inputs_ + constants_.size();
    column_.assign(static_cast<std::size_t>(first + code_.rows()), -1);
    for (int k = 0; k < varying_; ++k) column_[static_cast<std::size_t>(k)] = n_columns_++;
    for (Index k = 0; k < code_.rows(); ++k) {
        const auto a = code_(k, 1), b = code_(k, 2);
        if (column_[a] >= 0 || (b >= 0 && column_[b] >= 0)) column_[first + k] = n_columns_++;
    }
    for (Index k = 0; k < code_.rows(); ++k)
        if (column_[first + k] >= 0) varying_code_.push_back(k);
    twin_.assign(static_cast<std::size_t>(code_.rows()), -1);
    const auto is = [&](Index k, Op op) { return column_[first + k] >= 0 && code_(k, 0) == static_cast<int>(op); };
    for (Index k = 0; k < code_.rows(); ++k)
        for (Index l = 0; l < code_.rows() && is(k, Op::sin); ++l)
            if (is(l, Op::cos) && code_(k, 1) == code_(l, 1) && twin_[k] < 0 && twin_[l] < 0)
                twin_[k] = l, twin_[l] = k;
}

bool Program::varies() const {
    return std::any_of(outputs_.begin(), outputs_.end(), [this](auto r) { return column_[r] >= 0; });
}

bool Program::depends_on(Index input) const {
    const Index first = n_inputs_ + constants_.size();
    std::vector<bool> depends(static_cast<std::size_t>(first + code_.rows()));
    depends[input] = true;
    for (Index k = 0; k < code_.rows(); ++k) {
        const auto a = code_(k, 1), b = code_(k, 2);
        depends[first + k] = depends[a] || (b >= 0 && depends[b]);
    }
    return std::any_of(outputs_.begin(), outputs_.end(), [&](auto r) { return depends[r]; });
}

bool Program::is_constant(Index o) const {
    return outputs_[o] >= n_inputs_ && outputs_[o] < n_inputs_ + constants_.size();
}

bool Program::is_zero(Index o) const { return is_constant(o) && constants_[outputs_[o] - n_inputs_] == 0; }

Index Program::n_switches() const {
    Index result = 0;
    for (Index k = 0; k < code_.rows(); ++k)
        if (code_(k, 0) == static_cast<int>(Op::step)) result = std::max(result, switch_of(code_(k, 2)) + 1);
    return result;
}

Program Program::with_outputs(const std::vector<Index>& which) const {
    Program result = *this;
    result.outputs_.resize(Index(which.size()));
    for (Index o = 0; o < result.outputs_.size(); ++o) result.outputs_[o] = outputs_[which[std::size_t(o)]];
    return result;
}

Program Program::of_time() const {
    const Index first = n_inputs_ + constants_.size(), registers = first + code_.rows();
    std::vector<std::int32_t> number(std::size_t(registers), -1);  // of each register that stays
    std::int32_t next = 0;
    for (Index r = 0; r < first; ++r)
        if (r == 0 || r >= varying_) number[std::size_t(r)] = next++;
    Code code(code_.rows(), 3);
    Index kept = 0;
    for (Index k = 0; k < code_.rows(); ++k) {
        const auto row = code_.row(k);
        const auto a = number[std::size_t(row[1])], b = row[2] >= 0 ? number[std::size_t(row[2])] : row[2];
        if (a < 0 || (row[2] >= 0 && b < 0)) continue;
        code.row(kept++) << row[0], a, b;
        number[std::size_t(first + k)] = next++;
    }
    Registers outputs(outputs_.size());
    for (Index o = 0; o < outputs.size(); ++o) outputs[o] = number[std::size_t(outputs_[o])];
    return Program(n_inputs_ - varying_ + 1, constants_, code.topRows(kept), std::move(outputs));
}

void Program::prepare(const Eigen::Ref<const Eigen::VectorXd>& inputs, Workspace& workspace) const {
    if (inputs.size() != n_inputs_ - varying_)
        refuse("got " + std::to_string(inputs.size()) + " inputs besides those of the points, expected " +
               std::to_string(n_inputs_ - varying_));
    const Index first = n_inputs_ + constants_.size();
    auto value = part(workspace.uniform, first + code_.rows());
    value.segment(varying_, inputs.size()) = inputs;
    value.segment(n_inputs_, constants_.size()) = constants_;
    for (Index k = 0; k < code_.rows(); ++k) {
        if (column_[first + k] >= 0) continue;
        const Operand a{&value[code_(k, 1)], false}, b{&value[std::max(code_(k, 2), 0)], false};
        apply(static_cast<Op>(code_(k, 0)), a, b, &value[first + k], 1);
    }
    workspace.few_prepared = false;
}

void Program::evaluate_block(Index n, Eigen::Map<Eigen::MatrixXd> value, const Workspace& workspace) const {
    const Index first = n_inputs_ + constants_.size();
    const auto operand = [&](std::int32_t r) {
        const Index column = column_[std::max(r, 0)];
        return column >= 0 ? Operand{&value(0, column), false} : Operand{&workspace.uniform[r], true};
    };
    for (Index k = 0; k < code_.rows(); ++k) {
        const Index column = column_[first + k];
        if (column < 0) continue;
        if (code_(k, 0) == static_cast<int>(Op::step) && workspace.modes.size() > 0) {
            const Index k_switch = switch_of(code_(k, 2));
            const double mode = workspace.modes[k_switch], slope = workspace.slopes[k_switch];
            const double* const at = operand(code_(k, 1)).values;
            for (Index i = 0; i < n; ++i) value(i, column) = slope == 0 ? mode : mode + slope * at[i];
            continue;
        }
        if (const Index twin = twin_[k]; twin >= 0) {
            double *const mine = &value(0, column), *const other = &value(0, column_[first + twin]);
            const bool sine = code_(k, 0) == static_cast<int>(Op::sin);
            if (k < twin) math::sincos(operand(code_(k, 1)).values, sine ? mine : other, sine ? other : mine, n);
            continue;
        }
        const auto op = static_cast<Op>(code_(k, 0));
        const Operand a = operand(code_(k, 1)), b = operand(code_(k, 2));
        double* const out = &value(0, column);
        apply(op, a, b, out, n);
    }
}

// The same at a few points with all registers side by side in workspace.few, those that do not vary too.
void Program::evaluate_few(Workspace& workspace) const {
    double* const values = workspace.few.data();
    const Index first = n_inputs_ + constants_.size();
    const auto at = [&](Index r) { return Eigen::Map<AtFew>(values + few * r); };
    for (const Index k : varying_code_) {
        const Index a = code_(k, 1), b = std::max(code_(k, 2), 0), out = first + k;
        const auto op = static_cast<Op>(code_(k, 0));
        switch (op) {
            case Op::add:
                at(out) = at(a) + at(b);
                break;
            case Op::sub:
                at(out) = at(a) - at(b);
                break;
            case Op::mul:
                at(out) = at(a) * at(b);
                break;
            case Op::div:
                at(out) = at(a) / at(b);
                break;
            case Op::neg:
                at(out) = -at(a);
                break;
            case Op::sin:
            case Op::cos:
                if (const Index twin = twin_[k]; twin < 0) {
                    apply(op, {at(a).data(), false}, {at(b).data(), false}, at(out).data(), few);
                } else if (k < twin) {
                    double *const mine = at(out).data(), *const other = at(first + twin).data();
                    math::sincos(at(a).data(), op == Op::sin ? mine : other, op == Op::sin ? other : mine, few);
                }
                break;
            case Op::step:
                if (workspace.modes.size() > 0) {
                    const double mode = workspace.modes[switch_of(code_(k, 2))];
                    const double slope = workspace.slopes[switch_of(code_(k, 2))];
                    at(out) = slope == 0 ? AtFew(AtFew::Constant(mode)) : AtFew(mode + slope * at(a));
                    break;
                }
                [[fallthrough]];
            default:
                apply(op, {at(a).data(), false}, {at(b).data(), false}, at(out).data(), few);
        }
    }
}

// inputs(start, n, columns): sets the varying inputs of n points. take(output, start, n, values): one value for each
// of them, or where `values.uniform` for all.
template <class Inputs, class Take>
void Program::in_blocks(Index points, Workspace& workspace, Inputs inputs, Take take) const {
    if (points == few) {
        const Index registers = n_inputs_ + constants_.size() + code_.rows();
        auto values = part(workspace.few, few, registers);
        if (!workspace.few_prepared) {
            values = workspace.uniform.head(registers).transpose().replicate(few, 1);
            workspace.few_prepared = true;
        }
        inputs(0, few, values);
        evaluate_few(workspace);
        for (Index o = 0; o < outputs_.size(); ++o)
            take(o, 0, few, Operand{workspace.few.data() + few * outputs_[o], false});
        return;
    }
    for (Index start = 0; start < points; start += program_block_size) {
        const Index n = std::min(program_block_size, points - start);
        double* const memory = part(workspace.varying, program_block_size, n_columns_).data();
        Eigen::Map<Eigen::MatrixXd> value(memory, n < few ? few : program_block_size, n_columns_);
        inputs(start, n, value);
        evaluate_block(n, value, workspace);
        for (Index o = 0; o < outputs_.size(); ++o) {
            const Index column = column_[outputs_[o]];
            take(o, start, n,
                 column >= 0 ? Operand{&value(0, column), false} : Operand{&workspace.uniform[outputs_[o]], true});
        }
    }
}

void Program::evaluate(const Eigen::Ref<const Eigen::MatrixXd>& x, const Eigen::Ref<const Eigen::VectorXd>& inputs,
                       Eigen::Ref<Eigen::MatrixXd> out, Workspace& workspace) const {
    prepare(inputs, workspace);
    evaluate_prepared(x, out, workspace);
}

void Program::evaluate_prepared(const Eigen::Ref<const Eigen::MatrixXd>& x, Eigen::Ref<Eigen::MatrixXd> out,
                                Workspace& workspace) const {
    if (x.cols() != varying_)
        refuse("got " + std::to_string(x.cols()) + " columns of points, expected " + std::to_string(varying_));
    if (out.rows() != x.rows() || out.cols() != outputs_.size())
        refuse("out is " + std::to_string(out.rows()) + " × " + std::to_string(out.cols()) + ", expected " +
               std::to_string(x.rows()) + " × " + std::to_string(outputs_.size()));
    in_blocks(
        x.rows(), workspace,
        [&](Index start, Index n, auto&& value) { value.topLeftCorner(n, varying_) = x.middleRows(start, n); },
        [&](Index o, Index start, Index n, Operand values) {
            if (values.uniform)
                out.col(o).segment(start, n).setConstant(*values.values);
            else
                out.col(o).segment(start, n) = Eigen::Map<const Eigen::VectorXd>(values.values, n);
        });
}

void Program::add_prepared(const Eigen::Ref<const Eigen::VectorXd>& x, const Eigen::Ref<const Eigen::MatrixXd>& y,
                           Eigen::Ref<Eigen::MatrixXd> out, Workspace& workspace) const {
    in_blocks(
        x.size(), workspace,
        [&](Index start, Index n, auto&& value) {
            value.col(0).head(n) = x.segment(start, n);
            for (Index i = 1; i < varying_; ++i) std::copy_n(y.col(i - 1).data() + start, n, &value(0, i));
        },
        [&](Index o, Index start, Index n, Operand values) {
            auto to = out.col(o).segment(start, n);
            if (values.uniform)
                to.array() += *values.values;
            else if (n == few)
                Eigen::Map<AtFew>(to.data()) += Eigen::Map<const AtFew>(values.values);
            else
                to += Eigen::Map<const Eigen::VectorXd>(values.values, n);
        });
}

}  // namespace STLFAST_NAMESPACE
