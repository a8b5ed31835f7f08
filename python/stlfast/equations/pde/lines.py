"""Reference solutions of PDE families by the method of lines, on the same definition that is compiled.

Each axis has a spectral grid (spectral.py), N points in all: U (n, N). Each condition is linear in the values, C U = g,
and eliminates the values U_B on its side; with the values at the other points, v,

    U_B = C_B⁻¹ (g(t) − C_I v),   so U = K v + G g(t)
    v' = P (L(t) U + f + N(U)),   Jacobian P (L + ∂N/∂u) K

F values v, B eliminated ones; K (nN, F), G (nN, B), L = Σ_terms θ c(x, t) D^order (nN, nN), all dense; P takes the rows
of v. SciPy's solve_ivp integrates, and what comes out is interpolated spectrally. "modes" is independent of all that:
one matrix exponential for each Fourier mode.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ...base.checks import finite, tolerance
from .compatible import KINK, ROUNDING, check_corner
from .conditions import Data
from .data import boundary_data, initial_data
from .equations import PDEEquations
from .spectral import Grid

METHODS = ("LSODA", "Radau", "BDF")
CELLS = {1: 65, 2: 33}  # points of each axis
FEWEST, MOST_UNKNOWNS = 5, 6000  # of an axis; of a dense matrix: 6000² · 8 bytes = 0.3 GB
SHORTEST = 1e-12  # of the time span: LSODA does not come back from shorter ones
UNRESOLVED = 1e-7, 10.0  # last coefficients of the solution, relative; and in units of rtol: above both, a warning


def reference(
    family: PDEEquations,
    p: np.ndarray,
    at: Sequence[Any],
    t: Any,
    u0: Any,
    inflow: Any,
    boundary: Any,
    method: str,
    rtol: float,
    atol: float,
    cells: int | Sequence[int] | None,
) -> np.ndarray:
    """PDEFamily.reference of the member p (P,); at: the output coordinates of each axis."""
    if method not in (*METHODS, "modes"):
        raise ValueError(f"method must be one of {', '.join(METHODS)} or modes, got {method!r}")
    tolerance(rtol, "rtol"), tolerance(atol, "atol")
    outputs = [_output(family, k, at[k]) for k in range(family.d)]
    if any(given is not None for given in at[family.d :]):
        raise ValueError(f"y is given, but {family.name!r} has the one space coordinate {family.coordinates[0]}")
    times = _increasing(np.linspace(*family.t_span, 9) if t is None else t, "t", family.t_span)
    grids = _grids(family, cells)
    start = initial_data(family, u0, p)
    data = boundary_data(family, inflow, boundary, start, p)
    sampled = any(not callable(given) for given in (u0, inflow, *(boundary or {}).values()) if given is not None)
    check_corner(family, start, data, KINK if sampled else ROUNDING)
    if method == "modes":
        U = _modes(family, p, grids, start(_points(grids)), times)
    else:
        U = Lines(family, p, grids, data).solve(start, times, method, rtol, atol)
    U = U.reshape(family.n, *(grid.N for grid in grids), len(times))
    _warn_unresolved(family, grids, U, max(UNRESOLVED[0], UNRESOLVED[1] * rtol))
    for k, (grid, x) in enumerate(zip(grids, outputs, strict=True), start=1):
        U = np.moveaxis(np.tensordot(grid.interpolation(x), U, axes=(1, k)), 0, k)
    return U


def _output(family: PDEEquations, axis: int, given: Any) -> np.ndarray:
    low, high = family.domain[axis].tolist()
    if given is None:
        return np.linspace(low, high, 65)
    return _increasing(given, family.coordinates[axis], (low, high))


def _increasing(given: Any, what: str, ends: tuple[float, float]) -> np.ndarray:
    array = finite(given, what)
    if array.ndim != 1 or len(array) == 0 or not (np.diff(array) > 0).all():
        raise ValueError(f"{what} must be an increasing array of shape (N,), got {given!r}")
    if array[0] < ends[0] or array[-1] > ends[1]:
        raise ValueError(f"{what} must lie in [{ends[0]:g}, {ends[1]:g}], got [{array[0]:g}, {array[-1]:g}]")
    return array


def _grids(family: PDEEquations, cells: int | Sequence[int] | None) -> list[Grid]:
    counts: Any = CELLS[family.d] if cells is None else cells
    each = list(counts) if isinstance(counts, Sequence) else [counts] * family.d
    if len(each) != family.d or not all(isinstance(N, (int, np.integer)) and FEWEST <= N for N in each):
        raise ValueError(
            f"cells must be a whole number from {FEWEST} on, or one for each of {family.d} axes, got {cells!r}"
        )
    around = family.periodic
    return [
        Grid(low, high, N | 1 if periodic else N, periodic)  # an odd number of Fourier points
        for (low, high), N, periodic in zip(family.domain.tolist(), each, around, strict=True)
    ]


def _points(grids: Sequence[Grid]) -> np.ndarray:
    """All grid points (d, N), the last axis fastest."""
    return np.stack([axis.ravel() for axis in np.meshgrid(*(grid.points for grid in grids), indexing="ij")])


class Lines:
    """The semi-discrete system of one member."""

    def __init__(self, family: PDEEquations, p: np.ndarray, grids: list[Grid], data: list[Data | None]) -> None:
        self.family, self.p, self.grids, self.data = family, p, grids, data
        self.x = _points(grids)  # (d, N)
        self.N = self.x.shape[1]
        if family.n * self.N > MOST_UNKNOWNS:
            raise ValueError(
                f"{family.n} fields on {self.N} points are {family.n * self.N} unknowns, and dense matrices are made "
                f'for up to {MOST_UNKNOWNS}; take fewer cells, or method="modes" where all axes are periodic'
            )
        self.partials = {order: self._partial(order) for order in family.partials}
        self.K, self.G, self.free, self.sides = self._eliminate()
        steady = not family.coefficients.depends_on(family.d).any()
        self.steady = self._rows(family.t_span[0]) if steady else None

    def _partial(self, order: tuple[int, ...]) -> np.ndarray:
        """D^order on the whole grid, (N, N)."""
        matrices = [grid.differentiation(k) for grid, k in zip(self.grids, order, strict=True)]
        return np.asarray(reduce(np.kron, matrices))

    def _at(self, t: float) -> np.ndarray:
        """The grid's points at a time, (d + 1, N)."""
        return np.concatenate([self.x, np.full((1, self.N), t)])

    # ---------------------------------------------------------------------------------------- boundary conditions
    def _eliminate(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[int, int, np.ndarray, np.ndarray]]]:
        """K, G, the rows of v, and for each side of a field (condition, row of its data, points, rows of g)."""
        n, N = self.family.n, self.N
        Ks, Gs, free, sides, count = [], [], [], [], 0
        for i in range(n):
            C, owner = np.zeros((N, N)), np.full(N, -1)
            conditions = [(k, c) for k, c in enumerate(self.family.conditions) if c.side is not None and i in c.fields]
            for k, condition in sorted(conditions, key=lambda pair: pair[1].kind != "neumann"):  # u at corners, not ∂u
                on = self._side(condition.axis, condition.side == "high")
                along = tuple(int(axis == condition.axis) for axis in range(self.family.d))
                C[on] = self._partial(along)[on] if condition.kind == "neumann" else np.eye(N)[on]
                owner[on] = k
            B, rest = np.flatnonzero(owner >= 0), np.flatnonzero(owner < 0)
            K, G = np.zeros((N, len(rest))), np.zeros((N, len(B)))
            K[rest], G[B] = np.eye(len(rest)), np.linalg.inv(C[np.ix_(B, B)])
            K[B] = -G[B] @ C[np.ix_(B, rest)]
            for k, condition in conditions:
                mine = np.flatnonzero(owner[B] == k)
                sides.append((k, condition.fields.index(i), self.x[:, B[mine]], count + mine))
            count += len(B)
            Ks.append(K)
            Gs.append(G)
            free.append(i * N + rest)
        return block_diagonal(Ks), block_diagonal(Gs), np.concatenate(free), sides

    def _side(self, axis: int, high: bool) -> np.ndarray:
        """Which of the grid's points are on a side, (N,) bool."""
        result: np.ndarray = self.x[axis] == self.grids[axis].points[-1 if high else 0]
        return result

    def _g(self, t: float) -> np.ndarray:
        """The boundary data, (B,)."""
        g = np.zeros(self.G.shape[1])
        for k, row, points, rows in self.sides:
            data = self.data[k]
            assert data is not None
            g[rows] = data(np.concatenate([points, np.full((1, points.shape[1]), t)]))[row]
        return g

    # ------------------------------------------------------------------------------------------------------- time
    def _rows(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        """P L K (F, F) and P L G (F, B) at a time."""
        n, N = self.family.n, self.N
        L = np.zeros((n, N, n, N))
        for term, c in zip(self.family.terms, self.family.coefficients_at(self._at(t), self.p), strict=True):
            L[term.equation, :, term.field] += c[:, None] * self.partials[term.order]
        rows = L.reshape(n * N, n * N)[self.free]
        return rows @ self.K, rows @ self.G

    def rhs(self, t: float, v: np.ndarray) -> np.ndarray:
        LK, LG = self.steady or self._rows(t)
        g, family = self._g(t), self.family
        total = LK @ v + LG @ g
        if family.source is not None:
            total += family.source(self._at(t), self.p).ravel()[self.free]
        if family.N is not None:
            total += family.N(self._states(t, v, g), self.p).ravel()[self.free]
        result: np.ndarray = total
        return result

    def jac(self, t: float, v: np.ndarray) -> np.ndarray:
        (LK, _), family = self.steady or self._rows(t), self.family
        if family.J is None:
            return LK
        J = family.J(self._states(t, v, self._g(t)), self.p).reshape(family.n, family.n, self.N)
        of_N = np.einsum("ijN,jNF->iNF", J, self.K.reshape(family.n, self.N, -1))
        result: np.ndarray = LK + of_N.reshape(family.n * self.N, -1)[self.free]
        return result

    def _states(self, t: float, v: np.ndarray, g: np.ndarray) -> np.ndarray:
        return np.concatenate([self._at(t), (self.K @ v + self.G @ g).reshape(self.family.n, self.N)])

    def solve(self, start: Data, times: np.ndarray, method: str, rtol: float, atol: float) -> np.ndarray:
        """U (nN, T)."""
        from scipy.integrate import solve_ivp

        t0, v0 = self.family.t_span[0], start(self.x).ravel()[self.free]
        V = v0[:, None]
        if times[-1] > t0:
            options = {"t_eval": times, "rtol": rtol, "atol": atol, "jac": self.jac}
            end = max(times[-1], t0 + SHORTEST * (self.family.t_span[1] - t0))
            result = solve_ivp(self.rhs, (t0, end), v0, method=method, **options)
            if not result.success:
                raise RuntimeError(f"{method} failed on {self.family.name!r}: {result.message}; try another method")
            V = result.y
        found: np.ndarray = self.K @ V + self.G @ np.stack([self._g(t) for t in times], axis=1)
        return found


def block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    from scipy.linalg import block_diag

    return np.asarray(block_diag(*blocks))


def _modes(
    family: PDEEquations, p: np.ndarray, grids: Sequence[Grid], start: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """U (nN, T): for each wave vector k, û(t) = e^{(t − t0) Σ C_order (ik)^order} û(t0)."""
    from scipy.linalg import expm

    if not (all(family.periodic) and family.constant_coefficients and family.source is None and family.N is None):
        raise ValueError(
            f'method="modes" is for linear families with constant coefficients, without a source and periodic in all '
            f"coordinates, which {family.name!r} is not; take LSODA"
        )
    n, shape = family.n, tuple(grid.N for grid in grids)
    k = np.stack([axis.ravel() for axis in np.meshgrid(*(grid.wavenumbers for grid in grids), indexing="ij")])  # (d, N)
    symbol = np.zeros((k.shape[1], n, n), dtype=complex)
    for order, matrix in family.matrices_at(np.zeros((family.d + 1, 1)), p).items():
        symbol += np.prod((1j * k) ** np.array(order)[:, None], axis=0)[:, None, None] * matrix[:, :, 0]
    axes = tuple(range(1, 1 + family.d))
    modes = np.fft.fftn(start.reshape(n, *shape), axes=axes).reshape(n, -1)
    U = np.empty((n * modes.shape[1], len(times)))
    for index, t in enumerate(times):
        moved = np.einsum("Nij,jN->iN", expm((t - family.t_span[0]) * symbol), modes)
        U[:, index] = np.fft.ifftn(moved.reshape(n, *shape), axes=axes).real.ravel()
    return U


def _warn_unresolved(family: PDEEquations, grids: Sequence[Grid], U: np.ndarray, allowed: float) -> None:
    for axis, grid in enumerate(grids):
        left = grid.unresolved(np.moveaxis(U, 1 + axis, 0))
        if left > allowed:
            warnings.warn(
                f"the reference of {family.name!r} is not resolved in {family.coordinates[axis]}: "
                f"its last coefficients are {left:.1e} of the largest value with {grid.N} points: "
                "take more cells or smoother data",
                stacklevel=4,
            )
