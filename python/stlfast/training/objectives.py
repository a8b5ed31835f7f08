"""The two training losses, as linear least squares in the heads on fixed collocation rows.

Φ_j = [1, h(x)]         (N, c)   dictionary of equation j; with a shared head its block of h(x) instead
K W − r                 residual of one member, rows (i, q) then the initial values:
row (i, q):  ω_q Σ_j (δ_ij Φ_j'(x_q) − A_ij(x_q) Φ_j(x_q)) W_j − ω_q b_i(x_q)
row i:       10 (Φ_i(0) W_i − y0_i)

M members, J right-hand sides of a member, R = nN + n rows, C = n·c unknowns (c with a shared head)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from ..equations.ode.family import Family
from .network import Network, evaluate

if TYPE_CHECKING:
    from ..equations.pde.family import PDEFamily

FIRST_POINT = 1e-5  # of the time span; members are not stiff in training
UNIFORM_SHARE = 3  # one point in three is spaced uniformly: logarithmic ones alone under-resolve the end of t_span
INITIAL_WEIGHT = 10.0
SMALLEST_LOSS = 1e-30  # keeps log finite where a right-hand side is met exactly, such as a zero forcing


def collocation_points(count: int, first: float = FIRST_POINT) -> np.ndarray:
    """Points in (0, 1], most of them spaced logarithmically, (N,)."""
    uniform = count // UNIFORM_SHARE
    logarithmic = np.geomspace(first, 1.0, count - uniform)
    return np.unique(np.concatenate([logarithmic, np.linspace(0.0, 1.0, uniform + 1)[1:]]))


def sample_members(family: Family | PDEFamily, count: int, varied: list[str], further: int = 0) -> np.ndarray:
    """Train members (M, P): stiffness log-spaced, `varied` parameters low-discrepancy, the others in the middle.

    further: dimensions that are sampled together with these, by the last of the same plastic_steps.
    """
    unit = np.full((count, len(family.params)), 0.5)
    golden = plastic_steps(max(len(varied) + further, 1))
    columns = list(family.params)
    for k, name in enumerate(varied):
        unit[:, columns.index(name)] = (0.5 + golden[k] * np.arange(count)) % 1.0
    values = np.empty_like(unit)
    for k, (name, interval) in enumerate(family.params.items()):
        low, high = interval.trained
        if name == family.stiffness:
            values[:, k] = np.geomspace(low, high, count) if count > 1 else np.sqrt(low * high)
        else:
            values[:, k] = low + (high - low) * unit[:, k]
    return values


def plastic_steps(dimensions: int) -> np.ndarray:
    """Steps of the R sequence, the golden ratio's in one dimension (Roberts, 2018), (dimensions,)."""
    root = 2.0
    for _ in range(50):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    return (1.0 / root) ** np.arange(1, dimensions + 1)


