"""Answers of many members of a family of ODEs: B queries, n states, N output times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.names import public
from . import frames
from .result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..equations.ode.family import Family
    from ..equations.pde.family import PDEFamily


class Sweep:
    """What the answers of many queries tell of themselves.

    success, method: (B,) arrays. params: each parameter's values, (B,). error_bound, error_estimate: (B, n) or None.
    """

    __slots__ = ("_family", "_members", "error_bound", "error_estimate", "success")

    _family: Family | PDEFamily
    _members: np.ndarray  # (B or 1, P), the parameters in the family's order
    success: np.ndarray
    error_bound: np.ndarray | None
    error_estimate: np.ndarray | None

    @property
    def method(self) -> np.ndarray:
        raise AssertionError("every kind of sweep has its own")

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        columns = zip(self._family.params, self._members.T, strict=True)
        return {name: np.broadcast_to(column, len(self)) for name, column in columns}

    @property
    def message(self) -> str:
        missed = np.flatnonzero(~self.success)
        if self.error_estimate is None and not len(missed):
            return "Solved without a certificate, as certify=False asked."
        what = "estimates" if self.error_bound is None else "bounds"
        if not len(missed):
            return f"The error {what} of all {len(self)} solutions meet the tolerance."
        return (
            f"{len(missed)} of {len(self)} error {what} miss the tolerance, the first that of row {missed[0]}: raise "
            "rtol or atol, or compile a model with more features."
        )

    def __len__(self) -> int:
        return len(self.success)

    def _row(self, i: int) -> int:
        """The row of an index from either end; IndexError beyond."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"row {i} of {len(self)} solutions")
        return int(i) % len(self)

    def _repr_html_(self) -> str:
        from .html import result_table

        counts = {name: int(count) for name, count in zip(*np.unique(self.method, return_counts=True), strict=True)}
        told = ", ".join(f"{name}: {count}" for name, count in counts.items())
        return result_table(f"{len(self)} solutions", self, {"successful": int(self.success.sum()), "methods": told})


class Row(Result):
    """One answer of a sweep, without its closed form."""

    __slots__ = ("_bound", "_estimate", "_method", "_ok", "params")

    def __init__(self, sweep: Sweep, i: int) -> None:
        self._ok, self._method = bool(sweep.success[i]), str(sweep.method[i])
        bound = None if sweep.error_bound is None else sweep.error_bound[i]
        self._bound = None if bound is None or np.isnan(bound).any() else bound  # nan where windows answered
        self._estimate = None if sweep.error_estimate is None else sweep.error_estimate[i]
        self.params = {name: float(values[i]) for name, values in sweep.params.items()}

    @property
    def method(self) -> str:
        return self._method

    @property
    def error_bound(self) -> np.ndarray | None:
        return self._bound

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self._estimate

    @property
    def _known(self) -> str:  # type: ignore[override]
        return "error estimate" if self._bound is None else "error bound"

    @property
    def _failure(self) -> str:
        return (
            "" if self._ok or self._estimate is not None else "There is no solution: solve this row alone to see why."
        )

    @property
    def _within(self) -> bool:
        return self._ok


@public
class Solutions(Sweep):
    """What `Model.solve_many` returns for B queries.

    y: (B, n, N) values at the output times, or (B, n) for observe="final" and "maximum".
    t: (N,) output times, (B, N) where t_span depends on the parameters; the last ones alone for observe="final", None
        for "maximum".
    params: name → (B,) values of the parameters.
    success: (B,) whether the bound meets atol + rtol·max|y| in every state; True for certify=False.
    method: (B,) which method answered, as of a single solve.
    error_bound: (B, n) bound on max |error| over t_span, None where not certified, and of nonlinear families; nan in
        rows that time windows answered. For members that many queries share it is the sum of the bounds of unit
        initial values, which is larger than a single solve's.
    error_estimate: the bound or, of nonlinear families, an estimate of max |error|; None where not certified.
    message: one sentence on all of them.

    `many[i]` is the answer of one query, `for sol in many` goes through them, `len(many)` is B.
    """

    __slots__ = ("_full", "_method", "t", "y")
    _family: Family

    def __init__(
        self, family: Family, members: np.ndarray, t: np.ndarray | None, y: np.ndarray,
        success: np.ndarray, full: np.ndarray, error: np.ndarray | None,
    ) -> None:  # fmt: skip
        self._family, self._members, self.t, self.y = family, members, t, y
        self.success, self.error_estimate, self._full = success, error, full
        self.error_bound = None if family.nonlinear else error
        self._method: np.ndarray | None = None

    @property
    def method(self) -> np.ndarray:
        if self._method is None:
            self._method = np.where(self._full, "full", "reduced").astype("U12")  # wide enough for every method
        return self._method

    def __getitem__(self, i: int) -> SolutionRow:
        """The answer of query i; IndexError beyond."""
        return SolutionRow(self, self._row(i))

    def __iter__(self) -> Iterator[SolutionRow]:
        return (self[i] for i in range(len(self)))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The states over time, a line a query (50 at most), or the observed values over the queries."""
        from .plot import plot_observed, plot_states

        title = f"{self._family.name}: {self.message}"
        if self.t is None or self.y.ndim == 2:
            return plot_observed(self._family.states, self.params, self.y, title, path)
        return plot_states(self._family.states, self.t, self.y, title, path)

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each query and time, or each query where one value is observed (needs pandas)."""
        return frames.sweep_frame(self._family.states, self)

    def to_xarray(self) -> Any:
        """A Dataset with a variable for each state over (query, t), the parameters as coordinates (needs xarray)."""
        return frames.sweep_dataset(self._family.states, self)

    def __repr__(self) -> str:
        return f"Solutions({len(self)}, y {self.y.shape}, {int(self.success.sum())} successful)"


@public
class SolutionRow(Row):
    """The answer of one query of a sweep: t (N,) or None, y (n, N) or (n,), params, and what a `Solution` tells."""

    __slots__ = ("_family", "t", "y")

    def __init__(self, many: Solutions, i: int) -> None:
        super().__init__(many, i)
        self._family, self.y = many._family, many.y[i]
        self.t = many.t[i] if many.t is not None and many.t.ndim == 2 else many.t

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The states over time; ValueError where only one value of each was observed."""
        from .plot import plot_states

        if self.t is None or self.y.ndim == 1:
            raise ValueError(
                "there is one value of each state, no curve to plot: solve_many with observe=None or times"
            )
        return plot_states(self._family.states, self.t, self.y[None], f"{self._family.name}: {self.message}", path)

    def to_pandas(self) -> Any:
        """A DataFrame with a column for each state (needs pandas)."""
        return frames.states_frame(self._family.states, self.t, self.y)

    def to_xarray(self) -> Any:
        """A Dataset with a variable for each state (needs xarray)."""
        return frames.states_dataset(self._family.states, self.t, self.y, self)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:g}" for name, value in self.params.items())
        return f"SolutionRow({values}, y {self.y.shape}, {self.method}, success={self.success})"
