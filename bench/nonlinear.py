"""Nonlinear problems on time windows beside compiled models and other solvers, at matched accuracy.

    python -m bench.nonlinear [--output docs/results]

Writes nonlinear.json and nonlinear.md in a minute or two; numbalsoda is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import stlfast
from bench.compare import TOLERANCES, versions
from bench.compare_report import _us
from bench.peers import MOST_STEPS
from bench.problem import AWAY, away_from_jumps, times
from examples.hires import digits, hires
from stlfast import families
from stlfast.command import demo, report
from stlfast.command.quick_bench import numba_rhs
from stlfast.measure import timing

TARGETS = (1e-4, 1e-6, 1e-8)  # largest error over max |y|, in the worst state
LOOSE = (1e-1, 10**-1.5)  # tolerances before those of the comparison of linear problems
REPEATS, ONCE_FROM = 15, 0.15
OURS, BARE, COMPILED = "stlfast", "stlfast, no estimate", "stlfast, compiled"
NUMBALSODA, RADAU, LSODA = "LSODA (numbalsoda)", "Radau (SciPy)", "LSODA (SciPy)"
HEAD, COUNTS = ("problem", "error at most"), ("windows", "iterations", "digits")
ALPHAS = (20, 50, 150, 1000)


class Problem:
    """A member with its reference solution truth (n, N) and largest (n,), max |y|.

    t: (N,) 512 uniform times, 512 logarithmic ones from `first` of t_span on, and LSODA's steps, which resolve every
        layer and jump. measured: (N,) which of these count, neither the steps nor times near a jump of y1 through 0.
    """

    def __init__(self, family: stlfast.Family, first: float = 1e-5, jumps: bool = False, **params: float) -> None:
        self.family, self.params = family, params
        self.span = family.t_span_at(**params)
        points, f, jac = times(self.span, first), family.rhs(**params), family.jac(**params)
        steps = solve_ivp(f, self.span, family.y0, "LSODA", jac=jac, rtol=1e-8, atol=1e-14)
        self.t = np.union1d(points, steps.t)
        self.measured = np.isin(self.t, points) & (away_from_jumps(self.t, steps) if jumps else True)
        reference = partial(family.reference, t=self.t, rtol=1e-12, atol=1e-16, **params)
        self.truth = reference(method="Radau").y
        self.largest = np.abs(self.truth).max(axis=1)
        self.disagreement = self.error(reference(method="LSODA").y)

    def error(self, y: np.ndarray, everywhere: bool = False) -> float:
        """The largest error of y (n, N) over max |y|, in the worst state; infinite where y is not finite."""
        error = (np.abs(y - self.truth) / self.largest[:, None])[:, self.measured | everywhere].max()
        return float(error) if np.isfinite(error) else np.inf


PROBLEMS: dict[str, Callable[[], Problem]] = {
    **{f"duffing, alpha = {a}": lambda a=a: Problem(families.duffing(), alpha=a, beta=0.5) for a in ALPHAS},
    "robertson": lambda: Problem(families.robertson(), first=1e-10, k1=0.04, k2=3e7, k3=1e4),
    **{f"vdp, mu = {mu}": lambda mu=mu: Problem(families.vdp(), jumps=True, mu=mu) for mu in (50, 1000)},
    "hires, k = 280": lambda: Problem(hires(), k=280.0),
}


def solvers(problem: Problem) -> dict[str, Callable[[np.ndarray, float], Any]]:
    """(t, tolerance) → what has .y and .success; rtol = tolerance, atol = tolerance · max |y| of the smallest state."""
    family, params, small = problem.family, problem.params, float(problem.largest.min())
    f, jac, y0, p = family.rhs(**params), family.jac(**params), family.y0, family.check_params(params)
    ours = partial(stlfast.Windows(family).solve, fallback=False, **params)
    found = {
        OURS: lambda t, tol: ours(t=t, rtol=tol, atol=tol * small),
        BARE: lambda t, tol: ours(t=t, rtol=tol, atol=tol * small, certify=False),
        RADAU: lambda t, tol: solve_ivp(f, problem.span, y0, "Radau", t, jac=jac, rtol=tol, atol=tol * small),
        LSODA: lambda t, tol: solve_ivp(f, problem.span, y0, "LSODA", t, jac=jac, rtol=tol, atol=tol * small),
    }
    if family.name in stlfast.pretrained():
        model = stlfast.load(family.name)
        if model.passport["compile"]["ranks"]:
            reduced = partial(model.solve, method="reduced", **params)
            asked = lambda t: None if len(t) == demo.POINTS else t  # noqa: E731 — the default times are its fastest
            found[COMPILED] = lambda t, tol: reduced(t=asked(t), rtol=tol, atol=tol * small)
    try:
        from numbalsoda import lsoda
    except ImportError:
        return found
    rhs = numba_rhs(family)

    def compiled(t: np.ndarray, tol: float) -> Any:
        y, success = lsoda(rhs.address, y0, t, p, tol, tol * small, MOST_STEPS)
        return SimpleNamespace(y=y.T, success=success)

    return found | {NUMBALSODA: compiled}


def measure(problem: Problem, targets: Sequence[float], repeats: int) -> dict[str, Any]:
    """Rows, one a target: {"target": …, solver: {"tolerance", "error", "seconds", …}}, without solvers that miss it."""
    grid, rows, found = np.linspace(*problem.span, demo.POINTS), [], solvers(problem)

    @cache
    def error(name: str, tolerance: float) -> float:
        answer = found[name](problem.t, tolerance)
        return problem.error(answer.y) if answer.success else np.inf

    for target in targets:
        row, tasks = {"target": target}, {}
        for name, solve in found.items():
            tolerance, reached = timing.loosest(partial(error, name), target, LOOSE + TOLERANCES)
            if tolerance is None:
                continue
            answer, row[name] = solve(problem.t, tolerance), {"tolerance": tolerance, "error": reached}
            if name == OURS:
                estimate = float((answer.error_estimate / problem.largest).max())
                row[name] |= {"estimate": estimate, "over_true": estimate / problem.error(answer.y, everywhere=True)}
                row[name] |= {"windows": answer.windows, "iterations": answer.iterations}
            if problem.family.name == "hires":
                row[name]["digits"] = round(float(digits(answer.y[:, -1]).min()), 1)
            tasks[name] = timing.repeated(partial(solve, grid, tolerance))
        for name, seconds in timing.interleaved(tasks, repeats, ONCE_FROM).items():
            row[name]["seconds"] = float(np.median(seconds))
            if OURS in row:  # the first of them
                row[name]["ratio"] = row[name]["seconds"] / row[OURS]["seconds"]
        rows.append(row)
    about = {"params": problem.params, "reference": problem.disagreement, "compiled": COMPILED in found}
    return about | {"rows": rows}


def run(names: Iterable[str] = PROBLEMS, targets: Sequence[float] = TARGETS, repeats: int = REPEATS) -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    started, found = time.perf_counter(), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's, where a loose tolerance fails
        for name in names:
            print(name, flush=True)
            found[name] = measure(PROBLEMS[name](), targets, repeats)
    kept = ", ".join(f"{name} {number}" for name, number in versions().items() if name in ("numbalsoda", "numba"))
    seconds = round(time.perf_counter() - started, 1)
    return {"machine": demo.machine(), "versions": kept, "repeats": repeats, "problems": found, "seconds": seconds}


def _time(row: dict[str, Any], name: str) -> str:
    return f"{_us(row[name]['seconds'])} ({report.scientific(row[name]['error'], 0)})" if name in row else "not reached"


def page(results: dict[str, Any]) -> str:
    rows = [(name, row) for name, problem in results["problems"].items() for row in problem["rows"]]
    peers = [name for name in (NUMBALSODA, RADAU, LSODA) if any(name in row for _, row in rows)]
    cells, own, summary, scientific = [], [], [], report.scientific
    for name, row in rows:
        cells.append([name, scientific(row["target"], 0), *(_time(row, solver) for solver in (OURS, BARE))])
        cells[-1].append(_time(row, COMPILED) if results["problems"][name]["compiled"] else "–")
        for peer in peers:
            cells[-1] += [_time(row, peer), f"{row[peer]['ratio']:.2f}" if "ratio" in row.get(peer, {}) else "–"]
        if found := row.get(OURS):
            own.append([*cells[-1][:2], *(scientific(found[key]) for key in ("tolerance", "error", "estimate"))])
            own[-1] += [f"{found['over_true']:.2f}", *(f"{found.get(key, '–')}" for key in COUNTS)]
    for peer in peers:
        ratios = np.array([row[peer]["ratio"] for _, row in rows if "ratio" in row.get(peer, {})])
        summary.append(f"{peer} {min(ratios):.2g} to {max(ratios):.3g}, below 1 in {sum(ratios < 1)} of {len(ratios)}")
    apart = scientific(max(problem["reference"] for problem in results["problems"].values()))
    return "\n\n".join([
        "# Nonlinear problems on time windows",
        f"Made by `python -m bench.nonlinear` in {results['seconds']:.0f} s. `stlfast.Windows` is the general solver "
        "and the fallback; nothing is trained or compiled, and for one solution LSODA with a compiled right-hand side "
        f"is the faster way. The column '{COMPILED}' is the reduced bases of shipped models, "
        "`stlfast.load(name).solve` with its error estimate; more of them in [compare.md](compare.md). "
        f"Times over those of windows, their error estimate included: {'; '.join(summary)}.",
        "Error: the largest over 512 uniform and 512 logarithmic times (from 1e-5 of the time span on, for Robertson "
        f"1e-10), over max |y| of each state, in the worst state; for Van der Pol, away from {AWAY:g} of the time span "
        f"around each jump. Reference: SciPy's Radau at rtol = 1e-12; its LSODA there differs by {apart} at most. Each "
        "solver: at the loosest of half decades of rtol that reaches the error, a compiled model at the one accuracy "
        "that it has; atol is rtol max |y| of the smallest state. Jacobians: analytic, numbalsoda's differences; "
        "SciPy's functions are the family's, called from Python. "
        f"Times: one solve from Python at 512 uniform times, medians of {results['repeats']} interleaved repeats, "
        "processor time of one thread. Duffing: beta = 0.5.",
        f"Machine: {report.machine(results['machine'])}; {results['versions'] or 'numbalsoda is absent'}.",
        "## Time\n\nMicroseconds, in brackets the error reached; ratio: over windows with their estimate.",
        report.markdown([*HEAD, OURS, BARE, COMPILED, *(t for peer in peers for t in (peer, "ratio"))], cells, 1),
        "## Windows\n\nThe estimate is of the largest error anywhere, over max |y|; then over the true one, for which "
        "the steps of LSODA count too, at layers and jumps. For Van der Pol, stlfast's tolerance is for the jumps as "
        "well: it does more than is asked here, in several passes where the estimate misses. Iterations: Newton's, of "
        "the last pass. Digits: correct ones of HIRES at the end; of the others, in nonlinear.json.",
        report.markdown([*HEAD, "rtol", "error", "estimate", "over true", *COUNTS], own, 1),
    ]) + "\n"  # fmt: skip


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "nonlinear.json", folder / "nonlinear.md"]
    paths[0].write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    paths[1].write_text(page(results), encoding="utf-8")
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/results"), metavar="DIR", help="default: %(default)s")
    for written in write(run(), parser.parse_args().output):
        print(f"wrote {written}")
