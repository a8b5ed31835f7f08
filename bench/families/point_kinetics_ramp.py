"""Point kinetics with a reactivity that rises or falls linearly for `ramp` seconds and is then held at rho.

n' = ((rho min(1, t/ramp) − β) n + Σ β_i c_i)/Lambda,   c_i' = λ_i (n − c_i)

Symbols, data and units are those of `point_kinetics`.
"""

from __future__ import annotations

import sympy as sp

import stlfast

from .point_kinetics import BETA, LAMBDA


def family() -> stlfast.Family:
    t, rho, Lambda, ramp, n = sp.symbols("t rho Lambda ramp n")
    c = sp.symbols("c1:7")
    prompt = (rho * sp.Min(1, t / ramp) - sum(BETA)) * n
    delayed = sum(beta * ci for beta, ci in zip(BETA, c, strict=True))
    return stlfast.Family(
        name="point_kinetics_ramp", t=t, y=[n, *c],
        rhs=[(prompt + delayed) / Lambda] + [lam * (n - ci) for lam, ci in zip(LAMBDA, c, strict=True)],
        t_span=(0.0, 10.0), stiffness=Lambda,
        params={
            rho: stlfast.Range(-0.003, 0.003), Lambda: stlfast.Range(1e-5, 1e-3), ramp: stlfast.Range(0.5, 5.0),
        },
        y0=[1.0] * 7,
    )  # fmt: skip
