"""Pictures of answers: states over time, observed values of sweeps, fields in space and time.

They take arrays and names, and make matplotlib's Figure without pyplot: neither its backend nor its list of figures is
touched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import BLUE, STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PathLike = str | os.PathLike[str]
MOST_LINES = 50  # of a sweep
MOST_PANELS = 6  # states that have a panel each
EARLY, LATE = 0.02, 0.5  # where more than LATE of a change is over in this share of the span, time is logarithmic
PROFILES = 6  # times that are drawn as lines, spaced so that layers show
MAP = "viridis"


def _figure(**style: Any) -> tuple[Any, Any]:
    """A figure, and the context that it is drawn in; ImportError with the command that installs matplotlib."""
    from .frames import required

    matplotlib = required("matplotlib")
    from matplotlib.figure import Figure

    return Figure(layout="constrained"), matplotlib.rc_context(STYLE | style)


def plot_states(states: Sequence[str], t: np.ndarray, y: np.ndarray, title: str, path: PathLike | None) -> Figure:
    """States (B, n, N) over t (N,) or (B, N); a panel for each state, or one for all where there are many."""
    figure, style = _figure()
    n = len(states)
    rows = n if n <= MOST_PANELS else 1
    shown = np.unique(np.linspace(0, len(y) - 1, min(len(y), MOST_LINES)).round().astype(int))
    times = np.broadcast_to(t, (len(y), y.shape[2]))
    with style:
        colours = _colours(len(shown))
        figure.set_size_inches(8, 1.2 + 1.7 * max(rows, 2))
        axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
        for i, name in enumerate(states):
            axis = axes[i % rows]
            for k, colour in zip(shown, colours, strict=True):
                order = np.argsort(times[k])
                line = {"color": colour} if rows == n else {"label": name if k == shown[0] else None}
                axis.plot(times[k][order], y[k, i][order], **line)
            if rows == n:
                axis.set_ylabel(name)
        if rows < n:
            axes[0].legend(fontsize=8, ncols=2, loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes[-1].set_xlabel("t")
        if _early(times[shown[0]], y[shown[0]]):
            axes[-1].set_xscale("symlog", linthresh=float(_half_over(times[shown[0]], y[shown[0]])))
        axes[0].set_title(title, fontsize=10, loc="left", wrap=True)
        if path is not None:
            figure.savefig(path)
    result: Figure = figure
    return result


def _half_over(t: np.ndarray, y: np.ndarray) -> float:
    """A tenth of the shortest time in which a state has made half of its changes: where the axis is still linear."""
    order = np.argsort(t)
    grown = np.cumsum(np.abs(np.diff(y[:, order], axis=1)), axis=1)
    over = [t[order][1:][np.searchsorted(g, 0.5 * g[-1])] - t.min() for g in grown if g[-1] > 0]
    return max(0.1 * float(min(over)), 1e-9 * float(t.max() - t.min()))


def _colours(count: int) -> Any:
    """One colour, or those of a sweep, from its first query to its last."""
    import matplotlib

    return [BLUE] if count == 1 else matplotlib.colormaps[MAP](np.linspace(0.0, 0.9, count))


def _early(t: np.ndarray, y: np.ndarray) -> bool:
    """Whether most of some state's change is over at the very beginning, where a linear axis would hide it."""
    order = np.argsort(t)
    changes = np.abs(np.diff(y[:, order], axis=1))
    total = changes.sum(axis=1)
    early = changes[:, t[order][1:] <= t.min() + EARLY * (t.max() - t.min())].sum(axis=1)
    return bool(np.any((total > 0) & (early > LATE * total)))


