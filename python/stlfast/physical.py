"""A member's right-hand side and its Jacobian at one point in physical time, as SciPy's solve_ivp takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .callback import Callback
from .program import Instructions

if TYPE_CHECKING:
    from .family import Family

Rhs = Callable[[float, np.ndarray], np.ndarray]
Span = tuple[float, float]


def rhs(family: Family, p: np.ndarray, span: Span) -> Rhs:
    """f(t, y) = A y + b + N, (n,), of the member p (P,) on the span (t0, t1)."""
    linear = _linear_rhs(family, p, span)
    if family.N is None:
        return linear
    N = _at_point(family.N, p, span, (family.n,))
    return lambda t, y: linear(t, y) + N(t, y)


def jac(family: Family, p: np.ndarray, span: Span) -> Rhs:
    """∂f/∂y = A + J, (n, n)."""
    linear = _linear_jac(family, p, span)
    if family.J is None:
        return linear
    J = _at_point(family.J, p, span, (family.n, family.n))
    return lambda t, y: linear(t, y) + J(t, y)


def _linear_rhs(family: Family, p: np.ndarray, span: Span) -> Rhs:
    (t0, t1), jac, b = span, _linear_jac(family, p, span), family.b.scalar(p.tolist())
    length = t1 - t0
    if not family.constant_A:
        return lambda t, y: jac(t, y) @ y + np.array(b((t - t0) / length)) / length
    A = jac(t0, family.y0)
    if not family.b.depends_on(0).any():
        constant = np.array(b(0.0)) / length
        return (lambda t, y: A @ y + constant) if family.has_forcing else (lambda t, y: A @ y)
    return lambda t, y: A @ y + np.array(b((t - t0) / length)) / length


def _linear_jac(family: Family, p: np.ndarray, span: Span) -> Rhs:
    (t0, t1), square, evaluate = span, (family.n, family.n), family.A.scalar(p.tolist())
    length = t1 - t0
    if family.constant_A:
        A = np.array(evaluate(0.0)).reshape(square) / length
        return lambda t, y: A
    return lambda t, y: np.array(evaluate((t - t0) / length)).reshape(square) / length


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
