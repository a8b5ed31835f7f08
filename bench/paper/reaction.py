"""The baselines on a problem of the PINNsFormer paper, where both are published: the 1-D reaction equation.

    u_t = 5 u (1 − u),   x ∈ [0, 2π] periodic, t ∈ [0, 1],   u(x, 0) = g(x) = exp(−(x − π)² / (2 (π/4)²))
    u = g e^{5t} / (g e^{5t} + 1 − g)

loss = mean r² + mean (u(2π, t) − u(0, t))² + initial_weight · mean (u(x, 0) − g)², on a uniform grid of
`points` × `points`

Errors are over a grid of 101 × 101.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.paper.baseline import Baseline, train
from bench.paper.networks import Net
from bench.paper.pinn import PINNSettings
from bench.paper.pinnsformer import PINNsFormerSettings
from bench.paper.run import Run
from stlfast.training.network import find_device

RATE = 5.0
TEST_POINTS = 101
# rMAE and rRMSE in the PINNsFormer paper
PUBLISHED = {"pinn": (0.982, 0.981), "pinnsformer": (0.015, 0.030)}
# "pinn" is trained as it was published, until its loss stands still; "pinn_adam" shows that Adam first and float64 mend
# it. "pinnsformer" has the published network and training on a quarter of the published grid's 51 × 51 points.
SETTINGS: dict[str, PINNSettings | PINNsFormerSettings] = {
    "pinnsformer": PINNsFormerSettings(points=26, lbfgs_steps=1550),
    "pinn": PINNSettings(
        widths=(512, 512, 512), points=101, steps=0, lbfgs_steps=200, initial_weight=1.0, dtype="float32"
    ),
    "pinn_adam": PINNSettings(
        widths=(64, 64, 64, 64), points=26, steps=1500, lbfgs_steps=6000, lr=3e-3, initial_weight=1.0
    ),
}


def grid(points: int) -> np.ndarray:
    """(points · points, 2) of (x, t); the first `points` are those of t = 0, x runs fastest."""
    t, x = np.meshgrid(np.linspace(0.0, 1.0, points), np.linspace(0.0, 2.0 * math.pi, points), indexing="ij")
    return np.stack([x.ravel(), t.ravel()], axis=1)


def initial(x: Any) -> Any:
    """g of an array or a tensor."""
    return math.e ** (-((x - math.pi) ** 2) / (2.0 * (math.pi / 4.0) ** 2))


def exact(points: np.ndarray) -> np.ndarray:
    """u (N,) at points (N, 2)."""
    grown = initial(points[:, 0]) * np.exp(RATE * points[:, 1])
    return grown / (grown + 1.0 - initial(points[:, 0]))


def residual(u: Any, du: Any) -> Any:
    """u_t − 5 u (1 − u)."""
    return du - RATE * u * (1.0 - u)


class ReactionLoss:
    """The sum of three means; residual and boundary over all k elements of a sequence, initial values on the first."""

    def __init__(self, network: Net, points: int, weight: float) -> None:
        first = next(network.parameters())
        self.network, self.points, self.weight = network, points, weight
        self.sequence = network.sequence(torch.tensor(grid(points), dtype=first.dtype, device=first.device))
        self.initial = initial(self.sequence[:points, 0, 0])

    def __call__(self) -> torch.Tensor:
        u, du = (z[..., 0] for z in self.network(self.sequence))  # (N, k)
        rows = u.unflatten(0, (self.points, self.points))  # (t, x, k)
        boundary, start = rows[:, -1] - rows[:, 0], rows[0, :, 0] - self.initial
        return residual(u, du).square().mean() + boundary.square().mean() + self.weight * start.square().mean()


def train_reaction(settings: PINNSettings | PINNsFormerSettings, device: str, path: Path | None) -> Baseline:
    network = settings.network(2, 1, find_device(device))
    return train(
        network, ReactionLoss(network, settings.points, settings.initial_weight), settings, "1-D reaction", path
    )


def trained_network(run: Run, name: str) -> Baseline:
    """The network of one of `SETTINGS`; its training goes on where it was interrupted."""
    running = run.store.folder / f"reaction_{name}.running"
    run.store.folder.mkdir(parents=True, exist_ok=True)
    trained = run.trained(
        f"reaction_{name}", SETTINGS[name], lambda: train_reaction(SETTINGS[name], run.device, running), Baseline.load
    )
    if not run.cached:
        running.unlink(missing_ok=True)
    return trained


def networks(run: Run) -> dict[str, Any]:
    """Name → relative errors and history of each network."""
    found = {}
    for name in SETTINGS:
        trained = trained_network(run, name)
        weights = {"weights": trained.sha256}
        found[name] = run.cell(f"reaction/{name}", weights, partial(measured, trained, name))
    return found


def errors(baseline: Baseline) -> tuple[float, float]:
    """Relative errors: rMAE = Σ|û − u| / Σ|u|, rRMSE = √(Σ(û − u)² / Σu²)."""
    points = grid(TEST_POINTS)
    u, error = exact(points), baseline.at(points)[0] - exact(points)
    return float(np.abs(error).sum() / np.abs(u).sum()), float(np.linalg.norm(error) / np.linalg.norm(u))


def measured(baseline: Baseline, name: str) -> dict[str, Any]:
    """Its errors beside the published ones, where there are some, and what its training took."""
    rmae, rrmse = errors(baseline)
    return {"rMAE": rmae, "rRMSE": rrmse, "published": PUBLISHED.get(name), **baseline.history}
