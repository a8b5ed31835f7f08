"""Van der Pol's oscillator in the slow time, y'' = ((1 − y²) y' − y)/ε, on [0, 2]: VDPOL of the Bari test set.

ε = 1/μ² is 1e-6 there: jumps of y last some 1e-6. E. Hairer and G. Wanner, Solving Ordinary Differential Equations II,
IV.10; F. Mazzia and C. Magherini, Test Set for Initial Value Problem Solvers, 2.4.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

MEMBER = {"eps": 1e-6}
END = np.array([1.706167732170483, -0.8928097010247975])


def family() -> stlfast.Family:
    t, eps, y1, y2 = sp.symbols("t eps y1 y2")
    return stlfast.Family(
        name="van_der_pol", t=t, y=[y1, y2], rhs=[y2, ((1 - y1**2) * y2 - y1) / eps], t_span=(0.0, 2.0),
        params={eps: stlfast.Range(1e-6, 1e-2)}, y0=[2.0, 0.0],
    )  # fmt: skip
