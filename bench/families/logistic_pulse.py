"""Logistic growth with a pulse of immigration of a thousandth of the span: y' = r y (1 − y) + 30 [s < t < s + 0.01].

On [0, 10]; the population over its capacity, from 0.01. The pulse begins at s = `pulse` and adds 0.3.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

HEIGHT, WIDTH = 30.0, 0.01


def family() -> stlfast.Family:
    t, r, pulse, y = sp.symbols("t r pulse y")
    immigrants = HEIGHT * (sp.Heaviside(t - pulse) - sp.Heaviside(t - pulse - WIDTH))
    return stlfast.Family(
        name="logistic_pulse", t=t, y=[y], rhs=[r * y * (1 - y) + immigrants], t_span=(0.0, 10.0), stiffness=r,
        params={r: stlfast.Range(0.5, 2.0), pulse: stlfast.Range(1.0, 9.0)}, y0=[0.01],
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, r: float, pulse: float) -> np.ndarray:
    """y' = −r (y − a)(y − b) before, in and after the pulse: (y − a)/(y − b) falls as e^{−r (a − b) t}."""
    y = y0[:, None] + 0 * t
    for begin, end, height in ((0.0, pulse, 0.0), (pulse, pulse + WIDTH, HEIGHT), (pulse + WIDTH, np.inf, 0.0)):
        root = np.sqrt(0.25 + height / r)
        a, b = 0.5 + root, 0.5 - root
        ratio = (y - a) / (y - b) * np.exp(-2 * r * root * np.clip(t - begin, 0.0, end - begin))
        y = (a - b * ratio) / (1 - ratio)
    return y
