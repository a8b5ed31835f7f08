"""Compiled models of the families of bench/families: compilation, random members, and time beside LSODA's.

    python -m bench.families [--output docs/results] [--quick] [--families hires cstr]

Each family is compiled with default options. Random members, drawn as bench/direct.py does, are solved at rtol = 1e-6
and the family's atol; the truth is the family's closed form or, without one, the direct solver at rtol = 1e-11. Then
some are solved at 512 times of the caller's by the model, by the direct solver and by numbalsoda's LSODA, the last
two at the loosest of half-decade tolerances whose error, over the largest value of each state, is within 1e-6, the
model as it is: medians of interleaved repeats in processor time. Families whose right-hand side breaks have no LSODA
beside them: it knows nothing of the breaks. Writes families.json, families.md and their picture; about three minutes on
two cores.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from bench import driver, families
from bench.direct import ONCE_FROM, RTOL, TOLERANCES, judged, truth
from bench.peers import MOST_STEPS, Absent
from stlfast.command.family_bench import OWN, drawn
from stlfast.command.pictures import _pyplot
from stlfast.command.quick_bench import numba_rhs
from stlfast.measure import timing
from stlfast.results.style import BLUE, ORANGE, STYLE

TARGET, TIMED, REPEATS, TIMES = 1e-6, 9, 5, 512


def compiled(family: stlfast.Family) -> tuple[Any, dict[str, Any]]:
    """The model as its file holds it, and what its compilation tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        model = stlfast.compile(family)
        seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        told = {"seconds": seconds, "bytes": path.stat().st_size, "made": model.passport["compile"]}
        return stlfast.load(path), told


def members(module: Any, model: Any, count: int) -> dict[str, Any]:
    """Of random members: who answers, how many succeed, the largest error over tolerance, estimates over errors."""
    family, windows = model.family, stlfast.Windows(model.family)
    atol = float(np.min(getattr(module, "ATOL", 1e-8)))
    rng, worst, missed = np.random.default_rng(0), 0.0, 0
    methods: Counter[str] = Counter()
    ratios: list[float] = []
    seconds: list[float] = []
    for _ in range(count):
        params, y0 = drawn(family, rng)
        began = time.process_time()
        sol = model.solve(y0, rtol=RTOL, atol=atol, **params)
        seconds.append(time.process_time() - began)
        methods[sol.method] += 1
        true = truth(module, windows, y0, sol.t, params) if sol.success else None
        if true is None:
            missed += not sol.success
            continue
        missed_by, found = judged(sol, true, atol)
        worst, ratios = max(worst, missed_by), ratios + found
    return {
        "members": count, "methods": dict(methods), "missed": missed, "worst": worst,
        "least_ratio": min(ratios, default=None), "low": sum(ratio < 1 / 3 for ratio in ratios), "ratios": len(ratios),
        "microseconds": 1e6 * float(np.median(seconds)),
    }  # fmt: skip


def beside(module: Any, model: Any) -> dict[str, Any]:
    """Microseconds of the model, the direct solver and LSODA at times of the caller's, medians over some members."""
    try:
        from numbalsoda import lsoda
    except ImportError:
        raise Absent("python -m bench.families compares with numbalsoda: pip install '.[bench]'") from None

    family, windows = model.family, stlfast.Windows(model.family)
    rhs, rng = None if family.breaks else numba_rhs(family), np.random.default_rng(1)
    atol = float(np.min(getattr(module, "ATOL", 1e-8)))
    found: list[dict[str, float]] = []
    for _ in range(TIMED):
        params, y0 = drawn(family, rng)
        (t0, t1), p = family.t_span_at(**params), family.check_params(params)
        t = np.linspace(t0, t1, TIMES)
        true = truth(module, windows, y0, t, params)
        if true is None:
            continue
        scale = np.abs(true).max(axis=1) + atol / RTOL

        def direct(tol: float, y0: np.ndarray = y0, t: np.ndarray = t, params: dict[str, Any] = params) -> np.ndarray:
            return windows.solve(y0, t=t, rtol=tol, atol=atol * (tol / RTOL), fallback=False, **params).y

        def theirs(tol: float, y0: np.ndarray = y0, t: np.ndarray = t, p: np.ndarray = p) -> np.ndarray:
            assert rhs is not None
            y, success = lsoda(rhs.address, y0, t, p, tol, atol * tol / RTOL, MOST_STEPS)
            return y.T if success else np.full((family.n, len(t)), np.nan)

        def error(tol: float, solve: Any, true: np.ndarray = true, scale: np.ndarray = scale) -> float:
            off = float((np.abs(solve(tol) - true).max(axis=1) / scale).max())
            return off if np.isfinite(off) else np.inf

        tasks: dict[str, Any] = {
            "model": timing.repeated(partial(model.solve, y0, t=t, atol=atol, **params)),
            "default times": timing.repeated(partial(model.solve, y0, atol=atol, **params)),
        }
        solvers = {"windows": direct} | ({} if rhs is None else {"lsoda": theirs})
        for solver, solve in solvers.items():
            tolerance, _ = timing.loosest(partial(error, solve=solve), TARGET, TOLERANCES)
            if tolerance is not None:
                tasks[solver] = timing.repeated(partial(solve, tolerance))
        if len(tasks) == 2 + len(solvers):
            times = timing.interleaved(tasks, REPEATS, ONCE_FROM, time.process_time)
            found.append({solver: 1e6 * float(np.median(measured)) for solver, measured in times.items()})
    if not found:
        return {}
    medians: dict[str, Any] = {solver: float(np.median([row[solver] for row in found])) for solver in found[0]}
    if rhs is not None:
        medians["ratio"] = float(np.median([row["lsoda"] / row["model"] for row in found]))
    return medians | {"timed": len(found)}


