"""FitzHugh and Nagumo's neuron that fires: v' = v − v³/3 − w + current, w' = eps (v + 0.7 − 0.8 w) on [0, 100].

v is the potential and w the recovery, without units; at these currents the rest state is unstable. R. FitzHugh,
Biophys. J. 1 (1961) 445; J. Nagumo et al., Proc. IRE 50 (1962) 2061.
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, eps, current, v, w = sp.symbols("t eps current v w")
    return stlfast.Family(
        name="fitzhugh_nagumo", t=t, y=[v, w], rhs=[v - v**3 / 3 - w + current, eps * (v + 0.7 - 0.8 * w)],
        t_span=(0.0, 100.0), params={eps: stlfast.Range(0.005, 0.1), current: stlfast.Range(0.5, 1.0)},
        y0=[-1.0, -0.5],
    )  # fmt: skip
