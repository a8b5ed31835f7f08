"""The Oregonator of Field and Noyes, a chemical oscillator, on [0, 360]: OREGO of the Bari test set.

u' = s (v − u v + u − q u²),   v' = (w − v − u v)/s,   w' = f (u − w)

s = 77.27, f = 0.161 and q = 8.375e-6 there; concentrations and time without units. R. J. Field and R. M. Noyes, J.
Chem. Phys. 60 (1974) 1877; F. Mazzia and C. Magherini, Test Set for Initial Value Problem Solvers, 2.4.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

MEMBER = {"s": 77.27, "f": 0.161, "q": 8.375e-6}
END = np.array([1.000814870318523, 1228.178521549917, 132.0554942846706])


def family() -> stlfast.Family:
    t, s, f, q, u, v, w = sp.symbols("t s f q u v w")
    return stlfast.Family(
        name="orego", t=t, y=[u, v, w], rhs=[s * (v - u * v + u - q * u**2), (w - v - u * v) / s, f * (u - w)],
        t_span=(0.0, 360.0), stiffness=s, y0=[1.0, 2.0, 3.0],
        params={s: stlfast.Range(50.0, 100.0), f: stlfast.Range(0.1, 0.3), q: stlfast.Range(5e-6, 2e-5)},
    )  # fmt: skip
