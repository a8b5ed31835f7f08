"""The report's pictures, PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.compare_plot import BLACK, LOOKS, PURPLE, SKY, YELLOW
from bench.paper.claims import worst
from bench.paper.timings import PAPER_SOLVE
from stlfast.command.pictures import _pyplot
from stlfast.results.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE

FLOOR = 1e-16
NAMES = ("accuracy", "times", "distance")


def write(found: dict[str, Any], folder: Path) -> dict[str, str]:
    """Name of the picture → its file's name."""
    drawn = {}
    for name, draw in zip(NAMES, (_accuracy, _times, _distance), strict=True):
        plt = _pyplot()
        problems = found["problems"]
        with plt.rc_context(STYLE):
            figure, axes = plt.subplots(
                1, len(problems), figsize=(4.6 * len(problems), 4.6), sharey=True, layout="constrained", squeeze=False
            )
            handles: dict[str, Any] = {}
            for axis, (title, problem) in zip(axes[0], problems.items(), strict=True):
                draw(axis, problem)
                axis.set_title(title)
                handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
            axes[0, 0].set_ylabel({"times": "seconds of one solve"}.get(name, "largest absolute error"))
            figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(problems))
            figure.savefig(folder / f"{name}.png")
            plt.close(figure)
        drawn[name] = f"{name}.png"
    return drawn


def _accuracy(axis: Any, problem: dict[str, Any]) -> None:
    x, accuracy, published = problem["alphas"], problem["accuracy"], problem["published"]
    theirs = np.maximum(published["maxae_y1"], published["maxae_y2"])
    seeds = np.array([[worst(row["maxae"]) for row in rows] for key, rows in accuracy.items() if key[:4] == "stl/"])
    axis.fill_between(x, seeds.min(axis=0), seeds.max(axis=0), color=RED, alpha=0.25, lw=0)
    axis.plot(x, np.median(seeds, axis=0), color=RED, label="STL-PINN, run here (range over seeds)")
    axis.plot(x, theirs, "s", ms=4, color=RED, label="STL-PINN, published")
    for kind, color, marker, label in (
        ("pinn", ORANGE, "^", "vanilla PINN"),
        ("pinnsformer", PURPLE, "D", "PINNsFormer"),
    ):
        points = [
            (float(k.split("/")[1]), worst(row["maxae"])) for k, row in accuracy.items() if k.startswith(kind + "/")
        ]
        if points:
            axis.plot(*zip(*points, strict=True), marker, color=color, label=f"{label}, run here")
    axis.plot(x, [worst(row["maxae"]) for row in accuracy["ours"]], "o-", ms=4, color=BLUE, label="stlfast")
    axis.plot(x, [max(row["bound"]) for row in accuracy["ours"]], "--", color=SKY, label="stlfast's bound or estimate")
    axis.plot(
        x, [worst(row["full"]["maxae"]) for row in accuracy["ours"]], "v-", ms=4, color=GREEN,
        label="stlfast, full dictionary",
    )  # fmt: skip
    axis.set(yscale="log", xlabel="stiffness alpha, as published", ylim=(1e-15, 3))


def _times(axis: Any, problem: dict[str, Any]) -> None:
    x = [float(alpha) for alpha in problem["times"]]
    names = dict.fromkeys(r["contender"] for times in problem["times"].values() for r in times["records"])
    looks = LOOKS | {PAPER_SOLVE: {"color": YELLOW, "marker": "x", "ls": ":"}}
    for name in names:
        y = [
            next((r["seconds"] for r in times["records"] if r["contender"] == name), np.nan)
            for times in problem["times"].values()
        ]
        axis.plot(x, y, **{"color": BLACK, "marker": "o", **looks.get(name, {})}, label=name)
    for kind, color, title in (("pinn", ORANGE, "PINN"), ("pinnsformer", PURPLE, "PINNsFormer")):
        axis.axhline(np.median(problem["cost"][kind]), color=color, ls="--", lw=1.2, label=f"training a {title}")
    axis.set(xscale="log", yscale="log", xlabel="stiffness alpha, as published")
    axis.set_xticks(x, [f"{alpha:g}" for alpha in x])
    axis.minorticks_off()


def _distance(axis: Any, problem: dict[str, Any]) -> None:
    found = problem["distance"]
    labels = {
        "ours": ("o-", BLUE, "stlfast"),
        "dilated body": ("v-", GREEN, "stlfast's trained body, dilated, full dictionary"),
        "stl": ("s-", RED, "STL-PINN"),
        "stl body, better algebra": ("^-", ORANGE, "its body, independent heads, clustered points"),
    }
    for key, (style, color, label) in labels.items():
        if key not in found["errors"]:
            continue
        y = [np.nan if e is None else max(e, FLOOR) for e in found["errors"][key]]
        axis.plot(found["alphas"], y, style, color=color, label=label)
    axis.plot(
        found["alphas"],
        [np.nan if b is None else b for b in found["bounds"]],
        "--",
        color=GREY,
        label="stlfast's bound or estimate",
    )
    axis.set(xscale="log", yscale="log", xlabel="stiffness alpha, as published")
