"""What every answer tells of itself, whichever model it comes from."""

from __future__ import annotations

import numpy as np

# status: what is known of the answer
WITHIN, NOT_CERTIFIED, MISSED = 0, 1, -1

METHODS = {
    "reduced": "the reduced basis of a band of members",
    "full": "least squares on the full dictionary",
    "compiled": "Newton's method on compiled windows, all at once",
    "newton": "Newton's method on the full dictionary",
    "chord": "fixed-point iteration on the full dictionary with one factorisation",
    "perturbation": "the perturbation series on the full dictionary (arXiv 2501.17281)",
    "windows": "Newton's method on time windows, the direct solver",
    "radau": "SciPy's Radau, handed over to",
    "lines": "the method of lines, handed over to",
}


class Result:
    """An answer with what is known of its error.

    method: which one answered, one of `METHODS`; the same names are the `method=` of every `solve`.
    error_bound: bound on max |error|, of linear families; else None.
    error_estimate: the best that is known of max |error|; None where certify=False asked for nothing.
    success: whether that meets the tolerance, or none was asked for. False wherever there is no solution.
    status, message: 0 met, 1 not certified, −1 missed; and a sentence that says what to do.
    iterations: of the method that answered, 0 for one linear solve.
    residual: the largest residual between the points that the answer was made of, relative to the solution; None where
        the bound alone was made from it.
    """

    __slots__ = ()
    _known = "error estimate"  # what there is: an error bound or an error estimate

    @property
    def method(self) -> str:
        raise AssertionError("every kind of answer has its own")

    @property
    def error_bound(self) -> np.ndarray | None:
        return None

    @property
    def error_estimate(self) -> np.ndarray | None:
        raise AssertionError("every kind of answer has its own")

    @property
    def iterations(self) -> int:
        return 0

    @property
    def residual(self) -> float | None:
        return None

    @property
    def status(self) -> int:
        if self._failure:
            return MISSED
        if not self._certified:
            return NOT_CERTIFIED
        return WITHIN if self._within else MISSED

    @property
    def success(self) -> bool:
        return self.status != MISSED

    @property
    def message(self) -> str:
        if self._failure:
            return self._failure
        estimate = self.error_estimate
        if estimate is None:
            return self._uncertified
        if self._within:
            return f"The {self._known} meets the tolerance{self._note}."
        return f"The {self._known} {estimate.max():.1e} misses the tolerance{self._note}: {self._remedy}."

    # What the kinds of answers differ in.
    @property
    def _failure(self) -> str:
        """Why there is no solution; empty where there is one."""
        return ""

    @property
    def _certified(self) -> bool:
        """Whether anything is known of the error."""
        return self.error_estimate is not None

    @property
    def _within(self) -> bool:
        """Whether what is known of the error meets the tolerance."""
        raise AssertionError("every kind of answer has its own")

    @property
    def _uncertified(self) -> str:
        return f"Solved without an {self._known}, as certify=False asked."

    @property
    def _note(self) -> str:
        """What else is to be said of how the tolerance was met or missed."""
        return ""

    @property
    def _remedy(self) -> str:
        return "raise rtol or atol"