@driver.study
def run(names: Sequence[str], quick: bool = False) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for name in names:
        module: Any = families.load(name)
        family = module.family()
        driver.say(name)
        model, told = compiled(family)
        row = {"family": name, "states": family.n, "nonlinear": family.nonlinear, **told}
        rows.append(row | members(module, model, 50 if quick else 1000) | {"beside": beside(module, model)})
    return {"families": rows}


def answered(row: dict[str, Any]) -> float:
    """The share of members that the compiled model answers itself."""
    return sum(row["methods"].get(method, 0) for method in OWN) / row["members"]


def compared(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The families that have LSODA beside them."""
    return [row for row in results["families"] if "ratio" in row["beside"]]


def page(results: dict[str, Any]) -> str:
    by = f"Written by `python -m bench.families` in {results['seconds'] / 60:.0f} min."
    parts = ["# Compiled models of textbook families", f"{driver.machine_line(results)} {by}"]
    parts.append(
        "Default options. What was compiled: bands of a linear family, or cells with compiled windows. Of random "
        "members at rtol 1e-6: the share that it answered, how many failed, the largest error over its tolerance "
        "atol + rtol·max│y│, the least bound or estimate over the error where that is above a hundredth of the "
        "tolerance, and how many were below a third of it. Then, at 512 times of the caller's and an achieved error of "
        "1e-6, microseconds of the model from Python (in brackets at its default times), of the direct solver and of "
        "numbalsoda's LSODA; families that break have none beside them, for it knows nothing of the breaks."
    )
    head = (
        "| family | states | compiled | s | kB | answered | missed | error/tolerance | estimate/error | below 1/3 | "
        "model | direct | LSODA | LSODA/model |\n| :-- | --: | :-- " + "| --: " * 11 + "|\n"
    )
    lines = []
    for row in results["families"]:
        made, b = row["made"], row["beside"]
        cells = made.get("cells")
        kind = f"{len(made['ranks'])} bands" if made["ranks"] else "–"
        if cells is not None and made["share"]:
            few, most = made["windows"]
            kind = f"{cells} cells of {few}{'' if few == most else f' … {most}'} windows"
        least = "–" if row["least_ratio"] is None else f"{row['least_ratio']:.2g}"
        times = ["–"] * 4
        if b:
            times = [f"{b['model']:.0f} ({b['default times']:.0f})", f"{b['windows']:.0f}", "–", "–"]
            if "ratio" in b:
                times[2:] = [f"{b['lsoda']:.0f}", f"{b['ratio']:.2f}"]
        lines.append(
            f"| {row['family']} | {row['states']} | {kind} | {row['seconds']:.1f} | {row['bytes'] / 1e3:.0f} | "
            f"{answered(row):.1%} | {row['missed']} | {row['worst']:.2g} | {least} | {row['low']} of {row['ratios']} | "
            f"{' | '.join(times)} |\n"
        )
    parts.append("![LSODA's time over the model's, for each family](families.png)")
    parts.append(head + "".join(lines).rstrip())
    for nonlinear in (False, True):
        ratios = [r["beside"]["ratio"] for r in compared(results) if r["nonlinear"] == nonlinear]
        if ratios:
            parts.append(
                f"{'Nonlinear' if nonlinear else 'Linear'} families: LSODA's time over the model's, median "
                f"{np.median(ratios):.2f}, least {min(ratios):.2f}."
            )
    return "\n\n".join(parts) + "\n"


def picture(results: dict[str, Any], path: Path) -> None:
    """LSODA's time over the model's, a bar for each family, and the share of members that compiled windows answer."""
    rows = sorted(compared(results), key=lambda r: float(r["beside"]["ratio"]))
    plt = _pyplot()
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7.2, 0.27 * len(rows) + 1.1), layout="constrained")
        for nonlinear, label, color in ((False, "linear", BLUE), (True, "nonlinear", ORANGE)):
            at = [k for k, r in enumerate(rows) if r["nonlinear"] == nonlinear]
            axis.barh(at, [rows[k]["beside"]["ratio"] for k in at], label=label, color=color)
        for k, row in enumerate(rows):
            axis.text(row["beside"]["ratio"] * 1.03, k, f"{answered(row):.0%}", va="center", fontsize=7)
        axis.set_yticks(range(len(rows)), [r["family"].replace("_", " ") for r in rows])
        axis.set(
            xscale="log", ylim=(-0.7, len(rows) - 0.3), xlabel="LSODA's time over the model's (share answered compiled)"
        )
        axis.set_xticks([0.5, 1, 2, 4, 8], minor=False)
        axis.minorticks_off()
        axis.xaxis.set_major_formatter("{x:g}")
        axis.grid(False)
        axis.axvline(1.0, color="0.3", linewidth=0.8)
        axis.legend(loc="lower right")
        figure.savefig(path)
        plt.close(figure)


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    written = driver.write("families", results, page(results), folder)
    picture(results, folder / "families.png")
    return [*written, folder / "families.png"]


def main() -> None:
    parser = driver.parser(__doc__, quick="50 members instead of 1000")
    parser.add_argument("--families", nargs="+", choices=families.NAMES, metavar="NAME", default=families.NAMES)

    def measured(options: Namespace) -> dict[str, Any]:
        return run(options.families, options.quick)

    driver.main(parser, measured, write)


if __name__ == "__main__":
    main()
