"""The family of the first page, compiled without training, beside SciPy and compiled LSODA; and the page's picture.

    python -m bench.tanks [--output docs/results]

Writes tanks.json, and tanks.png into the folder above, in half a minute; numbalsoda is left out where it is not
installed. The page takes both from there (scripts/update_docs.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import stlfast
from bench import driver
from bench.tanks_report import SHOWN_METHOD
from examples.tanks import family, model
from stlfast.command import demo, quick_bench
from stlfast.command.pictures import _pyplot
from stlfast.results.style import BLUE, GREEN, GREY, ORANGE, STYLE

COMPILED = "LSODA, compiled (numbalsoda)"
EFFORT = demo.Effort(alphas=(1000.0,), repeats=9, shown=(1.0, 30.0, 1000.0))


@driver.study
def run() -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    assert isinstance(model, stlfast.Model)
    found, absent = quick_bench.solvers()
    solvers = {COMPILED: found[quick_bench.NUMBALSODA]} if quick_bench.NUMBALSODA in found else {}
    solvers |= {f"{method} (SciPy)": partial(scipy, method) for method in ("LSODA", "Radau", "RK45")}
    rows = [demo.compare(model, k, {}, EFFORT, lambda _: None, solvers) for k in EFFORT.alphas]
    return {
        "target": demo.TARGET,
        "compile_seconds": model.compile_seconds,
        "range": list(family.params["k"].solve),
        "shown": list(EFFORT.shown),
        "solvers": list(solvers),
        "absent": absent,
        "rows": rows,
    }


def scipy(
    method: str, model: stlfast.Model, params: dict[str, Any]
) -> Callable[[np.ndarray | None, float], np.ndarray | None]:
    """solve_ivp as one who is in a hurry writes it: a function of plain floats, and the exact Jacobian."""
    family, (span, J) = model.family, (model.family.t_span_at(**params), model.family.matrix(0.0, **params))
    constants = "\n".join(f"{name} = {value!r}" for name, value in params.items())
    rhs = quick_bench.function(
        quick_bench.source(family, "t, y", f"{', '.join(family.states)} = y.tolist()\n{constants}")
    )
    jacobians: dict[str, Any] = {"Radau": {"jac": J}, "LSODA": {"jac": lambda t, y: J}}
    grid = np.linspace(*span, demo.POINTS)

    def solve(t: np.ndarray | None, tolerance: float) -> np.ndarray | None:
        times = grid if t is None else t
        answer = solve_ivp(
            rhs, span, family.y0, method, times, rtol=tolerance, atol=tolerance, **jacobians.get(method, {})
        )
        return answer.y if answer.success else None

    return solve


def picture(results: dict[str, Any], path: Path) -> None:
    """Both states on a logarithmic time axis, a colour for each member."""
    plt = _pyplot()
    end = family.t_span_at(k=results["shown"][0])[1]
    times = np.geomspace(1e-5, end, 600)
    few = times[::24]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(10, 3.7), layout="constrained", sharey=True)
        for k, colour in zip(results["shown"], (BLUE, ORANGE, GREEN), strict=True):
            y = model.solve(t=times, k=k).y
            circles = family.reference(t=few, method=SHOWN_METHOD, rtol=1e-8, atol=1e-10, k=k).y
            for axis, values, dots in zip(axes, y, circles, strict=True):
                axis.plot(times, values, color=colour, label=f"stlfast, k = {k:g}")
                axis.plot(few, dots, "o", ms=4, mfc="none", mec=colour)
        axes[0].plot([], [], "o", ms=4, mfc="none", mec=GREY, label=f"SciPy, {SHOWN_METHOD}")
        for axis, what in zip(axes, ("tank u, which is heated", "tank v, which leaks"), strict=True):
            axis.set(xscale="log", xlim=(times[0], end), xlabel="time t", title=what)
        axes[0].set_ylabel("temperature")
        axes[0].legend(fontsize=9.5)
        figure.savefig(path)
        plt.close(figure)


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    paths = driver.write("tanks", results, None, folder)
    picture(results, folder.parent / "tanks.png")
    return [*paths, folder.parent / "tanks.png"]


if __name__ == "__main__":
    driver.main(driver.parser(__doc__), lambda _: run(), write)
