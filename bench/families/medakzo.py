"""An antibody moves into a tissue and is bound there, on [0, 20]: MEDAKZO of the Bari test set.

u_t = u_xx − k u v,   v_t = −k u v,   u(0, t) = 2 until t = 5 and then 0,   v(x, 0) = 1,   on 0 < x < ∞

by lines: 200 points uniform in z, x = 4 z/(1 − z), 400 states u1, v1, u2, v2 … F. Mazzia and C. Magherini, Test Set for
Initial Value Problem Solvers, 2.4.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

POINTS, SCALE = 200, 4
MEMBER = {"k": 100.0}
END = np.full(2 * POINTS, np.nan)
END[[78, 79, 148, 149, 198, 199, 238, 239]] = [
    0.2339942217046434e-3, -0.2339942217046434e-141, 0.3595616017506735e-3, 0.1649638439865233e-86,
    0.11737412926802e-3, 0.61908071460151e-5, 0.68600948191191e-11, 0.99999973258552,
]  # fmt: skip


def family() -> stlfast.Family:
    t, k = sp.symbols("t k")
    u, v = sp.symbols(f"u1:{POINTS + 1}"), sp.symbols(f"v1:{POINTS + 1}")
    fed = [sp.Piecewise((2, t <= 5), (0, True)), *u, u[-1]]
    rhs = []
    for j, (before, here, after, bound) in enumerate(zip(fed, u, fed[2:], v, strict=False), start=1):
        slope, curvature = (after - before) * POINTS / 2, (after - 2 * here + before) * POINTS**2
        left = (POINTS - j) / POINTS
        reaction = k * here * bound
        rhs += [left**4 / SCALE**2 * curvature - 2 * left**3 / SCALE**2 * slope - reaction, -reaction]
    return stlfast.Family(
        name="medakzo", t=t, y=[state for pair in zip(u, v, strict=True) for state in pair], rhs=rhs,
        t_span=(0.0, 20.0), params={k: stlfast.Range(10.0, 1000.0)}, y0=[0.0, 1.0] * POINTS,
    )  # fmt: skip
