"""The ring modulator, a circuit of 15 equations that mixes two sines, on [0, 1e-3] seconds: of the Bari test set.

Voltages y1 … y7 in V, currents y8 … y15 in A; capacity is C_s, that of the diodes' nodes, which with 2e-12 F there are
stiff and oscillate. E.-H. Horneber, dissertation, Kaiserslautern 1976; F. Mazzia and C. Magherini, Test Set for Initial
Value Problem Solvers, 2.4.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

ATOL = 1e-12  # the coils' currents are of 1e-6 A
MEMBER = {"capacity": 2e-12}
END = np.array([
    -0.2339057358486745e-1, -0.7367485485540825e-2, 0.2582956709291169, -0.4064465721283450, -0.4039455665149794,
    0.2607966765422943, 0.1106761861269975, 0.2939904342435596e-6, -0.2840029933642329e-7, 0.7267198267264553e-3,
    0.7929487196960840e-3, -0.7255283495698965e-3, -0.7941401968526521e-3, 0.7088495416976114e-4,
    0.2390059075236570e-4,
])  # fmt: skip


def family() -> stlfast.Family:
    t, capacity = sp.symbols("t capacity")
    y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15 = y = sp.symbols("y1:16")
    in1, in2 = sp.sin(2000 * sp.pi * t) / 2, 2 * sp.sin(20000 * sp.pi * t)

    def diode(voltage: sp.Expr) -> sp.Expr:
        return 40.67286402e-9 * (sp.exp(17.7493332 * voltage) - 1)

    d1, d2 = diode(y3 - y5 - y7 - in2), diode(-y4 + y6 - y7 - in2)
    d3, d4 = diode(y4 + y5 + y7 + in2), diode(-y3 - y6 + y7 + in2)
    rhs = [
        (y8 - y10 / 2 + y11 / 2 + y14 - y1 / 25e3) / 1.6e-8,
        (y9 - y12 / 2 + y13 / 2 + y15 - y2 / 25e3) / 1.6e-8,
        (y10 - d1 + d4) / capacity,
        (-y11 + d2 - d3) / capacity,
        (y12 + d1 - d3) / capacity,
        (-y13 - d2 + d4) / capacity,
        (-y7 / 50 + d1 + d2 - d3 - d4) / 1e-8,
        -y1 / 4.45,
        -y2 / 4.45,
        (y1 / 2 - y3 - 17.3 * y10) / 5e-4,
        (-y1 / 2 + y4 - 17.3 * y11) / 5e-4,
        (y2 / 2 - y5 - 17.3 * y12) / 5e-4,
        (-y2 / 2 + y6 - 17.3 * y13) / 5e-4,
        (-y1 + in1 - (50 + 36.3) * y14) / 2e-3,
        (-y2 - (600 + 36.3) * y15) / 2e-3,
    ]
    return stlfast.Family(
        name="ring_modulator", t=t, y=y, rhs=rhs, t_span=(0.0, 1e-3),
        params={capacity: stlfast.Range(1e-12, 1e-9)}, y0=[0.0] * 15,
    )  # fmt: skip
