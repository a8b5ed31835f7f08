"""Nonlinear families: members solved on one time window after the other, with an estimate of the error.

n states, N output times. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _core, model_file
from .checks import finite
from .family import Family
from .solution import MISSED, NOT_CERTIFIED, WITHIN, scaled_times

OUTPUT_TIMES = 512
FIRST_WINDOW = 1e-3  # over t_span
REFINEMENTS = 4
SHARPER = 0.3  # the next tolerance of the windows, over what would just have sufficed if errors were proportional
SMALLEST_TOLERANCE = 1e-13
HANDED_OVER = "Radau"
HANDED_OVER_TOLERANCE = 1e-2  # SciPy's, over the one that is asked for


class NonlinearModel:
    """A nonlinear family, ready to be solved; immutable, picklable, safe to solve with from many threads.

    y' = A(p, t) y + b(p, t) + N(y, t, p). Made by `stlfast.compile(family)`. In each of a chain of time windows a
    polynomial of degree 12 satisfies the equations at Radau points, found by Newton's method; windows are sized by the
    residual, so that layers anywhere in the time span are resolved, at any stiffness.
    """

    def __init__(self, family: Family, passport: Mapping[str, Any]) -> None:
        self.family = family
        self.passport = dict(passport)
        self.core = _core.Windows(model_file.core_family(family))

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
    ) -> NonlinearSolution:
        """Solve one member.

        y0: (n,) initial values, default the family's; inside its y0_range, unless extrapolate=True.
        t: (N,) output times in t_span, in any order, default 512 uniform ones. params: every parameter by name.
        rtol, atol: success means error_estimate <= atol + rtol·max|y| in every state. Windows are made smaller until
            that holds.
        certify: estimate the error, from its linearised equation e' = J e + r with the residual r; False saves a fourth
            of the time, and nothing is refined.
        fallback: where windows fail or the estimate still misses, hand over to SciPy's Radau with the analytic
            Jacobian; False returns success=False instead.

        Returns a NonlinearSolution. Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing
        or out of range; ValueError for a wrong shape, a number that is not finite, a time outside t_span or initial
        values outside y0_range.
        """
        family = self.family
        p = family.check_params(params)
        span = family.t_span_at(**params)
        times = np.linspace(*span, OUTPUT_TIMES) if t is None else np.array(finite(t, "t"))
        x = scaled_times(times, span)
        start = self._start(y0, extrapolate)
        _check_tolerances(rtol, atol)
        tolerance = rtol
        for _ in range(REFINEMENTS):
            windows = solve_windows(self.core, p, start, 0.0, 1.0, tolerance, rtol, atol, FIRST_WINDOW, certify)
            missed = _missed(windows, rtol, atol) if windows.finished and certify else 0.0
            if not windows.finished or missed <= 1.0 or tolerance <= SMALLEST_TOLERANCE:
                break
            tolerance = max(tolerance * SHARPER / missed, SMALLEST_TOLERANCE)
        if fallback and (not windows.finished or missed > 1.0):
            return self._handed_over(start, times, rtol, atol, params)
        status = MISSED if not windows.finished or missed > 1.0 else WITHIN if certify else NOT_CERTIFIED
        reached = x <= windows.edges[-1]
        y = np.full((family.n, len(x)), np.nan)
        y[:, reached] = self.core.evaluate(windows, x[reached])
        if windows.finished:
            message = {
                WITHIN: "The error estimate meets the tolerance.",
                NOT_CERTIFIED: "Solved without an estimate of the error, as certify=False asked.",
                MISSED: f"The error estimate {windows.error.max():.1e} misses the tolerance: raise rtol or atol.",
            }[status]
        else:
            stop = span[0] + (span[1] - span[0]) * windows.edges[-1]
            message = (
                f"No window could be solved at t = {stop:.6g}: the solution may not exist beyond it; y is nan there. "
                "fallback=True tries SciPy's Radau."
            )
        return NonlinearSolution(self, windows, span, times, y, status, message)

    def stepper(self, *, rtol: float = 1e-6, atol: float = 1e-8, t: float | None = None, **params: float) -> Stepper:
        """A stepper for simulation loops: `stepper = model.stepper(mu=100.0)`, `y = stepper.step(y, dt)`."""
        return Stepper(self.family, self.core, rtol, atol, t, params)

    def _start(self, y0: Sequence[float] | np.ndarray | None, extrapolate: bool) -> np.ndarray:
        if y0 is None:
            return self.family.y0
        return checked_start(self.family, y0, extrapolate)

    def _handed_over(
        self, start: np.ndarray, times: np.ndarray, rtol: float, atol: float, params: dict[str, float]
    ) -> NonlinearSolution:
        from scipy.integrate import solve_ivp

        span = self.family.t_span_at(**params)
        with np.errstate(all="ignore"):
            result = solve_ivp(
                self.family.rhs(**params), span, start, method=HANDED_OVER, jac=self.family.jac(**params),
                rtol=max(HANDED_OVER_TOLERANCE * rtol, SMALLEST_TOLERANCE), atol=HANDED_OVER_TOLERANCE * atol,
                dense_output=True,
            )  # fmt: skip
        y = np.full((self.family.n, len(times)), np.nan)
        reached = times <= result.t[-1]
        y[:, reached] = result.sol(times[reached])
        status = NOT_CERTIFIED if result.success else MISSED
        message = f"Handed over to SciPy's {HANDED_OVER}, without an estimate of the error: {result.message}"
        return NonlinearSolution(self, result.sol, span, times, y, status, message)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .safetensors file: to a temporary file beside it first, which then takes its name."""
        model_file.write_nonlinear(path, self)

    def __reduce__(self) -> tuple[Any, ...]:
        return NonlinearModel, (self.family, self.passport)

    def __repr__(self) -> str:
        return f"{self.family!r}\nNonlinearModel: solved on time windows"


