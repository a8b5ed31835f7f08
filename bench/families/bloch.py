"""Bloch's equations of a nuclear magnetisation in the rotating frame, off resonance, over 100 turns in one second.

Mx' = δ My − Mx/T2,   My' = −δ Mx + ω Mz − My/T2,   Mz' = −ω My + (1 − Mz)/T1

δ = 2π·80 and ω = 2π·60 per second turn M 100 times; T1 and T2 in seconds, M over its value at equilibrium. F. Bloch,
Phys. Rev. 70 (1946) 460.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

OFFSET, DRIVE = 2 * np.pi * 80, 2 * np.pi * 60


def family() -> stlfast.Family:
    t, T1, T2, x, y, z = sp.symbols("t T1 T2 Mx My Mz")
    return stlfast.Family(
        name="bloch", t=t, y=[x, y, z],
        rhs=[OFFSET * y - x / T2, -OFFSET * x + DRIVE * z - y / T2, -DRIVE * y + (1 - z) / T1], t_span=(0.0, 1.0),
        params={T1: stlfast.Range(0.2, 2.0), T2: stlfast.Range(0.02, 0.2)}, y0=[0.0, 0.0, 1.0],
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, T1: float, T2: float) -> np.ndarray:
    """By eigenvectors, which are nearly orthogonal: A is a rotation and little more."""
    A = np.array([[-1 / T2, OFFSET, 0.0], [-OFFSET, -1 / T2, DRIVE], [0.0, -DRIVE, -1 / T1]])
    steady = np.linalg.solve(A, [0.0, 0.0, -1 / T1])
    rates, V = np.linalg.eig(A)
    turned = V @ (np.linalg.solve(V, y0 - steady)[:, None] * np.exp(np.outer(rates, t)))
    return np.asarray(steady[:, None] + turned.real)
