"""Advection and reaction in space and time beside the fastest native solvers, at matched accuracy.

    python -m bench.pde [--output docs/results]

Writes pde.json and pde.md in about two minutes. The competitors are C++ (bench/cpp/pde_peers.cpp): the method of lines
with SUNDIALS' integrators, each at its cheapest setting for the accuracy, and characteristics with the matrix
exponential, which is exact for this problem.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from bench import driver, native
from bench.peers import Absent
from stlfast.command import report
from stlfast.equations.pde import characteristics
from stlfast.measure import accuracy, timing

ALPHAS = (10.0, 50.0, 200.0, 1000.0)
TARGETS = (1e-3, 1e-4, 1e-5, 1e-6)  # largest error on the output grid and in the initial layer
REPEATS, ONCE_FROM = 21, 0.5
GRID = 128
MANY = 64
PROFILES = {
    "own": None,
    "hump": lambda x: np.stack([np.exp(-(((x - 0.4) / 0.3) ** 2)), 0.3 * np.exp(-(((x - 0.6) / 0.4) ** 2))]),
    "exponential": lambda x: np.stack([1 + x**2 / 2, 0.5 * np.exp(-x)]),
    "front 0.3 wide": lambda x: np.stack([0.5 * (1 - np.tanh((x - 0.5) / 0.15)), 0.1 + 0.3 * x]),
}
NEW_ALPHA, NEW_PROFILE, BARE, SWEEP = "new alpha", "new profile", "new profile, no estimate", f"each of {MANY} profiles"
OURS = (NEW_ALPHA, NEW_PROFILE, BARE, SWEEP)
EXACT = "characteristics"


def kink(t: np.ndarray) -> np.ndarray:
    """Inflow that contradicts the model's own initial values: a kink travels along x = t."""
    return np.stack([0.2 + 0 * t, 0.9 + 0 * t])


@driver.study
def run(alphas: Sequence[float] = ALPHAS, targets: Sequence[float] = TARGETS, repeats: int = REPEATS) -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    model = stlfast.load("advection_reaction", stlfast.PDEModel)
    measured = accuracy.measure_pde(model, [{"alpha": a} for a in alphas], PROFILES)
    return {
        "sundials": _sundials(),
        "repeats": repeats,
        "compile": model.passport["compile"],
        "accuracy": measured,
        "kinks": [_kink(model, alpha) for alpha in alphas],
        "times": [_times(model, alpha, targets, repeats) for alpha in alphas],
    }


def _sundials() -> str | None:
    try:
        version = native.pde().pde_sundials_version()
        return None if version is None else version.decode()
    except Absent:
        return None


def _kink(model: stlfast.PDEModel, alpha: float) -> dict[str, float]:
    """Mean and largest error where the inflow contradicts the initial values, against the exact, kinked solution."""
    solution = model.solve(inflow=kink, kinks=True, alpha=alpha)
    assert solution.error_estimate is not None
    p, points = np.array([alpha]), np.random.default_rng(0).random((2, 4000))
    inside = points[0] > points[1]
    exact = np.empty((2, points.shape[1]))
    exact[:, inside] = characteristics.solution(
        model.family, lambda x: model.family.initial_at(x, p), points[:, inside], p
    )
    # Along a characteristic that entered at t − x: the same decay, over the time x, of what flowed in.
    entered = np.stack([0 * points[0, ~inside], points[0, ~inside]])
    exact[:, ~inside] = characteristics.solution(model.family, lambda x: kink(x[0]), entered, p)
    error = np.abs(solution(points.T) - exact)
    return {
        "alpha": alpha, "mean": float(error.mean()), "max": float(error.max()),
        "estimate": float(solution.error_estimate.max()), "success": bool(solution.success),
    }  # fmt: skip


