"""What a user gives as initial and boundary values, as functions of points.

d space coordinates, n fields; a condition holds for m of the fields.

    u0        a function of x (N,), or of x and y (N,), → (n, N)
              samples (points, values): points (S,), or in two dimensions (S, 2), all those of a tensor grid, and
              values (n, S)
    boundary  a function of t (N,), or in two dimensions of the other coordinate and t, → (m, N)
              samples (times, values), in one dimension: times (S,), values (m, S)

Samples are interpolated by cubic splines or, where they are uniform along a periodic axis, by their Fourier series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .checks import finite, real
from .conditions import Condition
from .pde_family import PDEFamily
from .spectral import fourier_interpolation

Data = Callable[[np.ndarray], np.ndarray]  # points (d, N) or (d + 1, N) → values (n or m, N)

FEWEST = 4  # samples of a cubic spline
CLOSE = 1e-9  # of an interval: where two coordinates are the same


def initial_data(family: PDEFamily, u0: Any, p: np.ndarray) -> Data:
    """Initial values at points (d, N) → (n, N), of the family's default where u0 is None."""
    if u0 is None:
        return lambda x: family.initial_at(x, p)
    what = f"u0 of {family.name!r}"
    if callable(u0):
        return lambda x: _called(u0, x, family.n, what)
    points, values = _samples(u0, what)
    if family.d == 1 and points.ndim == 2 and points.shape[1] == 1:
        points = points[:, 0]
    expected = "(S,)" if family.d == 1 else "(S, 2)"
    if points.ndim != family.d or (family.d == 2 and points.shape[1] != 2):
        raise ValueError(f"{what}: points must have shape {expected}, got {points.shape}")
    if values.shape != (family.n, len(points)):
        raise ValueError(f"{what}: values must have shape {(family.n, len(points))}, got {values.shape}")
    columns = points.reshape(len(points), family.d).T
    axes = []
    for xi, column, ends, periodic in zip(
        family.coordinates, columns, family.domain.tolist(), family.periodic, strict=True
    ):
        axes.append(_Axis(np.unique(column), ends, periodic, f"{what}: the {xi} of points"))
    grid = _on_grid(axes, columns, values, what)
    if family.d == 1:
        return lambda x: grid @ axes[0].matrix(x[0]).T
    return lambda x: np.einsum("Na,nab,Nb->nN", axes[0].matrix(x[0]), grid, axes[1].matrix(x[1]), optimize=True)


def boundary_data(family: PDEFamily, inflow: Any, boundary: Any, u0: Data, p: np.ndarray) -> list[Data | None]:
    """For each of the family's conditions its values at points (d + 1, N) → (m, N); None where it is periodic.

    inflow: for the one Inflow condition; boundary: a dict (coordinate, side) → values; the family's own where neither
    is given. u0: initial values, which those of "characteristics" are continued from.
    """
    given: dict[int, Any] = {}
    if inflow is not None:
        given[_only_inflow(family)] = inflow
    if boundary is not None:
        if not isinstance(boundary, Mapping):
            raise ValueError(f"boundary must be a dict (coordinate, side) → values, got {type(boundary).__name__}")
        for key, values in boundary.items():
            k = _find(family, key)
            if k in given:
                raise ValueError(f"boundary[{key!r}] is given by inflow too; leave one of them out")
            given[k] = values
    return [
        _given_data(family, condition, given[k]) if k in given else _own_data(family, condition, u0, p)
        for k, condition in enumerate(family.conditions)
    ]


def _only_inflow(family: PDEFamily) -> int:
    found = [k for k, condition in enumerate(family.conditions) if condition.kind == "inflow"]
    if len(found) != 1:
        raise ValueError(
            f"inflow is for families with one Inflow condition, {family.name!r} has {len(found)}; use "
            'boundary={("x", "low"): …}'
        )
    return found[0]


def _find(family: PDEFamily, key: Any) -> int:
    sides = {
        k: (family.coordinates[condition.axis], condition.side)
        for k, condition in enumerate(family.conditions)
        if condition.side is not None
    }
    found = [k for k, side in sides.items() if isinstance(key, tuple) and (*map(str, key),) == side]
    if len(found) != 1:
        problem = "more than one condition" if found else "no condition"
        known = ", ".join(map(str, sides.values())) or "none, all axes are periodic"
        raise ValueError(f"boundary has the key {key!r}, for which {family.name!r} has {problem}; sides: {known}")
    return found[0]


def _own_data(family: PDEFamily, condition: Condition, u0: Data, p: np.ndarray) -> Data | None:
    if condition.kind == "periodic":
        return None
    if condition.continues:
        from . import characteristics

        return lambda points: characteristics.solution(family, u0, points, p)
    assert condition.values is not None
    program = condition.values
    return lambda points: program(points, p)


