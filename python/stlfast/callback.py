"""A Python function in the place of an instruction list, for right-hand sides that SymPy cannot express.

f(t, y, **params) → (n, N) for times t (N,) and states y (n, N), and jac alike → (n, n, N), in physical time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .checks import real
from .program import Instructions


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
            return (length * values[:, 0]).tolist()

        return evaluate

    def _values(self, points: np.ndarray, inputs: list[float]) -> tuple[np.ndarray, np.ndarray, float]:
        t0, t1 = self.t_span.scalar(inputs)(0.0)
        t, y = t0 + (t1 - t0) * points[0], points[1:].copy()
        values = real(self.function(t, y, **dict(zip(self.names, inputs, strict=True))), f"the value of {self.what}")
        expected = (*self.shape, len(t))
        if values.shape != expected:
            raise ValueError(
                f"{self.what} returned shape {values.shape} for t of shape {t.shape} and y of shape {y.shape}, "
                f"expected {expected}"
            )
        return t, values.reshape(-1, len(t)), t1 - t0
