"""LSODA by numbalsoda: compiled right-hand side and, where asked for, a compiled loop without Python round it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from bench.peers import MOST_STEPS, Bind
from bench.problem import Problem
from stlfast.command.quick_bench import numba_rhs
from stlfast.measure.timing import Run, repeated


def prepare(problem: Problem, compiled: bool = False) -> Bind:
    from numbalsoda import lsoda

    rhs = numba_rhs(problem.family)
    loop = compiled_loop() if compiled else None

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        p = problem.family.check_params(params)
        atol = problem.atol(params, tolerance)
        if loop is not None:
            y, each = np.empty((len(y0), len(t), y0.shape[1])), np.tile(p, (len(y0), 1))

            def run(calls: int) -> np.ndarray:
                loop(calls, rhs.address, y0, t, each, tolerance, atol, y)
                return y.transpose(0, 2, 1)

            return run

        def call() -> np.ndarray:
            y, success = lsoda(rhs.address, start, t, p, tolerance, atol, MOST_STEPS)
            return y.T[None] if success else np.full(1, np.nan)

        (start,) = y0
        return repeated(call)

    return bind


@cache
def compiled_loop() -> Any:
    """numbalsoda.lsoda's body in a loop over initial values (B, n) and parameters (B, P), without its allocations."""
    import numba
    from numbalsoda.driver import lsoda_wrapper

    @numba.njit
    def loop(calls, address, y0, t, p, rtol, atol, y):  # type: ignore[no-untyped-def]
        success = np.array(0, np.int32)
        for _ in range(calls):
            for i in range(len(y0)):
                lsoda_wrapper(
                    address, y0.shape[1], y0[i].ctypes.data, p[i].ctypes.data, len(t), t.ctypes.data, y[i].ctypes.data,
                    rtol, atol, MOST_STEPS, success.ctypes.data,
                )  # fmt: skip
                if success != 1:
                    y[i] = np.nan

    return loop


def rhs(problem: Problem, params: dict[str, Any], t: float, y: np.ndarray) -> np.ndarray:
    dy = np.empty_like(y)
    p = problem.family.check_params(params)
    pointers = [array.ctypes.data_as(numba_rhs(problem.family).ctypes.argtypes[1]) for array in (y, dy, p)]
    numba_rhs(problem.family).ctypes(t, *pointers)
    return dy
