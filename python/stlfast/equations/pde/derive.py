"""What SymPy derives from a partial differential equation, once, when a family is defined.

    ∂u_i/∂t = Σ_q θ_q(p) Σ_terms c(x, t) ∂^order u_j + f_i(x, t; p) + N_i(u, x, t, p)

Derivatives are replaced by symbols (u1_x, u1_xx, u2_xy …), in which the right-hand side is split by symbolic.py with
states; a coefficient is taken apart into θ_q(p) c(x, t) as derive.py does with matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ..program import Instructions, to_instructions
from ..symbolic import affine_parts, check_free, check_symbols, expression, jacobian, polynomial_degree, split
from .conditions import CHARACTERISTICS, Condition, Dirichlet, Inflow, Neumann, Periodic
from .equations import Term

MOST_ORDER = 2  # of space derivatives

Key = tuple[int, tuple[int, ...]]  # field, order


@dataclass(frozen=True)
class Derived:
    """Instruction lists in physical coordinates; inputs as equations.py says."""

    theta: Instructions
    terms: tuple[Term, ...]
    coefficients: Instructions
    source: Instructions | None
    N: Instructions | None
    J: Instructions | None
    initial: Instructions
    conditions: tuple[Condition, ...]
    equations: tuple[str, ...]
    polynomial_degree: int | None


@dataclass(frozen=True)
class Names:
    """The symbols of one family; `u` stands for the fields as plain symbols."""

    family: str
    t: sp.Symbol
    x: list[sp.Symbol]
    functions: list[AppliedUndef]
    u: list[sp.Symbol]
    params: list[sp.Symbol]

    @property
    def points(self) -> list[sp.Symbol]:
        return [*self.x, self.t]


def derive(
    name: str,
    t: sp.Symbol,
    x: Sequence[sp.Symbol],
    functions: Sequence[Any],
    rhs: Sequence[Any],
    params: Sequence[sp.Symbol],
    initial: Sequence[Any],
    boundary: Sequence[Any],
) -> Derived:
    """Split the right-hand side and translate to instructions; ValueError says what cannot be."""
    names = _names(name, t, x, functions, params)
    f, symbols = _right_hand_side(names, rhs)
    n, states = len(names.u), list(symbols.values())
    parts = split(states, f)
    N = J = None
    if parts.N is not None:
        _check_no_derivatives(names, parts.N, symbols)
        inputs, varying = [*names.points, *names.u, *names.params], len(names.points) + n
        N = to_instructions(parts.N, inputs, varying)
        J = to_instructions(jacobian(parts.N, names.u), inputs, varying)
    theta, terms, coefficients = _affine_terms(names, parts.A, list(symbols), states)
    inputs = [*names.points, *names.params]
    return Derived(
        theta=to_instructions(theta, [t, *names.params]),
        terms=terms,
        coefficients=to_instructions(coefficients, names.points, len(names.points)),
        source=to_instructions(parts.b, inputs, len(names.points)) if any(parts.b) else None,
        N=N,
        J=J,
        initial=_initial(names, initial),
        conditions=tuple(_condition(names, each) for each in boundary),
        equations=tuple(f"{ui}_{t} = {fi}" for ui, fi in zip(names.u, f, strict=True)),
        polynomial_degree=0 if parts.N is None else polynomial_degree(parts.N, names.u),
    )


def _names(name: str, t: Any, x: Sequence[Any], functions: Sequence[Any], params: Sequence[Any]) -> Names:
    if not 1 <= len(x) <= 2:
        raise ValueError(f"family {name!r}: x must be a list of one or two space coordinates, got {list(x)!r}")
    if not functions:
        raise ValueError(f"family {name!r} needs at least one field in u")
    for ui in functions:
        if not isinstance(ui, AppliedUndef) or set(ui.args) != {*x, t} or len(ui.args) != len(x) + 1:
            expected = ", ".join(map(str, [*x, t]))
            raise ValueError(
                f"family {name!r}: fields must be functions of ({expected}), got {ui!r}; "
                f"make one with sympy.Function('u')({expected})"
            )
    u = [sp.Symbol(ui.func.__name__) for ui in functions]
    check_symbols(name, t, [*x, *u], params)
    return Names(name, t, list(x), list(functions), u, list(params))


def _right_hand_side(names: Names, rhs: Sequence[Any]) -> tuple[list[sp.Expr], dict[Key, sp.Symbol]]:
    """The right-hand sides with a symbol for each derivative that occurs, and these symbols; the fields come first."""
    if len(rhs) != len(names.u):
        raise ValueError(
            f"family {names.family!r}: {len(names.u)} fields need {len(names.u)} right-hand sides, got {len(rhs)}"
        )
    zero = (0,) * len(names.x)
    symbols: dict[Key, sp.Symbol] = {(j, zero): uj for j, uj in enumerate(names.u)}
    f = []
    for ui, given in zip(names.u, rhs, strict=True):
        where = f"family {names.family!r}: the right-hand side of {ui}_{names.t}"
        expr = expression(given, where).doit()
        replace: dict[sp.Expr, sp.Expr] = dict(zip(names.functions, names.u, strict=True))
        for derivative in sorted(expr.atoms(sp.Derivative), key=sp.default_sort_key):
            key = _order(names, derivative, where)
            replace[derivative] = symbols.setdefault(key, _symbol(names, key))
        expr = expr.xreplace(replace)
        for other in expr.atoms(AppliedUndef):
            if other.func in [function.func for function in names.functions]:
                raise ValueError(f"{where} has {other}: a field can only be taken at the point itself, {names.points}")
        where = f"family {names.family!r}: {ui}_{names.t} = {expr}"
        check_free(expr, {*names.points, *symbols.values(), *names.params}, where, "a coordinate, field nor parameter")
        try:
            to_instructions([expr], [*names.points, *symbols.values(), *names.params])
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        f.append(expr)
    check_symbols(names.family, names.t, [*names.x, *symbols.values()], names.params)
    if all(order == zero for _, order in symbols):
        raise ValueError(
            f"family {names.family!r} has no derivative in space: it is an ordinary differential equation in each "
            "point; use stlfast.Family"
        )
    return f, symbols


def _order(names: Names, derivative: sp.Derivative, where: str) -> Key:
    if derivative.expr not in names.functions:
        raise ValueError(f"{where} has {derivative}, which is no derivative of one of the fields {names.functions}")
    counts: dict[sp.Symbol, int] = dict(derivative.variable_count)
    if names.t in counts:
        raise ValueError(
            f"{where} has the time derivative {derivative}; solve the equations for the time derivatives, or for a "
            "second one add a field for the first"
        )
    order = tuple(int(counts.get(xi, 0)) for xi in names.x)
    if sum(order) > MOST_ORDER:
        raise ValueError(
            f"{where} has {derivative}, a derivative of order {sum(order)}; derivatives in space go up to order "
            f"{MOST_ORDER}, and a field for a derivative of lower order would need a time derivative of its own"
        )
    return names.functions.index(derivative.expr), order


def _symbol(names: Names, key: Key) -> sp.Symbol:
    j, order = key
    return sp.Symbol(f"{names.u[j]}_" + "".join(str(xi) * k for xi, k in zip(names.x, order, strict=True)))


def _check_no_derivatives(names: Names, N: Sequence[sp.Expr], symbols: Mapping[Key, sp.Symbol]) -> None:
    derivatives = set(symbols.values()) - set(names.u)
    for ui, Ni in zip(names.u, N, strict=True):
        for term in sp.Add.make_args(sp.expand(Ni)):
            if term.free_symbols & derivatives:
                raise ValueError(
                    f"family {names.family!r}: {ui}_{names.t} has the term {term}, which is nonlinear in derivatives; "
                    "nonlinear terms may contain the fields, but not their derivatives. Give velocities and "
                    "diffusivities as functions of coordinates and parameters (linearise about a known field)"
                )


def _affine_terms(
    names: Names, A: Sequence[sp.Expr], keys: Sequence[Key], states: Sequence[sp.Symbol]
) -> tuple[list[sp.Expr], tuple[Term, ...], list[sp.Expr]]:
    """θ (Q), the terms and the coefficient c(x, t) of each, from the n × K coefficients A of the K `states`."""
    affine = affine_parts(A, *names.points)
    if affine is None:
        for entry, a in enumerate(A):
            if affine_parts([a], *names.points) is None:
                i, k = divmod(entry, len(keys))
                raise ValueError(
                    f"family {names.family!r}: the coefficient {a} of {states[k]} in the equation of {names.u[i]}_"
                    f"{names.t} mixes parameters and coordinates in a way that does not separate; write it as a sum "
                    "of products f(parameters)·c(x, t), or fix the parameter in it"
                )
    assert affine is not None
    theta, parts = affine
    terms, coefficients = [], []
    for flat, c in enumerate(parts):
        if c != 0:
            q, entry = divmod(flat, len(A))
            i, k = divmod(entry, len(keys))
            terms.append(Term(q, i, *keys[k]))
            coefficients.append(c)
    return theta, tuple(terms), coefficients


def _initial(names: Names, initial: Sequence[Any]) -> Instructions:
    if len(initial) != len(names.u):
        raise ValueError(
            f"family {names.family!r}: initial needs one expression for each of {len(names.u)} fields, "
            f"got {len(initial)}"
        )
    where = f"family {names.family!r}: the initial values"
    values = [expression(value, where) for value in initial]
    return _program(values, [*names.x, *names.params], len(names.x), where, "a space coordinate nor a parameter")


def _condition(names: Names, given: Any) -> Condition:
    what = type(given).__name__
    if not isinstance(given, (Dirichlet, Neumann, Inflow, Periodic)):
        raise ValueError(
            f"family {names.family!r}: boundary must be a list of stlfast.Dirichlet, Neumann, Inflow or Periodic, "
            f"got {given!r} in it"
        )
    axes = [str(xi) for xi in names.x]
    if str(given.x) not in axes:
        raise ValueError(f"family {names.family!r}: {what}({given.x}, …): the space coordinates are {', '.join(axes)}")
    axis, n = axes.index(str(given.x)), len(names.u)
    if isinstance(given, Periodic):
        return Condition("periodic", axis, None, tuple(range(n)))
    if given.values == CHARACTERISTICS:
        return Condition("inflow", axis, given.side, tuple(range(n)))
    where = f"family {names.family!r}: {what}({given.x}, {given.side!r})"
    if len(given.values) != n:
        raise ValueError(f"{where} needs one value (or None) for each of {n} fields, got {len(given.values)}")
    fields = tuple(i for i, value in enumerate(given.values) if value is not None)
    values = [expression(given.values[i], f"{where}: the value of {names.u[i]}") for i in fields]
    known = "t, the other space coordinate nor a parameter"
    along = [s for s in names.points if s != names.x[axis]]
    for value in values:
        check_free(value, {*along, *names.params}, where, known)
    program = _program(values, [*names.points, *names.params], len(names.points), where, known)
    return Condition(what.lower(), axis, given.side, fields, program)


def _program(values: list[sp.Expr], inputs: list[sp.Symbol], varying: int, where: str, known: str) -> Instructions:
    for value in values:
        check_free(value, set(inputs), where, known)
    try:
        return to_instructions(values, inputs, varying)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
