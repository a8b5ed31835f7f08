"""What solving members of a family of PDEs on all functions of a dictionary needs, whichever the member.

d coordinates, n fields, m functions Φ, N collocation points, M data, P parameters; W (n, m) coefficients, T the time
span; scaled coordinates z, x ∈ [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from ...equations.pde.family import PDEFamily
from .groups import split
from .growth import Checks
from .rows import BLOCK, Functions, GroupRows, Order, PDEPoints

BETWEEN_POINTS = 1500


class FieldTables:
    """Functions, points and rows of a family, and what they say of coefficients W (n, m)."""

    def __init__(self, family: PDEFamily, functions: Functions, points: PDEPoints) -> None:
        coordinates = getattr(functions, "coordinates", family.d + 1)
        if coordinates != family.d + 1:
            raise ValueError(
                f"the functions are of {coordinates} coordinates, {family.name!r} has {family.d} and the time"
            )
        self.family, self.functions, self.points = family, functions, points
        whole = replace(split(family), mixing=np.eye(family.n), groups=(tuple(range(family.n)),))
        self.rows = GroupRows(family, whole, 0, points)

    def slices(self) -> Iterator[slice]:
        for start in range(0, len(self.points.interior), BLOCK):
            yield slice(start, start + BLOCK)

    @cached_property
    def data_rows(self) -> np.ndarray:
        return self.rows.data_rows(self.functions)

    def values(self, W: np.ndarray, points: np.ndarray, order: Order) -> np.ndarray:
        return np.concatenate(
            [W @ self.functions.evaluate(points[k : k + BLOCK], [order])[0].T for k in range(0, len(points), BLOCK)],
            axis=1,
        )

    @cached_property
    def checks(self) -> Checks:
        """Where the growth of errors, and errors, are estimated."""
        return Checks(self.rows)

    @cached_property
    def nearest(self) -> np.ndarray:
        return self.checks.nearest(self.points.interior)

    def linear(self, p: np.ndarray, W: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂_x u − T Σ θ L u, and u, (n, N) each, at scaled points."""
        orders = [self.rows.in_time, *self.rows.orders, (0,) * (self.family.d + 1)]
        found = self.functions.evaluate(points, orders)
        values = {order: [value @ own[:, None] for own in W] for order, value in zip(orders, found, strict=True)}
        return self.rows.weighted(self.rows.parts(points, values), self.family.theta_at(p))[:, :, 0], W @ found[-1].T

    def missed(self, p: np.ndarray, W: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂_x u − T (Σ θ L u + f + N(u)), and u, (n, N) each, at scaled points."""
        linear, u = self.linear(p, W, points)
        return linear - self.rows.span * self.rows.forcing(p, points, u), u

    def residual(self, p: np.ndarray, W: np.ndarray) -> float:
        """As PDEAnswer.residual."""
        x = self.between[:, -1]
        missed, u = self.missed(p, W, self.between)
        return largest_ratio(np.sqrt(np.mean(x * missed**2, axis=1)), np.abs(u).max(axis=1))

    @cached_property
    def between(self) -> np.ndarray:
        """Points between the collocation points: of the same density, drawn with a fixed seed."""
        rng = np.random.default_rng(3)
        interior = self.points.interior
        times = np.unique(interior[:, -1])
        points = rng.random((BETWEEN_POINTS, self.family.d + 1))
        points[:, -1] = np.interp(points[:, -1], np.linspace(0, 1, len(times)), times)
        return points

    # -------------------------------------------------------------------------------------------------------- sizes
    @cached_property
    def _sample(self) -> np.ndarray:
        """The functions at the points where sizes are taken, (N, m)."""
        return self.functions.evaluate(self.between, [(0,) * (self.family.d + 1)])[0]

    def size(self, W: np.ndarray) -> np.ndarray:
        result: np.ndarray = np.abs(W @ self._sample.T).max(axis=1)
        return result

    def change(self, step: np.ndarray, W: np.ndarray) -> float:
        return largest_ratio(self.size(step), self.size(W))


def largest_ratio(part: np.ndarray, whole: np.ndarray) -> float:
    ratio = float((part / np.maximum(whole, np.finfo(float).tiny)).max())
    return ratio if math.isfinite(ratio) else math.inf
