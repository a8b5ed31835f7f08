"""Elimination that saturates, after Hill: c' = −V c³/(K³ + c³), K = 1e-3, from c = 1 to nothing, on [0, 3].

c falls linearly and stops within a layer of width K; what is left falls as 1/√t. Concentrations over the first, times
over that of V = 1. A. V. Hill, J. Physiol. 40 (1910) iv.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

K = 1e-3


def family() -> stlfast.Family:
    t, V, c = sp.symbols("t V c")
    return stlfast.Family(
        name="hill_elimination", t=t, y=[c], rhs=[-V * c**3 / (K**3 + c**3)], t_span=(0.0, 3.0),
        params={V: stlfast.Range(0.5, 2.0)}, y0=[1.0], positive=[c],
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, V: float) -> np.ndarray:
    """The root of c² (c − s) = K³/2, s = c0 − K³/(2 c0²) − V t, by Newton's method from above, where it is monotone."""
    s = y0[:, None] - K**3 / (2 * y0[:, None] ** 2) - V * t
    c = np.maximum(s, 0.0) + K
    for _ in range(50):
        c = c - (c**2 * (c - s) - K**3 / 2) / (3 * c**2 - 2 * c * s)
    return c
