"""The direct solver on the families of bench/families: random members, time beside LSODA's, and work and precision.

    python -m bench.direct [--output docs/results] [--quick] [--families pollu hires] [--peers orego e5]

Members are drawn from the ranges of the families (log-uniform where positive) and initial values from y0_range. Each is
solved at rtol = 1e-6 and the family's atol; the truth is the family's closed form or, without one, the direct solver at
rtol = 1e-11 and a hundred-thousandth of atol. Then a few members are solved by numbalsoda's LSODA too, each solver at
the loosest of half-decade tolerances whose error, over the largest value of each state, is within 1e-6 and 1e-9 at 512
times; medians of interleaved repeats in processor time. Families whose right-hand side breaks have no LSODA beside
them: it knows nothing of the breaks. Sweeps of a hundred members beside a compiled loop of LSODA, and steps and pulses
at random times. Last, bench/work_precision.py: every solver on the Bari set and some textbook families, which needs the
extra `bench` and SUNDIALS. Either part alone where only its option is given. Writes
direct.json, direct.md and the pictures of work and precision; about twelve minutes on two cores.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from bench import direct_abrupt, direct_sweeps, driver, families, work_precision, work_precision_report
from bench.peers import MOST_STEPS
from stlfast.command.family_bench import drawn
from stlfast.command.quick_bench import numba_rhs
from stlfast.command.report import scientific
from stlfast.measure import timing

RTOL, TARGETS = 1e-6, (1e-6, 1e-9)
TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(4, 27))  # 1e-2 … 1e-13
SHARP, SHARPER = 1e-11, 1e-5  # the truth's rtol, and its part of atol
LITTLE = 1e-2  # of the tolerance: errors below it tell nothing of an estimate
TIMED, REPEATS, ONCE_FROM = 3, 5, 0.05
QUICK_PEERS = ("hires", "orego", "laser")


def truth(module: Any, windows: stlfast.Windows, y0: np.ndarray, t: np.ndarray, params: dict[str, Any]) -> Any:
    """Values (n, N), or None where the sharper solution fails."""
    if hasattr(module, "exact"):
        return module.exact(t, y0, **params)
    atol = SHARPER * np.asarray(getattr(module, "ATOL", 1e-8))
    found = windows.solve(y0, t=t, rtol=SHARP, atol=atol, fallback=False, **params)
    return found.y if np.isfinite(found.y).all() else None


def judged(sol: Any, true: np.ndarray, atol: Any) -> tuple[float, list[float]]:
    """The largest error over its tolerance, and the states' estimates over their errors where these tell something."""
    error = np.abs(sol.y - true).max(axis=1)
    allowed = atol + RTOL * np.abs(true).max(axis=1)
    told = error > LITTLE * allowed
    return float((error / allowed).max()), (sol.error_estimate[told] / error[told]).tolist()


def members(name: str, count: int) -> dict[str, Any]:
    """What random members tell: how many succeed, the largest error over tolerance, the estimate over the error."""
    module: Any = families.load(name)
    family = module.family()
    windows, atol = stlfast.Windows(family), np.asarray(getattr(module, "ATOL", 1e-8))
    rng, worst, missed = np.random.default_rng(0), 0.0, 0
    ratios: list[float] = []
    seconds: list[float] = []
    windows_of: list[int] = []
    for _ in range(count):
        params, y0 = drawn(family, rng)
        began = time.process_time()
        sol = windows.solve(y0, rtol=RTOL, atol=atol, fallback=False, **params)
        seconds.append(time.process_time() - began)
        windows_of.append(sol.windows)
        true = truth(module, windows, y0, sol.t, params) if sol.success else None
        if true is None or sol.error_estimate is None:
            missed += not sol.success
            continue
        missed_by, found = judged(sol, true, atol)
        worst, ratios = max(worst, missed_by), ratios + found
    return {
        "family": name, "states": family.n, "members": count, "missed": missed, "worst": worst,
        "least_ratio": min(ratios, default=None), "low": sum(ratio < 1 / 3 for ratio in ratios), "ratios": len(ratios),
        "windows": float(np.median(windows_of)), "seconds": float(np.median(seconds)),
    }  # fmt: skip


def beside(name: str) -> list[dict[str, Any]]:
    """Seconds of a few members by the direct solver and by LSODA, at equal achieved error."""
    from numbalsoda import lsoda

    module: Any = families.load(name)
    family = module.family()
    if family.breaks:
        return []
    rhs, windows, atol = numba_rhs(family), stlfast.Windows(family), np.asarray(getattr(module, "ATOL", 1e-8))
    rng = np.random.default_rng(1)
    found: list[dict[str, Any]] = []
    for _ in range(TIMED):
        params, y0 = drawn(family, rng)
        (t0, t1), p = family.t_span_at(**params), family.check_params(params)
        t = np.linspace(t0, t1, 512)
        true = truth(module, windows, y0, t, params)
        if true is None:
            continue

        def ours(tol: float, y0: np.ndarray = y0, t: np.ndarray = t, params: dict[str, Any] = params) -> np.ndarray:
            return windows.solve(y0, t=t, rtol=tol, atol=atol * (tol / RTOL), fallback=False, **params).y

        def theirs(tol: float, y0: np.ndarray = y0, t: np.ndarray = t, p: np.ndarray = p) -> np.ndarray:
            y, success = lsoda(rhs.address, y0, t, p, tol, float(atol.min()) * tol / RTOL, MOST_STEPS)
            return y.T if success else np.full((family.n, len(t)), np.nan)

        scale = np.abs(true).max(axis=1) + atol / RTOL

        def error(tol: float, solve: Any, true: np.ndarray = true, scale: np.ndarray = scale) -> float:
            off = float((np.abs(solve(tol) - true).max(axis=1) / scale).max())
            return off if np.isfinite(off) else np.inf

        for target in TARGETS:
            tasks = {}
            for solver, solve in (("windows", ours), ("lsoda", theirs)):
                tolerance, _ = timing.loosest(partial(error, solve=solve), target, TOLERANCES)
                if tolerance is not None:
                    tasks[solver] = timing.repeated(partial(solve, tolerance))
            row: dict[str, Any] = {"family": name, "target": target, "windows": None, "lsoda": None}
            if len(tasks) == 2:
                times = timing.interleaved(tasks, REPEATS, ONCE_FROM, time.process_time)
                row |= {solver: float(np.median(measured)) for solver, measured in times.items()}
            found.append(row)
    return found


