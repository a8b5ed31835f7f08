"""The right-hand side f(t, y, p) as A(p, t) y + b(p, t) + N(t, y, p), and what else its terms tell.

An additive term of f goes to b if no state is in it, to A if it is a state times something without states, else to N.
A sum is taken apart where it stands, or is multiplied or raised to a whole power, if something in it goes to A or b;
not otherwise, nor inside functions and denominators, where that would gain nothing and lose digits.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from .abrupt import Step

TINY = sp.Float(sys.float_info.min)  # u/(|u| + TINY) is the sign of u, and 0 at 0
MANY_STATES = 32
VARIES = 1e-6  # relative difference of two values that rounding cannot explain


@dataclass(frozen=True)
class Split:
    """f = A y + b + N; N is None where f is linear in the states."""

    A: list[sp.Expr]  # n·n, row-major
    b: list[sp.Expr]  # n
    N: list[sp.Expr] | None  # n


def split(y: Sequence[sp.Symbol], f: Sequence[sp.Expr]) -> Split:
    """Equations that are linear, if only once simplified, are split by differentiation, the others term by term.

    Those of many states too, for which differentiating takes long.
    """
    A: list[sp.Expr] = []
    b: list[sp.Expr] = []
    N: list[sp.Expr] = []
    for fi in f:
        row, constant, rest = _row(y, fi)
        A += row
        b.append(constant)
        N.append(rest)
    return Split(A, b, N if any(N) else None)


def _row(y: Sequence[sp.Symbol], f: sp.Expr) -> tuple[list[sp.Expr], sp.Expr, sp.Expr]:
    """A row of A (n), and the entries of b and N."""
    if len(y) < MANY_STATES and (row := _linear_row(y, f)) is not None:
        return row, f.subs(dict.fromkeys(f.free_symbols & set(y), 0)), sp.S.Zero
    return _by_terms(y, f)


def _linear_row(y: Sequence[sp.Symbol], f: sp.Expr) -> list[sp.Expr] | None:
    states = set(y)
    if any(step.free_symbols & states for step in f.atoms(Step)):  # whose derivative is 0, though it is not constant
        return None
    row = gradient(f, y)
    if unclear := [a for a in row if a is not sp.S.Zero and a.free_symbols & states]:
        if any(_varies(a, y) for a in unclear):
            return None
        row = [sp.simplify(a) for a in row]  # (y1**2 + y1)/(y1 + 1) is linear, but not as written
    return None if any(a is not sp.S.Zero and a.free_symbols & states for a in row) else row


def gradient(f: sp.Expr, y: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """∂f/∂y_j (n); most states of a large system are not in f."""
    row, places = [sp.S.Zero] * len(y), _places(tuple(y))
    for symbol in f.free_symbols:
        if (j := places.get(symbol)) is not None:
            row[j] = _derivative(f, symbol)
    return row


def _derivative(f: sp.Expr, y: sp.Symbol) -> sp.Expr:
    """∂f/∂y; of sums, products and powers SymPy's own takes several times as long."""
    if f == y:
        return sp.S.One
    if f.is_Add:
        return sp.Add(*[_derivative(term, y) for term in f.args if y in term.free_symbols])
    if f.is_Mul:
        constant, rest = f.as_independent(y, as_Add=False)
        return constant * (sp.diff(rest, y) if rest.is_Mul else _derivative(rest, y))
    if f.is_Pow and f.exp.is_number:
        return f.exp * f.base ** (f.exp - 1) * _derivative(f.base, y)
    return sp.diff(f, y)


@lru_cache(maxsize=8)
def _places(y: tuple[sp.Symbol, ...]) -> dict[sp.Symbol, int]:
    return {yj: j for j, yj in enumerate(y)}


def _varies(a: sp.Expr, y: Sequence[sp.Symbol]) -> bool:
    """Whether an expression has two values at two states, which saves simplifying it."""
    symbols = a.free_symbols
    others = {symbol: 0.37 + 0.11 * k for k, symbol in enumerate(sorted(symbols - set(y), key=str))}
    values = []
    for shift in (0.23, 0.71):
        at = {yj: shift + 0.13 * j for j, yj in enumerate(y) if yj in symbols}
        try:
            values.append(complex(a.subs(others | at)))
        except (TypeError, ValueError, ArithmeticError):  # no number, or none that a float can hold
            return False
    return abs(values[0] - values[1]) > VARIES * (abs(values[0]) + abs(values[1]))  # False for NaN


