"""Answers of one member of a family of ODEs, shaped as SciPy's solve_ivp returns them.

n states, N output times.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .. import _core
from ..base.checks import finite
from ..base.names import public
from . import frames
from .result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..equations.ode.family import Family


FIRST_DRAWN, DRAWN = 1e-7, 300  # of the span, and how many times a picture has besides the output times


class Solved(Protocol):
    """A model, as its answers need it."""

    @property
    def family(self) -> Family: ...

    @property
    def core(self) -> Any: ...


class Trajectory(Result):
    """An answer with values at output times: t (N,) and y (n, N), and a closed form between them.

    `sol(t)` evaluates the closed form at any times of t_span: (n, len(t)); `sol.sol` is the same function.
    """

    __slots__ = ("_model", "_span", "t", "y")

    def __init__(self, model: Solved, span: tuple[float, float], t: np.ndarray, y: np.ndarray) -> None:
        self._model, self._span = model, span
        self.t, self.y = t, y

    @property
    def sol(self) -> Trajectory:
        return self

    def __call__(self, t: Any) -> np.ndarray:
        """Values (n, len(t)), or (n,) for one number; t within t_span, else ValueError."""
        return evaluated(t, self._span, self._values)

    def _values(self, times: np.ndarray, x: np.ndarray) -> np.ndarray:
        raise AssertionError("every kind of answer has its own")

    # ------------------------------------------------------------------------------------------------------ people
    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The states over time, with what is known of their error; to a file if path is given (needs matplotlib)."""
        from .plot import plot_states

        t, y = self._drawn()
        return plot_states(self._states, t, y[None], self._title, path)

    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """Between the output times the closed form, so that layers at the beginning are curves too."""
        if not len(self.t) or not np.isfinite(self.y).all():
            return self.t, self.y
        low, high = self.t.min(), self.t.max()
        t = np.union1d(self.t, np.clip(low + (high - low) * np.geomspace(FIRST_DRAWN, 1.0, DRAWN), low, high))
        return t, self(t)

    def to_pandas(self) -> Any:
        """A DataFrame with a column for each state and the time as index (needs pandas)."""
        return frames.states_frame(self._states, self.t, self.y)

    def to_xarray(self) -> Any:
        """A Dataset with a variable for each state over t, and success, message, method, … as attributes (xarray)."""
        return frames.states_dataset(self._states, self.t, self.y, self)

    @property
    def _states(self) -> tuple[str, ...]:
        return self._model.family.states

    @property
    def _title(self) -> str:
        return f"{self._model.family.name}: {self.message}"

    def __repr__(self) -> str:
        n, N = self.y.shape
        return f"{type(self).__name__}({n} states, {N} times, {self.method}, success={self.success}, {self._error})"

    @property
    def _error(self) -> str:
        if self.error_estimate is None:
            return "not certified" if self._known == "error bound" else "no estimate"
        return f"{self._known.replace(' ', '_')}={np.array2string(self.error_estimate)}"

    def _repr_html_(self) -> str:
        from .html import result_table

        ends = {"t": f"{self.t.min():g} … {self.t.max():g}, {len(self.t)} times" if len(self.t) else "none"}
        return result_table(f"{type(self).__name__} of {self._model.family.name}", self, ends)


