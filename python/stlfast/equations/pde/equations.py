"""The equations of a family of PDEs: what every member has, and what it is at given parameters.

∂u_i/∂t = Σ_terms θ_part(p) c_term(x, t) ∂^order u_field + f_i(x, t; p) + N_i(u, x, t, p),   i = equation
u(x, t0) = g(x; p),   x ∈ Ω (a box),   t ∈ [t0, t1]       d = 1 or 2 coordinates, n fields, P parameters, K terms

theta         Instructions, Q outputs              inputs t, p (t does not enter)
coefficients  Instructions, K outputs: c           inputs x…, t
source        Instructions, n outputs: f           inputs x…, t, p; None where there is none
N             Instructions, n outputs              inputs x…, t, u…, p; None for linear families
J             Instructions, n·n outputs, row-major ∂N/∂u; as N
initial       Instructions, n outputs: g           inputs x…, p

All in physical coordinates: the programs' points are rows x…, t (and u…), (d + 1, N).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .. import parameters
from ..parameters import Range, box_corners
from ..program import Instructions
from .conditions import Condition

PROGRAMS = ("theta", "coefficients", "source", "N", "J", "initial")
SIDE_POINTS = 33  # where a side of a two-dimensional domain is looked at


@dataclass(frozen=True)
class Term:
    """θ_part(p) c(x, t) ∂^order u_field in the equation of a field."""

    part: int
    equation: int
    field: int
    order: tuple[int, ...]  # of the derivative in each space coordinate


@dataclass(frozen=True, eq=False, repr=False, init=False)
class PDEEquations:
    """A family as its members are computed: programs, parameters, domain, conditions."""

    name: str
    time: str
    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    domain: np.ndarray  # (d, 2)
    t_span: tuple[float, float]
    params: Mapping[str, Range]
    stiffness: str | None  # None where no parameter is positive
    equations: tuple[str, ...]  # for people; the programs are what is computed
    terms: tuple[Term, ...]
    theta: Instructions
    coefficients: Instructions
    source: Instructions | None
    N: Instructions | None
    J: Instructions | None
    initial: Instructions
    conditions: tuple[Condition, ...]
    polynomial_degree: int | None

    # ------------------------------------------------------------------------------------------------------ facts
    @property
    def n(self) -> int:
        """The number of fields."""
        return len(self.fields)

    @property
    def d(self) -> int:
        """The number of space coordinates."""
        return len(self.coordinates)

    @property
    def nonlinear(self) -> bool:
        """Whether there is an N."""
        return self.N is not None

    @cached_property
    def partials(self) -> tuple[tuple[int, ...], ...]:
        """The orders of the space derivatives that occur, sorted; (0, …) is the field itself."""
        return tuple(sorted({term.order for term in self.terms}))

    @cached_property
    def constant_coefficients(self) -> bool:
        """Whether no coefficient depends on the coordinates or the time."""
        return not any(self.coefficients.depends_on(register).any() for register in range(self.d + 1))

    @cached_property
    def periodic(self) -> tuple[bool, ...]:
        """For each axis, whether it is periodic."""
        around = {condition.axis for condition in self.conditions if condition.kind == "periodic"}
        return tuple(axis in around for axis in range(self.d))

    def corners(self) -> list[np.ndarray]:
        """Members at the corners of the solve ranges, (P,) each; with many parameters, the two extreme ones."""
        return box_corners([r.solve for r in self.params.values()])

    # ------------------------------------------------------------------------------------------------- one member
    def check_names(self, params: Mapping[str, object]) -> None:
        """ParameterError unless every parameter is there, and no other."""
        parameters.check_names(self.name, self.params, params)

    def check_params(self, params: Mapping[str, Any]) -> np.ndarray:
        """The parameters in the family's order, (P,); ParameterError (a KeyError and a ValueError) if one is wrong."""
        return parameters.check_params(self.name, self.params, params)

    def theta_at(self, p: np.ndarray) -> np.ndarray:
        """θ (Q,) of the member p (P,)."""
        return self.theta(np.zeros(1), p)[:, 0]

    def coefficients_at(self, points: np.ndarray, p: np.ndarray) -> np.ndarray:
        """θ_part(p) c(x, t) of each term at points (d + 1, N): (K, N)."""
        theta = self.theta_at(p)[[term.part for term in self.terms]]  # (K,)
        result: np.ndarray = theta[:, None] * self.coefficients(points, np.zeros(0))
        return result

    def matrices_at(self, points: np.ndarray, p: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
        """For each of `partials` the matrix that multiplies that derivative of u, (n, n, N) at points (d + 1, N)."""
        matrices = {order: np.zeros((self.n, self.n, points.shape[1])) for order in self.partials}
        for term, values in zip(self.terms, self.coefficients_at(points, p), strict=True):
            matrices[term.order][term.equation, term.field] += values
        return matrices

    def initial_at(self, x: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The default initial values (n, N) at x (d, N)."""
        return self.initial(x[0] if self.d == 1 else x, p)

    def rhs_at(
        self, points: np.ndarray, derivatives: Mapping[tuple[int, ...], np.ndarray], p: np.ndarray
    ) -> np.ndarray:
        """The right-hand side (n, N) at points (d + 1, N), from the derivatives of u, order → (n, N).

        `derivatives` has each of `partials` and, of a nonlinear family, u itself under (0, …).
        """
        matrices = self.matrices_at(points, p)
        total = sum(np.einsum("ijN,jN->iN", matrix, derivatives[order]) for order, matrix in matrices.items())
        if self.source is not None:
            total = total + self.source(points, p)
        if self.N is not None:
            total = total + self.N(np.concatenate([points, derivatives[(0,) * self.d]]), p)
        return np.asarray(total)

    def where(self, condition: Condition) -> str:
        """The place of a condition, for people."""
        return f"{self.coordinates[condition.axis]} = {condition.coordinate(self.domain):g}"

    def side_points(self, axis: int, value: float) -> np.ndarray:
        """Points (d, N) of the domain's side where the coordinate `axis` has the value; N = 1 in one dimension."""
        if self.d == 1:
            return np.array([[value]])
        low, high = self.domain[1 - axis]
        points = np.full((2, SIDE_POINTS), value)
        points[1 - axis] = np.linspace(low, high, SIDE_POINTS)
        return points


def box_points(box: np.ndarray, count: int = SIDE_POINTS) -> np.ndarray:
    """A grid of points (d, N) of a box (d, 2), its corners included."""
    axes = [np.linspace(low, high, count) for low, high in box]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
