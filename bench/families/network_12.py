"""A ring of twelve species with mass action, rates over three decades, on [0, 10].

y_i + y_{i+1} → 2 y_{i+2} at k r_i,   y_i → y_{i+1} at `leak`

The r_i are RATES, concentrations and times without units; Σ y_i is conserved. Made up, as a size between HIRES and
POLLU.
"""

from __future__ import annotations

import sympy as sp

import stlfast

RATES = (0.01, 0.5, 5.0, 0.05, 1.0, 0.02, 10.0, 0.2, 0.1, 2.0, 0.03, 0.3)


def family() -> stlfast.Family:
    t, k, leak = sp.symbols("t k leak")
    y = sp.symbols("y1:13")
    rhs = [sp.S.Zero] * 12
    for i, rate in enumerate(RATES):
        following, after = (i + 1) % 12, (i + 2) % 12
        met, left = k * rate * y[i] * y[following], leak * y[i]
        for j, change in ((i, -met - left), (following, left - met), (after, 2 * met)):
            rhs[j] += change
    return stlfast.Family(
        name="network_12", t=t, y=y, rhs=rhs, t_span=(0.0, 10.0), stiffness=k,
        params={k: stlfast.Range(1.0, 1000.0), leak: stlfast.Range(0.1, 10.0)}, y0=[1.0, 0.5] * 3 + [0.0] * 6,
    )  # fmt: skip
