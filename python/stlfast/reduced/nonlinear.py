"""Reduced bases for nonlinear families: functions from solved members, equations at a few points, a first guess.

    y(x) = Φ(x) a + Ψ(x) c,   a = (1, the varying initial values),   Ψ(0) = 0

Ψ are the leading proper orthogonal modes of what Φ leaves of the solved members, in values and time-scaled
derivatives: vectors of n components that share their coefficient, so that a state with y_i' = y_j costs no unknown of
its own and linear invariants hold in every answer. As many (point, equation) pairs as functions are kept, those on
which the linearised equations of the members, seen as columns over a fine grid, are told apart best: pivoted QR of
their leading left singular vectors (Q-DEIM: Drmac and Gugercin, SIAM J. Sci. Comput. 38 (2016) A631).

n states, P parameters, d coordinates of a member (parameters, varying initial values), S solved members, D Chebyshev
coefficients, Q points of the fine grid, r functions, M monomials.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.polynomial import chebyshev

from .. import _core
from ..direct.windows import FIRST_WINDOW, Windows
from ..equations.ode.family import Family
from ..equations.parameters import box
from ..equations.program import Instructions
from .bands import NonlinearBand, NoReducedBasis

TAUS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
RESOLVED = 1e-11  # what of a solution the expansion may leave out, relative
LONGEST, SHORTEST = 480, 24  # Chebyshev coefficients
SOLVED, CHECKED = 200, 60  # members that a band is made of, and others that it is checked with, besides corners
FULL_CORNERS = 5  # dimensions of a box whose corners are all taken
GRID = 300
SLOPE_SHARE = 0.25  # of time-scaled derivatives in the metric of the modes
LINEARISED = 50  # members that choose the points
GUESS_DEGREE = 3
RANK_STEP = 2
ITERATIONS = 6
UNDERESTIMATED, TRUSTED = 0.1, 0.95  # the least estimate over the error, in this share of the members
NOTHING = 1e-11  # error, relative, that may be the truth's
NARROWEST = 1.1  # ratio of a band's stiffnesses that is not split further

SHARP, FLOOR = 1e-11, 1e-14  # tolerance of the solutions, relative and absolute in addition

Curve = Callable[[np.ndarray], np.ndarray]  # x (N,) → y (n, N)


@dataclass(frozen=True)
class Box:
    """Members of a band: parameters between low and high, and the initial values of a family that vary."""

    family: Family
    low: np.ndarray  # (P,)
    high: np.ndarray  # (P,)

    @property
    def varying(self) -> np.ndarray:
        _, low, high = self.family.start_box()
        return np.flatnonzero(low < high)

    @property
    def dimensions(self) -> int:
        return len(self.low) + len(self.varying)

    def members(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parameters (S, P) and initial values (S, n) of points (S, d) of the unit cube."""
        P = len(self.low)
        u = unit[:, :P]
        ratio = np.where(self._logarithmic, self.high, 1.0) / np.where(self._logarithmic, self.low, 1.0)
        params = np.where(self._logarithmic, self.low * ratio**u, self.low + (self.high - self.low) * u)
        y0, low, high = self.family.start_box()
        start = np.tile(y0, (len(unit), 1))
        for k, i in enumerate(self.varying):
            start[:, i] = low[i] + (high[i] - low[i]) * unit[:, P + k]
        return np.clip(params, self.low, self.high), start

    def coordinates(self, params: np.ndarray, start: np.ndarray) -> np.ndarray:
        """(S, d), −1 … 1 in the box; those of nonlinear_band.hpp."""
        _, low, high = self.family.start_box()
        columns = [(params[:, k], self.low[k], self.high[k], self._logarithmic[k]) for k in range(len(self.low))]
        columns += [(start[:, i], low[i], high[i], False) for i in self.varying]
        result = []
        for values, a, b, logarithmic in columns:
            v, a, b = (np.log(values), np.log(a), np.log(b)) if logarithmic else (values, a, b)
            result.append((v - 0.5 * (a + b)) / max(0.5 * (b - a), 1e-300))
        return np.stack(result, axis=1) if result else np.zeros((len(start), 0))

    def spread(self, count: int, skip: int = 0) -> np.ndarray:
        """`cube_corners`, then points of a Halton sequence, (S, d)."""
        from scipy.stats import qmc

        corners = cube_corners(self.dimensions)
        inside = qmc.Halton(self.dimensions, scramble=False).random(count + skip + 1)[skip + 1 :]
        return np.vstack([corners, inside])

    def halves(self) -> tuple[Box, Box] | None:
        """Two boxes of less and of more stiffness, None where that is too narrow."""
        if self.family.stiffness is None:
            return None
        k = list(self.family.params).index(self.family.stiffness)
        if self.high[k] < NARROWEST * self.low[k]:
            return None
        high, low = self.high.copy(), self.low.copy()
        high[k] = low[k] = math.sqrt(self.low[k] * self.high[k])
        return replace(self, high=high), replace(self, low=low)

    @property
    def _logarithmic(self) -> np.ndarray:
        return np.array([interval.solve[0] > 0 for interval in self.family.params.values()])


