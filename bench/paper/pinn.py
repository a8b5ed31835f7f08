"""Vanilla PINN: one perceptron for one member, trained at the very stiffness it is asked for (Raissi et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

import stlfast
from bench.paper.baseline import Baseline, train
from bench.paper.networks import Net, create
from bench.paper.residual import MemberLoss
from stlfast.training.network import find_device


@dataclass(frozen=True)
class PINNSettings:
    """widths: of the tanh layers. points: uniform collocation points (of each axis). steps of Adam, then lbfgs_steps.

    lr: of Adam, falling to lr/1000. initial_weight: of the initial values' mean square beside the residual's. In
    float64, L-BFGS goes on where float32 stops. The defaults reach the published errors of the paper's ODEs in a minute
    on a CPU thread.
    """

    widths: tuple[int, ...] = (64, 64)
    points: int = 1000
    steps: int = 1500
    lbfgs_steps: int = 4000
    lr: float = 1e-2
    initial_weight: float = 100.0
    seed: int = 0
    dtype: str = "float64"

    def network(self, inputs: int, outputs: int, device: torch.device) -> Net:
        dtype = getattr(torch, self.dtype)
        return create("pinn", self.seed, dtype, device, inputs=inputs, outputs=outputs, widths=self.widths)


def train_pinn(
    family: stlfast.Family, params: Mapping[str, float], settings: PINNSettings, device: str = "auto"
) -> Baseline:
    """The member's solution from the family's y0, on its whole time span."""
    network = settings.network(1, family.n, find_device(device))
    loss = MemberLoss(network, family, params, settings.points, settings.initial_weight)
    return train(network, loss, settings, f"{family.name} {dict(params)}")
