"""Prey and predators of Lotka and Volterra: x' = a x − x y, y' = x y − c y on [0, 20].

Populations and times without units; orbits are closed, and a ln y + c ln x − x − y is conserved. A. J. Lotka, Elements
of Physical Biology (1925).
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, a, c, x, y = sp.symbols("t a c x y")
    return stlfast.Family(
        name="lotka_volterra", t=t, y=[x, y], rhs=[a * x - x * y, x * y - c * y], t_span=(0.0, 20.0),
        params={a: stlfast.Range(0.5, 2.0), c: stlfast.Range(0.5, 2.0)}, y0=[2.0, 1.0],
        y0_range=[(0.5, 4.0), (0.5, 4.0)],
    )  # fmt: skip
