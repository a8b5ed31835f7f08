"""Many solves of one stiff member: with other initial values, another forcing, and both.

Forcings are sums of two sine waves of random amplitude and frequency on the last equation: functions for a linear
model; or four more parameters of the family, for which a model is compiled, and which time windows and the paper's
series take as they are. Wall time of one thread, the median of ten batches of queries, for 512 uniform output times,
where errors are taken too, at a stiffness of 150 in published labels. SciPy's tolerances are the loosest whose error is
within 1e-6. Native solvers, for other initial values, are measured by bench.compare, in C++ or compiled loops.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import stlfast
from bench import compare
from bench.contenders import CONTENDERS, CVODE, HEYOKA, NUMBALSODA_LOOP
from bench.models import PAPER, compiled
from bench.paper import stl_pinn
from bench.paper.accuracy import stl_body
from bench.paper.problems import PaperProblem, finite
from bench.paper.run import Run, model_sha256
from bench.paper.timings import CLOCK, compared
from bench.problem import MANY
from stlfast.measure import timing

ALPHA = 150.0
STARTS, FORCING, BOTH = KINDS = ("initial values", "forcing", "both")
TARGET = 1e-6
TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(6, 25))
NATIVE = (NUMBALSODA_LOOP, HEYOKA, CVODE)
SERIES_ORDER = 5  # of the perturbation series, which is at its best from the third order on
BATCHES = 10  # of queries, each timed
AMPLITUDES, FREQUENCIES = (-1.0, 1.0), (0.5, 2.0)
COMPILED = "ours, compiled for these forcings"
WAVES = ("a1", "a2", "f1", "f2")  # as parameters: amplitudes, then frequencies
Answer = Callable[["Query"], np.ndarray]  # y (n, 512)


@dataclass(frozen=True)
class Query:
    """Initial values (n,), and the amplitudes and frequencies of a forcing, None where it is the family's own."""

    y0: np.ndarray
    waves: np.ndarray | None  # (2, 2): amplitudes, then frequencies

    @property
    def params(self) -> dict[str, Any]:
        """The waves as parameters of `waved`."""
        return {} if self.waves is None else dict(zip(WAVES, self.waves.ravel().tolist(), strict=True))

    def forcing(self, n: int) -> Callable[[np.ndarray], np.ndarray] | None:
        if self.waves is None:
            return None
        (a, b), (f, g) = self.waves

        def added(t: np.ndarray) -> np.ndarray:
            values = np.zeros((n, len(t)))
            values[-1] = a * np.sin(f * t) + b * np.sin(g * t)
            return values

        return added


def queries(run: Run, problem: PaperProblem, kind: str) -> dict[str, Any]:
    """By method: seconds a solve, how many were timed, and the largest error of those checked."""
    body = stl_body(run, problem, 0)
    effort = run.effort
    settings: dict[str, Any] = {"solves": effort.solves, "slow": effort.slow_solves, "checked": effort.checked}
    settings |= {"body": body.sha256, "model": model_sha256(problem.name), "versions": compare.versions()}
    settings |= {"alpha": ALPHA, "waves": [AMPLITUDES, FREQUENCIES], "series": SERIES_ORDER, "clock": CLOCK}
    settings |= {"batches": BATCHES}
    key = f"queries/{problem.name}/{kind.replace(' ', '_')}"
    return run.cell(key, settings, lambda: _measure(run, problem, body, kind), timed=True)


def draw(problem: PaperProblem, kind: str, count: int) -> list[Query]:
    rng = np.random.default_rng(0)
    box = problem.family.y0_range if problem.family.y0_range is not None else np.array([[0.0, 5.0]] * problem.family.n)
    found = []
    for _ in range(count):
        y0 = problem.family.y0 if kind == FORCING else rng.uniform(*box.T)
        waves = None if kind == STARTS else np.array([rng.uniform(*AMPLITUDES, 2), rng.uniform(*FREQUENCIES, 2)])
        found.append(Query(np.array(y0), waves))
    return found


