"""Boundary conditions of families of partial differential equations.

A condition holds at one end of one axis x of the domain, for the fields that have a value in `values`:

    Dirichlet   u = values                     where the field has a second derivative in x
    Neumann     ∂u/∂x = values                 the same; the derivative along the axis at both ends, not outward
    Inflow      u = values                     where the field has first derivatives alone and its velocity enters
    Periodic    u and its derivatives are the same at both ends, for all fields

d space coordinates, n fields, P parameters. What a family keeps of them are the `Condition`s below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.names import public
from ..program import Instructions

if TYPE_CHECKING:
    import sympy as sp

SIDES = ("low", "high")
CHARACTERISTICS = "characteristics"
KINDS = ("dirichlet", "neumann", "inflow", "periodic")

Data = Callable[[np.ndarray], np.ndarray]  # points (d, N) or (d + 1, N) → values (n or m, N)


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


@public
@dataclass(frozen=True)
class Dirichlet(_OnSide):
    """u = values at the end `side` of the axis x.

    side: "low" or "high". values: for each field an expression in t, the other space coordinate and the parameters, a
    number, or None where the field has no such condition there.
    """


@public
@dataclass(frozen=True)
class Neumann(_OnSide):
    """∂u/∂x = values at the end `side` of the axis x: the derivative along the axis, which at "low" points inward.

    side, values: as of Dirichlet.
    """


@public
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


@public
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

    def coordinate(self, domain: np.ndarray) -> float:
        """Where on its axis of the domain (d, 2) the condition holds."""
        return float(domain[self.axis, SIDES.index(self.side or "low")])
