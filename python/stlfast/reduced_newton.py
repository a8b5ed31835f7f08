"""Gauss–Newton in one band of a compiled nonlinear family of PDEs, and what an approximation misses at check points.

min_c Σ_samples w² |∂_x Φc − T (Σ θ_q L_q Φc + f + N(Φc))|² + Σ_data w² |Φc − d|²      r unknowns c

The error of any approximation is carried from its residual ρ and its data's mismatch by the linearised reaction,

    E' = a E + max |ρ|,   a(x) = max over space of the logarithmic norm of T (C + ∂N/∂u) in the maximum norm,

C the matrix of the fields themselves: where space moves and smooths without amplifying, |e| ≤ E but for what passes
between the check points.

n fields, s samples, r basis functions, M data of a field, C_z · C_t check points; scaled coordinates z, x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .nonlinear_pde_compiler import NonlinearBand, NonlinearCompiled
from .pde_newton import PDENewton
from .pde_rows import Order

MOST_STEPS = 25
TOLERANCE = 1e-7  # of the last step, relative to the coefficients
LARGEST = 10.0  # times the largest snapshot: beyond, the iteration diverges
CHECK_TIMES, CHECK_LINE, CHECK_PLANE = 48, 33, 13  # of each axis
LARGEST_EXPONENT = 300.0


@dataclass(frozen=True, eq=False)
class ReducedRun:
    """Coefficients c (r,), the steps that led there relative to them, and why they are no solution, or empty."""

    c: np.ndarray
    steps: tuple[float, ...]
    failure: str


class _Table:
    """Functions and the linear parts of the equations at points: values (n, N, r), parts (1 + Q', n·N, r)."""

    def __init__(self, compiled: NonlinearCompiled, newton: PDENewton, W: np.ndarray, points: np.ndarray) -> None:
        rows = newton.rows
        zero: Order = (0,) * (compiled.family.d + 1)
        orders = [rows.in_time, *rows.orders, zero]
        found = compiled.functions.evaluate(points, orders)
        values = {order: [value @ own for own in W] for order, value in zip(orders, found, strict=True)}
        parts = rows.parts(points, values)
        self.which = [q for q in parts if q is not None]
        n, N, r = parts[None].shape
        self.parts = np.ascontiguousarray(np.stack([parts[None], *(parts[q] for q in self.which)]).reshape(-1, n * N, r))
        self.values = np.stack(values[zero])
        self.at = rows.physical(points)

    def linear(self, theta: np.ndarray) -> np.ndarray:
        """∂_x − T Σ θ_q L_q, (n·N, r)."""
        total = self.parts[0].copy()
        for q, part in zip(self.which, self.parts[1:], strict=True):
            total += theta[q] * part
        return total


@dataclass(frozen=True, eq=False)
class Checks:
    """Check points: all of space at one time after the other. times (C_t,), points (C_t · C_z, d + 1), scaled."""

    times: np.ndarray
    points: np.ndarray

    @classmethod
    def of(cls, newton: PDENewton) -> Checks:
        """Uniform in space, the ends included; as dense in time as the collocation points, between them."""
        family = newton.family
        count = CHECK_LINE if family.d == 1 else CHECK_PLANE
        axes = [np.linspace(0, 1, count, endpoint=not around) for around in family.periodic]
        z = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)
        own = np.unique(newton.points.interior[:, -1])
        times = np.interp(np.linspace(0, len(own) - 1, CHECK_TIMES), np.arange(len(own)), own)
        times = np.concatenate([[0.0], times[1:-1], [1.0]])
        points = np.concatenate([np.tile(z, (len(times), 1)), np.repeat(times, len(z))[:, None]], axis=1)
        return cls(times, points)