@driver.study
def run(names: Sequence[str], peers: Sequence[str], quick: bool = False) -> dict[str, Any]:
    """names: families whose members are drawn; peers: those that all solvers solve."""
    count = 50 if quick else 1000
    rows: list[dict[str, Any]] = []
    timed: list[dict[str, Any]] = []
    sweeps: list[dict[str, Any] | None] = []
    for name in names:
        driver.say(name)
        rows.append(members(name, count))
        timed += beside(name)
        sweeps.append(direct_sweeps.sweep(name, TOLERANCES))
    driver.say("steps and pulses")
    abrupt = direct_abrupt.run(count) if names else []
    tolerances = work_precision.QUICK if quick else work_precision.TOLERANCES
    compared = work_precision.run(peers, tolerances) if peers else None
    return {
        "count": count, "members": rows, "beside": timed, "sweeps": [row for row in sweeps if row], "abrupt": abrupt,
        "work_precision": compared,
    }  # fmt: skip


def _us(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f}"


def _ratio(results: dict[str, Any], name: str, target: float) -> str:
    rows = [r for r in results["beside"] if (r["family"], r["target"]) == (name, target) and r["windows"]]
    if not rows:
        return "–"
    windows, lsoda = (float(np.median([row[solver] for row in rows])) for solver in ("windows", "lsoda"))
    return f"{_us(windows)} : {_us(lsoda)} ({lsoda / windows:.2f})"


def page(results: dict[str, Any]) -> str:
    parts = [_members(results)] if results["members"] else []
    parts += [direct_sweeps.section(results["sweeps"])] if results["sweeps"] else []
    parts += [direct_abrupt.section(results["abrupt"], results["count"])] if results["abrupt"] else []
    parts += [work_precision_report.section(results["work_precision"])] if results["work_precision"] else []
    by = f"Written by `python -m bench.direct` in {results['seconds'] / 60:.0f} min."
    head = ["# The direct solver on textbook families", f"{driver.machine_line(results)} {by}"]
    return "\n\n".join([*head, *parts]) + "\n"


def _members(results: dict[str, Any]) -> str:
    head = (
        f"{results['count']} random members of each family of `bench/families` at rtol {scientific(RTOL, 0)}: how many "
        "failed or were flagged, the largest error over its tolerance atol + rtol·max│y│, the least estimate over the "
        "error where that is above a hundredth of the tolerance, how many states' estimates were below a third of it; "
        f"windows and microseconds of a solve, with the estimate, from Python. Then, for {TIMED} members, microseconds "
        "of the direct solver and of numbalsoda's LSODA (in brackets LSODA's over ours) at achieved errors within 1e-6 "
        "and 1e-9 of each state's largest value.\n\n"
        "| family | states | missed | error/tolerance | estimate/error | below 1/3 | windows | µs | 1e-6, ours : LSODA "
        "| 1e-9 |\n| :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n"
    )
    lines = []
    for row in results["members"]:
        least = "–" if row["least_ratio"] is None else f"{row['least_ratio']:.2g}"
        cells = [
            row["family"], str(row["states"]), str(row["missed"]), f"{row['worst']:.2g}", least,
            f"{row['low']} of {row['ratios']}", f"{row['windows']:.0f}", _us(row["seconds"]),
            *(_ratio(results, row["family"], target) for target in TARGETS),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |\n")
    foot = ["\n"]
    for target in TARGETS:
        rows = [row for row in results["beside"] if row["target"] == target and row["windows"]]
        if rows:
            ratios = [row["lsoda"] / row["windows"] for row in rows]
            foot.append(
                f"Median of LSODA's time over ours at {scientific(target, 0)}: {np.median(ratios):.2f}, over "
                f"{len(rows)} members.\n"
            )
    return (head + "".join(lines) + "".join(foot)).rstrip()


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    paths = driver.write("direct", results, page(results), folder)
    compared = results["work_precision"]
    return [*paths, *(work_precision_report.draw(compared, folder) if compared else [])]


def _run(options: Namespace) -> dict[str, Any]:
    names, peers = options.families, options.peers
    if names is None and peers is None:
        names, peers = families.NAMES, QUICK_PEERS if options.quick else (*families.BARI, *work_precision.TEXTBOOK)
    return run(names or [], peers or [], options.quick)


def main() -> None:
    parser = driver.parser(__doc__, quick="50 members instead of 1000; three problems at three tolerances")
    every = sorted({*families.NAMES, *families.BARI})
    parser.add_argument("--families", nargs="+", choices=families.NAMES, metavar="NAME", help="random members of these")
    parser.add_argument("--peers", nargs="+", choices=every, metavar="NAME", help="all solvers on these")
    driver.main(parser, _run, write)


if __name__ == "__main__":
    main()