def _given_data(family: PDEFamily, condition: Condition, given: Any) -> Data:
    m, d = len(condition.fields), family.d
    what = f"the {condition.kind} values of {family.name!r} at {condition.where(family)}"
    along = [k for k in range(d + 1) if k != condition.axis]  # the other coordinate, and t
    if callable(given):
        return lambda points: _called(given, points[along], m, what)
    if d == 2:
        raise ValueError(f"{what} must be a function of the other coordinate and t, got {type(given).__name__}")
    times, values = _samples(given, what)
    if times.ndim != 1 or values.shape != (m, len(times)):
        raise ValueError(
            f"{what}: samples must be times (S,) and values ({m}, S), got shapes {times.shape} and {values.shape}"
        )
    axis = _Axis(np.unique(times), family.t_span, False, f"{what}: the times")
    grid = _on_grid([axis], times[None], values, what)
    return lambda points: grid @ axis.matrix(points[1]).T


def _called(function: Callable[..., Any], arguments: np.ndarray, n: int, what: str) -> np.ndarray:
    values = real(function(*(row.copy() for row in arguments)), f"the value of {what}")
    expected = (n, arguments.shape[1])
    if values.shape != expected:
        raise ValueError(f"{what} returned shape {values.shape} for {expected[1]} points, expected {expected}")
    if not np.isfinite(values).all():
        k = int(np.argmin(np.isfinite(values).all(axis=0)))
        raise ValueError(f"{what} is not finite at {arguments[:, k].tolist()}: {values[:, k].tolist()}")
    return values


def _samples(given: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(f"{what} must be a function, or samples (points, values), got {type(given).__name__}")
    return finite(given[0], f"{what}: points"), finite(given[1], f"{what}: values")


class _Axis:
    """Interpolation along one axis from distinct, increasing samples (S,)."""

    def __init__(self, samples: np.ndarray, ends: Sequence[float], periodic: bool, what: str) -> None:
        low, high = ends
        self.length, self.low, self.high, self.what = high - low, low, high, what
        step = CLOSE * self.length
        if len(samples) < FEWEST:
            raise ValueError(f"{what} are {len(samples)} distinct ones; interpolation takes {FEWEST} or more")
        self.wrapped = periodic and abs(samples[-1] - samples[0] - self.length) <= step  # both ends, the same values
        gaps = np.diff(samples)
        if gaps.min() <= step:
            k = int(np.argmin(gaps))
            raise ValueError(f"{what} are almost the same at {samples[k]:g} twice; leave one of them out")
        if periodic:
            last = 0.0 if self.wrapped else self.length - (samples[-1] - samples[0])
            covered = -step <= last <= 2 * gaps.max() and low - step <= samples[0] and samples[-1] <= high + step
        else:
            covered = samples[0] <= low + step and samples[-1] >= high - step
        if not covered:
            raise ValueError(
                f"{what} cover [{samples[0]:g}, {samples[-1]:g}], but [{low:g}, {high:g}] is needed"
                f"{' for one period' if periodic else ''}; add samples, or give a function"
            )
        self.samples, self.periodic = samples, periodic
        self.distinct = samples[:-1] if self.wrapped else samples
        uniform = samples[0] + self.length * np.arange(len(self.distinct)) / len(self.distinct)
        self.fourier = periodic and np.abs(self.distinct - uniform).max() <= step

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


def _on_grid(axes: list[_Axis], columns: np.ndarray, values: np.ndarray, what: str) -> np.ndarray:
    """values (n, S) as (n, S_1[, S_2]) on the axes' tensor grid."""
    shape = tuple(len(axis.samples) for axis in axes)
    flat = np.zeros(columns.shape[1], dtype=np.intp)
    for axis, column in zip(axes, columns, strict=True):
        flat = flat * len(axis.samples) + np.searchsorted(axis.samples, column)
    if columns.shape[1] != np.prod(shape) or len(np.unique(flat)) != columns.shape[1]:
        size = " × ".join(map(str, shape))
        problem = "have a point twice" if len(axes) == 1 else f"are no tensor grid: {size} coordinates occur"
        raise ValueError(f"{what}: {columns.shape[1]} samples {problem}; give each point of a grid once, or a function")
    grid = np.empty((len(values), columns.shape[1]))
    grid[:, flat] = values
    grid = grid.reshape(len(values), *shape)
    for k, axis in enumerate(axes, start=1):
        ends = np.take(grid, [0, -1], axis=k)
        if axis.wrapped and np.abs(np.diff(ends, axis=k)).max() > 1e-6 * max(np.abs(values).max(), 1e-300):
            raise ValueError(f"{what}: the values at the two ends of a periodic axis differ; leave one end out")
    return grid
