"""What SymPy derives from a right-hand side, once, when a family is defined.

    y' = A(p, t) y + b(p, t) + N(t, y, p),   t = t0(p) + (t1(p) − t0(p)) x,   x ∈ [0, 1]
    dy/dx = (t1 − t0) (A y + b + N),   J = (t1 − t0) ∂N/∂y
    (t1 − t0) A = Σ_q θ_q(p) A_q(x)                                  affine parts, where every term separates

SymPy is imported here, in symbolic.py and in program.py, and nowhere before a family is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ..abrupt import Step, in_steps, switches_of
from ..callback import COMPLEX, Callback
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
class Structure:
    """What is declared of the dependence on time, as Family takes it."""

    breaks: Sequence[Any]
    doses: Sequence[Any]
    infusions: Sequence[Any]


NO_STRUCTURE = Structure((), (), ())


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
    switches: Instructions | None  # inputs of N; None where nothing is abrupt
    start: Instructions | None  # n outputs, x does not enter: initial values that depend on parameters
    stops: Instructions | None  # K·(1 + n) outputs, x does not enter: times, and the states' jumps then
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
    structure: Structure = NO_STRUCTURE,
    y0: Sequence[Any] = (),
) -> Derived:
    """Split the right-hand side, scale time and translate to instructions; ValueError says what cannot be."""
    check_symbols(name, t, y, params)
    f = _right_hand_side(name, t, y, rhs, params)
    t0, t1 = _time_span(name, t_span, params)
    stops = _stops(name, y, params, (t0, t1), structure)
    f = [fi + more for fi, more in zip(f, _infusions(name, t, y, params, structure.infusions), strict=True)]
    start = _start(name, y, params, y0)
    terms = split(y, f)

    x = sp.Dummy("x", real=True)
    scaled = {t: t0 + (t1 - t0) * x}
    zero = sp.S.Zero
    A, b = ([e if e is zero else _drop_x(((t1 - t0) * e).subs(scaled), x) for e in part] for part in (terms.A, terms.b))
    affine = None if any(a is not zero and a.has(Step) for a in A) else affine_parts(A, x)
    inputs, points = [x, *params], [x, *y, *params]
    scaled_N = None if terms.N is None else [((t1 - t0) * Ni).subs(scaled) for Ni in terms.N]
    switches = switches_of([*A, *b, *(scaled_N or [])])
    N = J = None
    if scaled_N is not None:
        N = to_instructions(scaled_N, points, 1 + len(y), switches)
        J = to_instructions(jacobian(scaled_N, y), points, 1 + len(y), switches)
    return Derived(
        A=to_instructions(A, inputs, switches=switches),
        b=to_instructions(b, inputs, switches=switches),
        theta=to_instructions(affine[0], inputs) if affine else None,
        parts=to_instructions(affine[1], inputs) if affine else None,
        switches=to_instructions(switches, points, 1 + len(y), switches) if switches else None,
        stops=to_instructions(stops, inputs) if stops else None,
        start=to_instructions(start, inputs) if start else None,
        t_span=to_instructions([t0, t1], inputs),
        N=N,
        J=J,
        equations=tuple(f"{yi}' = {fi}" for yi, fi in zip(y, map(sp.sympify, rhs), strict=True)),
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
    structure: Structure = NO_STRUCTURE,
    y0: Sequence[Any] = (),
) -> Derived:
    """A = 0, b = the infusions, and the function as N."""
    if jac is not None and not callable(jac):
        raise ValueError(f"family {name!r}: jac must be a function (t, y, **params) → (n, n, N), got {jac!r}")
    states, symbols = ([sp.Symbol(s) if isinstance(s, str) else s for s in given] for given in (y, params))
    derived = derive(name, sp.Dummy("t"), states, [0] * len(states), t_span, symbols, structure, y0)
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
    known, inputs = {t, *y, *params}, [t, *y, *params]
    try:
        return _in_instructions(f, known, inputs)
    except ValueError:  # which of them?
        for yi, fi in zip(y, f, strict=True):
            where = f"family {name!r}: {yi}' = {fi}"
            check_free(fi, known, where, "t, a state nor a parameter")
            if fi.has(sp.I):
                raise ValueError(f"{where} is complex: {COMPLEX}") from None
            try:
                _in_instructions([fi], known, inputs)
            except UnsupportedFunctionError as error:
                raise ValueError(
                    f"{where}: {error}; the way out is a Python function, rhs=f with f(t, y, **params)"
                ) from None
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
        raise


def _in_instructions(f: Sequence[sp.Expr], known: set[sp.Symbol], inputs: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """In terms of steps; ValueError where there are no instructions for it."""
    if any(fi.has(sp.I) or fi.free_symbols - known for fi in f):
        raise ValueError("not a real expression in what is known")
    f = [in_steps(fi) for fi in f]
    to_instructions(f, inputs, switches=switches_of(f))
    return f


def _stops(
    name: str, y: Sequence[sp.Symbol], params: Sequence[sp.Symbol], span: tuple[sp.Expr, sp.Expr], structure: Structure
) -> list[sp.Expr]:
    """For each break and dose its time, scaled to [0, 1], and the jumps of the states (n)."""
    (t0, t1), zeros = span, [sp.S.Zero] * len(y)
    given = [(_of_params(name, time, params, "a break"), zeros) for time in structure.breaks]
    for dose in structure.doses:
        if not isinstance(dose, (tuple, list)) or len(dose) != 2:
            raise ValueError(f"family {name!r}: doses must be pairs (time, sizes), got {dose!r}")
        given.append((_of_params(name, dose[0], params, "a dose's time"), _amounts(name, y, params, dose[1])))
    return [e for time, sizes in given for e in ((time - t0) / (t1 - t0), *sizes)]


def _infusions(
    name: str, t: sp.Symbol, y: Sequence[sp.Symbol], params: Sequence[sp.Symbol], infusions: Sequence[Any]
) -> list[sp.Expr]:
    """What they add to the right-hand side, (n)."""
    total = [sp.S.Zero] * len(y)
    for infusion in infusions:
        if not isinstance(infusion, (tuple, list)) or len(infusion) != 3:
            raise ValueError(f"family {name!r}: infusions must be triples (begin, end, rates), got {infusion!r}")
        begin, end = (_of_params(name, time, params, "an infusion's time") for time in infusion[:2])
        rates = _amounts(name, y, params, infusion[2])
        total = [sum_ + rate * (Step(t - begin) - Step(t - end)) for sum_, rate in zip(total, rates, strict=True)]
    return total


def _start(name: str, y: Sequence[sp.Symbol], params: Sequence[sp.Symbol], y0: Sequence[Any]) -> list[sp.Expr]:
    """Initial values where one depends on the parameters, else nothing."""
    if not any(isinstance(each, sp.Basic) and each.free_symbols for each in y0):
        return []
    if len(y0) != len(y):
        raise ValueError(f"y0 of a family with {len(y)} states must have shape ({len(y)},), got {len(y0)} values")
    return [_of_params(name, each, params, "an initial value") for each in y0]


def _amounts(name: str, y: Sequence[sp.Symbol], params: Sequence[sp.Symbol], given: Any) -> list[sp.Expr]:
    """n expressions in the parameters; of a dict {state: amount} the others are 0."""
    if isinstance(given, Mapping):
        states = {str(state): i for i, state in enumerate(y)}
        if unknown := [state for state in given if str(state) not in states]:
            raise ValueError(f"family {name!r}: {unknown[0]} is no state; the states are {list(states)}")
        amounts = [sp.S.Zero] * len(y)
        for state, amount in given.items():
            amounts[states[str(state)]] = amount
        given = amounts
    if isinstance(given, str) or not hasattr(given, "__len__") or len(given) != len(y):
        raise ValueError(
            f"family {name!r}: sizes of a dose and rates of an infusion must be {len(y)} expressions, one for each "
            f"state, or a dict, got {given!r}"
        )
    return [_of_params(name, amount, params, "a dose's size or an infusion's rate") for amount in given]


def _of_params(name: str, value: Any, params: Sequence[sp.Symbol], what: str) -> sp.Expr:
    expr = expression(value, f"family {name!r}: {what}")
    check_free(expr, set(params), f"family {name!r}: {what} = {expr}", "a number nor a parameter")
    return expr


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
