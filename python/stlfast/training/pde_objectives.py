"""The rows that bodies of several inputs are trained on: those of direct/pde/rows.py in PyTorch, many problems at once.

A problem (pde_problems.py) is one group of fields of one member on the first 1/ζ of the time span, x = ζ·(t − t0)/T:

    row (i, q):  ω_q (∂_x Φ W_i + Σ_oj A_o[i, j](z_q) ∂^o Φ W_j) = ω_q f_i(z_q),   A_o = −T/ζ Σ_q θ_q C_q^o
    row (i, k):  ω_ik ∂ Φ W_i = ω_ik d_i(z_k)                                      initial points, then sides

M problems, n fields of a group, N collocation points, D data points, O derivatives; Φ = [1, h], c = 1 + m functions;
R = nN + nD rows, C = n·c unknowns, J right-hand sides: data modes without a source, then the source without data.

Of nonlinear families the rows are those of the Newton step from each member's solution u, which does not depend on the
body: A_0 takes −T/ζ ∂N/∂u, f takes T/ζ (N(u) − ∂N/∂u u), and there is one right-hand side, the family's own data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..direct.pde.groups import Splitting, split
from ..direct.pde.rows import GroupRows, Order, PDEPoints, physical
from ..direct.pde.snapshots import Modes, mode_data
from ..direct.pde.solver import member_data
from ..equations.pde.family import PDEFamily
from .field_network import FieldNetwork
from .network import evaluate
from .objectives import MultiHead
from .pde_problems import Problem, newton_step, slower

SAME = 1e-12  # relative: problems that are counted once


@dataclass(frozen=True, eq=False)
class FieldRows:
    """Everything of the rows that does not depend on the body, on one device, as `VariableProjection` takes it."""

    problems: list[Problem]
    interior: torch.Tensor  # (N, d + 1)
    weights: torch.Tensor  # (N,)
    orders: tuple[Order, ...]
    A: torch.Tensor  # (M, O, n, n, N), or 1 for N where it is constant
    data: tuple[tuple[torch.Tensor, Order, float], ...]  # initial points, then sides: points, derivative and its scale
    data_weights: torch.Tensor  # (n, D), 0 for fields that a condition does not hold for
    rhs: torch.Tensor  # (M, R, J)

    @classmethod
    def modes(
        cls, family: PDEFamily, problems: Sequence[Problem], points: PDEPoints, modes: Modes, device: torch.device
    ) -> FieldRows:
        """A linear family, for all modes of data and its source."""
        made = _Assembly(family, points)
        for problem in problems:
            rows = made.rows(problem)
            data = mode_data(rows, modes, problem.p)  # (K, n, D)
            made.add(problem, made.operators(rows, problem), made.source(rows, problem), data)
        return made.finish(device)

    @classmethod
    def own_data(
        cls, family: PDEFamily, problems: Sequence[Problem], points: PDEPoints, newton: bool, device: torch.device
    ) -> FieldRows:
        """The family's own data and source, one right-hand side; newton: and the Newton step from the solution."""
        made = _Assembly(family, points)
        for problem in problems:
            rows = made.rows(problem)
            data = member_data(family, rows.points, problem.p)[None]
            A, f = made.operators(rows, problem), made.source(rows, problem)
            if newton:
                at = rows.physical(rows.points.interior)
                slope, rest = newton_step(family, problem.p, at)
                A[made.plain] -= made.span(problem) * slope
                f = made.span(problem) * rest + (0.0 if f is None else f)
            made.add(problem, A, f, np.einsum("in,KnD->KiD", rows.unmixing[rows.fields], data), together=True)
        return made.finish(device)

    def matrix(self, network: FieldNetwork) -> torch.Tensor:
        """K (M, R, C) for the network's present features."""
        return self.assemble(self.functions(network), self.data_functions(network))

    def functions(self, network: FieldNetwork) -> dict[Order, torch.Tensor]:
        """∂_x Φ and the other derivatives at the collocation points, (N, c) each."""
        partials = [self.in_time, *self.orders]
        return dict(zip(partials, self._derivatives(network, self.interior, partials), strict=True))

    def data_functions(self, network: FieldNetwork) -> torch.Tensor:
        """What Φ has where data are taken, without weights, (D, c)."""
        return torch.cat([scale * self._derivatives(network, points, [order])[0] for points, order, scale in self.data])

    def assemble(self, functions: dict[Order, torch.Tensor], at_data: torch.Tensor) -> torch.Tensor:
        """K (M, R, C) from derivatives of Φ."""
        M, _, n, _, _ = self.A.shape
        D, c = at_data.shape
        weighted = {order: self.weights[:, None] * value for order, value in functions.items()}
        columns = []
        for j in range(n):
            own = torch.zeros(n, 1, 1, dtype=at_data.dtype, device=at_data.device)
            own[j] = 1.0
            given = (own * self.data_weights[:, :, None] * at_data).reshape(n * D, c)
            equations = (own * weighted[self.in_time]).expand(M, n, len(self.weights), c)
            for o, order in enumerate(self.orders):
                equations = equations + self.A[:, o, :, j, :, None] * weighted[order]
            columns.append(torch.cat([equations.reshape(M, -1, c), given.expand(M, -1, -1)], dim=1))
        return torch.cat(columns, dim=2)

    @property
    def in_time(self) -> Order:
        return (*(0,) * (self.interior.shape[1] - 1), 1)

    def _derivatives(self, network: FieldNetwork, points: torch.Tensor, partials: list[Order]) -> list[torch.Tensor]:
        found = network(points, partials)
        return [
            torch.cat([torch.full_like(value[:, :1], float(not any(order))), value], dim=1)
            for order, value in zip(partials, found, strict=True)
        ]


