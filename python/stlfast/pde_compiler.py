"""From a linear family of PDEs to a model: snapshots of many members, a reduced basis for each band, its operators.

    snapshots   solutions at members spaced logarithmically in the stiffness, for all modes of data
    basis       their singular vectors at the nodes of a tensor grid, as many as tol asks for
    tables      the basis as a Tucker tensor: p functions of space, q of time and a core; what that drops is below tol
    operators   Gram matrices of the rows of central member and parts, data and residual at check points

n fields of a group, r basis functions, S · D nodes, C check points, M data of a field, V varying parts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from time import perf_counter as clock
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import FieldDictionary
from .pde_family import PDEFamily
from .pde_groups import Splitting, split
from .pde_rows import Functions, GroupRows, PDEPoints, chebyshev_points, grid_points, tensor_points
from .pde_snapshots import Modes, mode_data, solve_modes

if TYPE_CHECKING:
    from .pde_model import PDEModel

Progress = Callable[[float], None]

LINE, PLANE = 30, 9  # functions of space along each axis, in one and two dimensions
FEWEST = 3

PER_E_FOLD = 5.0  # snapshot members
TUCKER = 0.1  # of tol, what the tables may drop
EARLY_CHECKS, LATE_CHECKS, CHECK_SPACES, CHECK_PLANE = 9, 8, 7, 25
FIRST_CHECK, LATE = 1e-5, 0.125  # of the time span


@dataclass(frozen=True)
class Options:
    """How a family is compiled."""

    space: tuple[int, ...]
    time: int
    tau: float
    degrees: tuple[int, ...]
    powers: int
    tol: float
    max_rank: int


@dataclass(frozen=True)
class Band:
    """What cpp/include/stlfast/field_band.hpp keeps, under the same names."""

    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    space: np.ndarray
    tau: float
    time: np.ndarray
    core: np.ndarray
    gram: np.ndarray
    right: np.ndarray
    checks: np.ndarray
    reaction: np.ndarray

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, np.ascontiguousarray(value))

    @property
    def rank(self) -> int:
        return int(self.core.shape[1])


@dataclass(frozen=True, eq=False, repr=False)
class Compiled:
    """What compiling adds to a family."""

    options: Options
    splitting: Splitting
    varying: tuple[int, ...]
    points: PDEPoints
    check_times: np.ndarray
    check_spaces: int
    groups: list[list[Band]]

    @property
    def space(self) -> tuple[int, ...]:
        return self.options.space

    def __repr__(self) -> str:
        ranks = "; ".join(", ".join(str(band.rank) for band in bands) for bands in self.groups)
        return f"functions {self.options.space} × {self.options.time}, ranks of the groups' bands {ranks}"


def compile_pde(
    family: PDEFamily,
    *,
    space: int | Sequence[int] | None = None,
    time: int = 40,
    degrees: int | Sequence[int] | None = None,
    powers: int = 6,
    tau: float = 1e-3,
    tol: float = 1e-5,
    max_rank: int = 120,
    progress: Progress | None = None,
) -> PDEModel:
    """Make a model of a linear family of PDEs: seconds to minutes, without any integrator.

    Least squares of equations, initial and boundary values on all of space and time at once (arXiv 2501.17281, §PDEs)
    give snapshots of many members and data; their singular vectors are the reduced basis.

    Parameters
    ----------
    space: functions along each axis, Chebyshev polynomials or, where periodic, 1, cos, sin, …; default 30, in two
        dimensions 9.
    time: Chebyshev polynomials in log(1 + x/tau), x the time scaled to [0, 1]; more for solutions that oscillate.
    degrees: initial profiles that the basis is made for, along each axis: polynomials, Fourier modes where periodic;
        default 2 fewer than `space`, and as many where periodic. Data that need more end in a large error_estimate.
    powers: of time, that boundary values from outside are made for.
    tau: knee of the log time, the smallest scale that is resolved, in scaled time.
    tol: of the singular values that are left out, relative to the largest.
    max_rank: of a band; where tol asks for more, the band is split. Solves take longer with a larger rank.
    progress: called with the finished share of a group of fields, 0 … 1.

    Errors: ValueError for a wrong option, and for a nonlinear family or one with a source, which have no such model.
    """
    started = clock()
    options = _options(family, space, time, degrees, powers, tau, tol, max_rank)
    functions = TensorGrid(family, options).functions
    compiled = compile_bands(family, functions, options, progress or _ignore)
    passport = {
        "stlfast": version("stlfast"),
        "family": family.name,
        "basis": "tensor",
        "compile": {
            "functions": functions.size,
            "options": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(options).items()},
            "groups": [list(group) for group in compiled.splitting.groups],
            "ranks": [[band.rank for band in bands] for bands in compiled.groups],
            "seconds": round(clock() - started, 3),
        },
    }
    from .pde_model import PDEModel

    return PDEModel(family, compiled, passport)


def _ignore(done: float) -> None:
    pass


def _options(
    family: PDEFamily, space: Any, time: Any, degrees: Any, powers: Any, tau: Any, tol: Any, max_rank: Any
) -> Options:
    if not isinstance(family, PDEFamily):
        raise ValueError(
            f"compile_pde takes a PDEFamily, got {type(family).__name__}; use stlfast.compile for a Family"
        )
    problem = "is nonlinear" if family.nonlinear else "has a source term" if family.source is not None else ""
    if problem:
        raise ValueError(
            f"family {family.name!r} {problem}, and this makes models of linear ones without a source; use "
            "stlfast.compile_nonlinear_pde, or family.reference(...), the method of lines"
        )
    functions = _per_axis(family, LINE if family.d == 1 else PLANE, space, "space")
    own = [k if periodic else k - 2 for k, periodic in zip(functions, family.periodic, strict=True)]
    modes = _per_axis(family, own, degrees, "degrees")
    for name, value, least in (("time", time, 4), ("powers", powers, 1), ("max_rank", max_rank, 2)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    for name, value, most in (("tau", tau, 1e6), ("tol", tol, 1.0)):
        if not (isinstance(value, (int, float, np.floating)) and 0 < value <= most):
            raise ValueError(f"{name} must be a positive number of at most {most:g}, got {value!r}")
    if any(m > s for m, s in zip(modes, functions, strict=True)):
        raise ValueError(f"degrees {modes} must not exceed space {functions}: such profiles could not be represented")
    return Options(functions, int(time), float(tau), modes, int(powers), float(tol), int(max_rank))


def _per_axis(family: PDEFamily, default: Any, given: Any, name: str) -> tuple[int, ...]:
    values = default if given is None else given
    values = [values] * family.d if isinstance(values, (int, np.integer)) else list(values)
    if len(values) != family.d or any(not isinstance(v, (int, np.integer)) or v < FEWEST for v in values):
        raise ValueError(f"{name} must be {family.d} integers of at least {FEWEST}, or one, got {given!r}")
    return tuple(int(v) for v in values)


def compile_bands(family: PDEFamily, functions: Functions, options: Options, progress: Progress) -> Compiled:
    """The bands of all groups of a linear family."""
    splitting = split(family)
    points = tensor_points(family, options.space, options.time, options.tau)
    depends = np.any([family.theta.depends_on(1 + k) for k in range(len(family.params))], axis=0)
    varying = tuple(np.flatnonzero(depends).tolist())
    grid = TensorGrid(family, options)
    check_times, check_z = _check_points(family)
    groups = []
    for number in range(len(splitting.groups)):
        rows = GroupRows(family, splitting, number, points)
        compiler = _GroupCompiler(rows, functions, options, grid, varying, (check_times, check_z))
        groups.append(compiler.bands(progress))
        progress((number + 1) / len(splitting.groups))
    return Compiled(options, splitting, varying, points, check_times, len(check_z), groups)


def tensor_dictionary(family: PDEFamily, space: tuple[int, ...], time: int, tau: float) -> FieldDictionary:
    """All products of the axes' own functions and Chebyshev polynomials in log time."""
    kinds = ["periodic" if periodic else "chebyshev" for periodic in family.periodic]
    return FieldDictionary.tensor(list(zip(kinds, space, strict=True)), time, tau)


