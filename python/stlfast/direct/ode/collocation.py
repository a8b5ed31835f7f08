"""A member's equations, and the functions of a dictionary, at points.

dy/dx = f(x, y) = A(p, x) y + b(p, x) + N(x, y, p),   J = ∂f/∂y,   x ∈ [0, 1]

n states, N points, M functions, W (M, n) heads. Values at points are (n, N), matrices (n², N), row-major.
"""

from __future__ import annotations

import math

import numpy as np

from ... import _core
from ...equations.callback import Callback, values_of
from ...equations.ode.family import Family

SMALLEST_SINGULAR_VALUE = 1e-12  # of the functions at the points, over the largest
ROUNDING = 1e-13


class Grid:
    """The functions of a dictionary at points x (N,).

    H, dH: (N, M) values and derivatives.
    rate: (N,) the fastest relative change that they resolve, |Q'|/|Q| with functions Q orthonormal at the points;
        about M ds/dx for polynomials in a time map s.
    """

    def __init__(self, functions: _core.Dictionary, x: np.ndarray) -> None:
        self.x = x
        self.H, self.dH = functions.evaluate(x, 1)  # (N, M)
        Q, sigma, V = np.linalg.svd(self.H, full_matrices=False)
        R = int(np.sum(sigma > SMALLEST_SINGULAR_VALUE * sigma[0]))
        dQ = self.dH @ (V[:R].T / sigma[:R])
        self.rate = np.linalg.norm(dQ, axis=1) / np.linalg.norm(Q[:, :R], axis=1)

    def values(self, heads: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray((self.H @ heads).T)

    def slopes(self, heads: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray((self.dH @ heads).T)


class Equations:
    """f and J of the member with parameters p (P,) at the points of a grid."""

    def __init__(self, family: Family, p: np.ndarray, grid: Grid) -> None:
        self.family, self.p, self.grid = family, p, grid
        self.A, self.b = family.A(grid.x, p), family.b(grid.x, p)
        self._callback = values_of(family.N, family.J)

    def f(self, y: np.ndarray) -> np.ndarray:
        N = self.family.N
        if N is None:
            return self._linear(y)
        points = self._points(y)
        result: np.ndarray = self._linear(y) + (
            N.unchecked(points, self.p) if isinstance(N, Callback) else N(points, self.p)
        )
        return result

    def linearised(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f and J."""
        if self._callback is not None:
            N, J = (values(self._points(y), self.p) for values in self._callback)
            return self._linear(y) + N, self.A + J
        if self.family.J is None:
            return self._linear(y), self.A
        return self.f(y), self.A + self.family.J(self._points(y), self.p)

    def residual(self, heads: np.ndarray) -> float:
        """The largest preconditioned residual, relative to the size of each state; inf where it is not finite."""
        y = self.grid.values(heads)
        f, J = self.linearised(y)
        r, size = f - self.grid.slopes(heads), sizes(y)
        if not (np.isfinite(r).all() and np.isfinite(J).all()):
            return math.inf
        n = len(y)
        P = preconditioner(scaled(J, size), self.grid.rate).reshape(n, n, -1)
        return float(np.abs(np.einsum("ijq,jq->iq", P, r / size[:, None])).max())

    def _linear(self, y: np.ndarray) -> np.ndarray:
        n = len(y)
        result: np.ndarray = np.einsum("ijq,jq->iq", self.A.reshape(n, n, -1), y) + self.b
        return result

    def _points(self, y: np.ndarray) -> np.ndarray:
        return np.concatenate([self.grid.x[None], y])


def preconditioner(J: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """(rate² I + J Jᵀ)^(−1/2) at each point.

    It makes the rows of stiff and of slow equations alike, also where J has eigenvalues on both sides.
    """
    n = math.isqrt(len(J))
    U, sigma, _ = np.linalg.svd(J.T.reshape(-1, n, n))
    P = U / np.hypot(rate[:, None], sigma)[:, None, :] @ U.swapaxes(1, 2)
    return np.ascontiguousarray(P.reshape(-1, n * n).T)


def scaled(J: np.ndarray, size: np.ndarray) -> np.ndarray:
    """J for states in units of their sizes (n,)."""
    result: np.ndarray = J * (size / size[:, None]).reshape(-1, 1)
    return result


def sizes(y: np.ndarray) -> np.ndarray:
    """The largest value of each state, (n,); of all states for one that is 0 but for rounding."""
    size = largest(y)
    return np.where(size > ROUNDING * size.max(), size, size.max() or 1.0)


def largest(y: np.ndarray) -> np.ndarray:
    """The largest value of each state, (n,)."""
    result: np.ndarray = np.abs(y).max(axis=1)
    return result


def relative(change: np.ndarray, size: np.ndarray) -> float:
    """The largest change of a state over its size, both (n,)."""
    return float((change / np.maximum(size, np.finfo(np.float64).tiny)).max())
