"""All experiments of a run, in order, with their results as one JSON-able dict."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import stlfast
from bench import compare
from bench.paper import reaction, stl_pinn
from bench.paper.ablation import TRAININGS, ablation
from bench.paper.accuracy import NETWORKS, accuracy, published_range
from bench.paper.baseline import Baseline
from bench.paper.bases import FEATURES, Training, bases
from bench.paper.cost import cost
from bench.paper.distance import distance
from bench.paper.fields import NETWORKS as FIELD_NETWORKS
from bench.paper.fields import TRAININGS as FIELD_TRAININGS
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
    problems = [PROBLEMS[name] for name in run.effort.problems]
    found: dict[str, Any] = {"problems": {}}
    for k, problem in enumerate(problems, start=1):
        run.say(f"[{k}/{len(problems) + 2}] {problem.name}")
        found["problems"][problem.name] = _problem(run, problem)
    run.say(f"[{len(problems) + 1}/{len(problems) + 2}] advection and reaction")
    found["fields"] = fields(run)
    run.say(f"[{len(problems) + 2}/{len(problems) + 2}] PINNsFormer's own problem")
    found["reaction"] = _reaction(run)
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
            "stl, trained on alpha": {problem.name: problem.train for problem in problems},
            **{kind: dataclasses.asdict(settings) for kind, (settings, _) in NETWORKS.items()},
            "ablation": {key: dataclasses.asdict(training) for key, training in TRAININGS.items()},
            "bases": {str(m): dataclasses.asdict(Training(m)) for m in FEATURES},
            "fields": {key: dataclasses.asdict(training) for key, training in FIELD_TRAININGS.items()},
            "fields, networks": {key: dataclasses.asdict(settings) for key, settings in FIELD_NETWORKS.items()},
        },
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_of_cells": round(sum(entry["seconds"] for entry in run.store.done.values()), 1),
        **found,
    }


def _reaction(run: Run) -> dict[str, Any]:
    """Name → relative errors and history of each network; a training goes on where it was interrupted."""
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
        if not run.cached:
            running.unlink(missing_ok=True)
        measured = {"weights": sha256(run.weights / f"{weights}.safetensors")}
        found[name] = run.cell(f"reaction/{name}", measured, lambda b=baseline, n=name: reaction.measured(b, n))  # type: ignore[misc]
    return found


def _problem(run: Run, problem: PaperProblem) -> dict[str, Any]:
    errors = accuracy(run, problem)
    times = {f"{alpha:g}": timings(run, problem, alpha) for alpha in run.effort.time_alphas}
    kinds = KINDS[:1] if problem.family.nonlinear else KINDS  # nonlinear models take no further forcing
    return {
        "states": list(problem.family.states),
        "others": problem.others,
        "label": problem.label,
        "trained": problem.train,
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
