"""The family of the first page, compiled without training, beside SciPy and compiled LSODA; and the page's picture.

    python -m bench.tanks [--output docs]

Writes results/tanks.json and tanks.png in half a minute; numbalsoda is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from examples.tanks import family, model
from stlfast.command import demo, quick_bench, report
from stlfast.results.style import BLUE, GREEN, GREY, ORANGE, STYLE

EFFORT = demo.Effort(alphas=(1000.0,), repeats=9, shown=(1.0, 30.0, 1000.0))
SHOWN_METHOD = "Radau"  # SciPy's, whose values the picture has as circles
TITLES = {
    quick_bench.NUMBALSODA: "LSODA, compiled (numbalsoda)",
    "SciPy LSODA": "LSODA (SciPy)",
    "SciPy Radau": "Radau (SciPy)",
    "RK45": "RK45 (SciPy)",
}


def run() -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    assert isinstance(model, stlfast.Model)
    found, absent = quick_bench.solvers()
    solvers = found | {"RK45": partial(demo.scipy, "RK45")}
    rows = [demo.compare(model, k, {}, EFFORT, lambda _: None, solvers) for k in EFFORT.alphas]
    return {
        "target": demo.TARGET,
        "machine": demo.machine(),
        "compile_seconds": model.compile_seconds,
        "range": list(family.params["k"].solve),
        "shown": list(EFFORT.shown),
        "solvers": list(solvers),
        "absent": absent,
        "rows": rows,
    }


def caption(results: dict[str, Any]) -> str:
    """What the picture shows, with the numbers of its stiffest member."""
    row, members = results["rows"][-1], ", ".join(f"{k:g}" for k in results["shown"])
    return (
        f"Two tanks that exchange heat, at k = {members}: the lines are one compiled model, the circles SciPy's "
        f"{SHOWN_METHOD} for each member. At k = {row['params']['k']:g} the largest error is "
        f"{report.scientific(row['error'])}, its bound {report.scientific(row['bound'])}, and a solve from Python takes "
        f"{report.microseconds(row['seconds'])} µs."
    )


def table(results: dict[str, Any]) -> str:
    """Times at equal accuracy, and the number of solves from which on compiling has paid for itself."""
    row, build = results["rows"][-1], results["compile_seconds"]
    cells = [["stlfast, bound included", report.microseconds(row["seconds"]), "1", ""]]
    order = {name: row[name] for name in results["solvers"] if row[name]["seconds"] is not None}
    for name, theirs in sorted(order.items(), key=lambda item: item[1]["seconds"]):
        solves = build / (theirs["seconds"] - row["seconds"])
        cells.append([
            TITLES[name], f"{theirs['seconds'] * 1e6:,.0f}", f"{theirs['ratio']:,.0f}", f"{float(f'{solves:.2g}'):,.0f}"
        ])  # fmt: skip
    titles = ["solver", "µs a solve", "over stlfast's", "compiling pays after, solves"]
    return report.markdown(titles, cells, left=1)


def table_caption(results: dict[str, Any]) -> str:
    target = report.scientific(results["target"], 0)
    return (
        f"One new member, k = {results['rows'][-1]['params']['k']:g}, 512 output times, one thread, the loosest "
        f"tolerance with an error of at most {target}. Compiling took {results['compile_seconds']:.1f} s."
    )


def picture(results: dict[str, Any], path: Path) -> None:
    """Both states on a logarithmic time axis, a colour for each member."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

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


def main(folder: Path) -> None:
    results = run()
    (folder / "results" / "tanks.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    picture(results, folder / "tanks.png")
    print(caption(results), table_caption(results), table(results), sep="\n\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs")
    main(parser.parse_args().output)
