"""A compiled nonlinear family: members solved by Newton's method in microseconds, with an estimate of the error.

n states, P parameters, N output times. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from .. import _core
from ..base.names import public
from ..base.progress import Progress
from ..direct.events import Event
from ..direct.fixed import FixedMember
from ..direct.ode.solver import METHODS as DICTIONARY_METHODS
from ..direct.ode.solver import ORDER, FullAnswer, FullSolver
from ..direct.sweep import solve_again, solve_many
from ..direct.windows import Stepper, check_starts, checked_start
from ..equations.program import Instructions
from ..equations.samples import Samples
from ..results.solution import NonlinearSolution, WindowsSolution
from ..results.solutions import Solutions
from .base import ATOL, ODEModelShell

REDUCED, COMPILED, WINDOWS = "reduced", "compiled", "windows"
METHODS = (REDUCED, COMPILED, WINDOWS, *DICTIONARY_METHODS)


@public
class NonlinearModel(ODEModelShell):
    """A nonlinear family, compiled; immutable, picklable, safe to solve with from many threads.

    Made by `stlfast.compile`, `stlfast.pretrain` or `stlfast.load`. Its passport, a JSON-able dict, says how it was
    made and how accurate it was measured to be.
    """

    core: _core.NonlinearModel

    def _make_core(self) -> _core.NonlinearModel:
        return self.compiled.nonlinear_core(self.family)

    # ------------------------------------------------------------------------------------------------------ solving
    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        *,
        t: np.ndarray | None = None,
        rtol: float | None = None,
        atol: float = ATOL,
        method: str | None = None,
        certify: bool = True,
        fallback: bool = True,
        order: int | None = None,
        expand: str | None = None,
        extrapolate: bool = False,
        forcing: Samples | Callable[[np.ndarray], np.ndarray] | None = None,
        events: Event | Sequence[Event] | None = None,
        reduced: bool | None = None,
        **params: float,
    ) -> NonlinearSolution | WindowsSolution:
        """Solve one member of y' = A(p, t) y + b(p, t) + N(t, y, p).

        y0: (n,) initial values, default the family's; inside its y0_range, unless extrapolate=True. A family without
            y0_range has a reduced basis for that default alone, others are solved on windows.
        t: (N,) output times in t_span, in any order, default 512 uniform ones, which are the fastest. params: every
            parameter by name, inside its solve range.
        rtol, atol: success means error_estimate <= atol + rtol·max|y| in every state. rtol is by default 1e-6 or, where
            that is looser, what the model was compiled for; the message says so then.
        certify: estimate the error, from its linearised equation e' = J e + r with the residual r; not for a Python
            function as rhs on the full dictionary.
        method: None, the default, solves in the band's reduced basis or on compiled windows, whichever the model has,
            and, where Newton's method does not converge there or the estimate misses the tolerance, on time windows of
            the member's own. Or the one method that is named, alone:
            "reduced"; "compiled"; "windows" (see `Windows`); or on the full dictionary, in milliseconds and more,
            "newton" (from the reduced answer, or a constant),
            "chord" (fixed-point iteration with one factorisation) or "perturbation" (arXiv 2501.17281: the series in a
            factor of N, or in the parameter `expand`, up to `order`, for a polynomial N).
        fallback: where all that misses, hand over to SciPy's Radau; False returns success=False instead.
        forcing, events: as in `Windows.solve`, on windows.
        reduced: True is method="reduced"; False is method="newton", the full dictionary, as in linear models.

        Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing or out of range; ValueError
        for a wrong shape, a number that is not finite, a time outside t_span, initial values outside the box, or a
        method that does not exist or does not fit the family.
        """
        method = _chosen(method, reduced)
        if method != "perturbation" and (order is not None or expand is not None):
            raise ValueError("order and expand belong to method='perturbation'")
        rtol, note = self._tolerance(rtol)
        start = self.family.y0 if y0 is None else y0
        on_windows = forcing is not None or events is not None
        if on_windows and method not in (None, COMPILED, WINDOWS):
            raise ValueError(f"method={method!r} takes neither forcing nor events; leave it out, for windows")
        if method == REDUCED or (method is None and self.compiled.bands and not on_windows):
            self._check_whole(f"method={REDUCED!r}")
            found = self._reduced(start, t, rtol, note, atol, certify, extrapolate, params)
            if found is not None and (found.success or method == REDUCED):
                return found
            if method == REDUCED:
                raise ValueError(
                    f"{self.family.name!r} has no reduced basis for this member and initial value; use another method"
                )
        elif method in DICTIONARY_METHODS:
            return self._full(start, t, rtol, note, atol, certify, method, order, expand, extrapolate, params)
        if method == COMPILED:
            return self._on_compiled(
                y0, t=t, rtol=rtol, atol=atol, certify=certify, extrapolate=extrapolate, fallback=False, events=events,
                forcing=forcing, **params,
            )  # fmt: skip
        solver = self._solver(y0, params) if method is None else self.windows
        handed = fallback and method is None
        named: dict[str, Any] = params
        return solver.solve(
            y0, t=t, rtol=rtol, atol=atol, certify=certify, extrapolate=extrapolate, fallback=handed, forcing=forcing,
            events=events, **named,
        )  # fmt: skip

    def _reduced(
        self, start: Any, t: Any, rtol: float, note: str, atol: float, certify: bool, extrapolate: bool,
        params: dict[str, float],
    ) -> NonlinearSolution | None:  # fmt: skip
        span, times, x = self._default if t is None and self._default else self._output(t, params)
        try:
            found = self.core.solve(params, self._names, start, certify, rtol, atol, x, extrapolate)
        except KeyError:
            p = dict(zip(self._names, self.family.check_params(params).tolist(), strict=True))
            found = self.core.solve(p, self._names, start, certify, rtol, atol, x, extrapolate)
        if found is None:  # no band, or outside the box
            checked_start(self.family, start, extrapolate)
            return None
        return NonlinearSolution(self, found[0], REDUCED, span, times, found[1], note)

    def _full(
        self, start: Any, t: Any, rtol: float, note: str, atol: float, certify: bool, method: str, order: int | None,
        expand: str | None, extrapolate: bool, params: dict[str, float],
    ) -> NonlinearSolution:  # fmt: skip
        self._check_whole(f"method={method!r}")
        p, y0 = self.family.check_params(params), checked_start(self.family, start, extrapolate)
        span, times, x = self._output(t, params)
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
        return NonlinearSolution(self, answer, method, span, times, y, note)

    @cached_property
    def full_solver(self) -> FullSolver:
        """The solver on the full dictionary, tabulated when first used."""
        c = self.compiled
        return FullSolver(self.family, c.dictionary, c.points, c.row_weights, c.shared_head, c.solver, self.body)

    def evaluate(self, answer: Any, x: np.ndarray) -> np.ndarray:
        """Values (n, N) of an answer at x (N,) in [0, 1]; ValueError where there is no solution."""
        if not isinstance(answer, _OnDictionary):
            return self.core.evaluate(answer, x)
        if not np.isfinite(answer.heads).all():
            raise ValueError(f"there is no solution to evaluate: {answer.message}")
        return self.full_solver.evaluate(answer.heads, x)

    def stepper(self, *, rtol: float = 1e-6, atol: float = 1e-8, t: float | None = None, **params: float) -> Stepper:
        """A stepper for simulation loops, on time windows: `y = model.stepper(mu=100.0).step(y, dt)`."""
        return self.windows.stepper(rtol=rtol, atol=atol, t=t, **params)

    def at(
        self,
        *,
        t: np.ndarray | None = None,
        rtol: float | None = None,
        atol: float = ATOL,
        certify: bool = True,
        fallback: bool = True,
        **params: float,
    ) -> FixedMember:
        """One member with parameters and output times given once: `at(mu=100.0).solve(y0)`; errors as of `solve`."""
        rtol, _ = self._tolerance(rtol)
        return FixedMember(self, params, t, rtol, atol, certify, fallback)

    def solve_many(
        self,
        y0: np.ndarray | None = None,
        *,
        observe: str | np.ndarray | None = None,
        rtol: float | None = None,
        atol: float = ATOL,
        method: str | None = None,
        certify: bool = True,
        fallback: bool = True,
        extrapolate: bool = False,
        threads: int | None = None,
        out: np.ndarray | None = None,
        progress: Progress = False,
        **params: float | np.ndarray,
    ) -> Solutions:
        """Solve B members and initial values at once: `solve_many(y0=Y0, alpha=alphas, beta=0.5)`.

        Four members are solved side by side, in the lanes of the processor's registers; rows that miss the tolerance
        there are solved again together on time windows, unless method="reduced" asks for that basis alone. The
        arguments are those of `Model.solve_many` and of `solve`.

        Returns Solutions, whose error_bound is None. Errors as in `Model.solve_many` and `solve`, with the row; a
        ValueError for another method than these two.
        """
        if method not in (None, REDUCED):
            raise ValueError(f'solve_many takes method=None or "reduced", got {method!r}; others go one by one: solve')
        if not extrapolate:
            check_starts(self.family, y0)
        rtol, _ = self._tolerance(rtol)
        if method is None and not self.compiled.bands:
            named: dict[str, Any] = params
            return self._solver(y0).solve_many(
                y0, observe=observe, rtol=rtol, atol=atol, certify=certify, fallback=fallback, extrapolate=extrapolate,
                threads=threads, out=out, progress=progress, **named,
            )  # fmt: skip
        sweep = solve_many(self, y0, params, observe, (certify, rtol, atol), threads, out, progress)
        if method is None and not sweep.success.all():
            options = {"rtol": rtol, "atol": atol, "certify": certify, "fallback": fallback, "threads": threads}
            solve_again(self.windows, sweep, y0, observe, options)
        return sweep


def _chosen(method: str | None, reduced: bool | None) -> str | None:
    """The method, which reduced= stands for too."""
    if reduced is not None:
        named = REDUCED if reduced else "newton"
        if method not in (None, named):
            raise ValueError(f"method={method!r} and reduced={reduced} contradict each other; give method alone")
        method = named
    if method is not None and method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    return method


class _OnDictionary:
    """An answer on the full dictionary, with what the core's answers in a band have."""

    def __init__(self, found: FullAnswer) -> None:
        self.heads, self.converged, self.message = found.heads, found.converged, found.message
        self.iterations, self.last_step, self.residual = found.iterations, found.last_step, found.residual
        self.certified, self.within = False, False
        self.bound = np.full(found.heads.shape[1], np.inf)
