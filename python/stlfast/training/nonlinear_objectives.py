"""The two training losses for nonlinear members, on the rows of objectives.py.

multihead   h' W − A h W − b − N(h W), body and heads W trained jointly
varpro      the heads are those of a Newton step from the member's solution y, which does not depend on the body:

row (·, q):  P_q ω_q (Φ' W − J Φ W − r)(x_q),   J = A + ∂N/∂y,   r = b + N(y) − ∂N/∂y y,   ω_q = √Δs
row i:       10 (Φ_i(0) W_i − y0_i)

This is linear in W, and the nonlinear residual up to the square of Φ W − y. The equations are those of y/d, with
the sizes d = max |y| of the states. P_q makes the rows of [m s' I, J] at one point orthonormal, PᵀP = (m² s'² I + J
Jᵀ)^{-1}, where m s' is about the steepest slope of m features of the input s(x): residuals become errors of y/d,
those of fast and slow equations alike.

M members, one right-hand side each; R = nN + n rows, C unknowns, as in objectives.py
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..direct.windows import Windows
from ..equations.ode.family import Family
from ..equations.program import Instructions
from .network import Network, evaluate
from .objectives import FIRST_POINT, INITIAL_WEIGHT, Collocation, MultiHead, plastic_steps, sample_members

FIRST_OVER_TAU = 1e-2  # first point over the knee of the log map, where that is before FIRST_POINT
SMALLEST_SIZE = 1e-12  # of a state, over the largest one of its member
RTOL, ATOL = 1e-8, 1e-14  # of the solutions; the square of their error is what enters


def sample_starts(family: Family, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Members (M, P) and initial values (M, n), spread together over the train ranges and y0_range."""
    varied = [name for name in family.params if name != family.stiffness]
    if family.y0_range is None:
        return sample_members(family, count, varied), np.tile(family.y0, (count, 1))
    params = sample_members(family, count, varied, further=family.n)
    steps = plastic_steps(len(varied) + family.n)[len(varied) :]
    low, high = family.y0_range.T
    return params, low + (high - low) * ((0.5 + np.outer(np.arange(count), steps)) % 1.0)


def multihead_rows(
    family: Family, params: np.ndarray, y0: np.ndarray, points: int, shared_head: bool, network: Network
) -> Collocation:
    """The rows without N, for members (M, P) from y0 (M, n)."""
    body = network.body
    first = min(FIRST_POINT, FIRST_OVER_TAU * body.tau) if body.input == "log" else FIRST_POINT
    rows = Collocation.without_rhs(family, params, points, shared_head, network.device, first)
    return rows.with_rhs(rows.forcing_rhs(family, params, y0))


@dataclass(frozen=True)
class NewtonRows:
    """The rows of the Newton steps, as `VariableProjection` takes them."""

    rows: Collocation  # of J in y/d, without P
    P: torch.Tensor  # (M, N, n, n)
    rhs: torch.Tensor  # (M, R, 1)

    @classmethod
    def create(
        cls, family: Family, params: np.ndarray, y0: np.ndarray, points: int, shared_head: bool, network: Network
    ) -> NewtonRows:
        """For members (M, P) from y0 (M, n); ValueError for a member that `Windows` cannot solve."""
        rows = multihead_rows(family, params, y0, points, shared_head, network)
        s, slope = (value[1:, 0].numpy(force=True) for value in network.input_map(rows.x))
        x, weights = rows.x.numpy(force=True), np.sqrt(np.gradient(s))
        J, P, rhs = [], [], []
        for p, start in zip(params, y0, strict=True):
            y = _solution(family, p, start, x)
            d = _sizes(y, shared_head)
            slopes, r = _newton_step(family, p, x[1:], y[:, 1:])
            J.append(slopes * (d / d[:, None])[..., None])
            P.append(_preconditioner(J[-1], network.body.m * slope))
            equations = np.einsum("qij,jq->iq", P[-1], weights * r / d[:, None])
            rhs.append(np.concatenate([equations.ravel(), INITIAL_WEIGHT * start / d])[:, None])

        def tensor(values: Any) -> torch.Tensor:
            return torch.tensor(np.array(values), device=network.device)

        return cls(replace(rows, A=tensor(J), weights=tensor(weights)), tensor(P), tensor(rhs))

    def matrix(self, network: Network) -> torch.Tensor:
        """K (M, R, C) for the network's present features."""
        K, (M, _, n, _) = self.rows.matrix(network), self.P.shape
        equations = torch.einsum("mqij,mjqc->miqc", self.P, K[:, :-n].reshape(M, n, -1, K.shape[2]))
        return torch.cat([equations.reshape(M, -1, K.shape[2]), K[:, -n:]], dim=1)


