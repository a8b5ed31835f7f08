"""The demonstration's two pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..results.style import BLUE, GREEN, GREY, ORANGE, RED, STYLE
from . import published


def error_vs_stiffness(results: dict[str, Any], path: Path) -> None:
    """Largest error of the reduced and the full solve, the bound, and the published errors, against stiffness."""
    plt = _pyplot()
    names = list(results["models"])
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(names), figsize=(5 * len(names), 4.6), sharey=True, layout="constrained", squeeze=False
        )
        for axis, name in zip(axes[0], names, strict=True):
            _errors(axis, name, results["models"][name])
        axes[0, 0].set_ylabel("largest absolute error")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        figure.savefig(path)
        plt.close(figure)


def _errors(axis: Any, name: str, model: dict[str, Any]) -> None:
    rows, stiffness = model["rows"], model["stiffness"]
    x = [row["params"][stiffness] for row in rows]
    low, high = model["trained"]
    axis.axvspan(low, high, color="#eeeeee", lw=0)
    axis.annotate(f"trained on\n{low:g} to {high:g}", (0.02, 0.02), xycoords="axes fraction", color=GREY, fontsize=9.5)
    if name in published.MAX_ERROR:
        axis.plot(*published.MAX_ERROR[name], "s", ms=4, color=RED, label=f"published ({published.SOURCE})")
    axis.plot(x, [row["bound"] for row in rows], "--", color=ORANGE, label="stlfast, its own error bound")
    axis.plot(x, [row["error"] for row in rows], "o-", color=BLUE, label="stlfast, reduced basis (default)")
    axis.plot(x, [row["error_full"] for row in rows], "^-", color=GREEN, label="stlfast, full dictionary")
    axis.set(xscale="log", yscale="log", xlim=(0.3 * min(x), 1.25 * max(x)), ylim=(1e-15, 2))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_xlabel(f"stiffness {_symbol(stiffness)}")
    axis.set_title(name + _where(model["others"]))


def solutions(curves: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Every state of some members of each model on a logarithmic time axis, with exact values as circles."""
    plt = _pyplot()
    columns = max(len(members[0]["states"]) for members in curves.values())
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(curves), columns, figsize=(5 * columns, 3.3 * len(curves)), layout="constrained", squeeze=False
        )
        for row, (name, members) in zip(axes, curves.items(), strict=True):
            _solutions(row, name, members)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        figure.savefig(path)
        plt.close(figure)


def _solutions(axes: Any, name: str, members: list[dict[str, Any]]) -> None:
    stiffness = members[0]["stiffness"]
    for curve, colour in zip(members, (BLUE, ORANGE, RED, GREEN, GREY), strict=False):
        label = f"{_symbol(stiffness)} = {curve['params'][stiffness]:g}"
        for axis, values, dots in zip(axes, curve["y"], curve["y_exact"], strict=False):
            axis.plot(curve["t"], values, color=colour, label=label)
            axis.plot(curve["t_exact"], dots, "o", ms=4, mfc="none", mec=colour)
    axes[0].plot([], [], "o", ms=4, mfc="none", mec=GREY, label="exact")
    t = members[0]["t"]
    others = {key: value for key, value in members[0]["params"].items() if key != stiffness}
    for axis, state in zip(axes, members[0]["states"], strict=False):
        axis.set(xscale="log", xlim=(t[0], t[-1]), xlabel="time t")
        axis.set_title(f"{name}{_where(others)}: {state}")


def _symbol(name: str) -> str:
    return {"alpha": "α", "omega": "ω", "beta": "β", "mu": "μ"}.get(name, name)


def _where(others: dict[str, float]) -> str:
    return "".join(f", {_symbol(name)} = {value:g}" for name, value in others.items())


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
