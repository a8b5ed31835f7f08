"""How building, solving, memory and error grow with the numbers of states, of functions and of collocation points.

    python -m bench.growth [--output docs/results]

On stlfast.families.chain(n), with one body that is trained on chain(2) and serves every n. Writes growth.json,
growth.md and growth.png. Needs PyTorch; three minutes on one core, of which one coupled basis of six states takes one.

n states, r functions of a band, N collocation points, E output times, C check points of a bound.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import stlfast
from bench import driver
from bench.compare import TOLERANCES, versions
from bench.growth_report import ALPHA, ALPHAS, AT, BARE, COUPLED, EIGH, FIXED, LSODA, SOLVE, fits, page, picture
from bench.models import certified, compiled, history
from bench.peers import numbalsoda_lsoda
from stlfast.command import demo
from stlfast.families import chain
from stlfast.measure import timing
from stlfast.measure.exact import point_set
from stlfast.reduced.dictionaries import BASES
from stlfast.reduced.linear import _truncated

Built = tuple[stlfast.Model, dict[str, Any]]
SPAN = (0.0, 10.0)
GRID, POINTS = np.linspace(*SPAN, demo.POINTS), point_set(*SPAN)
CHILD = """
import sys, stlfast
def resident():  # kB
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
before = resident()
stlfast.load(sys.argv[1]).solve(alpha=100.0)
print(1024 * (resident() - before))
"""


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    states: tuple[int, ...] = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    coupled: tuple[int, ...] = (2, 3, 4, 6)  # states for which a coupled basis is compiled as well
    truncated: tuple[tuple[int, bool], ...] = ((16, True), (4, False), (2, False))  # states, whether decoupled
    ranks: tuple[int, ...] = (8, 12, 16, 20, 24, 28, 32, 36)
    points: tuple[int, ...] = (100, 200, 400, 800, 1600)
    points_states: int = 8
    widths: tuple[tuple[int, ...], ...] = ((64, 64, 16), (64, 64, 48))  # of bodies; the last serves all but `bases`
    bases: tuple[tuple[int, int], ...] = ((0, 2), (1, 2), (1, 64))  # body, states
    steps: int = 300  # of training
    tol: float = 1e-8
    repeats: int = 15


# -------------------------------------------------------------------------------------------------------- measurement
def exact(A: np.ndarray, y0: np.ndarray, t: np.ndarray) -> np.ndarray:
    """y (n, len(t)) of y' = A y + e_1, A symmetric and negative definite."""
    rate, V = np.linalg.eigh(A)
    x = rate[:, None] * t
    return V @ (np.exp(x) * (V.T @ y0)[:, None] + np.expm1(x) * (V[0] / rate)[:, None])


def start(n: int) -> np.ndarray:
    return np.random.default_rng(n).normal(size=n)


def accuracy(model: stlfast.Model, reduced: bool | None = None) -> dict[str, Any]:
    """The largest error and bound over ALPHAS; whether every bound met the tolerance on the reduced basis."""
    y0 = start(model.family.n)
    solved = [model.solve(y0, t=POINTS, alpha=alpha, reduced=reduced) for alpha in ALPHAS]
    truth = [exact(model.family.matrix(0.0, alpha=alpha), y0, POINTS) for alpha in ALPHAS]
    return {
        "error": max(float(np.abs(s.y - y).max()) for s, y in zip(solved, truth, strict=True)),
        "bound": max(float(certified(s).max()) for s in solved),
        "met": all(bool(s.success) and s.method == "reduced" for s in solved),
    }


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    answer = call()
    return time.process_time() - started, answer


def medians(tasks: dict[str, timing.Run], repeats: int) -> dict[str, float]:
    times = timing.interleaved(tasks, repeats, 0.3, time.process_time)
    return {name: float(np.median(values)) for name, values in times.items()}


def built(family: stlfast.Family, body: stlfast.Body, effort: Effort, **options: Any) -> Built:
    took, model = seconds(lambda: compiled(family, body, tol=effort.tol, **options))
    passport = model.passport["compile"]
    return model, {"compile": took, "ranks": passport["ranks"], "tol": passport["tol"], **accuracy(model)}


def resident(path: Path) -> float | None:
    """Bytes that loading a model and one solve add to a process; None where /proc does not say."""
    if not Path("/proc/self/status").is_file():
        return None
    command = [sys.executable, "-c", CHILD, str(path)]
    return float(np.median([int(subprocess.check_output(command, text=True)) for _ in range(3)]))


def lsoda(family: stlfast.Family) -> tuple[dict[str, timing.Run], dict[str, Any]]:
    """numbalsoda at the loosest tolerances that meet LSODA's targets: what to time, and what it reaches."""
    problem: Any = SimpleNamespace(family=family, atol=lambda params, tolerance: tolerance)
    bind, y0 = numbalsoda_lsoda.prepare(problem), start(family.n)
    truth = exact(family.matrix(0.0, alpha=ALPHA), y0, POINTS)

    def error(tolerance: float) -> float:
        y = bind({"alpha": ALPHA}, y0[None], POINTS, tolerance)(1)[0]
        return float(np.abs(y - truth).max()) if np.isfinite(y).all() else np.inf

    tasks, reached = {}, {}
    for name, target in LSODA.items():
        tolerance, found = timing.loosest(error, target, TOLERANCES)
        if tolerance is not None:
            tasks[name] = bind({"alpha": ALPHA}, y0[None], GRID, tolerance)
            reached[name] = {"tolerance": tolerance, "error": found}
    return tasks, reached