class TensorGrid:
    """The nodes of the tensor basis in which functions are tabulated."""

    def __init__(self, family: PDEFamily, options: Options) -> None:
        axes, inverses = [], []
        for count, periodic in zip(options.space, family.periodic, strict=True):
            z = np.arange(count) / count if periodic else chebyshev_points(count)
            axes.append(z)
            inverses.append(np.linalg.inv(_axis_basis(z, count, periodic)))
        x = chebyshev_points(options.time)
        inverses.append(np.linalg.inv(_axis_basis(x, options.time, False)))
        axes.append(options.tau * np.expm1(x * np.log1p(1 / options.tau)))
        self.nodes = grid_points(axes)
        self.inverses = inverses
        self.shape = (*options.space, options.time)
        self.functions = tensor_dictionary(family, options.space, options.time, options.tau)

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """Of the tensor basis, (S·D, K), from values at the nodes, (S·D, K)."""
        tensor = values.reshape(*self.shape, -1)
        for axis, inverse in enumerate(self.inverses):
            tensor = np.moveaxis(np.tensordot(inverse, tensor, axes=(1, axis)), 0, axis)
        return tensor.reshape(values.shape)


class _GroupCompiler:
    def __init__(
        self,
        rows: GroupRows,
        functions: Functions,
        options: Options,
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

    def bands(self, progress: Progress) -> list[Band]:
        family = self.rows.family
        if not self.moves:
            low, high = np.array([r.solve for r in family.params.values()]).T
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
            low, high = np.array([r.solve for r in family.params.values()]).T.copy()
            at = list(family.params).index(family.stiffness)
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

    def band(self, low: np.ndarray, high: np.ndarray, member: np.ndarray, snapshots: np.ndarray) -> Band:
        n, nodes, _ = snapshots.shape
        U, sigma, _ = np.linalg.svd(self.stacked(snapshots), full_matrices=False)
        r = max(1, int(np.count_nonzero(sigma > self.options.tol * sigma[0])))
        values = U[:, :r].reshape(n, nodes, r) * np.sqrt(nodes)
        space, time, core = self.tucker(np.stack([self.grid.coefficients(v) for v in values]))
        W = np.einsum("sa,nabr,db->nsdr", space, core, time, optimize=True).reshape(n, nodes, r)
        theta = self.rows.family.theta_at(member)
        gram, right = self.operators(W, theta)
        checks, reaction = self.checks(W, theta)
        return Band(
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


def stiffness_nodes(family: PDEFamily, per_e_fold: float) -> np.ndarray:
    """Where snapshots are taken, at least 4, spaced logarithmically."""
    low, high = family.params[family.stiffness].solve
    return np.geomspace(low, high, max(4, 1 + round(per_e_fold * np.log(high / low))))


def members_at(family: PDEFamily, value: float) -> list[np.ndarray]:
    """Members with this stiffness and the other parameters at their ends and in the middle."""
    ranges = [
        [value] if name == family.stiffness else sorted({r.solve[0], sum(r.solve) / 2, r.solve[1]})
        for name, r in family.params.items()
    ]
    return [np.array(p) for p in itertools.product(*ranges)]


def _check_points(family: PDEFamily) -> tuple[np.ndarray, np.ndarray]:
    """Times (C_t,) from 0 to 1, and points of space (C_z, d) between those of the rows."""
    late = np.linspace(LATE, 1.0, LATE_CHECKS)
    times = np.concatenate([[0.0], np.geomspace(FIRST_CHECK, LATE, EARLY_CHECKS)[:-1], late])
    if family.d == 1:
        return times, ((np.arange(CHECK_SPACES) + 0.31) / CHECK_SPACES)[:, None]
    steps = np.array([0.7548776662466927, 0.5698402909980532])  # the R sequence (Roberts, 2018)
    return times, (0.31 + np.outer(np.arange(CHECK_PLANE), steps)) % 1.0


def _axis_basis(z: np.ndarray, count: int, periodic: bool) -> np.ndarray:
    if not periodic:
        return np.polynomial.chebyshev.chebvander(2 * z - 1, count - 1)
    angles = 2 * np.pi * np.outer(z, np.arange(1, count // 2 + 1))
    both = np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(len(z), -1)
    return np.concatenate([np.ones((len(z), 1)), both], axis=1)[:, :count]
