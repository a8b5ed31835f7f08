"""What a solve takes, of linear and of nonlinear families: data at a model's points, and output coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ...base.checks import finite
from ...equations.pde.compatible import KINK, check_corner
from ...equations.pde.data import boundary_data, initial_data
from ...equations.pde.family import PDEFamily
from .rows import PDEPoints, physical

Between: TypeAlias = tuple[np.ndarray, list[np.ndarray | None]]  # scaled points (N, d + 1) at the start, on each side

BETWEEN = 2  # times as many points as data points, where solutions are held against what was given
STEPS = {0: (), 1: (0.6180339887498949,), 2: (0.7548776662466927, 0.5698402909980532)}  # R sequences (Roberts, 2018)
DEFAULT_LINE, DEFAULT_PLANE, DEFAULT_TIMES = 128, 64, (128, 32)  # output points; times in one and two dimensions


def data_at(
    family: PDEFamily, points: PDEPoints, p: np.ndarray, u0: Any, inflow: Any, boundary: Any, kinks: bool
) -> np.ndarray:
    """Initial and boundary values (n, M) at `points.data`."""
    return Given(family, p, u0, inflow, boundary, kinks).at(points)


class Given:
    """Initial and boundary values of a member p, as a user gives them; ValueError for contradictory ones."""

    def __init__(self, family: PDEFamily, p: np.ndarray, u0: Any, inflow: Any, boundary: Any, kinks: bool) -> None:
        check_flag(kinks, "kinks")
        self.family = family
        self.start = initial_data(family, u0, p)
        self.sides = boundary_data(family, inflow, boundary, self.start, p)
        if not kinks:
            check_corner(family, self.start, self.sides, KINK, ", or pass kinks=True")

    def at(self, points: PDEPoints) -> np.ndarray:
        """Data (n, M) at `points.data`."""
        at = physical(self.family, points.data)
        first = len(points.initial)
        data = np.zeros((self.family.n, at.shape[1]))
        data[:, :first] = self.start(at[:-1, :first])
        for condition, side, values in zip(self.family.conditions, points.sides, self.sides, strict=True):
            if side is not None and values is not None:
                here = slice(first, first + len(side))
                data[list(condition.fields), here] = values(at[:, here])
                first += len(side)
        return data

    def missed(self, between: Between, evaluate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """How far a solution is from the given values between the data points, (n,): what data there do not see.

        evaluate: scaled points (N, d + 1) → (n, N).
        """
        initial, sides = between
        largest = np.abs(evaluate(initial) - self.start(physical(self.family, initial)[:-1])).max(axis=1)
        for condition, side, values in zip(self.family.conditions, sides, self.sides, strict=True):
            if side is not None and values is not None and condition.kind != "neumann":
                fields = list(condition.fields)
                error = np.abs(evaluate(side)[fields] - values(physical(self.family, side)))
                largest[fields] = np.maximum(largest[fields], error.max(axis=1))
        return np.asarray(largest)


def between(points: PDEPoints) -> Between:
    """Points of the start and of each side, more and as dense as the data points but elsewhere."""
    return _spread(points.initial), [None if side is None else _spread(side) for side in points.sides]


def _spread(points: np.ndarray) -> np.ndarray:
    spread = np.repeat(points[:1], BETWEEN * len(points), axis=0)
    axes = [k for k, column in enumerate(points.T) if np.ptp(column) > 0]
    for k, step in zip(axes, STEPS[len(axes)], strict=True):
        known = np.unique(np.concatenate([[0.0], points[:, k], [1.0]]))
        spread[:, k] = np.interp((0.5 + step * np.arange(len(spread))) % 1.0, np.linspace(0, 1, len(known)), known)
    return spread


def check_flag(value: Any, name: str) -> None:
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")


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
