"""What bodies of several inputs are trained on: members of a family of PDEs, and points.

A problem is one group of fields of one member on the first 1/ζ of the time span. Features that are dilated by ζ when
they are used see just that in their own time: a member ζ times as stiff on a time span ζ times as short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..direct.pde.groups import split
from ..direct.pde.rows import PDEPoints, chebyshev_points, with_data_points
from ..equations.pde.family import PDEFamily
from ..equations.pde.spectral import Grid
from .objectives import sample_members

UNIFORM_SHARE = 3  # one point in three is uniform in time, the others are in log time
DATA_SHARE = 1.25  # data points of an axis, over the collocation points of an axis
RTOL, ATOL = 1e-6, 1e-9  # of the solutions that Newton steps start from; the square of their error is what enters


@dataclass(frozen=True)
class Problem:
    """A group of the fields of a member p, on the first 1/zoom of the time span."""

    p: np.ndarray
    zoom: float
    group: int


def sobol_points(family: PDEFamily, count: int, tau: float, seed: int) -> PDEPoints:
    """Scrambled Sobol points in z and the log time log(1 + x/τ), a third of them in plain time; data on grids."""
    engine = torch.quasirandom.SobolEngine(family.d + 1, scramble=True, seed=seed)
    interior = engine.draw(count, dtype=torch.float64).numpy()
    uniform = count // UNIFORM_SHARE
    interior[uniform:, -1] = _log_time(interior[uniform:, -1], tau)
    k = int(np.ceil(DATA_SHARE * count ** (1 / (family.d + 1))))
    axes = [np.arange(k) / k if periodic else chebyshev_points(k) for periodic in family.periodic]
    middles = (np.arange(k) + 0.5) / k
    return with_data_points(family, interior, axes, np.concatenate([_log_time(middles, tau), middles]))


def _log_time(s: np.ndarray, tau: float) -> np.ndarray:
    return tau * np.expm1(s * np.log1p(1 / tau))


def sample_problems(family: PDEFamily, members: int, zooms: Sequence[float]) -> list[Problem]:
    """Every group of train members, their stiffness spaced logarithmically and the other parameters spread.

    zoom > 1: of the least and the most stiff of them alone, with that many times their stiffness, where solve has it.
    """
    groups = range(len(split(family).groups))
    params = sample_members(family, members, [name for name in family.params if name != family.stiffness])
    assert family.stiffness is not None
    at = list(family.params).index(family.stiffness)
    most = family.params[family.stiffness].solve[1]
    problems = []
    for zoom in zooms:
        for p in params if zoom == 1 else params[sorted({0, len(params) - 1})]:
            stiffer = p.copy()
            stiffer[at] *= zoom
            if zoom == 1 or stiffer[at] <= most:
                problems += [Problem(stiffer, float(zoom), group) for group in groups]
    if not problems:
        raise ValueError(f"no train member is inside the solve range with its stiffness times {zooms}; lower zooms")
    return problems


def slower(points: PDEPoints, zoom: float) -> PDEPoints:
    """The points at the times of the first 1/zoom of the time span."""

    def at(scaled: np.ndarray) -> np.ndarray:
        return np.concatenate([scaled[:, :-1], scaled[:, -1:] / zoom], axis=1)

    sides = tuple(None if side is None else at(side) for side in points.sides)
    return replace(points, interior=at(points.interior), initial=at(points.initial), sides=sides)


def newton_step(family: PDEFamily, p: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∂N/∂u (n, n, N) and N − ∂N/∂u u (n, N) at the member's solution, at points (d + 1, N)."""
    assert family.N is not None
    assert family.J is not None
    u = _solution(family, p, at)
    points = np.concatenate([at, u])
    J = family.J(points, p).reshape(family.n, family.n, -1)
    return J, family.N(points, p) - np.einsum("ijN,jN->iN", J, u)


def _solution(family: PDEFamily, p: np.ndarray, at: np.ndarray) -> np.ndarray:
    """u (n, N) at points (d + 1, N), by the family's reference."""
    times, which = np.unique(at[-1], return_inverse=True)
    grids = [
        Grid(low, high, 65 if family.d == 1 else 33, periodic)
        for (low, high), periodic in zip(family.domain.tolist(), family.periodic, strict=True)
    ]
    named: dict[str, Any] = dict(zip(family.params, p.tolist(), strict=True))
    outputs: dict[str, Any] = {name: grid.points for name, grid in zip(("x", "y"), grids, strict=False)}
    try:
        u = family.reference(t=times, rtol=RTOL, atol=ATOL, **outputs, **named)  # (n, …, times)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"family {family.name!r}: the train member {named} could not be solved; narrow the train ranges. {error}"
        ) from error
    u = np.moveaxis(u, -1, 1)[:, which]  # (n, N, …)
    for grid, x in zip(grids, at[:-1], strict=True):
        u = np.einsum("Na,nNa...->nN...", grid.interpolation(x), u)
    return np.asarray(u)
