"""Interpolation of samples: values (m, S) at S points of one or two coordinates, in any order.

along one axis      cubic splines or, where the samples are uniform along a periodic axis, their Fourier series
on a tensor grid    the same along each of two axes
scattered           radial functions r⁵ and polynomials of second degree through all samples, four times continuously
                    differentiable (SciPy's RBFInterpolator; Fasshauer, Meshfree Approximation Methods, 2007, chapter 8)

Scattered points are taken in the unit square; periodic axes continue by the samples near their ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...base.checks import finite, rows
from .spectral import fourier_interpolation

FEWEST = 4  # samples of a cubic spline
CLOSE = 1e-9  # of an interval: where two coordinates are the same
SAME = 1e-6  # of the largest value: at both ends of a periodic axis
FEWEST_SCATTERED = 6  # as many as there are polynomials of second degree
MOST = 5000  # scattered samples: two seconds, and 0.4 GB for a dense system
MARGIN = 4.0  # mean distances of samples, to which a periodic axis is continued
SLACK = 2.0, 0.1  # mean distances, and of an axis: how far beyond the samples' hull values are extrapolated
GAP = 4.0  # mean distances without a sample along a periodic axis


@dataclass(frozen=True)
class Axis:
    """A coordinate of the points."""

    name: str
    low: float
    high: float
    periodic: bool

    @property
    def length(self) -> float:
        return self.high - self.low


def interpolation(axes: Sequence[Axis], given: Any, m: int, what: str) -> Callable[[np.ndarray], np.ndarray]:
    """points (len(axes), N) → values (m, N), prepared here; given: samples (points, values)."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(f"{what} must be a function, or samples (points, values), got {type(given).__name__}")
    points, values = finite(given[0], f"{what}: points"), rows(finite(given[1], f"{what}: values"), m)
    d = len(axes)
    if d == 1 and points.ndim == 2 and points.shape[1] == 1:
        points = points[:, 0]
    if points.ndim != d or (d == 2 and points.shape[1] != 2):
        expected = f"(S,), the {axes[0].name}" if d == 1 else f"(S, 2), rows {axes[0].name}, {axes[1].name}"
        raise ValueError(f"{what}: points must have shape {expected}, got {points.shape}")
    if values.shape != (m, len(points)):
        raise ValueError(f"{what}: values must have shape {(m, len(points))}, got {values.shape}")
    columns = points.reshape(len(points), d).T
    if d == 1:
        line = _Line(axes[0], np.unique(points), what)
        on_line = _on_grid([line], columns, values, what)
        return lambda x: on_line @ line.matrix(x[0]).T
    distinct = [_distinct(column, CLOSE * axis.length) for axis, column in zip(axes, columns, strict=True)]
    flat = _places(distinct, columns)
    if len(points) != np.prod([len(own) for own in distinct]) or len(np.unique(flat)) != len(points):
        return _scattered(axes, columns, values, what)
    lines = [_Line(axis, own, what) for axis, own in zip(axes, distinct, strict=True)]
    grid = _on_grid(lines, columns, values, what)
    return lambda x: np.einsum("Na,nab,Nb->nN", lines[0].matrix(x[0]), grid, lines[1].matrix(x[1]), optimize=True)


# --------------------------------------------------------------------------------------------------- scattered points
def _scattered(
    axes: Sequence[Axis], columns: np.ndarray, values: np.ndarray, what: str
) -> Callable[[np.ndarray], np.ndarray]:
    from scipy.interpolate import RBFInterpolator

    low, length = np.array([axis.low for axis in axes]), np.array([axis.length for axis in axes])
    z, values = _one_period(axes, (columns.T - low) / length, values.T, what)  # (S, 2), (S, m)
    spacing = 1 / np.sqrt(len(z))
    for k in [k for k, axis in enumerate(axes) if axis.periodic]:
        margin, period = min(MARGIN * spacing, 1.0), np.eye(2)[k]
        after, before = z[:, k] < margin, z[:, k] > 1 - margin
        z = np.concatenate([z, z[after] + period, z[before] - period])
        values = np.concatenate([values, values[after], values[before]])
    if len(z) > MOST:
        raise ValueError(
            f"{what}: {len(columns.T)} scattered points, {len(z)} with those that continue periodic axes, are more "
            f"than {MOST}, and too many to interpolate; leave some out, or give a tensor grid, or a function"
        )
    _check_covered(axes, z, spacing, what)
    if np.linalg.matrix_rank(np.stack([np.ones(len(z)), *z.T, *(z * z).T, z.prod(axis=1)])) < FEWEST_SCATTERED:
        raise ValueError(
            f"{what}: the points lie on two lines or another conic; give points between them too, or a function"
        )
    interpolate = RBFInterpolator(z, values, kernel="quintic")
    return lambda x: np.ascontiguousarray(interpolate((x.T - low) / length).T)


