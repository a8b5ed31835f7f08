"""A member's right-hand side and its Jacobian at one point in physical time, as SciPy's solve_ivp takes them.

A, b, N, J as of a family (equations.py); p (P,) a member's parameters, span its (t0, t1), n states.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..callback import Callback
from ..program import Instructions

Rhs = Callable[[float, np.ndarray], np.ndarray]
Span = tuple[float, float]
Nonlinear = Instructions | Callback | None


def rhs(A: Instructions, b: Instructions, N: Nonlinear, p: np.ndarray, span: Span) -> Rhs:
    """f(t, y) = A y + b + N, (n,)."""
    linear = _linear_rhs(A, b, p, span)
    if N is None:
        return linear
    rest = _at_point(N, p, span, (len(b.outputs),))
    return lambda t, y: linear(t, y) + rest(t, y)


def jac(A: Instructions, J: Nonlinear, p: np.ndarray, span: Span) -> Rhs:
    """∂f/∂y = A + J, (n, n)."""
    linear, n = _linear_jac(A, p, span), round(len(A.outputs) ** 0.5)
    if J is None:
        return linear
    rest = _at_point(J, p, span, (n, n))
    return lambda t, y: linear(t, y) + rest(t, y)


def constant(program: Instructions) -> bool:
    """Whether the values are the same at all times."""
    return not program.depends_on(0).any()


def _linear_rhs(A: Instructions, b: Instructions, p: np.ndarray, span: Span) -> Rhs:
    (t0, t1), matrix, forcing = span, _linear_jac(A, p, span), b.scalar(p.tolist())
    length = t1 - t0
    if not constant(A):
        return lambda t, y: matrix(t, y) @ y + np.array(forcing((t - t0) / length)) / length
    a = matrix(t0, p)
    if constant(b):
        added = np.array(forcing(0.0)) / length
        return (lambda t, y: a @ y) if b.is_zero.all() else (lambda t, y: a @ y + added)
    return lambda t, y: a @ y + np.array(forcing((t - t0) / length)) / length


def _linear_jac(A: Instructions, p: np.ndarray, span: Span) -> Rhs:
    (t0, t1), n, evaluate = span, round(len(A.outputs) ** 0.5), A.scalar(p.tolist())
    length = t1 - t0
    if constant(A):
        a = np.array(evaluate(0.0)).reshape(n, n) / length
        return lambda t, y: a
    return lambda t, y: np.array(evaluate((t - t0) / length)).reshape(n, n) / length


def _at_point(term: Instructions | Callback, p: np.ndarray, span: Span, shape: tuple[int, ...]) -> Rhs:
    """N or J; NaN outside its domain."""
    (t0, t1), evaluate = span, term.scalar(p.tolist())
    length = t1 - t0
    outside = (ArithmeticError, ValueError) if isinstance(term, Instructions) else ()  # a user's errors pass

    def at(t: float, y: np.ndarray) -> np.ndarray:
        try:
            return np.array(evaluate((t - t0) / length, y.tolist())).reshape(shape) / length
        except outside:
            return np.full(shape, np.nan)

    return at
