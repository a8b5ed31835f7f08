"""How far a body reaches: error against stiffness, up to 1e4 times the end of the shipped family's train range.

Of models that are compiled for the whole range, from the shipped body or Chebyshev polynomials; of the full dictionary
of the shipped body, dilated, where there is one; of the paper's one-shot solve on its body; and of the same body with
independent heads, an SVD and clustered points.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np

import stlfast
from bench.models import PAPER, certified, compiled
from bench.paper import stl_pinn
from bench.paper.accuracy import stl_body
from bench.paper.problems import PaperProblem, finite
from bench.paper.run import Run, model_sha256
from stlfast.direct.ode.solver import FullSolver
from stlfast.features.dictionary import Dictionary
from stlfast.measure.exact import truth

POINTS = 1200  # resolve a layer 1e4 times as thin
# ncff's dilated body reaches no bound from which bands could be made (see "dilated body" in the results).
OPTIONS: dict[str, dict[str, Any]] = {
    "dho": {"basis": "body", "points": POINTS},
    "ncff": {"basis": "chebyshev", "points": POINTS, "tol": 1e-6},
    "duffing": {"basis": "chebyshev"},
}
FIRST = 1e-8  # of the logarithmic times, over t_span
CLUSTERED: dict[str, Any] = {"dilations": [1.0], "points": POINTS, "reduced": False}


def distance(run: Run, problem: PaperProblem) -> dict[str, Any]:
    """alphas, in published labels; compile: of the wide model; errors: method → the largest error at each of them."""
    body = stl_body(run, problem, 0)
    settings: dict[str, Any] = {"factors": list(run.effort.factors), "body": body.sha256}
    settings |= {"options": OPTIONS[problem.name], "model": model_sha256(problem.name)}
    settings |= {"first": FIRST, "clustered": CLUSTERED}
    return run.cell(f"distance/{problem.name}", settings, lambda: _measure(problem, body, run.effort.factors))


def _measure(problem: PaperProblem, body: stlfast.Body, factors: tuple[float, ...]) -> dict[str, Any]:
    trained = problem.family.params[problem.stiffness]
    family = problem.narrowed(stlfast.Range(trained.trained, (trained.solve[0], factors[-1] * trained.trained[1])))
    shipped = problem.model.body
    started = time.perf_counter()
    model = compiled(family, shipped, **OPTIONS[problem.name])
    seconds = time.perf_counter() - started
    others = _paper(problem, family, body)
    if not family.nonlinear:
        others["dilated body"] = partial(_default, compiled(family, shipped, points=POINTS, reduced=False))
    stiffest = trained.trained[1]
    t0, t1 = problem.span
    t = t0 + (t1 - t0) * np.union1d(np.linspace(0.0, 1.0, 512), np.geomspace(FIRST, 1.0, 1024))
    errors: dict[str, list[float | None]] = {name: [] for name in ("ours", *others)}
    bounds, methods = [], []
    for factor in factors:
        params: dict[str, Any] = {**problem.others, problem.stiffness: factor * stiffest}
        exact = truth(family, t, **params)
        solution = model.solve(t=t, **params)
        bounds.append(_largest(certified(solution)))
        methods.append(solution.method)
        errors["ours"].append(_largest(solution.y - exact))
        for name, solve in others.items():
            errors[name].append(_largest(solve(t, params) - exact))
    made = {"seconds": seconds, "ranks": model.passport["compile"]["ranks"], "basis": OPTIONS[problem.name]["basis"]}
    return {
        "alphas": [problem.label * factor * stiffest for factor in factors],
        "trained": problem.label * stiffest,
        "compile": made,
        "bounds": bounds,
        "methods": methods,
        "errors": errors,
    }


def _largest(values: np.ndarray) -> float | None:
    return finite(np.abs(values).max())


def _default(model: Any, t: np.ndarray, params: dict[str, Any]) -> np.ndarray:
    return model.solve(t=t, certify=False, **params).y


def _paper(problem: PaperProblem, family: stlfast.Family, body: stlfast.Body) -> dict[str, Any]:
    """The paper's one-shot solve, and a better one on the same undilated features."""
    if not problem.family.nonlinear:
        models = {
            "stl": compiled(family, body, **PAPER),
            "stl body, better algebra": compiled(family, body, **CLUSTERED),
        }
        return {name: partial(_default, model) for name, model in models.items()}
    series = stl_pinn.series_solver(problem, body)
    points = np.geomspace(1e-6, 1.0, 400)
    newton = FullSolver(family, Dictionary((1.0,)), points, body=body)
    return {
        "stl": partial(_full, series, family, "perturbation"),
        "stl body, better algebra": partial(_full, newton, family, "newton"),
    }


def _full(solver: FullSolver, family: stlfast.Family, method: str, t: np.ndarray, params: dict[str, Any]) -> np.ndarray:
    p = family.check_params(params)
    x = np.clip((t - t[0]) / (t[-1] - t[0]), 0.0, 1.0)
    found = solver.solve(p, family.y0, method)
    if method == "newton" and not found.converged:
        return np.full((family.n, len(t)), np.nan)
    return solver.evaluate(found.heads, x)
