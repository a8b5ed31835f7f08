"""SciPy's solve_ivp: right-hand side in plain Python floats, the constant Jacobian, dense output at the times."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from bench.peers import Bind
from bench.problem import Problem
from stlfast.bench import function, source
from stlfast.timing import Run, repeated


def prepare(problem: Problem, method: str) -> Bind:
    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        f, options = _rhs(problem, params), {"rtol": tolerance, "atol": tolerance, "method": method}
        J = problem.family.matrix(t[0], **params)
        options |= {"Radau": {"jac": J}, "LSODA": {"jac": lambda t, y: J}}.get(method, {})

        def call() -> np.ndarray:
            answers = [solve_ivp(f, (t[0], t[-1]), start, t_eval=t, **options) for start in y0]
            return np.array([a.y if a.success else np.full((y0.shape[1], len(t)), np.nan) for a in answers])

        return repeated(call)

    return bind


def _rhs(problem: Problem, params: dict[str, Any]) -> Any:
    constants = "\n".join(f"{name} = {value!r}" for name, value in params.items())
    return function(source(problem.family, "t, y", f"{', '.join(problem.family.states)} = y.tolist()\n{constants}"))


def rhs(problem: Problem, params: dict[str, Any], t: float, y: np.ndarray) -> np.ndarray:
    return np.array(_rhs(problem, params)(t, y))
