"""Members of any family, linear or not, solved on one time window after the other, with an estimate of the error.

n states, N output times. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import _core
from ..base.checks import finite, real, rows
from ..base.names import public
from ..base.progress import Progress
from ..equations.callback import Callback, values_of
from ..equations.ode.family import Family
from ..equations.parameters import box
from ..equations.samples import Samples
from ..results.result import MISSED, NOT_CERTIFIED, WITHIN
from ..results.solution import WindowsSolution, scaled_times
from ..results.solutions import Solutions
from .events import Event, Found, as_events, find, terminal
from .sweep import fixed_span, observed, solve_many, uniform_times

OUTPUT_TIMES = 512
UNIFORM = np.linspace(0.0, 1.0, OUTPUT_TIMES)
FIRST_WINDOW = 1e-2  # over t_span, at most
SMALLEST_RTOL = 1e-12
INSIDE = 4e-16  # of t_span and of t, how far from breaks Python functions are called
SMALLEST_FLOOR = 1e-30  # of the size that errors are relative to
NEGATIVE = 3.0  # times atol, what a state that is declared positive may be below 0
HANDED_OVER = "Radau"
MANY = 50_000  # windows
SAMPLES = 16384  # of a Python function over the span
STEPPED_OVER = (
    "SciPy's Radau may step over what a function of time does in a moment: name its breaks=, or raise rtol or atol."
)
ESTIMATED = WITHIN, "The error estimate meets the tolerance."
UNESTIMATED = NOT_CERTIFIED, "Solved without an estimate of the error, as certify=False asked."
TOO_MANY = "Shorten t_span: for as many steps SciPy's Radau would take minutes to hours."
HANDED_OVER_TOLERANCES = ((1e-1, 1e-12), (1e-2, 1e-13))  # SciPy's, over those asked for, and the smallest rtol
BEYOND_AN_EVENT = 1e-3  # of the way to a terminal event, how far is solved for it to be met again


@public
class Windows:
    """Solves any member of a family, linear or not, on a chain of time windows; picklable, for many threads.

    y' = f(t, y) = A(p, t) y + b(p, t) + N(y, t, p). In each window a polynomial of degree 7 satisfies the equations
    at Radau points. Newton's method keeps its matrices while they serve, and the eigenvectors
    of the points split them into one real system of n unknowns and up to three complex ones (Hairer & Wanner, Solving
    Ordinary Differential Equations II, IV.5 and IV.8), which are eliminated together. Windows are sized by the residual
    between the points, so that layers anywhere in the time span are resolved, at any stiffness; nothing is trained or
    compiled.

    Windows end where the right-hand side breaks: at steps of time and of states, breaks, doses and infusions. What a
    SymPy right-hand side does in a short time, or in a thin layer of the states, is found by bounds of what its
    functions bend at; a Python function is sampled at 16 384 places of the time span, and what it does in between is
    not seen. How: docs/method.md, section 8.
    """

    def __init__(self, family: Family) -> None:
        if not isinstance(family, Family):
            raise ValueError(f"Windows takes a stlfast.Family, got {type(family).__name__}")
        self.family = family
        of_parameters = (None if each is None else each.program for each in (family.stops, family.start))
        self.core = _core.Windows(family.core(), values_of(family.N, family.J), *of_parameters)
        self._positive = [family.states.index(state) for state in family.positive]
        self._names = tuple(family.params)
        self._span = fixed_span(family)
        self._times = None if self._span is None else uniform_times(UNIFORM, self._span)
        self._plain: tuple[tuple[float, float], np.ndarray] | None = None  # span and times, where the core takes all
        plain = not isinstance(family.N, Callback)
        if plain and self._span is not None and self._times is not None:
            self._plain = self._span, self._times

    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        *,
        t: np.ndarray | None = None,
        rtol: float = 1e-6,
        atol: float | Sequence[float] | np.ndarray = 1e-8,
        certify: bool = True,
        fallback: bool = True,
        extrapolate: bool = False,
        forcing: Samples | Callable[[np.ndarray], np.ndarray] | None = None,
        t0: float | None = None,
        events: Event | Sequence[Event] | None = None,
        **params: float,
    ) -> WindowsSolution:
        """Solve one member.

        y0: (n,) initial values, default the family's; inside its y0_range, unless extrapolate=True.
        t: (N,) output times in t_span, in any order, default 512 uniform ones, which are shared and read-only.
        params: every parameter by name.
        rtol, atol: success means that the estimated error of every state is at no time larger than atol + rtol times
            the largest |y| up to then. Windows are made smaller until that holds. atol: a number, or one a state.
        certify: estimate the error, from its linearised equation e' = J e + r with the residual r. With False nothing
            is estimated or refined, which saves a third of the time of one pass.
        fallback: where windows fail or the estimate still misses, hand over to SciPy's Radau with the analytic
            Jacobian; False returns success=False instead. Not with forcing, or where the family has steps, breaks,
            doses or a Python function of time: SciPy would step over what is short in time. Nor where expressions took
            more than 50 000 windows, for as many steps of SciPy's take minutes to hours.
        forcing: added to the right-hand side: `Samples` of shape (n, M), or a function of times t (N,) with values
            (n, N), which is sampled some 16 000 times over t_span; a pulse that is shorter still may be missed.
        t0: when to start, in t_span, default its beginning: `windows.solve(sol.final, t0=sol.t[-1], ...)` goes on.
        events: a function g(t, y (n,)), or a list of them, as solve_ivp takes them, with its attributes `terminal` (a
            number: after so many) and `direction`. Their roots are found on the windows' polynomials, and are
            `t_events` and `y_events` of the solution; a terminal one ends it, and output times beyond it are left out.

        Returns a WindowsSolution. Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing
        or out of range; ValueError for a wrong shape, a number that is not finite, a time outside t_span, breaks or
        doses outside it, initial values outside y0_range or events that are no functions.
        """
        family, found = self.family, None
        if self._plain is not None and events is None and forcing is None and t0 is None:
            span, times = self._plain
            found = self._on_span(span, y0, t, rtol, atol, certify, extrapolate, params)
            if found is not None and found[2] and found[1] <= 1.0 and found[0].through < 0:
                windows, _, _, y, given = found
                told = ESTIMATED if certify else UNESTIMATED
                return WindowsSolution(self, windows, span, times if given is None else given, y, *told)
        watched = as_events(events)
        p = self._parameters(params)
        span = family._span(p, params) if self._span is None else self._span
        start = family.start_at(p) if y0 is None else checked_start(family, y0, extrapolate)
        begin = 0.0 if t0 is None else float(scaled_times(np.array([_number(t0, "t0")]), span, "t0")[0])
        if begin >= 1.0:
            raise ValueError(f"t0 = {t0} is the end of t_span = ({span[0]:g}, {span[1]:g}): there is nothing to solve")
        if t is None and begin == 0.0:
            times, x = uniform_times(UNIFORM, span) if self._times is None else self._times, UNIFORM
        else:
            first = span[0] if t0 is None else float(t0)
            times = np.linspace(first, span[1], OUTPUT_TIMES) if t is None else np.array(real(t, "t"))
            x = scaled_times(times, span)
            if begin > 0.0 and (x < begin).any():
                raise ValueError(f"t = {times.min():g} is before t0 = {first:g}")
        relative, floors = _relative(rtol, atol, family.n)
        stops, jumps, added = self._breaks(p, span, begin, forcing)

        def core(end: float, estimate: bool) -> tuple[_core.Windowed, float, bool, np.ndarray]:
            return self.core.solve(
                p, start, begin, end, relative, floors, FIRST_WINDOW, estimate, added, stops, jumps, _inside(span),
                self._positive, x if end == 1.0 else np.minimum(x, end),
            )  # fmt: skip

        def located(windows: _core.Windowed) -> Found:
            def values(when: np.ndarray) -> np.ndarray:
                at = (when - span[0]) / (span[1] - span[0])
                found: np.ndarray = self.core.evaluate(windows, np.clip(at, windows.edges[0], windows.edges[-1]))
                return found

            return find(watched, span[0] + (span[1] - span[0]) * windows.edges, values)

        end = 1.0
        if any(map(terminal, watched)):  # where to end is found first, with nothing estimated beyond
            ahead = located(core(1.0, False)[0]).end
            if ahead is not None:
                x_end = (ahead - span[0]) / (span[1] - span[0])
                end = min(1.0, x_end + BEYOND_AN_EVENT * (x_end - begin) + 1e-12)
        windows, missed, finished, y = core(end, certify) if found is None else found[:4]
        met = located(windows) if watched else None
        if end < 1.0 and met is not None and met.end is None:  # it is not met again that early
            windows, missed, finished, y = core(1.0, certify)
            met = located(windows)
        if finished and certify and rtol < SMALLEST_RTOL:  # below what windows are made for
            missed = max(missed, float((windows.error / (np.asarray(atol) + rtol * windows.largest)).max()))
        negative = self._negative(windows, atol)
        sol: WindowsSolution
        if not finished or not missed <= 1.0 or negative:
            handed = fallback and forcing is None and not family.breaks and not watched and begin == 0.0
            through = windows.through >= 0  # as SciPy gets, too
            many = len(windows.edges) > MANY and not isinstance(family.N, Callback)
            if handed and not through and not many and not self._changes_in_time(p, start):
                sol = self._handed_over(windows, span, start, times, y, rtol, np.asarray(atol), params)
            else:
                more = "" if fallback else "fallback=True tries SciPy's Radau."
                if handed:
                    more = TOO_MANY if many else "" if through else STEPPED_OVER
                sol = self._failed(windows, span, times, y, p, more, negative)
        else:
            sol = WindowsSolution(self, windows, span, times, y, *(ESTIMATED if certify else UNESTIMATED))
        if met is not None:
            sol.take_events(met)
        return sol

    def _on_span(
        self, span: tuple[float, float], y0: Any, t: Any, rtol: Any, atol: Any, certify: Any, extrapolate: Any,
        params: dict[str, float],
    ) -> tuple[_core.Windowed, float, bool, np.ndarray, np.ndarray | None] | None:  # fmt: skip
        """What the core finds where all arguments are as they mostly are, in a tenth of the time; None elsewhere."""
        family = self.family
        if y0 is None:
            y0, extrapolate = family.y0 if family.start is None else None, True
        return self.core.solve_plain(
            params, self._names, y0, None if extrapolate else family.y0_range, t, UNIFORM, span[0], span[1], rtol,
            SMALLEST_RTOL, atol, SMALLEST_FLOOR, FIRST_WINDOW, certify, self._positive,
        )  # fmt: skip

    def compiled(self, chains: _core.Chains) -> Windows:
        """The same solver, which tries these compiled windows first."""
        result = Windows(self.family)
        result.core = self.core.with_chains(chains)
        return result

    def _parameters(self, params: dict[str, float]) -> np.ndarray:
        try:
            return self.core.parameters(params, self._names)
        except KeyError:
            return self.family.check_params(params)

    def stops_at(self, p: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Where a member's windows end and its states jump, as the core takes it."""
        if self.family.stops is None:
            return None, None
        return self._breaks(p, self.family._span(p, {}), 0.0, None)[:2]

    def _breaks(
        self, p: np.ndarray, span: tuple[float, float], begin: float, forcing: Any
    ) -> tuple[np.ndarray | None, np.ndarray | None, Any]:
        """Where windows end from `begin` on, how far the states jump there, and what is added, as the core takes it."""
        family = self.family
        if family.stops is None and forcing is None:
            return None, None, None
        stops, jumps = family.stops_at(p, span)
        added: Any = None
        length = span[1] - span[0]
        if isinstance(forcing, Samples):
            forcing.check(span[0] + begin * length, span[1])
            added = forcing.pieces(family.n, span)
            knots = (np.array(forcing.breaks) - span[0]) / length
            knots = knots[(knots > begin) & (knots < 1)]
            order = np.argsort(np.concatenate([stops, knots]), kind="stable")
            stops = np.concatenate([stops, knots])[order]
            jumps = np.concatenate([jumps, np.zeros((len(knots), family.n))])[order]
        elif forcing is not None:
            if not callable(forcing):
                raise ValueError(f"forcing must be Samples or a function of t (N,), got {type(forcing).__name__}")
            added = _scaled(forcing, family.n, span)
        kept = stops >= begin
        if not kept.any():
            return None, None, added
        return stops[kept], np.ascontiguousarray(jumps[kept]), added

    def _negative(self, windows: _core.Windowed, atol: Any) -> str:
        """What is wrong where a state is negative that can't be, or is declared positive; empty where none is."""
        if windows.through >= 0:
            state, least = self.family.states[windows.through], windows.least[windows.through]
            return f"{state} gets to {least:.1e}, though its slope at 0 is not negative: lower rtol or atol. "
        if not self._positive or not windows.finished:
            return ""
        least, allowed = windows.least, np.broadcast_to(atol, self.family.n)
        for i in self._positive:
            if least[i] < -NEGATIVE * max(allowed[i], SMALLEST_FLOOR):
                return f"{self.family.states[i]} was declared positive and gets to {least[i]:.1e}. "
        return ""

    def solve_many(
        self,
        y0: np.ndarray | None = None,
        *,
        observe: str | np.ndarray | None = None,
        rtol: float = 1e-6,
        atol: float | Sequence[float] | np.ndarray = 1e-8,
        certify: bool = True,
        fallback: bool = True,
        extrapolate: bool = False,
        threads: int | None = None,
        out: np.ndarray | None = None,
        progress: Progress = False,
        **params: float | np.ndarray,
    ) -> Solutions:
        """Solve B members and initial values at once, on all cores: `solve_many(y0=Y0, k1=rates, k2=3e7)`.

        The arguments are those of the models' `solve_many`: parameters and y0 broadcast, observe is None for the values
        at 512 uniform times, times, "final" or "maximum"; threads, out and progress as there. Results do not depend on
        the number of threads. Rows that fail or miss the tolerance are handed over to SciPy as `solve` does, unless
        fallback=False. Right-hand sides that are Python functions are solved one by one.

        Returns Solutions, whose method is "windows" or "radau" for each row. Errors as of `solve`, with the row.
        """
        family = self.family
        if not extrapolate:
            check_starts(family, y0)
        relative, floors = _relative(rtol, atol, family.n)
        table = _Sweep(self, (certify, relative, floors))
        sweep = solve_many(table, y0, params, observe, (), threads, out, progress)
        sweep.method[:] = np.where(sweep._full, "compiled", "windows")
        for row in np.flatnonzero(~sweep.success) if fallback else ():
            start = y0 if y0 is None else np.broadcast_to(y0, (len(sweep), family.n))[row]
            self._handed_over_row(sweep, int(row), start, observe, rtol, atol, certify)
        return sweep

    def _handed_over_row(
        self, sweep: Solutions, row: int, start: Any, observe: Any, rtol: float, atol: Any, certify: bool
    ) -> None:
        named: dict[str, Any] = {name: float(values[row]) for name, values in sweep.params.items()}
        times = None if isinstance(observe, str) else observe
        again = self.solve(start, t=times, rtol=rtol, atol=atol, certify=certify, extrapolate=True, **named)
        sweep.success[row], sweep.method[row] = again.success, again.method
        if sweep.error_estimate is not None:
            sweep.error_estimate[row] = np.inf if again.error_estimate is None else again.error_estimate
        sweep.y[row] = observed(again.y, observe)

    def stepper(self, *, rtol: float = 1e-6, atol: float = 1e-8, t: float | None = None, **params: float) -> Stepper:
        """A stepper for simulation loops: `stepper = windows.stepper(mu=100.0)`, then `y = stepper.step(y, dt)`."""
        return Stepper(self.family, self.core, rtol, atol, t, params)

    def _changes_in_time(self, p: np.ndarray, start: np.ndarray) -> bool:
        """Whether a Python function depends on time: what it does in a moment SciPy may step over, and not know."""
        if not isinstance(self.family.N, Callback):
            return False
        for state in (start, start + 1e-3 * np.maximum(np.abs(start), 1.0)):
            first: np.ndarray | None = None
            for times in np.split(np.linspace(0.0, 1.0, SAMPLES), 16):
                points = np.vstack([times, np.repeat(state[:, None], len(times), axis=1)])
                with np.errstate(all="ignore"):
                    values = self.family.N.unchecked(points, p)
                first = values[:, :1] if first is None else first
                if not ((values == first) | (np.isnan(values) & np.isnan(first))).all():
                    return True
        return False

    def _where_not_finite(self, windows: _core.Windowed, p: np.ndarray) -> str:
        """Which right-hand sides are infinite or nan where the windows end; empty where all are finite."""
        N = self.family.N
        if N is None:
            return ""
        point = np.array([windows.edges[-1], *windows.last])[:, None]
        with np.errstate(all="ignore"):
            slopes = (N.unchecked(point, p) if isinstance(N, Callback) else N(point, p))[:, 0]
        wrong = [state for state, slope in zip(self.family.states, slopes, strict=True) if not np.isfinite(slope)]
        return f", where the right-hand side of {', '.join(wrong)} is not finite" if wrong else ""

    def _failed(
        self, windows: _core.Windowed, span: tuple[float, float], times: np.ndarray, y: np.ndarray, p: np.ndarray,
        more: str, wrong: str = "",
    ) -> WindowsSolution:  # fmt: skip
        if windows.finished:
            if not wrong and len(windows.error):
                wrong = f"The error estimate {windows.error.max():.1e} misses the tolerance: raise rtol or atol. "
            message = f"{wrong}{more}".strip()
        else:
            message = f"{_stopped(windows, span)}{self._where_not_finite(windows, p)}; y is nan beyond. {more}"
        return WindowsSolution(self, windows, span, times, y, MISSED, message)

    def _handed_over(
        self, windows: _core.Windowed, span: tuple[float, float], start: np.ndarray, times: np.ndarray, y: np.ndarray,
        rtol: float, atol: np.ndarray, params: dict[str, float],
    ) -> WindowsSolution:  # fmt: skip
        """SciPy's answer, with the difference from a sharper one as the estimate of its error; y where it fails."""
        from scipy.integrate import solve_ivp

        jac = None if self.family.nonlinear and self.family.J is None else self.family.jac(**params)
        p = self.family.check_params(params)
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
                return self._failed(windows, span, times, y, p, f"SciPy's {HANDED_OVER} fails too: {error}.")
            if not runs[-1].success:
                return self._failed(windows, span, times, y, p, f"SciPy's {HANDED_OVER} fails too: {runs[-1].message}")
        first, second = runs
        y = second.sol(times)
        check = np.union1d(first.t, np.linspace(*span, OUTPUT_TIMES))
        estimate = np.abs(first.sol(check) - second.sol(check)).max(axis=1)
        met = bool(np.all(estimate <= atol + rtol * np.abs(second.y).max(axis=1)))
        least = second.y.min(axis=1) + NEGATIVE * np.maximum(atol, SMALLEST_FLOOR)
        met = met and all(least[i] >= 0 for i in self._positive)
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

    __slots__ = ("_core", "_family", "_floors", "_length", "_relative", "params", "t")

    def __init__(
        self, family: Family, core: _core.Windows, rtol: float, atol: float, t: float | None, params: dict[str, float]
    ) -> None:
        self._relative, self._floors = _relative(rtol, atol, family.n)
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
        added = None if forcing is None else finite(forcing, "forcing") * span
        stops, jumps = self._family.stops_at(p, (t0, t1))
        kept = (stops >= begin) & (stops < end)
        found, *_ = self._core.solve(
            p, start, begin, end, self._relative, self._floors, first, False, added, stops[kept],
            np.ascontiguousarray(jumps[kept]), _inside((t0, t1)), once=True,
        )  # fmt: skip
        if not found.finished:
            raise RuntimeError(
                f"{_stopped(found, (t0, t1))}; check the state and the parameters, or take smaller steps"
            )
        self.params, self.t = named, self.t + dt
        self._length = max(np.diff(found.edges)[: -1 if len(found.edges) > 2 else None]) * span
        return found.last