def _by_terms(y: Sequence[sp.Symbol], f: sp.Expr) -> tuple[list[sp.Expr], sp.Expr, sp.Expr]:
    """The same from the terms as they are written. What ends in N as a whole stays as it was written."""
    row, constant, rest = [sp.S.Zero] * len(y), sp.S.Zero, []
    symbols = f.free_symbols
    places = _places(tuple(y))
    own = dict(sorted(((yj, places[yj]) for yj in symbols if yj in places), key=lambda pair: pair[1]))
    for written in sp.Add.make_args(f):
        terms = sp.Add.make_args(sp.Add(*_terms(written)))
        split_terms = [term.as_independent(*own, as_Add=False) for term in terms]
        if not any(of_states == 1 or of_states in own for _, of_states in split_terms):
            terms, split_terms = (written,), [written.as_independent(*own, as_Add=False)]
        for term, (factor, of_states) in zip(terms, split_terms, strict=True):
            if of_states == 1:
                constant += term
            elif of_states in own:
                row[own[of_states]] += factor
            else:
                rest.append(term)
    return row, constant, sp.Add(*rest)


def _terms(expr: sp.Expr) -> list[sp.Expr]:
    if expr.is_Add:
        return [term for arg in expr.args for term in _terms(arg)]
    if expr.is_Mul:
        return [sp.Mul(*factors) for factors in itertools.product(*map(_terms, expr.args))]
    if expr.is_Pow and expr.exp.is_Integer and expr.exp.is_positive and len(terms := _terms(expr.base)) > 1:
        return list(sp.Add.make_args(sp.expand_multinomial(sp.Add(*terms) ** expr.exp, deep=False)))
    return [expr]


