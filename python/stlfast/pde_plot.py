"""The picture of a solution of a family of PDEs: maps over space and time, and profiles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .plot import STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .pde_solution import PDESolution

PROFILES = 6  # times that are drawn as lines, spaced so that layers show
MAP = "viridis"


def plot(solution: PDESolution, path: str | os.PathLike[str] | None) -> Figure:
    """One row for each field: in one dimension its space–time map and profiles, in two its maps at some times."""
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = STYLE | {"axes.grid": False}
    with matplotlib.rc_context(style):
        figure = Figure(layout="constrained")  # not pyplot's: neither its backend nor its list of figures is touched
        (_line if solution.y is None else _plane)(figure, solution)
        if path is not None:
            figure.savefig(path)
    return figure


def _line(figure: Figure, solution: PDESolution) -> None:
    import matplotlib

    n = len(solution.fields)
    figure.set_size_inches(10, 3.4 * n)
    axes = figure.subplots(n, 2, squeeze=False)
    order = np.argsort(solution.x)
    chosen = _times(solution.t)
    colours = matplotlib.colormaps[MAP](np.linspace(0.0, 0.9, len(chosen)))
    x, t = solution._model.family.coordinates[0], solution._model.family.time
    for name, u, (left, right) in zip(solution.fields, solution.u, axes, strict=True):
        image = left.pcolormesh(solution.t, solution.x[order], u[order], cmap=MAP, shading="gouraud", rasterized=True)
        figure.colorbar(image, ax=left, label=name)
        left.set(xlabel=t, ylabel=x, title=f"{name}({x}, {t})")
        for k, colour in zip(chosen, colours, strict=True):
            right.plot(solution.x[order], u[order, k], color=colour, label=f"{t} = {solution.t[k]:.3g}")
        right.grid(visible=True)
        right.set(xlabel=x, ylabel=name, title="profiles")
        right.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _plane(figure: Figure, solution: PDESolution) -> None:
    assert solution.y is not None
    family = solution._model.family
    n, chosen = len(solution.fields), _times(solution.t, 4)
    figure.set_size_inches(3.1 * len(chosen) + 1, 3.0 * n)
    axes = figure.subplots(n, len(chosen), squeeze=False, sharex=True, sharey=True)
    rows, columns = np.argsort(solution.x), np.argsort(solution.y)
    for name, u, row in zip(solution.fields, solution.u, axes, strict=True):
        ends = {"vmin": float(u.min()), "vmax": float(u.max())}
        for axis, k in zip(row, chosen, strict=True):
            image = axis.pcolormesh(
                solution.x[rows], solution.y[columns], u[rows][:, columns, k].T, cmap=MAP,
                shading="gouraud", rasterized=True, **ends,
            )  # fmt: skip
            axis.set(title=f"{family.time} = {solution.t[k]:.3g}", aspect="equal")
        figure.colorbar(image, ax=row.tolist(), label=name)
        row[0].set_ylabel(family.coordinates[1])
    for axis in axes[-1]:
        axis.set_xlabel(family.coordinates[0])


def _times(t: np.ndarray, count: int = PROFILES) -> list[int]:
    """Indices of about `count` output times: the first, the last, and between them some spaced logarithmically."""
    order = np.argsort(t)
    if len(t) <= count:
        return order.tolist()
    inner = np.geomspace(1, len(t) - 1, count - 1)
    return order[np.unique(np.concatenate([[0], inner.round()]).astype(int))].tolist()
