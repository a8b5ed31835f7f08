"""A mass on a spring that a belt drags along by dry friction, sticking and slipping in turns, on [0, 30].

x' = v,   v' = −x − v/10 − F sign(v − belt),   F = friction/(1 + 2 |v − belt|)

Without units: time over that of the oscillator. While it sticks, v = belt and the friction is what the spring needs. B.
Feeny et al., Appl. Mech. Rev. 51 (1998) 321.
"""

from __future__ import annotations

import sympy as sp

import stlfast


def family() -> stlfast.Family:
    t, friction, belt, x, v = sp.symbols("t friction belt x v")
    force = friction / (1 + 2 * sp.Abs(v - belt))
    return stlfast.Family(
        name="stick_slip", t=t, y=[x, v], rhs=[v, -x - v / 10 - force * sp.sign(v - belt)], t_span=(0.0, 30.0),
        params={friction: stlfast.Range(0.5, 2.0), belt: stlfast.Range(0.1, 0.5)}, y0=[0.0, 0.0],
    )  # fmt: skip
