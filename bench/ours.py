"""stlfast as a contender: its default solve, a member held fixed, sweeps, and the variants that explain its speed.

An answer at other times than the grid comes from the model's closed form, so that its error can be taken over all the
points that the competitors' is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import stlfast
from bench.peers import Absent, Bind
from bench.problem import Problem
from bench.steps import PAPER
from stlfast.timing import Run, repeated


@cache
def compiled(problem: Problem, basis: str) -> stlfast.Model:
    """The shipped body's model on another basis, or with the paper's way to solve."""
    model = problem.model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a tolerance that is not reached shows in the error
        if basis == "paper":
            return stlfast.compile(problem.family, model.body, **PAPER)
        return stlfast.compile(problem.family, model.body, basis, tol=model.passport["compile"]["tol"])


def prepare(problem: Problem, basis: str | None = None, **options: Any) -> Bind:
    """Model.solve; the family's own initial values are not passed."""
    model = problem.model if basis is None else compiled(problem, basis)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        (start,) = y0
        arguments = {**options, **params}
        if not np.array_equal(start, problem.family.y0):
            arguments["y0"] = start
        if t is not problem.grid:
            arguments["t"] = t
        return _values(repeated(lambda: model.solve(**arguments)))

    return bind


def prepare_fixed(problem: Problem, into_out: bool = False) -> Bind:
    """Model.at once, then Member.solve for each initial value."""
    _require(hasattr(problem.model, "at"), "Model.at")

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        (start,) = y0
        fixed, out = problem.model.at(**params), np.empty((problem.family.n, len(t)))
        if t is not problem.grid:
            return lambda calls: problem.model.solve(start, t, **params).y[None]
        if into_out:
            fill = repeated(lambda: fixed.solve(start, out=out))

            def run(calls: int) -> np.ndarray:
                fill(calls)
                return out[None]

            return run
        return _values(repeated(lambda: fixed.solve(start)))

    return bind


def prepare_many(problem: Problem) -> Bind:
    """Model.solve_many on one thread, into an array of the caller's."""
    _require(hasattr(problem.model, "solve_many"), "Model.solve_many")

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        if t is not problem.grid:
            return lambda calls: np.array([problem.model.solve(start, t, **params).y for start in y0])
        out = np.empty((*y0.shape, len(t)))
        fill = repeated(lambda: problem.model.solve_many(y0=y0, threads=1, out=out, **params))

        def run(calls: int) -> np.ndarray:
            fill(calls)
            return out

        return run

    return bind


def _values(run: Callable[[int], Any]) -> Run:
    return lambda calls: run(calls).y[None]


def _require(there: bool, what: str) -> None:
    if not there:
        raise Absent(f"this stlfast ({stlfast.__version__}) has no {what}")
