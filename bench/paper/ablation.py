"""What each change to the paper's pipeline gains: added to it alone, taken away from ours alone, and added one by one.

All bodies have the same widths; joint training has one head for all equations and more steps, variable projection
independent heads. Solving with independent heads adds the constant function; QR is then on functions that an SVD makes
orthonormal. Errors are the largest over states and all times (`PaperProblem.times`); the reduced basis, which is made
for speed, is the shipped model's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import stlfast
from bench.models import UNIFORM, compiled
from bench.paper.problems import PaperProblem, finite
from bench.paper.run import Run, model_sha256
from stlfast.direct.ode.solver import FullSolver
from stlfast.features.dictionary import Dictionary

WIDTHS = (64, 64, 64)


@dataclass(frozen=True)
class Pipeline:
    """One way to train and to solve; the default is the paper's."""

    qr: bool = False  # instead of the pseudo-inverse of the normal equations
    independent_heads: bool = False
    clustered_points: bool = False  # in log time, rows × √t
    log_time: bool = False  # input of the body
    dilation: bool = False
    varpro: bool = False  # instead of joint training
    newton: bool = False  # instead of the perturbation series; of the nonlinear problem

    @property
    def training(self) -> str:
        """Name in `TRAININGS`."""
        return f"{'varpro' if self.varpro else 'multihead'}, {'log' if self.log_time else 'plain'}"


LABELS = {
    "qr": "QR instead of pinv of the normal equations", "independent_heads": "independent heads",
    "clustered_points": "points clustered in log time, rows × √t", "log_time": "log-time input", "dilation": "dilation",
    "varpro": "variable projection instead of joint training", "newton": "Newton instead of the series",
}  # fmt: skip
REDUCED = "reduced basis (the shipped model's default solve)"


@dataclass(frozen=True)
class Training:
    """Of one of the four bodies; multihead training needs more steps."""

    objective: str
    input: str
    steps: int
    lbfgs_steps: int
    widths: tuple[int, ...] = WIDTHS


TRAININGS = {
    f"{objective}, {input}": Training(objective, input, *steps)
    for objective, steps in (("multihead", (3000, 2000)), ("varpro", (1500, 100)))
    for input in ("plain", "log")
}


def changes(problem: PaperProblem) -> list[str]:
    """In the order in which they are added."""
    return [name for name in LABELS if name != "newton" or problem.family.nonlinear]


def pipelines(problem: PaperProblem) -> dict[str, dict[str, Pipeline]]:
    """Table → label → pipeline."""
    names = changes(problem)
    ours = Pipeline(**dict.fromkeys(names, True))
    alone = {LABELS[name]: Pipeline(**{name: True}) for name in names}
    without = {LABELS[name]: dataclasses.replace(ours, **{name: False}) for name in names}
    together = {LABELS[name]: Pipeline(**dict.fromkeys(names[: k + 1], True)) for k, name in enumerate(names)}
    return {
        "alone": {"the paper's pipeline": Pipeline(), **alone},
        "without": {"all changes": ours, **without},
        "together": {"the paper's pipeline": Pipeline(), **together},
    }


def ablation(run: Run, problem: PaperProblem) -> dict[str, Any]:
    """Table → label → largest error at each stiffness, None where it fails; alphas are published labels."""
    alphas = run.effort.ablation_alphas
    known: dict[Pipeline, list[float | None]] = {}
    tables: dict[str, Any] = {}
    for table, rows in pipelines(problem).items():
        for label, pipeline in rows.items():
            if pipeline not in known:
                body = trained_body(run, problem, pipeline.training)
                used = [name for name, value in dataclasses.asdict(pipeline).items() if value]
                key = f"ablation/{problem.name}/{'+'.join(used) or 'paper'}"
                settings = {"alphas": list(alphas), "body": body.sha256}
                known[pipeline] = run.cell(key, settings, partial(_errors, problem, body, pipeline, alphas))
            tables.setdefault(table, {})[label] = known[pipeline]
    reduced = run.cell(
        f"ablation/{problem.name}/reduced",
        {"alphas": list(alphas), "model": model_sha256(problem.name)},
        lambda: _reduced(problem, alphas),
    )
    tables["together"][REDUCED] = reduced
    return {"alphas": list(alphas), "tables": tables}


def trained_body(run: Run, problem: PaperProblem, name: str) -> stlfast.Body:
    """The body of one of `TRAININGS`."""
    training = TRAININGS[name]
    options = dataclasses.asdict(training) | {"shared_head": training.objective == "multihead"}
    return run.trained(
        f"ablation_{problem.name}_{training.objective}_{training.input}", training,
        lambda: stlfast.train_body(problem.low_stiff, seed=0, device=run.device, progress=True, **options),
        stlfast.Body.load, trained_on=problem.train,
    )  # fmt: skip


def _errors(
    problem: PaperProblem, body: stlfast.Body, pipeline: Pipeline, alphas: tuple[float, ...]
) -> list[float | None]:
    solve = (_nonlinear if problem.family.nonlinear else _linear)(problem, body, pipeline)
    found = []
    for alpha in alphas:
        found.append(finite(np.abs(solve(alpha) - problem.truth(alpha)).max()))
    return found


def _options(pipeline: Pipeline) -> dict[str, Any]:
    solver = ("svd" if pipeline.independent_heads else "qr") if pipeline.qr else "pinv"
    return {"shared_head": not pipeline.independent_heads, "solver": solver}


def _linear(problem: PaperProblem, body: stlfast.Body, pipeline: Pipeline) -> Any:
    model = compiled(
        problem.family, body, dilations="auto" if pipeline.dilation else [1.0], reduced=False, **_options(pipeline),
        **({"points": 600} if pipeline.clustered_points else {"points": UNIFORM, "row_weights": "none"}),
    )  # fmt: skip
    return lambda alpha: model.solve(t=problem.times, certify=False, **problem.params(alpha)).y


def _nonlinear(problem: PaperProblem, body: stlfast.Body, pipeline: Pipeline) -> Any:
    family, stiffness = problem.family, problem.family.params[problem.stiffness]
    top = 2.5 * stiffness.solve[1] / stiffness.trained[1]
    ladder = tuple(np.geomspace(1.0, top, 4).tolist()) if pipeline.dilation else (1.0,)
    x = problem.x
    points = np.geomspace(1e-6, 1.0, 600) if pipeline.clustered_points else UNIFORM
    weights = "sqrt_t" if pipeline.clustered_points else "none"
    options = _options(pipeline)
    dictionary = Dictionary(ladder, constant=not options["shared_head"])
    solver = FullSolver(family, dictionary, points, weights, body=body, **options)
    method = "newton" if pipeline.newton else "perturbation"

    def solve(alpha: float) -> np.ndarray:
        p = family.check_params(problem.params(alpha))
        return solver.evaluate(solver.solve(p, family.y0, method).heads, x)

    return solve


def _reduced(problem: PaperProblem, alphas: tuple[float, ...]) -> list[float]:
    model = problem.model
    return [
        float(np.abs(model.solve(t=problem.times, fallback=False, **problem.params(a)).y - problem.truth(a)).max())
        for a in alphas
    ]
