"""The least-squares rows of a family of PDEs on functions of space and time, in scaled coordinates z, x ∈ [0, 1].

    ω (∂_x Φ_i W_i − Σ_q θ_q Σ_jk C_q^k[i, j] ∂^k Φ_j W_j)       at collocation points: the residual, times T in time
    ω_0 Φ_i W_i                                                  at initial points
    ω_b Φ_i W_i,  ω_b ∂_z Φ_i W_i / L                            at the points of each side with a condition

d coordinates, n fields of a group, m functions, N points, Q parts. Rows are made in blocks: all at once they are a
hundred times as large as what is kept of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...equations.pde.conditions import SIDES, Condition
from ...equations.pde.family import PDEFamily
from .groups import Splitting, part_matrices

Order = tuple[int, ...]

BLOCK = 2048  # points whose rows are in memory together
FIRST_TIME = 1e-6  # of the time span: the weights √(x + FIRST_TIME) end there
EQUATION_WEIGHT, DATA_WEIGHT = 3.0, 10.0


class Functions(Protocol):
    """Functions of z and x, such as a FieldDictionary."""

    @property
    def size(self) -> int: ...

    def evaluate(self, points: np.ndarray, partials: list[Order]) -> list[np.ndarray]: ...


@dataclass(frozen=True)
class PDEPoints:
    """Where the rows are: scaled points (N, d + 1), time last, and weights (N,); sides hold one entry per condition."""

    interior: np.ndarray
    interior_weights: np.ndarray
    initial: np.ndarray  # (N, d + 1), x = 0
    initial_weights: np.ndarray
    sides: tuple[np.ndarray | None, ...]  # None where the condition needs no rows: periodic
    side_weights: tuple[np.ndarray | None, ...]

    @property
    def data(self) -> np.ndarray:
        """Where data are taken: initial points, then each side's, (M, d + 1)."""
        return np.concatenate([self.initial, *(side for side in self.sides if side is not None)])

    @property
    def data_weights(self) -> np.ndarray:
        return np.concatenate([self.initial_weights, *(w for w in self.side_weights if w is not None)])


def with_data_points(family: PDEFamily, interior: np.ndarray, axes: list[np.ndarray], times: np.ndarray) -> PDEPoints:
    """Collocation points with data on the grid of the axes at x = 0, and on the sides at these times too."""
    weights = EQUATION_WEIGHT * np.sqrt((interior[:, -1] + FIRST_TIME) / len(interior))
    initial = grid_points([*axes, np.zeros(1)])
    sides: list[np.ndarray | None] = []
    for condition in family.conditions:
        if condition.kind == "periodic":
            sides.append(None)
            continue
        assert condition.side is not None
        at = [np.array([float(SIDES.index(condition.side))]) if k == condition.axis else a for k, a in enumerate(axes)]
        sides.append(grid_points([*at, times]))

    def uniform(points: np.ndarray | None) -> np.ndarray | None:
        return None if points is None else np.full(len(points), DATA_WEIGHT / np.sqrt(len(points)))

    start = uniform(initial)
    assert start is not None
    return PDEPoints(interior, weights, initial, start, tuple(sides), tuple(map(uniform, sides)))


