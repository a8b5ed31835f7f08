"""A ball that falls to the ground against the drag of air: h' = v, v' = −9.81 − c v |v| on [0, 5].

In metres and seconds, c = ρ A c_d/(2 m). `events` has the ground, which ends the solution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

import stlfast

G = 9.81


def family() -> stlfast.Family:
    t, c, h, v = sp.symbols("t c h v")
    return stlfast.Family(
        name="bouncing_ball", t=t, y=[h, v], rhs=[v, -G - c * v * sp.Abs(v)], t_span=(0.0, 5.0),
        params={c: stlfast.Range(0.001, 0.1)}, y0=[10.0, 0.0], y0_range=[(1.0, 20.0), (0.0, 0.0)],
    )  # fmt: skip


def events() -> list[Callable[..., Any]]:
    def ground(t: float, y: np.ndarray) -> Any:
        return y[0]

    ground.terminal, ground.direction = True, -1  # type: ignore[attr-defined]
    return [ground]


def exact(t: np.ndarray, y0: np.ndarray, *, c: float) -> np.ndarray:
    """From rest, the ground left out: v = −√(g/c) tanh x, h = h0 − (ln cosh x)/c, x = √(g c) t."""
    x = np.sqrt(G * c) * t
    return np.array([y0[0] - (np.logaddexp(x, -x) - np.log(2)) / c, -np.sqrt(G / c) * np.tanh(x)])
