"""An exothermic reaction in a cooled stirred tank (CSTR), at the rate k = k0 e^{−E/RT} of Arrhenius, for 10 minutes.

c' = flow (1 − c)/100 − k c,   T' = flow (350 − T)/100 + ΔH k c/ρC + UA (coolant − T)/(100 ρC)

c in mol/L, T in K, flow in L/min; k0 = 7.2e10 per minute, E/R = 8750 K, ΔH = 5e4 J/mol, ρC = 239 J/(L K), UA = 5e4
J/(min K). A warm coolant ignites it. D. E. Seborg et al., Process Dynamics and Control (1989), example 2.5.
"""

from __future__ import annotations

import sympy as sp

import stlfast

VOLUME, HEAT_CAPACITY = 100.0, 239.0  # L, J/(L K)
ATOL = (1e-8, 1e-6)


def family() -> stlfast.Family:
    t, flow, coolant, c, T = sp.symbols("t flow coolant c T")
    reacting = 7.2e10 * sp.exp(-8750 / T) * c
    heat = 5e4 * reacting + 5e4 / VOLUME * (coolant - T)
    return stlfast.Family(
        name="cstr", t=t, y=[c, T],
        rhs=[flow * (1 - c) / VOLUME - reacting, flow * (350 - T) / VOLUME + heat / HEAT_CAPACITY],
        t_span=(0.0, 10.0), params={flow: stlfast.Range(80.0, 120.0), coolant: stlfast.Range(290.0, 310.0)},
        y0=[0.5, 350.0],
    )  # fmt: skip
