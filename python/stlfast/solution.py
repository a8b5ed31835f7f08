"""Answers: of one solve, shaped as SciPy's solve_ivp returns it, and of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from . import _core
    from .model import Model

# status: what is known of the answer
WITHIN, NOT_CERTIFIED, MISSED = 0, 1, -1


class Solution:
    """Solution of one member of a family: n states, N output times.

    t: (N,) output times; y: (n, N) values there.
    error_bound: (n,) bound on max |error| over t_span (from the residual and the Schur form of A; docs/method.md), None
        where the solve was not certified. Between its check points the residual is sampled, not known: there, and only
        there, the bound is an estimate.
    error_estimate: (n,) the best that is known of the error; for linear families the bound itself.
    success: True exactly when the bound meets atol + rtol·max|y| in every state, or when certify=False asked for none.
    status, message: 0 met, 1 not certified, −1 missed; and a sentence that says what to do.
    method: "reduced basis" or "full dictionary", whichever answered.
    heads: coefficients that represent the answer: heads (M, n) on the dictionary, or Chebyshev coefficients (D, n).

    `sol(t)` evaluates the closed form at any times of t_span: (n, len(t)); `sol.sol` is the same function.
    """

    __slots__ = ("_answer", "_model", "_span", "t", "y")

    def __init__(
        self, model: Model, answer: _core.Answer, span: tuple[float, float], t: np.ndarray, y: np.ndarray
    ) -> None:
        self._model, self._answer, self._span = model, answer, span
        self.t, self.y = t, y

    @property
    def error_bound(self) -> np.ndarray | None:
        return self._answer.bound if self._answer.certified else None

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self.error_bound

    @property
    def status(self) -> int:
        if not self._answer.certified:
            return NOT_CERTIFIED
        return WITHIN if self._answer.within else MISSED

    @property
    def success(self) -> bool:
        return self.status != MISSED

    @property
    def message(self) -> str:
        if self.status == WITHIN:
            return "The error bound meets the tolerance."
        if self.status == NOT_CERTIFIED:
            return "Solved without a certificate, as certify=False asked."
        return (
            f"The error bound {self._answer.bound.max():.1e} misses the tolerance: raise rtol or atol, or compile "
            "a model with more features."
        )

    @property
    def method(self) -> str:
        return "full dictionary" if self._answer.band < 0 else "reduced basis"

    @property
    def heads(self) -> np.ndarray:
        return self._model.core.coefficients(self._answer)

    @property
    def sol(self) -> Solution:
        return self

    def __call__(self, t: Any) -> np.ndarray:
        """Values (n, len(t)), or (n,) for one number; t within t_span, else ValueError."""
        return evaluated(t, self._span, lambda times, x: self._model.core.evaluate(self._answer, x))

    def __repr__(self) -> str:
        bound = "not certified" if self.error_bound is None else f"error_bound={np.array2string(self.error_bound)}"
        n, N = self.y.shape
        return f"Solution({n} states, {N} times, {self.method}, success={self.success}, {bound})"


class Solutions:
    """What `Model.solve_many` returns for B queries.

    y: (B, n, N) values at the output times, or (B, n) for observe="final" and "maximum".
    t: (N,) output times, (B, N) where t_span depends on the parameters; the last ones alone for observe="final", None
        for "maximum".
    success: (B,) whether the bound meets atol + rtol·max|y| in every state; True for certify=False.
    error_bound: (B, n) bound on max |error| over t_span, None where not certified, and of nonlinear families. For
        members that many queries share it is the sum of the bounds of unit initial values, which is larger than a
        single solve's.
    error_estimate: the bound or, of nonlinear families, an estimate of max |error|; None where not certified.
    message: one sentence on all of them.
    """

    __slots__ = ("error_bound", "error_estimate", "success", "t", "y")

    def __init__(
        self, t: np.ndarray | None, y: np.ndarray, success: np.ndarray, error: np.ndarray | None, estimated: bool
    ) -> None:
        self.t, self.y, self.success, self.error_estimate = t, y, success, error
        self.error_bound = None if estimated else error

    @property
    def message(self) -> str:
        missed = np.flatnonzero(~self.success)
        if self.error_estimate is None and not len(missed):
            return "Solved without a certificate, as certify=False asked."
        what = "estimates" if self.error_bound is None else "bounds"
        if not len(missed):
            return f"The error {what} of all {len(self)} solutions meet the tolerance."
        return (
            f"{len(missed)} of {len(self)} error {what} miss the tolerance, the first that of row {missed[0]}: raise "
            "rtol or atol, or compile a model with more features."
        )

    def __len__(self) -> int:
        return len(self.success)

    def __repr__(self) -> str:
        return f"Solutions({len(self)}, y {self.y.shape}, {int(self.success.sum())} successful)"


def evaluated(t: Any, span: tuple[float, float], values: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """values(times (N,), x (N,)) → (n, N) at t: (n, N), or (n,) where t is one number."""
    given = np.asarray(t, dtype=np.float64)
    times = np.atleast_1d(given)
    y = values(times, scaled_times(times, span))
    return y if given.ndim else y[:, 0]


def scaled_times(t: np.ndarray, span: tuple[float, float], what: str = "t") -> np.ndarray:
    """x of times (N,) in t_span; ValueError for another shape or a time outside."""
    if t.ndim != 1:
        raise ValueError(f"{what} must be one-dimensional, got shape {t.shape}")
    t0, t1 = span
    inside = (t >= t0) & (t <= t1)  # False for NaN
    if not inside.all():
        raise ValueError(f"{what} = {float(t[np.argmin(inside)])!r} is outside t_span = ({t0:g}, {t1:g})")
    return np.minimum((t - t0) / (t1 - t0), 1.0)