class FieldMultiHead(MultiHead):
    """Mean over problems of ‖K W − ω T/ζ N(Φ W) − r‖² / ‖r‖², body and heads trained jointly (arXiv 2501.17281)."""

    def __init__(self, network: FieldNetwork, family: PDEFamily, rows: FieldRows, seed: int) -> None:
        super().__init__(network, rows, seed)
        self.field_network, self.field_rows, self.N = network, rows, family.N
        if self.N is not None:
            at = physical(family, rows.interior.numpy(force=True))
            self.at = torch.tensor(at, device=network.device)  # (d + 1, N)
            self.params = torch.tensor(np.array([problem.p for problem in rows.problems]), device=network.device)
            spans = [(family.t_span[1] - family.t_span[0]) / problem.zoom for problem in rows.problems]
            self.spans = torch.tensor(spans, dtype=torch.float64, device=network.device)[:, None, None]

    def residual(self) -> torch.Tensor:
        """(M, R, 1)."""
        rows = self.field_rows
        if self.N is None:
            return super().residual()
        functions = rows.functions(self.field_network)
        K = rows.assemble(functions, rows.data_functions(self.field_network))
        n = rows.A.shape[2]
        value = functions[(0,) * rows.interior.shape[1]]  # (N, c)
        u = torch.stack([part[..., 0] @ value.T for part in self.heads.chunk(n, dim=1)], dim=1)  # (M, n, N)
        others = self.at[1:].expand(len(u), -1, -1)
        N = self.spans * rows.weights * evaluate(self.N, self.at[0], self.params, torch.cat([others, u], dim=1))
        given = torch.zeros(len(u), K.shape[1] - N[0].numel(), dtype=u.dtype, device=u.device)
        return K @ self.heads - rows.rhs - torch.cat([N.reshape(len(u), -1), given], dim=1)[..., None]


