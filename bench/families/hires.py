"""HIRES, eight reactions by which plants respond to light, on [0, 321.8122]: examples/hires.py with the light free too.

k = 280 and light = 1.71 in E. Schäfer, J. Math. Biology 2 (1975) 41. Times in minutes; the published end does not hold
for other members.
"""

from __future__ import annotations

import sympy as sp

import stlfast
from examples import hires as published

END = published.END
MEMBER = {"k": 280.0, "light": 1.71}


def family() -> stlfast.Family:
    t, k, light = sp.symbols("t k light")
    y1, y2, y3, y4, y5, y6, y7, y8 = y = sp.symbols("y1:9")
    fast = k * y6 * y8
    rhs = [
        -light * y1 + 0.43 * y2 + 8.32 * y3 + 0.0007,
        light * y1 - 8.75 * y2,
        -(8.32 + light) * y3 + 0.43 * y4 + 0.035 * y5,
        8.32 * y2 + light * y3 - 1.12 * y4,
        -(0.035 + light) * y5 + 0.43 * y6 + 0.43 * y7,
        -fast + 0.69 * y4 + light * y5 - 0.43 * y6 + 0.69 * y7,
        fast - 1.81 * y7,
        -fast + 1.81 * y7,
    ]
    return stlfast.Family(
        name="hires", t=t, y=y, rhs=rhs, t_span=(0.0, 321.8122), stiffness=k,
        params={k: stlfast.Range(100.0, 1000.0), light: stlfast.Range(0.5, 5.0)}, y0=[1, 0, 0, 0, 0, 0, 0, 0.0057],
    )  # fmt: skip
