"""A compiled family: loads in milliseconds, solves any member in microseconds, needs NumPy alone.

n states, P parameters, N output times, C points where a forcing is sampled. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..base.checks import real, rows
from ..base.names import public
from ..base.progress import Progress
from ..direct.fixed import FixedMember, forcings, sum_of
from ..direct.sweep import solve_again, solve_many
from ..equations.samples import Samples
from ..results.solution import Solution, WindowsSolution
from ..results.solutions import Solutions
from .base import ATOL, ODEModelShell

if TYPE_CHECKING:
    from ..direct.events import Event
    from ..direct.windows import Stepper
    from ..equations.ode.family import Forcing

METHODS = {"reduced": True, "full": False}  # whether in the reduced basis
WINDOWS, COMPILED = "windows", "compiled"


@public
class Model(ODEModelShell):
    """A linear family, compiled; immutable, picklable, safe to solve with from many threads.

    Made by `stlfast.compile`, `stlfast.pretrain` or `stlfast.load`. Its passport, a JSON-able dict, says how it was
    trained and compiled, how accurate it was measured to be, and the SHA-256 of the body's weights.
    """

    core: _core.Model

    _banded: bool

    def _make_core(self) -> _core.Model:
        self._banded = bool(self.compiled.bands)
        return self.compiled.core(self.family, self.body)

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
        forcing: Forcing | Samples | None = None,
        events: Event | Sequence[Event] | None = None,
        reduced: bool | None = None,
        **params: float,
    ) -> Solution | WindowsSolution:
        """Solve one member by linear least squares: min_c ∫ |dy/dx − A y − b|² dx + ω₀² |y(0) − y0|².

        y0: (n,) initial values, default the family's. t: (N,) output times in t_span, in any order, default 512
            uniform ones, which are the fastest. params: every parameter by name, inside its solve range.
        rtol, atol: success means error_bound <= atol + rtol·max|y| in every state. rtol is by default 1e-6 or, where
            that is looser, what the model was compiled for; the message says so then.
        method: None (default) solves in the band's reduced basis or, of a model without bands, on its compiled windows
            (without either, on the full dictionary) and, where the bound or estimate misses the tolerance, hands over
            to time windows of its own (`Windows`). On windows of both kinds the error is estimated instead of bounded.
            "reduced", "compiled", "full" and "windows" are the one that is named, alone; "full", the transfer
            solve of arXiv 2501.17281 on the whole dictionary, takes milliseconds. reduced=True and reduced=False are
            the same as "reduced" and "full".
        certify: compute the error bound; False saves a few microseconds, and nothing is handed over.
        fallback: False hands nothing over, also where the bound misses the tolerance.
        forcing: t (C,) → (n, C), added to the right-hand side; called once with the collocation and check points. The
            bound sees what lasts a thousandth of t_span or longer. `Samples` of shape (n, M) are added on time windows.
        events: as in `Windows.solve`, on windows.

        Returns a Solution, or a WindowsSolution where windows answer; the default t is shared and read-only.
        Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing or out of range; ValueError
        for a wrong shape, a number that is not finite, a time outside t_span, or a method that does not exist.
        """
        note = ""
        if rtol is None:
            rtol, note = self._rtol, self._note
        if method is None and reduced is None:
            if self._chained is not None or events is not None or isinstance(forcing, Samples):
                named: dict[str, Any] = params
                return self._solver(y0, params).solve(
                    y0, t=t, rtol=rtol, atol=atol, certify=certify, fallback=fallback, forcing=forcing,
                    extrapolate=True, events=events, **named,
                )  # fmt: skip
            reduced = self._banded
        elif method == COMPILED:
            return self._on_compiled(
                y0, t=t, rtol=rtol, atol=atol, certify=certify, fallback=False, extrapolate=True, events=events,
                forcing=forcing, **params,
            )  # fmt: skip
        elif method == WINDOWS:
            return self._on_windows(y0, t, rtol, atol, certify, forcing, params, events)
        else:
            reduced, fallback = self._reduced(method, reduced), False
            if events is not None or isinstance(forcing, Samples):
                raise ValueError(f"method={method!r} takes neither events nor Samples; leave it out, for windows")
        span, times, x = self._default if t is None and self._default else self._output(t, params)
        added = None if forcing is None else self._sampled(forcing, span)
        start = self.family.y0 if y0 is None else y0
        names = self._names
        try:
            answer, y, within = self.core.solve(params, names, start, reduced, certify, rtol, atol, added, x)
        except KeyError:
            p = dict(zip(names, self.family.check_params(params).tolist(), strict=True))
            answer, y, within = self.core.solve(p, names, start, reduced, certify, rtol, atol, added, x)
        if within or not certify or not fallback:
            return Solution(self, answer, span, times, y, note)
        return self._on_windows(start, times, rtol, atol, certify, forcing, params)

    def _on_windows(
        self, y0: Any, t: np.ndarray | None, rtol: float, atol: float, certify: bool, forcing: Forcing | Samples | None,
        params: dict[str, Any], events: Event | Sequence[Event] | None = None,
    ) -> WindowsSolution:  # fmt: skip
        return self.windows.solve(
            y0, t=t, rtol=rtol, atol=atol, certify=certify, forcing=forcing, extrapolate=True, events=events, **params
        )

    def at(
        self,
        *,
        t: np.ndarray | None = None,
        rtol: float | None = None,
        atol: float = ATOL,
        method: str | None = None,
        certify: bool = True,
        fallback: bool = True,
        forcing: Forcing | Samples | Sequence[Forcing | Samples] | None = None,
        reduced: bool | None = None,
        **params: float,
    ) -> Member | FixedMember:
        """One member with everything that depends on its parameters done once: `at(alpha=75.0).solve(y0)`.

        forcing: one function t (C,) → (n, C) or several; each is added to the right-hand side times its amplitude, see
            `Member.solve`. The other arguments, and the errors, are those of `solve`.

        Returns a Member or, of models on compiled windows, a FixedMember, which is used alike.
        """
        if method is None and reduced is None and self._chained is not None:
            rtol, _ = self._tolerance(rtol)
            return FixedMember(self, params, t, rtol, atol, certify, fallback, forcings(forcing))
        p = self.family.check_params(params)
        span, times, x = self._output(t, params)
        rtol, note = self._tolerance(rtol)
        alone = method is not None or reduced is not None
        reduced = self._reduced(method, reduced) if alone else self._banded
        if x is None:
            output = self.core.output
        else:
            times.flags.writeable = False  # solutions share them
            output = self.core.output_table(x)
        given = forcings(forcing)
        sampled = [self._sampled(f, span) for f in given]
        core = _core.Member(self.core, output, p, sampled, reduced, certify, rtol, atol)
        options = {"rtol": rtol, "atol": atol, "certify": certify, "forcing": given, "fallback": fallback}
        options |= {"reduced": reduced} if alone else {}
        options |= {} if t is None else {"t": times}
        named = dict(zip(self._names, p.tolist(), strict=True))
        return Member(self, core, named, options, span, times, note)

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
        reduced: bool | None = None,
        threads: int | None = None,
        out: np.ndarray | None = None,
        progress: Progress = False,
        **params: float | np.ndarray,
    ) -> Solutions:
        """Solve B members and initial values at once: `solve_many(y0=Y0, alpha=alphas)`.

        y0: (n,) or (B, n), default the family's. params: by name, each a number or (B,). All broadcast.
        observe: None, the 512 default output times; an array of times in t_span; "final", the values at the end; or
            "maximum", the largest value of each state over the default times. The last two need little memory: a
            million trajectories are a (1000000, n) array.
        threads: how many to use, default all that this process may. Results are the same, bit by bit, for any number.
        out: C-contiguous float64 array for the values, (B, n, N) or (B, n), for instance a numpy.memmap.
        progress: True shows a bar on stderr; a function is called several times a second with the number that is done.
        The other arguments are those of `solve`. Queries that share a member are solved together.

        Returns Solutions. Ctrl-C stops within a second, with out partly written. Errors: ParameterError and ValueError
        as in `solve`, with the row; ValueError for shapes that do not broadcast, and for out of another shape or
        layout; TypeError for out that is no array.
        """
        alone = method is not None or reduced is not None
        rtol, _ = self._tolerance(rtol)
        chained = not alone and self._chained is not None
        if method == WINDOWS or chained:
            named: dict[str, Any] = params
            return (self._solver(y0) if chained else self.windows).solve_many(
                y0, observe=observe, rtol=rtol, atol=atol, certify=certify, fallback=fallback, threads=threads, out=out,
                progress=progress, **named,
            )  # fmt: skip
        reduced = self._reduced(method, reduced) if alone else self._banded
        sweep = solve_many(self, y0, params, observe, (reduced, certify, rtol, atol), threads, out, progress)
        if not alone and fallback and not sweep.success.all():
            solve_again(self.windows, sweep, y0, observe, {"rtol": rtol, "atol": atol, "threads": threads})
        return sweep

    def stepper(self, *, rtol: float = 1e-6, atol: float = 1e-8, t: float | None = None, **params: float) -> Stepper:
        """A stepper for loops, on time windows: `y = model.stepper(alpha=75.0).step(y, dt)`; see `Windows.stepper`."""
        return self.windows.stepper(rtol=rtol, atol=atol, t=t, **params)

    def certify(self, heads: np.ndarray, y0: Sequence[float] | np.ndarray | None = None, **params: float) -> np.ndarray:
        """Error bound (n,) of any heads (M, n) on the full dictionary, taken as an answer for this member."""
        self._check_whole("a bound of heads")
        p = self.family.check_params(params)
        return self.core.certify_heads(p, self.family.y0 if y0 is None else y0, heads).bound

    def _reduced(self, method: str | None, reduced: bool | None) -> bool:
        """Whether in the reduced basis or on the full dictionary, as method= or reduced= asks."""
        self._check_whole(f"method={method!r}" if reduced is None else f"reduced={reduced!r}")
        if reduced not in (True, False, None):
            raise ValueError(f"reduced must be True, False or None, got {reduced!r}")
        if method is None:
            return bool(reduced)
        if method not in METHODS:
            raise ValueError(f"unknown method {method!r}; known: {', '.join([*METHODS, COMPILED, WINDOWS])}")
        if reduced is not None and reduced != METHODS[method]:
            raise ValueError(f"method={method!r} and reduced={reduced} contradict each other; give method alone")
        return METHODS[method]

    def _sampled(self, forcing: Forcing, span: tuple[float, float]) -> np.ndarray:
        """A forcing (n, C) in scaled time at the points where the core wants it."""
        if not callable(forcing):
            raise ValueError(f"forcing must be a function of t (C,) that returns (n, C), got {forcing!r}")
        x = self.core.forcing_points
        values = rows(real(forcing(span[0] + (span[1] - span[0]) * x), "the value of forcing"), self.family.n)
        expected = (self.family.n, len(x))
        if values.shape != expected:
            raise ValueError(f"forcing returned shape {values.shape} for {len(x)} times, expected {expected}")
        if not np.isfinite(values).all():
            where = int(np.argmin(np.isfinite(values).all(axis=0)))
            raise ValueError(f"forcing is not finite at t = {span[0] + (span[1] - span[0]) * x[where]:g}")
        return np.ascontiguousarray(values * (span[1] - span[0]))


@public
class Member:
    """A member of a family with everything that depends on its parameters done once; made by `Model.at`.

    y = Σ_j v_j Y_j with v = (y0, 1, amplitudes): the answers Y_j for unit initial values, the family's own forcing and
    each forcing of the caller are tabulated at the output times, so that a new initial value is one product with that
    table. The error bound is Σ_j |v_j| B_j from the bounds of the columns; where that misses the tolerance, the member
    is solved anew as one. Immutable, picklable, safe to solve with from many threads.

    t: (N,) output times, read-only. params: the member's parameters by name.
    """

    __slots__ = ("_model", "_note", "_options", "_solve", "_span", "params", "t")

    def __init__(
        self, model: Model, core: _core.Member, params: dict[str, float], options: dict[str, Any],
        span: tuple[float, float], t: np.ndarray, note: str = "",
    ) -> None:  # fmt: skip
        self._model, self._solve, self._options, self._span, self._note = model, core.solve, options, span, note
        self.params, self.t = params, t

    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        out: np.ndarray | None = None,
        *,
        amplitudes: Sequence[float] | np.ndarray | None = None,
        forcing: Forcing | None = None,
    ) -> Solution | WindowsSolution:
        """Solve for initial values y0 (n,), default the family's.

        out: float64 array (n, N), C-contiguous, that the values are written to; the solution's y is that array.
        amplitudes: (K,) factors of the K forcings that `Model.at` was given, default 1 each.
        forcing: a further forcing t (C,) → (n, C) of this solve alone, which is then made on the full dictionary: the
            first such solve factors its operator, which takes milliseconds, the others take fractions of one.

        Errors: ValueError for a wrong shape, a number that is not finite, or out of another type, shape or layout;
        TypeError for out that is no array.
        """
        start = self._model.family.y0 if y0 is None else y0
        if out is not None:
            start = np.array(start)  # which may be a part of out
        if forcing is None:
            answer, y, within = self._solve(start, amplitudes, out)
        else:
            answer, y, within = self._solve(start, amplitudes, out, self._model._sampled(forcing, self._span))
        if within:
            return Solution(self._model, answer, self._span, self.t, y, self._note)
        options = self._options
        if not answer.certified or "reduced" in options or not options["fallback"]:
            return Solution(self._model, answer, self._span, self.t, y, self._note)
        rtol, atol, added = options["rtol"], options["atol"], self._added(amplitudes, forcing)
        again = self._model._on_windows(start, self.t, rtol, atol, True, added, self.params)
        if out is not None:
            out[:] = again.y
            again.y = out
        return again

    def _added(self, amplitudes: Any, forcing: Forcing | None) -> Forcing | None:
        """All that is added to the right-hand side, as one function."""
        own = self._options["forcing"]
        factors = np.ones(len(own)) if amplitudes is None else np.asarray(amplitudes, dtype=np.float64)
        terms = [(float(a), f) for a, f in zip(factors, own, strict=True)]
        terms += [] if forcing is None else [(1.0, forcing)]
        return sum_of(terms, self._model.family.n) if terms else None

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self._model, self._options | self.params)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:g}" for name, value in self.params.items())
        return f"Member({self._model.family.name!r}, {values}, {len(self.t)} times)"


def _remake(model: Model, options: dict[str, Any]) -> Member | FixedMember:
    return model.at(**options)
