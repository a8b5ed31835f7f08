"""A ball of flame that grows until oxygen limits it: y' = y² − y³ from a small radius y0, on [0, 20 000].

y is the radius over its last value; it ignites at 1/y0 and is stiff from then on. L. F. Shampine's example in C. Moler,
Numerical Computing with MATLAB (2004), 7.9.
"""

from __future__ import annotations

import numpy as np
import sympy as sp
from scipy.special import wrightomega

import stlfast


def family() -> stlfast.Family:
    t, y = sp.symbols("t y")
    return stlfast.Family(
        name="flame", t=t, y=[y], rhs=[y**2 - y**3], t_span=(0.0, 2e4), y0=[1e-3], y0_range=[(1e-4, 1e-2)]
    )


def exact(t: np.ndarray, y0: np.ndarray) -> np.ndarray:
    """1/(1 + W(a e^{a − t})), a = 1/y0 − 1, with Lambert's W."""
    a = 1 / y0[:, None] - 1
    return np.asarray(1 / (1 + wrightomega(np.log(a) + a - t)))
