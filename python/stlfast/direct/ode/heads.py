"""Newton's method and chords in the space of heads: each step is a linear solve on all functions of a dictionary.

A step δ = Φ W_δ satisfies δ' = M δ + f(x, y) − y', δ(0) = y0 − y(0) in the least-squares sense at all points, with
M = J(y) for Newton's method and M = A, factored once, for chords.

n states, N points, M functions, W (M, n) heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ... import _core
from ...equations.ode.family import Family
from ..newton import SMALLEST_PART, STAGNATION, Limits, Run
from .collocation import Equations, Grid, largest, preconditioner, relative, scaled, sizes

LIMITS = Limits(
    steps=60, few_steps=20, chords=200, patience=20, shortest_stride=1 / 32, total=np.inf,
    advice="More functions, a smaller tau or a better guess may help.",
    chord_advice="N is too large beside A for it: use method='newton'.",
)  # fmt: skip
LARGEST_RESIDUAL = 1e-2  # of an answer that is called a solution

Solve = Callable[[np.ndarray, np.ndarray], np.ndarray]  # start (n,), forcing (n, N) → heads (M, n)


@dataclass(frozen=True, eq=False)
class Heads:
    """One member with its initial values: a `Problem` for newton.py, whose unknowns are heads."""

    members: Family
    space: _core.FullSpace
    start: np.ndarray  # the functions at x = 0, (1, M)
    points: Grid
    between: Grid
    p: np.ndarray
    y0: np.ndarray
    limits: Limits = LIMITS

    @cached_property
    def equations(self) -> Equations:
        return Equations(self.members, self.p, self.points)

    def member(self, p: np.ndarray, x: np.ndarray) -> Heads:
        return replace(self, p=p)

    def linearised(self, x: np.ndarray) -> LinearisedHeads | None:
        y = self.points.values(x)
        f, J = self.equations.linearised(y)
        if not (np.isfinite(f).all() and np.isfinite(J).all()):
            return None
        solve = newton_solve(self, y, J)
        return LinearisedHeads(self, solve, x, self.step(solve, x, f))

    def frozen(self, x: np.ndarray) -> FrozenHeads:
        return FrozenHeads(self, self.space.factor(self.equations.A).solve)

    def step(self, solve: Solve, x: np.ndarray, f: np.ndarray) -> np.ndarray:
        return solve(self.y0 - (self.start @ x)[0], f - self.points.slopes(x))

    def change(self, step: np.ndarray, x: np.ndarray) -> float:
        return relative(largest(self.points.values(step)), largest(self.points.values(x)))

    def residual(self, x: np.ndarray) -> float:
        """The largest preconditioned residual between the points, relative to each state's size."""
        return Equations(self.members, self.p, self.between).residual(x)

    def beyond(self, x: np.ndarray, first: np.ndarray) -> bool:
        return False  # steps that are not finite end it

    def checked(self, run: Run) -> Run:
        """Failed where the equations do not hold between the points: too few functions, or no solution at all."""
        residual = self.residual(run.x)
        if residual <= LARGEST_RESIDUAL:
            return run
        doubt = f"But between the points the residual is {residual:.1e} of the solution."
        return replace(run, failure=f"{run.message} {doubt} More functions or a smaller tau may help.")


def newton_solve(problem: Heads, y: np.ndarray, J: np.ndarray) -> Solve:
    """Rows are preconditioned, and states in units of their sizes, else least squares trades one for another."""
    size = sizes(y)
    J = scaled(J, size)
    solve = problem.space.factor(J, preconditioner(J, problem.points.rate)).solve
    return lambda start, forcing: solve(start / size, forcing / size[:, None]) * size


@dataclass(frozen=True, eq=False)
class LinearisedHeads:
    problem: Heads
    solve: Solve
    x: np.ndarray
    step: np.ndarray

    def damping(self) -> float:
        """The part of a step after which the next one, by the same factorisation, is smaller; 0 where there is none.

        The natural monotonicity test (P. Deuflhard, Newton Methods for Nonlinear Problems, 2004, section 3.3).
        """
        problem, points = self.problem, self.problem.points
        change = largest(points.values(self.step))
        size = np.maximum(largest(points.values(self.x)), change)
        part, before = 1.0, relative(change, size)
        while part >= SMALLEST_PART:
            trial = self.x + part * self.step
            f, after = problem.equations.f(points.values(trial)), np.inf
            if np.isfinite(f).all():
                after = relative(largest(points.values(problem.step(self.solve, trial, f))), size)
            if after <= (1 - part / 4) * before or before <= STAGNATION:
                return part
            part /= 2
        return 0.0


@dataclass(frozen=True, eq=False)
class FrozenHeads:
    problem: Heads
    solve: Solve

    def step(self, x: np.ndarray) -> np.ndarray:
        f = self.problem.equations.f(self.problem.points.values(x))
        return self.problem.step(self.solve, x, f)