def _measure(run: Run, problem: PaperProblem, body: stlfast.Body, kind: str) -> dict[str, Any]:
    asked, checked = draw(problem, kind, run.effort.solves), draw(problem, kind, run.effort.checked)
    truths = [_truth(problem, query) for query in checked]

    def error(solve: Answer) -> float:
        return float(np.max([np.abs(solve(q) - y).max() for q, y in zip(checked, truths, strict=True)]))

    model = None if kind == STARTS else waved_model(problem)
    solvers = (_nonlinear if problem.family.nonlinear else _linear)(problem, body, model)
    found = {name: _timed(solve, asked) | {"error": finite(error(solve))} for name, solve in solvers.items()}
    if model is not None:
        found[COMPILED]["compile"] = model.compile_seconds
    for method in ("Radau", "RK45"):

        def with_tolerance(tolerance: float, m: str = method) -> Answer:
            return lambda query: _scipy(problem, query, m, tolerance)

        tolerance, reached = timing.loosest(lambda tol, s=with_tolerance: error(s(tol)), TARGET, TOLERANCES)  # type: ignore[misc]
        if tolerance is not None:
            slow = asked[: run.effort.slow_solves]
            found[f"{method} (SciPy)"] = _timed(with_tolerance(tolerance), slow) | {"error": reached}
    if kind == STARTS:
        found |= _sweep(problem, asked, truths) | _native(run, problem)
    return found


def _timed(solve: Answer, asked: list[Query]) -> dict[str, Any]:
    solve(asked[-1])  # warms up
    seconds = []
    batches = min(BATCHES, len(asked))
    for batch in (asked[k::batches] for k in range(batches)):
        started = time.perf_counter()
        for query in batch:
            solve(query)
        seconds.append((time.perf_counter() - started) / len(batch))
    return {"seconds": float(np.median(seconds)), "solves": len(asked)}


@cache
def waved_model(problem: PaperProblem) -> Any:
    """Of Chebyshev polynomials; for the whole range of stiffness."""
    return stlfast.compile(waved(problem), problem.model.body, "chebyshev")


@cache
def waved(problem: PaperProblem) -> stlfast.Family:
    """The family with two waves on its last equation, whose amplitudes and frequencies are parameters, and no others
    but its stiffness.
    """
    import sympy as sp

    family = problem.family
    symbols = {name: sp.Symbol(name) for name in ("t", *family.states, *family.params, *WAVES)}
    rhs = [sp.sympify(equation.split("=")[1], symbols) for equation in family.equations]
    a1, a2, f1, f2 = (symbols[name] for name in WAVES)
    rhs[-1] += a1 * sp.sin(f1 * symbols["t"]) + a2 * sp.sin(f2 * symbols["t"])
    amplitude, frequency = (stlfast.Range(train=ends, solve=ends) for ends in (AMPLITUDES, FREQUENCIES))
    rhs = [expression.subs({symbols[name]: value for name, value in problem.others.items()}) for expression in rhs]
    params = {symbols[problem.stiffness]: family.params[problem.stiffness]}
    params |= {a1: amplitude, a2: amplitude, f1: frequency, f2: frequency}
    return stlfast.Family(
        name=f"{family.name} with two waves", t=symbols["t"], y=[symbols[name] for name in family.states], rhs=rhs,
        t_span=problem.span, stiffness=symbols[problem.stiffness], params=params, y0=family.y0.tolist(),
        y0_range=None if family.y0_range is None else family.y0_range.tolist(),
    )  # fmt: skip


