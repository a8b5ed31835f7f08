"""Mathieu's equation with damping, of a pendulum whose pivot moves up and down, on [0, 20].

x' = v,   v' = −k v − (2 + cos 2t) x

Without units. Strong damping makes it stiff: rates k and about 2/k. N. W. McLachlan, Theory and Application of Mathieu
Functions (1947).
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, k, x, v = sp.symbols("t k x v")
    return stlfast.Family(
        name="mathieu", t=t, y=[x, v], rhs=[v, -k * v - (2 + sp.cos(2 * t)) * x], t_span=(0.0, 20.0),
        params={k: stlfast.Range(0.1, 1000.0)}, y0=[1.0, 0.0],
    )  # fmt: skip