def _times(model: stlfast.PDEModel, alpha: float, targets: Sequence[float], repeats: int) -> dict[str, Any]:
    """Seconds of our solves and of the best competitor at each target, interleaved."""
    own = accuracy.measure_pde(model, [{"alpha": alpha}], {"own": None})[0]
    core, member, p = model.core, model.at(alpha=alpha), np.array([alpha])
    data = model.data(alpha=alpha)
    _, table = model._table(None, None, None)
    out = np.empty((2, GRID, GRID))
    many, all_of_them = (
        np.empty((MANY, 2, GRID, GRID)),
        np.ascontiguousarray(np.broadcast_to(data, (MANY, *data.shape))),
    )
    solve = partial(core.solve, table=table, rtol=1e-3, atol=1e-6, out=out)
    tasks = {
        NEW_ALPHA: timing.repeated(lambda: solve(core.factor(p), data, estimate=True)),
        NEW_PROFILE: timing.repeated(lambda: solve(member.core, data, estimate=True)),
        BARE: timing.repeated(lambda: solve(member.core, data, estimate=False)),
        SWEEP: timing.repeated(lambda: core.solve_many(table, p[None], all_of_them, True, 1e-3, 1e-6, 1, many)),
    }
    row: dict[str, Any] = {"alpha": alpha, "error": own["max"], "mean": own["mean"], "estimate": own["estimate"]}
    with _peers(alpha, targets) as peers:
        tasks |= {name: peer["run"] for name, peer in peers.items()}
        seconds = timing.interleaved(tasks, repeats, ONCE_FROM)
        median = {name: float(np.median(values)) for name, values in seconds.items()}
        row["ours"] = {name: median[name] / (MANY if name == SWEEP else 1) for name in OURS}
        row["peers"] = [
            {key: value for key, value in peer.items() if key != "run"} | {"seconds": median[name]}
            for name, peer in peers.items()
        ]
    return row


@contextmanager
def _peers(alpha: float, targets: Sequence[float]) -> Any:
    """Competitors by name: target, setting, errors and run; nothing where they cannot be built."""
    try:
        library = native.pde()
    except Absent as reason:
        driver.say(f"competitors are left out: {reason}")
        yield {}
        return
    search = library.pde_search(alpha)
    found: dict[str, Any] = {}
    opened = []
    try:
        for target in targets:
            peers = library.pde_peers(search, target)
            opened.append(peers)
            for k in range(library.pde_peers_count(peers)):
                about = json.loads(library.pde_peer(peers, k))
                found[f"{target:g} {k}"] = {"target": target, **about, "run": _runner(library, peers, k)}
        yield found
    finally:
        for peers in opened:
            library.pde_peers_close(peers)
        library.pde_search_close(search)


def _runner(library: Any, peers: Any, k: int) -> timing.Run:
    u = np.empty((GRID, GRID, 2))

    def call(calls: int) -> np.ndarray:
        library.pde_repeat(calls, peers, k, u)
        return u

    return call


def page(results: dict[str, Any]) -> str:
    return "\n\n".join([
        "# Advection and reaction in space and time",
        f"Made by `python -m bench.pde` in {results['seconds']:.0f} s. The model is the shipped `advection_reaction`: "
        "u_t + u_x = R u for two species, R = alpha [[−1, ½], [1, −½]], x, t in [0, 1]; its basis is made of snapshots "
        "for profiles that are polynomials, no integrator is involved.",
        driver.machine_line(results, f"SUNDIALS {results['sundials'] or 'is absent'}"),
        "## Accuracy\n\nMean and largest |error| at 4000 random points, half of them in the initial layer "
        "t < 5/(1.5 alpha), against characteristics with the matrix exponential; and the estimate that the solve gave.",
        _accuracy(results),
        "Inflow that contradicts the initial values (constant 0.2 and 0.9): a kink travels along x = t, and no smooth "
        "basis follows it. Such data are refused unless kinks=True.",
        _kinks(results),
        f"## Time\n\nMicroseconds for both species on {GRID} × {GRID} output points, medians of {results['repeats']} "
        "interleaved repeats, processor time of one thread; ours in C++, called through its bindings, with the data "
        "given at the model's points. Error: the largest of the solve with the model's own profile.",
        _ours(results),
        "Competitors for that problem (the model's own profile): the quickest of the method of lines at each accuracy, "
        "over nodes, numbers of cells, integrators, tolerances and treatments of the Jacobian; CVODE with a band "
        "Jacobian, the quickest of its settings; and the exact solution by characteristics, with the profile "
        f"evaluated at each output point, or at the 2·{GRID} − 1 values that x − t takes on this grid. Speed-up: of a "
        "new alpha and of a new profile, with their estimate, at the strictest of the accuracies that the model meets.",
        _competitors(results),
        _reading(results),
    ]) + "\n"  # fmt: skip


