"""From a nonlinear family of PDEs to a model: snapshots over a box of initial profiles, a reduced basis for each band.

    snapshots   solutions of members spaced logarithmically in the stiffness, of the family's own initial profile and of
                profiles drawn from a box (profiles.py), by the method of lines, at the nodes of a tensor basis
    basis       their singular vectors, as many as tol asks for, weighted by how much the reaction amplifies errors from
                a node on (direct/pde/growth.py); bands of the stiffness where they are too many
    rows        some four collocation points for each of them: Q-DEIM (Drmač & Gugercin, 2016), then random ones
    guess       cubic polynomials of the parameters and of the leading components of the data, fitted to the snapshots

n fields, d coordinates, r basis functions, S · D nodes, s sampled points, M data of a field, P parameters, q
components of the data.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..base.progress import Report
from ..direct.pde.growth import Reaction, amplification
from ..direct.pde.inputs import data_at
from ..direct.pde.newton import PDENewton
from ..direct.pde.rows import BLOCK
from ..direct.pde.tensor import TensorGrid, tensor_points
from ..equations.parameters import box
from ..equations.pde.conditions import Data
from ..equations.pde.family import PDEFamily
from .nonlinear_pde_bands import (
    COMPONENTS,
    LARGEST_DEGREE,
    NonlinearPDEBand,
    NonlinearPDECompiled,
    NonlinearPDEOptions,
    monomials,
)
from .pde_bands import leading, members_at, stiffness_nodes
from .profiles import profile_box

TERMS_PER_SNAPSHOT = 0.4  # the polynomials' degree falls where there are more
GUESS_RCOND = 1e-8
QDEIM_MODES = 3  # times r: the modes of the rows that points are chosen for
LEAST_CELLS = {1: 65, 2: 25}
SNAPSHOT_RTOL, SNAPSHOT_ATOL = 1e-8, 1e-10


def compile_nonlinear_bands(
    family: PDEFamily,
    options: NonlinearPDEOptions | None = None,
    report: Report = lambda done, told="": None,
) -> NonlinearPDECompiled:
    """Bands, bases, rows and first guesses of a nonlinear family.

    Errors: ValueError for options that do not fit, or snapshots that hardly exist.
    """
    options = NonlinearPDEOptions() if options is None else options
    if len(options.space) != family.d:
        raise ValueError(f"space must have one number for each of {family.d} coordinates, got {options.space!r}")
    if options.snapshots not in ("lines", "newton"):
        raise ValueError(f'snapshots must be "lines" or "newton", got {options.snapshots!r}')
    return _Compiler(family, options).run(report)


@dataclass(frozen=True)
class _Snapshot:
    p: np.ndarray
    data: np.ndarray  # (n, M)
    values: np.ndarray  # (n, S·D)


class _Compiler:
    def __init__(self, family: PDEFamily, options: NonlinearPDEOptions) -> None:
        self.family, self.options = family, options
        o = options
        self.grid = TensorGrid(family, o.space, o.time, o.tau)
        self.points = tensor_points(family, o.space, o.time, o.tau)
        self.box = profile_box(family, o.degrees, o.amplitude, o.decay, o.bounds)
        self.newton = PDENewton(family, self.grid.functions, self.points)
        self.rows = self.newton.rows
        self.reaction = Reaction(self.rows, self.grid.nodes)
        self.times = self.grid.nodes[: o.time, -1]

    def run(self, report: Report) -> NonlinearPDECompiled:
        nodes = stiffness_nodes(self.family, self.options.per_e_fold)
        found: list[list[_Snapshot]] = []
        rng = np.random.default_rng(self.options.seed)
        for k, value in enumerate(nodes):
            found.append([s for p in members_at(self.family, value) for s in self._snapshots(p, rng)])
            report(0.8 * (k + 1) / len(nodes), "snapshots")
        every = [s for snapshots in found for s in snapshots]
        if len(every) < 4:
            raise ValueError(f"family {self.family.name!r}: hardly any snapshot exists; take other bounds or profiles")
        mean, modes = self._components(every)
        scaffold = NonlinearPDECompiled(self.family, self.options, [], mean, modes)
        pieces = self._pieces(found, 0, len(nodes) - 1)
        size = 1 + len(self.family.params) + modes.shape[1]
        fewest = min(sum(map(len, found[first : last + 1])) for first, last in pieces)
        degree = max(
            (k for k in range(1, LARGEST_DEGREE + 1) if len(monomials(size, k)) <= TERMS_PER_SNAPSHOT * fewest),
            default=1,
        )
        bands = []
        for first, last in pieces:
            low, high = box(self.family.params)
            at = leading(self.family)
            low[at], high[at] = nodes[first], nodes[last]
            snapshots = [s for each in found[first : last + 1] for s in each]
            bands.append(self._band(low, high, snapshots, scaffold, degree))
            report(0.8 + 0.2 * (last + 1) / len(nodes), "rows")
        return NonlinearPDECompiled(self.family, self.options, bands, mean, modes)

    # ---------------------------------------------------------------------------------------------------- snapshots
    def _snapshots(self, p: np.ndarray, rng: np.random.Generator) -> list[_Snapshot]:
        shape = self.box.amplitude.shape
        drawn = [np.zeros(shape), *self.box.draw(self.options.profiles, p, rng)]
        found = []
        for coefficients in drawn:

            def start(x: np.ndarray, c: np.ndarray = coefficients) -> np.ndarray:
                return self.box.values(c, x, p)

            data = data_at(self.family, self.points, p, lambda *x: start(np.stack(x)), None, None, True)
            values = self._newton(p, data) if self.options.snapshots == "newton" else self._lines(p, start)
            if values is not None and np.isfinite(values).all():
                found.append(_Snapshot(p, data, values))
        return found

    def _lines(self, p: np.ndarray, start: Data) -> np.ndarray | None:
        """Values (n, S·D) at the nodes; None where the integrator fails."""
        family, shape = self.family, self.grid.shape
        nodes = self.grid.nodes.reshape(*shape, family.d + 1)
        box = np.concatenate([family.domain, [family.t_span]])
        axes = []
        for k, (low, high) in enumerate(box):
            own = nodes[tuple(slice(None) if j == k else 0 for j in range(family.d + 1))][:, k]
            axes.append(low + own * (high - low))
        cells = [max(LEAST_CELLS[family.d], (2 if family.d == 1 else 1) * count + 5) for count in shape[:-1]]
        x, y = axes[0], axes[1] if family.d == 2 else None
        named = dict(zip(family.params, p.tolist(), strict=True))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a few coefficients that are left out do no harm here
                u = family.reference(
                    x, y, axes[-1], lambda *x: start(np.stack(x)), rtol=SNAPSHOT_RTOL, atol=SNAPSHOT_ATOL,
                    cells=cells, **named,
                )  # fmt: skip
        except RuntimeError:
            return None
        return u.reshape(family.n, -1)

    def _newton(self, p: np.ndarray, data: np.ndarray) -> np.ndarray | None:
        answer = self.newton.solve(p, data)
        return self.newton.evaluate(answer, self.grid.nodes) if answer.converged else None

    # ------------------------------------------------------------------------------------------------------- bands
    def _stacked(self, snapshots: list[_Snapshot]) -> np.ndarray:
        """(snapshots, n·S·D), so that singular values are root mean squares over the nodes."""
        result: np.ndarray = np.stack([s.values.ravel() for s in snapshots]) / np.sqrt(len(self.grid.nodes))
        return result

    def _growth(self, snapshots: list[_Snapshot]) -> np.ndarray:
        """Root mean square (n·S·D,) over the snapshots of what the reaction makes of errors at the nodes."""
        total = np.zeros(len(self.grid.nodes))
        for s in snapshots:
            a = self.reaction.norm(s.p, self.family.theta_at(s.p), s.values).reshape(-1, len(self.times)).T
            total += amplification(a, self.times).T.ravel() ** 2
        return np.tile(np.sqrt(total / len(snapshots)), self.family.n)

    def _rank(self, sigma: np.ndarray) -> int:
        return max(1, int(np.count_nonzero(sigma > self.options.tol * sigma[0])))

    def _pieces(self, found: list[list[_Snapshot]], first: int, last: int) -> list[tuple[int, int]]:
        """Ranges of the nodes that meet at their ends, of rank at most max_rank where there is something to halve."""
        snapshots = [s for each in found[first : last + 1] for s in each]
        own = self._stacked(snapshots) * self._growth(snapshots)
        if last - first < 2 or self._rank(np.linalg.svd(own, compute_uv=False)) <= self.options.max_rank:
            return [(first, last)]
        middle = (first + last) // 2
        return [*self._pieces(found, first, middle), *self._pieces(found, middle, last)]

    def _components(self, snapshots: list[_Snapshot]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (n·M,) and scaled leading modes (n·M, q) of the data."""
        data = np.stack([s.data.ravel() for s in snapshots])
        mean = data.mean(axis=0)
        _, sigma, Vt = np.linalg.svd(data - mean, full_matrices=False)
        q = min(COMPONENTS, int(np.count_nonzero(sigma > 1e-6 * max(sigma[0], np.finfo(float).tiny))))
        spread = sigma[:q] * 2 / np.sqrt(len(data))
        return mean, np.ascontiguousarray((Vt[:q] / spread[:, None]).T)

    def _band(
        self, low: np.ndarray, high: np.ndarray, snapshots: list[_Snapshot], scaffold: NonlinearPDECompiled, degree: int
    ) -> NonlinearPDEBand:
        own, grown = self._stacked(snapshots), self._growth(snapshots)
        _, sigma, Vt = np.linalg.svd(own * grown, full_matrices=False)
        r = min(self._rank(sigma), self.options.max_rank)
        n, nodes = self.family.n, len(self.grid.nodes)
        values = (Vt[:r] / grown).T.reshape(n, nodes, r) * np.sqrt(nodes)
        W = np.stack([self.grid.coefficients(each) for each in values])
        terms = np.stack([scaffold.polynomials(s.p, s.data, degree) for s in snapshots])
        found = (own * grown) @ Vt[:r].T  # (snapshots, r)
        guess = np.linalg.lstsq(terms, found, rcond=GUESS_RCOND)[0]
        samples, weights = self._samples(W)
        largest = np.array([np.linalg.norm(found, axis=1).max()])
        return NonlinearPDEBand(low, high, W, samples, weights, guess, largest)

    def _samples(self, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Q-DEIM points for what the equations make of the basis, and random ones; weights standing for all points."""
        from scipy.linalg import qr

        interior, weights = self.points.interior, self.points.interior_weights
        r, N = W.shape[2], len(interior)
        count = min(N, int(np.ceil(self.options.samples * r)))
        orders = [self.rows.in_time, (0,) * (self.family.d + 1)]
        orders += [order for order in self.rows.orders if order not in orders]
        columns: list[list[np.ndarray]] = [[] for _ in range(len(orders) * self.family.n)]
        for start in range(0, N, BLOCK):
            here = slice(start, start + BLOCK)
            found = self.grid.functions.evaluate(interior[here], orders)
            each = [weights[here, None] * (value @ own) for value in found for own in W]
            for column, value in zip(columns, each, strict=True):
                column.append(value)
        rows = [np.concatenate(column) for column in columns]
        stacked = np.concatenate([row / max(np.linalg.norm(row), np.finfo(float).tiny) for row in rows], axis=1)
        modes = np.linalg.svd(stacked, full_matrices=False)[0][:, : min(QDEIM_MODES * r, count)]
        pivots = qr(modes.T, pivoting=True, mode="r")[1][: modes.shape[1]]
        rest = np.setdiff1d(np.arange(N), pivots)
        drawn = np.random.default_rng(0).choice(rest, count - len(pivots), replace=False)
        chosen = np.concatenate([pivots, drawn])
        return interior[chosen].copy(), weights[chosen] * np.sqrt(N / count)
