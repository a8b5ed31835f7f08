"""Many random members: `Windows.solve_many` on all cores beside a compiled loop of numbalsoda's LSODA on one."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np

import stlfast
from bench import families
from bench.peers.numbalsoda_lsoda import compiled_loop
from stlfast.command.quick_bench import numba_rhs
from stlfast.command.report import scientific
from stlfast.measure import timing

MEMBERS, TARGET, REPEATS = 100, 1e-6, 5


def sweep(name: str, tolerances: tuple[float, ...]) -> dict[str, Any] | None:
    """Seconds of each at the loosest tolerance whose error is within TARGET; None where LSODA or one span won't do."""
    from bench.direct import RTOL, truth
    from stlfast.command.family_bench import drawn

    module: Any = families.load(name)
    family = module.family()
    rng, atol = np.random.default_rng(3), np.asarray(getattr(module, "ATOL", 1e-8))
    found = [drawn(family, rng) for _ in range(MEMBERS)]
    if family.breaks or len({family.t_span_at(**params) for params, _ in found}) > 1:
        return None
    windows = stlfast.Windows(family)
    t0, t1 = family.t_span_at(**found[0][0])
    t = np.linspace(t0, t1, 512)
    truths = [truth(module, windows, y0, t, params) for params, y0 in found]
    known = [k for k, true in enumerate(truths) if true is not None]
    true, y0 = np.array([truths[k] for k in known]), np.array([found[k][1] for k in known], dtype=float)
    p = np.array([family.check_params(found[k][0]) for k in known])
    named = {parameter: p[:, k].copy() for k, parameter in enumerate(family.params)}
    scale = np.abs(true).max(axis=2) + atol / RTOL
    ours, theirs = np.empty(true.shape), np.empty((len(true), len(t), family.n))

    def solve_many(tolerance: float) -> np.ndarray:
        small = atol * tolerance / RTOL
        return windows.solve_many(y0, rtol=tolerance, atol=small, fallback=False, out=ours, **named).y

    loop, rhs = compiled_loop(), numba_rhs(family)

    def lsoda(tolerance: float) -> np.ndarray:
        loop(1, rhs.address, y0, t, p, tolerance, float(atol.min()) * tolerance / RTOL, theirs)
        return theirs.transpose(0, 2, 1)

    def error(tolerance: float, solve: Any) -> float:
        off = float((np.abs(solve(tolerance) - true).max(axis=2) / scale).max())
        return off if np.isfinite(off) else np.inf

    tasks = {}
    for solver, solve in (("windows", solve_many), ("lsoda", lsoda)):
        tolerance, _ = timing.loosest(partial(error, solve=solve), TARGET, tolerances)
        if tolerance is None:
            return None
        tasks[solver] = timing.repeated(partial(solve, tolerance))
    times = timing.interleaved(tasks, REPEATS, 0.0, time.perf_counter)
    return {"family": name, "members": len(true)} | {
        solver: float(np.median(measured)) / len(true) for solver, measured in times.items()
    }


def section(rows: list[dict[str, Any]]) -> str:
    ratios = [row["lsoda"] / row["windows"] for row in rows]
    head = (
        f"## Many members at once\n\n{MEMBERS} random members, 512 times each, within {scientific(TARGET, 0)} of each "
        "state's largest value: microseconds a member by the clock of `Windows.solve_many` on all cores, estimate "
        "included, and of a compiled loop of numbalsoda's LSODA on one.\n\n"
        "| family | solve_many | LSODA | ratio |\n| :-- | --: | --: | --: |\n"
    )
    lines = [
        f"| {row['family']} | {1e6 * row['windows']:,.0f} | {1e6 * row['lsoda']:,.0f} | {ratio:.2f} |\n"
        for row, ratio in zip(rows, ratios, strict=True)
    ]
    return f"{head}{''.join(lines)}\nMedian ratio {np.median(ratios):.2f}, least {min(ratios):.2f}."