def jacobian(N: Sequence[sp.Expr], y: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """∂N_i/∂y_j (n·n, row-major), in functions that have instructions."""
    real = [Ni.replace(sp.Abs, _RealAbs) for Ni in N]
    return [
        derivative if derivative is sp.S.Zero else _finite(derivative).replace(_RealAbs, sp.Abs)
        for Ni in real
        for derivative in gradient(Ni, y)
    ]


class _RealAbs(sp.Function):  # type: ignore[misc]  # SymPy has no types
    """|u| of a real u; SymPy's own may be a complex modulus, whose derivative is in parts that have no instructions."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.args[0] / (self + TINY)


def _finite(derivative: sp.Expr) -> sp.Expr:
    if all(power.exp.is_number for power in derivative.atoms(sp.Pow)):
        return derivative
    return sp.powsimp(derivative, combine="exp")  # a y**a/y is finite at y = 0 only as a y**(a - 1)


def polynomial_degree(N: Sequence[sp.Expr], y: Sequence[sp.Symbol]) -> int | None:
    """The total degree of N in the states; None where an entry is no polynomial."""
    degree = 0
    for exact in map(_exact, N):
        if not (own := exact.free_symbols & set(y)):
            continue
        if not exact.is_polynomial(*own):
            return None
        degree = max(degree, sp.Poly(exact, *own).total_degree())
    return degree


def invariants(f: Sequence[sp.Expr]) -> list[list[int]]:
    """A basis (m, n) of the constant w with w·f = 0 at all times, states and parameters, in lowest whole numbers.

    The left null space of the coefficients of all distinct terms of f. Terms that depend on each other in a way that
    expanding does not show, such as sin² + cos² = 1, may hide an invariant; none is found that is not one.
    """
    rows: list[dict[sp.Expr, sp.Rational]] = []
    for fi in f:
        row: dict[sp.Expr, sp.Rational] = {}
        for term in sp.Add.make_args(sp.expand(_exact(fi))):
            coefficient, function = term.as_coeff_Mul(rational=True)
            row[function] = row.get(function, sp.S.Zero) + coefficient
        rows.append(row)
    functions = {function: k for k, function in enumerate(dict.fromkeys(function for row in rows for function in row))}
    entries: dict[int, dict[int, Any]] = {}
    for i, row in enumerate(rows):
        for function, coefficient in row.items():
            if coefficient:
                entries.setdefault(functions[function], {})[i] = sp.QQ.from_sympy(coefficient)
    coefficients = DomainMatrix(entries, (len(functions), len(f)), sp.QQ)
    return [_whole(list(w)) for w in coefficients.nullspace().to_Matrix().tolist()]


def _exact(expr: sp.Expr) -> sp.Expr:
    """With decimals as the fractions that they were written as: 0.1 + 0.2 is 0.3."""
    return expr.xreplace({number: sp.Rational(str(float(number))) for number in expr.atoms(sp.Float)})


def _whole(w: Sequence[sp.Rational]) -> list[int]:
    scale = sp.ilcm(1, *[v.q for v in w])
    whole = [int(v * scale) for v in w]
    divisor = int(sp.igcd(*whole)) if len(whole) > 1 else abs(whole[0])
    sign = next(1 if v > 0 else -1 for v in whole if v)
    return [sign * v // divisor for v in whole]


def check_symbols(name: str, t: sp.Symbol, y: Sequence[sp.Symbol], params: Sequence[sp.Symbol]) -> None:
    if not y:
        raise ValueError(f"family {name!r} needs at least one state in y")
    seen: set[str] = set()
    for symbol in [t, *y, *params]:
        if not isinstance(symbol, sp.Symbol):
            raise ValueError(
                f"family {name!r}: t, the states and the keys of params must be SymPy symbols, got {symbol!r} "
                f"({type(symbol).__name__}); make one with sympy.symbols"
            )
        if symbol.name in seen:
            raise ValueError(f"family {name!r}: the name {symbol.name!r} stands for two things; rename one of them")
        seen.add(symbol.name)


def expression(value: Any, what: str) -> sp.Expr:
    try:
        expr = sp.sympify(value, strict=True)
    except sp.SympifyError:
        expr = None
    if not isinstance(expr, sp.Expr):
        raise ValueError(f"{what} must be a SymPy expression or a number, got {value!r} ({type(value).__name__})")
    return expr


def check_free(expr: sp.Expr, known: set[sp.Symbol], where: str, kinds: str) -> None:
    for symbol in sorted(expr.free_symbols - known, key=str):
        twin = any(symbol.name == k.name for k in known)
        hint = (
            "a symbol of that name with other assumptions was declared; use one and the same symbol"
            if twin
            else "declare it in params or give it a value"
        )
        raise ValueError(f"{where}: {symbol} is neither {kinds}; {hint}")


def affine_parts(A: Sequence[sp.Expr], *x: sp.Symbol) -> tuple[list[sp.Expr], list[sp.Expr]] | None:
    """θ (Q) and A_q (Q·n·n) with A = Σ_q θ_q A_q; None where a term mixes x and parameters for good."""
    thetas: list[sp.Expr] = []
    parts: list[list[sp.Expr]] = []
    for entry, a in enumerate(A):
        for term in sp.Add.make_args(sp.expand(a)) if a is not sp.S.Zero and a != 0 else ():
            theta, of_x = term.as_independent(*x, as_Add=False)
            if of_x.free_symbols - {*x}:
                return None
            constant, theta = theta.as_independent(*_symbols(theta), as_Add=False)
            q, ratio = _find(theta, thetas)
            if q == len(thetas):
                thetas.append(theta)
                parts.append([sp.S.Zero] * len(A))
            parts[q][entry] += constant * ratio * of_x
    if not thetas:  # A = 0
        return [sp.S.One], [sp.S.Zero] * len(A)
    return thetas, [entry for part in parts for entry in part]


def _symbols(expr: sp.Expr) -> list[sp.Symbol]:
    return sorted(expr.free_symbols, key=str)


def _find(theta: sp.Expr, thetas: Iterable[sp.Expr]) -> tuple[int, sp.Expr]:
    """The index q of a known θ_q that θ is a constant multiple of, and that constant."""
    q = -1
    for q, known in enumerate(thetas):
        if theta == known:
            return q, sp.S.One
        ratio = sp.cancel(theta / known)
        if ratio.is_number:
            return q, ratio
    return q + 1, sp.S.One
