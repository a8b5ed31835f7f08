"""A drug that is absorbed into two compartments, a dose every 12 hours: pharmacokinetics over three days.

depot' = −ka depot,   central' = ka depot − ke central − x,   peripheral' = x = k12 central − k21 peripheral

Amounts over that of a dose, rates per hour; the first dose is the initial value. M. Gibaldi and D. Perrier,
Pharmacokinetics (1982).
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

DOSE_TIMES = (12.0, 24.0, 36.0, 48.0, 60.0)


def family() -> stlfast.Family:
    t, ka, ke, k12, k21, depot, central, peripheral = sp.symbols("t ka ke k12 k21 depot central peripheral")
    exchange = k12 * central - k21 * peripheral
    return stlfast.Family(
        name="two_compartments", t=t, y=[depot, central, peripheral],
        rhs=[-ka * depot, ka * depot - ke * central - exchange, exchange], t_span=(0.0, 72.0),
        params={
            ka: stlfast.Range(0.1, 10.0), ke: stlfast.Range(0.01, 1.0), k12: stlfast.Range(0.01, 10.0),
            k21: stlfast.Range(0.01, 10.0),
        },
        y0=[1.0, 0.0, 0.0], doses=[(time, {depot: 1}) for time in DOSE_TIMES],
    )  # fmt: skip


def exact(t: np.ndarray, y0: np.ndarray, *, ka: float, ke: float, k12: float, k21: float) -> np.ndarray:
    """Both modes of the compartments answer to e^{−ka s} after each dose; at the very time of a dose, after it."""
    rates, V = np.linalg.eig([[-ke - k12, k21], [k12, -k21]])
    weights, start = np.linalg.solve(V, [1.0, 0.0])[:, None], np.linalg.solve(V, y0[1:])[:, None]
    slower, gap = np.maximum(rates, -ka)[:, None], np.abs(rates + ka)[:, None]
    y = np.concatenate([np.zeros((1, len(t))), V @ (start * np.exp(np.outer(rates, t)))])
    for time, size in ((0.0, y0[0]), *((time, 1.0) for time in DOSE_TIMES)):
        given, s = size * (t >= time), np.maximum(t - time, 0.0)
        y[0] += given * np.exp(-ka * s)
        y[1:] += given * (V @ (weights * ka * np.exp(slower * s) * -np.expm1(-gap * s) / gap))
    return y
