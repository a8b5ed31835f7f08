"""A rate that is large only at first: y' = −k y/(1 + k t) + sin t on [0, 10].

y = (y0 + 1 + k sin t)/(1 + k t) − cos t. What the initial value leaves falls as 1/t, without a rate of its own.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, k, y = sp.symbols("t k y")
    return stlfast.Family(
        name="slow_decay", t=t, y=[y], rhs=[-k * y / (1 + k * t) + sp.sin(t)], t_span=(0.0, 10.0),
        params={k: stlfast.Range(1.0, 1e6)}, y0=[1.0],
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, k: float) -> np.ndarray:
    return (y0[:, None] + 1 + k * np.sin(t)) / (1 + k * t) - np.cos(t)
