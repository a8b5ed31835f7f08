"""A house of three nodes, air, wall and floor, over three days; and the equations of any thermal network.

C_i T_i' = Σ_j G_ij (T_j − T_i) + A_i (T_a − T_i) + S_i max(0, sin ωt),   T_a = 10 + 5 sin ωt,   ω = 2π/24

Balances of heat in hours, °C, kWh/K (C), kW/K (G, A) and kW (S). Air is light, and coupling makes it stiff.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp

import stlfast

OMEGA, MEAN, SWING = np.pi / 12, 10.0, 5.0
CAPACITY = (0.1, 5.0, 10.0)
SUN = (0.0, 0.0, 3.0)  # on the floor


def family() -> stlfast.Family:
    t, coupling, ventilation = sp.symbols("t coupling ventilation")
    y = sp.symbols("air wall floor")
    return stlfast.Family(
        name="thermal_network_3", t=t, y=y,
        rhs=balances(t, y, CAPACITY, *network(coupling, ventilation), SUN), t_span=(0.0, 72.0), stiffness=coupling,
        params={coupling: stlfast.Range(0.1, 100.0), ventilation: stlfast.Range(0.01, 1.0)}, y0=[20.0, 15.0, 18.0],
    )  # fmt: skip


def network(coupling: Any, ventilation: Any) -> tuple[list[tuple[int, int, Any]], tuple[Any, ...]]:
    """The links (i, j, G_ij) and the A_i."""
    return [(0, 1, coupling), (0, 2, coupling)], (ventilation, 0.1, 0.0)


def exact(t: np.ndarray, y0: np.ndarray, *, coupling: float, ventilation: float) -> np.ndarray:
    return modes(t, y0, CAPACITY, *network(coupling, ventilation), SUN)


def balances(
    t: sp.Symbol, y: Sequence[sp.Symbol], C: Sequence[float], G: list[tuple[int, int, Any]], A: Sequence[Any],
    S: Sequence[float],
) -> list[sp.Expr]:  # fmt: skip
    sine = sp.sin(sp.pi / 12 * t)
    heat = [a * (MEAN + SWING * sine - T) + s * sp.Max(0, sine) for a, s, T in zip(A, S, y, strict=True)]
    for i, j, g in G:
        heat[i] += g * (y[j] - y[i])
        heat[j] += g * (y[i] - y[j])
    return [h / c for h, c in zip(heat, C, strict=True)]


def modes(
    t: np.ndarray, y0: np.ndarray, C: Sequence[float], G: list[tuple[int, int, float]], A: Sequence[float],
    S: Sequence[float],
) -> np.ndarray:  # fmt: skip
    """By the orthonormal modes of √C T; max(0, sin ωt) is the sum of the sines that begin at 0, π/ω, 2π/ω, …"""
    root, K = np.sqrt(C), np.diag(np.array(A, dtype=float))
    for i, j, g in G:
        K[[i, j], [i, j]] += g
        K[[i, j], [j, i]] -= g
    rate, Q = np.linalg.eigh(K / np.outer(root, root))
    rate = rate[:, None]  # (n, 1)

    def to_sine(s: np.ndarray) -> np.ndarray:  # the answer (n, N) to sin ωs from s = 0 on
        s = np.maximum(s, 0.0)
        turning = rate * np.sin(OMEGA * s) + OMEGA * (np.exp(-rate * s) - np.cos(OMEGA * s))
        return turning / (rate**2 + OMEGA**2)

    sun = sum(to_sine(t - begin) for begin in np.arange(0.0, t.max() + 1, np.pi / OMEGA))
    ambient = MEAN * -np.expm1(-rate * t) / rate + SWING * to_sine(t)
    start, a, s = (Q.T @ v for v in (root * y0, np.array(A) / root, np.array(S) / root))
    return (Q @ (start[:, None] * np.exp(-rate * t) + a[:, None] * ambient + s[:, None] * sun)) / root[:, None]
