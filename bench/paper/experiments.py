"""All experiments of a run, in order, with their results as one JSON-able dict."""

from __future__ import annotations

import dataclasses
from typing import Any

import stlfast
from bench import compare, driver
from bench.paper import reaction, stl_pinn
from bench.paper.ablation import TRAININGS, ablation
from bench.paper.accuracy import NETWORKS, accuracy, published_range
from bench.paper.bases import FEATURES, Training, bases
from bench.paper.cost import cost
from bench.paper.distance import distance
from bench.paper.fields import NETWORKS as FIELD_NETWORKS
from bench.paper.fields import TRAININGS as FIELD_TRAININGS
from bench.paper.fields import fields
from bench.paper.problems import PROBLEMS, PaperProblem
from bench.paper.queries import KINDS, queries
from bench.paper.run import Run
from bench.paper.store import FORMAT
from bench.paper.timings import timings


@driver.study
def run_all(run: Run) -> dict[str, Any]:
    """The results, with the settings of everything that was trained."""
    problems = [PROBLEMS[name] for name in run.effort.problems]
    found: dict[str, Any] = {"problems": {}}
    for k, problem in enumerate(problems, start=1):
        run.say(f"[{k}/{len(problems) + 2}] {problem.name}")
        found["problems"][problem.name] = _problem(run, problem)
    run.say(f"[{len(problems) + 1}/{len(problems) + 2}] advection and reaction")
    found["fields"] = fields(run)
    run.say(f"[{len(problems) + 2}/{len(problems) + 2}] PINNsFormer's own problem")
    found["reaction"] = reaction.networks(run)
    return {
        "format": FORMAT,
        "stlfast": stlfast.__version__,
        "cached": run.cached,
        "effort": dataclasses.asdict(run.effort),
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
        "seconds_of_cells": _seconds(run, ""),
        "seconds_of_training": _seconds(run, "weights/"),
        **found,
    }


def _seconds(run: Run, kind: str) -> float:
    return round(sum(entry["seconds"] for key, entry in run.store.done.items() if key.startswith(kind)), 1)


def _problem(run: Run, problem: PaperProblem) -> dict[str, Any]:
    errors = accuracy(run, problem)
    times = {f"{alpha:g}": timings(run, problem, alpha) for alpha in run.effort.time_alphas}
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
        "queries": {kind: queries(run, problem, kind) for kind in KINDS},
        "ablation": ablation(run, problem),
        "bases": bases(run, problem),
        "cost": cost(run, problem, errors, times),
    }
