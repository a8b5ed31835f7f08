"""The Brusselator, a chemical oscillator: x' = a + x² y − (b + 1) x, y' = b x − x² y on [0, 20].

Without units. Members are beyond the Hopf bifurcation b = 1 + a² and end on limit cycles. I. Prigogine and R. Lefever,
J. Chem. Phys. 48 (1968) 1695.
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, a, b, x, y = sp.symbols("t a b x y")
    return stlfast.Family(
        name="brusselator", t=t, y=[x, y], rhs=[a + x**2 * y - (b + 1) * x, b * x - x**2 * y], t_span=(0.0, 20.0),
        params={a: stlfast.Range(0.8, 1.2), b: stlfast.Range(2.6, 8.0)}, y0=[1.0, 1.0],
    )  # fmt: skip