def states(n: int, body: stlfast.Body, effort: Effort, folder: Path) -> tuple[dict[str, Any], dict[Any, stlfast.Model]]:
    """The row of n, and its models by (n, whether decoupled)."""
    from sympy.core.cache import clear_cache

    clear_cache()  # what smaller chains have left there
    define, family = seconds(lambda: chain(n))
    model, found = built(family, body, effort, decoupled=True)
    model.save(path := folder / f"{family.name}.safetensors")
    y0, A, fixed = start(n), family.matrix(0.0, alpha=ALPHA), model.at(alpha=ALPHA)
    row = {"n": n, "define": define, **found, "file": path.stat().st_size, "memory": resident(path)}
    row["anew"] = np.array_equal(fixed.solve(y0).y, model.solve(y0, alpha=ALPHA).y)
    tasks = {
        SOLVE: timing.repeated(lambda: model.solve(y0, alpha=ALPHA)),
        BARE: timing.repeated(lambda: model.solve(y0, alpha=ALPHA, certify=False)),
        FIXED: timing.repeated(lambda: fixed.solve(y0)),
        AT: timing.repeated(lambda: model.at(alpha=ALPHA)),
        EIGH: timing.repeated(lambda: exact(A, y0, GRID)),
    }
    models = {(n, True): model}
    if n in effort.coupled:
        models[n, False], row["coupled"] = coupled, _ = built(family, body, effort, decoupled=False)
        tasks[COUPLED] = timing.repeated(lambda: coupled.solve(y0, alpha=ALPHA))
    try:
        others, row["lsoda"] = lsoda(family)
        tasks |= others
    except ImportError as reason:
        row["absent"] = str(reason)
    return {**row, "seconds": medians(tasks, effort.repeats)}, models


def truncations(model: stlfast.Model, effort: Effort) -> list[dict[str, Any]]:
    """The bands of a model cut to fewer functions; timed on the member in the middle of the largest band."""
    decoupled, n = model.compiled.decoupled, model.family.n
    blocks = 1 if decoupled else n
    low, high, _, largest = max(model.compiled.bands, key=lambda band: band[3].shape[1])
    y0, alpha, most = start(n), float(np.sqrt(low[0] * high[0])), largest.shape[1] // blocks
    rows, tasks = [], {}
    for r in [*(r for r in effort.ranks if r < most), most]:
        bands = tuple((*band[:3], _truncated(band[3], blocks, r)) for band in model.compiled.bands)
        cut = stlfast.Model(model.family, model.body, replace(model.compiled, bands=bands), model.passport)
        rows.append({"n": n, "decoupled": decoupled, "r": r, "alpha": alpha, **accuracy(cut, reduced=True)})
        for name, certify in ((SOLVE, True), (BARE, False)):
            options: dict[str, Any] = {"alpha": alpha, "reduced": True, "certify": certify}
            tasks[f"{r} {name}"] = timing.repeated(partial(cut.solve, y0, **options))
    times = medians(tasks, effort.repeats)
    return [{**row, "seconds": {name: times[f"{row['r']} {name}"] for name in (SOLVE, BARE)}} for row in rows]


def collocation(body: stlfast.Body, effort: Effort) -> list[dict[str, Any]]:
    family, rows, tasks = chain(effort.points_states), [], {}
    y0 = start(family.n)
    for count in effort.points:
        model, found = built(family, body, effort, points=count, decoupled=True)
        rows.append({"N": count, **found})
        tasks[str(count)] = timing.repeated(partial(model.solve, y0, alpha=ALPHA, reduced=True))
    times = medians(tasks, effort.repeats)
    return [{**row, "seconds": {SOLVE: times[str(row["N"])]}} for row in rows]


def bases(bodies: Sequence[stlfast.Body], effort: Effort) -> list[dict[str, Any]]:
    rows = []
    for which, n in effort.bases:
        for basis in BASES:
            row = {"m": bodies[which].m, "n": n, "basis": basis}
            try:
                rows.append(row | built(chain(n), bodies[which], effort, basis=basis, decoupled=True)[1])
            except RuntimeError as reason:  # no number of bands does it
                rows.append(row | {"failed": str(reason)})
    return rows


@driver.study
def run(effort: Effort) -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    training: dict[str, Any] = {"progress": False, "steps": effort.steps, "lbfgs_steps": effort.steps // 6}
    bodies = [stlfast.train_body(chain(2), widths=widths, **training) for widths in effort.widths]
    built(chain(2), bodies[-1], effort)  # warms up
    rows: list[dict[str, Any]] = []
    models: dict[Any, stlfast.Model] = {}
    with tempfile.TemporaryDirectory() as folder:
        for n in effort.states:
            driver.say(f"{n} states")
            row, found = states(n, bodies[-1], effort, Path(folder))
            rows.append(row)
            models |= found
    results = {
        "versions": {name: found for name, found in versions().items() if name in ("numbalsoda", "numba", "sympy")},
        "effort": asdict(effort),
        "training": [{"widths": body.sizes[1:], "seconds": history(body)["seconds"]} for body in bodies],
        "states": rows,
        "ranks": [row for key in effort.truncated for row in truncations(models[key], effort)],
        "points": collocation(bodies[-1], effort),
        "bases": bases(bodies, effort),
    }
    return {**results, "fits": fits(results)}


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    paths = driver.write("growth", results, page(results), folder)
    picture(results, folder / "growth.png")
    return [*paths, folder / "growth.png"]


if __name__ == "__main__":
    driver.main(driver.parser(__doc__), lambda _: run(Effort()), write)
