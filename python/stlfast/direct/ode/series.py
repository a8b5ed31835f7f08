"""Truncated power series in a parameter ε through an instruction list, one order at a time.

Register r holds the coefficients r_0 … r_K of r(ε) = Σ_k ε^k r_k at N points, (K + 1, N), and a product is a Cauchy
product, (a b)_k = Σ_j a_j b_{k−j}. Order k of the outputs needs orders 0 … k of the states alone, so that a
perturbation series can be solved order by order.
"""

from __future__ import annotations

import math

import numpy as np

from ...equations.program import OPS, Instructions

# The operations of `OPS` in smooth families, in its order.
UFUNCS = [
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.power, np.exp,
    np.log, np.sqrt, np.sin, np.cos, np.tan, np.tanh, np.abs, np.sinh, np.cosh, np.arcsin,
    np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh, np.vectorize(math.erf, otypes=[float]), np.arctan2,
]  # fmt: skip
NAMES = list(OPS)
LARGEST_POWER = 32


class Series:
    """Coefficients of a program's outputs where its states, and perhaps one parameter, are power series in ε.

    program: an instruction list with inputs x, y_1 … y_n and parameters, as `Family.N`.
    x: (N,) points. p: (P,) parameters. order: K.
    expand: index of the parameter whose value is multiplied by ε; None where ε enters through the states alone.

    Errors: ValueError for an operation on a series other than +, −, ·, / and constant powers 0, 1, … 32.
    """

    def __init__(
        self, program: Instructions, x: np.ndarray, p: np.ndarray, order: int, expand: int | None = None
    ) -> None:
        n = program.varying - 1
        self._shape = (order + 1, len(x))
        self._registers = [self._constant(value) for value in (x, *[0.0] * n, *p, *program.constants)]
        varies = [False, *[True] * n, *[k == expand for k in range(len(p))], *[False] * len(program.constants)]
        if expand is not None:
            self._registers[1 + n + expand] = self._constant(0.0)
            self._registers[1 + n + expand][1:2] = p[expand]
        self._states = self._registers[1 : 1 + n]
        self._steps: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]] = []  # operation, operands, result
        for op, a, b in program.code.tolist():
            varies.append(varies[a] or (b >= 0 and varies[b]))
            operands = [self._registers[r] for r in (a, b) if r >= 0]
            if not varies[-1]:
                result = self._constant(UFUNCS[op](*[operand[0] for operand in operands]))
            elif NAMES[op] == "pow":
                result = self._power(operands[0], np.array(np.nan) if varies[b] else operands[1][0])
            else:
                result = self._step(NAMES[op], operands[0], operands[-1])
            self._registers.append(result)
        self._outputs = [self._registers[r] for r in program.outputs]

    def coefficient(self, k: int, y: np.ndarray) -> np.ndarray:
        """Coefficient k of the outputs, (O, N), for that of the states, y (n, N), after those of all lower orders."""
        for state, coefficient in zip(self._states, y, strict=True):
            state[k] = coefficient
        for name, a, b, result in self._steps:
            result[k] = _coefficient(name, a, b, result, k)
        return np.array([output[k] for output in self._outputs])

    def _constant(self, value: np.ndarray | float) -> np.ndarray:
        coefficients = np.zeros(self._shape)
        coefficients[0] = value
        return coefficients

    def _step(self, name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if name not in ("add", "sub", "mul", "div", "neg"):
            raise ValueError(
                f"{name} of a power series is none that is known here: only +, −, ·, / and whole powers are"
            )
        result = np.zeros(self._shape)
        self._steps.append((name, a, b, result))
        return result

    def _power(self, base: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        exponent = float(np.min(exponents))
        if not (np.all(exponents == exponent) and exponent.is_integer() and 0 <= exponent <= LARGEST_POWER):
            raise ValueError(
                f"the power of a power series is known here for the constants 0, 1, … {LARGEST_POWER} alone"
            )
        result = base if exponent else self._constant(1.0)
        for _ in range(int(exponent) - 1):
            result = self._step("mul", result, base)
        return result


def _coefficient(name: str, a: np.ndarray, b: np.ndarray, c: np.ndarray, k: int) -> np.ndarray:
    """Coefficient k of c = a + b, a − b, …, where coefficients 0 … k − 1 of c are known."""
    found: np.ndarray
    if name == "add":
        found = a[k] + b[k]
    elif name == "sub":
        found = a[k] - b[k]
    elif name == "neg":
        found = -a[k]
    elif name == "mul":
        found = np.einsum("kn,kn->n", a[: k + 1], b[k::-1])
    else:
        found = (a[k] - np.einsum("kn,kn->n", c[:k], b[k:0:-1])) / b[0]
    return found