def compile_bands(
    family: Family, tol: float, max_rank: int, most_bands: int, progress: Callable[[float], None]
) -> list[NonlinearBand]:
    """Bands that hold every member of the family to tol times the largest value of each state in the band."""
    if not isinstance(family.N, Instructions):
        raise NoReducedBasis(f"{family.name!r} has a Python function as rhs, which reduced bases can't take")
    if _whole(family).dimensions == 0:
        raise NoReducedBasis(f"{family.name!r} has one member alone, which needs no reduced basis")
    tau, _ = time_scale(family)
    waiting, bands, done = [(_whole(family), 1.0)], [], 0.0
    while waiting:
        box, share = waiting.pop()
        band = _band(box, tau, tol, max_rank)
        if band is not None:
            bands.append(band)
            done += share
            progress(done)
            continue
        halves = box.halves()
        if halves is None or len(bands) + len(waiting) + 2 > most_bands:
            raise RuntimeError(
                f"{most_bands} bands of at most {max_rank} functions do not hold {family.name!r} to tol = {tol:g}: "
                "raise tol or max_rank, or narrow the solve ranges"
            )
        waiting += [(half, share / 2) for half in reversed(halves)]
    return bands


def time_scale(family: Family) -> tuple[float, int]:
    """The knee of the log time in which expansions of the family's extreme members are shortest, and how long.

    Of linear families those from every unit initial value, since all solutions are sums of these.
    """
    whole = _whole(family)
    params, start = whole.members(whole.spread(1))
    if not family.nonlinear:
        units = np.vstack([np.eye(family.n), family.y0])
        params, start = np.repeat(params, len(units), axis=0), np.tile(units, (len(params), 1))
    solutions = _solutions(family, params, start, all_of_them=False)
    if not solutions:  # where nobody can be solved, no expansion is of use
        return TAUS[0], SHORTEST
    lengths = [_expanded(family, solutions, tau).shape[2] for tau in TAUS]
    best = int(np.argmin(lengths))
    return TAUS[best], lengths[best]


def _whole(family: Family) -> Box:
    return Box(family, *box(family.params))


def _solutions(family: Family, params: np.ndarray, start: np.ndarray, all_of_them: bool = True) -> list[Curve]:
    """Solutions x (N,) → (n, N) of members (S, P) from y0 (S, n), on time windows; of those that have one, unless
    that must be all of them."""
    windows = Windows(family).core
    result: list[Curve] = []
    for p, y0 in zip(params, start, strict=True):
        found, *_ = windows.solve(p, y0, 0.0, 1.0, SHARP, np.full(family.n, FLOOR), FIRST_WINDOW, False, once=True)
        if not found.finished:
            if not all_of_them:
                continue
            raise RuntimeError(
                f"the member {dict(zip(family.params, p.tolist(), strict=True))} of {family.name!r} from y0 = "
                f"{y0.tolist()} can't be solved on time windows: narrow the solve ranges or y0_range"
            )
        result.append(partial(windows.evaluate, found))
    return result


def _expanded(family: Family, solutions: list[Curve], tau: float) -> np.ndarray:
    """Chebyshev coefficients (S, n, D) in log time, no more than it takes."""
    z = -np.cos(np.pi * (np.arange(LONGEST) + 0.5) / LONGEST)
    x = _x(z, tau)
    values = np.array([solution(x) for solution in solutions])
    coefficients = np.linalg.solve(chebyshev.chebvander(z, LONGEST - 1), values.reshape(-1, LONGEST).T).T
    coefficients = coefficients.reshape(values.shape)
    size = np.abs(coefficients).max(axis=(0, 2))[:, None]
    needed = np.flatnonzero((np.abs(coefficients) > RESOLVED * size).any(axis=(0, 1)))
    result: np.ndarray = coefficients[:, :, : needed[-1] + 1]
    return result


