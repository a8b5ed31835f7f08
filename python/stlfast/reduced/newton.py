"""Gauss–Newton in one band of a compiled nonlinear family of PDEs, and what an approximation misses at check points.

min_c Σ_samples (ω w)² |∂_x Φc − T (Σ θ_q L_q Φc + f + N(Φc))|² + Σ_data (ω w)² |Φc − d|²      r unknowns c

ω(z, x) is by how much the linearised reaction amplifies an error from there on, for it is not the residual that should
be small but what becomes of it:

    ω = max_{s ≥ x} exp ∫_x^s a dx,   a(z, x) the logarithmic norm of T (C + ∂N/∂u) in the maximum norm,

C the matrix of the fields themselves (direct/pde/growth.py).

n fields, s samples, r basis functions, M data of a field, C_z · C_t check points; scaled coordinates z, x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..direct.pde.growth import carried
from ..direct.pde.newton import PDENewton
from ..direct.pde.rows import Order
from .nonlinear_pde_bands import NonlinearPDEBand, NonlinearPDECompiled

MOST_STEPS = 25
TOLERANCE = 1e-7  # of the last step, relative to the coefficients
LARGEST = 10.0  # times the largest snapshot: beyond, the iteration diverges
REWEIGHTED = 3  # steps with new weights, which then stay


@dataclass(frozen=True, eq=False)
class ReducedRun:
    """Coefficients c (r,), the steps that led there relative to them, and why they are no solution, or empty."""

    c: np.ndarray
    steps: tuple[float, ...]
    failure: str


class _Table:
    """Functions and the linear parts of the equations at points: values (n, N, r), parts (1 + Q', n·N, r)."""

    def __init__(self, compiled: NonlinearPDECompiled, newton: PDENewton, W: np.ndarray, points: np.ndarray) -> None:
        rows = newton.rows
        zero: Order = (0,) * (compiled.family.d + 1)
        orders = [rows.in_time, *rows.orders, zero]
        found = compiled.functions.evaluate(points, orders)
        values = {order: [value @ own for own in W] for order, value in zip(orders, found, strict=True)}
        parts = rows.parts(points, values)
        self.which = [q for q in parts if q is not None]
        n, N, r = parts[None].shape
        self.parts = np.ascontiguousarray(
            np.stack([parts[None], *(parts[q] for q in self.which)]).reshape(-1, n * N, r)
        )
        self.values = np.stack(values[zero])
        self.at = rows.physical(points)

    def linear(self, theta: np.ndarray) -> np.ndarray:
        """∂_x − T Σ θ_q L_q, (n·N, r)."""
        total = self.parts[0].copy()
        for q, part in zip(self.which, self.parts[1:], strict=True):
            total += theta[q] * part
        result: np.ndarray = total
        return result


class ReducedNewton:
    """What one band's solves need, computed once from what is stored."""

    def __init__(self, compiled: NonlinearPDECompiled, newton: PDENewton, band: NonlinearPDEBand) -> None:
        checks = self.checks = newton.checks
        self.compiled, self.family, self.band, self.newton = compiled, compiled.family, band, newton
        self.span = newton.rows.span
        self.table = _Table(compiled, newton, band.W, band.samples)
        weights = np.tile(band.sample_weights, self.family.n)
        self.table.parts *= weights[None, :, None]
        self.weighted_values = self.table.values * (band.sample_weights * self.span)[None, :, None]
        self.weights = band.sample_weights * self.span
        data = newton.rows.data_rows(compiled.functions)
        self.data_rows = np.stack([data @ own for own in band.W])  # (n, M, r)
        M0 = self.M0 = len(compiled.points.initial)
        w = np.where(newton.rows.given, compiled.points.data_weights, 0.0)  # (n, M)
        weighted = w[:, :, None] * self.data_rows
        self.start = np.ascontiguousarray(weighted[:, :M0]).reshape(-1, band.rank)
        self.start_weights = w[:, :M0].ravel()
        sides = weighted[:, M0:].reshape(-1, band.rank)
        self.gram = sides.T @ sides
        self.right = np.ascontiguousarray((w[:, M0:].reshape(-1, 1) * sides).T)  # (r, n·(M − M0))
        self.nearest = checks.nearest(band.samples)
        self.nearest_start = checks.nearest(compiled.points.initial)

    def solve(self, p: np.ndarray, data: np.ndarray) -> ReducedRun:
        """The member p with data (n, M), from the band's first guess."""
        from scipy.linalg.lapack import dposv

        family, table, band = self.family, self.table, self.band
        n, s, r = table.values.shape
        theta = family.theta_at(p)
        A = table.linear(theta)
        right = self.right @ data[:, self.M0 :].ravel()
        start = self.start_weights * data[:, : self.M0].ravel()
        c = band.guess.T @ self.compiled.polynomials(p, data)
        steps: list[float] = []
        omega = omega_start = np.ones(0)
        while len(steps) < MOST_STEPS:
            if len(steps) < REWEIGHTED:
                grown = self.checks.amplification(p, theta, self.check_table.values @ c)
                omega, omega_start = np.tile(grown[self.nearest], n), np.tile(grown[self.nearest_start], n)
                first = omega_start[:, None] * self.start
            u = table.values @ c  # (n, s)
            missed = (A @ c).reshape(n, s)
            if family.source is not None:
                missed -= self.weights * family.source(table.at, p)
            if family.N is not None:
                missed -= self.weights * family.N(np.concatenate([table.at, u]), p)
            J = self.newton.rows.jacobian_at(table.at, p, u)
            if n == 1:
                rows = A - J[0, 0][:, None] * self.weighted_values[0]
            else:
                rows = A - np.einsum("ijs,jsr->isr", J, self.weighted_values).reshape(n * s, r)
            rows = np.concatenate([omega[:, None] * rows, first])
            missed = np.concatenate([omega * missed.ravel(), omega_start * (self.start @ c - start)])
            gradient = right - self.gram @ c - rows.T @ missed
            _, step, info = dposv(rows.T @ rows + self.gram, gradient)
            if info or not np.isfinite(step).all():
                return ReducedRun(
                    c, tuple(steps), "Gauss–Newton in the reduced basis met a singular or infinite system."
                )
            c = c + step
            size = float(np.linalg.norm(c))
            steps.append(float(np.linalg.norm(step)) / max(size, np.finfo(float).tiny))
            if size > LARGEST * band.largest[0]:
                return ReducedRun(
                    c, tuple(steps), f"Gauss–Newton in the reduced basis diverges after {len(steps)} steps."
                )
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
        theta = self.family.theta_at(p)
        linear = (table.linear(theta) @ c).reshape(n, -1)
        return carried(self.checks, p, theta, u, linear, self.data_rows @ c - data)

    @cached_property
    def check_table(self) -> _Table:
        return _Table(self.compiled, self.newton, self.band.W, self.checks.points)
