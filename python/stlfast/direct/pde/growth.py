"""What becomes of errors in an approximate solution of a nonlinear family of PDEs, at check points.

The logarithmic norm a(z, x) of T (C + ∂N/∂u) in the maximum norm, C the matrix of the fields themselves, says how fast
errors grow at a point: |e|' ≤ a |e| + |ρ| with the residual ρ, but for what space moves and smooths, which amplifies
nothing.

    amplification   ω = max_{s ≥ x} exp ∫_x^s a dx: what becomes of an error from a point on
    carried         E' = a E + |ρ|, with what diffuses from neighbouring points; where the family has first derivatives
                    or two coordinates, with the largest a and ρ of all space

n fields, M data of a field, C_z · C_t check points, all of space at one time after the other; scaled coordinates z, x.
"""

from __future__ import annotations

import math

import numpy as np

from .rows import GroupRows, grid_points

CHECK_TIMES, CHECK_LINE, CHECK_PLANE = 40, 29, 13  # of each axis
MOST_AMPLIFIED = np.log(1e4)
LARGEST_EXPONENT = 300.0
MOST_MIXED = 8  # times that neighbours mix in a step


class Reaction:
    """The logarithmic norm at fixed scaled points (N, d + 1)."""

    def __init__(self, rows: GroupRows, points: np.ndarray) -> None:
        self.rows, self.at = rows, rows.physical(points)
        self.matrices = rows.matrices(points)
        zero = (0,) * rows.family.d
        self.linear = [(q, -C) for (q, order), C in self.matrices.items() if order == zero]

    def norm(self, p: np.ndarray, theta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """a (N,) for values u (n, N); theta = θ(p)."""
        n = len(u)
        reaction = self.rows.span * self.rows.jacobian_at(self.at, p, u)
        for q, C in self.linear:
            reaction = reaction + theta[q] * C
        if n == 1:
            result: np.ndarray = reaction[0, 0]
            return result
        own = reaction[range(n), range(n)]
        return np.asarray((own + np.abs(reaction).sum(axis=1) - np.abs(own)).max(axis=0))


class Checks:
    """Check points: all of space at one time after the other. times (C_t,), points (C_t · C_z, d + 1), scaled."""

    def __init__(self, rows: GroupRows) -> None:
        """Uniform in space, the ends included; as dense in time as the collocation points."""
        family = rows.family
        self.rows = rows
        count = CHECK_LINE if family.d == 1 else CHECK_PLANE
        self.axes = [np.linspace(0, 1, count, endpoint=not around) for around in family.periodic]
        z = grid_points(self.axes)
        own = np.unique(rows.points.interior[:, -1])
        times = np.interp(np.linspace(0, len(own) - 1, CHECK_TIMES), np.arange(len(own)), own)
        self.times = np.concatenate([[0.0], times[1:-1], [1.0]])
        self.points = np.concatenate([np.tile(z, (CHECK_TIMES, 1)), np.repeat(self.times, len(z))[:, None]], axis=1)
        self.reaction = Reaction(rows, self.points)
        first = any(sum(order) == 1 for _, order in self.reaction.matrices)
        self.local = family.d == 1 and not first

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """The index (N,) of the check point nearest to each point (N, d + 1)."""
        middle = (self.times[1:] + self.times[:-1]) / 2
        index = np.searchsorted(middle, points[:, -1])
        for k, axis in enumerate(self.axes):
            index = index * len(axis) + np.abs(points[:, k, None] - axis).argmin(axis=1)
        return index

    def norm(self, p: np.ndarray, theta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """a (C_t, C_z) for values u (n, C_t · C_z); theta = θ(p)."""
        return self.reaction.norm(p, theta, u).reshape(CHECK_TIMES, -1)

    def amplification(self, p: np.ndarray, theta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """ω (C_t · C_z,) for values u (n, C_t · C_z)."""
        return amplification(self.norm(p, theta, u), self.times).ravel()

    def spread(self, theta: np.ndarray) -> np.ndarray:
        """How many times a step in time lets neighbouring points mix: h_k D / Δz² · 2, rounded up, (C_t − 1,)."""
        D = 0.0
        for (q, order), C in self.reaction.matrices.items():
            if sum(order) == 2:
                D += float(np.abs(theta[q] * C).max())
        return np.ceil(np.diff(self.times) * 2 * D * (len(self.axes[0]) - 1) ** 2).astype(int)


def amplification(a: np.ndarray, times: np.ndarray) -> np.ndarray:
    """max_{s ≥ x} exp ∫_x^s a dx (C_t, …) for rates a (C_t, …), at most MOST_AMPLIFIED."""
    steps = (a[1:] + a[:-1]) / 2 * np.diff(times).reshape(-1, *[1] * (a.ndim - 1))
    log = np.zeros_like(a)
    for k in range(len(steps) - 1, -1, -1):
        np.maximum(log[k + 1] + steps[k], 0.0, out=log[k])
    result: np.ndarray = np.exp(np.minimum(log, MOST_AMPLIFIED))
    return result


def carried(
    checks: Checks, p: np.ndarray, theta: np.ndarray, u: np.ndarray, linear: np.ndarray, mismatch: np.ndarray
) -> tuple[np.ndarray, float]:
    """Estimate (n,) of max |error|, and the largest residual √x |ρ|, relative to max |u|.

    u, linear (n, C_t · C_z): values, and ∂_x u − T Σ θ_q L_q u at the check points. mismatch (n, M) of the data.
    """
    rows, times = checks.rows, checks.times
    family, points = rows.family, rows.points
    n, C_t = family.n, len(times)
    missed = np.abs(linear - rows.span * rows.forcing(p, checks.points, u))
    rho = missed.max(axis=0).reshape(C_t, -1)  # (C_t, C_z)
    a = checks.norm(p, theta, u)
    M0, sides = len(points.initial), 0.0
    wrong = np.where(rows.given, np.abs(mismatch), 0.0)
    first = M0
    for condition, side in zip(family.conditions, points.sides, strict=True):
        if side is not None:
            scale = rows.lengths[condition.axis] if condition.kind == "neumann" else 1.0
            sides = max(sides, float(wrong[:, first : first + len(side)].max()) * float(scale))
            first += len(side)
    E = np.full(rho.shape[1], sides)
    if checks.local:
        start = wrong[:, :M0].max(axis=0)
        z = points.initial[:, 0]
        order = np.argsort(z)
        E += np.interp(checks.axes[0], z[order], start[order])
    else:
        E += wrong[:, :M0].max()
        a, rho = (np.broadcast_to(each.max(axis=1, keepdims=True), each.shape) for each in (a, rho))
    h = np.diff(times)[:, None]
    grown = np.minimum((a[1:] + a[:-1]) / 2 * h, LARGEST_EXPONENT)
    safe = np.where(np.abs(grown) > 1e-8, grown, 1.0)
    factor, added = (
        np.exp(grown),
        np.maximum(rho[1:], rho[:-1]) * h * np.where(safe == grown, np.expm1(safe) / safe, 1.0),
    )
    spread = checks.spread(theta).tolist() if checks.local else [0] * len(h)
    largest = E
    around = family.periodic[0]
    for k, times_mixed in enumerate(spread):
        for _ in range(min(times_mixed, MOST_MIXED)):
            E = np.maximum(E, _neighbours(E, around))
        E = np.maximum(E * factor[k], sides) + added[k]
        largest = np.maximum(largest, E)
    size = np.maximum(np.abs(u).max(axis=1), np.finfo(float).tiny)
    relative = float(((np.sqrt(times)[None, :, None] * missed.reshape(n, C_t, -1)).max(axis=(1, 2)) / size).max())
    estimate = float(largest.max())
    return np.full(n, estimate if math.isfinite(estimate) else np.inf), relative


def _neighbours(E: np.ndarray, around: bool) -> np.ndarray:
    """The mean of both neighbours; at an end the one there is."""
    if around:
        found: np.ndarray = (np.roll(E, 1) + np.roll(E, -1)) / 2
        return found
    result = np.empty_like(E)
    result[1:-1] = (E[2:] + E[:-2]) / 2
    result[0], result[-1] = E[1], E[-2]
    return result
