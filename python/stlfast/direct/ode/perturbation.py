"""The perturbation series of arXiv 2501.17281 in the space of heads.

y = Σ_k ε^k y_k solves y' = A y + b + ε N(y) order by order with one factorisation of the linear part:

    y_0' = A y_0 + b,   y_0(0) = y0;      y_k' = A y_k + N_{k−1},   y_k(0) = 0,   k = 1 … K

where N_k is order k of N along the series. It is summed at ε = 1. Or ε multiplies a parameter that N contains as a
factor; then order k of N itself is the right-hand side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...equations.callback import Callback
from ...equations.program import Instructions
from ..newton import Run
from .collocation import ROUNDING, largest, relative
from .heads import Heads
from .series import Series

SLOWEST = 0.95  # fall of the terms from one order to the next that is worth more orders


def perturbation(problem: Heads, order: int, expand: str | None, tolerance: float) -> Run:
    """The heads of the series, with the size of each term. Errors: ValueError where N has no such series."""
    grid, equations, N = problem.points, problem.equations, problem.members.N
    parameter = expansion_parameter(problem, expand)
    solve = problem.space.factor(equations.A).solve
    heads = solve(problem.y0, equations.b)
    y = grid.values(heads)
    terms = [largest(y)]
    if isinstance(N, Instructions):
        series, zero = Series(N, grid.x, problem.p, order, parameter), np.zeros_like(y)
        for k in range(1, order + 1):
            forcing = series.coefficient(k - 1, y)
            if expand is not None:
                forcing = series.coefficient(k, zero)  # the parameter is a factor: order k of y is not in order k of N
            term = solve(np.zeros_like(problem.y0), forcing)
            y = grid.values(term)
            if not np.isfinite(y).all():
                break
            heads = heads + term
            terms.append(largest(y))
    size = largest(grid.values(heads))
    steps = tuple(relative(term, size) for term in terms)
    if N is None:
        return problem.checked(Run(heads, steps, message="The family is linear: order 0 is the solution."))
    failure, message = outcome(steps, order, tolerance)
    return Run(heads, steps, failure) if failure else problem.checked(Run(heads, steps, message=message))


def expansion_parameter(problem: Heads, expand: str | None) -> int | None:
    """The index of the parameter to expand in; ValueError where N has no series in it, or none at all."""
    family, N = problem.members, problem.members.N
    if isinstance(N, Callback) or (N is not None and family.polynomial_degree is None):
        what = "a Python function" if isinstance(N, Callback) else "not"
        raise ValueError(
            f"a perturbation series takes an N that is a polynomial in the states, that of {family.name!r} is {what}: "
            "use method='newton' or 'chord'"
        )
    if expand is None:
        return None
    names = list(family.params)
    if expand not in names:
        raise ValueError(f"expand {expand!r} is no parameter; the parameters are {names}")
    k = names.index(expand)
    if family.A.depends_on(1 + k).any() or family.b.depends_on(1 + k).any():
        raise ValueError(f"expand={expand!r}: A and b must not depend on it: expand in another, or in ε (None)")
    if N is not None:
        without, x = problem.p.copy(), problem.points.x
        without[k] = 0.0
        points = np.vstack([x, np.random.default_rng(0).standard_normal((family.n, len(x)))])  # any states
        if not np.abs(N(points, without)).max() <= ROUNDING * np.abs(N(points, problem.p)).max():
            raise ValueError(f"expand={expand!r}: N does not vanish where it is 0: expand in ε (None)")
    return k


def outcome(steps: Sequence[float], order: int, tolerance: float) -> tuple[str, str]:
    """Why the series did not converge, or empty, and the message if it did; pairs, for every other term may be 0."""
    reached = len(steps) - 1
    middle = max(reached // 2 - 1, 0)
    last = max(steps[-2:])
    factor = (last / max(*steps[middle : middle + 2], np.finfo(np.float64).tiny)) ** (1 / max(reached - 1 - middle, 1))
    if reached == order and last <= tolerance:
        return "", f"The series converged: its last terms are {last:.1e} of the solution."
    if reached == order < 2:
        return f"Order {order} of the series does not say whether it converges: raise order.", ""
    if reached < order or factor > SLOWEST:
        how = "diverges" if reached < order or factor >= 1 else "hardly converges"
        advice = "N is too large beside A for it: use method='newton'."
        return f"The series {how}, by a factor of {factor:.3g} an order. {advice}", ""
    more = max(math.ceil(math.log(max(tolerance, ROUNDING) / last) / math.log(factor)), 1)
    advice = f"it falls by a factor of {factor:.2g} an order: take order {order + more}, or method='newton'"
    return f"The series is cut off at {last:.1e} of the solution; {advice}.", ""
