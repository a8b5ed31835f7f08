"""Pyrolysis, four reactions whose rates differ by 19 orders of magnitude, on [0, 1e13]: E5 of the Bari test set.

y1' = −A y1 − B y1 y3,   y2' = A y1 − M C y2 y3,   y3' = A y1 − B y1 y3 − M C y2 y3 + C y4,   y4' = B y1 y3 − C y4

A = 7.89e-10, B = 1.1e7, C = 1.13e3 and M = 1e6 there. y3' is written as y2' − y4', which loses fewer digits. At the end
y1 and y4 are less than any error. W. H. Enright, T. E. Hull and B. Lindberg, BIT 15 (1975) 10; F. Mazzia and C.
Magherini, Test Set for Initial Value Problem Solvers, 2.4.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

ATOL = 1e-24  # y2, y3 and y4 are at most 1e-9 and at last 1e-22
FIRST = 1e-5
MEMBER = {"A": 7.89e-10, "B": 1.1e7}
END = np.array([0.1152903278711829e-290, 0.8867655517642120e-22, 0.8854814626268838e-22, 0.0])


def family() -> stlfast.Family:
    t, A, B, y1, y2, y3, y4 = sp.symbols("t A B y1 y2 y3 y4")
    C, M = 1.13e3, 1e6
    start, exchange, ending = A * y1, B * y1 * y3 - C * y4, M * C * y2 * y3
    return stlfast.Family(
        name="e5", t=t, y=[y1, y2, y3, y4], t_span=(0.0, 1e13), y0=[1.76e-3, 0.0, 0.0, 0.0],
        rhs=[-start - B * y1 * y3, start - ending, start - ending - exchange, exchange],
        params={A: stlfast.Range(1e-10, 1e-8), B: stlfast.Range(1e6, 1e8)},
    )  # fmt: skip
