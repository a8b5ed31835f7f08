"""Four rooms in a ring, each of air, wall and floor, over three days: a thermal network of twelve nodes.

The balances are those of `thermal_network_3`; `door` joins the air of neighbouring rooms, and the sun shines into two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

import stlfast

from . import thermal_network_3

CAPACITY = (0.1, 5.0, 10.0, 0.2, 4.0, 8.0, 0.05, 6.0, 5.0, 0.1, 3.0, 12.0)
AMBIENT = (0.1, 0.1, 0.0, 0.05, 0.2, 0.0, 0.02, 0.1, 0.0, 0.3, 0.1, 0.0)
SUN = (0.0, 0.0, 3.0, 0.0, 0.0, 1.0) + (0.0,) * 6


def family() -> stlfast.Family:
    t, coupling, door = sp.symbols("t coupling door")
    y = sp.symbols("air1 wall1 floor1 air2 wall2 floor2 air3 wall3 floor3 air4 wall4 floor4")
    return stlfast.Family(
        name="thermal_network_12", t=t, y=y,
        rhs=thermal_network_3.balances(t, y, CAPACITY, links(coupling, door), AMBIENT, SUN), t_span=(0.0, 72.0),
        stiffness=coupling, params={coupling: stlfast.Range(0.1, 100.0), door: stlfast.Range(0.01, 10.0)},
        y0=[20.0, 15.0, 18.0] * 4,
    )  # fmt: skip


def links(coupling: Any, door: Any) -> list[tuple[int, int, Any]]:
    inside = [(air, air + k, coupling) for air in (0, 3, 6, 9) for k in (1, 2)]
    return inside + [(air, (air + 3) % 12, door) for air in (0, 3, 6, 9)]


def exact(t: np.ndarray, y0: np.ndarray, *, coupling: float, door: float) -> np.ndarray:
    return thermal_network_3.modes(t, y0, CAPACITY, links(coupling, door), AMBIENT, SUN)
