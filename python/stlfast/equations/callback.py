"""A Python function in the place of an instruction list, for right-hand sides that SymPy cannot express.

f(t, y, **params) → (n, N) for times t (N,) and states y (n, N), and jac alike → (n, n, N), in physical time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.checks import real, rows
from .program import Instructions

DIFFERENCE = 1.5e-8  # relative step of a difference quotient, √ε
COMPLEX = "states are real; make the real and the imaginary part two states"
SMALLEST_DIFFERENCE = 1e-6  # size of a state that a step is taken for at least


@dataclass(frozen=True, eq=False)
class Callback:
    """The values of a function in normalised time, called as `Instructions` are."""

    function: Callable[..., Any]
    what: str  # "rhs" or "jac"
    shape: tuple[int, ...]  # of a value at one point: (n,) or (n, n)
    names: tuple[str, ...]  # of the parameters
    t_span: Instructions

    def __call__(self, points: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Values (O, N) at the rows x, y_1 … y_n of points (1 + n, N); ValueError for a wrong shape or NaN."""
        t, values, length = self._values(np.asarray(points), np.asarray(inputs).tolist())
        if not np.isfinite(values).all():
            k = int(np.argmin(np.isfinite(values).all(axis=0)))
            raise ValueError(f"{self.what} is not finite at t = {t[k]:g}, y = {np.asarray(points)[1:, k].tolist()}")
        return length * values

    def unchecked(self, points: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """The same, for trial states at which values need not be finite."""
        _, values, length = self._values(points, inputs.tolist())
        return length * values

    def scalar(self, inputs: Sequence[float]) -> Callable[..., list[float]]:
        """The values (O,) at one point, as a function of x and y (n,)."""

        def evaluate(x: float, y: Sequence[float]) -> list[float]:
            _, values, length = self._values(np.array([x, *y])[:, None], list(inputs))
            result: list[float] = (length * values[:, 0]).tolist()
            return result

        return evaluate

    def _values(self, points: np.ndarray, inputs: list[float]) -> tuple[np.ndarray, np.ndarray, float]:
        t0, t1 = self.t_span.scalar(inputs)(0.0)
        t, y = t0 + (t1 - t0) * points[0], points[1:].copy()
        found = self.function(t, y, **dict(zip(self.names, inputs, strict=True)))
        if self.what == "rhs" and isinstance(found, (list, tuple)) and len(found) == self.shape[0]:
            found = [np.broadcast_to(row, len(t)) if np.ndim(row) == 0 else row for row in found]  # constant rows
        if np.iscomplexobj(found):
            raise ValueError(f"{self.what} returned complex numbers: {COMPLEX}")
        values = real(found, f"the value of {self.what}")
        if self.shape == (1,):
            values = rows(values, 1)
        expected = (*self.shape, len(t))
        if values.shape != expected:
            raise ValueError(
                f"{self.what} returned shape {values.shape} for t of shape {t.shape} and y of shape {y.shape}, "
                f"expected {expected}"
            )
        return t, values.reshape(-1, len(t)), t1 - t0


Values = Callable[[np.ndarray, np.ndarray], np.ndarray]


def values_of(N: Any, J: Any) -> tuple[Values, Values] | None:
    """N (n, S) and ∂N/∂y (n·n, S), each a function of points (1 + n, S) and parameters, where a Python function gives
    them; else None."""
    if not isinstance(N, Callback):
        return None
    if isinstance(J, Callback):
        return N.unchecked, J.unchecked

    def differences(points: np.ndarray, p: np.ndarray) -> np.ndarray:
        n, S = len(points) - 1, points.shape[1]
        steps = DIFFERENCE * np.maximum(np.abs(points[1:]), SMALLEST_DIFFERENCE)  # (n, S)
        moved = np.tile(points, (1, 1 + n))
        for j in range(n):
            moved[1 + j, (1 + j) * S : (2 + j) * S] += steps[j]
        values = N.unchecked(moved, p).reshape(n, 1 + n, S)
        steps = moved[1:].reshape(n, 1 + n, S)[np.arange(n), np.arange(1, 1 + n)] - points[1:]  # as rounded
        result: np.ndarray = ((values[:, 1:] - values[:, :1]) / steps).reshape(n * n, S)
        return result

    return N.unchecked, differences
