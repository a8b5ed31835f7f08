"""Newton's method and chords in the space of heads: each step is a linear solve on all functions of a dictionary.

A step δ = Φ W_δ satisfies δ' = M δ + f(x, y) − y', δ(0) = y0 − y(0) in the least-squares sense at all points, with
M = J(y) for Newton's method and M = A, factored once, for chords.

n states, N points, M functions, W (M, n) heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ... import _core
from ...equations.ode.family import Family
from .collocation import Equations, Grid, largest, preconditioner, relative, scaled, sizes

MOST_STEPS, MOST_CHORDS = 60, 200
FEW_STEPS = 20  # from the solution of a neighbouring member
STAGNATION = 1e-8  # relative step below which one that is no smaller than the last is rounding
LARGEST_ROUNDING = 1e-4  # the same where ill-conditioned functions round more, if far below the residual
FAR_BELOW = 1e-2
LARGEST_RESIDUAL = 1e-2  # of an answer that is called a solution
PATIENCE = 20  # chords without a smaller step
SMALLEST_PART = 1 / 64  # of a damped Newton step
FIRST_STRIDE, SHORTEST_STRIDE = 0.5, 1 / 32  # of the way in the stiffness parameter's logarithm

Solve = Callable[[np.ndarray, np.ndarray], np.ndarray]  # start (n,), forcing (n, N) → heads (M, n)


@dataclass(frozen=True, eq=False)
class Run:
    """Heads (M, n), the relative steps that led there, why it did not converge (empty where it did), and how it did."""

    heads: np.ndarray
    steps: tuple[float, ...]
    failure: str = ""
    message: str = ""


@dataclass(frozen=True, eq=False)
class Problem:
    """One member with its initial values."""

    family: Family
    space: _core.FullSpace
    start: np.ndarray  # the functions at x = 0, (1, M)
    points: Grid
    between: Grid
    p: np.ndarray
    y0: np.ndarray

    @cached_property
    def equations(self) -> Equations:
        return Equations(self.family, self.p, self.points)

    def residual(self, heads: np.ndarray) -> float:
        """The largest preconditioned residual between the points, relative to each state's size."""
        return Equations(self.family, self.p, self.between).residual(heads)

    def step(self, solve: Solve, heads: np.ndarray, f: np.ndarray) -> np.ndarray:
        return solve(self.y0 - (self.start @ heads)[0], f - self.points.slopes(heads))

    def change(self, step: np.ndarray, heads: np.ndarray) -> float:
        return relative(largest(self.points.values(step)), largest(self.points.values(heads)))

    def settled(self, steps: Sequence[float], heads: np.ndarray, tolerance: float) -> bool:
        """Whether the last step meets the tolerance, or is rounding: tiny, but no smaller than the one before."""
        if steps[-1] <= tolerance or len(steps) == 1 or not steps[-2] <= steps[-1] <= LARGEST_ROUNDING:
            return steps[-1] <= tolerance
        return steps[-1] <= STAGNATION or steps[-1] <= FAR_BELOW * self.residual(heads)

    def checked(self, run: Run) -> Run:
        """Failed where the equations do not hold between the points: too few functions, or no solution at all."""
        residual = self.residual(run.heads)
        if residual <= LARGEST_RESIDUAL:
            return run
        doubt = f"But between the points the residual is {residual:.1e} of the solution."
        return replace(run, failure=f"{run.message} {doubt} More functions or a smaller tau may help.")


def newton(problem: Problem, heads: np.ndarray, tolerance: float) -> Run:
    """Undamped first, for it often passes through steps that damping forbids; then damped, then by continuation."""
    plain = newton_steps(problem, heads, tolerance)
    if not plain.failure:
        return plain
    damped = newton_steps(problem, heads, tolerance, damped=True)
    steps = plain.steps + damped.steps
    if not damped.failure:
        return replace(damped, steps=steps, message="Newton's method converged with damping.")
    return continued(problem, heads, tolerance, replace(plain, steps=steps))


