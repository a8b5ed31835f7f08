"""Chain branching, by which a mixture ignites after a delay: fuel F, oxidiser O, radicals R, product P; on [0, 10].

F + O → 2 R at rate k1 (initiation),   F + O + R → 3 R at k2 (branching),   2 R → P at k3 (termination)

Concentrations over the fuel's, rates without units; F + O + R + 2 P is conserved. N. N. Semenov, Chemical Kinetics and
Chain Reactions (1935).
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, k1, k2, k3, F, O, R, P = sp.symbols("t k1 k2 k3 F O R P")  # noqa: E741
    start, branch, end = k1 * F * O, k2 * F * O * R, k3 * R**2
    return stlfast.Family(
        name="chain_branching", t=t, y=[F, O, R, P],
        rhs=[-start - branch, -start - branch, 2 * (start + branch - end), end], t_span=(0.0, 10.0), stiffness=k2,
        params={k1: stlfast.Range(1e-6, 1e-3), k2: stlfast.Range(10.0, 1000.0), k3: stlfast.Range(0.1, 10.0)},
        y0=[1.0, 1.2, 0.0, 0.0],
    )  # fmt: skip
