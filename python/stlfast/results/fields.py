"""Solutions of families of PDEs: n fields on a grid of d space coordinates and time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..base.checks import finite
from ..base.names import public
from . import frames
from .result import Result
from .solutions import Row, Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..equations.pde.family import PDEFamily

Axes = tuple[np.ndarray, ...]


class Evaluator(Protocol):
    """What evaluates a model's answers at scaled points (P, d + 1): (n, P)."""

    def evaluate(self, answer: Any, points: np.ndarray, /) -> np.ndarray: ...


class SolvingModel(Protocol):
    """A model of a linear or a nonlinear family."""

    @property
    def family(self) -> PDEFamily: ...

    @property
    def core(self) -> Evaluator: ...


class OnGrid:
    """Values u of a family's fields on a grid; what an answer and a row of a sweep share."""

    __slots__ = ()

    _axes: Axes
    t: np.ndarray
    u: np.ndarray
    message: str

    @property
    def _family(self) -> PDEFamily:
        raise AssertionError("every kind of answer has its own")

    @property
    def x(self) -> np.ndarray:
        return self._axes[0]

    @property
    def y(self) -> np.ndarray | None:
        return self._axes[1] if len(self._axes) > 1 else None

    @property
    def fields(self) -> tuple[str, ...]:
        return self._family.fields

    @property
    def _named_axes(self) -> dict[str, np.ndarray]:
        names = (*self._family.coordinates, self._family.time)
        return dict(zip(names, (*self._axes, self.t), strict=True))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Maps over space and time, and profiles, of every field; to a file if path is given (needs matplotlib)."""
        from .plot import plot_fields

        return plot_fields(self.fields, self._named_axes, self.u, path)

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each point of the grid and a column for each field (needs pandas)."""
        return frames.fields_frame(self.fields, self._named_axes, self.u)

    def to_xarray(self) -> Any:
        """A Dataset with a variable for each field over the coordinates and the time (needs xarray)."""
        return frames.fields_dataset(self.fields, self._named_axes, self.u, frames.attributes(self))  # type: ignore[arg-type]


@public
class PDESolution(OnGrid, Result):
    """Solution of one member of a family of PDEs.

    x, y, t: output coordinates (y is None in one dimension); u: (n, len(x), len(t)) or (n, len(x), len(y), len(t)).
    error_bound: None, for there is only an estimate.
    error_estimate: (n,) estimate of max |error|, from what equations and data miss at check points, carried along as
        the reaction damps it; None where certify=False asked for none. A bound but for what passes between the check
        points, where space moves and smooths without amplifying. `solve` also looks at what was given between the data
        points, which `solve_data` and `solve_many` cannot know.
    success, status, message: as of `Solution`; the tolerance is held against max |data|.
    method: "reduced". iterations: 0, for it is one linear solve. residual: None, for the estimate was made of it.

    `sol(points)` evaluates the closed form at scattered points (P, d + 1), time last: (n, P).
    """

    __slots__ = ("_answer", "_axes", "_estimate", "_met", "_model", "t", "u")
    _remedy = (
        "the data vary on a finer scale than the model was compiled for, or contradict each other; smooth them, raise "
        "rtol or atol, or compile with more degrees"
    )

    def __init__(self, model: SolvingModel, answer: Any, axes: Axes, t: np.ndarray, u: np.ndarray) -> None:
        self._model = model
        self._answer = answer  # with `estimate`, (n,) or None, and `within`
        self._axes, self.t = axes, t
        self._estimate, self._met = answer.estimate, bool(answer.within)
        self.u = u.reshape(u.shape[0], *map(len, axes), len(t))

    @property
    def _family(self) -> PDEFamily:
        return self._model.family

    @property
    def method(self) -> str:
        return "reduced"

    @property
    def error_estimate(self) -> np.ndarray | None:
        result: np.ndarray | None = self._estimate
        return result

    @property
    def _within(self) -> bool:
        return self._met

    def _raise_estimate(self, error: np.ndarray, allowed: np.ndarray) -> None:
        """Take an error (n,) that was seen into the estimate; allowed (n,)."""
        self._estimate = np.maximum(self._estimate, error)
        self._met = bool(np.all(self._estimate <= allowed))

    def __call__(self, points: Any) -> np.ndarray:
        """Values (n, P) at points (P, d + 1) of the domain and t_span, time last; else ValueError."""
        family = self._model.family
        at = finite(points, "points")
        if at.ndim != 2 or at.shape[1] != family.d + 1:
            names = ", ".join((*family.coordinates, family.time))
            raise ValueError(f"points must have shape (P, {family.d + 1}), rows {names}, got {at.shape}")
        box = np.concatenate([family.domain, [family.t_span]])
        scaled = (at - box[:, 0]) / (box[:, 1] - box[:, 0])
        outside = ((scaled < -1e-12) | (scaled > 1 + 1e-12)).any(axis=1)
        if outside.any():
            raise ValueError(
                f"point {at[outside][0].tolist()} is outside the domain {family.domain.tolist()} or t_span "
                f"{list(family.t_span)}"
            )
        return self._model.core.evaluate(self._answer, np.ascontiguousarray(np.clip(scaled, 0, 1)))

    def __repr__(self) -> str:
        estimate = "" if self.error_estimate is None else f", error estimate {self.error_estimate.max():.1e}"
        name = self._family.name
        return f"{type(self).__name__}({name}, u {self.u.shape}, {self.method}, success={self.success}{estimate})"

    def _repr_html_(self) -> str:
        from .html import result_table

        grid = " × ".join(f"{name} {len(axis)}" for name, axis in self._named_axes.items())
        return result_table(f"{type(self).__name__} of {self._family.name}", self, {"grid": grid})