class GroupRows:
    """The rows of one group of a family's fields in the variables v of a splitting."""

    def __init__(self, family: PDEFamily, splitting: Splitting, group: int, points: PDEPoints) -> None:
        self.family, self.points = family, points
        self.fields = list(splitting.groups[group])
        self.mixing, self.unmixing = splitting.mixing, np.linalg.inv(splitting.mixing)
        self.lengths = family.domain[:, 1] - family.domain[:, 0]
        self.span = family.t_span[1] - family.t_span[0]
        d = family.d
        self.orders = [(*order, 0) for order in family.partials]
        self.in_time = (0,) * d + (1,)
        self.given = given_data(family, points)  # (n, M) bool, of all fields

    @property
    def n(self) -> int:
        return len(self.fields)

    def physical(self, points: np.ndarray) -> np.ndarray:
        """(d + 1, N) from scaled points (N, d + 1)."""
        return physical(self.family, points)

    def matrices(self, points: np.ndarray) -> dict[tuple[int, Order], np.ndarray]:
        """−T C_q^k of the group in scaled coordinates, (n, n, N)."""
        parts = part_matrices(self.family, self.physical(points))
        scaled = {}
        for (q, order), C in parts.items():
            inner = np.einsum("ia,abN,bj->ijN", self.unmixing[self.fields], C, self.mixing[:, self.fields])
            scaled[q, order] = -self.span / np.prod(self.lengths ** np.array(order)) * inner
        return scaled

    def parts(self, points: np.ndarray, values: Mapping[Order, list[np.ndarray]]) -> dict[int | None, np.ndarray]:
        """What the equations make of functions, by part q and for ∂_x under None: (n, N, columns).

        values: for ∂_x and each of the family's orders the derivative of every field of the group, (N, columns) each.
        """
        result: dict[int | None, np.ndarray] = {None: np.stack(values[self.in_time])}
        for (q, order), C in self.matrices(points).items():
            own = result.setdefault(q, np.zeros_like(result[None]))
            in_space = (*order, 0)
            for i in range(self.n):
                for j in range(self.n):
                    if np.any(C[i, j]):
                        own[i] += C[i, j][:, None] * values[in_space][j]
        return result

    def blocks(self, functions: Functions) -> Iterator[tuple[np.ndarray, dict[int | None, np.ndarray]]]:
        """Weights (b,) and parts (n, b, n·m) of the equations of blocks of collocation points."""
        partials = [self.in_time, *self.orders]
        n, m = self.n, functions.size
        for start in range(0, len(self.points.interior), BLOCK):
            points = self.points.interior[start : start + BLOCK]
            found = functions.evaluate(points, partials)
            values = {}
            for order, value in zip(partials, found, strict=True):
                wide = np.zeros((n, len(points), n * m))
                for i in range(n):
                    wide[i, :, i * m : (i + 1) * m] = value
                values[order] = list(wide)
            yield self.points.interior_weights[start : start + BLOCK], self.parts(points, values)

    def data_rows(self, functions: Functions) -> np.ndarray:
        """What the functions have where data are taken, without weights: (M, m), the same for every field."""
        rows = [functions.evaluate(self.points.initial, [(0,) * (self.family.d + 1)])[0]]
        for condition, side in zip(self.family.conditions, self.points.sides, strict=True):
            if side is not None:
                order, scale = self.side_order(condition)
                rows.append(scale * functions.evaluate(side, [order])[0])
        return np.concatenate(rows)

    def side_order(self, condition: Condition) -> tuple[Order, float]:
        """The derivative that a condition is of, and its scale."""
        order = [0] * (self.family.d + 1)
        if condition.kind != "neumann":
            return tuple(order), 1.0
        order[condition.axis] = 1
        return tuple(order), 1.0 / float(self.lengths[condition.axis])

    def weighted(self, parts: Mapping[int | None, Any], theta: np.ndarray) -> Any:
        """∂_x − Σ_q θ_q … from parts; `parts` of blocks or of anything linear in them."""
        return parts[None] + sum(theta[q] * part for q, part in parts.items() if q is not None)

    def forcing(self, p: np.ndarray, points: np.ndarray, u: np.ndarray) -> np.ndarray:
        """f + N(u), (n, N), at scaled points (N, d + 1)."""
        at, family = self.physical(points), self.family
        total = np.zeros_like(u)
        if family.source is not None:
            total = total + family.source(at, p)
        if family.N is not None:
            total = total + family.N(np.concatenate([at, u]), p)
        return total

    def jacobian(self, p: np.ndarray, points: np.ndarray, u: np.ndarray) -> np.ndarray:
        """∂N/∂u (n, n, N) at scaled points (N, d + 1)."""
        return self.jacobian_at(self.physical(points), p, u)

    def jacobian_at(self, at: np.ndarray, p: np.ndarray, u: np.ndarray) -> np.ndarray:
        """The same at physical points (d + 1, N)."""
        n = self.family.n
        if self.family.J is None:
            return np.zeros((n, n, u.shape[1]))
        return self.family.J(np.concatenate([at, u]), p).reshape(n, n, -1)


def physical(family: PDEFamily, points: np.ndarray) -> np.ndarray:
    """(d + 1, N) from scaled points (N, d + 1)."""
    box = np.concatenate([family.domain, [family.t_span]])
    result: np.ndarray = (box[:, 0] + points * (box[:, 1] - box[:, 0])).T
    return result


def chebyshev_points(count: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)


def grid_points(axes: list[np.ndarray]) -> np.ndarray:
    """All points of the axes' tensor grid, the last coordinate the fastest, (N, len(axes))."""
    return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)


def given_data(family: PDEFamily, points: PDEPoints) -> np.ndarray:
    """Which of the points' data each field has, (n, M) bool: all initial ones, a side's where it has a condition."""
    parts = [np.ones((family.n, len(points.initial)), dtype=bool)]
    for condition, side in zip(family.conditions, points.sides, strict=True):
        if side is not None:
            on = np.isin(np.arange(family.n), condition.fields)
            parts.append(np.repeat(on[:, None], len(side), axis=1))
    return np.concatenate(parts, axis=1)
