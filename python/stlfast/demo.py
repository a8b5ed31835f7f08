"""The demonstration: shipped models over a wide range of stiffness, against exact solutions and SciPy.

SciPy is compared at matched accuracy: of the tolerances 1e-3, 1e-4, … the loosest whose answer, on the same points
as the model's, is as accurate as the target. Times are medians of interleaved repeats, in processor time of one thread:
what else runs on the machine would lengthen milliseconds, but not microseconds.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import accuracy
from .model import Model, load
from .reference import exact, point_set
from .report import METHODS

MEMBERS: dict[str, dict[str, Any]] = {"dho": {}, "ncff": {"omega": 1.0}}  # model → parameters other than stiffness
TARGET = 1e-6  # largest absolute error that counts as accurate
TOLERANCES = tuple(10.0**-k for k in range(3, 13))  # rtol = atol of SciPy
CALLS = 100  # model solves in one timed repeat


@dataclass(frozen=True)
class Effort:
    """How much the demonstration measures."""

    alphas: tuple[float, ...] = (10.0, 20.0, 50.0, 75.0, 100.0, 150.0, 300.0, 1000.0)
    repeats: int = 7
    once_from: float = 0.3  # seconds: what takes longer is timed in one repeat alone
    shown: tuple[float, ...] = (10.0, 100.0, 1000.0)  # members in the picture of solutions

    @classmethod
    def quick(cls) -> Effort:
        return cls(alphas=(10.0, 100.0, 1000.0), repeats=2)

    @property
    def steps(self) -> int:
        """Progress steps of `run`."""
        return len(MEMBERS) * len(self.alphas)


def run(effort: Effort, progress: Callable[[str], None]) -> dict[str, Any]:
    """Everything that is measured, JSON-able; progress is called with what comes next, `effort.steps` times."""
    started = time.perf_counter()
    models = {}
    for name, others in MEMBERS.items():
        model = load(name)
        models[name] = {
            "stiffness": model.family.stiffness,
            "others": others,
            "trained": list(model.family.params[model.family.stiffness].train),
            "rows": [_compare(model, alpha, others, effort, progress) for alpha in effort.alphas],
        }
    return {
        "target": TARGET,
        "effort": asdict(effort),
        "machine": machine(),
        "seconds": round(time.perf_counter() - started, 1),
        "models": models,
    }


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    """results.json, two pictures and report.md in a folder, which is made if need be; returns their paths."""
    from . import plot, report

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("report.md", "error_vs_stiffness.png", "solutions.png", "results.json")]
    paths[0].write_text(report.page(results, picture=paths[1].name, solutions=paths[2].name), encoding="utf-8")
    plot.error_vs_stiffness(results, paths[1])
    plot.solutions(curves(results["models"], results["effort"]["shown"]), paths[2])
    paths[3].write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return paths


def machine() -> dict[str, Any]:
    """What times depend on: processor, system and versions. No names of people or hosts."""
    from importlib.metadata import version

    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = models[0] if models else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: version(package) for package in ("stlfast", "numpy", "scipy")},
    }


# --------------------------------------------------------------------------------------------------------- measurement
def _compare(
    model: Model, alpha: float, others: dict[str, Any], effort: Effort, progress: Callable[[str], None]
) -> dict[str, Any]:
    """One row: the model's error, bound and time, and those of SciPy's methods at the target accuracy."""
    params = {model.family.stiffness: alpha, **others}
    progress(f"{model.family.name} at {', '.join(f'{k} = {v:g}' for k, v in params.items())}")
    row = accuracy.measure(model, [params])[0]
    matched = {method: _matched(model, method, params) for method in METHODS}
    tasks: dict[str, Callable[[], float]] = {"stlfast": partial(_time_model, model, params)}
    for method, found in matched.items():
        if found["rtol"] is not None:
            tasks[method] = partial(_time_scipy, model, method, found["rtol"], params)
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(effort.repeats):
        for name, task in tasks.items():
            if not (times[name] and times[name][0] > effort.once_from):
                times[name].append(task())
    row["seconds"] = float(np.median(times["stlfast"]))
    for method, found in matched.items():
        measured = times.get(method, [])
        row[method] = {
            **found,
            "seconds": float(np.median(measured)) if measured else None,
            "repeats": len(measured),
            "ratio": float(np.median(measured) / row["seconds"]) if measured else None,
        }
    return row


def _matched(model: Model, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The loosest tolerance whose error over `point_set` is within the target, and that error; None where none is."""
    t = point_set(*model.family.t_span_at(**params))
    truth = exact(model.family, t, **params)
    for tolerance in TOLERANCES:
        answer = model.family.reference(t=t, method=method, rtol=tolerance, atol=tolerance, **params)
        error = float(np.abs(answer.y - truth).max()) if answer.success else np.inf
        if error <= TARGET:
            return {"rtol": tolerance, "error": error}
    return {"rtol": None, "error": None}


def _time_model(model: Model, params: dict[str, Any]) -> float:
    """Seconds of one solve, with its certificate, at the 512 output times."""
    start = time.thread_time()
    for _ in range(CALLS):
        model.solve(**params)
    return (time.thread_time() - start) / CALLS


def _time_scipy(model: Model, method: str, tolerance: float, params: dict[str, Any]) -> float:
    """Seconds of one integration at the same output times, for Radau with the analytic Jacobian."""
    start = time.thread_time()
    model.family.reference(method=method, rtol=tolerance, atol=tolerance, **params)
    return time.thread_time() - start


def curves(models: dict[str, Any], alphas: Sequence[float]) -> dict[str, list[dict[str, Any]]]:
    """Solutions of some members of each model for `plot.solutions`, with exact values at fewer times."""
    return {name: [_curve(load(name), alpha, facts["others"]) for alpha in alphas] for name, facts in models.items()}


def _curve(model: Model, alpha: float, others: dict[str, Any]) -> dict[str, Any]:
    """On logarithmic times that start before the transient."""
    params = {model.family.stiffness: alpha, **others}
    t0, t1 = model.family.t_span_at(**params)
    t = t0 + (t1 - t0) * np.geomspace(1e-6, 1.0, 400)
    few = t[::20]
    return {
        "stiffness": model.family.stiffness,
        "params": params,
        "states": model.family.states,
        "t": t,
        "y": model.solve(t=t, **params).y,
        "t_exact": few,
        "y_exact": exact(model.family, few, **params),
    }
