"""From a linear family of PDEs to a model: snapshots of many members, a reduced basis for each band, its operators.

    snapshots   solutions at members spaced logarithmically in the stiffness, for all modes of data
    basis       their singular vectors at the nodes of a tensor grid, as many as tol asks for
    tables      the basis as a Tucker tensor: p functions of space, q of time and a core; what that drops is below tol
    operators   Gram matrices of the rows of central member and parts, data and residual at check points

n fields of a group, r basis functions, S · D nodes, C check points, M data of a field, V varying parts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np

from ..base.progress import Report
from ..direct.pde.groups import split
from ..direct.pde.rows import Functions, GroupRows
from ..direct.pde.snapshots import Modes, mode_data, solve_modes
from ..direct.pde.tensor import TensorGrid, tensor_points
from ..equations.parameters import box
from ..equations.pde.family import PDEFamily
from .pde_bands import PDEBand, PDECompiled, PDEOptions, leading, members_at, stiffness_nodes

PER_E_FOLD = 5.0  # snapshot members
TUCKER = 0.1  # of tol, what the tables may drop
EARLY_CHECKS, LATE_CHECKS, CHECK_SPACES, CHECK_PLANE = 9, 8, 7, 25
FIRST_CHECK, LATE = 1e-5, 0.125  # of the time span


def compile_bands(family: PDEFamily, options: PDEOptions, report: Report) -> PDECompiled:
    """The bands of all groups of a linear family."""
    splitting = split(family)
    points = tensor_points(family, options.space, options.time, options.tau)
    depends = np.any([family.theta.depends_on(1 + k) for k in range(len(family.params))], axis=0)
    varying = tuple(np.flatnonzero(depends).tolist())
    grid = TensorGrid(family, options.space, options.time, options.tau)
    check_times, check_z = _check_points(family)
    groups = []
    for number in range(len(splitting.groups)):
        rows = GroupRows(family, splitting, number, points)
        compiler = _GroupCompiler(rows, grid.functions, options, grid, varying, (check_times, check_z))
        groups.append(compiler.bands(partial(_share, report, number, len(splitting.groups))))
        report((number + 1) / len(splitting.groups))
    return PDECompiled(options, splitting, varying, points, check_times, len(check_z), groups)


def _share(report: Report, group: int, groups: int, done: float) -> None:
    report((group + done) / groups)


class _GroupCompiler:
    def __init__(
        self,
        rows: GroupRows,
        functions: Functions,
        options: PDEOptions,
        grid: TensorGrid,
        varying: tuple[int, ...],
        checks: tuple[np.ndarray, np.ndarray],
    ) -> None:
        self.rows, self.functions, self.options, self.grid, self.varying = rows, functions, options, grid, varying
        self.check_points = np.concatenate(
            [np.tile(checks[1], (len(checks[0]), 1)), np.repeat(checks[0], len(checks[1]))[:, None]], axis=1
        )
        self.at_nodes = functions.evaluate(grid.nodes, [(0,) * (rows.family.d + 1)])[0]
        matrices = rows.matrices(self.check_points)
        self.moves = any(q in varying and np.any(C) for (q, _), C in matrices.items())

    def bands(self, progress: Callable[[float], None]) -> list[PDEBand]:
        family = self.rows.family
        if not self.moves:
            low, high = box(family.params)
            member = np.sqrt(np.abs(low * high))
            return [self.band(low, high, member, self.snapshots(member))]
        nodes = stiffness_nodes(family, PER_E_FOLD)
        found: list[np.ndarray] = []
        for k, value in enumerate(nodes):
            members = members_at(family, value)
            found.append(np.concatenate([self.snapshots(p) for p in members], axis=2))
            progress((k + 1) / (1 + len(nodes)))
        bands = []
        for first, last in self.pieces(found, 0, len(nodes) - 1):
            low, high = box(family.params)
            at = leading(family)
            low[at], high[at] = nodes[first], nodes[last]
            centre = np.where(low > 0, np.sqrt(np.abs(low * high)), (low + high) / 2)
            bands.append(self.band(low, high, centre, np.concatenate(found[first : last + 1], axis=2)))
        return bands

    def snapshots(self, p: np.ndarray) -> np.ndarray:
        """Values (n, S·D, K) at the nodes of the solutions for all modes of data."""
        data = mode_data(self.rows, Modes(self.options.degrees, self.options.powers), p)
        W = solve_modes(self.rows, self.functions, self.rows.family.theta_at(p), data)
        return np.einsum("Nm,nmK->nNK", self.at_nodes, W, optimize=True)

    def pieces(self, found: list[np.ndarray], first: int, last: int) -> list[tuple[int, int]]:
        """Ranges of the nodes, overlapping by an interval, whose rank is at most max_rank."""
        if last - first < 3 or self.rank(found[first : last + 1]) <= self.options.max_rank:
            return [(first, last)]
        middle = (first + last) // 2
        return [*self.pieces(found, first, middle + 1), *self.pieces(found, middle, last)]

    def rank(self, found: list[np.ndarray]) -> int:
        sigma = np.linalg.svd(self.stacked(np.concatenate(found, axis=2)), compute_uv=False)
        return int(np.count_nonzero(sigma > self.options.tol * sigma[0]))

    def stacked(self, snapshots: np.ndarray) -> np.ndarray:
        """(n·S·D, K), so that singular values are root mean squares over the nodes."""
        n, nodes, K = snapshots.shape
        return snapshots.reshape(n * nodes, K) / np.sqrt(nodes)

    def band(self, low: np.ndarray, high: np.ndarray, member: np.ndarray, snapshots: np.ndarray) -> PDEBand:
        n, nodes, _ = snapshots.shape
        U, sigma, _ = np.linalg.svd(self.stacked(snapshots), full_matrices=False)
        r = max(1, int(np.count_nonzero(sigma > self.options.tol * sigma[0])))
        values = U[:, :r].reshape(n, nodes, r) * np.sqrt(nodes)
        space, time, core = self.tucker(np.stack([self.grid.coefficients(v) for v in values]))
        W = np.einsum("sa,nabr,db->nsdr", space, core, time, optimize=True).reshape(n, nodes, r)
        theta = self.rows.family.theta_at(member)
        gram, right = self.operators(W, theta)
        checks, reaction = self.checks(W, theta)
        return PDEBand(
            low, high, theta[list(self.varying)], space, self.options.tau, time,
            core.transpose(0, 2, 1, 3).reshape(-1, r), gram, right, checks, reaction,
        )  # fmt: skip

    def tucker(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Functions of space (S, p), of time (D, q) and the core (n, p, q, r) of coefficients (n, S·D, r)."""
        n, _, r = coefficients.shape
        D = self.options.time
        tensor = coefficients.reshape(n, -1, D, r)
        space = self.degrees(np.moveaxis(tensor, 1, 0).reshape(tensor.shape[1], -1))
        time = self.leading(np.moveaxis(tensor, 2, 0).reshape(D, -1))
        return space, time, np.einsum("sa,nsdr,db->nabr", space, tensor, time, optimize=True)

    def degrees(self, unfolded: np.ndarray) -> np.ndarray:
        """The axes' own functions that are needed, (S, p), by total degree: of smooth data the last ones are 0."""
        sizes = np.linalg.norm(unfolded, axis=1)
        shape = self.options.space
        total = np.indices(shape).reshape(len(shape), -1).sum(axis=0)
        order = np.argsort(total, kind="stable")
        kept = order[sizes[order] > TUCKER * self.options.tol * np.linalg.norm(sizes) / np.sqrt(len(sizes))]
        return np.eye(len(sizes))[:, kept]

    def leading(self, unfolded: np.ndarray) -> np.ndarray:
        U, sigma, _ = np.linalg.svd(unfolded, full_matrices=False)
        tail = np.sqrt(np.cumsum(sigma[::-1] ** 2)[::-1])
        return U[:, : max(1, int(np.count_nonzero(tail > TUCKER * self.options.tol * tail[0])))]

    def parts_at(self, points: np.ndarray, W: np.ndarray) -> list[np.ndarray]:
        """Parts of the reduced functions: [∂_x, then each of all q], (n, N, r)."""
        partials = [self.rows.in_time, *self.rows.orders]
        found = self.grid.functions.evaluate(points, partials)
        values = {order: [value @ own for own in W] for order, value in zip(partials, found, strict=True)}
        parts = self.rows.parts(points, values)
        zero = np.zeros_like(parts[None])
        return [parts[None], *(parts.get(q, zero) for q in range(len(self.rows.family.theta.outputs)))]

    def affine(self, parts: list[np.ndarray], theta: np.ndarray) -> list[np.ndarray]:
        """The central member's rows, then those of each varying part."""
        central = parts[0] + sum(t * part for t, part in zip(theta, parts[1:], strict=True))
        return [central, *(parts[1 + q] for q in self.varying)]

    def operators(self, W: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gram matrices, packed, and right (r, n·M)."""
        rows, r = self.rows, W.shape[2]
        pairs = list(itertools.combinations_with_replacement(range(len(self.varying) + 1), 2))
        G = np.zeros((len(pairs), r, r))
        points, weights = rows.points.interior, rows.points.interior_weights
        for start in range(0, len(points), 1024):
            here = slice(start, start + 1024)
            scaled = [
                (weights[here, None] * part).reshape(-1, r)
                for part in self.affine(self.parts_at(points[here], W), theta)
            ]
            for k, (q, s) in enumerate(pairs):
                G[k] += scaled[q].T @ scaled[s]
        data, w = rows.data_rows(self.grid.functions), rows.points.data_weights
        given = np.stack([data @ own for own in W])  # (n, M, r)
        right = (w[:, None] ** 2 * given).reshape(-1, r)
        G[0] += given.reshape(-1, r).T @ right
        lower = [np.concatenate([g[j:, j] for j in range(r)]) for g in (G + G.transpose(0, 2, 1)) / 2]
        return np.stack(lower, axis=1), np.ascontiguousarray(right.T)

    def checks(self, W: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the equations miss at the check points, ((V + 1)·n·C, r), and the reaction."""
        rows = self.rows
        affine = self.affine(self.parts_at(self.check_points, W), theta)
        constant = rows.family.constant_coefficients
        matrices = rows.matrices(self.check_points[:1] if constant else self.check_points)
        order = (0,) * rows.family.d
        zero = np.zeros((rows.n, rows.n, 1 if constant else len(self.check_points)))
        per_part = [-matrices.get((q, order), zero) for q in range(len(theta))]
        central = sum((t * C for t, C in zip(theta, per_part, strict=True)), zero)
        reaction = np.stack([central, *(per_part[q] for q in self.varying)])  # (V + 1, n, n, samples)
        return np.concatenate([a.reshape(-1, W.shape[2]) for a in affine]), np.moveaxis(reaction, -1, 0).reshape(
            zero.shape[2], -1
        ).copy()


def _check_points(family: PDEFamily) -> tuple[np.ndarray, np.ndarray]:
    """Times (C_t,) from 0 to 1, and points of space (C_z, d) between those of the rows."""
    late = np.linspace(LATE, 1.0, LATE_CHECKS)
    times = np.concatenate([[0.0], np.geomspace(FIRST_CHECK, LATE, EARLY_CHECKS)[:-1], late])
    if family.d == 1:
        return times, ((np.arange(CHECK_SPACES) + 0.31) / CHECK_SPACES)[:, None]
    steps = np.array([0.7548776662466927, 0.5698402909980532])  # the R sequence (Roberts, 2018)
    return times, (0.31 + np.outer(np.arange(CHECK_PLANE), steps)) % 1.0
