"""Slow, plain evaluations that judge the fast ones."""

import math
import operator

import numpy as np

# In the order of the file format's op numbers.
OPERATIONS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, math.pow, math.exp,
    math.log, math.sqrt, math.sin, math.cos, math.tan, math.tanh, abs,
]  # fmt: skip
UNARY = {4, *range(6, 14)}


def evaluate(instructions, x, inputs):
    """Values (O, N) of an instruction list, one point and one instruction at a time."""
    columns = []
    for point in np.atleast_1d(x):
        registers = [float(point), *map(float, inputs), *instructions.constants.tolist()]
        for op, a, b in instructions.code.tolist():
            operands = (registers[a],) if op in UNARY else (registers[a], registers[b])
            registers.append(OPERATIONS[op](*operands))
        columns.append([registers[r] for r in instructions.outputs])
    return np.array(columns).reshape(-1, len(instructions.outputs)).T
