"""One member of a family with its parameters given once, solved on windows for one initial value after the other.

n states, N output times, K forcings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.checks import finite, real, rows
from ..base.names import public
from ..equations.samples import Samples
from ..results.result import WITHIN
from ..results.solution import WindowsSolution
from .events import Event

if TYPE_CHECKING:
    from ..equations.ode.family import Forcing

SHARPER = 0.1  # tolerances of the columns, over those of their sum
COMBINED = "From solutions for unit initial values; the error estimate, the sum of theirs, meets the tolerance."


@public
class FixedMember:
    """A member of a family with its parameters and output times given once; made by the models' `at`.

    Of a linear family y = S(0) + Σ_j y0_j (S(e_j) − S(0)) + Σ_k a_k (F_k − S(0)), with the solutions S(y0) from zero
    and from unit initial values and F_k from zero with the k-th forcing: they are solved once, when first needed, and a
    new initial value is one product. The estimate of the error is the sum of theirs; where that misses the tolerance,
    and of nonlinear families always, the member is solved as one. Immutable, picklable, safe to solve with from many
    threads.

    params: the member's parameters by name.
    """

    def __init__(
        self, model: Any, params: dict[str, float], t: Any, rtol: float, atol: float, certify: bool, fallback: bool,
        forcing: Sequence[Forcing | Samples] = (),
    ) -> None:  # fmt: skip
        family = model.family
        self._model, self._forcing = model, tuple(forcing)
        self.params = dict(zip(family.params, family.check_params(params).tolist(), strict=True))
        self._t = None if t is None else np.array(real(t, "t"))
        self._options = {"rtol": rtol, "atol": atol, "certify": certify, "fallback": fallback}

    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        out: np.ndarray | None = None,
        *,
        amplitudes: Sequence[float] | np.ndarray | None = None,
        forcing: Forcing | Samples | None = None,
        events: Event | Sequence[Event] | None = None,
    ) -> WindowsSolution:
        """Solve for initial values y0 (n,), default the family's.

        out: float64 array (n, N), C-contiguous, that the values are written to; the solution's y is that array.
        amplitudes: (K,) factors of the K forcings that `at` was given, default 1 each. forcing, events: as in
            `Windows.solve`.

        Errors: ValueError for a wrong shape, a number that is not finite, or out of another type, shape or layout.
        """
        family = self._model.family
        factors = np.ones(len(self._forcing)) if amplitudes is None else real(amplitudes, "amplitudes")
        if factors.shape != (len(self._forcing),):
            raise ValueError(f"amplitudes must have shape ({len(self._forcing)},), got {factors.shape}")
        finite(factors, "amplitudes")
        found: WindowsSolution | None = None
        if not family.nonlinear and forcing is None and events is None and self._options["certify"]:
            start = family.start_at(family.check_params(self.params)) if y0 is None else real(y0, "y0")
            if start.shape != (family.n,):
                raise ValueError(f"y0 must have shape ({family.n},), got {start.shape}")
            found = self._combined(finite(start, "y0"), factors)
        if found is None:
            added = self._added(factors, forcing)
            found = self._model.solve(y0, t=self._t, forcing=added, events=events, **self._options, **self.params)
        if out is not None:
            y = found.y
            if not (isinstance(out, np.ndarray) and out.shape == y.shape and out.dtype == y.dtype):
                raise ValueError(f"out must be a float64 array of shape {y.shape}, got {getattr(out, 'shape', out)!r}")
            if not out.flags.c_contiguous:
                raise ValueError("out must be C-contiguous")
            out[:] = y
            found.y = out
        return found

    @cached_property
    def _columns(self) -> list[WindowsSolution] | None:
        """S(0), S(e_j) and F_k; None where one can't be solved, or starts where windows break."""
        n = self._model.family.n
        options = {"rtol": SHARPER * self._options["rtol"], "atol": SHARPER * self._options["atol"], "fallback": False}
        zero = np.zeros(n)
        wanted: list[tuple[np.ndarray, Any]] = [(zero, None), *((e, None) for e in np.eye(n))]
        wanted += [(zero, forcing) for forcing in self._forcing]
        columns: list[WindowsSolution] = []
        for start, forcing in wanted:
            sol = self._model.solve(start, t=self._t, forcing=forcing, **options, **self.params)
            if not sol.success:
                return None
            columns.append(sol)
        return columns

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Values (1 + n + K, n N) and estimates (1 + n + K, n) of the columns."""
        columns = self._columns or []
        return np.stack([sol.y.ravel() for sol in columns]), np.stack(
            [np.asarray(sol.error_estimate) for sol in columns]
        )

    def _combined(self, start: np.ndarray, factors: np.ndarray) -> WindowsSolution | None:
        columns = self._columns
        if columns is None:
            return None
        values, estimates = self._table
        weights = np.concatenate([[1 - start.sum() - factors.sum()], start, factors])
        n = self._model.family.n
        y = (weights @ values).reshape(n, -1)
        estimate = np.abs(weights) @ estimates
        allowed = self._options["atol"] + self._options["rtol"] * np.abs(y).max(axis=1, initial=0.0)
        if not (estimate <= allowed).all():
            return None
        first, found = columns[0], _Sum(tuple(weights), tuple(columns))
        return WindowsSolution(self._model, found, first._span, first.t, y, WITHIN, COMBINED, estimate)

    def _added(self, factors: np.ndarray, forcing: Forcing | Samples | None) -> Forcing | Samples | None:
        """All that is added to the right-hand side."""
        if not self._forcing:
            return forcing
        terms = [(float(a), f) for a, f in zip(factors, self._forcing, strict=True)]
        terms += [] if forcing is None else [(1.0, forcing)]
        if len(terms) == 1 and terms[0][0] == 1.0:
            return terms[0][1]
        return sum_of(terms, self._model.family.n)

    def __reduce__(self) -> tuple[Any, ...]:
        t = self._t
        return FixedMember, (self._model, self.params, t, *self._options.values(), self._forcing)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:g}" for name, value in self.params.items())
        return f"FixedMember({self._model.family.name!r}, {values})"


@dataclass(frozen=True)
class _Sum:
    """Σ w S(t), as a solution's dense output."""

    weights: tuple[float, ...]
    columns: tuple[WindowsSolution, ...]

    @property
    def method(self) -> str:
        return self.columns[0].method

    def __call__(self, t: np.ndarray) -> np.ndarray:
        return np.asarray(sum(w * column(t) for w, column in zip(self.weights, self.columns, strict=True)))


def forcings(given: Any) -> tuple[Any, ...]:
    """One forcing or several; ValueError for what is none."""
    if given is None:
        return ()
    if callable(given):
        return (given,)
    try:
        return tuple(given)
    except TypeError:
        raise ValueError(
            f"forcing must be a function of t (C,) that returns (n, C), or several of them, got {given!r}"
        ) from None


def sum_of(terms: Sequence[tuple[float, Callable[[np.ndarray], np.ndarray]]], n: int) -> Forcing:
    """Σ a f(t) of pairs (a, f), as one function."""

    def total(t: np.ndarray) -> np.ndarray:
        values = [a * rows(real(f(t), "the value of forcing"), n) for a, f in terms]
        return np.asarray(np.sum(values, axis=0))

    return total