@public
class Solution(Trajectory):
    """Solution of one member of a linear family: n states, N output times.

    t: (N,) output times; y: (n, N) values there.
    error_bound: (n,) bound on max |error| over t_span (from the residual and the Schur form of A; docs/method.md), None
        where the solve was not certified. Between its check points the residual is sampled, not known: there, and only
        there, the bound is an estimate.
    error_estimate: (n,) the best that is known of the error; for linear families the bound itself.
    success: True exactly when the bound meets atol + rtol·max|y| in every state, or when certify=False asked for none.
    status, message: 0 met, 1 not certified, −1 missed; and a sentence that says what to do.
    method: "reduced" or "full", whichever answered: the band's reduced basis or the full dictionary.
    iterations: 0, for it is one linear solve. residual: None, for the bound is what was made of it.
    heads: coefficients that represent the answer: heads (M, n) on the dictionary, or Chebyshev coefficients (D, n).

    `sol(t)` evaluates the closed form at any times of t_span: (n, len(t)); `sol.sol` is the same function.
    """

    __slots__ = ("_answer", "_told")
    _known = "error bound"
    _uncertified = "Solved without a certificate, as certify=False asked."
    _remedy = "raise rtol or atol, or compile a model with more features"

    def __init__(
        self, model: Solved, answer: _core.Answer, span: tuple[float, float], t: np.ndarray, y: np.ndarray,
        note: str = "",
    ) -> None:  # fmt: skip
        self._model, self._span, self.t, self.y = model, span, t, y  # super().__init__ costs time
        self._answer, self._told = answer, note

    @property
    def error_bound(self) -> np.ndarray | None:
        return self._answer.bound if self._answer.certified else None

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self.error_bound

    @property
    def _certified(self) -> bool:
        return self._answer.certified

    @property
    def _within(self) -> bool:
        return self._answer.within

    @property
    def _note(self) -> str:
        return self._told

    @property
    def method(self) -> str:
        return "full" if self._answer.band < 0 else "reduced"

    @property
    def heads(self) -> np.ndarray:
        result: np.ndarray = self._model.core.coefficients(self._answer)
        return result

    def _values(self, times: np.ndarray, x: np.ndarray) -> np.ndarray:
        result: np.ndarray = self._model.core.evaluate(self._answer, x)
        return result


class NonlinearAnswer(Protocol):
    """What Newton's method, chords or a series found: in the reduced basis (`_core.Answer`) or on the dictionary."""

    @property
    def bound(self) -> np.ndarray: ...
    @property
    def certified(self) -> bool: ...
    @property
    def within(self) -> bool: ...
    @property
    def converged(self) -> bool: ...
    @property
    def iterations(self) -> int: ...
    @property
    def last_step(self) -> float: ...
    @property
    def residual(self) -> float: ...


class NonlinearSolved(Solved, Protocol):
    """A nonlinear model, whose answers are in the reduced basis or on the dictionary."""

    def evaluate(self, answer: Any, x: np.ndarray) -> np.ndarray: ...


@public
class NonlinearSolution(Trajectory):
    """Solution of one member of a nonlinear family: n states, N output times.

    t: (N,) output times; y: (n, N) values there, not to be trusted without success, and nan where there are none.
    error_bound: None, for there is only an estimate.
    error_estimate: (n,) estimate of max |error| over t_span; None where none was made.
    success: True when the iteration converged and the estimate meets the tolerance, or none was asked for.
    status, message: 0 met, 1 not estimated, −1 missed; and a sentence that says what to do.
    method: "reduced", "newton", "chord" or "perturbation".
    iterations: of Newton's method, of the fixed-point iteration, or orders of the series.
    last_step: size of the last one, relative to the solution.
    residual: largest x |f(x, y) − y'| between collocation points, over the state's largest value.
    windows: 0.

    `sol(t)` evaluates the closed form at any times of t_span: (n, len(t)); `sol.sol` is the same function.
    """

    __slots__ = ("_answer", "_method", "_told")
    _model: NonlinearSolved
    windows = 0
    _remedy = "raise rtol or atol, or leave method to its default, which goes on to time windows"

    def __init__(
        self, model: NonlinearSolved, answer: NonlinearAnswer, method: str, span: tuple[float, float], t: np.ndarray,
        y: np.ndarray, note: str = "",
    ) -> None:  # fmt: skip
        self._model, self._span, self.t, self.y = model, span, t, y
        self._answer, self._method, self._told = answer, method, note

    @property
    def method(self) -> str:
        return self._method

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self._answer.bound if self._answer.certified else None

    @property
    def _certified(self) -> bool:
        return self._answer.certified

    @property
    def _failure(self) -> str:
        if self._answer.converged:
            return ""
        told = getattr(self._answer, "message", "Newton's method did not converge.")
        return f"{told} method=None goes on to time windows."

    @property
    def _within(self) -> bool:
        return self._answer.within

    @property
    def _note(self) -> str:
        return self._told

    @property
    def iterations(self) -> int:
        return self._answer.iterations

    @property
    def last_step(self) -> float:
        return self._answer.last_step

    @property
    def residual(self) -> float:
        return self._answer.residual

    def _values(self, times: np.ndarray, x: np.ndarray) -> np.ndarray:
        result: np.ndarray = self._model.evaluate(self._answer, x)
        return result


