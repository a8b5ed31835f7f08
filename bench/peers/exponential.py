"""Exact solutions in C++, which exist for these problems and not for most.

The matrix exponential: one exponential of the grid's step and 511 products; the forcing of ncff as two more states.
The propagator table: of a member whose unit solutions were tabulated beforehand; n multiplications a value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import native
from bench.peers import Absent, Bind
from bench.problem import Problem
from stlfast.measure.timing import Run


def prepare(problem: Problem) -> Bind:
    _check(problem)
    library = native.peers()

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        member, y = native.member(problem, params), np.empty((*y0.shape, len(t)))

        def run(calls: int) -> np.ndarray:
            library.exponential_repeat(calls, *member, y0, len(y0), t, len(t), y)
            return y

        return run

    return bind


def prepare_table(problem: Problem) -> Bind:
    _check(problem)
    library = native.peers()

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        table = problem.table(params[problem.stiffness], t).copy()
        forced, y = problem.family.has_forcing, np.empty((*y0.shape, len(t)))

        def run(calls: int) -> np.ndarray:
            library.table_repeat(calls, table, y0, len(y0), forced, len(t), y)
            return y

        return run

    return bind


def _check(problem: Problem) -> None:
    if problem.family.nonlinear:
        raise Absent("for linear problems alone")
