"""What a solve takes, of linear and of nonlinear families: data at a model's points, and output coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import finite
from .conditions import KINK, check_corner
from .pde_data import boundary_data, initial_data
from .pde_family import PDEFamily
from .pde_rows import PDEPoints, physical

DEFAULT_LINE, DEFAULT_PLANE, DEFAULT_TIMES = 128, 64, (128, 32)  # output points; times in one and two dimensions


def data_at(
    family: PDEFamily, points: PDEPoints, p: np.ndarray, u0: Any, inflow: Any, boundary: Any, kinks: bool
) -> np.ndarray:
    """Initial and boundary values (n, M) at `points.data`; ValueError for wrong ones, or contradictory ones."""
    start = initial_data(family, u0, p)
    given = boundary_data(family, inflow, boundary, start, p)
    if not kinks:
        check_corner(family, start, given, KINK)
    at = physical(family, points.data)
    first = len(points.initial)
    data = np.zeros((family.n, at.shape[1]))
    data[:, :first] = start(at[:-1, :first])
    for condition, side, values in zip(family.conditions, points.sides, given, strict=True):
        if side is not None and values is not None:
            here = slice(first, first + len(side))
            data[list(condition.fields), here] = values(at[:, here])
            first += len(side)
    return data


def output_axes(family: PDEFamily, x: Any, y: Any, t: Any) -> list[np.ndarray]:
    """Output coordinates of each axis and the times, as given or the default ones."""
    if y is not None and family.d == 1:
        raise ValueError(f"{family.name!r} has one space coordinate, {family.coordinates[0]}; leave y out")
    count = DEFAULT_LINE if family.d == 1 else DEFAULT_PLANE
    axes = []
    for k, given in enumerate((x, y)[: family.d]):
        low, high = family.domain[k]
        ends = not family.periodic[k]
        own = np.linspace(low, high, count, endpoint=ends) if given is None else given
        axes.append(_coordinate(own, low, high, family.coordinates[k]))
    low, high = family.t_span
    times = np.linspace(low, high, DEFAULT_TIMES[family.d - 1]) if t is None else t
    axes.append(_coordinate(times, low, high, family.time))
    return axes


def scaled_axes(family: PDEFamily, axes: list[np.ndarray]) -> list[np.ndarray]:
    """The same in [0, 1]."""
    box = [*family.domain.tolist(), family.t_span]
    return [np.clip((a - low) / (high - low), 0, 1) for a, (low, high) in zip(axes, box, strict=True)]


def _coordinate(values: Any, low: float, high: float, name: str) -> np.ndarray:
    array = np.array(finite(values, name))
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be a one-dimensional array of output coordinates, got shape {array.shape}")
    slack = 1e-12 * (high - low)
    outside = (array < low - slack) | (array > high + slack)
    if outside.any():
        raise ValueError(f"{name} = {array[outside][0]:g} is outside [{low:g}, {high:g}]")
    return array
