"""The neural baselines on advection and reaction: u_t + c u_x = R u, trained at the stiffness that is asked for.

loss = mean r² + weight · (mean of the initial values' + mean of the inflow's squared error), on a uniform grid;
r = du/dt along (c, 1) − R u, from the family's one definition. n fields at N points, k elements of a sequence.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

import stlfast
from bench.paper.baseline import Baseline, train
from bench.paper.networks import Net
from bench.paper.pinn import PINNSettings
from bench.paper.pinnsformer import PINNsFormerSettings
from stlfast.equations.pde import characteristics
from stlfast.training.network import find_device


class AdvectionLoss:
    """The loss of a member that flows in at the low end, as `characteristics.solution` takes it."""

    def __init__(
        self, network: Net, family: stlfast.PDEFamily, params: Mapping[str, float], points: int, weight: float
    ) -> None:
        characteristics.check(family)
        first = next(network.parameters())
        self.network, self.weight = network, weight
        p = family.check_params(params)
        matrices = family.matrices_at(np.zeros((2, 1)), p)
        (low, high), (t0, t1) = family.domain[0], family.t_span
        t, x = (
            z.ravel() for z in np.meshgrid(np.linspace(t0, t1, points), np.linspace(low, high, points), indexing="ij")
        )

        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.tensor(values, dtype=first.dtype, device=first.device)

        self.R, self.along = tensor(matrices[(0,)][:, :, 0]), tensor(np.array([-matrices[(1,)][0, 0, 0], 1.0]))
        self.sequence = network.sequence(tensor(np.stack([x, t], axis=1)))
        given = characteristics.solution(family, lambda z: family.initial_at(z, p), np.stack([x, t]), p)
        self.starts, self.inflow = (
            torch.tensor(t == t0, device=first.device),
            torch.tensor(x == low, device=first.device),
        )
        self.u0, self.g = tensor(given[:, t == t0].T), tensor(given[:, x == low].T)

    def __call__(self) -> torch.Tensor:
        u, du = self.network(self.sequence, self.along)  # (N, k, n)
        r = du - u @ self.R.T
        start, inflow = u[self.starts, 0] - self.u0, u[self.inflow, 0] - self.g
        return r.square().mean() + self.weight * (start.square().mean() + inflow.square().mean())


def train_field(
    family: stlfast.PDEFamily,
    params: Mapping[str, float],
    settings: PINNSettings | PINNsFormerSettings,
    device: str = "auto",
) -> Baseline:
    """Fields at points (x, t): `Baseline.at`."""
    network = settings.network(2, family.n, find_device(device))
    loss = AdvectionLoss(network, family, params, settings.points, settings.initial_weight)
    return train(network, loss, settings, f"{family.name} {dict(params)}")
