"""What SymPy derives from a right-hand side, once, when a family is defined.

    y' = A(p, t) y + b(p, t) + N(t, y, p),   t = t0(p) + (t1(p) − t0(p)) x,   x ∈ [0, 1]
    dy/dx = (t1 − t0) (A y + b + N),   J = (t1 − t0) ∂N/∂y
    (t1 − t0) A = Σ_q θ_q(p) A_q(x)                                  affine parts, where every term separates

SymPy is imported here, in symbolic.py and in program.py, and nowhere before a family is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ..callback import Callback
from ..program import Instructions, UnsupportedFunctionError, to_instructions
from ..symbolic import (
    affine_parts,
    check_free,
    check_symbols,
    expression,
    invariants,
    jacobian,
    polynomial_degree,
    split,
)


@dataclass(frozen=True)
class Derived:
    """Instruction lists in normalised time; inputs (x, p), of N and J (x, y, p)."""

    A: Instructions  # n·n outputs, row-major
    b: Instructions  # n outputs
    theta: Instructions | None  # Q outputs, x does not enter
    parts: Instructions | None  # Q·n·n outputs, p does not enter
    t_span: Instructions  # 2 outputs, x does not enter
    N: Instructions | Callback | None  # n outputs; None where the right-hand side is linear
    J: Instructions | Callback | None  # n·n outputs, row-major; None also for a function without its Jacobian
    equations: tuple[str, ...]
    invariants: list[list[int]]  # (m, n)
    polynomial_degree: int | None  # of N in the states; 0 where there is no N, None where N is no polynomial


def derive(
    name: str,
    t: sp.Symbol,
    y: Sequence[sp.Symbol],
    rhs: Sequence[Any],
    t_span: Sequence[Any],
    params: Sequence[sp.Symbol],
) -> Derived:
    """Split the right-hand side, scale time and translate to instructions; ValueError says what cannot be."""
    check_symbols(name, t, y, params)
    f = _right_hand_side(name, t, y, rhs, params)
    terms = split(y, f)
    t0, t1 = _time_span(name, t_span, params)

    x = sp.Dummy("x", real=True)
    scaled = {t: t0 + (t1 - t0) * x}
    A, b = ([_drop_x(((t1 - t0) * e).subs(scaled), x) if e != 0 else e for e in part] for part in (terms.A, terms.b))
    affine = affine_parts(A, x)
    inputs = [x, *params]
    N = J = None
    if terms.N is not None:
        scaled_N, points = [((t1 - t0) * Ni).subs(scaled) for Ni in terms.N], [x, *y, *params]
        N = to_instructions(scaled_N, points, 1 + len(y))
        J = to_instructions(jacobian(scaled_N, y), points, 1 + len(y))
    return Derived(
        A=to_instructions(A, inputs),
        b=to_instructions(b, inputs),
        theta=to_instructions(affine[0], inputs) if affine else None,
        parts=to_instructions(affine[1], inputs) if affine else None,
        t_span=to_instructions([t0, t1], inputs),
        N=N,
        J=J,
        equations=tuple(f"{yi}' = {fi}" for yi, fi in zip(y, f, strict=True)),
        invariants=invariants(f),
        polynomial_degree=0 if terms.N is None else polynomial_degree(terms.N, y),
    )


def derive_callable(
    name: str,
    y: Sequence[sp.Symbol | str],
    rhs: Callable[..., Any],
    jac: Callable[..., Any] | None,
    t_span: Sequence[Any],
    params: Sequence[sp.Symbol | str],
) -> Derived:
    """A = 0, b = 0, and the function as N."""
    if jac is not None and not callable(jac):
        raise ValueError(f"family {name!r}: jac must be a function (t, y, **params) → (n, n, N), got {jac!r}")
    states, symbols = ([sp.Symbol(s) if isinstance(s, str) else s for s in given] for given in (y, params))
    derived = derive(name, sp.Dummy("t"), states, [0] * len(states), t_span, symbols)
    names, n = tuple(str(symbol) for symbol in symbols), len(states)
    if {"t", "y"} & set(names):
        raise ValueError(f"family {name!r}: rhs(t, y, **params) has the arguments t and y; rename the parameter")
    return replace(
        derived,
        N=Callback(rhs, "rhs", (n,), names, derived.t_span),
        J=None if jac is None else Callback(jac, "jac", (n, n), names, derived.t_span),
        equations=tuple(f"{s}' = {getattr(rhs, '__name__', 'rhs')}(t, y)[{i}]" for i, s in enumerate(states)),
        invariants=[],
        polynomial_degree=None,
    )


def _right_hand_side(
    name: str, t: sp.Symbol, y: Sequence[sp.Symbol], rhs: Sequence[Any], params: Sequence[sp.Symbol]
) -> list[sp.Expr]:
    if len(rhs) != len(y):
        raise ValueError(f"family {name!r}: {len(y)} states need {len(y)} right-hand sides, got {len(rhs)}")
    f = [expression(e, f"family {name!r}: the right-hand side of {yi}'") for e, yi in zip(rhs, y, strict=True)]
    for yi, fi in zip(y, f, strict=True):
        where = f"family {name!r}: {yi}' = {fi}"
        check_free(fi, {t, *y, *params}, where, "t, a state nor a parameter")
        try:
            to_instructions([fi], [t, *y, *params])
        except UnsupportedFunctionError as error:
            raise ValueError(
                f"{where}: {error}; the way out is a Python function, rhs=f with f(t, y, **params)"
            ) from None
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    return f


def _time_span(name: str, t_span: Sequence[Any], params: Sequence[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    if isinstance(t_span, str) or not hasattr(t_span, "__len__") or len(t_span) != 2:
        raise ValueError(f"family {name!r}: t_span must be a pair (t0, t1), got {t_span!r}")
    ends = [expression(e, f"family {name!r}: t_span") for e in t_span]
    for end in ends:
        check_free(end, set(params), f"family {name!r}: t_span = ({ends[0]}, {ends[1]})", "a number nor a parameter")
    return ends[0], ends[1]


def _drop_x(expr: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """The expression as written, unless x only seems to enter."""
    if x in expr.free_symbols and x not in (simple := sp.simplify(expr)).free_symbols:
        return simple
    return expr
