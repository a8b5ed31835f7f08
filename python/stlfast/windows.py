"""Members of any family, linear or not, solved on one time window after the other, with an estimate of the error.

n states, N output times. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import _core
from .callback import Callback
from .checks import finite
from .family import Family
from .model_file import core_family
from .solution import MISSED, NOT_CERTIFIED, WITHIN, evaluated, scaled_times

OUTPUT_TIMES = 512
FIRST_WINDOW = 1e-3  # over t_span
MOST_PASSES = 4
SHARPER = 0.3  # part of the tolerance that the next pass aims at
LEAST_ORDER = 0.3  # of the error in the windows' tolerance
SMALLEST_TOLERANCE, SMALLEST_RTOL = 1e-13, 1e-12
SMALLEST_FLOOR = 1e-30  # of the size that errors are relative to
DIFFERENCE = 1.5e-8  # relative step of a difference quotient, √ε
SMALLEST_DIFFERENCE = 1e-6  # size of a state that a step is taken for at least
HANDED_OVER = "Radau"
HANDED_OVER_TOLERANCES = ((1e-1, 1e-12), (1e-2, 1e-13))  # SciPy's, over those asked for, and the smallest rtol


class Windows:
    """Solves any member of a family, linear or not, on a chain of time windows; picklable, for many threads.

    y' = f(t, y) = A(p, t) y + b(p, t) + N(y, t, p). In each window a polynomial of degree 12 satisfies the equations at
    Radau points, found by Newton's method on the whole window at once (Hairer & Wanner, Solving Ordinary Differential
    Equations II, IV.5, of the highest order that pays). Windows are sized by the residual, so that layers anywhere in
    the time span are resolved, at any stiffness; nothing is trained or compiled.

    The estimate is made from the right-hand side at some thirty points of each window. What none of them sees is not in
    it: a pulse of a forcing shorter than about a hundredth of the time span where nothing else happens, or a pole or
    kink that the solution runs into within a layer thinner than the points, such as y/(K + y) with a tiny K at y = 0.
    """

    def __init__(self, family: Family) -> None:
        if not isinstance(family, Family):
            raise ValueError(f"Windows takes a stlfast.Family, got {type(family).__name__}")
        self.family = family
        self.core = _core.Windows(core_family(family), values_of(family))

    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        t: np.ndarray | None = None,
        *,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        certify: bool = True,
        fallback: bool = True,
        extrapolate: bool = False,
        **params: float,
    ) -> WindowsSolution:
        """Solve one member.

        y0: (n,) initial values, default the family's; inside its y0_range, unless extrapolate=True.
        t: (N,) output times in t_span, in any order, default 512 uniform ones. params: every parameter by name.
        rtol, atol: success means that the estimated error of every state is at no time larger than atol + rtol times
            the largest |y| up to then. Windows are made smaller until that holds.
        certify: estimate the error, from its linearised equation e' = J e + r with the residual r. With False nothing
            is estimated or refined, which saves a third of the time of one pass.
        fallback: where windows fail or the estimate still misses, hand over to SciPy's Radau with the analytic
            Jacobian; False returns success=False instead.

        Returns a WindowsSolution. Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing
        or out of range; ValueError for a wrong shape, a number that is not finite, a time outside t_span or initial
        values outside y0_range.
        """
        family = self.family
        p = family.check_params(params)
        span = family.t_span_at(**params)
        times = np.linspace(*span, OUTPUT_TIMES) if t is None else np.array(finite(t, "t"))
        x = scaled_times(times, span)
        start = family.y0 if y0 is None else checked_start(family, y0, extrapolate)
        windows, missed = self._refined(p, start, *_relative(rtol, atol), certify)
        if windows.finished and certify and rtol < SMALLEST_RTOL:  # below what windows are made for
            missed = max(missed, float((windows.error / (atol + rtol * windows.largest)).max()))
        if not windows.finished or missed > 1.0:
            if fallback:
                return self._handed_over(windows, span, start, times, rtol, atol, params)
            return self._failed(windows, span, times, "fallback=True tries SciPy's Radau.")
        if certify:
            status, message = WITHIN, "The error estimate meets the tolerance."
        else:
            status, message = NOT_CERTIFIED, "Solved without an estimate of the error, as certify=False asked."
        return WindowsSolution(self, windows, span, times, self.core.evaluate(windows, x), status, message)

    def _refined(
        self, p: np.ndarray, start: np.ndarray, relative: float, floor: float, certify: bool
    ) -> tuple[_core.Windowed, float]:
        """The best of a few passes, each with smaller windows, and its estimate over the tolerance."""
        tolerance, passes, floors = relative, [], np.full(len(start), floor)
        while True:
            windows = self.core.solve(p, start, 0.0, 1.0, tolerance, floors, FIRST_WINDOW, certify)
            missed = windows.relative_error / relative if certify else 0.0
            passes.append((missed if windows.finished else math.inf, tolerance, windows))
            if not 1.0 < passes[-1][0] < math.inf or tolerance <= SMALLEST_TOLERANCE or len(passes) == MOST_PASSES:
                break
            order = 1.0  # the error falls as the tolerance to this power
            if len(passes) > 1 and passes[-1][0] < passes[-2][0]:
                (before, looser, _), (after, sharper, _) = passes[-2:]
                order = min(max(math.log(before / after) / math.log(looser / sharper), LEAST_ORDER), 1.0)
            tolerance = max(tolerance * (SHARPER / missed) ** (1 / order), SMALLEST_TOLERANCE)
        missed, _, windows = min(passes, key=lambda each: each[0])
        return windows, missed

    def stepper(self, *, rtol: float = 1e-6, atol: float = 1e-8, t: float | None = None, **params: float) -> Stepper:
        """A stepper for simulation loops: `stepper = windows.stepper(mu=100.0)`, then `y = stepper.step(y, dt)`."""
        return Stepper(self.family, self.core, rtol, atol, t, params)

    def _failed(
        self, windows: _core.Windowed, span: tuple[float, float], times: np.ndarray, more: str
    ) -> WindowsSolution:
        y = self.core.evaluate(windows, scaled_times(times, span))  # nan beyond the last window
        if windows.finished:
            message = f"The error estimate {windows.error.max():.1e} misses the tolerance: raise rtol or atol. {more}"
        else:
            message = f"{_stopped(windows, span)}; y is nan beyond. {more}"
        return WindowsSolution(self, windows, span, times, y, MISSED, message)

    def _handed_over(
        self, windows: _core.Windowed, span: tuple[float, float], start: np.ndarray, times: np.ndarray, rtol: float,
        atol: float, params: dict[str, float],
    ) -> WindowsSolution:  # fmt: skip
        """SciPy's answer, with the difference from a sharper one as the estimate of its error."""
        from scipy.integrate import solve_ivp

        jac = None if self.family.nonlinear and self.family.J is None else self.family.jac(**params)
        runs = []
        for sharper, smallest in HANDED_OVER_TOLERANCES:
            try:
                runs.append(solve_ivp(
                    self.family.rhs(**params), span, start, method=HANDED_OVER, jac=jac, dense_output=True,
                    rtol=max(sharper * rtol, smallest), atol=sharper * atol,
                ))  # fmt: skip
            except (ValueError, np.linalg.LinAlgError) as error:
                if isinstance(self.family.N, Callback):
                    raise  # it may be the user's own
                return self._failed(windows, span, times, f"SciPy's {HANDED_OVER} fails too: {error}.")
            if not runs[-1].success:
                return self._failed(windows, span, times, f"SciPy's {HANDED_OVER} fails too: {runs[-1].message}")
        first, second = runs
        y = second.sol(times)
        check = np.union1d(first.t, np.linspace(*span, OUTPUT_TIMES))
        estimate = np.abs(first.sol(check) - second.sol(check)).max(axis=1)
        met = bool(np.all(estimate <= atol + rtol * np.abs(second.y).max(axis=1)))
        message = (
            f"Handed over to SciPy's {HANDED_OVER}; its error estimate, the difference from a looser solution, "
            f"{'meets' if met else 'misses'} the tolerance."
        )
        return WindowsSolution(self, second.sol, span, times, y, WITHIN if met else MISSED, message, estimate)

    def __reduce__(self) -> tuple[Any, ...]:
        return Windows, (self.family,)

    def __repr__(self) -> str:
        return f"Windows({self.family!r})"