def _solution(family: Family, p: np.ndarray, y0: np.ndarray, x: np.ndarray) -> np.ndarray:
    """y (n, len(x)) of a member."""
    named = dict(zip(family.params, p.tolist(), strict=True))
    t0, t1 = family.t_span_at(**named)
    times = np.clip(t0 + (t1 - t0) * x, t0, t1)
    found = Windows(family).solve(y0, t=times, rtol=RTOL, atol=ATOL, certify=False, **named)
    if not found.success:
        raise ValueError(
            f"family {family.name!r}: the train member {named} with y0 = {y0.tolist()} could not be solved; narrow the "
            f"train ranges or y0_range. {found.message}"
        )
    return found.y


def _sizes(y: np.ndarray, shared_head: bool) -> np.ndarray:
    """d (n,) of states (n, N); with a shared head, one for all."""
    size = np.abs(y).max(axis=1)
    largest = size.max() if size.any() else 1.0
    return np.full_like(size, largest) if shared_head else np.maximum(size, SMALLEST_SIZE * largest)


def _newton_step(family: Family, p: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """J (n, n, N) and r (n, N) at states y (n, N)."""
    assert isinstance(family.N, Instructions)
    assert isinstance(family.J, Instructions)
    n, points = family.n, np.vstack([x, y])
    dN = family.J(points, p).reshape(n, n, -1)
    return family.A(x, p).reshape(n, n, -1) + dN, family.b(x, p) + family.N(points, p) - np.einsum("ijq,jq->iq", dN, y)


def _preconditioner(J: np.ndarray, steepest: np.ndarray) -> np.ndarray:
    """P (N, n, n) for J (n, n, N) and m s' (N,)."""
    n = len(J)
    own = steepest[:, None, None] * np.eye(n)
    R = np.linalg.qr(np.concatenate([own, J.transpose(2, 1, 0)], axis=1), mode="r")  # RᵀR = m² s'² I + J Jᵀ
    return np.linalg.inv(R).transpose(0, 2, 1)


class NonlinearMultiHead(MultiHead):
    """Mean over members of ‖K W_k − ω N(Φ W_k) − r‖² / ‖r‖², body and heads W_k trained jointly (arXiv 2501.17281)."""

    def __init__(self, network: Network, family: Family, rows: Collocation, seed: int) -> None:
        super().__init__(network, rows, seed)
        assert isinstance(family.N, Instructions)
        self.collocation, self.N = rows, family.N

    def residual(self) -> torch.Tensor:
        """(M, R, 1)."""
        rows, (M, n) = self.collocation, self.collocation.A.shape[:2]
        x, heads = rows.x[1:], self.heads[..., 0]
        blocks = rows.blocks(self.network(x)[0], n)
        parts = [heads] * n if rows.shared_head else heads.chunk(n, dim=1)
        y = torch.stack([part @ block.T for part, block in zip(parts, blocks, strict=True)], dim=1)  # (M, n, N)
        N = rows.weights * evaluate(self.N, x, torch.tensor(rows.params, device=x.device), y)
        return super().residual() - torch.cat([N.reshape(M, -1), torch.zeros_like(y[..., 0])], dim=1)[..., None]
