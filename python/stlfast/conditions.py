"""Boundary conditions of families of partial differential equations.

A condition holds at one end of one axis x of the domain, for the fields that have a value in `values`:

    Dirichlet   u = values                     where the field has a second derivative in x
    Neumann     ∂u/∂x = values                 the same; the derivative along the axis at both ends, not outward
    Inflow      u = values                     where the field has first derivatives alone and its velocity enters
    Periodic    u and its derivatives are the same at both ends, for all fields

d space coordinates, n fields, P parameters. What a family keeps of them are the `Condition`s below.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .program import Instructions

if TYPE_CHECKING:
    import sympy as sp

    from .pde_data import Data
    from .pde_family import PDEFamily

SIDES = ("low", "high")
CHARACTERISTICS = "characteristics"
KINDS = ("dirichlet", "neumann", "inflow", "periodic")
NOTHING = 1e-6  # of the largest field, below which one that is 0 has only rounding
ROUNDING = 1e-6  # of max |u0|: a jump between initial and boundary values which contradicts nothing
KINK = 1e-3  # the same where values are interpolated, or meant for a model
SIDE_POINTS = 33  # where a side of a two-dimensional domain is looked at


@dataclass(frozen=True)
class _OnSide:
    x: sp.Symbol | str
    side: str
    values: Any

    def __post_init__(self) -> None:
        what = type(self).__name__
        if self.side not in SIDES:
            raise ValueError(f"{what}: side must be 'low' or 'high', got {self.side!r}")
        if isinstance(self.values, str) or not isinstance(self.values, Sequence):
            raise ValueError(
                f"{what}: values must be a list with an expression, a number or None for each field, "
                f"got {self.values!r}"
            )
        object.__setattr__(self, "values", tuple(self.values))
        if all(value is None for value in self.values):
            raise ValueError(f"{what}: values has no value for any field; leave the condition out")


@dataclass(frozen=True)
class Dirichlet(_OnSide):
    """u = values at the end `side` of the axis x.

    side: "low" or "high". values: for each field an expression in t, the other space coordinate and the parameters, a
    number, or None where the field has no such condition there.
    """


@dataclass(frozen=True)
class Neumann(_OnSide):
    """∂u/∂x = values at the end `side` of the axis x: the derivative along the axis, which at "low" points inward.

    side, values: as of Dirichlet.
    """


@dataclass(frozen=True)
class Inflow(_OnSide):
    """u = values at the end `side` of the axis x where the velocity enters.

    side, values: as of Dirichlet. Or values = "characteristics": the solution u = e^{R t} g(−c t) of the same equation
    with the initial profile g continued beyond the domain, for u_t + c u_x = R u in one dimension with one constant
    velocity c and a constant matrix R.
    """

    def __post_init__(self) -> None:
        if self.values != CHARACTERISTICS:
            super().__post_init__()
        elif self.side not in SIDES:
            raise ValueError(f"Inflow: side must be 'low' or 'high', got {self.side!r}")


@dataclass(frozen=True)
class Periodic:
    """u is the same at both ends of the axis x, with all its derivatives, for all fields."""

    x: sp.Symbol | str


@dataclass(frozen=True, eq=False)
class Condition:
    """One condition as a family keeps it."""

    kind: str  # of KINDS
    axis: int
    side: str | None  # of SIDES; None where periodic
    fields: tuple[int, ...]  # those that it holds for
    values: Instructions | None = field(default=None, repr=False)  # inputs (x…, t, p); None: periodic, characteristics

    @property
    def continues(self) -> bool:
        """Whether the values are those of the initial profile continued along the characteristics."""
        return self.kind == "inflow" and self.values is None

    def coordinate(self, family: PDEFamily) -> float:
        """Where on its axis the condition holds."""
        return float(family.domain[self.axis, SIDES.index(self.side or "low")])

    def where(self, family: PDEFamily) -> str:
        return f"{family.coordinates[self.axis]} = {self.coordinate(family):g}"


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
    family: PDEFamily, u0: Data, boundary: Sequence[Data | None], tolerance: float = ROUNDING
) -> list[Mismatch]:
    """Where the initial values differ from those of Dirichlet and Inflow conditions at t0.

    u0: initial values, points (d, N) → (n, N). boundary: for each of the family's conditions its data, points
    (d + 1, N) → (m, N), or None (pde_data.py makes both from what a user gives).
    tolerance: allowed difference, relative to max|u0| of the field. In two dimensions a side is looked at in 33 points.
    """
    mismatches: list[Mismatch] = []
    if not any(condition.kind in ("dirichlet", "inflow") for condition in family.conditions):
        return mismatches
    largest = np.abs(u0(box_points(family.domain))).max(axis=1)  # (n,)
    for condition, data in zip(family.conditions, boundary, strict=True):
        if condition.kind not in ("dirichlet", "inflow") or data is None:
            continue
        points = side_points(family, condition.axis, condition.coordinate(family))
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
    family: PDEFamily,
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


def _disagreeing_sides(family: PDEFamily, u0: Data, boundary: Sequence[Data | None], tolerance: float) -> list[str]:
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
        corner = (a.coordinate(family), b.coordinate(family))
        points = np.stack([np.full(SIDE_POINTS, corner[0]), np.full(SIDE_POINTS, corner[1]), times])
        at_a, at_b = on_a(points), on_b(points)
        for i in sorted({*a.fields} & {*b.fields}):
            own, other = at_a[a.fields.index(i)], at_b[b.fields.index(i)]
            k = int(np.argmax(np.abs(own - other)))
            size = max(largest[i], np.abs(own).max(), np.abs(other).max(), NOTHING * largest.max())
            if abs(own[k] - other[k]) > tolerance * size:
                found.append(
                    f"{family.fields[i]} at ({corner[0]:g}, {corner[1]:g}) and t = {times[k]:g} is {own[k]:.6g} on "
                    f"{a.where(family)} and {other[k]:.6g} on {b.where(family)}"
                )
    return found


def side_points(family: PDEFamily, axis: int, value: float) -> np.ndarray:
    """Points (d, N) of the domain's side where the coordinate `axis` has the value; N = 1 in one dimension."""
    if family.d == 1:
        return np.array([[value]])
    low, high = family.domain[1 - axis]
    points = np.full((2, SIDE_POINTS), value)
    points[1 - axis] = np.linspace(low, high, SIDE_POINTS)
    return points


def box_points(box: np.ndarray, count: int = SIDE_POINTS) -> np.ndarray:
    """A grid of points (d, N) of a box (d, 2), its corners included."""
    axes = [np.linspace(low, high, count) for low, high in box]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