class WindowsSolution:
    """Solution of one member on time windows: n states, N output times.

    t: (N,) output times; y: (n, N) values there, nan where the solution was not reached.
    error_bound: None, for there is only an estimate.
    error_estimate: (n,) estimate of max |error| over t_span; None where none was made.
    success: True when the estimate meets the tolerance (see Windows.solve), or when certify=False asked for none.
    status, message: 0 met, 1 not estimated, −1 missed; and a sentence that says what to do.
    method: "windows", or "SciPy Radau", whichever answered.
    windows, iterations, last_step, residual: how many windows there are, Newton's iterations in the pass that answered
        (rejected windows included), the largest last step of a window, and the largest weighted residual, what a
        window adds to the error; both relative to the solution. 0 for SciPy.

    `sol(t)` evaluates the solution at any times of t_span: (n, len(t)); `sol.sol` is the same function.
    """

    __slots__ = ("_estimate", "_found", "_model", "_span", "message", "status", "t", "y")

    error_bound = None

    def __init__(
        self, model: Windows, found: Any, span: tuple[float, float], t: np.ndarray, y: np.ndarray, status: int,
        message: str, estimate: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self._model, self._found, self._span = model, found, span
        self.t, self.y, self.status, self.message = t, y, status, message
        self._estimate = estimate

    @property
    def _windowed(self) -> bool:
        return isinstance(self._found, _core.Windowed)

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self._found.error if self._windowed and len(self._found.error) else self._estimate

    @property
    def success(self) -> bool:
        return self.status != MISSED

    @property
    def method(self) -> str:
        return "windows" if self._windowed else f"SciPy {HANDED_OVER}"

    @property
    def windows(self) -> int:
        return len(self._found.edges) - 1 if self._windowed else 0

    @property
    def iterations(self) -> int:
        return self._found.iterations if self._windowed else 0

    @property
    def last_step(self) -> float:
        return self._found.last_step if self._windowed else 0.0

    @property
    def residual(self) -> float:
        return self._found.residual if self._windowed else 0.0

    @property
    def sol(self) -> WindowsSolution:
        return self

    def __call__(self, t: Any) -> np.ndarray:
        """Values (n, len(t)), or (n,) for one number; ValueError for t outside t_span or beyond what was reached."""
        return evaluated(t, self._span, self._values)

    def _values(self, times: np.ndarray, x: np.ndarray) -> np.ndarray:
        if not self._windowed:
            return self._found(times)
        if (x > self._found.edges[-1]).any():
            raise ValueError(f"the solution was not reached: {self.message}")
        return self._model.core.evaluate(self._found, x)

    def __repr__(self) -> str:
        estimate = "no estimate" if self.error_estimate is None else f"error_estimate={self.error_estimate}"
        n, N = self.y.shape
        return f"WindowsSolution({n} states, {N} times, {self.method}, success={self.success}, {estimate})"


class Stepper:
    """Advances a state through time, for simulation loops; made by `Windows.stepper`.

    t: the time of the state, which `step` moves on: t0 at first. params: those of the last step.
    """

    __slots__ = ("_core", "_family", "_floor", "_length", "_relative", "params", "t")

    def __init__(
        self, family: Family, core: _core.Windows, rtol: float, atol: float, t: float | None, params: dict[str, float]
    ) -> None:
        self._relative, self._floor = _relative(rtol, atol)
        family.check_params(params)
        self._family, self._core = family, core
        self.params = dict(params)
        self.t = family.t_span_at(**params)[0] if t is None else float(t)
        self._length: float | None = None  # of the last window, in physical time

    def step(
        self, y: Sequence[float] | np.ndarray, dt: float, /, forcing: Sequence[float] | np.ndarray | None = None,
        **params: float,
    ) -> np.ndarray:  # fmt: skip
        """The state (n,) at t + dt for that at t; parameters that are named change from here on.

        forcing: (n,) added to the right-hand side during this step, as a simulator holds an input; none by default.

        Times beyond t_span are fine. Errors: ParameterError and ValueError as for solve; RuntimeError where the
        solution may not exist up to t + dt, with the state and the time unchanged.
        """
        named = self.params | params
        p = self._family.check_params(named)
        t0, t1 = self._family.t_span_at(**named)
        start = checked_start(self._family, y, extrapolate=True)
        if not (isinstance(dt, (int, float)) and 0 < dt < float("inf")):
            raise ValueError(f"dt must be a positive number, got {dt!r}")
        span, begin = t1 - t0, (self.t - t0) / (t1 - t0)
        first = min(dt, self._length or FIRST_WINDOW * span) / span
        end = begin + dt / span
        if not end > begin:
            raise ValueError(f"dt = {dt!r} is less than the rounding of t = {self.t!r}")
        floors = np.full(len(start), self._floor)
        added = None if forcing is None else finite(forcing, "forcing") * span
        found = self._core.solve(p, start, begin, end, self._relative, floors, first, False, added)
        if not found.finished:
            raise RuntimeError(
                f"{_stopped(found, (t0, t1))}; check the state and the parameters, or take smaller steps"
            )
        self.params, self.t = named, self.t + dt
        self._length = max(np.diff(found.edges)[: -1 if len(found.edges) > 2 else None]) * span
        return found.last


def values_of(family: Family) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None:
    """N (n, S) and ∂N/∂y (n·n, S) at points (1 + n, S), where a Python function gives them; else None."""
    N, J = family.N, family.J
    if not isinstance(N, Callback):
        return None
    if isinstance(J, Callback):
        return lambda points, p: (N.unchecked(points, p), J.unchecked(points, p))

    def with_differences(points: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, S = family.n, points.shape[1]
        steps = DIFFERENCE * np.maximum(np.abs(points[1:]), SMALLEST_DIFFERENCE)  # (n, S)
        moved = np.tile(points, (1, 1 + n))
        for j in range(n):
            moved[1 + j, (1 + j) * S : (2 + j) * S] += steps[j]
        values = N.unchecked(moved, p).reshape(n, 1 + n, S)
        steps = moved[1:].reshape(n, 1 + n, S)[np.arange(n), np.arange(1, 1 + n)] - points[1:]  # as rounded
        return np.ascontiguousarray(values[:, 0]), ((values[:, 1:] - values[:, :1]) / steps).reshape(n * n, S)

    return with_differences


def checked_start(family: Family, y0: Sequence[float] | np.ndarray, extrapolate: bool) -> np.ndarray:
    start = finite(y0, "y0")
    if start.shape != (family.n,):
        raise ValueError(f"y0 must have shape ({family.n},), got {start.shape}")
    if family.y0_range is not None and not extrapolate:
        low, high = family.y0_range.T
        outside = np.flatnonzero((start < low) | (start > high))
        if len(outside):
            i = outside[0]
            raise ValueError(
                f"y0: {family.states[i]} = {start[i]:g} is outside [{low[i]:g}, {high[i]:g}], the initial values of "
                f"{family.name!r}; pass extrapolate=True to solve all the same"
            )
    return start


def _stopped(windows: _core.Windowed, span: tuple[float, float]) -> str:
    stop = span[0] + (span[1] - span[0]) * windows.edges[-1]
    if windows.limited:
        return f"{len(windows.edges) - 1} windows end at t = {stop:.6g}: shorten t_span, or raise rtol or atol"
    return f"No window could be solved at t = {stop:.6g}: the solution may not exist beyond it"


def _relative(rtol: float, atol: float) -> tuple[float, float]:
    """The tolerance relative to the size of a state, and what is added to that size; ValueError for wrong ones."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not (isinstance(value, (int, float)) and 0 <= value < float("inf")):
            raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")
    if rtol == 0 and atol == 0:
        raise ValueError("rtol and atol cannot both be 0")
    relative = max(rtol, SMALLEST_RTOL)
    return relative, max(atol / relative, SMALLEST_FLOOR)