def continued(problem: Problem, heads: np.ndarray, tolerance: float, failed: Run) -> Run:
    """From the family's member of lowest stiffness in geometric steps, each from the solution before."""
    name = problem.family.stiffness
    if name is None:
        return replace(failed, failure=f"{failed.failure} No parameter is positive, to continue in.")
    k = list(problem.family.params).index(name)
    low, high = problem.family.params[name].solve[0], problem.p[k]
    steps, members, reached, to, stride = failed.steps, 0, 0.0, 0.0, FIRST_STRIDE  # shares of the way
    while reached < 1:
        if low >= high or stride < SHORTEST_STRIDE:
            end = f"ended at {name} = {low * (high / low) ** reached:.3g}" if members else "has no easier member"
            return replace(failed, steps=steps, failure=f"{failed.failure} Continuation in {name} {end}.")
        p = problem.p.copy()
        p[k] = low * (high / low) ** to
        run = newton_steps(replace(problem, p=p), heads, tolerance, most=FEW_STEPS if members else MOST_STEPS)
        steps, members = steps + run.steps, members + 1
        if not run.failure:
            reached, heads, stride = to, run.heads, 2 * stride
        else:
            stride = stride / 2 if to > 0 else 0.0
        to = min(reached + stride, 1.0)
    message = f"Newton's method converged by continuation from {name} = {low:g} over {members} members."
    return Run(heads, steps, message=message)


def newton_steps(
    problem: Problem, heads: np.ndarray, tolerance: float, damped: bool = False, most: int = MOST_STEPS
) -> Run:
    steps: list[float] = []
    while len(steps) < most:
        y = problem.points.values(heads)
        f, J = problem.equations.linearised(y)
        if not (np.isfinite(f).all() and np.isfinite(J).all()):
            return Run(heads, tuple(steps), "Newton's method met a right-hand side that is not finite.")
        solve = newton_solve(problem, y, J)
        step = problem.step(solve, heads, f)
        part = damping(problem, solve, heads, step) if damped else 1.0
        if not np.isfinite(step).all() or part == 0:
            break
        heads = heads + part * step
        steps.append(problem.change(step, heads))
        if part == 1 and problem.settled(steps, heads, tolerance):
            return problem.checked(Run(heads, tuple(steps), message="Newton's method converged."))
    where = f"{len(steps)} steps, the last {steps[-1]:.1e} of the solution" if steps else "no step"
    advice = "More functions, a smaller tau or a better guess may help."
    return Run(heads, tuple(steps), f"Newton's method does not converge after {where}. {advice}")


def newton_solve(problem: Problem, y: np.ndarray, J: np.ndarray) -> Solve:
    """Rows are preconditioned, and states in units of their sizes, else least squares trades one for another."""
    size = sizes(y)
    J = scaled(J, size)
    solve = problem.space.factor(J, preconditioner(J, problem.points.rate)).solve
    return lambda start, forcing: solve(start / size, forcing / size[:, None]) * size


def damping(problem: Problem, solve: Solve, heads: np.ndarray, step: np.ndarray) -> float:
    """The part of a step after which the next one, by the same factorisation, is smaller; 0 where there is none.

    The natural monotonicity test (P. Deuflhard, Newton Methods for Nonlinear Problems, 2004, section 3.3).
    """
    points = problem.points
    change = largest(points.values(step))
    size = np.maximum(largest(points.values(heads)), change)
    part, before = 1.0, relative(change, size)
    while part >= SMALLEST_PART:
        trial = heads + part * step
        f = problem.equations.f(points.values(trial))
        after = (
            relative(largest(points.values(problem.step(solve, trial, f))), size) if np.isfinite(f).all() else np.inf
        )
        if after <= (1 - part / 4) * before or before <= STAGNATION:
            return part
        part /= 2
    return 0.0


def chord(problem: Problem, heads: np.ndarray, tolerance: float) -> Run:
    solve = problem.space.factor(problem.equations.A).solve
    steps: list[float] = []
    advice = "N is too large beside A for it: use method='newton'."
    while len(steps) < MOST_CHORDS:
        f = problem.equations.f(problem.points.values(heads))
        step = problem.step(solve, heads, f)
        if not np.isfinite(step).all():
            return Run(heads, tuple(steps), f"The chord iteration diverges. {advice}")
        heads = heads + step
        steps.append(problem.change(step, heads))
        if problem.settled(steps, heads, tolerance):
            return problem.checked(Run(heads, tuple(steps), message="The chord iteration converged."))
        if min(steps[-PATIENCE:]) > min(steps[:-PATIENCE], default=math.inf):
            break
    return Run(heads, tuple(steps), f"The chord iteration stalls at steps of {min(steps):.1e}. {advice}")