def _one_period(axes: Sequence[Axis], z: np.ndarray, values: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """The samples without those at the high end of a periodic axis that are at its low end too."""
    from scipy.spatial import cKDTree

    for i, j in cKDTree(z).query_pairs(CLOSE, output_type="ndarray")[:1]:
        at = ", ".join(f"{axis.name} = {axis.low + axis.length * zk:g}" for axis, zk in zip(axes, z[i], strict=True))
        raise ValueError(f"{what}: points {min(i, j)} and {max(i, j)} are the same, {at}; leave one of them out")
    if len(z) < FEWEST_SCATTERED:
        raise ValueError(f"{what}: {len(z)} scattered points; interpolation takes {FEWEST_SCATTERED} or more")
    z = z.copy()
    for k, axis in enumerate(axes):
        if not axis.periodic:
            continue
        if z[:, k].min() < -CLOSE or z[:, k].max() > 1 + CLOSE:
            raise ValueError(f"{what}: the {axis.name} of points must lie in [{axis.low:g}, {axis.high:g}], one period")
        z[z[:, k] >= 1 - CLOSE, k] -= 1
    first, second = cKDTree(z).query_pairs(CLOSE, output_type="ndarray").T
    if np.abs(values[first] - values[second]).max(initial=0) > SAME * np.abs(values).max():
        raise ValueError(f"{what}: the values at the two ends of a periodic axis differ; leave one end out")
    kept = np.setdiff1d(np.arange(len(z)), np.maximum(first, second))
    return z[kept], values[kept]


def _check_covered(axes: Sequence[Axis], z: np.ndarray, spacing: float, what: str) -> None:
    """ValueError where the unit square is not inside the hull of z, or a periodic axis has a gap."""
    from scipy.spatial import ConvexHull, QhullError

    for axis, column in zip(axes, np.sort(z, axis=0).T, strict=True):
        k = int(np.argmax(np.diff(column)))
        if axis.periodic and column[k + 1] - column[k] > GAP * spacing:
            low, high = axis.low + axis.length * column[k : k + 2]
            raise ValueError(
                f"{what}: no points with {axis.name} in ({low:g}, {high:g}), but one period is needed; add samples "
                "there, or give a function"
            )
    try:
        faces = ConvexHull(z).equations  # (F, 3): outward normal and offset
    except QhullError:
        raise ValueError(
            f"{what}: the points lie on one line; give points of the whole rectangle, or a function"
        ) from None
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    beyond = (faces[:, :2] @ corners.T + faces[:, 2:]).max(axis=0)
    k = int(np.argmax(beyond))
    if beyond[k] > min(SLACK[0] * spacing, SLACK[1]):
        corner = ", ".join(
            f"{axis.name} = {axis.high if end else axis.low:g}" for axis, end in zip(axes, corners[k], strict=True)
        )
        raise ValueError(
            f"{what}: the points do not reach the corner {corner}, but the whole rectangle is needed; add samples "
            "there, or give a function"
        )


# ------------------------------------------------------------------------------------------------------- tensor grids
class _Line:
    """Interpolation along one axis from distinct, increasing samples (S,)."""

    def __init__(self, axis: Axis, samples: np.ndarray, what: str) -> None:
        self.low, self.high, self.length, self.periodic = axis.low, axis.high, axis.length, axis.periodic
        self.samples, self.what = samples, f"{what}: the {axis.name} of points"
        step = CLOSE * self.length
        if len(samples) < FEWEST:
            raise ValueError(f"{self.what} are {len(samples)} distinct ones; interpolation takes {FEWEST} or more")
        self.wrapped = self.periodic and abs(samples[-1] - samples[0] - self.length) <= step  # both ends
        gaps = np.diff(samples)
        if gaps.min() <= step:
            k = int(np.argmin(gaps))
            raise ValueError(f"{self.what} are almost the same at {samples[k]:g} twice; leave one of them out")
        if self.periodic:
            last = 0.0 if self.wrapped else self.length - (samples[-1] - samples[0])
            covered = -step <= last <= 2 * gaps.max()
            covered = covered and self.low - step <= samples[0] and samples[-1] <= self.high + step
        else:
            covered = samples[0] <= self.low + step and samples[-1] >= self.high - step
        if not covered:
            raise ValueError(
                f"{self.what} cover [{samples[0]:g}, {samples[-1]:g}], but [{self.low:g}, {self.high:g}] is needed"
                f"{' for one period' if self.periodic else ''}; add samples, or give a function"
            )
        self.distinct = samples[:-1] if self.wrapped else samples
        uniform = samples[0] + self.length * np.arange(len(self.distinct)) / len(self.distinct)
        self.fourier = self.periodic and np.abs(self.distinct - uniform).max() <= step

    @cached_property
    def spline(self) -> Callable[[np.ndarray], np.ndarray]:
        """The cubic splines that are 1 at one sample: x (N,) → (N, S), with one end alone where both are given."""
        from scipy.interpolate import CubicSpline

        if not self.periodic:
            return CubicSpline(self.samples, np.eye(len(self.samples)))
        knots = np.append(self.distinct, self.distinct[0] + self.length)
        values = np.concatenate([np.eye(len(self.distinct)), np.eye(1, len(self.distinct))])
        return CubicSpline(knots, values, bc_type="periodic")

    def matrix(self, x: np.ndarray) -> np.ndarray:
        """Values at x (N,) from those at the samples, (N, S)."""
        if not self.periodic:
            outside = (x < min(self.samples[0], self.low)) | (x > max(self.samples[-1], self.high))
            if outside.any():
                raise ValueError(
                    f"{self.what} end at [{self.samples[0]:g}, {self.samples[-1]:g}], but a value at "
                    f"{x[np.argmax(outside)]:g} is needed; give more samples, or a function"
                )
            return self.spline(x)
        matrix = fourier_interpolation(self.distinct, self.length, x) if self.fourier else self.spline(x)
        return np.concatenate([matrix, np.zeros((len(x), len(self.samples) - len(self.distinct)))], axis=1)


def _distinct(column: np.ndarray, step: float) -> np.ndarray:
    """The coordinates that occur, those within a step of each other once."""
    every = np.unique(column)
    return every[np.diff(every, prepend=-np.inf) > step]


def _places(distinct: Sequence[np.ndarray], columns: np.ndarray) -> np.ndarray:
    """Of each point its number on the tensor grid of the distinct coordinates, (S,)."""
    place = np.zeros(columns.shape[1], dtype=np.intp)
    for own, column in zip(distinct, columns, strict=True):
        place = place * len(own) + np.searchsorted(own, column, side="right") - 1
    return place


def _on_grid(lines: Sequence[_Line], columns: np.ndarray, values: np.ndarray, what: str) -> np.ndarray:
    """values (m, S) as (m, S_1[, S_2]) on the lines' tensor grid."""
    place = _places([line.samples for line in lines], columns)
    if len(np.unique(place)) != len(place):
        raise ValueError(f"{what}: {len(place)} samples have a point twice; leave one of them out")
    grid = np.empty(values.shape)
    grid[:, place] = values
    grid = grid.reshape(len(values), *(len(line.samples) for line in lines))
    for k, line in enumerate(lines, start=1):
        ends = np.take(grid, [0, -1], axis=k)
        if line.wrapped and np.abs(np.diff(ends, axis=k)).max() > SAME * max(np.abs(values).max(), 1e-300):
            raise ValueError(f"{what}: the values at the two ends of a periodic axis differ; leave one end out")
    return grid