@dataclass(frozen=True)
class Collocation:
    """Everything of the rows that does not depend on the body, on one device."""

    params: np.ndarray  # (M, P)
    x: torch.Tensor  # (1 + N,), the first is 0
    weights: torch.Tensor  # (N,)
    A: torch.Tensor  # (M, n, n, N)
    rhs: torch.Tensor  # (M, R, J)
    shared_head: bool

    @classmethod
    def varpro(
        cls, family: Family, members: int, forcings: int, points: int, shared_head: bool, device: torch.device
    ) -> Collocation:
        """Right-hand sides: n unit initial values without forcing, then zero initial values with each forcing."""
        in_A = [name for k, name in enumerate(family.params, 1) if family.A.depends_on(k).any()]
        in_b = [name for name in family.params if name not in in_A]
        params = sample_members(family, members, [name for name in in_A if name != family.stiffness])
        rows = cls.without_rhs(family, params, points, shared_head, device)
        n, N = family.n, len(rows.weights)
        rhs = [torch.zeros(members, n * N + n, n, dtype=torch.float64, device=device)]
        rhs[0][:, n * N :] = INITIAL_WEIGHT * torch.eye(n, dtype=torch.float64, device=device)
        for sample in _forcing_samples(family, params, in_b, forcings) if family.has_forcing else []:
            rhs.append(rows.forcing_rhs(family, sample, np.zeros(n)))
        return rows.with_rhs(torch.cat(rhs, dim=2))

    @classmethod
    def multihead(
        cls, family: Family, members: int, points: int, shared_head: bool, device: torch.device
    ) -> Collocation:
        """One right-hand side: the family's y0 and the member's forcing."""
        params = sample_members(family, members, [name for name in family.params if name != family.stiffness])
        rows = cls.without_rhs(family, params, points, shared_head, device)
        return rows.with_rhs(rows.forcing_rhs(family, params, family.y0))

    @classmethod
    def without_rhs(
        cls, family: Family, params: np.ndarray, points: int, shared_head: bool, device: torch.device,
        first: float = FIRST_POINT,
    ) -> Collocation:  # fmt: skip
        x = collocation_points(points, first)
        weights = torch.tensor(np.sqrt(np.gradient(x)), device=device)  # rows × √Δx: quadrature of ∫|residual|² dx
        at = torch.tensor(x, device=device)
        A = evaluate(family.A, at, torch.tensor(params, device=device)).reshape(len(params), family.n, family.n, len(x))
        start = torch.zeros(1, dtype=torch.float64, device=device)
        return cls(params, torch.cat([start, at]), weights, A, torch.empty(0), shared_head)

    def with_rhs(self, rhs: torch.Tensor) -> Collocation:
        return Collocation(self.params, self.x, self.weights, self.A, rhs, self.shared_head)

    def forcing_rhs(self, family: Family, params: np.ndarray, y0: np.ndarray) -> torch.Tensor:
        """(M, R, 1) for members (M, P) and initial values (n,) or (M, n)."""
        device = self.x.device
        b = self.weights * evaluate(family.b, self.x[1:], torch.tensor(params, device=device))
        start = INITIAL_WEIGHT * torch.tensor(y0, dtype=torch.float64, device=device)
        return torch.cat([b.reshape(len(b), -1), start.expand(len(b), -1)], dim=1)[:, :, None]

    def matrix(self, network: Network) -> torch.Tensor:
        """K (M, R, C) for the network's present features."""
        h, dh = network(self.x)  # (1 + N, m)
        M, n, _, N = self.A.shape
        features, slopes = self.blocks(h, n), self.blocks(dh, n, constant=0.0)
        columns = []
        for j in range(n):
            phi, dphi = features[j], self.weights[:, None] * slopes[j][1:]
            rows = -(self.weights * self.A[:, :, j])[..., None] * phi[1:]  # (M, n, N, c)
            own = torch.zeros(n, 1, 1, dtype=h.dtype, device=h.device)
            own[j] = 1.0
            initial = (INITIAL_WEIGHT * own[:, 0] * phi[:1]).expand(M, n, -1)
            columns.append(torch.cat([(rows + own * dphi).reshape(M, n * N, -1), initial], dim=1))
        return sum(columns[1:], columns[0]) if self.shared_head else torch.cat(columns, dim=2)

    def blocks(self, h: torch.Tensor, n: int, constant: float = 1.0) -> list[torch.Tensor]:
        """The dictionary of each equation."""
        if not self.shared_head:
            return [torch.cat([torch.full_like(h[:, :1], constant), h], dim=1)] * n
        if h.shape[1] % n:
            raise ValueError(f"a shared head needs a number of features that {n} divides, got {h.shape[1]}")
        return list(h.chunk(n, dim=1))


