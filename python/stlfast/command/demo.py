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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..loading import load
from ..measure import accuracy, timing
from ..measure.exact import exact, point_set
from ..models.linear import Model
from ..models.pde import PDEModel
from .report import METHODS

MEMBERS: dict[str, dict[str, Any]] = {"dho": {}, "ncff": {"omega": 1.0}}  # model → parameters other than stiffness
FIRST_ALPHA = 150.0
FIELD, FIELD_ALPHA = "advection_reaction", 50.0  # the model of PDEs and its member
TARGET = 1e-6  # largest absolute error that counts as accurate
POINTS = 512  # uniform output times
TOLERANCES = tuple(10.0**-k for k in range(3, 13))  # rtol = atol of SciPy

# Of a member, a function of times t (N) (None: 512 uniform ones) and a tolerance, rtol = atol, that returns y (n, N),
# or None where it fails.
Solver = Callable[[Model, dict[str, Any]], Callable[[np.ndarray | None, float], np.ndarray | None]]


def scipy(method: str, model: Model, params: dict[str, Any]) -> Callable[[np.ndarray | None, float], np.ndarray | None]:
    """solve_ivp, with the analytic Jacobian where the method takes one; a Solver once the method is chosen."""

    def solve(t: np.ndarray | None, tolerance: float) -> np.ndarray | None:
        answer = model.family.reference(t=t, method=method, rtol=tolerance, atol=tolerance, **params)
        return answer.y if answer.success else None

    return solve


SCIPY = {method: partial(scipy, method) for method in METHODS}


@dataclass(frozen=True)
class Effort:
    """How much the demonstration measures."""

    alphas: tuple[float, ...] = (10.0, 20.0, 50.0, 75.0, 100.0, 150.0, 300.0, 1000.0)
    repeats: int = 5
    once_from: float = 0.05  # seconds: what takes longer is timed in one repeat alone
    shown: tuple[float, ...] = (10.0, 100.0, 1000.0)  # members in the picture of solutions

    @classmethod
    def quick(cls) -> Effort:
        return cls(alphas=(10.0, 100.0, 1000.0), repeats=2)

    @property
    def steps(self) -> int:
        """Progress steps of `run`."""
        return len(MEMBERS) * len(self.alphas)


def first() -> str:
    """One solve and its time, in a sentence: what is to be seen while the rest is measured."""
    model = _linear("dho")
    solve = partial(model.solve, alpha=FIRST_ALPHA)
    solution, times = solve(), timing.interleaved({"solve": timing.repeated(solve)}, 1, 1.0)["solve"]
    assert solution.error_bound is not None
    return (
        f"dho at alpha = {FIRST_ALPHA:g}, {FIRST_ALPHA / model.family.params['alpha'].trained[1]:g} times the stiffest "
        f"member it was trained on: {len(solution.t)} times in {1e6 * times[0]:.1f} µs, error bound "
        f"{solution.error_bound.max():.0e}."
    )


