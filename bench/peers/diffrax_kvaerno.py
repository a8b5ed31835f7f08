"""Kvaerno5 by diffrax, the implicit method of order 5, compiled by XLA in float64; vmap over initial values.

Between steps diffrax interpolates by cubics, which for a small error takes more steps than the method would. Stepping
to every output time instead does not help: the transient before the first of them is interpolated all the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.peers import Bind
from bench.problem import Problem
from stlfast.command.quick_bench import function, source, unpacked
from stlfast.measure.timing import Run, repeated


def prepare(problem: Problem) -> Bind:
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    import diffrax
    import jax.numpy as jnp

    term = diffrax.ODETerm(_rhs(problem))

    def solve(p: Any, y0: Any, t: Any, rtol: float, atol: float) -> Any:
        steps = diffrax.PIDController(rtol=rtol, atol=atol)
        solution = diffrax.diffeqsolve(
            term, diffrax.Kvaerno5(), t[0], t[-1], None, y0, p, saveat=diffrax.SaveAt(ts=t), stepsize_controller=steps,
            max_steps=None, throw=False,
        )  # fmt: skip
        return solution.ys.T

    one, many = jax.jit(solve), jax.jit(jax.vmap(solve, in_axes=(None, 0, None, None, None)))

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        tolerances = tolerance, problem.atol(params, tolerance)
        p, start, times = map(jnp.asarray, (problem.family.check_params(params), y0, t))
        if len(y0) == 1:
            return repeated(lambda: np.asarray(one(p, start[0], times, *tolerances))[None])
        return repeated(lambda: np.asarray(many(p, start, times, *tolerances)))

    return bind


def _rhs(problem: Problem) -> Any:
    import jax.numpy as jnp

    unpack = f"{unpacked(problem.family.states, 'y')}\n{unpacked(problem.family.params, 'p')}"
    derivatives = function(source(problem.family, "t, y, p", unpack), jnp)
    return lambda t, y, p: jnp.stack(derivatives(t, y, p))


def rhs(problem: Problem, params: dict[str, Any], t: float, y: np.ndarray) -> np.ndarray:
    import jax

    jax.config.update("jax_enable_x64", True)
    return np.asarray(_rhs(problem)(t, y, problem.family.check_params(params)))