@public
class WindowsSolution(Trajectory):
    """Solution of one member on time windows: n states, N output times.

    t: (N,) output times; y: (n, N) values there, nan where the solution was not reached.
    error_bound: None, for there is only an estimate.
    error_estimate: (n,) estimate of max |error| over t_span; None where none was made.
    success: True when the estimate meets the tolerance (see Windows.solve), or when certify=False asked for none.
    status, message: 0 met, 1 not estimated, −1 missed; and a sentence that says what to do.
    method: "compiled" for compiled windows, "windows" for the direct solver's own, or "radau" for SciPy's, whichever
        answered.
    windows, iterations, last_step, residual: how many windows there are, Newton's iterations in the pass that answered
        (rejected windows included), the largest last step of a window, and the largest weighted residual, what a
        window adds to the error; both relative to the solution. 0 for SciPy.

    final: (n,) the state at the end, from which `Windows.solve(sol.final, t0=...)` goes on.
    t_events, y_events: for each event the times and states (k, n) where it is 0, as solve_ivp returns them; None where
        no events were asked for.

    `sol(t)` evaluates the solution at any times of t_span: (n, len(t)); `sol.sol` is the same function. After a
    terminal event there is none.
    """

    __slots__ = ("_end", "_estimate", "_found", "_message", "_status", "t_events", "y_events")

    def __init__(
        self, model: Solved, found: Any, span: tuple[float, float], t: np.ndarray, y: np.ndarray, status: int,
        message: str, estimate: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self._model, self._span, self.t, self.y = model, span, t, y
        self._found, self._status, self._message, self._estimate = found, status, message, estimate
        self._end: float | None = None  # where a terminal event ended it
        self.t_events: list[np.ndarray] | None = None
        self.y_events: list[np.ndarray] | None = None

    def take_events(self, found: Any) -> None:
        """Keep what events.find found, and nothing after a terminal one."""
        self.t_events, self.y_events = found.t, found.y
        if found.end is None:
            return
        kept = self.t <= found.end
        self.t, self.y, self._end = self.t[kept], np.ascontiguousarray(self.y[:, kept]), found.end
        self._message += f" A terminal event ended it at t = {found.end:.10g}."

    @property
    def _start(self) -> float:
        return self._span[0] + (self._span[1] - self._span[0]) * float(self._found.edges[0])

    @property
    def final(self) -> np.ndarray:
        end = self._end
        if end is None and self._windowed:
            last: np.ndarray = self._found.last
            return last
        state: np.ndarray = self(self._span[1] if end is None else end)
        return state

    @property
    def _windowed(self) -> bool:
        return hasattr(self._found, "edges")  # else a function of t: SciPy's dense output, or a sum of solutions

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self._found.error if self._windowed and len(self._found.error) else self._estimate

    @property
    def status(self) -> int:
        return self._status

    @property
    def message(self) -> str:
        return self._message

    @property
    def method(self) -> str:
        if not self._windowed:
            return str(getattr(self._found, "method", "radau"))
        return "compiled" if self._found.compiled else "windows"

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

    def _values(self, times: np.ndarray, x: np.ndarray) -> np.ndarray:
        values: np.ndarray
        if self._end is not None and (times > self._end).any():
            raise ValueError(f"a terminal event ended the solution at t = {self._end!r}")
        if not self._windowed:
            values = self._found(times)
            return values
        if (x < self._found.edges[0]).any():
            raise ValueError(f"the solution begins at t = {self._start!r}")
        if (x > self._found.edges[-1]).any():
            raise ValueError(f"the solution was not reached: {self.message}")
        values = self._model.core.evaluate(self._found, x)
        return values


def evaluated(t: Any, span: tuple[float, float], values: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """values(times (N,), x (N,)) → (n, N) at t: (n, N), or (n,) where t is one number."""
    given = np.asarray(t, dtype=np.float64)
    times = np.atleast_1d(given)
    y = values(times, scaled_times(times, span))
    return y if given.ndim else y[:, 0]


def scaled_times(t: np.ndarray, span: tuple[float, float], what: str = "t") -> np.ndarray:
    """x of times (N,) in t_span; ValueError for another shape, a time outside, or none at all."""
    if t.ndim != 1:
        raise ValueError(f"{what} must be one-dimensional, got shape {t.shape}")
    x = _core.scaled_times(t, *span)
    if x is None:
        finite(t, what)
        wrong = float(t[np.argmin((t >= span[0]) & (t <= span[1]))])
        raise ValueError(f"{what} = {wrong!r} is outside t_span = ({span[0]:g}, {span[1]:g})")
    return x
