"""stlfast as a contender: its default solve, a member held fixed, sweeps, and the variants that explain its speed.

Nonlinear models are held to their own default tolerance, except on time windows, which take the comparison's.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

import stlfast
from bench import native
from bench.models import PAPER, compiled
from bench.peers import Absent, Bind
from bench.problem import Nonlinear, Problem
from stlfast.command import demo
from stlfast.loading import SHIPPED
from stlfast.measure.timing import Run, repeated


@cache
def on_basis(problem: Problem, basis: str) -> stlfast.Model:
    """The shipped body's model on another basis, or with the paper's way to solve."""
    model = problem.model
    if basis == "paper":
        return compiled(problem.family, model.body, **PAPER)
    try:
        return compiled(problem.family, model.body, basis, tol=model.passport["compile"]["tol"])
    except ValueError as error:
        raise Absent(f"does not compile: {error}") from error


def prepare(problem: Problem, basis: str | None = None, **options: Any) -> Bind:
    """Model.solve; the family's own initial values are not passed."""
    if problem.family.nonlinear:
        if basis is not None:
            raise Absent("for linear problems alone")
        return _prepare_nonlinear(problem, **options)
    model = problem.model if basis is None else on_basis(problem, basis)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        (start,) = y0
        arguments = {**options, **params}
        if not np.array_equal(start, problem.family.y0):
            arguments["y0"] = start
        if not problem.is_grid(t):
            arguments["t"] = t
        return _values(repeated(lambda: model.solve(**arguments)))

    return bind


def _prepare_nonlinear(problem: Problem, reduced: bool = True, **options: Any) -> Bind:
    """NonlinearModel.solve, or Newton's method on its full dictionary."""
    if reduced:
        _check_bands(problem)
    else:
        options["method"] = "newton"

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        arguments = {**options, **params, **({} if problem.is_grid(t) else {"t": t})}
        (start,) = y0
        return _solved(repeated(lambda: problem.model.solve(start, **arguments)))

    return bind


def prepare_windows(problem: Problem, certify: bool = True) -> Bind:
    """Windows.solve, for which nothing is prepared."""
    if not problem.family.nonlinear:
        raise Absent("for nonlinear problems alone")
    solve = partial(stlfast.Windows(problem.family).solve, certify=certify, fallback=False)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        arguments = {**params, **({} if problem.is_grid(t) else {"t": t})}
        arguments |= {"rtol": tolerance, "atol": problem.atol(params, tolerance)}
        (start,) = y0
        return _solved(repeated(lambda: solve(start, **arguments)))

    return bind


def about_windows(problem: Nonlinear, alpha: float, tolerance: float) -> dict[str, Any]:
    """Of the solve at the problem's points: the largest estimate, measured as errors are, also over the true error
    anywhere; windows, Newton's iterations of the last pass, and digits at the end.
    """
    t, params, y0 = problem.points(alpha), problem.params(alpha), problem.family.y0
    tolerances: dict[str, Any] = {"rtol": tolerance, "atol": problem.atol(params, tolerance)}
    answer = stlfast.Windows(problem.family).solve(t=t, fallback=False, **tolerances, **params)
    assert answer.error_estimate is not None
    estimate = float((answer.error_estimate / problem.scale(alpha)).max())
    true = problem.error(alpha, y0[None], t, answer.y[None], everywhere=True)
    found = {"estimate": estimate, "over_true": estimate / true}
    found |= {"windows": answer.windows, "iterations": answer.iterations}
    return (
        found if problem.digits is None else found | {"digits": round(float(problem.digits(answer.y[:, -1]).min()), 1)}
    )


def prepare_fixed(problem: Problem, into_out: bool = False) -> Bind:
    """Model.at once, then Member.solve for each initial value."""
    _check_linear(problem)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        (start,) = y0
        fixed = problem.model.at(t=None if problem.is_grid(t) else t, **params)
        out = {"out": np.empty((problem.family.n, len(t)))} if into_out else {}
        return _values(repeated(lambda: fixed.solve(start, **out)))

    return bind


