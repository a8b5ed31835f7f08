"""The paper's second half, a partial differential equation: advection and reaction of two species.

Its constants are not public, so nothing can be set beside a published figure; the family is the shipped one, whose
exact solution is known by characteristics. Errors over 4000 points, half of them in the initial layer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

import stlfast
from bench import pde_features
from bench.models import history, stiffness
from bench.paper import pinn, pinnsformer
from bench.paper.baseline import Baseline
from bench.paper.field_networks import train_field
from bench.paper.run import Run, model_sha256
from stlfast import families
from stlfast._core import FieldDictionary
from stlfast.direct.pde.rows import physical
from stlfast.direct.pde.tensor import tensor_points
from stlfast.equations.pde import characteristics
from stlfast.features.field_body import FieldBody
from stlfast.features.layers import TAU
from stlfast.measure import accuracy

ALPHAS = (10.0, 50.0, 200.0, 1000.0)
ROWS = (24, 40)  # functions that the collocation points would suit
POINTS = 4000
DILATIONS = (1.0, 8.0, 64.0)

# As on the ODEs, on a grid of points² points.
NETWORKS: dict[str, pinn.PINNSettings | pinnsformer.PINNsFormerSettings] = {
    "pinn": dataclasses.replace(pinn.PINNSettings(), points=41),
    "pinnsformer": dataclasses.replace(pinnsformer.MEMBERS, points=21),
}


@dataclass(frozen=True)
class Training:
    """The paper's joint training, and variable projection, of bodies of the same widths."""

    objective: str
    steps: int
    lbfgs_steps: int
    widths: tuple[int, ...] = (96, 96, 160)


TRAININGS = {"multihead": Training("multihead", 3000, 500), "varpro": Training("varpro", 1400, 100)}


def fields(run: Run) -> dict[str, Any]:
    """Method → mean and largest error at each of `alphas`; seconds of both trainings."""
    family = families.advection_reaction()
    bodies = {name: trained_body(run, family, training) for name, training in TRAININGS.items()}
    settings = {name: body.sha256 for name, body in bodies.items()} | {"alphas": list(ALPHAS), "rows": ROWS}
    settings |= {"dilations": DILATIONS, "model": model_sha256(family.name)}
    found = run.cell("fields/advection_reaction", settings, lambda: _measure(family, bodies))
    return found | {"networks": {kind: [_network(run, family, kind, a) for a in ALPHAS] for kind in NETWORKS}}


def trained_network(run: Run, family: stlfast.PDEFamily, kind: str, alpha: float) -> Baseline:
    """A network trained at this very stiffness."""
    params = {stiffness(family): alpha}
    return run.trained(
        f"{kind}_{family.name}_{alpha:g}", NETWORKS[kind],
        lambda: train_field(family, params, NETWORKS[kind], run.device), Baseline.load,
    )  # fmt: skip


def _network(run: Run, family: stlfast.PDEFamily, kind: str, alpha: float) -> dict[str, Any]:
    """Its mean and largest error over the same points."""
    trained = trained_network(run, family, kind, alpha)

    def evaluate() -> dict[str, Any]:
        z = pde_features.random_coordinates(POINTS, 2, alpha, seed=1)
        points, p = physical(family, z), family.check_params({stiffness(family): alpha})
        truth = characteristics.solution(family, lambda x: family.initial_at(x, p), points, p)
        error = np.abs(trained.at(points.T) - truth)
        seconds = trained.history["seconds"]
        return {"mean": float(error.mean()), "max": float(error.max()), "seconds": seconds}

    return run.cell(f"fields/{kind}/{alpha:g}", {"weights": trained.sha256}, evaluate)


def trained_body(run: Run, family: stlfast.PDEFamily, training: Training) -> FieldBody:
    return run.trained(
        f"fields_{family.name}_{training.objective}", training,
        lambda: stlfast.train_body(family, device=run.device, progress=True, **dataclasses.asdict(training)),
        FieldBody.load,
    )  # fmt: skip


def _measure(family: stlfast.PDEFamily, bodies: dict[str, FieldBody]) -> dict[str, Any]:
    own = pde_features.Problem(family, (1.0,), {"default": None}, pde_features.on_line)
    points = tensor_points(family, ROWS[:1], ROWS[1], TAU)
    dictionaries = {
        "multihead": FieldDictionary.from_body(bodies["multihead"].core(), [1.0]),
        "varpro": FieldDictionary.from_body(bodies["varpro"].core(), [1.0]),
        "varpro, dilated": FieldDictionary.from_body(bodies["varpro"].core(), list(DILATIONS)),
    }
    errors: dict[str, list[dict[str, float]]] = {}
    for alpha in ALPHAS:
        for name, functions in dictionaries.items():
            found = pde_features.solved(own, functions, points, alpha, POINTS)
            errors.setdefault(name, []).append({"mean": found["mean"][0], "max": found["largest"][0]})
    model = stlfast.load(family.name, stlfast.PDEModel)
    measured = accuracy.measure_pde(model, [{"alpha": alpha} for alpha in ALPHAS], {"own": None})
    errors["ours"] = [{"mean": row["mean"], "max": row["max"]} for row in measured]
    seconds = {name: history(body)["seconds"] for name, body in bodies.items()}
    return {"alphas": list(ALPHAS), "training_seconds": seconds, "errors": errors}