def checked_start(family: Family, y0: Sequence[float] | np.ndarray, extrapolate: bool) -> np.ndarray:
    start = real(y0, "y0")
    if start.shape != (family.n,):
        raise ValueError(f"y0 must have shape ({family.n},), got {start.shape}")
    if family.y0_range is None or extrapolate:
        return finite(start, "y0")
    for state, value, (low, high) in zip(family.states, start.tolist(), family.y0_range.tolist(), strict=True):
        if not low <= value <= high:
            finite(start, "y0")
            raise ValueError(
                f"y0: {state} = {value:g} is outside [{low:g}, {high:g}], the initial values of "
                f"{family.name!r}; pass extrapolate=True to solve all the same"
            )
    return start


def check_starts(family: Family, y0: Any) -> None:
    """ValueError for a row of y0 (B, n) outside y0_range."""
    if y0 is None or family.y0_range is None:
        return
    starts = np.atleast_2d(np.asarray(y0, dtype=np.float64))
    if starts.shape[-1] != family.n:
        return  # the sweep says what is wrong
    low, high = family.y0_range.T
    columns = zip(starts.T, low.tolist(), high.tolist(), strict=True)
    if starts.size == 0 or all(a <= column.min() and column.max() <= b for column, a, b in columns):
        return
    inside = ((starts >= low) & (starts <= high)).all(axis=1)
    row = int(np.argmin(inside))
    raise ValueError(
        f"y0 = {starts[row].tolist()} in row {row} is outside {family.y0_range.tolist()}, the initial values of "
        f"{family.name!r}; pass extrapolate=True to solve all the same"
    )


