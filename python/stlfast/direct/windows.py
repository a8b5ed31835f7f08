"""Members of any family, linear or not, solved on one time window after the other, with an estimate of the error.

n states, N output times. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from ..base.checks import finite
from ..base.names import public
from ..equations.callback import values_of
from ..equations.ode.family import Family
from ..results.result import MISSED, NOT_CERTIFIED, WITHIN
from ..results.solution import WindowsSolution, scaled_times

OUTPUT_TIMES = 512
FIRST_WINDOW = 1e-2  # over t_span, at most
MOST_PASSES = 4
FIRST_AIM = 0.3  # part of the tolerance that windows of the first pass are sized by
SHARPER = 0.3  # part of the tolerance that the next pass aims at
LEAST_ORDER = 0.3  # of the error in the windows' tolerance
SMALLEST_TOLERANCE, SMALLEST_RTOL = 1e-13, 1e-12
SMALLEST_PART = 1e-12  # of atol, where windows are sized
MOST_MISSED = 1e5  # times the tolerance that the next pass reckons with
SMALLEST_FLOOR = 1e-30  # of the size that errors are relative to
HANDED_OVER = "Radau"
HANDED_OVER_TOLERANCES = ((1e-1, 1e-12), (1e-2, 1e-13))  # SciPy's, over those asked for, and the smallest rtol


@public
class Windows:
    """Solves any member of a family, linear or not, on a chain of time windows; picklable, for many threads.

    y' = f(t, y) = A(p, t) y + b(p, t) + N(y, t, p). In each window a polynomial of degree 3, 5 or 7, by the tolerance,
    satisfies the equations at Radau points. Newton's method keeps its matrices while they serve, and the eigenvectors
    of the points split them into one real system of n unknowns and up to three complex ones (Hairer & Wanner, Solving
    Ordinary Differential Equations II, IV.5 and IV.8), which are eliminated together. Windows are sized by the residual
    between the points, so that layers anywhere in the time span are resolved, at any stiffness; nothing is trained or
    compiled.

    The estimate is made from the right-hand side at twice as many places of each window. What none of them sees is not
    in it: a pulse of a forcing shorter than about a hundredth of the time span where nothing else happens, or a pole or
    kink that the solution runs into within a layer thinner than the points, such as y/(K + y) with a tiny K at y = 0.
    """

    def __init__(self, family: Family) -> None:
        if not isinstance(family, Family):
            raise ValueError(f"Windows takes a stlfast.Family, got {type(family).__name__}")
        self.family = family
        self.core = _core.Windows(family.core(), values_of(family.N, family.J))

    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        *,
        t: np.ndarray | None = None,
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
        tolerance, small, passes, floors = FIRST_AIM * relative, 1.0, [], np.full(len(start), floor)
        while True:
            windows = self.core.solve(p, start, 0.0, 1.0, tolerance, floors, FIRST_WINDOW, certify, small=small)
            missed = windows.relative_error / relative if certify else 0.0
            passes.append((missed if windows.finished else math.inf, tolerance, windows))
            sharpest = tolerance <= SMALLEST_TOLERANCE and small <= SMALLEST_PART
            if missed <= 1.0 or not windows.finished or sharpest or len(passes) == MOST_PASSES:
                break
            order = 1.0  # the error falls as the tolerance to this power
            if len(passes) > 1 and passes[-1][0] < passes[-2][0]:
                (before, looser, _), (after, sharper, _) = passes[-2:]
                order = min(max(math.log(before / after) / math.log(looser / sharper), LEAST_ORDER), 1.0)
            tolerance = max(tolerance * (SHARPER / min(missed, MOST_MISSED)) ** (1 / order), SMALLEST_TOLERANCE)
            # Errors of states while they are small may be what grows later: after one more pass, all digits of them.
            small = SMALLEST_PART if len(passes) > 1 else tolerance / relative
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
        runs, own = [], False  # whether an error is one of the user's function
        plain = self.family.rhs(**params)

        def rhs(t: float, y: np.ndarray) -> np.ndarray:
            nonlocal own
            try:
                return plain(t, y)
            except Exception:
                own = True
                raise

        for sharper, smallest in HANDED_OVER_TOLERANCES:
            try:
                runs.append(solve_ivp(
                    rhs, span, start, method=HANDED_OVER, jac=jac, dense_output=True,
                    rtol=max(sharper * rtol, smallest), atol=sharper * atol,
                ))  # fmt: skip
            except (ValueError, np.linalg.LinAlgError) as error:
                if own:
                    raise
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


@public
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
