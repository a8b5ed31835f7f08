"""A compiled nonlinear family: members solved by Newton's method in microseconds, with an estimate of the error.

n states, P parameters, N output times. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, model_file
from .body import Body
from .checks import finite
from .family import Family
from .full_solver import METHODS, ORDER, FullAnswer, FullSolver
from .model import fixed_span, uniform_times
from .program import Instructions
from .solution import MISSED, NOT_CERTIFIED, WITHIN, Solutions, evaluated, scaled_times
from .windows import Stepper, Windows, WindowsSolution, checked_start

if TYPE_CHECKING:
    from .model_file import Compiled

REDUCED, WINDOWS = "reduced", "windows"


class NonlinearModel:
    """A nonlinear family, compiled; immutable, picklable, safe to solve with from many threads.

    Made by `stlfast.compile`, `stlfast.pretrain` or `stlfast.load`. Its passport, a JSON-able dict, says how it was
    made and how accurate it was measured to be.
    """

    def __init__(self, family: Family, body: Body | None, compiled: Compiled, passport: Mapping[str, Any]) -> None:
        self.family = family
        self.body = body
        self.compiled = compiled
        self.passport = dict(passport)
        self.core: _core.NonlinearModel = compiled.nonlinear_core(family)
        self.windows = Windows(family)
        self._names = tuple(family.params)
        self._fixed_span = fixed_span(family)
        self._fixed_times = None if self._fixed_span is None else uniform_times(self.core.output.x, self._fixed_span)

    # ------------------------------------------------------------------------------------------------------ solving
    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        t: np.ndarray | None = None,
        *,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        certify: bool = True,
        method: str | None = None,
        order: int | None = None,
        expand: str | None = None,
        fallback: bool = True,
        extrapolate: bool = False,
        **params: float,
    ) -> NonlinearSolution | WindowsSolution:
        """Solve one member of y' = A(p, t) y + b(p, t) + N(t, y, p).

        y0: (n,) initial values, default the family's; inside its y0_range, unless extrapolate=True. A family without
            y0_range has a reduced basis for that default alone, others are solved on windows.
        t: (N,) output times in t_span, in any order, default 512 uniform ones, which are the fastest. params: every
            parameter by name, inside its solve range.
        rtol, atol: success means error_estimate <= atol + rtol·max|y| in every state.
        certify: estimate the error, from its linearised equation e' = J e + r with the residual r; not for a Python
            function as rhs on the full dictionary.
        method: None, the default, solves in the band's reduced basis and, where Newton's method does not converge there
            or the estimate misses the tolerance, on time windows. Or the one method that is named, alone:
            "reduced"; "windows" (see `Windows`); or on the full dictionary, in milliseconds and more, "newton" (from
            the reduced answer, or a constant),
            "chord" (fixed-point iteration with one factorisation) or "perturbation" (arXiv 2501.17281: the series in a
            factor of N, or in the parameter `expand`, up to `order`, for a polynomial N).
        fallback: where all that misses, hand over to SciPy's Radau; False returns success=False instead.

        Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing or out of range; ValueError
        for a wrong shape, a number that is not finite, a time outside t_span, initial values outside the box, or a
        method that does not exist or does not fit the family.
        """
        if method is not None and method not in (REDUCED, WINDOWS, *METHODS):
            raise ValueError(f"unknown method {method!r}; known: {', '.join((REDUCED, WINDOWS, *METHODS))}")
        if method != "perturbation" and (order is not None or expand is not None):
            raise ValueError("order and expand belong to method='perturbation'")
        start = self.family.y0 if y0 is None else y0
        if method is None or method == REDUCED:
            found = self._reduced(start, t, rtol, atol, certify, extrapolate, params)
            if found is not None and (found.success or method == REDUCED):
                return found
            if method == REDUCED:
                raise ValueError(
                    f"{self.family.name!r} has no reduced basis for this member and initial value; use another method"
                )
        elif method in METHODS:
            return self._full(start, t, rtol, atol, certify, method, order, expand, extrapolate, params)
        return self.windows.solve(
            checked_start(self.family, start, extrapolate), t, rtol=rtol, atol=atol, certify=certify,
            fallback=fallback and method is None, extrapolate=True, **params,
        )  # fmt: skip

    def _reduced(
        self, start: Any, t: Any, rtol: float, atol: float, certify: bool, extrapolate: bool, params: dict[str, float]
    ) -> NonlinearSolution | None:
        span, times, x = self._times(t, params)
        try:
            found = self.core.solve(params, self._names, start, certify, rtol, atol, x, extrapolate)
        except KeyError:
            p = dict(zip(self._names, self.family.check_params(params).tolist(), strict=True))
            found = self.core.solve(p, self._names, start, certify, rtol, atol, x, extrapolate)
        if found is None:  # no band, or outside the box
            checked_start(self.family, start, extrapolate)
            return None
        return NonlinearSolution(self, found[0], REDUCED, span, times, found[1])

    def _full(
        self, start: Any, t: Any, rtol: float, atol: float, certify: bool, method: str, order: int | None,
        expand: str | None, extrapolate: bool, params: dict[str, float],
    ) -> NonlinearSolution:  # fmt: skip
        p, y0 = self.family.check_params(params), checked_start(self.family, start, extrapolate)
        span, times, x = self._times(t, params)
        reduced = self.core.solve(dict(zip(self._names, p.tolist(), strict=True)), self._names, y0, False, 0.0, 0.0,
                                  np.zeros(0), True) if method == "newton" else None  # fmt: skip
        guess = None
        if reduced is not None and reduced[0].converged:
            guess = self.full_solver.fitted(partial(self.core.evaluate, reduced[0]))
        found = self.full_solver.solve(
            p, y0, method, guess=guess, order=ORDER if order is None else order, expand=expand
        )
        answer = _OnDictionary(found)
        if certify and found.converged and isinstance(self.family.N, Instructions):
            answer.certified = True
            answer.bound, scale, answer.residual = self.full_solver.error_estimate(p, y0, found.heads)
            answer.within = bool(np.all(answer.bound <= atol + rtol * scale))
        at = self.core.output.x if x is None else x
        finite_heads = bool(np.isfinite(found.heads).all())
        y = self.full_solver.evaluate(found.heads, at) if finite_heads else np.full((len(y0), len(at)), np.nan)
        return NonlinearSolution(self, answer, method, span, times, y)

    @cached_property
    def full_solver(self) -> FullSolver:
        """The solver on the full dictionary, tabulated when first used."""
        c = self.compiled
        return FullSolver(self.family, c.dictionary, c.points, c.row_weights, c.shared_head, c.solver, self.body)

    def _times(self, t: Any, params: dict[str, float]) -> tuple[tuple[float, float], np.ndarray, np.ndarray | None]:
        """t_span, the output times and their x; x is None for the default grid."""
        span = self._fixed_span or self.family.t_span_at(**params)
        if t is None:
            times = uniform_times(self.core.output.x, span) if self._fixed_times is None else self._fixed_times
            return span, times, None
        times = np.array(finite(t, "t"))
        return span, times, scaled_times(times, span)

    def stepper(self, *, rtol: float = 1e-6, atol: float = 1e-8, t: float | None = None, **params: float) -> Stepper:
        """A stepper for simulation loops, on time windows: `y = model.stepper(mu=100.0).step(y, dt)`."""
        return self.windows.stepper(rtol=rtol, atol=atol, t=t, **params)

    def solve_many(
        self,
        y0: np.ndarray | None = None,
        *,
        observe: str | np.ndarray | None = None,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        certify: bool = True,
        fallback: bool = True,
        extrapolate: bool = False,
        threads: int | None = None,
        out: np.ndarray | None = None,
        progress: bool | Callable[[int], None] = False,
        **params: float | np.ndarray,
    ) -> Solutions:
        """Solve B members and initial values at once: `solve_many(y0=Y0, alpha=alphas, beta=0.5)`.

        Four members are solved side by side, in the lanes of the processor's registers; rows that miss the tolerance
        there are solved again one by one as `solve` does. The arguments are those of `Model.solve_many` and of `solve`.

        Returns Solutions, whose error_bound is None. Errors as in `Model.solve_many` and `solve`, with the row.
        """
        from .sweep import solve_many

        if not extrapolate:
            self._check_starts(y0)
        sweep = solve_many(self, y0, params, observe, (certify, rtol, atol), threads, out, progress)
        if sweep.success.all():
            return sweep
        starts = np.broadcast_to(self.family.y0 if y0 is None else y0, (len(sweep), self.family.n))
        for row in np.flatnonzero(~sweep.success):
            named = {name: float(np.broadcast_to(value, len(sweep))[row]) for name, value in params.items()}
            times = None if isinstance(observe, str) else observe
            again = self.windows.solve(
                starts[row], times, rtol=rtol, atol=atol, certify=certify, fallback=fallback, extrapolate=True, **named
            )
            sweep.success[row] = again.success
            if sweep.error_estimate is not None:
                sweep.error_estimate[row] = np.inf if again.error_estimate is None else again.error_estimate
            final, maximum = (isinstance(observe, str) and observe == name for name in ("final", "maximum"))
            sweep.y[row] = again.y[:, -1] if final else again.y.max(axis=1) if maximum else again.y
        return sweep

    def _check_starts(self, y0: Any) -> None:
        if y0 is None or self.family.y0_range is None:
            return
        rows = np.atleast_2d(np.asarray(y0, dtype=np.float64))
        if rows.shape[-1] != self.family.n:
            return  # the sweep says what is wrong
        low, high = self.family.y0_range.T
        columns = zip(rows.T, low.tolist(), high.tolist(), strict=True)
        if rows.size == 0 or all(a <= column.min() and column.max() <= b for column, a, b in columns):
            return
        inside = ((rows >= low) & (rows <= high)).all(axis=1)
        row = int(np.argmin(inside))
        raise ValueError(
            f"y0 = {rows[row].tolist()} in row {row} is outside {self.family.y0_range.tolist()}, the initial "
            f"values of {self.family.name!r}; pass extrapolate=True to solve all the same"
        )

    # -------------------------------------------------------------------------------------------------------- files
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .safetensors file: to a temporary file beside it first, which then takes its name."""
        model_file.write(path, self)

    def __reduce__(self) -> tuple[Any, ...]:
        return NonlinearModel, (self.family, self.body, self.compiled, self.passport)

    def __repr__(self) -> str:
        body = "" if self.body is None else f"\n{self.body!r}"
        return f"{self.family!r}\nNonlinearModel: {self.compiled!r}{body}"


