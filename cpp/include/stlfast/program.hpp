// A list of elementary instructions that evaluates the coefficient functions, forcing and nonlinear terms of a family.
//
// Register 0 holds x, registers 1 … n_inputs − 1 the other inputs, then come the constants, then one register for each
// instruction. An instruction is a row [op, a, b]: it applies op to registers a and b, both of which come before its
// own; a unary op has b = −1. Registers that do not depend on x are computed once for all points. Steps may be held at
// values of the caller's, so that a solver can take what breaks at a switch for smooth on either side of it.
//
// N points, C constants, K instructions, O outputs.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// The numbers are part of the model file's format.
enum class Op : std::int32_t {
    add = 0,
    sub = 1,
    mul = 2,
    div = 3,
    neg = 4,
    pow = 5,
    exp = 6,
    log = 7,
    sqrt = 8,
    sin = 9,
    cos = 10,
    tan = 11,
    tanh = 12,
    abs = 13,
    sinh = 14,
    cosh = 15,
    asin = 16,
    acos = 17,
    atan = 18,
    asinh = 19,
    acosh = 20,
    atanh = 21,
    erf = 22,
    atan2 = 23,
    gate = 24,  // 0 where b is 0, whatever a is; else a · b
    step = 25   // 1 where a ≥ 0, else 0; its b is −2 − k, k the number of the switch that a is
};

class Program {
  public:
    using Code = Eigen::Matrix<std::int32_t, Eigen::Dynamic, 3, Eigen::RowMajor>;  // (K, 3)
    using Registers = Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>;

    // Buffers for any programs; one for each thread.
    struct Workspace {
        Eigen::VectorXd uniform;  // value of every register that does not depend on x
        Eigen::VectorXd varying;  // (points of a block, registers that depend on x)
        Eigen::VectorXd modes;    // of each switch, the value that its steps are held at; empty for none
        Eigen::VectorXd slopes;   // of each switch, added to that times the switch; with modes
        Eigen::VectorXd few;      // (points of a window, all registers)
        bool few_prepared = false;
    };

    // The first `varying` inputs differ from point to point: x, and for functions of the states those too. Throws
    // std::invalid_argument where the list is not a valid program with finite constants.
    Program(int n_inputs, Eigen::VectorXd constants, Code code, Registers outputs, int varying = 1);

    int n_inputs() const { return n_inputs_; }
    int varying() const { return varying_; }
    int n_outputs() const { return static_cast<int>(outputs_.size()); }
    const Eigen::VectorXd& constants() const { return constants_; }
    const Code& code() const { return code_; }
    const Registers& outputs() const { return outputs_; }
    bool varies() const;                        // whether any output depends on a varying input
    bool depends_on(Eigen::Index input) const;  // whether any output does; input 0 is x
    bool is_constant(Eigen::Index o) const;     // whether output o is one of the constants
    bool is_zero(Eigen::Index o) const;         // whether it is the constant 0
    Eigen::Index n_switches() const;            // one more than the largest number of a step's switch

    // The same instructions with some of the outputs.
    Program with_outputs(const std::vector<Eigen::Index>& which) const;

    // The part that depends on no varying input but x, as a program of x; all outputs must be of that part.
    Program of_time() const;

    // out(i, o) = output o at the point x(i, ·); x (N, varying), inputs (n_inputs − varying), out (N, O).
    void evaluate(const Eigen::Ref<const Eigen::MatrixXd>& x, const Eigen::Ref<const Eigen::VectorXd>& inputs,
                  Eigen::Ref<Eigen::MatrixXd> out, Workspace& workspace) const;

    // The same in two parts: what depends on the inputs alone, which the workspace keeps, and the values at points.
    void prepare(const Eigen::Ref<const Eigen::VectorXd>& inputs, Workspace& workspace) const;
    void evaluate_prepared(const Eigen::Ref<const Eigen::MatrixXd>& x, Eigen::Ref<Eigen::MatrixXd> out,
                           Workspace& workspace) const;

    // out(i, o) += output o of a prepared program whose varying inputs are x (N) and y (N, varying − 1).
    void add_prepared(const Eigen::Ref<const Eigen::VectorXd>& x, const Eigen::Ref<const Eigen::MatrixXd>& y,
                      Eigen::Ref<Eigen::MatrixXd> out, Workspace& workspace) const;

    // Bounds (O) of the outputs of a prepared program where each varying input is between its low and its high.
    void enclose(const Eigen::VectorXd& low, const Eigen::VectorXd& high, Workspace& workspace, Eigen::VectorXd& least,
                 Eigen::VectorXd& largest) const;

  private:
    void validate() const;
    void classify_registers();
    void evaluate_block(Eigen::Index n, Eigen::Map<Eigen::MatrixXd> value, const Workspace& workspace) const;
    void evaluate_few(Workspace& workspace) const;
    template <class Inputs, class Take>
    void in_blocks(Eigen::Index points, Workspace& workspace, Inputs inputs, Take take) const;

    int n_inputs_, varying_;
    Eigen::VectorXd constants_;
    Code code_;
    Registers outputs_;
    std::vector<Eigen::Index> column_;  // of each register in Workspace::varying, −1 where it does not depend on x
    Eigen::Index n_columns_ = 0;
    std::vector<Eigen::Index> varying_code_;  // the instructions that do
    std::vector<Eigen::Index>
        twin_;  // of a sin that varies, the cos of the same register, and of that the sin; else −1
};

}  // namespace STLFAST_NAMESPACE