def _forcing_samples(family: Family, params: np.ndarray, varied: list[str], count: int) -> list[np.ndarray]:
    """Members (M, P) with the parameters that only forcing depends on varied over their train range, ends included."""
    if not varied:
        return [params]
    columns = list(family.params)
    if len(varied) == 1:
        unit = (0.5 - 0.5 * np.cos(np.pi * np.arange(count) / max(count - 1, 1)))[:, None]  # Chebyshev extrema
    else:
        unit = (0.5 + np.outer(np.arange(count), plastic_steps(len(varied)))) % 1.0
    samples = []
    for u in unit:
        sample = params.copy()
        for k, name in enumerate(varied):
            low, high = family.params[name].trained
            sample[:, columns.index(name)] = low + (high - low) * u[k]
        samples.append(sample)
    return samples


class Rows(Protocol):
    """Linear least squares in the heads: K (M, R, C) and right-hand sides (M, R, J)."""

    @property
    def rhs(self) -> torch.Tensor: ...

    def matrix(self, network: Any) -> torch.Tensor: ...


class VariableProjection:
    """Mean over members and right-hand sides of log( min_W ‖K W − r‖² + ridge² ‖W‖² ), relative to ‖r‖².

    W is solved for without a gradient: as it minimises the very sum that is differentiated, the derivative through W
    vanishes (envelope theorem). Of the logarithms, each member counts by its relative improvement.
    """

    def __init__(self, network: torch.nn.Module, rows: Rows, ridge: float) -> None:
        self.network, self.rows, self.ridge = network, rows, ridge
        size = rows.rhs.square().sum(dim=1)
        self.size = torch.where(size > 0, size, torch.ones_like(size))  # (M, J)

    def trainable(self) -> list[torch.nn.Parameter]:
        return list(self.network.parameters())

    def __call__(self) -> torch.Tensor:
        K = self.rows.matrix(self.network)
        W = self.heads(K.detach())
        squares = (K @ W - self.rows.rhs).square().sum(dim=1) + self.ridge**2 * W.square().sum(dim=1)
        return torch.log(squares / self.size + SMALLEST_LOSS).mean()

    def heads(self, K: torch.Tensor) -> torch.Tensor:
        """The minimisers (M, C, J), by QR of [K; ridge·I]."""
        M, _, C = K.shape
        bound = (self.ridge * torch.eye(C, dtype=K.dtype, device=K.device)).expand(M, C, C)
        zero = torch.zeros(M, C, self.rows.rhs.shape[2], dtype=K.dtype, device=K.device)
        stacked, rhs = torch.cat([K, bound], dim=1), torch.cat([self.rows.rhs, zero], dim=1)
        if K.is_cuda:  # lstsq there waits for the device, and refines in a loop of its own
            Q, R = torch.linalg.qr(stacked)
            return torch.linalg.solve_triangular(R, Q.mT @ rhs, upper=True)
        return torch.linalg.lstsq(stacked, rhs, driver="gels").solution


class MultiHead:
    """Mean over members of ‖K W_k − r‖² / ‖r‖², body and heads W_k trained jointly (arXiv 2501.17281)."""

    def __init__(self, network: torch.nn.Module, rows: Rows, seed: int) -> None:
        self.network, self.rows = network, rows
        size = rows.rhs.square().sum(dim=1)
        self.size = torch.where(size > 0, size, torch.ones_like(size))  # (M, 1)
        with torch.no_grad():
            M, _, C = rows.matrix(network).shape
        heads = np.random.default_rng(seed).normal(0.0, 1.0 / np.sqrt(C), (M, C, 1))
        self.heads = torch.nn.Parameter(torch.tensor(heads, device=rows.rhs.device))

    def trainable(self) -> list[torch.nn.Parameter]:
        return [*self.network.parameters(), self.heads]

    def __call__(self) -> torch.Tensor:
        return (self.residual().square().sum(dim=1) / self.size).mean()

    def residual(self) -> torch.Tensor:
        """K W − r (M, R, 1)."""
        return self.rows.matrix(self.network) @ self.heads - self.rows.rhs
