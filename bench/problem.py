"""The problems of the comparison, with their exact solutions.

n states, N times, B initial values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import stlfast
from stlfast import demo
from stlfast.reference import exact, point_set


@dataclass(frozen=True, eq=False)
class Problem:
    """A shipped model's family at fixed parameters other than the stiffness."""

    name: str
    others: dict[str, float]
    _tables: dict[float, np.ndarray] = field(default_factory=dict, init=False)

    @cached_property
    def model(self) -> stlfast.Model:
        return stlfast.load(self.name)

    @property
    def family(self) -> stlfast.Family:
        return self.model.family

    @cached_property
    def grid(self) -> np.ndarray:
        """The 512 uniform output times of every timed solve."""
        return np.linspace(*self._span, demo.POINTS)

    @cached_property
    def points(self) -> np.ndarray:
        """The times over which accuracy is reported; the grid is among them."""
        return np.union1d(point_set(*self._span), self.grid)

    @property
    def _span(self) -> tuple[float, float]:
        return self.family.t_span_at(**self.params(self.family.params[self.family.stiffness].solve[0]))

    def params(self, alpha: float) -> dict[str, Any]:
        return {self.family.stiffness: alpha, **self.others}

    def table(self, alpha: float, t: np.ndarray) -> np.ndarray:
        """Solutions (n + 1, n, N) for unit initial values without forcing and, last, for zero ones with it."""
        if alpha not in self._tables:
            starts = np.vstack([np.eye(self.family.n), np.zeros(self.family.n)])
            rows = np.array([exact(self.family, self.points, y0, **self.params(alpha)) for y0 in starts])
            rows[:-1] -= rows[-1]
            self._tables[alpha] = rows
        at = np.searchsorted(self.points, t)
        if not np.array_equal(self.points[at], t):
            raise ValueError("exact solutions are known at the problem's points alone")
        return self._tables[alpha][:, :, at]

    def exact(self, alpha: float, y0: np.ndarray, t: np.ndarray) -> np.ndarray:
        """y (B, n, N) for initial values y0 (B, n)."""
        table = self.table(alpha, t)
        return np.einsum("bj,jnt->bnt", y0, table[:-1]) + table[-1]


PROBLEMS = {name: Problem(name, others) for name, others in demo.MEMBERS.items()}
