"""The exact solution of u_t + c u_x = R u by characteristics: u(x, t) = e^{R (t − t0)} g(x − c (t − t0)).

c the one constant velocity, R (n, n) a constant matrix of the parameters, g the initial profile continued beyond the
domain.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .equations import PDEEquations

ROUNDING = 1e-12
WORST_CONDITION = 1e4  # of eigenvectors, above which the matrix exponential is taken


def check(family: PDEEquations) -> None:
    """ValueError where the family is not of that form."""
    problem = ""
    if family.d != 1:
        problem = "it has two space coordinates"
    elif family.nonlinear or family.source is not None:
        problem = "it is nonlinear or has a source"
    elif family.partials[-1] == (2,):
        problem = "it has a second derivative"
    elif not family.constant_coefficients:
        problem = "its coefficients depend on the coordinates"
    else:
        for p in family.corners():
            B = _matrix(family, p, (1,))
            if np.abs(B - B[0, 0] * np.eye(family.n)).max() > ROUNDING * np.abs(B).max():
                problem = "its fields do not all move with one velocity"
    if problem:
        raise ValueError(
            f'family {family.name!r}: Inflow with values="characteristics" continues the exact solution of '
            f"u_t + c u_x = R u, which this family is not: {problem}; give expressions as values"
        )


def solution(
    family: PDEEquations, g: Callable[[np.ndarray], np.ndarray], points: np.ndarray, p: np.ndarray
) -> np.ndarray:
    """u (n, N) at the rows x, t of points (2, N); g: x (1, N) → (n, N)."""
    c, R = -_matrix(family, p, (1,))[0, 0], _matrix(family, p, (0,))
    elapsed = points[1] - family.t_span[0]
    start = g(points[:1] - c * elapsed)
    values, vectors = np.linalg.eig(R)
    if np.linalg.cond(vectors) < WORST_CONDITION:
        u = vectors @ (np.exp(values[:, None] * elapsed) * np.linalg.solve(vectors, start))
        return np.ascontiguousarray(u.real)
    from scipy.linalg import expm

    times, which = np.unique(elapsed, return_inverse=True)
    result: np.ndarray = np.einsum("Nij,jN->iN", expm(times[:, None, None] * R)[which], start)
    return result


def _matrix(family: PDEEquations, p: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    matrices = family.matrices_at(np.zeros((2, 1)), p)
    return matrices[order][:, :, 0] if order in matrices else np.zeros((family.n, family.n))


def reach(family: PDEEquations) -> float:
    """c (t1 − t0), how far an inflow comes; the largest of the members at the corners of the solve ranges."""
    span = family.t_span[1] - family.t_span[0]
    result: float = max((-_matrix(family, p, (1,))[0, 0] * span for p in family.corners()), key=abs)
    return result
