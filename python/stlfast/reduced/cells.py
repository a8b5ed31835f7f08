"""Compiled windows of a family of ODEs, as they are kept: cells of its box (chains.hpp).

In a file: chains.powers (M, d) and, for cell k, chains.k.{low,high,lengths} and, of nonlinear families, values.

n states, d coordinates, M products of Chebyshev polynomials, K windows; segments, between jumps, with windows each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..equations.ode.family import Family
from ..equations.parameters import box

if TYPE_CHECKING:
    from .. import _core

HELD = 0.5  # the least share of a cell's members that are solved, for it to be tried
FEW_ITERATIONS = 3
IN_TIME = 0.02  # what twice the time is worth, in members that are lost
SMALL = 5.0  # times as much where cells are small, of linear families


@dataclass(frozen=True)
class Cell:
    low: np.ndarray  # (d,) in coordinates −1 … 1 of the box
    high: np.ndarray
    share: float  # of members that are solved
    effort: float  # windows over what members need, times iterations over few
    lengths: np.ndarray  # (K, M)
    values: np.ndarray | None  # (3 n K, M)
    counts: tuple[int, ...]  # of the K windows, those of each segment
    empty: bool = False  # whether no member seen there has a solution on all of the span

    @property
    def volume(self) -> float:
        return float(np.prod(0.5 * (self.high - self.low)))

    @property
    def loss(self) -> float:
        """What smaller cells could gain."""
        worth = IN_TIME * (SMALL if self.values is None else 1.0)
        return 0.0 if self.empty else self.volume * (1 - self.share + worth * max(self.effort - 1, 0.0))

    @property
    def bytes(self) -> int:
        return self.lengths.nbytes + (0 if self.values is None else self.values.nbytes)


@dataclass(frozen=True, repr=False)
class Chains:
    """Cells of a family's members and their windows, for relative errors of `tolerance`."""

    tolerance: float
    powers: np.ndarray  # (M, d)
    cells: tuple[Cell, ...]
    alone: bool = False  # whether no basis of the whole time span can be made, and nothing is solved in one

    @property
    def share(self) -> float:
        """Of the members in the box, those that compiled windows solve."""
        return float(sum(cell.volume * cell.share for cell in self.cells if cell.share >= HELD))

    def lost(self, family: Family) -> str:
        """Where most members are that compiled windows do not solve."""
        worst = max(self.cells, key=lambda cell: (1 - cell.share) * cell.volume)
        names = [*family.params, *(f"{state}(0)" for state in family.states)]
        told = []
        for (index, initial, logarithmic, a, b), u, v in zip(coordinates(family), worst.low, worst.high, strict=True):
            ends = (0.5 * (1 + float(w)) for w in (u, v))
            low, high = (a * (b / a) ** x if logarithmic else a + (b - a) * x for x in ends)
            told.append(f"{names[index + len(family.params) * initial]} {low:.4g} … {high:.4g}")
        return ", ".join(told)

    def core(self, family: Family) -> _core.Chains:
        from .. import _core

        cells = [(c.low, c.high, c.share >= HELD, c.lengths, c.values, c.counts) for c in self.cells]
        start = family.y0 if family.y0_range is None and family.start is None else None
        return _core.Chains(family.n, coordinates(family), self.powers, cells, self.tolerance, start)

    def __repr__(self) -> str:
        if not self.share:
            return "no compiled windows: the direct solver solves all members"
        return f"compiled windows in {len(self.cells)} cells hold {self.share:.1%} of the members to {self.tolerance:g}"

    def to_parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        tensors = {"chains.powers": self.powers}
        for k, cell in enumerate(self.cells):
            tensors |= {f"chains.{k}.low": cell.low, f"chains.{k}.high": cell.high, f"chains.{k}.lengths": cell.lengths}
            if cell.values is not None:
                tensors[f"chains.{k}.values"] = cell.values
        options: dict[str, Any] = {"tolerance": self.tolerance, "shares": [cell.share for cell in self.cells]}
        if any(len(cell.counts) > 1 for cell in self.cells):
            options["segments"] = [list(cell.counts) for cell in self.cells]
        return tensors, options | ({"alone": True} if self.alone else {})

    @classmethod
    def from_parts(cls, family: Family, options: Any, tensors: Mapping[str, np.ndarray]) -> Chains:
        """What `to_parts` gave; ValueError for anything missing, unknown, or of a wrong type or shape."""
        if not isinstance(options, dict) or options.keys() - {"segments", "alone"} != {"tolerance", "shares"}:
            raise ValueError("the options of compiled windows must be a JSON object with tolerance and shares")
        shares = options["shares"]
        if not isinstance(shares, list) or not shares or not all(0 <= float(share) <= 1 for share in shares):
            raise ValueError("the shares of compiled windows must be numbers between 0 and 1")
        values = ("values",) if family.nonlinear else ()
        expected = {f"chains.{k}.{name}" for k in range(len(shares)) for name in ("low", "high", "lengths", *values)}
        known = expected | {"chains.powers"}
        if tensors.keys() != known:
            raise ValueError(
                f"tensors missing {sorted(known - tensors.keys())}, unknown {sorted(tensors.keys() - known)}"
            )
        if not all(np.isfinite(array).all() for array in tensors.values()):
            raise ValueError("compiled windows hold NaN or infinity")
        segments = options.get("segments", [[len(tensors[f"chains.{k}.lengths"])] for k in range(len(shares))])
        if not isinstance(segments, list) or len(segments) != len(shares) or not all(map(_are_counts, segments)):
            raise ValueError("the segments of compiled windows must be numbers of windows for each cell")
        cells = [
            Cell(
                tensors[f"chains.{k}.low"], tensors[f"chains.{k}.high"], float(share), 0.0,
                tensors[f"chains.{k}.lengths"], tensors.get(f"chains.{k}.values"), tuple(counts),
            )
            for k, (share, counts) in enumerate(zip(shares, segments, strict=True))
        ]  # fmt: skip
        if not isinstance(options.get("alone", False), bool):
            raise ValueError(f"alone must be true or false, got {options['alone']!r}")
        alone = options.get("alone", False) or bool(family.rough)
        return cls(float(options["tolerance"]), tensors["chains.powers"], tuple(cells), alone)


def _are_counts(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(number) is int and number > 0 for number in numbers)


def coordinates(family: Family) -> list[tuple[int, bool, bool, float, float]]:
    """Of each coordinate: index, whether an initial value, whether logarithmic, low and high."""
    low, high = box(family.params)
    result = [(k, False, bool(low[k] > 0), float(low[k]), float(high[k])) for k in range(len(low)) if low[k] < high[k]]
    _, low, high = family.start_box()
    return result + [(int(i), True, False, float(low[i]), float(high[i])) for i in np.flatnonzero(low < high)]
