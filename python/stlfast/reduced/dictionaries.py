"""Which functions a family of ODEs is compiled on, and at which points.

A dictionary: the functions that solutions are expanded in. Dilation κ: a feature h(κ x), the same function on a shorter
time scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from ..equations.ode.family import Family
from ..features.body import Body
from ..features.dictionary import ROW_WEIGHTS, Dictionary
from .nonlinear import time_scale

BASES = ("body", "random", "chebyshev")
POINTS_TAU = 1e-3  # knee of the log time that collocation points are spread in
FEWEST_POINTS = 16  # with fewer nothing worth solving is resolved
POINTS, POINTS_PER_FUNCTION = 400, 3  # where the number is not given
DILATION_RATIO = 8.0  # largest step between neighbouring dilations
DILATION_MARGIN = 2.5  # the steepest dilation over the ratio of the stiffest member to the stiffest trained one
ROOM = 1.25  # Chebyshev polynomials in a dictionary over those that a family's solutions need


def dictionary_of(
    family: Family, body: Body | None, basis: str, ladder: Sequence[float], constant: bool, seed: int
) -> tuple[Dictionary, Body | None, float]:
    """The dictionary, the body that it is made of, and the knee of the log time for its points."""
    if basis == "random" and body is not None:
        body = Body.random(body.sizes[1:], body.activation, body.input, body.tau, seed)
    tau, length = time_scale(family) if family.nonlinear or body is None else (POINTS_TAU, 0)
    if basis != "chebyshev":
        return Dictionary(tuple(ladder), constant), body, tau
    # As many as the body's dictionary has or, without one, as solutions take.
    functions = math.ceil(ROOM * length) if body is None else int(constant) + body.m * len(ladder)
    return Dictionary(constant=constant, functions=functions, tau=tau), None, tau


def dilations_of(family: Family, body: Body | None, dilations: str | Sequence[float]) -> list[float]:
    if isinstance(dilations, (Sequence, np.ndarray)) and not isinstance(dilations, str):
        return [float(k) for k in dilations]
    if dilations != "auto":
        raise ValueError(f"dilations must be 'auto' or a list of numbers, got {dilations!r}")
    interval = None if family.stiffness is None else family.params[family.stiffness]
    if interval is None or interval.train is None or body is None or body.activation != "tanh":
        return [1.0]
    ratio = interval.solve[1] / interval.train[1]
    if ratio <= 1:
        return [1.0]
    top = DILATION_MARGIN * ratio
    steps = math.ceil(math.log(top) / math.log(DILATION_RATIO))
    return [top ** (k / steps) for k in range(steps + 1)]


def points_of(points: int | np.ndarray | None, tau: float, functions: int) -> np.ndarray:
    if points is None:
        points = max(POINTS, POINTS_PER_FUNCTION * functions)
    if isinstance(points, (int, np.integer)):
        if points < FEWEST_POINTS:
            raise ValueError(f"points must be at least {FEWEST_POINTS}, got {points}")
        return _core.Points.log_time(int(points), tau).x
    given = np.ascontiguousarray(points)
    if given.ndim != 1 or given.dtype.kind not in "iuf" or len(given) < FEWEST_POINTS:
        raise ValueError(f"points must be an integer or at least {FEWEST_POINTS} increasing numbers, got {points!r}")
    return given.astype(np.float64)


def check_rank(name: str, rank: Any) -> None:
    if rank != "auto" and not (isinstance(rank, (int, np.integer)) and not isinstance(rank, bool) and rank >= 1):
        raise ValueError(f"{name} must be 'auto' or a positive integer, got {rank!r}")


def check_options(body: Any, basis: str, row_weights: str, tol: Any) -> None:
    """ValueError for a basis that needs a body which is not there, and for options that do not exist."""
    if basis not in BASES:
        raise ValueError(f"unknown basis {basis!r}; known: {', '.join(BASES)}")
    if not (isinstance(body, Body) or (body is None and basis == "chebyshev")):
        raise ValueError(
            f"basis={basis!r} needs a body: from stlfast.train_body, stlfast.Body or Body.load; basis='chebyshev' goes "
            f"without; got {type(body).__name__}"
        )
    if row_weights not in ROW_WEIGHTS:
        raise ValueError(f"unknown row_weights {row_weights!r}; known: {', '.join(ROW_WEIGHTS)}")
    if not (isinstance(tol, (int, float)) and 0 < tol < math.inf):
        raise ValueError(f"tol must be a positive number, got {tol!r}")