def prepare_many(problem: Problem, certify: bool = True) -> Bind:
    """Model.solve_many on one thread, into an array of the caller's."""
    _check_bands(problem)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        out = np.empty((*y0.shape, len(t)))
        observe = None if problem.is_grid(t) else t
        options = {"observe": observe, "certify": certify, "threads": 1, "out": out}
        solve = repeated(lambda: problem.model.solve_many(y0, **options, **params))

        def run(calls: int) -> np.ndarray:
            solve(calls)
            return out

        return run

    return bind


def prepare_many_cpp(problem: Problem) -> Bind:
    """solve_many in C++ on one thread; away from the grid the error is that of Model.solve_many."""
    library, model = native.ours(), _opened(problem)
    sweep = library.nonlinear_sweep if problem.family.nonlinear else library.model_sweep
    in_python = prepare_many(problem)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        if not problem.is_grid(t):
            return in_python(params, y0, t, tolerance)
        p, y = problem.family.check_params(params), np.empty((*y0.shape, len(t)))

        def run(calls: int) -> np.ndarray:
            sweep(calls, model, p, y0, len(y0), y)
            return y

        return run

    return bind


def prepare_cpp(problem: Problem, certify: bool = True) -> Bind:
    """Model::solve and its values in C++, on the shipped file; at other times than the grid, Model::evaluate."""
    library, model, nonlinear = native.ours(), _opened(problem), problem.family.nonlinear

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        p, y = problem.family.check_params(params), np.empty((*y0.shape, len(t)))
        on_grid = y if problem.is_grid(t) else np.empty((*y0.shape, demo.POINTS))
        x = np.ascontiguousarray((t - t[0]) / (t[-1] - t[0]))

        def run(calls: int) -> np.ndarray:
            if nonlinear:
                if not library.nonlinear_repeat(calls, model, p, y0, certify, on_grid):
                    on_grid[:] = np.nan
                elif y is not on_grid:
                    library.nonlinear_evaluate(model, x, len(x), y)
                return y
            library.model_repeat(calls, model, p, y0, certify, on_grid)
            if y is not on_grid:
                library.model_evaluate(1, model, x, len(x), y)
            return y

        return run

    return bind


def prepare_fixed_cpp(problem: Problem) -> Bind:
    """Member::solve in C++; away from the grid the error is that of Model.solve, whose answer is the same."""
    _check_linear(problem)
    library, model = native.ours(), _opened(problem)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Run:
        if not problem.is_grid(t):
            return lambda calls: problem.model.solve(y0[0], t=t, **params).y[None]
        member, y = library.member_open(model, problem.family.check_params(params)), np.empty((*y0.shape, len(t)))

        def run(calls: int) -> np.ndarray:
            library.member_repeat(calls, member, y0, y)
            return y

        weakref.finalize(run, library.member_close, member)
        return run

    return bind


@cache
def _opened(problem: Problem) -> Any:
    _check_bands(problem)
    library = native.ours()
    load = library.nonlinear_open if problem.family.nonlinear else library.model_open
    model = load(str(SHIPPED / f"{problem.name}.safetensors").encode())
    if model is None:
        raise Absent("stlfast's C++ interface cannot load the shipped file")
    return model


def _check_linear(problem: Problem) -> None:
    if problem.family.nonlinear:
        raise Absent("for linear problems alone")


def _check_bands(problem: Problem) -> None:
    if not problem.model.passport["compile"]["ranks"]:
        raise Absent("no reduced basis, so that it solves on time windows")


def _values(run: Callable[[int], Any]) -> Run:
    return lambda calls: run(calls).y[None]


def _solved(run: Callable[[int], Any]) -> Run:
    """NaN where the solver says that it failed."""

    def values(calls: int) -> np.ndarray:
        solution = run(calls)
        return solution.y[None] if solution.success else np.full((1, *solution.y.shape), np.nan)

    return values
