"""One member of a family of PDEs with its data: a `Problem` for newton.py, whose unknowns are coefficients W (n, m).

Rows come in blocks, of which a triangular factor R is kept; chords solve with it by the semi-normal equations
RᵀR δW = Aᵀ(−r). They are weighed by how much the reaction, linearised at the first guess, amplifies errors from there
on (growth.py): it is not the residual that should be small but what becomes of it.

n fields, m functions, N collocation points, M data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..._core import TallLeastSquares
from ...equations.pde.family import PDEFamily
from ..newton import SMALLEST_PART, STAGNATION, Limits, Run
from .tables import FieldTables, largest_ratio

LIMITS = Limits(
    steps=20, few_steps=12, chords=60, patience=6, shortest_stride=1 / 8, total=60,
    advice="More functions, or a better guess may help.",
    chord_advice='Use method="newton", or a guess that is closer.',
)  # fmt: skip
LARGEST_SIZE = 1e2  # relative to the first guess: beyond, an iteration diverges


@dataclass(frozen=True, eq=False)
class FieldMember:
    """A member, and what rows are weighed by in addition: growth (N,), and all of data's weights (M,)."""

    tables: FieldTables
    p: np.ndarray
    data: np.ndarray
    growth: np.ndarray
    data_weights: np.ndarray
    rcond: float
    limits: Limits = LIMITS

    @classmethod
    def near(cls, tables: FieldTables, p: np.ndarray, data: np.ndarray, W: np.ndarray, rcond: float) -> FieldMember:
        """With weights for errors as they grow along W."""
        interior, initial = tables.points.interior, tables.points.initial
        growth, first = np.ones(len(interior)), np.ones(len(initial))
        if tables.family.J is not None:
            u = tables.values(W, tables.checks.points, (0,) * (tables.family.d + 1))
            omega = tables.checks.amplification(p, tables.family.theta_at(p), u)
            if np.isfinite(omega).all():
                growth, first = omega[tables.nearest], omega[tables.checks.nearest(initial)]
        weights = tables.points.data_weights.copy()
        weights[: len(first)] *= first
        return cls(tables, p, data, growth, weights, rcond)

    @property
    def members(self) -> PDEFamily:
        return self.tables.family

    def member(self, p: np.ndarray, x: np.ndarray) -> FieldMember:
        return FieldMember.near(self.tables, p, self.data, x, self.rcond)

    def linearised(self, x: np.ndarray) -> LinearisedFields | None:
        system = self.system(x)
        if system is None:
            return None
        return LinearisedFields(self, x, least_squares(system, self.rcond).reshape(x.shape))

    def frozen(self, x: np.ndarray) -> FrozenFields | None:
        system = self.system(x)
        return None if system is None else FrozenFields(self, x, system, normal_solve(system, self.rcond))

    def change(self, step: np.ndarray, x: np.ndarray) -> float:
        return self.tables.change(step, x)

    def residual(self, x: np.ndarray) -> float:
        return self.tables.residual(self.p, x)

    def beyond(self, x: np.ndarray, first: np.ndarray) -> bool:
        return largest_ratio(self.tables.size(x), self.tables.size(first)) > LARGEST_SIZE

    def checked(self, run: Run) -> Run:
        return run  # the solver looks at the residual once, at the end

    # --------------------------------------------------------------------------------------------------------- rows
    def system(self, W: np.ndarray) -> TallLeastSquares | None:
        """All rows linearised at W, for the step; None where they are not finite."""
        n, m = W.shape
        system = TallLeastSquares(n * m, 1)
        for A, missed in self.equations(W, W):
            if not (np.isfinite(A).all() and np.isfinite(missed).all()):
                return None
            system.add(A, -missed[:, None])
        w = self.data_weights
        for i, missed in enumerate(self.data - W @ self.tables.data_rows.T):
            on = self.tables.rows.given[i]
            A = np.zeros((int(on.sum()), n * m))
            A[:, i * m : (i + 1) * m] = w[on, None] * self.tables.data_rows[on]
            system.add(A, (w * missed)[on, None])
        return system

    def equations(self, at: np.ndarray, W: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Weighted rows (n·b, n·m) linearised `at` coefficients, and what they miss at W (n·b,), block by block."""
        family, rows, p = self.tables.family, self.tables.rows, self.p
        theta, (n, m) = family.theta_at(p), W.shape
        for here, (weights, parts) in zip(self.tables.slices(), rows.blocks(self.tables.functions), strict=True):
            points = self.tables.points.interior[here]
            A = rows.weighted(parts, theta)  # (n, b, n·m)
            missed = A @ W.ravel()  # (n, b)
            if family.nonlinear or family.source is not None:
                value = self.tables.functions.evaluate(points, [(0,) * (family.d + 1)])[0]
                missed = missed - rows.span * self.tables.rows.forcing(p, points, W @ value.T)
                J = self.tables.rows.jacobian(p, points, at @ value.T)
                for i in range(n):
                    for j in range(n):
                        if np.any(J[i, j]):
                            A[i, :, j * m : (j + 1) * m] -= (rows.span * J[i, j])[:, None] * value
            weights = weights * self.growth[here]
            yield (weights[:, None] * A).reshape(-1, n * m), (weights * missed).ravel()

    def gradient(self, W: np.ndarray, frozen: np.ndarray) -> np.ndarray | None:
        """Aᵀ(−r) (n, m) with the rows A of the first guess and what the rows miss at W."""
        total = np.zeros(W.size)
        for A, missed in self.equations(frozen, W):
            if not np.isfinite(missed).all():
                return None
            total -= missed @ A
        gradient = total.reshape(W.shape)
        w = self.data_weights
        for i, missed in enumerate(self.data - W @ self.tables.data_rows.T):
            gradient[i] += (np.where(self.tables.rows.given[i], w**2 * missed, 0.0)) @ self.tables.data_rows
        return gradient

    def objective(self, W: np.ndarray) -> float:
        """The norm of what all rows miss."""
        total = 0.0
        for here in self.tables.slices():
            missed, _ = self.tables.missed(self.p, W, self.tables.points.interior[here])
            total += float(np.sum((self.tables.points.interior_weights[here] * self.growth[here] * missed) ** 2))
        missed = self.data_weights * (self.data - W @ self.tables.data_rows.T)
        total += float(np.sum(missed[self.tables.rows.given] ** 2))
        return math.sqrt(total) if math.isfinite(total) else math.inf


@dataclass(frozen=True, eq=False)
class LinearisedFields:
    problem: FieldMember
    x: np.ndarray
    step: np.ndarray

    def damping(self) -> float:
        """The part of a step after which rows are missed by less; 0 where there is none."""
        problem, part, before = self.problem, 1.0, self.problem.objective(self.x)
        while part >= SMALLEST_PART:
            missed = problem.objective(self.x + part * self.step)
            if missed <= (1 - part / 4) * before or part * before <= problem.rcond:
                return part
            part /= 2
        return 1.0 if problem.change(self.step, self.x) <= STAGNATION else 0.0


@dataclass(frozen=True, eq=False)
class FrozenFields:
    """The rows of the first guess."""

    problem: FieldMember
    first: np.ndarray
    system: TallLeastSquares
    solve: Callable[[np.ndarray], np.ndarray]

    def step(self, x: np.ndarray) -> np.ndarray | None:
        if x is self.first:
            return least_squares(self.system, self.problem.rcond).reshape(x.shape)
        gradient = self.problem.gradient(x, self.first)
        return None if gradient is None else self.solve(gradient.ravel()).reshape(x.shape)


def least_squares(system: TallLeastSquares, rcond: float) -> np.ndarray:
    """X (C, k): by substitution where the rows have full rank, which is three times as fast as by singular values."""
    from scipy.linalg import solve_triangular

    R, norms = _scaled_factor(system)
    if _full_rank(R, rcond):
        result: np.ndarray = solve_triangular(R, system.Qtb()) / norms[:, None]
        return result
    return system.solve(rcond)[0]


def normal_solve(system: TallLeastSquares, rcond: float) -> Callable[[np.ndarray], np.ndarray]:
    """g ↦ (AᵀA)⁻¹ g from the triangular factor of A's rows, unknowns scaled by their columns' norms."""
    from scipy.linalg import solve_triangular

    R, norms = _scaled_factor(system)
    if _full_rank(R, rcond):
        return lambda g: solve_triangular(R, solve_triangular(R, g / norms, trans="T")) / norms
    _, sigma, Vt = np.linalg.svd(R)
    kept = sigma > rcond * sigma[0]
    return lambda g: (Vt[kept].T @ ((Vt[kept] @ (g / norms)) / sigma[kept] ** 2)) / norms


def _scaled_factor(system: TallLeastSquares) -> tuple[np.ndarray, np.ndarray]:
    R = system.R()
    norms = np.linalg.norm(R, axis=0)
    norms[norms == 0] = 1.0
    return R / norms, norms


def _full_rank(R: np.ndarray, rcond: float) -> bool:
    diagonal = np.abs(np.diag(R))
    return bool(diagonal.min() > 10 * rcond * diagonal.max())
