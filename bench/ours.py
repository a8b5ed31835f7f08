"""stlfast as a contender: its default solve, a member held fixed, sweeps, and the variants that explain its speed."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import stlfast
from bench import native
from bench.peers import Absent, Bind
from bench.problem import Problem
from bench.steps import PAPER
from stlfast.model import SHIPPED
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

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        (start,) = y0
        fixed = problem.model.at(t=None if t is problem.grid else t, **params)
        out = {"out": np.empty((problem.family.n, len(t)))} if into_out else {}
        return _values(repeated(lambda: fixed.solve(start, **out)))

    return bind


def prepare_many(problem: Problem) -> Bind:
    """Model.solve_many on one thread, into an array of the caller's."""

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        out = np.empty((*y0.shape, len(t)))
        observe = None if t is problem.grid else t
        solve = repeated(lambda: problem.model.solve_many(y0, observe=observe, threads=1, out=out, **params))

        def run(calls: int) -> np.ndarray:
            solve(calls)
            return out

        return run

    return bind


def prepare_cpp(problem: Problem, certify: bool = True) -> Bind:
    """Model::solve and its values in C++, on the shipped file; at other times than the grid, Model::evaluate."""
    library = native.ours()
    model = _opened(problem)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        p, y = problem.family.check_params(params), np.empty((*y0.shape, len(t)))
        on_grid = y if t is problem.grid else np.empty((*y0.shape, len(problem.grid)))

        def run(calls: int) -> np.ndarray:
            library.model_repeat(calls, model, p, y0, certify, on_grid)
            if t is not problem.grid:
                library.model_evaluate(1, model, _scaled(problem, t), len(t), y)
            return y

        return run

    return bind


def prepare_fixed_cpp(problem: Problem) -> Bind:
    """Member::solve in C++; away from the grid the error is that of Model.solve, whose answer is the same."""
    library = native.ours()
    model = _opened(problem)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        if t is not problem.grid:
            return lambda calls: problem.model.solve(y0[0], t, **params).y[None]
        member, y = library.member_open(model, problem.family.check_params(params)), np.empty((*y0.shape, len(t)))

        def run(calls: int) -> np.ndarray:
            library.member_repeat(calls, member, y0, y)
            return y

        weakref.finalize(run, library.member_close, member)
        return run

    return bind


@cache
def _opened(problem: Problem) -> Any:
    model = native.ours().model_open(str(SHIPPED / f"{problem.name}.safetensors").encode())
    if model is None:
        raise Absent("stlfast's C++ interface cannot load the shipped file")
    return model


def _scaled(problem: Problem, t: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray((t - problem.grid[0]) / (problem.grid[-1] - problem.grid[0]))


def _values(run: Callable[[int], Any]) -> Run:
    return lambda calls: run(calls).y[None]
