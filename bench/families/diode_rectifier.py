"""A capacitor behind a diode, a load and a sinusoidal source of 5 V and 50 Hz, over three periods.

C u' = Is (exp((5 sin 100πt − u)/nVT) − 1) − u/R,   Is = 1 nA, nVT = 50 mV

In volts, amperes, seconds. The diode is a large conductance while it conducts and none in between. W. Shockley, Bell
Syst. Tech. J. 28 (1949) 435.
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, R, C, u = sp.symbols("t R C u")
    forward = (5 * sp.sin(100 * sp.pi * t) - u) / 0.05
    return stlfast.Family(
        name="diode_rectifier", t=t, y=[u], rhs=[(1e-9 * (sp.exp(forward) - 1) - u / R) / C], t_span=(0.0, 0.06),
        params={R: stlfast.Range(1e3, 1e5), C: stlfast.Range(1e-6, 1e-5)}, y0=[0.0],
    )  # fmt: skip