class NonlinearSolution:
    """Solution of one member of a nonlinear family: n states, N output times.

    t: (N,) output times; y: (n, N) values there, nan where the solution was not reached.
    error_bound: None, for there is only an estimate.
    error_estimate: (n,) estimate of max |error| over t_span; None where none was made.
    success: True when the estimate meets atol + rtol·max|y| in every state, when certify=False asked for none, or when
        SciPy, which was handed the problem, says so.
    status, message: 0 met, 1 not estimated, −1 missed; and a sentence that says what to do.
    method: "windows", or "SciPy Radau", whichever answered.
    windows, iterations, last_step: how many windows there are, Newton's iterations in all (of rejected windows too), and
        the largest last step of a window relative to the solution; 0 for SciPy.

    `sol(t)` evaluates the solution at any times of t_span: (n, len(t)); `sol.sol` is the same function.
    """

    __slots__ = ("_found", "_model", "_span", "message", "status", "t", "y")

    error_bound = None

    def __init__(
        self, model: NonlinearModel, found: Any, span: tuple[float, float], t: np.ndarray, y: np.ndarray, status: int,
        message: str,
    ) -> None:  # fmt: skip
        self._model, self._found, self._span = model, found, span
        self.t, self.y, self.status, self.message = t, y, status, message

    @property
    def _windowed(self) -> bool:
        return isinstance(self._found, _core.Windowed)

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self._found.error if self._windowed and len(self._found.error) else None

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
    def sol(self) -> NonlinearSolution:
        return self

    def __call__(self, t: Any) -> np.ndarray:
        """Values (n, len(t)), or (n,) for one number; t within t_span and not beyond what was reached, else ValueError."""
        times = np.asarray(t, dtype=np.float64)
        x = scaled_times(np.atleast_1d(times), self._span)
        if self._windowed and (x > self._found.edges[-1]).any():
            raise ValueError(f"the solution was not reached: {self.message}")
        y = self._model.core.evaluate(self._found, x) if self._windowed else self._found(np.atleast_1d(times))
        return y if times.ndim else y[:, 0]

    def __repr__(self) -> str:
        estimate = "no estimate" if self.error_estimate is None else f"error_estimate={self.error_estimate}"
        n, N = self.y.shape
        return f"NonlinearSolution({n} states, {N} times, {self.method}, success={self.success}, {estimate})"


class Stepper:
    """Advances a state through time, for simulation loops; made by `NonlinearModel.stepper`.

    t: the time of the state, which `step` moves on: t0 at first. params: those of the last step.
    """

    __slots__ = ("_atol", "_core", "_family", "_length", "_rtol", "params", "t")

    def __init__(
        self, family: Family, core: _core.Windows, rtol: float, atol: float, t: float | None, params: dict[str, float]
    ) -> None:
        _check_tolerances(rtol, atol)
        family.check_params(params)
        self._family, self._core, self._rtol, self._atol = family, core, rtol, atol
        self.params = dict(params)
        self.t = family.t_span_at(**params)[0] if t is None else float(t)
        self._length: float | None = None  # of the last window, in physical time

    def step(self, y: Sequence[float] | np.ndarray, dt: float, **params: float) -> np.ndarray:
        """The state (n,) at t + dt for that at t; parameters that are named change from here on.

        Times beyond t_span are fine. Errors: ParameterError and ValueError as for solve; RuntimeError where the solution
        may not exist up to t + dt, with the state and the time unchanged.
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
        found = solve_windows(self._core, p, start, begin, end, self._rtol, self._rtol, self._atol, first, False)
        if not found.finished:
            raise RuntimeError(
                f"no window could be solved at t = {t0 + span * found.edges[-1]:.6g}: the solution may not exist "
                "beyond it; check the state and the parameters"
            )
        self.params, self.t = named, self.t + dt
        self._length = max(np.diff(found.edges)[: -1 if len(found.edges) > 2 else None]) * span
        return found.last


def solve_windows(
    core: _core.Windows, p: np.ndarray, start: np.ndarray, begin: float, end: float, tolerance: float, rtol: float,
    atol: float, first: float, estimate: bool,
) -> _core.Windowed:  # fmt: skip
    floor = np.full(len(start), max(atol / rtol if rtol > 0 else 1.0, 1e-30))
    return core.solve(p, start, begin, end, max(tolerance, SMALLEST_TOLERANCE), floor, first, estimate)


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


def _missed(windows: _core.Windowed, rtol: float, atol: float) -> float:
    """The estimate over the tolerance."""
    ratio = windows.error / np.maximum(atol + rtol * windows.largest, 1e-300)
    return float(ratio.max()) if np.isfinite(ratio).all() else float("inf")


def _check_tolerances(rtol: float, atol: float) -> None:
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not (isinstance(value, (int, float)) and 0 <= value < float("inf")):
            raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")
    if rtol == 0 and atol == 0:
        raise ValueError("rtol and atol cannot both be 0")
