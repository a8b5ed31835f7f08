"""The answer of a solve, shaped as SciPy's solve_ivp returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
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

    __slots__ = ("_answer", "_model", "_span", "error_bound", "message", "method", "status", "t", "y")

    def __init__(self, model: Model, answer: Any, span: tuple[float, float], t: np.ndarray, y: np.ndarray) -> None:
        self._model, self._answer, self._span = model, answer, span
        self.t, self.y = t, y
        self.error_bound: np.ndarray | None = answer.bound
        self.method = "full dictionary" if answer.band < 0 else "reduced basis"
        if self.error_bound is None:
            self.status, self.message = NOT_CERTIFIED, "Solved without a certificate, as certify=False asked."
        elif answer.within:
            self.status, self.message = WITHIN, "The error bound meets the tolerance."
        else:
            self.status = MISSED
            self.message = (
                f"The error bound {self.error_bound.max():.1e} misses the tolerance: raise rtol or atol, or compile "
                "a model with more features."
            )

    @property
    def success(self) -> bool:
        return self.status != MISSED

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self.error_bound

    @property
    def heads(self) -> np.ndarray:
        return self._answer.a

    @property
    def sol(self) -> Solution:
        return self

    def __call__(self, t: Any) -> np.ndarray:
        """Values (n, len(t)), or (n,) for one number; t within t_span, else ValueError."""
        times = np.asarray(t, dtype=np.float64)
        x = self._model.scaled_times(np.atleast_1d(times), self._span)
        y = self._model.core.evaluate(self._answer, x)
        return y if times.ndim else y[:, 0]

    def __repr__(self) -> str:
        bound = "not certified" if self.error_bound is None else f"error_bound={np.array2string(self.error_bound)}"
        n, N = self.y.shape
        return f"Solution({n} states, {N} times, {self.method}, success={self.success}, {bound})"
