"""A trained body against a random one and as many Chebyshev polynomials, all in the same time map."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import stlfast
from bench.models import compiled
from bench.paper.problems import PaperProblem, finite
from bench.paper.run import Run

FEATURES = (12, 24, 48)
RANDOM_SEEDS = 5
ALPHAS = (20.0, 50.0, 150.0, 1000.0)  # published labels; the worst counts
POINTS = 600


@dataclass(frozen=True)
class Training:
    """By variable projection; the defaults of `train_body` otherwise."""

    features: int
    steps: int = 1500


def trained_body(run: Run, problem: PaperProblem, features: int) -> stlfast.Body:
    training = Training(features)
    return run.trained(
        f"bases_{problem.name}_{features}", training,
        lambda: stlfast.train_body(
            problem.low_stiff, widths=(64, 64, features), steps=training.steps, device=run.device, progress=True
        ),
        stlfast.Body.load, trained_on=problem.train,
    )  # fmt: skip


def bases(run: Run, problem: PaperProblem) -> list[dict[str, Any]]:
    """For each number of features: functions in the dictionary, and the largest error on each basis."""
    rows = []
    for m in FEATURES:
        body = trained_body(run, problem, m)
        settings = {"body": body.sha256, "alphas": list(ALPHAS), "seeds": RANDOM_SEEDS}
        settings |= dataclasses.asdict(Training(m))
        rows.append(run.cell(f"bases/{problem.name}/{m}", settings, partial(_row, problem, body)))
    return rows


def _row(problem: PaperProblem, body: stlfast.Body) -> dict[str, Any]:
    """Errors of the full dictionary on each basis."""
    options: dict[str, Any] = {"method": "newton"} if problem.family.nonlinear else {"certify": False}

    def model(basis: str, seed: int = 0) -> Any:
        return compiled(problem.family, body, basis, reduced=False, points=POINTS, seed=seed)

    def error(model: Any) -> float | None:
        solutions = {a: model.solve(t=problem.times, **options, **problem.params(a)).y for a in ALPHAS}
        return finite(np.max([np.abs(y - problem.truth(a)).max() for a, y in solutions.items()]))

    trained = model("body")
    return {
        "m": body.m,
        "functions": trained.passport["compile"]["functions"],
        "trained": error(trained),
        "random": [error(model("random", seed)) for seed in range(RANDOM_SEEDS)],
        "chebyshev": error(model("chebyshev")),
    }
