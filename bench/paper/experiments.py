"""All experiments of a run, in order, with their results as one JSON-able dict."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import stlfast
from bench import compare
from bench.paper import reaction, stl_pinn
from bench.paper.ablation import ablation
from bench.paper.accuracy import NETWORKS, accuracy, published_range
from bench.paper.baseline import Baseline
from bench.paper.bases import bases
from bench.paper.cost import cost
from bench.paper.distance import distance
from bench.paper.fields import fields
from bench.paper.problems import PROBLEMS, PaperProblem
from bench.paper.queries import KINDS, queries
from bench.paper.run import Run, sha256
from bench.paper.store import FORMAT
from bench.paper.timings import timings
from stlfast import demo


def run_all(run: Run) -> dict[str, Any]:
    """The results, with the settings of everything that was trained."""
    started = time.perf_counter()
    found: dict[str, Any] = {"problems": {}}
    problems = [PROBLEMS[name] for name in run.effort.problems]
    steps: list[tuple[str, Callable[[], None]]] = [
        (problem.name, lambda p=problem: found["problems"].__setitem__(p.name, _problem(run, p)))  # type: ignore[misc]
        for problem in problems
    ]
    steps += [
        ("advection and reaction", lambda: found.__setitem__("fields", fields(run))),
        ("PINNsFormer's own problem", lambda: found.__setitem__("reaction", _reaction(run))),
    ]
    for k, (title, step) in enumerate(steps, start=1):
        run.say(f"[{k}/{len(steps)}] {title}")
        step()
    return {
        "format": FORMAT,
        "stlfast": stlfast.__version__,
        "cached": run.cached,
        "effort": dataclasses.asdict(run.effort),
        "machine": demo.machine(),
        "machines": sorted({entry["machine"]["processor"] for entry in run.store.done.values()}),
        "versions": compare.versions(),
        "settings": {
            "stl": dataclasses.asdict(stl_pinn.Settings()),
            **{kind: dataclasses.asdict(settings) for kind, (settings, _) in NETWORKS.items()},
            "train": {problem.name: problem.train for problem in problems},
        },
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_of_cells": round(sum(entry["seconds"] for entry in run.store.done.values()), 1),
        **found,
    }


def _reaction(run: Run) -> dict[str, Any]:
    """Name → relative errors and history of each network; a training of an hour goes on where it was interrupted."""
    found = {}
    for name, settings in reaction.SETTINGS.items():
        weights, running = f"reaction_{name}", run.store.folder / f"reaction_{name}.running"
        run.store.folder.mkdir(parents=True, exist_ok=True)
        baseline = run.trained(
            weights,
            settings,
            lambda s=settings, r=running: reaction.train_reaction(s, run.device, r),
            Baseline.load,  # type: ignore[misc]
        )
        running.unlink(missing_ok=True)
        measured = {"weights": sha256(run.weights / f"{weights}.safetensors")}
        found[name] = run.cell(f"reaction/{name}", measured, lambda b=baseline: reaction.measured(b))  # type: ignore[misc]
    return found


def _problem(run: Run, problem: PaperProblem) -> dict[str, Any]:
    errors = accuracy(run, problem)
    times = {f"{alpha:g}": timings(run, problem, alpha) for alpha in run.effort.time_alphas}
    kinds = KINDS[:1] if problem.family.nonlinear else KINDS  # nonlinear models take no further forcing
    return {
        "states": list(problem.family.states),
        "others": problem.others,
        "label": problem.label,
        "alphas": problem.alphas,
        "published": problem.published,
        "vanilla": problem.vanilla,
        "accuracy": errors,
        "seeds": published_range(problem, errors, run.effort.seeds),
        "distance": distance(run, problem),
        "times": times,
        "queries": {kind: queries(run, problem, kind) for kind in kinds},
        "ablation": ablation(run, problem),
        "bases": bases(run, problem),
        "cost": cost(run, problem, errors, times),
    }
