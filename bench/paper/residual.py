"""The equations of a family's member on tensors, from the family's one SymPy definition.

r_i = dy_i/dt − Σ_j A_ij(t) y_j − b_i(t) − N_i(t, y)        n states at N times; dy/dt and r in physical time
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

import stlfast
from bench.paper.networks import Net
from stlfast.equations.program import Instructions
from stlfast.training.network import evaluate


class Residual:
    """r of one member at fixed times t (N,); ValueError for a family whose rhs is a Python function."""

    def __init__(self, family: stlfast.Family, params: Mapping[str, float], t: torch.Tensor) -> None:
        if family.N is not None and not isinstance(family.N, Instructions):
            raise ValueError(f"family {family.name!r} has a Python function as rhs; a baseline needs SymPy expressions")
        t0, t1 = family.t_span_at(**params)
        self.nonlinear, self.span = family.N, t1 - t0
        self.p = torch.tensor(family.check_params(params), dtype=t.dtype, device=t.device)[None]  # (1, P)
        self.x = (t - t0) / self.span
        self.A = evaluate(family.A, self.x, self.p)[0].unflatten(0, (family.n, family.n)) / self.span  # (n, n, N)
        self.b = evaluate(family.b, self.x, self.p)[0] / self.span  # (n, N)

    def __call__(self, y: torch.Tensor, dy: torch.Tensor) -> torch.Tensor:
        """(n, N) of states and their time derivatives, (n, N) each."""
        r = dy - (self.A * y).sum(dim=1) - self.b
        if self.nonlinear is not None:
            r = r - evaluate(self.nonlinear, self.x, self.p, y[None])[0] / self.span
        return r


class MemberLoss:
    """Mean of r² over states, points and their sequences + weight · mean of (y(t0) − y0)² over states.

    The points are uniform, t0 and t1 included, as in the published work.
    """

    def __init__(
        self, network: Net, family: stlfast.Family, params: Mapping[str, float], points: int, weight: float
    ) -> None:
        first = next(network.parameters())
        like: dict[str, Any] = {"dtype": first.dtype, "device": first.device}
        self.network, self.weight = network, weight
        self.y0 = torch.tensor(family.y0, **like)
        times = torch.linspace(*family.t_span_at(**params), points, **like)
        self.sequence = network.sequence(times[:, None])  # (N, k, 1)
        self.residual = Residual(family, params, self.sequence.flatten())

    def __call__(self) -> torch.Tensor:
        y, dy = self.network(self.sequence)  # (N, k, n)
        r = self.residual(y.flatten(0, 1).T, dy.flatten(0, 1).T)
        return r.square().mean() + self.weight * (y[0, 0] - self.y0).square().mean()
