"""Fields that do not act on each other: a change of variables that splits a linear family of PDEs.

    u = F v,   F⁻¹ C_q^k(x, t) F block-diagonal for every part q and derivative k

n fields, K terms, N points. F is I and all fields are one group where the matrices share no real eigenvectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...equations.pde.family import PDEFamily

ROUNDING = 1e-10
WORST_CONDITION = 1e6


@dataclass(frozen=True)
class Splitting:
    """mixing is F (n, n); each group lists rows of v, and every field of v is in one group."""

    mixing: np.ndarray
    groups: tuple[tuple[int, ...], ...]


def split(family: PDEFamily) -> Splitting:
    """The groups of a family's fields; all together where it is nonlinear or a condition is for some alone."""
    n = family.n
    together = Splitting(np.eye(n), (tuple(range(n)),))
    partial = any(condition.fields != tuple(range(n)) for condition in family.conditions)
    if n == 1 or family.nonlinear or partial:
        return together
    points = _sample(family)
    matrices = [m for part in part_matrices(family, points).values() for m in np.moveaxis(part, -1, 0)]
    rng = np.random.default_rng(0)
    combined = sum(rng.uniform(0.5, 1.5) * m / max(np.abs(m).max(), 1e-300) for m in matrices)
    values, vectors = np.linalg.eig(np.asarray(combined))
    if np.abs(values.imag).max() > 0 or np.linalg.cond(vectors) > WORST_CONDITION:
        return together
    F, inverse = vectors.real, np.linalg.inv(vectors.real)
    for m in matrices:
        inner = inverse @ m @ F
        if np.abs(inner - np.diag(np.diag(inner))).max() > ROUNDING * max(np.abs(m).max(), 1e-300):
            return together
    return Splitting(F, tuple((i,) for i in range(n)))


def part_matrices(family: PDEFamily, points: np.ndarray) -> dict[tuple[int, tuple[int, ...]], np.ndarray]:
    """C_q^k (n, n, N) at points (d + 1, N) for each part q and derivative k, θ not applied."""
    values = family.coefficients(points, np.zeros(0))  # (K, N)
    matrices: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}
    for term, value in zip(family.terms, values, strict=True):
        key = (term.part, term.order)
        own = matrices.setdefault(key, np.zeros((family.n, family.n, points.shape[1])))
        own[term.equation, term.field] += value
    return matrices


def _sample(family: PDEFamily) -> np.ndarray:
    box = np.concatenate([family.domain, [family.t_span]])
    unit = np.random.default_rng(1).random((family.d + 1, 1 if family.constant_coefficients else 64))
    result: np.ndarray = box[:, :1] + (box[:, 1:] - box[:, :1]) * unit
    return result
