"""BDF by SUNDIALS' CVODE in C++, with the dense analytic Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import native
from bench.peers import Absent, Bind
from bench.problem import Problem
from stlfast.measure.timing import Run


def prepare(problem: Problem) -> Bind:
    library = native.peers()
    if library.cvode_version() is None:
        raise Absent("SUNDIALS was not found when the C++ competitors were built: apt install libsundials-dev")

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        member, y = native.member(problem, params), np.empty((*y0.shape, len(t)))
        atol = problem.atol(params, tolerance)

        def run(calls: int) -> np.ndarray:
            if not library.cvode_repeat(calls, *member, y0, len(y0), tolerance, atol, t, len(t), y):
                y[:] = np.nan
            return y

        return run

    return bind


def rhs(problem: Problem, params: dict[str, Any], t: float, y: np.ndarray) -> np.ndarray:
    dy = np.empty_like(y)
    native.peers().bench_rhs(*native.member(problem, params), t, y, dy)
    return dy
