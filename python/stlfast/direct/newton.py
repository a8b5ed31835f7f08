"""Newton's method and chords for members that are solved on all points at once: damping, continuation, when to stop.

x are the coefficients of a solution, an array of the problem's own shape. What equations they satisfy, and in which
norms steps are measured, is up to the `Problem`: heads of ODEs (ode/heads.py), a tensor basis of PDEs (pde/newton.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..equations.parameters import Range

STAGNATION = 1e-8  # relative step below which one that is no smaller than the last is rounding
LARGEST_ROUNDING = 1e-4  # the same where ill-conditioned functions round more, if far below the residual
FAR_BELOW = 1e-2
SMALLEST_PART = 1 / 64  # of a damped Newton step
FIRST_STRIDE = 0.5  # of the way in the stiffness parameter's logarithm


@dataclass(frozen=True)
class Limits:
    """When to give up, and what to say then."""

    steps: int  # of Newton's method
    few_steps: int  # the same from the solution of a neighbouring member
    chords: int
    patience: int  # chords without a smaller step
    shortest_stride: float  # of the way in the stiffness parameter's logarithm
    total: float  # Newton steps of all members, after which continuation gives up
    advice: str
    chord_advice: str


@dataclass(frozen=True, eq=False)
class Run:
    """Coefficients, the relative steps that led there, why it did not converge (empty where it did), and how it did."""

    x: np.ndarray
    steps: tuple[float, ...]
    failure: str = ""
    message: str = ""


class Linearised(Protocol):
    """The equations linearised at some coefficients, factored."""

    @property
    def step(self) -> np.ndarray:
        """To the solution of the linear equations."""

    def damping(self) -> float:
        """The part of the step after which less is missing; 0 where there is none."""


class Frozen(Protocol):
    """The equations linearised once and for all, factored."""

    def step(self, x: np.ndarray) -> np.ndarray | None:
        """From x, by what is missing there; None where that is not finite."""


class Members(Protocol):
    """A family, as continuation needs it."""

    @property
    def params(self) -> Mapping[str, Range]: ...

    @property
    def stiffness(self) -> str | None: ...


class Problem(Protocol):
    """One member with its data."""

    @property
    def limits(self) -> Limits: ...

    @property
    def members(self) -> Members: ...

    @property
    def p(self) -> np.ndarray:
        """Its parameters, (P,)."""

    def member(self, p: np.ndarray, x: np.ndarray) -> Problem:
        """The same data with other parameters, near x."""

    def linearised(self, x: np.ndarray) -> Linearised | None:
        """At x; None where the right-hand side is not finite."""

    def frozen(self, x: np.ndarray) -> Frozen | None:
        """For chords from x on; None where the right-hand side is not finite."""

    def change(self, step: np.ndarray, x: np.ndarray) -> float:
        """The size of a step over that of the solution."""

    def residual(self, x: np.ndarray) -> float:
        """What the equations miss between the points, relative to the solution."""

    def beyond(self, x: np.ndarray, first: np.ndarray) -> bool:
        """Whether x is so much larger than the first guess that the iteration diverges."""

    def checked(self, run: Run) -> Run:
        """Failed where a run that converged is no solution after all."""


def newton(problem: Problem, x: np.ndarray, tolerance: float) -> Run:
    """Undamped first, for it often passes through steps that damping forbids; then damped, then by continuation."""
    plain = newton_steps(problem, x, tolerance)
    if not plain.failure:
        return plain
    damped = newton_steps(problem, x, tolerance, damped=True)
    steps = plain.steps + damped.steps
    if not damped.failure:
        return replace(damped, steps=steps, message="Newton's method converged with damping.")
    return continued(problem, x, tolerance, replace(plain, steps=steps))


def continued(problem: Problem, x: np.ndarray, tolerance: float, failed: Run) -> Run:
    """From the family's member of lowest stiffness in geometric steps, each from the solution before."""
    name, ranges = problem.members.stiffness, problem.members.params
    if name is None:
        return replace(failed, failure=f"{failed.failure} No parameter is positive, to continue in.")
    k = list(ranges).index(name)
    low, high = ranges[name].solve[0], problem.p[k]
    steps, members, reached, to, stride = failed.steps, 0, 0.0, 0.0, FIRST_STRIDE  # shares of the way
    limits = problem.limits
    while reached < 1:
        if low >= high or stride < limits.shortest_stride or len(steps) > limits.total:
            end = f"ended at {name} = {low * (high / low) ** reached:.3g}" if members else "has no easier member"
            return replace(failed, steps=steps, failure=f"{failed.failure} Continuation in {name} {end}.")
        p = problem.p.copy()
        p[k] = low * (high / low) ** to
        most = limits.few_steps if members else limits.steps
        run = newton_steps(problem.member(p, x), x, tolerance, most=most)
        steps, members = steps + run.steps, members + 1
        if not run.failure:
            reached, x, stride = to, run.x, 2 * stride
        else:
            stride = stride / 2 if to > 0 else 0.0
        to = min(reached + stride, 1.0)
    message = f"Newton's method converged by continuation from {name} = {low:g} over {members} members."
    return Run(x, steps, message=message)


