"""Radioactive decay in a chain of five: N_1' = −λ_1 N_1, N_i' = λ_{i−1} N_{i−1} − λ_i N_i on [0, 1000].

λ = (a, k, k, 1, 0.1) per day, over six decades, two of them equal; N over the number of parents at the beginning. The
second and third nuclide are in equilibrium with the parent at a/k of it. H. Bateman, Proc. Cambridge Phil. Soc. 15
(1910) 423.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

ATOL = 1e-13  # for nuclides of a millionth of the parent


def family() -> stlfast.Family:
    t, a, k = sp.symbols("t a k")
    y = sp.symbols("N1:6")
    decays = [rate * N for rate, N in zip((a, k, k, 1, sp.Rational(1, 10)), y, strict=True)]
    return stlfast.Family(
        name="bateman", t=t, y=y, rhs=[-decays[0]] + [decays[i - 1] - decays[i] for i in range(1, 5)],
        t_span=(0.0, 1000.0), stiffness=k, params={a: stlfast.Range(1e-3, 1e-2), k: stlfast.Range(10.0, 1000.0)},
        y0=[1.0, 0.0, 0.0, 0.0, 0.0],
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, a: float, k: float) -> np.ndarray:
    """N_i = Σ_j N_j(0) λ_j ⋯ λ_{i−1} e[j, i], with the divided differences of e^{−λt} at λ_j … λ_i."""
    rates, n = np.array([a, k, k, 1.0, 0.1]), 5
    e = np.zeros((n, n, len(t)))
    for i in range(n):
        e[i, i] = np.exp(-rates[i] * t)
        for j in reversed(range(i)):
            gap = rates[j] - rates[i]
            e[j, i] = t * e[i, i] if gap == 0 else (e[j + 1, i] - e[j, i - 1]) / gap
    return np.array([sum(y0[j] * np.prod(rates[j:i]) * e[j, i] for j in range(i + 1)) for i in range(n)])
