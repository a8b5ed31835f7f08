"""Advection by first-order upwind differences over eight cells: one Jordan block, and no more eigenvectors than one.

y_1' = k (sin t − y_1),   y_i' = k (y_{i−1} − y_i) on [0, 10]

k is the speed over the width of a cell; the first cell is full at the beginning.
"""

from __future__ import annotations

import numpy as np
import sympy as sp
from scipy.stats import poisson

import stlfast


def family() -> stlfast.Family:
    t, k = sp.symbols("t k")
    y = sp.symbols("y1:9")
    return stlfast.Family(
        name="upwind", t=t, y=y, rhs=[k * (before - yi) for before, yi in zip((sp.sin(t), *y), y, strict=False)],
        t_span=(0.0, 10.0), params={k: stlfast.Range(1.0, 1000.0)}, y0=[1.0] + [0.0] * 7,
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, k: float) -> np.ndarray:
    """The answer to the inflow, (k/(k + i))^j e^{it} in cell j, and what is carried on by Poisson's distribution."""
    moving = np.array([np.imag((k / (k + 1j)) ** j * np.exp(1j * t)) for j in range(1, 9)])
    rest = y0 - np.array([np.imag((k / (k + 1j)) ** j) for j in range(1, 9)])
    carried = poisson.pmf(np.arange(8)[:, None], k * t)  # (8, N)
    return moving + np.array([sum(rest[j] * carried[i - j] for j in range(i + 1)) for i in range(8)])
