"""Ladder of three RLC sections behind a sinusoidal source, on 5 ms.

L i_j' = u_{j−1} − u_j − R i_j,   C u_j' = i_j − i_{j+1},   u_0 = sin 2πft,   i_4 = u_3/R_load

Kirchhoff's laws, in volts, amperes and seconds: L = 1 mH, C = 1 µF, R_load = 100 Ω. The ladder rings at R = 1 Ω and is
stiff at R = 1 kΩ, where L/R is 1 µs.
"""

from __future__ import annotations

import sympy as sp

import stlfast

L, C, LOAD = 1e-3, 1e-6, 100.0
ATOL = (1e-10, 1e-8) * 3  # a current is some milliamperes


def family() -> stlfast.Family:
    t, R, f, i1, u1, i2, u2, i3, u3 = sp.symbols("t R f i1 u1 i2 u2 i3 u3")
    source = sp.sin(2 * sp.pi * f * t)
    rhs = []
    for before, i, u, after in ((source, i1, u1, i2), (u1, i2, u2, i3), (u2, i3, u3, u3 / LOAD)):
        rhs += [(before - u - R * i) / L, (i - after) / C]
    return stlfast.Family(
        name="rlc_ladder", t=t, y=[i1, u1, i2, u2, i3, u3], rhs=rhs, t_span=(0.0, 5e-3), stiffness=R,
        params={R: stlfast.Range(1.0, 1000.0), f: stlfast.Range(100.0, 2000.0)}, y0=[0.0] * 6,
    )  # fmt: skip