class ReducedNewton:
    """What one band's solves need, computed once from what is stored."""

    def __init__(
        self, compiled: NonlinearCompiled, newton: PDENewton, checks: Checks, band: NonlinearBand
    ) -> None:
        self.checks = checks
        self.compiled, self.family, self.band, self.newton = compiled, compiled.family, band, newton
        self.span = newton.rows.span
        self.table = _Table(compiled, newton, band.W, band.samples)
        weights = np.tile(band.sample_weights, self.family.n)
        self.table.parts *= weights[None, :, None]
        self.weighted_values = self.table.values * (band.sample_weights * self.span)[None, :, None]
        self.weights = band.sample_weights * self.span
        data = newton.rows.data_rows(compiled.functions)
        self.data_rows = np.stack([data @ own for own in band.W])  # (n, M, r)
        w = np.where(newton.given, compiled.points.data_weights, 0.0)  # (n, M)
        weighted = (w[:, :, None] * self.data_rows).reshape(-1, band.rank)
        self.gram = weighted.T @ weighted
        self.right = np.ascontiguousarray((w.ravel()[:, None] * weighted).T)  # (r, n·M)

    def solve(self, p: np.ndarray, data: np.ndarray) -> ReducedRun:
        """The member p with data (n, M), from the band's first guess."""
        from scipy.linalg.lapack import dposv

        family, table, band = self.family, self.table, self.band
        n, s, r = table.values.shape
        A = table.linear(family.theta_at(p))
        right = self.right @ data.ravel()
        c = band.guess.T @ self.compiled.polynomials(p, data)
        steps: list[float] = []
        while len(steps) < MOST_STEPS:
            u = table.values @ c  # (n, s)
            inputs = np.concatenate([table.at, u])
            missed = (A @ c).reshape(n, s)
            if family.source is not None:
                missed -= self.weights * family.source(table.at, p)
            assert family.N is not None and family.J is not None
            missed -= self.weights * family.N(inputs, p)
            J = family.J(inputs, p).reshape(n, n, s)
            if n == 1:
                rows = A - J[0, 0][:, None] * self.weighted_values[0]
            else:
                rows = A - np.einsum("ijs,jsr->isr", J, self.weighted_values).reshape(n * s, r)
            gradient = right - self.gram @ c - rows.T @ missed.ravel()
            _, step, info = dposv(rows.T @ rows + self.gram, gradient)
            if info or not np.isfinite(step).all():
                return ReducedRun(c, tuple(steps), "Gauss–Newton in the reduced basis met a singular or infinite system.")
            c = c + step
            size = float(np.linalg.norm(c))
            steps.append(float(np.linalg.norm(step)) / max(size, np.finfo(float).tiny))
            if size > LARGEST * band.largest[0]:
                return ReducedRun(c, tuple(steps), f"Gauss–Newton in the reduced basis diverges after {len(steps)} steps.")
            if steps[-1] <= TOLERANCE:
                return ReducedRun(c, tuple(steps), "")
        return ReducedRun(
            c, tuple(steps), f"Gauss–Newton in the reduced basis does not converge in {MOST_STEPS} steps."
        )

    def estimate(self, p: np.ndarray, data: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, float]:
        """As `carried`, for coefficients c."""
        table = self.check_table
        n = self.family.n
        u = table.values @ c
        linear = (table.linear(self.family.theta_at(p)) @ c).reshape(n, -1)
        return carried(self.newton, self.checks, p, u, linear, self.data_rows @ c - data)

    @cached_property
    def check_table(self) -> _Table:
        return _Table(self.compiled, self.newton, self.band.W, self.checks.points)


def carried(
    newton: PDENewton, checks: Checks, p: np.ndarray, u: np.ndarray, linear: np.ndarray, mismatch: np.ndarray
) -> tuple[np.ndarray, float]:
    """Estimate (n,) of max |error|, and the largest residual √x |ρ|, relative to max |u|.

    u, linear (n, C_t · C_z): values, and ∂_x u − T Σ θ_q L_q u at the check points. mismatch (n, M) of the data.
    """
    family, rows, times = newton.family, newton.rows, checks.times
    n, C_t = family.n, len(times)
    missed = np.abs(linear - rows.span * newton.forcing(p, checks.points, u)).reshape(n, C_t, -1)
    reaction = rows.span * newton.jacobian(p, checks.points, u)
    zero = (0,) * family.d
    theta = family.theta_at(p)
    for (q, order), C in rows.matrices(checks.points).items():
        if order == zero:
            reaction = reaction - theta[q] * C
    norm = reaction[range(n), range(n)] + np.abs(reaction).sum(axis=1) - np.abs(reaction[range(n), range(n)])
    a = norm.max(axis=0).reshape(C_t, -1).max(axis=1)  # (C_t,)
    rho = missed.max(axis=(0, 2))
    M0, sides = len(newton.points.initial), 0.0
    wrong = np.where(newton.given, np.abs(mismatch), 0.0)
    first = M0
    for condition, side in zip(family.conditions, newton.points.sides, strict=True):
        if side is not None:
            scale = rows.lengths[condition.axis] if condition.kind == "neumann" else 1.0
            sides = max(sides, float(wrong[:, first : first + len(side)].max()) * float(scale))
            first += len(side)
    E = largest = float(wrong[:, :M0].max()) + sides
    for k, h in enumerate(np.diff(times)):
        grown = min(max(a[k], a[k + 1]) * h, LARGEST_EXPONENT)
        factor = math.expm1(grown) / grown if abs(grown) > 1e-8 else 1.0
        E = max(E * math.exp(grown), sides) + max(rho[k], rho[k + 1]) * h * factor
        largest = max(largest, E)
    size = np.maximum(np.abs(u).max(axis=1), np.finfo(float).tiny)
    relative = float(((np.sqrt(times)[None, :, None] * missed).max(axis=(1, 2)) / size).max())
    return np.full(n, largest if math.isfinite(largest) else np.inf), relative