def _stopped(windows: _core.Windowed, span: tuple[float, float]) -> str:
    stop = span[0] + (span[1] - span[0]) * windows.edges[-1]
    if windows.limited:
        return f"{len(windows.edges) - 1} windows end at t = {stop:.6g}: shorten t_span, or raise rtol or atol"
    return f"No window could be solved at t = {stop:.6g}: the solution may not exist beyond it"


def _relative(rtol: float, atol: Any, n: int) -> tuple[float, np.ndarray]:
    """The tolerance relative to the size of a state, and what is added to that size (n); ValueError for wrong ones."""
    if not (isinstance(rtol, (int, float)) and 0 <= rtol < math.inf):
        raise ValueError(f"rtol must be a finite number of at least 0, got {rtol!r}")
    relative = max(rtol, SMALLEST_RTOL)
    if isinstance(atol, float):
        each = [float(atol)] * n
    elif type(atol) is np.ndarray and atol.dtype == np.float64 and atol.shape == (n,):
        each = atol.tolist()  # a few numbers, for which NumPy's functions take longer than Python's
    elif isinstance(atol, (bool, str)) or (np.ndim(atol) and np.shape(atol) != (n,)):
        raise ValueError(f"atol must be a number or {n} of them, one for each state, got {atol!r}")
    else:
        each = np.broadcast_to(real(atol, "atol"), (n,)).tolist()
    least = min(each)
    if not (least >= 0 and math.isfinite(sum(each))):
        raise ValueError(f"atol must be finite and at least 0, got {atol!r}")
    if rtol == 0 and least == 0:
        raise ValueError("rtol and atol cannot both be 0")
    return relative, np.array([max(value / relative, SMALLEST_FLOOR) for value in each])