def _linear(problem: PaperProblem, body: stlfast.Body, model: Any) -> dict[str, Answer]:
    """model: of `waved`, None where initial values alone are changed."""
    params, family, shipped = problem.params(ALPHA), problem.family, problem.model
    fixed, bare = shipped.at(**params), shipped.at(certify=False, **params)
    paper = compiled(family, body, **PAPER).at(certify=False, **params)
    if model is None:
        return {"ours": lambda q: fixed.solve(q.y0).y, "paper's solve": lambda q: paper.solve(q.y0).y}
    return {
        "ours": lambda q: fixed.solve(q.y0, forcing=q.forcing(family.n)).y,
        "ours, without its bound": lambda q: bare.solve(q.y0, forcing=q.forcing(family.n)).y,
        COMPILED: lambda q: model.solve(q.y0, **_stiff(problem), **q.params).y,
        "paper's solve": lambda q: paper.solve(q.y0, forcing=q.forcing(family.n)).y,
    }


def _nonlinear(problem: PaperProblem, body: stlfast.Body, model: Any) -> dict[str, Answer]:
    """model: as for `_linear`."""
    name, params = ("ours", problem.params(ALPHA)) if model is None else (COMPILED, _stiff(problem))
    used = problem.model if model is None else model
    family = used.family
    series = stl_pinn.series_solver(problem, body, family)
    (values,) = series.dictionary.core(body).evaluate(np.linspace(0.0, 1.0, 512))

    def paper(query: Query) -> np.ndarray:
        p = family.check_params(params | query.params)
        return (values @ series.solve(p, query.y0, "perturbation", order=SERIES_ORDER).heads).T

    return {
        name: lambda q: used.solve(q.y0, **params, **q.params).y,
        "ours, time windows": lambda q: used.solve(q.y0, method="windows", **params, **q.params).y,
        "paper's solve": paper,
    }


def _stiff(problem: PaperProblem) -> dict[str, Any]:
    """The one parameter of `waved` that no query changes."""
    return {problem.stiffness: problem.params(ALPHA)[problem.stiffness]}


def _sweep(problem: PaperProblem, asked: list[Query], truths: list[np.ndarray]) -> dict[str, Any]:
    """`solve_many`, on one thread."""
    model, Y0 = problem.model, np.array([query.y0 for query in asked])
    params, out = problem.params(ALPHA), np.empty((len(Y0), problem.family.n, 512))
    model.solve_many(Y0, threads=1, out=out, **params)
    seconds = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        model.solve_many(Y0, threads=1, out=out, **params)
        seconds.append((time.perf_counter() - started) / len(Y0))
    error = float(np.max([np.abs(y - truth).max() for y, truth in zip(out, truths, strict=False)]))
    return {"ours, solve_many": {"seconds": float(np.median(seconds)), "solves": len(Y0), "error": finite(error)}}


def _native(run: Run, problem: PaperProblem) -> dict[str, Any]:
    """The native solvers of bench.compare on its own initial values in the same box; those that are there."""
    compare.warm_up()
    asked = compared(problem)
    bound, _, _ = compare.prepare(asked, [c for c in CONTENDERS if c.name in NATIVE])
    effort = compare.Effort(trajectories=run.effort.solves, checked=run.effort.checked, repeats=run.effort.repeats)
    records = compare.measure(asked, MANY, ALPHA / problem.label, bound, effort, time.perf_counter)
    return {
        record["contender"]: {"seconds": record["seconds"], "solves": record["solves"], "error": record["error"]}
        for record in records
        if record["target"] == TARGET
    }


def _truth(problem: PaperProblem, query: Query) -> np.ndarray:
    """By the family with the waves as a function."""
    forcing = query.forcing(problem.family.n)
    return problem.family.reference(query.y0, None, "LSODA", 1e-12, 1e-14, forcing, **problem.params(ALPHA)).y


def _scipy(problem: PaperProblem, query: Query, method: str, tolerance: float) -> np.ndarray:
    """As fast as it gets: with the waves as parameters, where there are any."""
    options: dict[str, Any] = {"method": method, "rtol": tolerance, "atol": 1e-2 * tolerance}
    if query.waves is None:
        return problem.family.reference(query.y0, None, **options, **problem.params(ALPHA)).y
    return waved(problem).reference(query.y0, None, **options, **_stiff(problem), **query.params).y
