"""Michaelis and Menten's enzyme kinetics in full: S + E ⇌ C → E + P, on [0, 100].

S' = k2 C − k1 S E,   E' = (k2 + k3) C − k1 S E,   C' = k1 S E − (k2 + k3) C,   P' = k3 C

Concentrations in µM, time in seconds; binding is fast, the product forms slowly. L. Michaelis and M. Menten, Biochem.
Z. 49 (1913) 333.
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, k1, k2, k3, S, E, C, P = sp.symbols("t k1 k2 k3 S E C P")
    bound, freed, made = k1 * S * E, k2 * C, k3 * C
    return stlfast.Family(
        name="michaelis_menten", t=t, y=[S, E, C, P],
        rhs=[freed - bound, freed + made - bound, bound - freed - made, made], t_span=(0.0, 100.0), stiffness=k1,
        params={k1: stlfast.Range(1.0, 1000.0), k2: stlfast.Range(0.1, 100.0), k3: stlfast.Range(0.01, 10.0)},
        y0=[1.0, 0.1, 0.0, 0.0], y0_range=[(0.1, 10.0), (0.01, 1.0), (0.0, 0.0), (0.0, 0.0)],
    )  # fmt: skip