def _inside(span: tuple[float, float]) -> float:
    """How far from breaks Python functions are called, in scaled time."""
    return INSIDE * (1 + max(abs(span[0]), abs(span[1])) / (span[1] - span[0]))


def _number(value: Any, what: str) -> float:
    if isinstance(value, (bool, str)) or np.ndim(value):
        raise ValueError(f"{what} must be a number, got {value!r}")
    return float(finite(value, what))


def _scaled(forcing: Callable[[np.ndarray], np.ndarray], n: int, span: tuple[float, float]) -> Any:
    """The forcing as a function of time scaled to [0, 1], with values (n, N) scaled alike."""
    length = span[1] - span[0]

    def values(x: np.ndarray) -> np.ndarray:
        t = span[0] + length * x
        found = rows(real(forcing(t), "the value of forcing"), n)
        if found.shape != (n, len(t)):
            raise ValueError(f"forcing returned shape {found.shape} for t of shape {t.shape}, expected {(n, len(t))}")
        if not np.isfinite(found).all():
            k = int(np.argmin(np.isfinite(found).all(axis=0)))
            raise ValueError(f"forcing is not finite at t = {t[k]:g}")
        return np.ascontiguousarray(found * length)

    return values


class _Sweep:
    """Windows as `solve_many` takes a model: what it asks of it, and of its core."""

    def __init__(self, windows: Windows, options: tuple[bool, float, np.ndarray]) -> None:
        self.windows, self.family, self.options, self.core = windows, windows.family, options, self
        self.box = box(self.family.params)
        self.output = self.output_table(UNIFORM)
        self.end = self.output_table(np.ones(1))
        self.fixed_span = fixed_span(self.family)
        self.fixed_times = None if self.fixed_span is None else uniform_times(self.output.x, self.fixed_span)

    @staticmethod
    def output_table(x: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(x=x)

    def solve_many(
        self, output: SimpleNamespace, B: int, members: np.ndarray, start: np.ndarray, final: bool, maximum: bool,
        threads: int, out: np.ndarray | None, report: Any,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:  # fmt: skip
        certify, relative, floors = self.options
        family, core = self.family, self.windows.core
        if isinstance(family.N, Callback):
            return self._one_by_one(output.x, B, members, start, final, maximum, out, report)
        stops: np.ndarray | None = None
        jumps: np.ndarray | None = None
        if family.stops is not None:
            spans = [family._span(p, {}) for p in members]
            found = [family.stops_at(p, span) for p, span in zip(members, spans, strict=True)]
            stops, jumps = (np.stack([each[k] for each in found]) for k in (0, 1))
        return core.solve_many(
            output.x, B, members, start, final, maximum, certify, relative, floors, FIRST_WINDOW, stops, jumps,
            self.windows._positive, threads, out, report,
        )  # fmt: skip

    def _one_by_one(
        self, x: np.ndarray, B: int, members: np.ndarray, start: np.ndarray, final: bool, maximum: bool,
        out: np.ndarray | None, report: Any,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:  # fmt: skip
        """The same where a Python function is called, which one thread can do at a time."""
        certify, relative, floors = self.options
        n, observe = self.family.n, "final" if final else "maximum" if maximum else None
        shape = (B, n) if observe else (B, n, len(x))
        if out is not None and (out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous):
            raise ValueError(f"out must be a C-contiguous float64 array of shape {shape}, got {out.shape}")
        y = np.empty(shape) if out is None else out
        success, estimate = np.zeros(B, dtype=bool), np.full((B, n), np.inf)
        for row in range(B):
            p = members[row if len(members) > 1 else 0]
            named = dict(zip(self.family.params, p.tolist(), strict=True))
            t0, t1 = self.family.t_span_at(**named)
            sol = self.windows.solve(
                start[row if len(start) > 1 else 0], t=t0 + (t1 - t0) * x, rtol=relative, atol=relative * floors,
                certify=certify, fallback=False, extrapolate=True, **named,
            )  # fmt: skip
            success[row], y[row] = sol.success, observed(sol.y, observe)
            if sol.error_estimate is not None:
                estimate[row] = sol.error_estimate
            report(row + 1)
        return y, success, estimate if certify else None, np.zeros(B, dtype=bool)
