"""Eight states that all act on each other and turn while they decay: y' = k A y + cos t on [0, 10].

A is a fixed draw of normal entries, rounded, minus the multiple of the identity that puts its rightmost eigenvalues at
real part −1/2; all eight are complex. Without units; made up.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

DRAWN = np.random.default_rng(1).normal(size=(8, 8)).round(3)
A = DRAWN - (np.linalg.eigvals(DRAWN).real.max() + 0.5) * np.eye(8)


def family() -> stlfast.Family:
    t, k = sp.symbols("t k")
    y = sp.symbols("y1:9")
    return stlfast.Family(
        name="dense_8", t=t, y=y, rhs=[k * e + sp.cos(t) for e in sp.Matrix(A) * sp.Matrix(y)], t_span=(0.0, 10.0),
        params={k: stlfast.Range(1.0, 1000.0)}, y0=[1.0] + [0.0] * 7,
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, k: float) -> np.ndarray:
    """By eigenvectors V, of condition 6, and the answer (i − k A)⁻¹ e^{it} to the forcing e^{it}."""
    rates, V = np.linalg.eig(k * A)
    answer = np.linalg.solve(1j * np.eye(8) - k * A, np.ones(8))
    left = V @ (np.linalg.solve(V, y0 - answer.real)[:, None] * np.exp(np.outer(rates, t)))
    return np.asarray((np.outer(answer, np.exp(1j * t)) + left).real)
