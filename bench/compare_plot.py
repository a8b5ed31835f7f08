"""The comparison's pictures: time against accuracy, against stiffness and against the number of queries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.compare_report import SHOWN_AT, alphas, break_even, find, middle, names, own_setup, symbol
from bench.contenders import CVODE, FIXED_OUT, HEYOKA, NUMBALSODA, OURS, OURS_CPP, RADAU, WINDOWS
from bench.problem import START, STIFFNESS
from stlfast.command.pictures import _pyplot
from stlfast.command.report import scientific
from stlfast.results.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE

PICTURES = ("time_vs_accuracy.png", "time_vs_stiffness.png", "time_vs_queries.png")
PURPLE, SKY, BLACK, YELLOW = "#CC79A7", "#56B4E9", "#000000", "#B8A800"  # the rest of Okabe & Ito's, yellow darkened
LOOKS: dict[str, dict[str, Any]] = {
    OURS: {"color": BLUE, "marker": "o", "lw": 2.6, "ms": 8, "zorder": 5},
    OURS_CPP: {"color": BLUE, "marker": "s", "lw": 2.6, "ms": 7, "zorder": 5, "ls": "--"},
    "stlfast, full dictionary": {"color": SKY, "marker": "^"},
    "the paper's solve on the shipped body": {"color": SKY, "marker": "x", "ls": ":"},
    WINDOWS: {"color": BLUE, "marker": "^", "ls": ":", "mfc": "none"},
    NUMBALSODA: {"color": ORANGE, "marker": "D"},
    HEYOKA: {"color": GREEN, "marker": "v"},
    CVODE: {"color": RED, "marker": "P"},
    "Kvaerno5 (diffrax)": {"color": PURPLE, "marker": "X"},
    "LSODA (SciPy)": {"color": YELLOW, "marker": "D", "mfc": "none"},
    RADAU: {"color": GREY, "marker": "h"},
    "RK45 (SciPy)": {"color": GREY, "marker": "<", "ls": ":"},
    "matrix exponential (C++)": {"color": BLACK, "marker": "*", "ls": ":", "lw": 1.2},
}


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    for file, draw in zip(PICTURES, (_accuracy, _stiffness, _queries), strict=True):
        problems = [name for name in results["setup"] if alphas(results, name, STIFFNESS)]
        if draw is _queries:  # what has been compiled pays off or not
            problems = [name for name in problems if OURS in names(results, STIFFNESS, name)]
        _figure(results, problems, draw, folder / file)
    return [folder / file for file in PICTURES]


def _figure(results: dict[str, Any], problems: list[str], draw: Callable[..., None], path: Path) -> None:
    """A row of linear problems and one of nonlinear ones, the legend beside them where there is room."""
    kinds = [[name for name in problems if results["setup"][name]["nonlinear"] is kind] for kind in (False, True)]
    rows = [kind for kind in kinds if kind]
    columns, plt = max(map(len, rows), default=1), _pyplot()
    with plt.rc_context(STYLE):
        size = (5.6 * columns, 5.8 if len(rows) == 1 else 4.9 * len(rows))
        figure, axes = plt.subplots(
            max(len(rows), 1), columns, figsize=size, sharey="row", layout="constrained", squeeze=False
        )
        room: Any = None
        handles: dict[str, Any] = {}
        for k, row in enumerate(rows):
            for axis in axes[k, len(row) :]:
                axis.axis("off")
                room = axis if room is None else room
            for axis, problem in zip(axes[k], row, strict=False):
                axis.set(xscale="log", yscale="log")
                draw(axis, results, problem)
                handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
        if room is None:
            figure.legend(handles.values(), handles, loc="outside lower center", ncols=min(columns + 1, 3), fontsize=10)
        else:
            room.legend(handles.values(), handles, loc="center", fontsize=10)
        figure.savefig(path)
        plt.close(figure)


def _symbol(results: dict[str, Any], problem: str) -> str:
    return {"alpha": "α", "mu": "μ"}.get(symbol(results, problem), symbol(results, problem))


def _drawn(results: dict[str, Any]) -> list[str]:
    return [name for name in LOOKS if name in names(results, STIFFNESS)]


def _accuracy(axis: Any, results: dict[str, Any], problem: str) -> None:
    alpha = middle(results, problem)
    for name in _drawn(results):
        found = [find(results, problem, STIFFNESS, alpha, name, target) for target in (1.0, *results["targets"])]
        points = sorted({(r["error"], 1e6 * r["seconds"]) for r in found if r is not None})
        axis.plot(*zip(*points, strict=True), label=name, **LOOKS[name]) if points else None
    axis.invert_xaxis()
    axis.set(xlabel="largest error reached", title=f"{problem}, {_symbol(results, problem)} = {alpha:g}")
    axis.set_ylabel("µs for one solve, 512 output times") if axis.get_subplotspec().is_first_col() else None


def _stiffness(axis: Any, results: dict[str, Any], problem: str) -> None:
    for name in _drawn(results):
        found = {a: find(results, problem, STIFFNESS, a, name) for a in alphas(results, problem, STIFFNESS)}
        points = [(a, 1e6 * r["seconds"]) for a, r in found.items() if r is not None]
        axis.plot(*zip(*points, strict=True), label=name, **LOOKS[name]) if points else None
    axis.set(
        xlabel=f"stiffness {_symbol(results, problem)}", title=f"{problem}, error at most {scientific(SHOWN_AT, 0)}"
    )
    axis.set_xticks(alphas(results, problem, STIFFNESS), minor=False)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.set_ylabel("µs for one solve, 512 output times") if axis.get_subplotspec().is_first_col() else None


def _queries(axis: Any, results: dict[str, Any], problem: str) -> None:
    """Set-up and n queries; circles where stlfast, its training included, has caught up."""
    alpha, (own, shipped) = middle(results, problem), own_setup(results, problem)
    n = np.geomspace(1, 1e9, 200)
    mine = find(results, problem, STIFFNESS, alpha, OURS)
    fixed = find(results, problem, START, alpha, FIXED_OUT)
    for name in _drawn(results):
        record = find(results, problem, STIFFNESS, alpha, name)
        if record is None or name.startswith(OURS) or name == "the paper's solve on the shipped body":
            continue
        look = {key: LOOKS[name][key] for key in ("color", "ls") if key in LOOKS[name]}
        total = results["setup"][problem]["first_answer"][name] + n * record["seconds"]
        axis.plot(n, total, label=name, **look)
        even = break_even(results, problem, name, own)
        if mine and even is not None and even < n[-1]:
            at = own + even * mine["seconds"]
            axis.plot(even, at, "o", ms=8, mfc="white", mec=look["color"], mew=2, zorder=6)
    if mine:
        axis.plot(n, own + n * mine["seconds"], color=BLUE, lw=2.8, label="stlfast, training included", zorder=5)
        axis.plot(n, shipped + n * mine["seconds"], "--", color=BLUE, lw=2, label="stlfast, shipped model", zorder=5)
    if fixed:
        label = "stlfast, new initial values at one stiffness"
        axis.plot(n, shipped + n * fixed["seconds"], ":", color=BLUE, lw=2, label=label, zorder=5)
    axis.set(
        xlabel="number of queries",
        title=f"{problem}, {_symbol(results, problem)} = {alpha:g}, error at most {scientific(SHOWN_AT, 0)}",
    )
    axis.set_ylabel("seconds in all, set-up included") if axis.get_subplotspec().is_first_col() else None
