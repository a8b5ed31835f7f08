"""Two tanks that exchange what they hold; the first is fed from the time `step` on, the second leaks; on [0, 10].

u' = k (v − u) + H(t − step),   v' = k (u − v) − v

Levels and times without units: the leak empties a tank at rate 1.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, k, step, u, v = sp.symbols("t k step u v")
    return stlfast.Family(
        name="two_tanks_step", t=t, y=[u, v], rhs=[k * (v - u) + sp.Heaviside(t - step), k * (u - v) - v],
        t_span=(0.0, 10.0), stiffness=k, params={k: stlfast.Range(1.0, 1000.0), step: stlfast.Range(1.0, 9.0)},
        y0=[1.0, 0.0],
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, k: float, step: float) -> np.ndarray:
    """By orthonormal modes, each of which approaches its new equilibrium after the step."""
    rates, Q = np.linalg.eigh([[-k, k], [k, -k - 1]])
    left = (Q.T @ y0)[:, None] * np.exp(np.outer(rates, t))
    fed = Q[0][:, None] * np.expm1(np.outer(rates, np.maximum(t - step, 0.0))) / rates[:, None]
    return np.asarray(Q @ (left + fed))