class _Assembly:
    """Collects problems; those that are the same as an earlier one are left out."""

    def __init__(self, family: PDEFamily, points: PDEPoints) -> None:
        self.family, self.points, self.splitting = family, points, split(family)
        self.plain = (0,) * (family.d + 1)  # no derivative
        orders = {(*order, 0) for order in family.partials} | ({self.plain} if family.nonlinear else set())
        self.orders: tuple[Order, ...] = tuple(sorted(orders))
        self.n = len(self.splitting.groups[0])
        assert all(len(group) == self.n for group in self.splitting.groups)
        self.data_weights = _data_weights(family, self.splitting, points)
        self.problems: list[Problem] = []
        self.A: list[np.ndarray] = []
        self.rhs: list[np.ndarray] = []

    def span(self, problem: Problem) -> float:
        return (self.family.t_span[1] - self.family.t_span[0]) / problem.zoom

    def rows(self, problem: Problem) -> GroupRows:
        """The group's rows with points at the problem's times."""
        return GroupRows(self.family, self.splitting, problem.group, slower(self.points, problem.zoom))

    def operators(self, rows: GroupRows, problem: Problem) -> dict[Order, np.ndarray]:
        """A_o, (n, n, N) or (n, n, 1) each."""
        family, theta = self.family, self.family.theta_at(problem.p)
        constant = family.constant_coefficients and not family.nonlinear
        points = rows.points.interior[:1] if constant else rows.points.interior
        A = {order: np.zeros((self.n, self.n, len(points))) for order in self.orders}
        for (q, order), C in rows.matrices(points).items():
            derivative = (*order, 0)
            A[derivative] += theta[q] / problem.zoom * C
        return A

    def source(self, rows: GroupRows, problem: Problem) -> np.ndarray | None:
        """T/ζ f of the group, (n, N)."""
        if self.family.source is None:
            return None
        f = self.family.source(rows.physical(rows.points.interior), problem.p)
        return np.asarray(self.span(problem) * (rows.unmixing[rows.fields] @ f))

    def add(
        self,
        problem: Problem,
        A: dict[Order, np.ndarray],
        f: np.ndarray | None,
        data: np.ndarray,
        together: bool = False,
    ) -> None:
        """data (K, n, D); f (n, N) goes with them, or is a right-hand side of its own."""
        given = (self.data_weights * data).reshape(len(data), -1)
        equations = np.zeros((len(data), self.n * len(self.points.interior)))
        if f is not None:
            weighted = (self.points.interior_weights * f).reshape(1, -1)
            if together:
                equations += weighted
            else:
                equations = np.concatenate([equations, weighted])
                given = np.concatenate([given, np.zeros((1, given.shape[1]))])
        rhs = np.concatenate([equations, given], axis=1).T
        operators = np.stack([A[order] for order in self.orders])
        if not any(_same(operators, a) and _same(rhs, r) for a, r in zip(self.A, self.rhs, strict=True)):
            self.problems.append(problem)
            self.A.append(operators)
            self.rhs.append(rhs)

    def finish(self, device: torch.device) -> FieldRows:
        def tensor(values: Any) -> torch.Tensor:
            return torch.tensor(np.asarray(values), dtype=torch.float64, device=device)

        points = self.points
        rows = GroupRows(self.family, self.splitting, 0, points)
        data = [(tensor(points.initial), self.plain, 1.0)]
        for condition, side in zip(self.family.conditions, points.sides, strict=True):
            if side is not None:
                data.append((tensor(side), *rows.side_order(condition)))
        return FieldRows(
            self.problems, tensor(points.interior), tensor(points.interior_weights), self.orders,
            tensor(np.stack(self.A)), tuple(data), tensor(self.data_weights), tensor(np.stack(self.rhs)),
        )  # fmt: skip


def _data_weights(family: PDEFamily, splitting: Splitting, points: PDEPoints) -> np.ndarray:
    """(n, D); conditions for some of the fields alone keep all fields in one group (groups.split)."""
    n = len(splitting.groups[0])
    weights = [np.tile(points.initial_weights, (n, 1))]
    for condition, own in zip(family.conditions, points.side_weights, strict=True):
        if own is not None:
            holds = [n < family.n or field in condition.fields for field in range(n)]
            weights.append(np.outer(holds, own))
    return np.concatenate(weights, axis=1)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= SAME * np.abs(one).max())
