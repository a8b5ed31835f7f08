"""The page on time windows: their time beside compiled models and other solvers, and how good their estimate is."""

from __future__ import annotations

from typing import Any

from bench import driver
from bench.compare_report import alphas, cell, find, names, ratios, symbol
from bench.contenders import LSODA, NUMBALSODA, OURS, RADAU, WINDOWS, WINDOWS_BARE
from bench.problem import AWAY, STIFFNESS
from stlfast.command.report import markdown, scientific

PEERS = (NUMBALSODA, RADAU, LSODA)
SOLVERS = (WINDOWS, WINDOWS_BARE, OURS, *PEERS)
PACKAGES = ("numbalsoda", "numba")
HEAD, COUNTS = ("problem", "error at most"), ("windows", "iterations", "digits")


def page(results: dict[str, Any]) -> str:
    rows = members(results)
    peers = [name for name in PEERS if name in names(results, STIFFNESS)]
    cells, own, summary = [], [], []
    for problem, alpha, target in rows:
        head = [f"{problem}, {symbol(results, problem)} = {alpha:g}", scientific(target, 0)]
        there = names(results, STIFFNESS, problem)
        cells.append([*head, *(_cell(results, problem, alpha, name, target, there) for name in SOLVERS[:3])])
        for peer in peers:
            ratio = over(results, problem, alpha, peer, target)
            said = "–" if ratio is None else f"{ratio:.2f}"
            cells[-1] += [_cell(results, problem, alpha, peer, target, there), said]
        if found := find(results, problem, STIFFNESS, alpha, WINDOWS, target):
            own.append([*head, *(scientific(found[key]) for key in ("tolerance", "error", "estimate"))])
            own[-1] += [f"{found['over_true']:.2f}", *(f"{found.get(key, '–')}" for key in COUNTS)]
    for peer in peers:
        each = [ratio for row in rows if (ratio := over(results, *row[:2], peer, row[2])) is not None]
        below = sum(ratio < 1 for ratio in each)
        summary.append(f"{peer} {min(each):.2g} to {max(each):.3g}, below 1 in {below} of {len(each)}")
    apart = scientific(max(about["reference"] for about in results["setup"].values()))
    versions = {name: number for name, number in results["versions"].items() if name in PACKAGES}
    return "\n\n".join([
        "# Nonlinear problems on time windows",
        f"Made by `python -m bench.compare --pages nonlinear` in {results['seconds']:.0f} s. `stlfast.Windows` is the "
        "general solver and the fallback; nothing is trained or compiled, and for one solution LSODA with a compiled "
        f"right-hand side is the faster way. The column '{OURS}' is the reduced bases of shipped models, "
        "`stlfast.load(name).solve` with its error estimate; more of them in [compare.md](compare.md). "
        f"Times over those of windows, their error estimate included: {'; '.join(summary)}.",
        "Error: the largest over 512 uniform and 512 logarithmic times (from 1e-5 of the time span on, for Robertson "
        f"1e-10), over max |y| of each state, in the worst state; for Van der Pol, away from {AWAY:g} of the time span "
        f"around each jump. Reference: SciPy at rtol = 1e-12, whose LSODA and Radau differ by {apart} at most. Each "
        "solver: at the loosest of half decades of rtol that reaches the error, a compiled model at the one accuracy "
        "that it has; atol is rtol max |y| of the smallest state. Jacobians: analytic, numbalsoda's differences. "
        f"{results.get('note', '')}"
        f"Times: one solve from Python at 512 uniform times, medians of {results['effort']['repeats']} interleaved "
        "repeats, processor time of one thread. Duffing: beta = 0.5.",
        driver.machine_line(results, ", ".join(map(" ".join, versions.items())) or "numbalsoda is absent"),
        "## Time\n\nMicroseconds, in brackets the error reached; ratio: over windows with their estimate.",
        markdown([*HEAD, *SOLVERS[:3], *(title for peer in peers for title in (peer, "ratio"))], cells, 1),
        "## Windows\n\nThe estimate is of the largest error anywhere, over max |y|; then over the true one, for which "
        "the steps of LSODA count too, at layers and jumps. For Van der Pol, stlfast's tolerance is for the jumps as "
        "well: it does more than is asked here, in several passes where the estimate misses. Iterations: Newton's, of "
        "the last pass. Digits: correct ones of HIRES at the end.",
        markdown([*HEAD, "rtol", "error", "estimate", "over true", *COUNTS], own, 1),
    ]) + "\n"  # fmt: skip


def members(results: dict[str, Any]) -> list[tuple[str, float, float]]:
    """(problem, stiffness, target) of every row."""
    return [
        (problem, alpha, target)
        for problem in results["setup"]
        for alpha in alphas(results, problem, STIFFNESS)
        for target in results["targets"]
    ]


def over(results: dict[str, Any], problem: str, alpha: float, peer: str, target: float) -> float | None:
    """The peer's time over that of windows."""
    return ratios(results, problem, STIFFNESS, WINDOWS, peer, target).get(alpha)


def _cell(results: dict[str, Any], problem: str, alpha: float, name: str, target: float, there: list[str]) -> str:
    return cell(results, problem, STIFFNESS, alpha, name, target) if name in there else "–"