def powers_up_to(degree: int, d: int) -> np.ndarray:
    """(M, d) int32 of the monomials of total degree up to `degree`, the constant first."""
    powers = itertools.product(range(degree + 1), repeat=d)
    return np.array([each for each in powers if sum(each) <= degree], dtype=np.int32)


def cube_corners(d: int) -> np.ndarray:
    """The corners of the unit cube; of more than 5 dimensions 32 of them, (32, d), half of each face's.

    Further coordinates are parities of some of the first five, a fractional factorial design.
    """
    first = np.array(list(itertools.product((0.0, 1.0), repeat=min(d, FULL_CORNERS))))
    subsets = itertools.cycle(
        subset for size in (4, 3, 2, 5) for subset in itertools.combinations(range(FULL_CORNERS), size)
    )
    further = [first[:, next(subsets)].sum(axis=1) % 2 for _ in range(d - FULL_CORNERS)]
    return np.column_stack([first, *further])


def _band(box: Box, tau: float, tol: float, max_rank: int) -> NonlinearBand | None:
    """The band of least rank that meets tol, None where max_rank does not."""
    modes = _Modes(box, tau)
    params, start = box.members(box.spread(CHECKED, SOLVED))
    x = _core.Points.log_time(GRID, tau).x
    truth = np.array([solution(x) for solution in _solutions(box.family, params, start)])
    for rank in range(modes.enough(tol), min(max_rank, modes.most) + 1, RANK_STEP):
        band = modes.band(rank)
        if _good(box.family, band, params, start, x, truth, tol):
            return band
    return None


def _good(
    family: Family, band: NonlinearBand, params: np.ndarray, start: np.ndarray, x: np.ndarray, truth: np.ndarray,
    tol: float,
) -> bool:  # fmt: skip
    """Whether every member meets tol, and the estimates of almost all are no less than a tenth of the error."""
    core = _core.NonlinearModel(family.core(), *family.start_box(), [band], 0)
    size = np.maximum(np.abs(truth).max(axis=(0, 2)), np.finfo(np.float64).tiny)[:, None]
    names, trusted = tuple(family.params), 0
    for p, y0, expected in zip(params.tolist(), start, truth, strict=True):
        found = core.solve(dict(zip(names, p, strict=True)), names, y0, True, 0.0, 0.0, x, True)
        if found is None or not found[0].converged:
            return False
        error = np.abs(found[1] - expected) / size
        if not error.max() <= tol:
            return False
        trusted += bool(np.all(found[0].bound[:, None] / size >= UNDERESTIMATED * error - NOTHING))
    return trusted >= TRUSTED * len(truth)


