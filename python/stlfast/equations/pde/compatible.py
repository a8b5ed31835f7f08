"""Whether initial and boundary values contradict each other where they meet.

d space coordinates, n fields; a condition holds for m of the fields.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .equations import SIDE_POINTS, box_points

if TYPE_CHECKING:
    from .conditions import Data
    from .equations import PDEEquations

NOTHING = 1e-6  # of the largest field, below which one that is 0 has only rounding
ROUNDING = 1e-6  # of max |u0|: a jump between initial and boundary values which contradicts nothing
KINK = 1e-3  # the same where values are interpolated, or meant for a model


class Mismatch(NamedTuple):
    """A point of a side at t0 where initial and boundary values contradict each other."""

    coordinates: tuple[float, ...]  # d
    field: str
    initial: float
    boundary: float

    def __str__(self) -> str:
        at = ", ".join(f"{c:g}" for c in self.coordinates)
        return f"{self.field} at ({at}) is {self.initial:.6g} initially and {self.boundary:.6g} on the boundary"


def check_compatible(
    family: PDEEquations, u0: Data, boundary: Sequence[Data | None], tolerance: float = ROUNDING
) -> list[Mismatch]:
    """Where the initial values differ from those of Dirichlet and Inflow conditions at t0.

    u0: initial values, points (d, N) → (n, N). boundary: for each of the family's conditions its data, points
    (d + 1, N) → (m, N), or None (data.py makes both from what a user gives).
    tolerance: allowed difference, relative to max|u0| of the field. In two dimensions a side is looked at in 33 points.
    """
    mismatches: list[Mismatch] = []
    if not any(condition.kind in ("dirichlet", "inflow") for condition in family.conditions):
        return mismatches
    largest = np.abs(u0(box_points(family.domain))).max(axis=1)  # (n,)
    for condition, data in zip(family.conditions, boundary, strict=True):
        if condition.kind not in ("dirichlet", "inflow") or data is None:
            continue
        points = family.side_points(condition.axis, condition.coordinate(family.domain))
        at_start = np.concatenate([points, np.full((1, points.shape[1]), family.t_span[0])])
        initial, given = u0(points)[list(condition.fields)], data(at_start)
        difference = np.abs(initial - given)
        for row, i in enumerate(condition.fields):
            k = int(np.argmax(difference[row]))
            size = max(largest[i], np.abs(initial[row]).max(), np.abs(given[row]).max(), NOTHING * largest.max())
            if difference[row, k] > tolerance * size:
                where = tuple(points[:, k].tolist())
                mismatches.append(Mismatch(where, family.fields[i], float(initial[row, k]), float(given[row, k])))
    return mismatches


def check_corner(
    family: PDEEquations,
    u0: Data,
    boundary: Sequence[Data | None],
    tolerance: float = ROUNDING,
    way_out: str = "",
) -> None:
    """ValueError where `check_compatible` finds a contradiction, or two sides of a plane contradict each other."""
    found = [*map(str, check_compatible(family, u0, boundary, tolerance))]
    at = f"initial and boundary values contradict each other at t = {family.t_span[0]:g}"
    if not found and family.d == 2:
        found, at = _disagreeing_sides(family, u0, boundary, tolerance), "the values on two sides contradict each other"
    if found:
        raise ValueError(
            f"family {family.name!r}: {at}: {'; '.join(found)}. Make them meet there, to {tolerance:g} of max |u|"
            f"{way_out}"
        )


def _disagreeing_sides(family: PDEEquations, u0: Data, boundary: Sequence[Data | None], tolerance: float) -> list[str]:
    """Where Dirichlet or Inflow conditions of a field on two sides give different values at the corner, and when."""
    held = [
        (condition, data)
        for condition, data in zip(family.conditions, boundary, strict=True)
        if condition.kind in ("dirichlet", "inflow") and data is not None
    ]
    first, second = ([pair for pair in held if pair[0].axis == axis] for axis in (0, 1))
    if not first or not second:
        return []
    largest, times, found = (
        np.abs(u0(box_points(family.domain))).max(axis=1),
        np.linspace(*family.t_span, SIDE_POINTS),
        [],
    )
    for (a, on_a), (b, on_b) in itertools.product(first, second):
        corner = (a.coordinate(family.domain), b.coordinate(family.domain))
        points = np.stack([np.full(SIDE_POINTS, corner[0]), np.full(SIDE_POINTS, corner[1]), times])
        at_a, at_b = on_a(points), on_b(points)
        for i in sorted({*a.fields} & {*b.fields}):
            own, other = at_a[a.fields.index(i)], at_b[b.fields.index(i)]
            k = int(np.argmax(np.abs(own - other)))
            size = max(largest[i], np.abs(own).max(), np.abs(other).max(), NOTHING * largest.max())
            if abs(own[k] - other[k]) > tolerance * size:
                found.append(
                    f"{family.fields[i]} at ({corner[0]:g}, {corner[1]:g}) and t = {times[k]:g} is {own[k]:.6g} on "
                    f"{family.where(a)} and {other[k]:.6g} on {family.where(b)}"
                )
    return found
