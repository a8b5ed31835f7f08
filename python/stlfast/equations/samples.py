"""Tabulated inputs: polynomials between the times of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base.checks import finite
from ..base.names import public

KINDS = ("previous", "linear", "cubic")


@public
class Samples:
    """A function of time from a table: `Samples(t, values)`, which `Windows.solve` takes as `forcing`.

    Parameters
    ----------
    t: (M,) increasing times.
    values: (M,), or (n, M) for n functions.
    kind: "previous" holds each value until the next time, beyond the last too (default); "linear" is linear in between;
        "cubic" a cubic spline with two continuous derivatives (SciPy's CubicSpline, not-a-knot).

    `samples(s)` has the shape of s, or (n, *s.shape), for times s from t[0] to t[-1] ("previous": and later). A Python
    function as rhs may call it; `Family(..., breaks=samples.breaks)` then makes windows end at its times.
    breaks: the times at which the function is not smooth, a list.

    Errors: ValueError for times that do not increase, another shape, numbers that are not finite, an unknown kind, and
    calls outside the table.
    """

    __slots__ = ("_coefficients", "kind", "t", "values")

    def __init__(self, t: Any, values: Any, kind: str = "previous") -> None:
        self.t, self.values, self.kind = finite(t, "t").copy(), finite(values, "values").copy(), kind
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if self.t.ndim != 1 or len(self.t) < (1 if kind == "previous" else 2):
            raise ValueError(f"t must be one-dimensional with at least 2 times (previous: 1), got shape {self.t.shape}")
        falling = np.flatnonzero(np.diff(self.t) <= 0)
        if len(falling):
            k = int(falling[0])
            raise ValueError(f"t must increase, and t[{k + 1}] = {self.t[k + 1]:g} comes after t[{k}] = {self.t[k]:g}")
        if self.values.ndim not in (1, 2) or self.values.shape[-1] != len(self.t):
            raise ValueError(f"values must have shape ({len(self.t)},) or (n, {len(self.t)}), got {self.values.shape}")
        self._coefficients = self._polynomials()  # (4, n, pieces)
        self.t.flags.writeable = self.values.flags.writeable = False

    def _polynomials(self) -> np.ndarray:
        rows = np.atleast_2d(self.values)
        if self.kind == "previous":
            return np.stack([rows, *[np.zeros_like(rows)] * 3])
        if self.kind == "linear":
            slopes = np.diff(rows) / np.diff(self.t)
            return np.stack([rows[:, :-1], slopes, *[np.zeros_like(slopes)] * 2])
        from scipy.interpolate import CubicSpline

        cubic: np.ndarray = np.moveaxis(CubicSpline(self.t, rows, axis=1).c[::-1], 2, 1).copy()
        return cubic

    def __call__(self, s: Any) -> np.ndarray:
        given = np.asarray(s, dtype=np.float64)
        self.check(float(given.min(initial=np.inf)), float(given.max(initial=-np.inf)))
        k = np.clip(np.searchsorted(self.t, given, side="right") - 1, 0, self._coefficients.shape[2] - 1)
        d, c = given - self.t[k], self._coefficients[:, :, k]
        found = c[0] + d * (c[1] + d * (c[2] + d * c[3]))
        result: np.ndarray = found[0] if self.values.ndim == 1 else found
        return result

    def check(self, first: float, last: float) -> None:
        """ValueError unless the table says what the function is from `first` to `last`."""
        end = np.inf if self.kind == "previous" else self.t[-1] + 1e-12 * (self.t[-1] - self.t[0])
        if first < self.t[0] - 1e-12 * (self.t[-1] - self.t[0]) or last > end:
            raise ValueError(
                f"samples from {self.t[0]:g} to {self.t[-1]:g} do not cover {first:g} … {last:g}: add times, or "
                "shorten t_span"
            )

    @property
    def breaks(self) -> list[float]:
        jumps = np.zeros(len(self.t), dtype=bool)
        if self.kind == "previous":
            jumps[1:] = np.any(np.diff(np.atleast_2d(self.values)) != 0, axis=0)
        elif self.kind == "linear":
            jumps[1:-1] = np.any(np.diff(self._coefficients[1]) != 0, axis=0)
        else:
            jumps[1:-1] = True
        found: list[float] = self.t[jumps].tolist()
        return found

    def pieces(self, n: int, span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Knots (K,) in time scaled to [0, 1], and what is added to the scaled equations of n states: (K, 4 n)."""
        rows = self._coefficients
        if rows.shape[1] != n:
            raise ValueError(f"samples as forcing must have values of shape ({n}, M), got {self.values.shape}")
        length = span[1] - span[0]
        scaled = rows * (length ** np.arange(1.0, 5.0))[:, None, None]
        K = rows.shape[2]
        return (self.t[:K] - span[0]) / length, np.ascontiguousarray(scaled.transpose(2, 0, 1).reshape(K, 4 * n))

    def __repr__(self) -> str:
        return f"Samples({len(self.t)} times from {self.t[0]:g} to {self.t[-1]:g}, kind={self.kind!r})"
