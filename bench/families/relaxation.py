"""Relaxation at a rate that varies in time, towards a cosine: y' = −k (1 + ½ sin 3t)(y − cos t) on [0, 10].

After A. Prothero and A. Robinson, Math. Comp. 28 (1974) 145, who have a constant rate.
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, k, y = sp.symbols("t k y")
    return stlfast.Family(
        name="relaxation", t=t, y=[y], rhs=[-k * (1 + sp.sin(3 * t) / 2) * (y - sp.cos(t))], t_span=(0.0, 10.0),
        params={k: stlfast.Range(1.0, 1e6)}, y0=[2.0],
    )  # fmt: skip
