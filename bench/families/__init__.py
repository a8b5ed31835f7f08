"""Textbook families, a file each, that tests and benchmarks draw random members from.

Every file has `family()`; its solve ranges, and y0_range where initial values vary, are the box of the members. Some
also have ATOL, a number or one for each state where 1e-8 is too coarse or too fine; `exact(t, y0, **params)` → (n, N),
a closed form of the solution from y0 at times t (N,); `events()`, in SciPy's conventions; and FIRST, where output times
are logarithmic from it on.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

import stlfast

LINEAR = (
    "rlc_ladder", "thermal_network_3", "thermal_network_12", "point_kinetics", "point_kinetics_ramp", "bateman",
    "two_compartments", "upwind", "bloch", "relaxation", "mathieu", "slow_decay", "two_tanks_step", "dense_8",
)  # fmt: skip
NAMES = (
    *LINEAR, "michaelis_menten", "brusselator", "fitzhugh_nagumo", "cstr", "pollu", "hires", "hill_elimination",
    "diode_rectifier", "flame", "laser", "target_mediated", "lotka_volterra", "chain_branching", "network_12",
    "logistic_pulse", "stick_slip", "bouncing_ball",
)  # fmt: skip

# The Bari test set's ordinary differential equations (F. Mazzia and C. Magherini, Test Set for Initial Value Problem
# Solvers, release 2.4). MEMBER is its member, END (n,) its values at the end, nan where none is published.
BARI = ("hires", "pollu", "ring_modulator", "medakzo", "van_der_pol", "orego", "e5")


class Module(Protocol):
    def family(self) -> stlfast.Family: ...


def load(name: str) -> Module:
    """The file of one of NAMES or BARI."""
    return cast(Module, import_module(f"{__name__}.{name}"))
