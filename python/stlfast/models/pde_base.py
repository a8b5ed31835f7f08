"""What compiled models of PDEs share: where data are taken, output grids, and what was made for the last of these."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ..direct.pde.inputs import Between, between, output_axes
from ..direct.pde.rows import physical
from ..equations.pde.family import PDEFamily
from .base import CompiledModel

KEPT_TABLES = 4


class PDEModelShell(CompiledModel):
    """A compiled family of PDEs."""

    family: PDEFamily
    compiled: Any  # with `points`, where the rows of least squares are

    def __init__(self, family: PDEFamily, compiled: Any, passport: Mapping[str, Any]) -> None:
        self.family, self.compiled, self.passport = family, compiled, dict(passport)
        self._tables: OrderedDict[bytes, Any] = OrderedDict()

    @cached_property
    def points(self) -> np.ndarray:
        """Where data are taken, in physical coordinates (d + 1, M): initial points first, then those of each side."""
        return physical(self.family, self.compiled.points.data)

    @cached_property
    def _between(self) -> Between:
        return between(self.compiled.points)

    def _table(self, x: Any, y: Any, t: Any) -> tuple[list[np.ndarray], Any]:
        """Output coordinates of each axis, the times last, and the functions there."""
        axes = output_axes(self.family, x, y, t)
        key = b"|".join(axis.tobytes() for axis in axes)
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = self._tabulated(axes)
            if len(self._tables) > KEPT_TABLES:
                self._tables.popitem(last=False)
        return axes, table

    def _tabulated(self, axes: list[np.ndarray]) -> Any:
        raise AssertionError("every kind of model has its own")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.family, self.compiled, self.passport)


def check_method(method: str | None, known: tuple[str, ...]) -> None:
    """ValueError for a method that a model does not have."""
    if method is not None and method not in known:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(known)}")
