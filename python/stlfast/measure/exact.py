"""Answers to compare with: exact to rounding, and independent of everything that the solver uses."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..equations.ode.family import Family, Forcing

DEGREE = 5  # of the forcing's interpolant in each step
LARGEST_STEP = 1 / 500  # share of t_span; a forcing that swings within it needs a smaller one


def point_set(t0: float, t1: float) -> np.ndarray:
    """Where accuracy is reported: 512 uniform times with 512 logarithmic ones from 1e-5 of t_span on, and t0."""
    x = np.union1d(np.linspace(0.0, 1.0, 512), np.geomspace(1e-5, 1.0, 512))
    return t0 + (t1 - t0) * x


def exact(
    family: Family,
    t: np.ndarray,
    y0: Sequence[float] | np.ndarray | None = None,
    forcing: Forcing | None = None,
    **params: float,
) -> np.ndarray:
    """y (n, N) at increasing times t (N,) of a member with constant A, from one matrix exponential a step.

    Each step is y(t + h) = e^{hA} y + ∫₀ʰ e^{(h−s)A} b(t + s) ds with b replaced by its Chebyshev interpolant, exactly
    integrated by the exponential of an augmented matrix (Al-Mohy & Higham 2011, theorem 2.1).
    forcing: t (N,) → (n, N), added to the family's. ValueError where A varies with time or the family is nonlinear.
    """
    from scipy.linalg import expm

    family.check_linear("the matrix exponential")
    if not family.constant_A:
        raise ValueError(f"family {family.name!r} has a matrix that varies with time: use Family.reference")
    t0, t1 = family.t_span_at(**params)
    A, n = family.matrix(t0, **params), family.n
    y = np.array(family.y0 if y0 is None else y0, dtype=np.float64)
    stops = np.union1d(t, np.linspace(t0, t1, round(1 / LARGEST_STEP) + 1))
    stops = stops[stops <= t[-1]]
    nodes = 0.5 - 0.5 * np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    to_taylor = np.linalg.inv(np.vander(nodes, increasing=True))  # values at the nodes → coefficients of (s/h)^j
    factorial = np.cumprod([1.0, *range(1, DEGREE + 1)])
    values = {t0: y}
    for start, stop in itertools.pairwise(stops):
        h = stop - start
        b = family.forcing(start + h * nodes, **params)  # (n, DEGREE + 1)
        if forcing is not None:
            b = b + forcing(start + h * nodes)
        taylor = to_taylor @ b.T * factorial[:, None]
        big = np.zeros((n + DEGREE + 1, n + DEGREE + 1))
        big[:n, :n] = h * A
        big[:n, n:] = h * taylor[::-1].T
        big[n:-1, n + 1 :] = np.eye(DEGREE)
        y = expm(big)[:n] @ np.concatenate([y, np.zeros(DEGREE), [1.0]])
        values[stop] = y
    result: np.ndarray = np.array([values[time] for time in t]).T
    return result


def truth(family: Family, t: np.ndarray, y0: Sequence[float] | np.ndarray | None = None, **params: Any) -> np.ndarray:
    """y (n, N) at increasing times t (N,): `exact` or, of a nonlinear family, LSODA at its sharpest, to about 1e-10."""
    if family.nonlinear:
        result: np.ndarray = family.reference(y0, t, "LSODA", **params).y
        return result
    return exact(family, t, y0, **params)
