"""Point kinetics of a reactor with six groups of delayed neutrons after a step of the reactivity, for 10 s.

n' = ((rho − β) n + Σ β_i c_i)/Lambda,   c_i' = λ_i (n − c_i)

n is the power and c_i the precursors, both over their equilibrium values; rho the reactivity, Lambda the generation
time in seconds. β_i and λ_i (1/s) of thermal fission of uranium-235: G. R. Keepin, Physics of Nuclear Kinetics (1965).
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

BETA = (0.000215, 0.001424, 0.001274, 0.002568, 0.000748, 0.000273)
LAMBDA = (0.0124, 0.0305, 0.111, 0.301, 1.14, 3.01)


def family() -> stlfast.Family:
    t, rho, Lambda, n = sp.symbols("t rho Lambda n")
    c = sp.symbols("c1:7")
    delayed = sum(beta * ci for beta, ci in zip(BETA, c, strict=True))
    return stlfast.Family(
        name="point_kinetics", t=t, y=[n, *c],
        rhs=[((rho - sum(BETA)) * n + delayed) / Lambda] + [lam * (n - ci) for lam, ci in zip(LAMBDA, c, strict=True)],
        t_span=(0.0, 10.0), stiffness=Lambda,
        params={rho: stlfast.Range(-0.003, 0.003), Lambda: stlfast.Range(1e-5, 1e-3)}, y0=[1.0] * 7,
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, rho: float, Lambda: float) -> np.ndarray:
    """By orthonormal modes: scaled by √(β_i/(λ_i Lambda)), the matrix is symmetric."""
    A = np.diag([(rho - sum(BETA)) / Lambda, *(-lam for lam in LAMBDA)])
    A[0, 1:] = A[1:, 0] = np.sqrt(np.multiply(BETA, LAMBDA) / Lambda)
    scale = np.sqrt([1.0, *np.divide(BETA, np.multiply(LAMBDA, Lambda))])
    rates, Q = np.linalg.eigh(A)
    return (Q @ ((Q.T @ (scale * y0))[:, None] * np.exp(np.outer(rates, t)))) / scale[:, None]
