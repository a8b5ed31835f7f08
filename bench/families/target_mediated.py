"""A drug L that its target R binds and removes, a dose a day for 14 days: target-mediated disposition, on 15 days.

L' = −kel L − b,   R' = 1 − R − b,   LR' = b − LR/2,   b = kon L R − LR/10

In nM and days; R is made and lost at rate 1, the complex LR is taken up at rate 1/2 and falls apart at 1/10. While the
target is saturated the drug is lost slowly, then fast. D. E. Mager and W. J. Jusko, J. Pharmacokinet. Pharmacodyn. 28
(2001) 507.
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, kon, kel, dose, L, R, LR = sp.symbols("t kon kel dose L R LR")
    bound = kon * L * R - LR / 10
    return stlfast.Family(
        name="target_mediated", t=t, y=[L, R, LR], rhs=[-kel * L - bound, 1 - R - bound, bound - LR / 2],
        t_span=(0.0, 15.0), stiffness=kon,
        params={kon: stlfast.Range(1.0, 1000.0), kel: stlfast.Range(0.1, 1.0), dose: stlfast.Range(0.3, 10.0)},
        y0=[0.0, 1.0, 0.0], doses=[(day, {L: dose}) for day in range(1, 15)],
    )  # fmt: skip