def run(effort: Effort, progress: Callable[[str], None]) -> dict[str, Any]:
    """Everything that is measured, JSON-able; progress is called with what comes next, `effort.steps` times."""
    started = time.perf_counter()
    models = {}
    for name, others in MEMBERS.items():
        model = _linear(name)
        models[name] = {
            "stiffness": _stiffness(model),
            "others": others,
            "trained": list(model.family.params[_stiffness(model)].trained),
            "rows": [compare(model, alpha, others, effort, progress) for alpha in effort.alphas],
        }
    return {
        "target": TARGET,
        "effort": asdict(effort),
        "machine": machine(),
        "seconds": round(time.perf_counter() - started, 1),
        "models": models,
        "field": _measured_field(effort),
    }


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    """results.json, three pictures and report.md in a folder, which is made if need be; returns their paths."""
    from . import pictures as plot
    from . import report

    folder.mkdir(parents=True, exist_ok=True)
    names = ("report.md", "error_vs_stiffness.png", "solutions.png", "results.json", "space_time.png")
    paths = [folder / name for name in names]
    paths[0].write_text(report.page(results, paths[1].name, paths[2].name, paths[4].name), encoding="utf-8")
    plot.error_vs_stiffness(results, paths[1])
    plot.solutions(curves(results["models"], results["effort"]["shown"]), paths[2])
    paths[3].write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    _field().solve(**results["field"]["params"]).plot(paths[4])
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
def compare(
    model: Model,
    alpha: float,
    others: dict[str, Any],
    effort: Effort,
    progress: Callable[[str], None],
    solvers: Mapping[str, Solver] = SCIPY,
) -> dict[str, Any]:
    """One row: the model's error, bound and time, and those of other solvers at the target accuracy."""
    params: dict[str, Any] = {_stiffness(model): alpha, **others}
    progress(f"{model.family.name} at {', '.join(f'{k} = {v:g}' for k, v in params.items())}")
    row = accuracy.measure(model, [params])[0]
    t = point_set(*model.family.t_span_at(**params))
    truth = exact(model.family, t, **params)
    tasks = {"stlfast": timing.repeated(partial(model.solve, **params))}
    for name, solver in solvers.items():
        solve = solver(model, params)
        tolerance, reached = timing.loosest(partial(_error, solve, t, truth), TARGET, TOLERANCES)
        row[name] = {"rtol": tolerance, "error": reached}
        if tolerance is not None:
            tasks[name] = timing.repeated(partial(solve, None, tolerance))
    times = timing.interleaved(tasks, effort.repeats, effort.once_from)
    row["seconds"] = float(np.median(times["stlfast"]))
    for name in solvers:
        measured = times.get(name, [])
        seconds = float(np.median(measured)) if measured else None
        ratio = None if seconds is None else seconds / row["seconds"]
        row[name] |= {"seconds": seconds, "repeats": len(measured), "ratio": ratio}
    return row


def _error(solve: Callable[..., np.ndarray | None], t: np.ndarray, truth: np.ndarray, tolerance: float) -> float:
    y = solve(t, tolerance)
    return np.inf if y is None else float(np.abs(y - truth).max())


def _measured_field(effort: Effort) -> dict[str, Any]:
    """Error, estimate and time of the PDE model's solve on its default grid."""
    model, params = _field(), dict[str, Any](alpha=FIELD_ALPHA)
    row = accuracy.measure_pde(model, [params], {"own": None})[0]
    times = timing.interleaved({"all": timing.repeated(partial(model.solve, **params))}, effort.repeats, 1.0)
    return {"name": FIELD, **row, "shape": model.solve(**params).u.shape, "seconds": float(np.median(times["all"]))}


def _field() -> PDEModel:
    return load(FIELD, PDEModel)


def _linear(name: str) -> Model:
    return load(name, Model)


def _stiffness(model: Model) -> str:
    assert model.family.stiffness is not None
    return model.family.stiffness


def curves(models: dict[str, Any], alphas: Sequence[float]) -> dict[str, list[dict[str, Any]]]:
    """Solutions of some members of each model for `plot.solutions`, with exact values at fewer times."""
    return {name: [_curve(_linear(name), alpha, facts["others"]) for alpha in alphas] for name, facts in models.items()}


def _curve(model: Model, alpha: float, others: dict[str, Any]) -> dict[str, Any]:
    """On logarithmic times that start before the transient."""
    params: dict[str, Any] = {_stiffness(model): alpha, **others}
    t0, t1 = model.family.t_span_at(**params)
    t = t0 + (t1 - t0) * np.geomspace(1e-6, 1.0, 400)
    few = t[::20]
    return {
        "stiffness": _stiffness(model),
        "params": params,
        "states": model.family.states,
        "t": t,
        "y": model.solve(t=t, **params).y,
        "t_exact": few,
        "y_exact": exact(model.family, few, **params),
    }