class _OnDictionary:
    """An answer on the full dictionary, with what the core's answers in a band have."""

    def __init__(self, found: FullAnswer) -> None:
        self.heads, self.converged, self.message = found.heads, found.converged, found.message
        self.iterations, self.last_step, self.residual = found.iterations, found.last_step, found.residual
        self.certified, self.within = False, False
        self.bound = np.full(found.heads.shape[1], np.inf)


class NonlinearSolution:
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

    __slots__ = ("_answer", "_model", "_span", "method", "t", "y")

    error_bound = None
    windows = 0

    def __init__(
        self, model: NonlinearModel, answer: _core.Answer | _OnDictionary, method: str, span: tuple[float, float],
        t: np.ndarray, y: np.ndarray,
    ) -> None:  # fmt: skip
        self._model, self._answer, self.method, self._span = model, answer, method, span
        self.t, self.y = t, y

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self._answer.bound if self._answer.certified else None

    @property
    def status(self) -> int:
        answer = self._answer
        if not answer.converged:
            return MISSED
        if not answer.certified:
            return NOT_CERTIFIED
        return WITHIN if answer.within else MISSED

    @property
    def success(self) -> bool:
        return self.status != MISSED

    @property
    def message(self) -> str:
        answer = self._answer
        if not answer.converged:
            told = answer.message if isinstance(answer, _OnDictionary) else "Newton's method did not converge."
            return f"{told} method=None goes on to time windows."
        if not answer.certified:
            return "Solved without an estimate of the error, as certify=False asked."
        if answer.within:
            return "The error estimate meets the tolerance."
        return (
            f"The error estimate {answer.bound.max():.1e} misses the tolerance: raise rtol or atol, or leave method to "
            "its default, which goes on to time windows."
        )

    @property
    def iterations(self) -> int:
        return self._answer.iterations

    @property
    def last_step(self) -> float:
        return self._answer.last_step

    @property
    def residual(self) -> float:
        return self._answer.residual

    @property
    def sol(self) -> NonlinearSolution:
        return self

    def __call__(self, t: Any) -> np.ndarray:
        """Values (n, len(t)), or (n,) for one number; t within t_span, else ValueError."""
        return evaluated(t, self._span, lambda times, x: self._values(x))

    def _values(self, x: np.ndarray) -> np.ndarray:
        if isinstance(self._answer, _OnDictionary):
            if not np.isfinite(self._answer.heads).all():
                raise ValueError(f"there is no solution to evaluate: {self.message}")
            return self._model.full_solver.evaluate(self._answer.heads, x)
        return self._model.core.evaluate(self._answer, x)

    def __repr__(self) -> str:
        estimate = "no estimate" if self.error_estimate is None else f"error_estimate={self.error_estimate}"
        n, N = self.y.shape
        return (
            f"NonlinearSolution({n} states, {N} times, {self.method}, {self.iterations} iterations, "
            f"success={self.success}, {estimate})"
        )
