"""Solutions of families of PDEs: n fields on a grid of d space coordinates and time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .checks import finite
from .solution import MISSED, NOT_CERTIFIED, WITHIN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .pde_family import PDEFamily


class Evaluator(Protocol):
    """What evaluates a model's answers at scaled points (P, d + 1): (n, P)."""

    def evaluate(self, answer: Any, points: np.ndarray, /) -> np.ndarray: ...


class SolvingModel(Protocol):
    """A model of a linear or a nonlinear family."""

    @property
    def family(self) -> PDEFamily: ...

    @property
    def core(self) -> Evaluator: ...


class PDESolution:
    """Solution of one member of a family of PDEs.

    x, y, t: output coordinates (y is None in one dimension); u: (n, len(x), len(t)) or (n, len(x), len(y), len(t)).
    error_bound: None, for there is only an estimate.
    error_estimate: (n,) estimate of max |error|, from what equations and data miss at check points, carried along as
        the reaction damps it; None where certify=False asked for none. A bound but for what passes between the check
        points, where space moves and smooths without amplifying. `solve` also looks at what was given between the data
        points, which `solve_data` and `solve_many` cannot know.
    success, status, message: as of `Solution`; the tolerance is held against max |data|.
    method: "reduced basis".

    `sol(points)` evaluates the closed form at scattered points (P, d + 1), time last: (n, P).
    """

    __slots__ = ("_answer", "_axes", "_estimate", "_model", "_within", "t", "u")

    error_bound = None

    def __init__(
        self, model: SolvingModel, answer: Any, axes: tuple[np.ndarray, ...], t: np.ndarray, u: np.ndarray
    ) -> None:
        self._model = model
        self._answer = answer  # with `estimate`, (n,) or None, and `within`
        self._axes, self.t = axes, t
        self._estimate, self._within = answer.estimate, bool(answer.within)
        self.u = u.reshape(u.shape[0], *map(len, axes), len(t))

    @property
    def x(self) -> np.ndarray:
        return self._axes[0]

    @property
    def y(self) -> np.ndarray | None:
        return self._axes[1] if len(self._axes) > 1 else None

    @property
    def fields(self) -> tuple[str, ...]:
        return self._model.family.fields

    @property
    def method(self) -> str:
        return "reduced basis"

    @property
    def error_estimate(self) -> np.ndarray | None:
        return self._estimate

    @property
    def status(self) -> int:
        if self._estimate is None:
            return NOT_CERTIFIED
        return WITHIN if self._within else MISSED

    def _raise_estimate(self, error: np.ndarray, allowed: np.ndarray) -> None:
        """Take an error (n,) that was seen into the estimate; allowed (n,)."""
        self._estimate = np.maximum(self._estimate, error)
        self._within = bool(np.all(self._estimate <= allowed))

    @property
    def success(self) -> bool:
        return self.status != MISSED

    @property
    def message(self) -> str:
        if self.status == WITHIN:
            return "The error estimate meets the tolerance."
        if self.status == NOT_CERTIFIED:
            return "Solved without an estimate of the error, as certify=False asked."
        assert self._estimate is not None
        return (
            f"The error estimate {self._estimate.max():.1e} misses the tolerance: the data vary on a finer "
            "scale than the model was compiled for, or contradict each other; smooth them, raise rtol or atol, or "
            "compile with more degrees."
        )

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

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Maps over space and time, and profiles, of every field; to a file if path is given."""
        from .pde_plot import plot

        return plot(self, path)

    def __repr__(self) -> str:
        estimate = "" if self.error_estimate is None else f", error estimate {self.error_estimate.max():.1e}"
        return f"{type(self).__name__}({self._model.family.name}, u {self.u.shape}, success={self.success}{estimate})"


@dataclass(frozen=True, eq=False)
class PDESolutions:
    """Solutions of B members: u (B, n, len(x)[, len(y)], len(t)), success (B,), error_estimate (B, n) or None."""

    axes: tuple[np.ndarray, ...]
    t: np.ndarray
    u: np.ndarray
    success: np.ndarray
    error_estimate: np.ndarray | None

    def __len__(self) -> int:
        return len(self.u)