class _Modes:
    """The functions of a band, most important first, and the equations on a fine grid that points are chosen from."""

    def __init__(self, box: Box, tau: float) -> None:
        self.box, self.tau = box, tau
        self.params, start = box.members(box.spread(SOLVED))
        coefficients = _expanded(box.family, _solutions(box.family, self.params, start), tau)
        S, n, D = coefficients.shape
        lifted = np.column_stack([np.ones(S), start[:, box.varying]])
        flat = coefficients.reshape(S, n * D)
        self.lifts = np.linalg.lstsq(lifted, flat, rcond=None)[0]  # (L, n D)
        rest = flat - lifted @ self.lifts
        z = np.linspace(-1.0, 1.0, GRID)
        self.x = _x(z, tau)
        self.T = chebyshev.chebvander(z, D - 1)
        slope = 2.0 / (np.log1p(1.0 / tau) * (self.x + tau))  # dz/dx
        self.dT = np.stack([chebyshev.chebval(z, chebyshev.chebder(row)) for row in np.eye(D)], axis=1) * slope[:, None]
        self.values = np.einsum("qd,snd->snq", self.T, coefficients)
        largest = np.abs(self.values).max(axis=(0, 2))
        self.size = np.where(largest > 0, largest, 1.0)  # (n,)
        self.resolution = 0.5 * D * slope  # (Q,): what an expansion can follow
        scaled = rest.reshape(S, n, D) / self.size[:, None]
        rows = np.concatenate([scaled @ self.T.T, SLOPE_SHARE * (scaled @ self.dT.T) * self.x], axis=2)  # (S, n, 2 Q)
        left, self.sigma, _ = np.linalg.svd(rows.reshape(S, -1), full_matrices=False)
        self.functions = self._conserving((left.T @ rest) / self.sigma[:, None])  # (S, n D)
        degree = GUESS_DEGREE
        while degree > 1 and 2 * math.comb(box.dimensions + degree, degree) > S:
            degree -= 1
        self.powers = powers_up_to(degree, box.dimensions)
        monomials = np.prod(box.coordinates(self.params, start)[:, None, :] ** self.powers, axis=2)
        self.guess = np.linalg.lstsq(monomials, left * self.sigma, rcond=None)[0]  # (M, S)
        self.jacobians = self._jacobians()

    def _conserving(self, functions: np.ndarray) -> np.ndarray:
        """Without what rounding adds to the linear invariants, magnified by dividing by small singular values."""
        w = self.box.family.invariants  # (m, n)
        if not len(w):
            return functions
        weighted = self.size[:, None] ** 2 * w.T  # so that a state is moved in proportion to its size
        components = functions.reshape(len(functions), len(self.size), -1)
        excess = np.linalg.solve(w @ weighted, w @ components)
        result: np.ndarray = (components - weighted @ excess).reshape(len(functions), -1)
        return result

    def enough(self, tol: float) -> int:
        """The least rank whose modes could meet tol."""
        return max(int(np.sum(self.sigma > tol * self.sigma[0])) - 2 * RANK_STEP, RANK_STEP)

    @property
    def most(self) -> int:
        return len(self.sigma)

    def band(self, rank: int) -> NonlinearBand:
        from scipy.linalg import qr

        n, D = self.values.shape[1], self.T.shape[1]
        functions = self.functions[:rank].reshape(rank, n, D)
        values, slopes = functions @ self.T.T, functions @ self.dT.T  # (r, n, Q)
        bases = []
        for J in self.jacobians:
            columns = slopes - np.einsum("ijq,rjq->riq", J, values)
            weight = 1.0 / (self.resolution + np.abs(np.einsum("iiq->iq", J))) / self.size[:, None]
            bases.append(np.linalg.qr((columns * weight).reshape(rank, -1).T)[0])
        leading = _leading(np.hstack(bases), rank)
        chosen = qr(leading.T, mode="r", pivoting=True)[1][:rank]
        equation, point = chosen // GRID, chosen % GRID
        coefficients = np.concatenate([self.lifts.reshape(-1, n, D), functions])  # (L + r, n, D)
        return NonlinearBand(
            self.box.low, self.box.high, self.tau,
            np.ascontiguousarray(coefficients.transpose(2, 1, 0).reshape(D, -1)), self.x[point],
            equation.astype(np.int32), self.powers, np.ascontiguousarray(self.guess[:, :rank]),
        )  # fmt: skip

    def _jacobians(self) -> list[np.ndarray]:
        """∂f/∂y (n, n, Q) along some of the solutions."""
        family, (S, n, _) = self.box.family, self.values.shape
        result = []
        for s in np.linspace(0, S - 1, min(LINEARISED, S)).astype(int):
            p = np.ascontiguousarray(self.params[s])
            points = np.ascontiguousarray(np.vstack([self.x, self.values[s]]))
            assert family.J is not None
            result.append((family.A(self.x, p) + family.J(points, p)).reshape(n, n, -1))
        return result


def _leading(columns: np.ndarray, rank: int) -> np.ndarray:
    """About the leading left singular vectors, (rows, rank), by subspace iteration."""
    vectors = np.random.default_rng(0).standard_normal((len(columns), rank))
    for _ in range(ITERATIONS):
        vectors = np.linalg.qr(columns @ (columns.T @ vectors))[0]
    return vectors


def _x(z: np.ndarray, tau: float) -> np.ndarray:
    result: np.ndarray = np.minimum(tau * np.expm1(0.5 * (z + 1.0) * np.log1p(1.0 / tau)), 1.0)
    return result
