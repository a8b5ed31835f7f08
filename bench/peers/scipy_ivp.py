"""SciPy's solve_ivp: right-hand side in plain Python floats, the analytic Jacobian, dense output at the times.

Of many states the Jacobian is sparse, and LSODA, which takes no sparse one, is told its bands instead.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.integrate import RK45, solve_ivp
from scipy.linalg import bandwidth
from scipy.sparse import csc_array

from bench.peers import Bind
from bench.problem import Problem
from stlfast.command.quick_bench import function, source
from stlfast.measure.timing import Run, repeated

MOST_EXPLICIT_STEPS = 30_000  # seconds; an explicit method would take hours for Robertson's problem
SPARSE_FROM = 50  # states


class _RK45(RK45):  # type: ignore[misc]  # SciPy has no types
    """Which gives up."""

    steps = 0

    def _step_impl(self) -> tuple[bool, str | None]:
        self.steps += 1
        return super()._step_impl() if self.steps <= MOST_EXPLICIT_STEPS else (False, "too many steps")


def prepare(problem: Problem, method: str) -> Bind:
    explicit = method == "RK45"

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        atol = problem.atol(params, tolerance)
        f = _rhs(problem, params)
        options: dict[str, Any] = {"rtol": tolerance, "atol": atol, "method": _RK45 if explicit else method}
        if not explicit:
            jac = _jacobian(problem, params, method, t[0])
            if problem.family.n < SPARSE_FROM:
                options["jac"] = jac
            elif method == "LSODA":
                options |= zip(("lband", "uband"), _bands(problem, params), strict=True)
            else:
                options["jac"] = _sparse(jac) if callable(jac) else csc_array(jac)

        def call() -> np.ndarray:
            answers = [solve_ivp(f, (t[0], t[-1]), start, t_eval=t, **options) for start in y0]
            return np.array([a.y if a.success else np.full((y0.shape[1], len(t)), np.nan) for a in answers])

        return repeated(call)

    return bind


def _jacobian(problem: Problem, params: dict[str, Any], method: str, t: float) -> Any:
    if problem.family.nonlinear:
        return problem.family.jac(**params)
    J = problem.family.matrix(t, **params)
    return J if method == "Radau" else lambda t, y: J


def _sparse(jac: Any) -> Any:
    return lambda t, y: csc_array(jac(t, y))


def _bands(problem: Problem, params: dict[str, Any]) -> tuple[int, int]:
    """Of the Jacobian at a point where nothing is zero by chance."""
    y = np.random.default_rng(0).uniform(0.5, 1.0, problem.family.n)
    lower, upper = bandwidth(problem.family.jac(**params)(problem.family.t_span_at(**params)[0], y))
    return lower, upper


def _rhs(problem: Problem, params: dict[str, Any]) -> Any:
    constants = "\n".join(f"{name} = {value!r}" for name, value in params.items())
    f = function(source(problem.family, "t, y", f"{', '.join(problem.family.states)} = y.tolist()\n{constants}"))
    beyond = [math.inf] * problem.family.n

    def finite_or_inf(t: float, y: np.ndarray) -> Any:
        try:
            return f(t, y)
        except OverflowError:  # which Python raises where NumPy says inf, and a solver would take a smaller step
            return beyond

    return finite_or_inf


def rhs(problem: Problem, params: dict[str, Any], t: float, y: np.ndarray) -> np.ndarray:
    return np.array(_rhs(problem, params)(t, y))
