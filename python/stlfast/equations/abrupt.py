"""What changes abruptly in a right-hand side, in terms of steps of switches, where a solver's windows end.

    Step(u) = 1 where u ≥ 0, else 0;   Gate(a, s) = a s, and 0 where s = 0, whatever a is
    Heaviside(u) = Step(u),   sign(u) = 2 Step(u) − 1,   Max(a, b) = Gate(a, s) + Gate(b, 1 − s) with s = Step(a − b)
    Piecewise((a, u < v), (b, True)) = Gate(a, s) + Gate(b, 1 − s) with s = 1 − Step(u − v)

A switch is the u of a step. Away from its roots a step is constant, so that its derivative is 0 here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean

ABRUPT = (sp.Heaviside, sp.sign, sp.Max, sp.Min, sp.Piecewise)


class Step(sp.Function):  # type: ignore[misc]  # SymPy has no types
    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, u: sp.Expr) -> Any:
        if u.is_number and u.is_extended_real:
            return sp.Integer(int(bool(u >= 0)))
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


class Gate(sp.Function):  # type: ignore[misc]
    nargs = 2

    @classmethod
    def eval(cls, a: sp.Expr, s: sp.Expr) -> Any:
        if s == 0 or a == 0:
            return sp.S.Zero
        if s == 1:
            return a
        return None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        a, s = self.args
        return Gate(sp.diff(a, symbol), s)


def in_steps(expr: sp.Expr) -> sp.Expr:
    """The same with every abrupt function in terms of steps; ValueError for conditions that are no inequalities."""
    if not expr.has(*ABRUPT):
        return expr
    args = [in_steps(arg) if isinstance(arg, sp.Expr) else arg for arg in expr.args]
    if isinstance(expr, sp.Heaviside):
        return Step(args[0])
    if isinstance(expr, sp.sign):
        return 2 * Step(args[0]) - 1
    if isinstance(expr, (sp.Max, sp.Min)):
        result = args[0]
        for arg in args[1:]:
            upper = Step(result - arg) if isinstance(expr, sp.Max) else Step(arg - result)
            result = _choice(upper, result, arg)
        return result
    if isinstance(expr, sp.Piecewise):
        return _piecewise(expr)
    return expr.func(*args)


def switches_of(exprs: Iterable[sp.Expr]) -> list[sp.Expr]:
    """The switches of all steps, each after those that it depends on."""
    steps = {step for expr in exprs if expr is not sp.S.Zero for step in expr.atoms(Step)}
    return [step.args[0] for step in sorted(steps, key=lambda step: (len(step.atoms(Step)), step.sort_key()))]


def _choice(s: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    return Gate(a, s) + Gate(b, 1 - s)


def _piecewise(expr: sp.Piecewise) -> sp.Expr:
    *pieces, (last, always) = expr.args
    if always != sp.true:
        raise ValueError(f"{expr} says nothing where none of its conditions holds; add a last piece (value, True)")
    result = in_steps(last)
    for value, condition in reversed(pieces):
        result = _choice(_holds(condition), in_steps(value), result)
    return result


def _holds(condition: Boolean) -> sp.Expr:
    """1 where the condition holds, else 0."""
    if condition in (sp.true, sp.false):
        return sp.Integer(int(condition == sp.true))
    if isinstance(condition, (sp.Gt, sp.Lt, sp.Ge, sp.Le)):
        greater, less = in_steps(condition.gts), in_steps(condition.lts)
        return 1 - Step(less - greater) if condition.func in (sp.Gt, sp.Lt) else Step(greater - less)
    if isinstance(condition, sp.And):
        return sp.Mul(*map(_holds, condition.args))
    if isinstance(condition, sp.Or):
        return 1 - sp.Mul(*(1 - _holds(arg) for arg in condition.args))
    if isinstance(condition, sp.Not):
        return 1 - _holds(condition.args[0])
    raise ValueError(f"the condition {condition} is no inequality; write it with <, <=, > or >=")
