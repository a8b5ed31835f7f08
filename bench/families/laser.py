"""Rate equations of a semiconductor laser that is switched on, for 3 ns: carriers N and photons S.

N' = current/(qV) − N/τn − gain S,   S' = Γ gain S − S/τp + Γ beta N/τn,   gain = g (N − 1e18)/(1 + 3e-17 S)

In cm⁻³, seconds and amperes: N ~ 1e18, S ~ 1e15; τn = 2 ns, τp = 2 ps, g = 1.5e-6 cm³/s, Γ = 0.4, V = 1e-10 cm³. G. P.
Agrawal and N. K. Dutta, Semiconductor Lasers (1993), chapter 6.
"""

from __future__ import annotations

import sympy as sp

import stlfast

ATOL = (1e10, 1e7)


def family() -> stlfast.Family:
    t, current, beta, N, S = sp.symbols("t current beta N S")
    stimulated = 1.5e-6 * (N - 1e18) * S / (1 + 3e-17 * S)
    spontaneous = N / 2e-9
    return stlfast.Family(
        name="laser", t=t, y=[N, S],
        rhs=[
            current / (1.602e-19 * 1e-10) - spontaneous - stimulated,
            0.4 * (stimulated + beta * spontaneous) - S / 2e-12,
        ],
        t_span=(0.0, 3e-9), params={current: stlfast.Range(0.02, 0.06), beta: stlfast.Range(1e-5, 1e-3)},
        y0=[0.0, 0.0],
    )  # fmt: skip
