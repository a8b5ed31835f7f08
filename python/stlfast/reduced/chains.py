"""Compiled windows of a family of ODEs: where they end and a first guess, for every member of its box.

The box is cut into cells. In each, some members are solved sharply; their windows are as long as a polynomial of degree
7 can follow them, counted from the beginning, and polynomials in the member's coordinates tell the lengths of the k-th
window and, of nonlinear families, the values in it. Cells are halved, the one first that loses most members, until
fresh members are solved to the tolerance everywhere, or budget or file are used up: then the model is what it is, and
other members are solved by the direct solver (docs/method.md).

n states, d coordinates, M products of Chebyshev polynomials, K windows, S members.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.polynomial import chebyshev

from .. import _core
from ..base.progress import Report
from ..direct.windows import FIRST_WINDOW, Windows
from ..equations.callback import Callback
from ..equations.ode.family import Family
from ..equations.parameters import box
from .cells import FEW_ITERATIONS, Cell, Chains, coordinates
from .nonlinear import powers_up_to

POINTS = 7  # of a window, as in the core
KEPT = (2, 4, 7)  # of them, whose values the guess keeps
SHARPER, SMALLEST = 1e-3, 1e-12  # tolerance of the solutions that windows are made from, over tol; the smallest
SHARP_FLOOR = 1e-6  # what is added to sizes there, over tol
ATOL = 1e-8  # by default, of a solve
JUDGED, SMALL_STATE = 1e-2, 1e-3  # parts of a state's largest value, and of the largest state's: what else may be added
WHOLE = 1.0 + 1e-6  # of a segment, the length of a window that is all of it
BEYOND = 1e-3  # of a window, how far beyond a segment it may end to count as in it
MARGIN = 3.0  # tol over the errors that windows are made for
UNIFORM = 0.1  # part of the windows that are spread over the time span
SPREAD = 0.03  # of a cell, how far beyond it its members are drawn
DEGREES = {0: 0, 1: 6, 2: 3}  # of the polynomials, by coordinates; 2 for more
TESTED = 32  # members that tell what share of a cell is solved
DENSER = (1.0, 1.3, 1.7, 2.2)  # windows, over what the solutions need, that are tried where members are lost
MOST_BYTES = 1_800_000
LEAST = 2e-4  # what a cell has to gain to be cut
TRIED = 24  # cells that hold nothing, after which smaller ones are not tried
SPENT = 0.02  # what may be lost, members and time together
CLEARLY = 0.02  # a gain in members for which more windows are taken
MOST_STATES = 8  # beyond, eliminating windows one by one, as sparse as they are, takes less time


def chainable(family: Family) -> bool:
    """Whether there can be compiled windows: of a few states, with expressions whose steps are of time alone."""
    if isinstance(family.N, Callback) or family.n > MOST_STATES:
        return False
    return family.switches is None or not any(family.switches.depends_on(1 + i).any() for i in range(family.n))


def compile_chains(family: Family, tol: float, budget: float, report: Report) -> Chains:
    """Compiled windows to tol, after at most about `budget` seconds."""
    return _Compiler(family, tol).run(budget, report)


def no_chains(family: Family, tol: float) -> Chains:
    """Compiled windows that hold nothing, so that the direct solver solves all members."""
    of = _Compiler(family, tol)
    return Chains(tol, of.powers, (of.nothing(-np.ones(of.d), np.ones(of.d)),))


class _Compiler:
    def __init__(self, family: Family, tol: float) -> None:
        self.family, self.tol = family, tol
        self.coordinates = coordinates(family)
        self.d = len(self.coordinates)
        self.powers = powers_up_to(DEGREES.get(self.d, 2), self.d)
        self.windows = Windows(family)
        self.core = self.windows.core
        self.positive = [family.states.index(state) for state in family.positive]
        self.rng = np.random.default_rng(0)
        nodes = np.array(_core.radau_points(POINTS))
        self.kept = nodes[list(KEPT)]
        self.nodes = nodes
        self.series = np.linalg.inv(chebyshev.chebvander(2 * nodes - 1, POINTS))

    def run(self, budget: float, report: Report) -> Chains:
        began = time.monotonic()
        self.deadline = began + budget
        low, high = -np.ones(self.d), np.ones(self.d)
        cells = [self.nothing(low, high)]
        try:
            cells = [self.cell(low, high)]
            while True:
                lost = [cell.loss for cell in cells]
                worst = int(np.argmax(lost))
                used = time.monotonic() - began
                report(min(max(1 - sum(lost), used / max(budget, 1e-9)), 1.0))
                if not self.d or sum(lost) < SPENT or lost[worst] < LEAST or used > budget:
                    break
                if len(cells) >= TRIED and not any(cell.share for cell in cells):
                    break
                size = sum(cell.bytes for cell in cells) + 2 * cells[worst].bytes
                if size > MOST_BYTES:
                    break
                cells[worst : worst + 1] = self.halves(cells[worst])
        except KeyboardInterrupt:
            pass  # what there is serves
        return Chains(self.tol, self.powers, tuple(cells))

    def halves(self, cell: Cell) -> list[Cell]:
        """The cell cut where its polynomials bend most."""
        bend = []
        for k in range(self.d):
            bent = (self.powers[:, k] >= 2) | ((self.powers[:, k] >= 1) & (self.powers.sum(axis=1) >= 2))
            size = np.linalg.norm(cell.lengths[:, bent])
            if cell.values is not None:
                values = cell.values.reshape(-1, self.family.n, 3, len(self.powers))
                scale = np.maximum(np.abs(values[..., 0]).max(axis=(0, 2)), 1e-30)[:, None, None]
                size += np.linalg.norm((values / scale)[..., bent])
            bend.append(size)
        k = int(np.argmax(bend))
        middle = 0.5 * (cell.low[k] + cell.high[k])
        high, low = cell.high.copy(), cell.low.copy()
        high[k] = low[k] = middle
        return [self.cell(cell.low, high), self.cell(low, cell.high)]

    def cell(self, low: np.ndarray, high: np.ndarray) -> Cell:
        samples = list(self.samples(low, high))
        best: Cell | None = None
        floor = self.floor(np.median([s.size for s in samples], axis=0)) if samples else np.ones(self.family.n)
        for denser in DENSER if len(samples) >= len(self.powers) else ():
            cell = self.fitted(low, high, samples, denser)
            share, iterations = self.test(cell, floor)
            cell = replace(cell, share=share, effort=cell.effort * iterations)
            if best is None or cell.share > best.share + CLEARLY:
                best = cell
            if best.share == 1:
                break
        return self.nothing(low, high, not samples) if best is None else best

    def nothing(self, low: np.ndarray, high: np.ndarray, empty: bool = False) -> Cell:
        M = len(self.powers)
        values = np.zeros((3 * self.family.n, M), np.float32) if self.family.nonlinear else None
        return Cell(low, high, 0.0, 0.0, np.zeros((1, M), np.float32), values, (1,), empty)

    # ------------------------------------------------------------------------------------------------------ members
    def members(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parameters (S, P) and initial values (S, n) at coordinates u (S, d)."""
        low, _ = box(self.family.params)
        params = np.tile(low, (len(u), 1))
        for k, (index, initial, logarithmic, a, b) in enumerate(self.coordinates):
            part = 0.5 * (u[:, k] + 1)
            if not initial:
                params[:, index] = np.clip(a * (b / a) ** part if logarithmic else a + (b - a) * part, a, b)
        starts = np.array([self.family.start_at(p) for p in params])
        for k, (index, initial, _, a, b) in enumerate(self.coordinates):
            if initial:
                starts[:, index] = a + (b - a) * 0.5 * (u[:, k] + 1)
        return params, starts

    def drawn(self, low: np.ndarray, high: np.ndarray, count: int, beyond: float = 0.0) -> np.ndarray:
        u = low + (high - low) * self.rng.uniform(-beyond, 1 + beyond, (count, self.d))
        result: np.ndarray = np.clip(u, -1.0, 1.0)
        return result

    def samples(self, low: np.ndarray, high: np.ndarray) -> Iterator[_Sample]:
        u = self.drawn(low, high, 2 * len(self.powers) + 4, SPREAD)
        for place, p, y0 in zip(u, *self.members(u), strict=True):
            if time.monotonic() > self.deadline:
                return
            stops, jumps = self.windows.stops_at(p)
            found = self.sharp(p, y0, stops, jumps)
            if found.finished:
                ends = self.core.segments(p, stops)
                yield _Sample(self, 2 * (place - low) / (high - low) - 1, found, ends)

    def sharp(
        self, p: np.ndarray, y0: np.ndarray, stops: np.ndarray | None, jumps: np.ndarray | None
    ) -> _core.Windowed:
        floor = np.full(self.family.n, SHARP_FLOOR * self.tol)
        tolerance = max(SHARPER * self.tol, SMALLEST)
        found: _core.Windowed = self.core.solve(
            p, y0, 0.0, 1.0, tolerance, floor, FIRST_WINDOW, False, stops=stops, jumps=jumps, once=True
        )[0]
        return found

    def floor(self, size: np.ndarray) -> np.ndarray:
        """What is added to the states' sizes (n,) where members are judged: as `solve` does, where that is small."""
        small = JUDGED * np.maximum(size, SMALL_STATE * size.max()) + 1e-300
        result: np.ndarray = np.minimum(ATOL / self.tol, small)
        return result

    def test(self, cell: Cell, floor: np.ndarray) -> tuple[float, float]:
        """The share of fresh members that are solved, and their iterations over few."""
        chains = Chains(self.tol, self.powers, (replace(cell, share=1.0),)).core(self.family)
        solved, iterations, few = 0, 0, FEW_ITERATIONS * len(cell.counts)
        for p, y0 in zip(*self.members(self.drawn(cell.low, cell.high, TESTED)), strict=True):
            found, _, held = self.core.compiled(
                p, y0, self.tol, floor, True, chains, self.positive, *self.windows.stops_at(p)
            )
            solved += held
            iterations += max(found.iterations, few) if held else 0
        of_guess = self.family.nonlinear and solved  # those of linear families do not depend on it
        return solved / TESTED, iterations / (few * solved) if of_guess else 1.0

    # ------------------------------------------------------------------------------------------------------ windows
    def fitted(self, low: np.ndarray, high: np.ndarray, samples: list[_Sample], denser: float) -> Cell:
        T = self.products(np.array([sample.place for sample in samples]))
        spread = UNIFORM * float(np.median([sample.windows for sample in samples])) * denser
        counts: list[int] = []
        lengths, values, used = [], [], np.zeros(len(samples))
        for segment in range(max(sample.segments for sample in samples)):
            edges = [sample.edges(segment, denser, spread) for sample in samples]
            K = max(len(e) - 1 for e in edges)
            fit = self.fit(T, _logarithms(edges, K) if K > 0 else _whole(samples, segment))
            ends = np.cumsum(np.exp(np.clip(T @ fit[:, 0].T, -70, 3)), axis=1)  # (S, K)
            left = np.array([sample.length(segment) for sample in samples])
            used += np.where(left > 0, (ends < left[:, None]).sum(axis=1) + 1, 0)
            counts.append(len(fit))
            lengths.append(fit[:, 0])
            if self.family.nonlinear:
                values.append(self.values(T, samples, segment, ends))
        effort = float(np.mean(used / [max(sample.windows, sample.segments) for sample in samples]))
        all_lengths = np.ascontiguousarray(np.concatenate(lengths).astype(np.float32))
        all_values = np.concatenate(values).astype(np.float32) if values else None
        return Cell(low, high, 0.0, effort, all_lengths, all_values, tuple(counts))

    def values(self, T: np.ndarray, samples: list[_Sample], segment: int, ends: np.ndarray) -> np.ndarray:
        """Coefficients (3 n K, M) of the values in windows that end (S, K) after the segment's beginning."""
        at = np.full((len(samples), ends.shape[1], 3 * self.family.n), np.nan)
        for k, sample in enumerate(samples):
            if segment >= sample.segments:
                continue
            begin, end = sample.ends[segment : segment + 2]
            e = np.concatenate([[begin], begin + ends[k]])
            inside = int((e[1:] <= end + BEYOND * np.diff(e)).sum())
            if inside < 1:
                continue
            x = e[:inside, None] + np.diff(e[: inside + 1])[:, None] * self.kept
            x = np.minimum(x, np.nextafter(end, begin))  # where a state jumps, it is what it was before
            found = self.core.evaluate(sample.found, x.ravel()).reshape(self.family.n, inside, 3)
            at[k, :inside] = found.transpose(1, 0, 2).reshape(inside, -1)
        result: np.ndarray = self.fit(T, at).reshape(-1, len(self.powers))
        return result

    def products(self, places: np.ndarray) -> np.ndarray:
        """(S, M)"""
        result = np.ones((len(places), len(self.powers)))
        for k in range(self.d):
            result *= chebyshev.chebvander(places[:, k], int(self.powers.max()))[:, self.powers[:, k]]
        return result

    def fit(self, T: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Coefficients (K, m, M) of values (S, K, m), nan where members end before; fewer where few get there."""
        _S, K, m = values.shape
        result = np.zeros((K, m, T.shape[1]))
        total = self.powers.sum(axis=1)
        there = ~np.isnan(values[:, :, 0])
        solved: dict[bytes, np.ndarray] = {}
        for w in range(K):
            count = there[:, w].sum()
            if count == 0:
                result[w] = result[w - 1] if w else 0.0
                continue
            for degree in range(int(total.max()), -1, -1):
                columns = np.flatnonzero(total <= degree)
                if count >= 1.6 * len(columns) or degree == 0:
                    break
            key = there[:, w].tobytes() + bytes([degree])
            if key not in solved:
                solved[key] = np.linalg.pinv(T[np.ix_(there[:, w], columns)])
            result[w][:, columns] = (solved[key] @ values[there[:, w], w]).T
        return result


def _logarithms(edges: list[np.ndarray], K: int) -> np.ndarray:
    """Of the lengths of windows between edges, (S, K, 1), nan where a sample has fewer."""
    result = np.full((len(edges), K, 1), np.nan)
    for k, e in enumerate(edges):
        result[k, : max(len(e) - 1, 0), 0] = np.log(np.maximum(np.diff(e), 1e-30))
    return result


def _whole(samples: list[_Sample], segment: int) -> np.ndarray:
    """The same of one window that is all of the segment, or hardly more."""
    lengths = np.array([sample.length(segment) for sample in samples])
    return np.log(np.where(lengths > 0, WHOLE * lengths, np.nan))[:, None, None]


class _Sample:
    """A member's solution, and how close windows have to be along it."""

    def __init__(self, of: _Compiler, place: np.ndarray, found: _core.Windowed, ends: np.ndarray) -> None:
        self.place, self.found, self.ends = place, found, ends
        scale = (max(SHARPER * of.tol, SMALLEST) * MARGIN / of.tol) ** (1 / (POINTS + 1))
        self.x, close = self.density(of)
        self.close = scale * close

    @property
    def windows(self) -> float:
        return float(np.sum(self.close * np.diff(self.x)))

    @property
    def segments(self) -> int:
        return len(self.ends) - 1

    def length(self, segment: int) -> float:
        """Of the segment; 0 where there is none."""
        return float(np.diff(self.ends[segment : segment + 2]).sum())

    def density(self, of: _Compiler) -> tuple[np.ndarray, np.ndarray]:
        """Windows (K + 1,) of the sharp solution, and how many of them a unit of time needs (K,)."""
        edges = np.asarray(self.found.edges)
        H = np.diff(edges)
        x = edges[:-1, None] + H[:, None] * of.nodes
        x[:, -1] = np.nextafter(edges[1:], 0)  # where a state jumps, it is what it was before
        values = of.core.evaluate(self.found, x.ravel()).reshape(of.family.n, len(H), -1)
        size = np.maximum.accumulate(np.abs(values).max(axis=2), axis=1)
        self.size = size[:, -1]
        c = np.abs(values @ of.series.T) / (size + of.floor(size[:, -1])[:, None])[..., None]
        last = np.maximum(c[..., POINTS], 0.2 * c[..., POINTS - 1]).max(axis=0)
        tolerance = max(SHARPER * of.tol, SMALLEST)
        close = np.log(np.clip(last / tolerance, 1e-4, 1e4) ** (1 / (POINTS + 1)) / H)
        padded = np.concatenate([close[:1], close, close[-1:]])
        return edges, np.exp(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:])

    def edges(self, segment: int, denser: float, spread: float) -> np.ndarray:
        """Where each window ends that ends before the segment; its beginning first, nothing where there is none."""
        if segment >= self.segments:
            return np.zeros(0)
        first, last = np.searchsorted(self.x, self.ends[segment : segment + 2])
        x = self.x[first : last + 1]
        counted = np.concatenate([[0.0], np.cumsum((denser * self.close[first:last] + spread) * np.diff(x))])
        result: np.ndarray = np.interp(np.arange(math.floor(counted[-1]) + 1), counted, x)
        return result
