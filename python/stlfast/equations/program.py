"""Expressions of SymPy as a short list of instructions that runs without SymPy.

Registers, in this order:
    0            x, time scaled to [0, 1]
    then         the states y_1 … y_n, in the programs of nonlinear terms alone
    then         the parameters p_1 … p_P, in the family's order
    then         the constants
    then         one register for each instruction

code       (K, 3) int32, rows [op, a, b]: registers a and b precede the instruction's own; b = -1 for one operand; of a
           step (abrupt.py) b = -2 - k, k being the number of its switch
constants  (C,) float64
outputs    (O,) int32, registers
n_inputs   1 + P, or 1 + n + P
varying    leading registers that vary from point to point: 1 (x alone), or 1 + n
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import sympy as sp

    from .._core import Program

# The numbers are part of the file format.
OPS = {
    "add": 0, "sub": 1, "mul": 2, "div": 3, "neg": 4, "pow": 5, "exp": 6,
    "log": 7, "sqrt": 8, "sin": 9, "cos": 10, "tan": 11, "tanh": 12, "abs": 13, "sinh": 14, "cosh": 15, "asin": 16,
    "acos": 17, "atan": 18, "asinh": 19, "acosh": 20, "atanh": 21, "erf": 22, "atan2": 23, "gate": 24, "step": 25,
}  # fmt: skip
# The same on Python's floats, which for one point is faster than a call of the core.
SCALAR = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, math.pow, math.exp,
    math.log, math.sqrt, math.sin, math.cos, math.tan, math.tanh, abs, math.sinh, math.cosh, math.asin,
    math.acos, math.atan, math.asinh, math.acosh, math.atanh, math.erf, math.atan2,
    lambda a, b: 0.0 if b == 0 else a * b, lambda a: 1.0 if a >= 0 else 0.0,
]  # fmt: skip
UNARY = (
    "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "erf",
)  # fmt: skip
MAX_UNROLLED_POWER = 8  # y**8 is three multiplications; beyond that a call of pow is as good

Register = tuple[str, int]  # ("input", 2), ("constant", 0), ("code", 7)


@dataclass(frozen=True, eq=False)
class Instructions:
    """A checked, read-only instruction list; `program` runs it in the C++ core.

    Errors: ValueError for an array of the wrong type or shape, or one that refers to a register that does not exist.
    """

    n_inputs: int
    constants: np.ndarray  # (C,) float64
    code: np.ndarray  # (K, 3) int32
    outputs: np.ndarray  # (O,) int32
    varying: int = 1

    def __post_init__(self) -> None:
        for name, dtype, row in (("constants", np.float64, ()), ("code", np.int32, (3,)), ("outputs", np.int32, ())):
            array = np.array(getattr(self, name), order="C")
            if array.dtype != dtype or array.ndim != 1 + len(row) or array.shape[1:] != row:
                raise ValueError(
                    f"an instruction list's {name} must be {np.dtype(dtype)} {('N', *row)}, "
                    f"got {array.dtype} {array.shape}"
                )
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        _ = self.program  # the core checks the registers

    @cached_property
    def program(self) -> Program:
        from .._core import Program

        return Program(self.n_inputs, self.constants, self.code, self.outputs, self.varying)

    def __call__(self, x: np.ndarray | float, inputs: np.ndarray) -> np.ndarray:
        """Values (O, N) at x (N,) for the parameters `inputs` (P,); if varying > 1, x is (varying, N): x, y_1 …"""
        return self.program.evaluate(np.ascontiguousarray(x, dtype=np.float64), inputs)

    def depends_on(self, register: int) -> np.ndarray:
        """For each output, whether an input (0 is x; see the registers above) enters it: (O,) bool."""
        depends = [i == register for i in range(self.n_inputs + len(self.constants))]
        for _, a, b in self.code.tolist():
            depends.append(depends[a] or (b >= 0 and depends[b]))
        return np.array([depends[r] for r in self.outputs], dtype=bool)

    def scalar(self, inputs: Sequence[float]) -> Callable[..., list[float]]:
        """The outputs (O,) at one point, as a function of x, or of x and y (n,); the parameters are fixed.

        What does not vary is computed here. Outside a function's domain: ValueError or ArithmeticError.
        """
        registers = [*[0.0] * self.varying, *inputs, *self.constants.tolist()]
        varies, steps = set(range(self.varying)), []
        for op, a, b in self.code.tolist():
            if a in varies or b in varies:
                varies.add(len(registers))
                steps.append((SCALAR[op], a, b, len(registers)))
                registers.append(0.0)
            else:
                registers.append(SCALAR[op](registers[a]) if b < 0 else SCALAR[op](registers[a], registers[b]))
        outputs, first = self.outputs.tolist(), self.varying

        def evaluate(x: float, y: Sequence[float] = ()) -> list[float]:
            values = registers.copy()
            values[0] = x
            values[1:first] = y
            for function, a, b, register in steps:
                values[register] = function(values[a]) if b < 0 else function(values[a], values[b])
            return [values[register] for register in outputs]

        return evaluate

    @cached_property
    def is_zero(self) -> np.ndarray:
        """For each output, whether it is the constant 0: (O,) bool."""
        constant = self.outputs - self.n_inputs
        values = np.append(self.constants, np.nan)
        is_constant = (constant >= 0) & (constant < len(self.constants))
        result: np.ndarray = values[np.where(is_constant, constant, -1)] == 0.0
        return result

    def tensors(self) -> dict[str, np.ndarray]:
        return {"code": self.code, "constants": self.constants, "outputs": self.outputs}

    def __reduce__(self) -> tuple[Any, ...]:
        return Instructions, (self.n_inputs, self.constants, self.code, self.outputs, self.varying)


class UnsupportedFunctionError(ValueError):
    """A function that has no instruction."""


def to_instructions(
    exprs: Sequence[sp.Expr], inputs: Sequence[sp.Symbol], varying: int = 1, switches: Sequence[sp.Expr] = ()
) -> Instructions:
    """Translate expressions in `inputs` = [x, parameter 1, …] to instructions; what is equal is computed once.

    Steps (abrupt.py) are those of the `switches`. The first `varying` inputs vary from point to point. Errors:
    UnsupportedFunctionError (a ValueError) naming a function that has no instruction; ValueError naming a symbol that
    is no input, or a value that is not a finite real number.
    """
    emitter = _Emitter(inputs, switches)
    outputs = [emitter.emit(expr) for expr in exprs]
    n_inputs, n_constants = len(inputs), len(emitter.constants)
    offset = {"input": 0, "constant": n_inputs, "code": n_inputs + n_constants}

    def number(register: Register | None) -> int:
        if register is None:
            return -1
        return -2 - register[1] if register[0] == "switch" else offset[register[0]] + register[1]

    code = [[op, number(a), number(b)] for op, a, b in emitter.code]
    return Instructions(
        n_inputs,
        np.array(list(emitter.constants), dtype=np.float64),
        np.array(code, dtype=np.int32).reshape(-1, 3),
        np.array([number(r) for r in outputs], dtype=np.int32),
        varying,
    )


class _Emitter:
    """Walks expression trees; an instruction that is already there is used again."""

    def __init__(self, inputs: Sequence[sp.Symbol], switches: Sequence[sp.Expr] = ()) -> None:
        import sympy as sp

        from .abrupt import Gate, Step

        self.zero, self.step = sp.S.Zero, Step
        named = (*((name, name) for name in UNARY), ("Abs", "abs"), ("atan2", "atan2"))
        self.functions = {getattr(sp, name): op for name, op in named} | {Gate: "gate"}
        self.switches = list(switches)
        self.registers: dict[Any, Register] = {symbol: ("input", i) for i, symbol in enumerate(inputs)}
        self.constants: dict[float, int] = {}
        self.code: list[tuple[int, Register, Register | None]] = []
        self.emitted: dict[tuple[str, Register, Register | None], Register] = {}

    def constant(self, value: float) -> Register:
        return ("constant", self.constants.setdefault(value + 0.0, len(self.constants)))  # + 0.0 makes -0.0 a 0.0

    def instruction(self, op: str, a: Register, b: Register | None = None) -> Register:
        if op in ("add", "mul") and b is not None and b < a:
            a, b = b, a
        if (op, a, b) not in self.emitted:
            self.emitted[op, a, b] = ("code", len(self.code))
            self.code.append((OPS[op], a, b))
        return self.emitted[op, a, b]

    def emit(self, expr: sp.Expr) -> Register:
        if expr is self.zero:  # nearly all entries of a large matrix
            return self.constant(0.0)
        if expr not in self.registers:
            self.registers[expr] = self._emit(expr)
        return self.registers[expr]

    def _emit(self, expr: sp.Expr) -> Register:
        if not expr.free_symbols:
            return self.constant(_number(expr))
        if expr.is_Symbol:
            raise ValueError(f"the symbol {expr} in an expression is none of its inputs")
        if expr.is_Add:
            return self._sum(expr)
        if expr.is_Mul:
            return self._product(expr)
        if expr.func == self.step:
            k = self.switches.index(expr.args[0])
            return self.instruction("step", self.emit(expr.args[0]), ("switch", k))
        if expr.func in self.functions:
            return self.instruction(self.functions[expr.func], *map(self.emit, expr.args))
        if expr.is_Pow:
            return self._power(*expr.as_base_exp()) if expr.exp.is_number else self.instruction(
                "pow", self.emit(expr.base), self.emit(expr.exp))  # fmt: skip
        raise UnsupportedFunctionError(
            f"the function {expr.func.__name__} (in {expr}) is not supported; "
            f"the functions are {', '.join(UNARY)}, sqrt, abs, atan2 and powers"
        )

    def _sum(self, expr: sp.Expr) -> Register:
        terms = [term.as_coeff_Mul() for term in expr.as_ordered_terms()]
        terms.sort(key=lambda pair: bool(pair[0] < 0))  # begin with a positive term: a - b, not (-b) + a
        coefficient, rest = terms[0]
        total = self.emit(coefficient * rest)
        for coefficient, rest in terms[1:]:
            op = "sub" if coefficient < 0 else "add"
            total = self.instruction(op, total, self.emit(abs(coefficient) * rest))
        return total

    def _product(self, expr: sp.Expr) -> Register:
        coefficient, rest = expr.as_coeff_Mul()
        if coefficient == -1:
            return self.instruction("neg", self.emit(rest))
        numerator, denominator = [], []
        for factor in rest.as_ordered_factors():
            base, exponent = factor.as_base_exp()
            if exponent.is_number and exponent.is_negative:
                denominator.append(base**-exponent)
            else:
                numerator.append(factor)
        top = [self.constant(_number(coefficient))] if coefficient != 1 or not numerator else []
        top += [self.emit(factor) for factor in numerator]
        product = self._multiply(top)
        if not denominator:
            return product
        return self.instruction("div", product, self._multiply([self.emit(factor) for factor in denominator]))

    def _multiply(self, registers: list[Register]) -> Register:
        product = registers[0]
        for register in registers[1:]:
            product = self.instruction("mul", product, register)
        return product

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Register:
        if exponent.is_negative:
            return self.instruction("div", self.constant(1.0), self.emit(base**-exponent))
        register, power = self.emit(base), _number(exponent)
        if power == 0.5:
            return self.instruction("sqrt", register)
        if not (power.is_integer() and power <= MAX_UNROLLED_POWER):
            return self.instruction("pow", register, self.constant(power))
        result, square, left = None, register, int(power)
        while left:  # by squaring: y**6 = y**2 · y**4
            if left & 1:
                result = square if result is None else self.instruction("mul", result, square)
            left >>= 1
            square = self.instruction("mul", square, square) if left else square
        assert result is not None
        return result


def _number(expr: sp.Expr) -> float:
    """A real, finite number, rounded once."""
    try:
        value = float(expr.evalf(30) if not expr.is_Float else expr)
    except TypeError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{expr} is not a finite real number")
    return value