def plot_observed(
    states: Sequence[str], params: Mapping[str, np.ndarray], y: np.ndarray, title: str, path: PathLike | None
) -> Figure:
    """Observed values (B, n) over the one parameter that varies, or over the number of the query."""
    figure, style = _figure()
    varying = [name for name, values in params.items() if len(np.unique(values)) > 1]
    label, at = (varying[0], params[varying[0]]) if len(varying) == 1 else ("query", np.arange(len(y)))
    order = np.argsort(at, kind="stable")
    with style:
        figure.set_size_inches(8, 4.5)
        axis = figure.subplots()
        for i, name in enumerate(states):
            axis.plot(at[order], y[order, i], ".-" if len(y) < MOST_LINES else "-", label=name)
        if len(varying) == 1 and at.min() > 0 and at.max() > 30 * at.min():
            axis.set_xscale("log")
        axis.set(xlabel=label)
        axis.set_title(title, fontsize=10, loc="left", wrap=True)
        axis.legend()
        if path is not None:
            figure.savefig(path)
    result: Figure = figure
    return result


def plot_fields(fields: Sequence[str], axes: Mapping[str, np.ndarray], u: np.ndarray, path: PathLike | None) -> Figure:
    """One row for each field: in one dimension its space–time map and profiles, in two its maps at some times.

    axes: name → coordinates of each axis, the time last. u: (n, *axes).
    """
    figure, style = _figure(**{"axes.grid": False})
    with style:
        (_line if len(axes) == 2 else _plane)(figure, fields, axes, u)
        if path is not None:
            figure.savefig(path)
    result: Figure = figure
    return result


def _line(figure: Figure, fields: Sequence[str], named: Mapping[str, np.ndarray], values: np.ndarray) -> None:
    import matplotlib

    (x, at), (time, t) = named.items()
    figure.set_size_inches(10, 3.4 * len(fields))
    axes = figure.subplots(len(fields), 2, squeeze=False)
    order = np.argsort(at)
    chosen = _times(t)
    colours = matplotlib.colormaps[MAP](np.linspace(0.0, 0.9, len(chosen)))
    for name, u, (left, right) in zip(fields, values, axes, strict=True):
        image = left.pcolormesh(t, at[order], u[order], cmap=MAP, shading="gouraud", rasterized=True)
        figure.colorbar(image, ax=left, label=name)
        left.set(xlabel=time, ylabel=x, title=f"{name}({x}, {time})")
        for k, colour in zip(chosen, colours, strict=True):
            right.plot(at[order], u[order, k], color=colour, label=f"{time} = {t[k]:.3g}")
        right.grid(visible=True)
        right.set(xlabel=x, ylabel=name, title="profiles")
        right.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _plane(figure: Figure, fields: Sequence[str], named: Mapping[str, np.ndarray], values: np.ndarray) -> None:
    (x, across), (y, along), (time, t) = named.items()
    chosen = _times(t, 4)
    figure.set_size_inches(3.1 * len(chosen) + 1, 3.0 * len(fields))
    axes = figure.subplots(len(fields), len(chosen), squeeze=False, sharex=True, sharey=True)
    rows, columns = np.argsort(across), np.argsort(along)
    for name, u, row in zip(fields, values, axes, strict=True):
        ends = {"vmin": float(u.min()), "vmax": float(u.max())}
        for axis, k in zip(row, chosen, strict=True):
            image = axis.pcolormesh(
                across[rows], along[columns], u[rows][:, columns, k].T, cmap=MAP,
                shading="gouraud", rasterized=True, **ends,
            )  # fmt: skip
            axis.set(title=f"{time} = {t[k]:.3g}", aspect="equal")
        figure.colorbar(image, ax=row.tolist(), label=name)
        row[0].set_ylabel(y)
    for axis in axes[-1]:
        axis.set_xlabel(x)


def _times(t: np.ndarray, count: int = PROFILES) -> list[int]:
    """Indices of about `count` output times: the first, the last, and between them some spaced logarithmically."""
    order = np.argsort(t)
    if len(t) <= count:
        return [int(k) for k in order]
    inner = np.geomspace(1, len(t) - 1, count - 1)
    return [int(k) for k in order[np.unique(np.concatenate([[0], inner.round()]).astype(int))]]
