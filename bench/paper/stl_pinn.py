"""The method of arXiv 2501.17281 through this package's options: joint multi-head training, one head for all equations,
uniform points, the pseudo-inverse of the normal equations, and for Duffing's equation the perturbation series.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import stlfast
from bench.models import PAPER, UNIFORM, compiled
from bench.paper.problems import PaperProblem
from stlfast.direct.ode.solver import ORDER, FullSolver
from stlfast.features.dictionary import Dictionary


@dataclass(frozen=True)
class Settings:
    """Of `stlfast.train_body`. The last width is the number of features of the authors' bodies; steps are ours."""

    widths: tuple[int, ...] = (128, 128, 132)
    members: int = 4
    steps: int = 3000
    lbfgs_steps: int = 4000


def train(problem: PaperProblem, seed: int, settings: Settings, device: str = "auto") -> stlfast.Body:
    """A body trained on the low-stiff members."""
    options = dataclasses.asdict(settings)
    return stlfast.train_body(
        problem.low_stiff,
        "multihead",
        input="plain",
        shared_head=True,
        seed=seed,
        device=device,
        progress=True,
        **options,
    )


def errors(problem: PaperProblem, body: stlfast.Body) -> list[dict[str, Any]]:
    """Of the one-shot transfer to each published stiffness.

    Of a nonlinear family: the smallest over the orders 0 … 29 of the series, for each measure and state apart, as the
    published figures are ("order" is that of the smallest maximum), and those of the last order ("last").
    """
    if problem.family.nonlinear:
        return [_series_errors(problem, body, alpha) for alpha in problem.alphas]
    model = compiled(problem.family, body, **PAPER)
    solve = partial(model.solve, certify=False, reduced=False)
    return [problem.errors(a, lambda t, a=a: solve(t=t, **problem.params(a)).y) for a in problem.alphas]  # type: ignore[misc]


def _series_errors(problem: PaperProblem, body: stlfast.Body, alpha: float) -> dict[str, Any]:
    solver, family = series_solver(problem, body), problem.family
    p, x = family.check_params(problem.params(alpha)), problem.x
    orders = []
    for order in range(ORDER + 1):
        heads = solver.solve(p, family.y0, "perturbation", order=order).heads
        orders.append(problem.errors_of(alpha, solver.evaluate(heads, x)))
    smallest = {
        key: [min(e[key][i] for e in orders if e[key][i] is not None) for i in range(family.n)] for key in orders[0]
    }
    largest = [max(e["maxae"]) if None not in e["maxae"] else np.inf for e in orders]
    return smallest | {"order": int(np.argmin(largest)), "last": orders[-1]}


def series_solver(problem: PaperProblem, body: stlfast.Body, family: stlfast.Family | None = None) -> FullSolver:
    """family: default the problem's."""
    return FullSolver(family or problem.family, Dictionary((1.0,), constant=False), UNIFORM, "none", True, "pinv", body)