def _accuracy(results: dict[str, Any]) -> str:
    scientific = report.scientific
    rows = []
    for name in PROFILES:
        own = [row for row in results["accuracy"] if row["profile"] == name]
        rows.append(
            [name, *(f"{scientific(r['mean'])} / {scientific(r['max'])} ({scientific(r['estimate'], 0)})" for r in own)]
        )
    alphas = [f"alpha = {row['alpha']:g}" for row in results["times"]]
    return report.markdown(["profile", *alphas], rows, 1)


def _kinks(results: dict[str, Any]) -> str:
    scientific = report.scientific
    rows = [
        [f"{row['alpha']:g}", *(scientific(row[key]) for key in ("mean", "max", "estimate")), str(row["success"])]
        for row in results["kinks"]
    ]
    return report.markdown(["alpha", "mean", "largest", "estimate", "success"], rows, 0)


def _ours(results: dict[str, Any]) -> str:
    rows = [
        [f"{row['alpha']:g}", report.scientific(row["error"]), *(f"{1e6 * row['ours'][name]:.0f}" for name in OURS)]
        for row in results["times"]
    ]
    return report.markdown(["alpha", "error", *OURS], rows, 0)


def _best(row: dict[str, Any], target: float, kept: Any) -> dict[str, Any] | None:
    found = [peer for peer in row["peers"] if peer["target"] == target and kept(peer["name"])]
    return min(found, key=lambda peer: peer["seconds"]) if found else None


KINDS = {
    "method of lines, best": lambda name: EXACT not in name,
    "CVODE BDF, band Jacobian": lambda name: "band" in name,
    "exact, g at every point": lambda name: EXACT in name and "255" not in name,
    "exact, g at 255 values": lambda name: EXACT in name and "255" in name,
}


def matched(row: dict[str, Any]) -> float | None:
    """The strictest target that the model's own error meets."""
    return min((t for t in {peer["target"] for peer in row["peers"]} if row["error"] <= t), default=None)


def _competitors(results: dict[str, Any]) -> str:
    rows = []
    for row in results["times"]:
        target = matched(row)
        if target is None:
            continue
        for kind, kept in KINDS.items():
            peer = _best(row, target, kept)
            if peer is None:
                continue
            cells = f", {peer['cells']} cells, {peer['nodes']}" if "cells" in peer else ""
            speed = [f"{peer['seconds'] / row['ours'][name]:.2g}" for name in (NEW_ALPHA, NEW_PROFILE)]
            rows.append([
                f"{row['alpha']:g}", f"{target:g}", kind, peer["name"] + cells, f"{1e6 * peer['seconds']:.0f}", *speed
            ])  # fmt: skip
    return report.markdown(
        ["alpha", "error at most", "competitor", "setting", "µs", f"over {NEW_ALPHA}", f"over {NEW_PROFILE}"], rows, 4
    )


def _reading(results: dict[str, Any]) -> str:
    found = []
    for row in results["times"]:
        target = matched(row)
        best = None if target is None else _best(row, target, KINDS["method of lines, best"])
        carried = None if target is None else _best(row, target, KINDS["exact, g at 255 values"])
        if best and carried:
            found.append((best["seconds"] / row["ours"][NEW_ALPHA], carried["seconds"] / row["ours"][NEW_PROFILE]))
    if not found:
        return "No competitor could be built here."
    lines, exact = zip(*found, strict=True)
    return (
        f"A new alpha is solved {min(lines):.2g} to {max(lines):.2g} times as fast as by the best method of lines, "
        "which needs 8 to 12 cells for one sine wave. The exact solution is faster still: a new profile takes "
        f"{1 / max(exact):.2g} to {1 / min(exact):.2g} times as long as characteristics on this grid."
    )


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    return driver.write("pde", results, page(results), folder)


if __name__ == "__main__":
    driver.main(driver.parser(__doc__), lambda _: run(), write)