@dataclass(eq=False)
class NonlinearPDEAnswer:
    """What one method found.

    at: scaled points (N, d + 1) → values (n, N), or None where there is no solution. estimate (n,) or None.
    """

    method: str
    at: Callable[[np.ndarray], np.ndarray] | None
    steps: tuple[float, ...] = ()
    residual: float = math.nan
    failure: str = ""
    estimate: np.ndarray | None = None
    within: bool = False
    coefficients: np.ndarray | None = None  # (n, S·D) in the tensor basis


@public
class NonlinearPDESolution(PDESolution):
    """Solution of one member of a nonlinear family of PDEs; as PDESolution, and

    method: "reduced", "newton", "chord" or "lines", whichever answered.
    iterations: steps of Newton's method or chords. last_step: the last, relative to the solution.
    residual: the largest √x |∂_x u − T (…)| at check points, relative to the solution; nan from the method of lines.
    u: nan where there is no solution, which success and message say; sol(points) raises ValueError then.
    """

    __slots__ = ()
    _remedy = (
        "raise rtol or atol, smooth the data, or leave method to its default, which goes on to the method of lines"
    )

    @property
    def method(self) -> str:
        result: str = self._answer.method
        return result

    @property
    def iterations(self) -> int:
        return len(self._answer.steps)

    @property
    def last_step(self) -> float:
        return self._answer.steps[-1] if self._answer.steps else 0.0

    @property
    def residual(self) -> float:
        result: float = self._answer.residual
        return result

    @property
    def _failure(self) -> str:
        result: str = self._answer.failure
        return result

    @property
    def _note(self) -> str:
        return "; handed over to the method of lines" if self.method == "lines" else ""


@public
class PDESolutions(Sweep):
    """What `PDEModel.solve_many` returns for B members and data.

    axes: output coordinates of each axis. t: output times. u: (B, n, len(x)[, len(y)], len(t)).
    params: name → (B,) values of the parameters. success, method: (B,). error_estimate: (B, n), or None.
    message: one sentence on all of them.

    `many[i]` is the answer of one query, `for sol in many` goes through them, `len(many)` is B.
    """

    __slots__ = ("axes", "t", "u")
    _family: PDEFamily

    def __init__(
        self, family: PDEFamily, members: np.ndarray, axes: Axes, t: np.ndarray, u: np.ndarray,
        success: np.ndarray, estimate: np.ndarray | None,
    ) -> None:  # fmt: skip
        self._family, self._members, self.axes, self.t, self.u = family, members, axes, t, u
        self.success, self.error_bound, self.error_estimate = success, None, estimate

    @property
    def method(self) -> np.ndarray:
        return np.broadcast_to("reduced", len(self))

    def __getitem__(self, i: int) -> PDESolutionRow:
        """The answer of query i; IndexError beyond."""
        return PDESolutionRow(self, self._row(i))

    def __iter__(self) -> Iterator[PDESolutionRow]:
        return (self[i] for i in range(len(self)))

    def plot(self, path: str | os.PathLike[str] | None = None, row: int = 0) -> Figure:
        """Maps and profiles of one answer, by default the first."""
        return self[row].plot(path)

    def to_xarray(self) -> Any:
        """A Dataset with a variable for each field over (query, coordinates, time) (needs xarray)."""
        dataset = frames.fields_dataset(
            self._family.fields, self[0]._named_axes, self.u, {"message": self.message}, ("query",)
        )
        parameters = {name: ("query", values) for name, values in self.params.items()}
        return dataset.assign_coords(parameters).assign(success=("query", self.success))

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each query and point of the grid (needs pandas and xarray)."""
        return self.to_xarray().to_dataframe()

    def __repr__(self) -> str:
        return f"PDESolutions({len(self)}, u {self.u.shape}, {int(self.success.sum())} successful)"


@public
class PDESolutionRow(OnGrid, Row):
    """The answer of one query of a sweep: x, y, t, u (n, …), params, and what a `PDESolution` tells."""

    __slots__ = ("_axes", "_owner", "t", "u")

    def __init__(self, many: PDESolutions, i: int) -> None:
        super().__init__(many, i)
        self._owner, self._axes, self.t, self.u = many._family, many.axes, many.t, many.u[i]

    @property
    def _family(self) -> PDEFamily:
        return self._owner

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:g}" for name, value in self.params.items())
        return f"PDESolutionRow({values}, u {self.u.shape}, {self.method}, success={self.success})"
