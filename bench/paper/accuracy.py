"""Error against stiffness: this package, the paper's pipeline over seeds, PINNs and PINNsFormers."""

from __future__ import annotations

from functools import partial
from typing import Any

import stlfast
from bench.models import certified
from bench.paper import pinn, pinnsformer, stl_pinn
from bench.paper.baseline import Baseline
from bench.paper.problems import PaperProblem
from bench.paper.run import Run, model_sha256

NETWORKS: dict[str, tuple[Any, Any]] = {
    "pinn": (pinn.PINNSettings(), pinn.train_pinn),
    "pinnsformer": (pinnsformer.MEMBERS, pinnsformer.train_pinnsformer),
}


def accuracy(run: Run, problem: PaperProblem) -> dict[str, Any]:
    """By method; lists have an entry for each of the problem's published stiffnesses."""
    found = {
        "ours": run.cell(f"accuracy/{problem.name}/ours", {"model": model_sha256(problem.name)}, lambda: ours(problem))
    }
    for seed in range(run.effort.seeds):
        body = stl_body(run, problem, seed)
        key = f"accuracy/{problem.name}/stl/{seed}"
        found[f"stl/{seed}"] = run.cell(key, {"body": body.sha256}, partial(stl_pinn.errors, problem, body))
    for kind in NETWORKS:
        for alpha in problem.vanilla["alpha_list"]:
            found[f"{kind}/{alpha:g}"] = network(run, problem, kind, alpha)
    return found


def ours(problem: PaperProblem) -> list[dict[str, Any]]:
    """The default solve of the shipped model, its bound or estimate, and the full dictionary's error."""
    model, rows = problem.model, []
    full: dict[str, Any] = {"method": "newton"} if problem.family.nonlinear else {"reduced": False}
    for alpha in problem.alphas:
        params, t = problem.params(alpha), problem.times
        solution = model.solve(t=t, **params)
        row = problem.errors_of(alpha, solution.y) | {"bound": certified(solution).tolist()}
        row |= {"success": solution.success, "method": solution.method}
        rows.append(row | {"full": problem.errors_of(alpha, model.solve(t=t, **full, **params).y)})
    return rows


def stl_body(run: Run, problem: PaperProblem, seed: int) -> stlfast.Body:
    settings = stl_pinn.Settings()
    return run.trained(
        f"stl_{problem.name}_{seed}", settings, lambda: stl_pinn.train(problem, seed, settings, run.device),
        stlfast.Body.load, trained_on=problem.train,
    )  # fmt: skip


def trained_network(run: Run, problem: PaperProblem, kind: str, alpha: float) -> Baseline:
    """A network trained at this very stiffness."""
    settings, train = NETWORKS[kind]
    return run.trained(
        f"{kind}_{problem.name}_{alpha:g}", settings,
        lambda: train(problem.family, problem.params(alpha), settings, run.device), Baseline.load,
    )  # fmt: skip


def network(run: Run, problem: PaperProblem, kind: str, alpha: float) -> dict[str, Any]:
    """Its errors, and what its training took."""
    trained = trained_network(run, problem, kind, alpha)

    def evaluate() -> dict[str, Any]:
        history = {key: trained.history[key] for key in ("seconds", "device", "parameters")}
        return problem.errors(alpha, trained.solve) | history

    return run.cell(f"accuracy/{problem.name}/{kind}/{alpha:g}", {"weights": trained.sha256}, evaluate)


def published_range(problem: PaperProblem, found: dict[str, Any], seeds: int) -> list[dict[str, Any]]:
    """For each stiffness and state: the published MAE, the range over seeds, and by what factor it lies outside.

    None where a seed's answer is not finite.
    """
    rows = []
    for k, alpha in enumerate(problem.alphas):
        for i in range(problem.family.n):
            theirs = problem.published[f"mae_y{i + 1}"][k]
            values = [found[f"stl/{seed}"][k]["mae"][i] for seed in range(seeds)]
            low, high, factor = None, None, None
            if None not in values:
                low, high = min(values), max(values)
                factor = max(1.0, low / theirs, theirs / high)
            row = {"alpha": alpha, "state": i + 1, "published": theirs, "low": low, "high": high, "factor": factor}
            rows.append(row)
    return rows