def newton_steps(
    problem: Problem, x: np.ndarray, tolerance: float, damped: bool = False, most: int | None = None
) -> Run:
    steps: list[float] = []
    first = x
    while len(steps) < (problem.limits.steps if most is None else most):
        linearised = problem.linearised(x)
        if linearised is None:
            return Run(x, tuple(steps), "Newton's method met a right-hand side that is not finite.")
        step = linearised.step
        part = linearised.damping() if damped else 1.0
        if not np.isfinite(step).all() or part == 0:
            break
        x = x + part * step
        steps.append(problem.change(step, x))
        if problem.beyond(x, first):
            return Run(x, tuple(steps), f"Newton's method diverges after {len(steps)} steps.")
        if part == 1 and settled(problem, steps, x, tolerance):
            return problem.checked(Run(x, tuple(steps), message="Newton's method converged."))
    where = f"{len(steps)} steps, the last {steps[-1]:.1e} of the solution" if steps else "no step"
    return Run(x, tuple(steps), f"Newton's method does not converge after {where}. {problem.limits.advice}")


def chord(problem: Problem, x: np.ndarray, tolerance: float) -> Run:
    """Steps with the equations linearised once: each costs a fraction of Newton's, and they converge geometrically."""
    limits, first = problem.limits, x
    frozen = problem.frozen(x)
    if frozen is None:
        return Run(x, (), "The right-hand side is not finite at the first guess.")
    steps: list[float] = []
    while len(steps) < limits.chords:
        step = frozen.step(x)
        if step is None or not np.isfinite(step).all():
            return Run(x, tuple(steps), f"The chord iteration diverges after {len(steps)} steps. {limits.chord_advice}")
        x = x + step
        steps.append(problem.change(step, x))
        if problem.beyond(x, first):
            return Run(x, tuple(steps), f"The chord iteration diverges after {len(steps)} steps. {limits.chord_advice}")
        if settled(problem, steps, x, tolerance):
            return problem.checked(Run(x, tuple(steps), message="The chord iteration converged."))
        if min(steps[-limits.patience :]) > min(steps[: -limits.patience], default=math.inf):
            break
    return Run(x, tuple(steps), f"The chord iteration stalls at steps of {min(steps):.1e}. {limits.chord_advice}")


def settled(problem: Problem, steps: Sequence[float], x: np.ndarray, tolerance: float) -> bool:
    """Whether the last step meets the tolerance, or is rounding: tiny, but no smaller than the one before."""
    if steps[-1] <= tolerance or len(steps) == 1 or not steps[-2] <= steps[-1] <= LARGEST_ROUNDING:
        return steps[-1] <= tolerance
    return steps[-1] <= STAGNATION or steps[-1] <= FAR_BELOW * problem.residual(x)
