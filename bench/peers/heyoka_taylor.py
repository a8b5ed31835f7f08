"""Taylor's method by heyoka: explicit, of an order that follows from the tolerance, with dense output.

One initial value: its adaptive integrator. Many: its batch integrator, as wide as the processor's vectors.
"""

from __future__ import annotations

from functools import cache, reduce
from operator import mul
from typing import Any

import numpy as np

from bench.peers import MOST_STEPS, Bind
from bench.problem import Problem
from stlfast.measure.timing import Run, repeated


def prepare(problem: Problem, most_steps: int = MOST_STEPS) -> Bind:
    import heyoka

    @cache
    def single(tolerance: float) -> Any:
        return heyoka.taylor_adaptive(system(problem), [0.0] * problem.family.n, tol=tolerance)

    @cache
    def batch(tolerance: float) -> Any:
        start = np.zeros((problem.family.n, heyoka.recommended_simd_size()))
        return heyoka.taylor_adaptive_batch(system(problem), start, tol=tolerance)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        p = problem.family.check_params(params)
        return _one(single(tolerance), p, y0, t, most_steps) if len(y0) == 1 else _many(batch(tolerance), p, y0, t)

    return bind


def _one(integrator: Any, p: np.ndarray, y0: np.ndarray, t: np.ndarray, most_steps: int) -> Run:
    (start,) = y0

    def call() -> np.ndarray:
        integrator.time = t[0]
        integrator.state[:] = start
        integrator.pars[:] = p[: len(integrator.pars)]
        return _finished(integrator.propagate_grid(t, max_steps=most_steps)[-1], len(t)).T[None]

    return repeated(call)


def _many(integrator: Any, p: np.ndarray, y0: np.ndarray, t: np.ndarray) -> Run:
    width = integrator.state.shape[1]
    padded = np.concatenate([y0, np.repeat(y0[-1:], -len(y0) % width, axis=0)]).T.copy()  # (n, B')
    y = np.empty((len(t), *padded.shape))
    times = np.repeat(t[:, None], width, axis=1)
    integrator.pars[:] = p[: len(integrator.pars), None]

    def call() -> np.ndarray:
        for k in range(0, padded.shape[1], width):
            integrator.set_time(t[0])
            integrator.state[:] = padded[:, k : k + width]
            y[:, :, k : k + width] = integrator.propagate_grid(times)[-1]
        return y.transpose(2, 1, 0)[: len(y0)]

    return repeated(call)


def _finished(y: np.ndarray, times: int) -> np.ndarray:
    """NaN where the integrator gave up, which then returns fewer rows."""
    return y if len(y) == times else np.full((times, y.shape[1]), np.nan)


def system(problem: Problem) -> list[tuple[Any, Any]]:
    """Pairs of a state and its derivative, the parameters as par[k].

    Without fractions such as 1/10, which from_sympy refuses as no binary ones, and with products for cubes and more:
    the derivatives of a general power divide by its base, which may be 0.
    """
    import heyoka
    import sympy as sp

    from stlfast.command.quick_bench import symbolic

    names, expressions = symbolic(problem.family)
    known = {names["t"]: heyoka.time}
    known |= {names[name]: heyoka.par[k] for k, name in enumerate(problem.family.params)}
    states = heyoka.make_vars(*problem.family.states)
    fractions = {q: sp.Float(float(q)) for f in expressions for q in f.atoms(sp.Rational) if not q.is_Integer}
    powers = {q for f in expressions for q in f.atoms(sp.Pow) if q.exp.is_Integer and q.exp > 2 and q.base.is_Symbol}
    products = {power: sp.Symbol(f"power{k}") for k, power in enumerate(sorted(powers, key=str))}
    for power, product in products.items():
        known[product] = reduce(mul, [heyoka.from_sympy(power.base, known)] * int(power.exp))
    expressions = [f.xreplace(fractions).xreplace(products) for f in expressions]
    return [(y, heyoka.from_sympy(f, known)) for y, f in zip(states, expressions, strict=True)]


def rhs(problem: Problem, params: dict[str, Any], t: float, y: np.ndarray) -> np.ndarray:
    import heyoka

    pairs = system(problem)
    compiled = heyoka.cfunc([f for _, f in pairs], vars=[state for state, _ in pairs])
    used = problem.family.check_params(params)[: compiled.nparams]
    return compiled(y, pars=used, time=t) if compiled.is_time_dependent else compiled(y, pars=used)
