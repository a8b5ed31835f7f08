"""Solutions of members of a linear family of PDEs on a dictionary, for many initial and boundary values at once.

    min_W ‖ rows(p) W − [0; ω d] ‖      d the data of each mode: an initial profile with what belongs to it on the sides

Modes of a group's field: polynomials in space (Fourier series where periodic) as initial values, and powers of time on
each side. Initial and boundary values of a mode meet, so that no kink leaves the corners of the domain. K modes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..._core import TallLeastSquares
from ...equations.pde import characteristics
from .rows import Functions, GroupRows

RCOND = 1e-13
HALF_WEIGHT = 0.5  # modes up to this share of the degree count fully,
LAST_WEIGHT = 1e-2  # the last one this much: data are smooth


@dataclass(frozen=True)
class Modes:
    """What data are made of: degrees of the initial profiles along each axis, and powers of time on the sides."""

    degrees: tuple[int, ...]
    powers: int


def mode_data(rows: GroupRows, modes: Modes, p: np.ndarray) -> np.ndarray:
    """Data (K, n, M) of all modes of a group's fields at the rows' data points."""
    result = []
    for degrees in itertools.product(*(range(count) for count in modes.degrees)):
        weight = float(np.prod([_weight(k, count) for k, count in zip(degrees, modes.degrees, strict=True)]))
        profile = _Profile(rows, degrees)
        result += [weight * _data_of(rows, profile, field, p) for field in range(rows.n)]
    return np.stack([*result, *_side_modes(rows, modes.powers)])


def _data_of(rows: GroupRows, profile: _Profile, field: int, p: np.ndarray) -> np.ndarray:
    """Data (n, M) where one field starts from a profile, the others from 0."""
    first = len(rows.points.initial)
    data = np.zeros((rows.n, len(rows.points.data)))
    data[field, :first] = profile(rows.physical(rows.points.initial)[:-1])
    steepest = 1.0
    for condition, side in zip(rows.family.conditions, rows.points.sides, strict=True):
        if side is None:
            continue
        here = slice(first, first + len(side))
        first += len(side)
        at = rows.physical(side)
        if condition.continues:
            data[:, here] = _carried(rows, profile, field, at, p)
        elif condition.kind == "neumann":
            data[field, here] = profile.slope(at[:-1], condition.axis)
            steepest = max(steepest, np.abs(data[field, here]).max())
        else:
            data[field, here] = profile(at[:-1])
    # A steep profile's slope on a side, k² for degree k, would outweigh all modes that are of size 1.
    return data / steepest


def _carried(rows: GroupRows, profile: _Profile, field: int, points: np.ndarray, p: np.ndarray) -> np.ndarray:
    """What flows in at points (d + 1, N) of a side where the profile is continued, (n, N)."""
    direction = rows.mixing[:, rows.fields[field], None]  # in the family's own fields

    def start(x: np.ndarray) -> np.ndarray:
        result: np.ndarray = direction * profile(x)
        return result

    u = characteristics.solution(rows.family, start, points, p)
    return np.asarray((rows.unmixing @ u)[rows.fields])


def solve_modes(rows: GroupRows, functions: Functions, theta: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Coefficients (n, m, K) of the solutions for data (K, n, M)."""
    n, m = rows.n, functions.size
    system = TallLeastSquares(n * m, len(data))
    for weights, parts in rows.blocks(functions):
        A = (weights[:, None] * rows.weighted(parts, theta)).reshape(-1, n * m)
        system.add(A, np.zeros((len(A), len(data))))
    w = rows.points.data_weights
    own = w[:, None] * rows.data_rows(functions)
    for field in range(n):
        A = np.zeros((len(own), n * m))
        A[:, field * m : (field + 1) * m] = own
        system.add(A, np.ascontiguousarray((w * data[:, field]).T))
    W, _, _ = system.solve(RCOND)
    return np.asarray(W).reshape(n, m, len(data))


def _side_modes(rows: GroupRows, powers: int) -> list[np.ndarray]:
    """x, x², … on each side that takes values from outside, with initial values 0."""
    result = []
    start = len(rows.points.initial)
    for condition, side in zip(rows.family.conditions, rows.points.sides, strict=True):
        if side is None:
            continue
        if not condition.continues:
            for power, field in itertools.product(range(1, powers + 1), range(rows.n)):
                data = np.zeros((rows.n, len(rows.points.data)))
                data[field, start : start + len(side)] = side[:, -1] ** power
                result.append(data)
        start += len(side)
    return result


class _Profile:
    """One initial profile, a product of Chebyshev polynomials and Fourier modes, on the domain and where it comes from.

    Where an inflow continues the profile along the characteristics, the polynomials live on the domain and all that
    flows in.
    """

    def __init__(self, rows: GroupRows, degrees: tuple[int, ...]) -> None:
        family = rows.family
        self.degrees, self.periodic = degrees, family.periodic
        self.box = family.domain.copy()
        for condition in family.conditions:
            if condition.continues:
                reach = characteristics.reach(family)
                self.box[0, 0] -= max(reach, 0.0)
                self.box[0, 1] += max(-reach, 0.0)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values (N,) at x (d, N)."""
        result: np.ndarray = np.prod([self._factor(k, row) for k, row in enumerate(x)], axis=0)
        return result

    def slope(self, x: np.ndarray, axis: int) -> np.ndarray:
        """∂/∂x_axis at x (d, N), by a complex step."""
        step = 1e-30
        shifted = x.astype(complex)
        shifted[axis] += 1j * step
        result: np.ndarray = np.prod([self._factor(k, row) for k, row in enumerate(shifted)], axis=0).imag / step
        return result

    def _factor(self, axis: int, x: np.ndarray) -> np.ndarray:
        low, high = self.box[axis]
        z, k = (x - low) / (high - low), self.degrees[axis]
        if not self.periodic[axis]:
            values: np.ndarray = np.polynomial.chebyshev.chebval(2 * z - 1, np.eye(k + 1)[k])
            return values
        angle = 2 * np.pi * ((k + 1) // 2) * z
        values = np.cos(angle) if k % 2 or k == 0 else np.sin(angle)
        return values


def _weight(k: int, count: int) -> float:
    excess = max(0.0, k / max(count - 1, 1) - HALF_WEIGHT) / (1 - HALF_WEIGHT)
    return float(LAST_WEIGHT**excess)
