"""The problems of the comparison, with their true solutions.

n states, N times, B initial values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import stlfast
from bench.peers import Absent
from examples.hires import digits, hires
from stlfast.command import demo
from stlfast.measure.exact import exact

STIFFNESS, START, MANY = "new stiffness", "new initial value", "many initial values"  # what is asked of a solver
AWAY = 1e-3  # of t_span, from each jump


def times(span: tuple[float, float], first: float = 1e-5) -> np.ndarray:
    """512 uniform times with 512 logarithmic ones from `first` of the span on, and its beginning."""
    x = np.union1d(np.linspace(0.0, 1.0, demo.POINTS), np.geomspace(first, 1.0, demo.POINTS))
    return span[0] + (span[1] - span[0]) * x


def away_from_jumps(t: np.ndarray, steps: Any) -> np.ndarray:
    """Which of the times t (N,) are not near one where y1 passes through 0 in the steps of a SciPy result."""
    turned = steps.t[np.flatnonzero(np.diff(np.sign(steps.y[0])))]
    return np.all(np.abs(t[:, None] - turned) > AWAY * (steps.t[-1] - steps.t[0]), axis=1)


@dataclass(frozen=True, eq=False)
class Problem:
    """A shipped model's family at fixed parameters other than the stiffness; here a linear one.

    alphas: values of the stiffness parameter, whatever its name, where they are not the comparison's own. queries:
    what is asked. box: (n, 2), the initial values of the query for many.
    """

    name: str
    others: dict[str, float]
    alphas: tuple[float, ...] = ()
    queries: tuple[str, ...] = (STIFFNESS, START, MANY)
    _known: dict[Any, Any] = field(default_factory=dict, init=False)

    @property
    def shipped(self) -> bool:
        return self.name in stlfast.pretrained()

    @cached_property
    def model(self) -> Any:
        if not self.shipped:
            raise Absent("no model of it is shipped")
        return stlfast.load(self.name)

    @property
    def family(self) -> stlfast.Family:
        return self.model.family

    @property
    def stiffness(self) -> str:
        """The name of its stiffness parameter."""
        assert self.family.stiffness is not None
        return self.family.stiffness

    @property
    def box(self) -> np.ndarray:
        return np.array([[0.0, 5.0]] * self.family.n)

    def span(self, alpha: float) -> tuple[float, float]:
        return self.family.t_span_at(**self.params(alpha))

    def grid(self, alpha: float) -> np.ndarray:
        """The 512 uniform output times of every timed solve."""
        return self._keep(("grid", self.span(alpha)), lambda: np.linspace(*self.span(alpha), demo.POINTS))

    def points(self, alpha: float) -> np.ndarray:
        """The times over which accuracy is reported; the grid is among them."""
        return self._keep(("points", self.span(alpha)), lambda: np.union1d(times(self.span(alpha)), self.grid(alpha)))

    def is_grid(self, t: np.ndarray) -> bool:
        return any(t is kept for (what, *_), kept in self._known.items() if what == "grid")

    def params(self, alpha: float) -> dict[str, Any]:
        return {self.stiffness: alpha, **self.others}

    def error(self, alpha: float, y0: np.ndarray, t: np.ndarray, y: np.ndarray) -> float:
        """The largest error of y (B, n, N), over states and times; infinite where y is not finite."""
        return float(np.abs(y - self.exact(alpha, y0, t)).max()) if np.isfinite(y).all() else np.inf

    def scale(self, alpha: float) -> np.ndarray:
        """(n,) what errors are relative to."""
        return np.ones(self.family.n)

    def atol(self, params: dict[str, Any], tolerance: float) -> float:
        """The absolute tolerance beside the relative one: of the smallest state."""
        return tolerance * float(self.scale(params[self.stiffness]).min())

    @property
    def measured(self) -> str:
        """How errors are, where they are not absolute and everywhere."""
        return ""

    def reference_error(self, alpha: float) -> float | None:
        """By how much two ways to the true solution differ, measured as errors are; None where it is exact."""
        return None

    def table(self, alpha: float, t: np.ndarray) -> np.ndarray:
        """Solutions (n + 1, n, N) for unit initial values without forcing and, last, for zero ones with it."""
        points = self.points(alpha)
        rows = self._keep(("table", alpha), lambda: self._unit_solutions(alpha))
        at = np.searchsorted(points, t)
        if not np.array_equal(points[at], t):
            raise ValueError("exact solutions are known at the problem's points alone")
        return rows[:, :, at]

    def _unit_solutions(self, alpha: float) -> np.ndarray:
        starts = np.vstack([np.eye(self.family.n), np.zeros(self.family.n)])
        rows = np.array([exact(self.family, self.points(alpha), y0, **self.params(alpha)) for y0 in starts])
        rows[:-1] -= rows[-1]
        return rows

    def exact(self, alpha: float, y0: np.ndarray, t: np.ndarray) -> np.ndarray:
        """y (B, n, N) for initial values y0 (B, n)."""
        table = self.table(alpha, t)
        return np.einsum("bj,jnt->bnt", y0, table[:-1]) + table[-1]

    def _keep(self, key: tuple[Any, ...], make: Any) -> Any:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]


@dataclass(frozen=True, eq=False)
class Nonlinear(Problem):
    """A nonlinear one, whose true solution is SciPy's LSODA at its sharpest; Radau says how true it is.

    relative: errors are over max |y| of each state. first: the first logarithmic time, over t_span. jumps: errors are
    taken away from jumps of y1 through 0, where they are those of the time of the jump. define: the family of one
    without a shipped model. digits: of the values (n,) at the end, where they are published.
    """

    queries: tuple[str, ...] = (STIFFNESS,)
    relative: bool = False
    first: float = 1e-5
    jumps: bool = False
    define: Callable[[], stlfast.Family] | None = None
    digits: Callable[[np.ndarray], np.ndarray] | None = None

    @cached_property
    def family(self) -> stlfast.Family:
        return self.model.family if self.define is None else self.define()

    @property
    def box(self) -> np.ndarray:
        if self.family.y0_range is None:
            raise ValueError(f"{self.name} has no range of initial values")
        return self.family.y0_range

    @property
    def measured(self) -> str:
        parts = ["over max |y| of each state"] if self.relative else []
        return ", ".join([*parts, f"away from {AWAY:g} of the time span around each jump"] if self.jumps else parts)

    def points(self, alpha: float) -> np.ndarray:
        """With LSODA's steps, which resolve every layer and jump but do not count."""
        return self._keep(("points", alpha), lambda: np.union1d(self._times(alpha), self._steps(alpha).t))

    def error(self, alpha: float, y0: np.ndarray, t: np.ndarray, y: np.ndarray, everywhere: bool = False) -> float:
        """everywhere: at LSODA's steps and near jumps too."""
        if not np.isfinite(y).all():
            return np.inf
        error = np.abs(y - self.exact(alpha, y0, t))[:, :, self._counted(alpha, t) | everywhere]
        return float((error / self.scale(alpha)[:, None]).max())

    def scale(self, alpha: float) -> np.ndarray:
        if not self.relative:
            return np.ones(self.family.n)
        return np.abs(self._solution(alpha, self.family.y0)).max(axis=1)

    def reference_error(self, alpha: float) -> float:
        y0, t = self.family.y0, self.points(alpha)
        return self.error(alpha, y0[None], t, self._integrated(alpha, y0, "Radau")[None])

    def exact(self, alpha: float, y0: np.ndarray, t: np.ndarray) -> np.ndarray:
        at = np.searchsorted(self.points(alpha), t)
        return np.array([self._solution(alpha, start)[:, at] for start in y0])

    def _solution(self, alpha: float, y0: np.ndarray) -> np.ndarray:
        """(n, N) at the points."""
        return self._keep(("solution", alpha, *y0), lambda: self._integrated(alpha, y0, "LSODA"))

    def _integrated(self, alpha: float, y0: np.ndarray, method: str) -> np.ndarray:
        return self.family.reference(y0, self.points(alpha), method, 1e-12, 1e-16, **self.params(alpha)).y

    def _times(self, alpha: float) -> np.ndarray:
        return np.union1d(times(self.span(alpha), self.first), self.grid(alpha))

    def _counted(self, alpha: float, t: np.ndarray) -> np.ndarray:
        return np.isin(t, self._times(alpha)) & (away_from_jumps(t, self._steps(alpha)) if self.jumps else True)

    def _steps(self, alpha: float) -> Any:
        f, jac = self.family.rhs(**self.params(alpha)), self.family.jac(**self.params(alpha))
        solve = partial(solve_ivp, f, self.span(alpha), self.family.y0, "LSODA", jac=jac, rtol=1e-8, atol=1e-14)
        return self._keep(("steps", alpha), solve)


PROBLEMS: dict[str, Problem] = {
    **{name: Problem(name, others) for name, others in demo.MEMBERS.items()},
    "duffing": Nonlinear("duffing", {"beta": 0.5}, queries=(STIFFNESS, MANY)),
    "robertson": Nonlinear("robertson", {"k1": 0.04, "k3": 1e4}, (3e7, 9e7), relative=True, first=1e-10),
    "vdp": Nonlinear("vdp", {}, (50.0,), relative=True, jumps=True),  # 1000 takes explicit methods minutes a solve
}
# On time windows, where nothing is prepared: members of the shipped families, and a family that has no model.
ON_WINDOWS: dict[str, Problem] = {
    "duffing": Nonlinear("duffing", {"beta": 0.5}, (20.0, 50.0, 150.0, 1000.0), relative=True),
    "robertson": Nonlinear("robertson", {"k1": 0.04, "k3": 1e4}, (3e7,), relative=True, first=1e-10),
    "vdp": Nonlinear("vdp", {}, (50.0, 1000.0), relative=True, jumps=True),
    "hires": Nonlinear("hires", {}, (280.0,), relative=True, define=hires, digits=digits),
}
