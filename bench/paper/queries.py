"""Many solves of one stiff member: with other initial values, another forcing, and both.

Forcings are sums of two sine waves of random amplitude and frequency on the last equation. Times are processor time of
one thread, one pass over all queries, for 512 uniform output times, where errors are taken too, at a stiffness of 150
in published labels. SciPy's tolerances are the loosest whose error is within 1e-6. Native solvers, for other initial
values, are measured by bench.compare, in C++ or compiled loops.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import stlfast
from bench import compare
from bench.contenders import CONTENDERS, CVODE, HEYOKA, NUMBALSODA_LOOP
from bench.paper import stl_pinn
from bench.paper.accuracy import stl_body
from bench.paper.problems import PaperProblem, finite
from bench.paper.run import Run, model_sha256
from bench.paper.timings import compared
from bench.problem import MANY
from bench.steps import PAPER, compiled
from stlfast import timing

ALPHA = 150.0
STARTS, FORCING, BOTH = KINDS = ("initial values", "forcing", "both")
CHECKED = 10  # solves whose error is measured
TARGET = 1e-6
TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(6, 25))
NATIVE = (NUMBALSODA_LOOP, HEYOKA, CVODE)
SERIES_ORDER = 5  # of the perturbation series, which is at its best from the third order on
Answer = Callable[["Query"], np.ndarray]  # y (n, 512)


@dataclass(frozen=True)
class Query:
    """Initial values (n,), and the amplitudes and frequencies of a forcing, None where it is the family's own."""

    y0: np.ndarray
    waves: np.ndarray | None  # (2, 2): amplitudes, then frequencies

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
    settings = {"solves": run.effort.solves, "slow": run.effort.slow_solves, "body": body.sha256, "alpha": ALPHA}
    settings |= {"model": model_sha256(problem.name), "versions": compare.versions()}
    key = f"queries/{problem.name}/{kind.replace(' ', '_')}"
    return run.cell(key, settings, lambda: _measure(run, problem, body, kind), timed=True)


def draw(problem: PaperProblem, kind: str, count: int) -> list[Query]:
    rng = np.random.default_rng(0)
    box = problem.family.y0_range if problem.family.y0_range is not None else np.array([[0.0, 5.0]] * problem.family.n)
    found = []
    for _ in range(count):
        y0 = problem.family.y0 if kind == FORCING else rng.uniform(*box.T)
        waves = None if kind == STARTS else np.array([rng.uniform(-1, 1, 2), rng.uniform(0.5, 2.0, 2)])
        found.append(Query(np.array(y0), waves))
    return found


def _measure(run: Run, problem: PaperProblem, body: stlfast.Body, kind: str) -> dict[str, Any]:
    asked, checked = draw(problem, kind, run.effort.solves), draw(problem, kind, CHECKED)
    truths = [_reference(problem, query, "LSODA", 1e-12) for query in checked]

    def error(solve: Answer) -> float:
        return float(np.max([np.abs(solve(q) - y).max() for q, y in zip(checked, truths, strict=True)]))

    found = {}
    for name, solve in _solvers(problem, body, kind).items():
        found[name] = _timed(solve, asked) | {"error": finite(error(solve))}
    for method in ("Radau", "RK45"):

        def with_tolerance(tolerance: float, m: str = method) -> Answer:
            return lambda query: _reference(problem, query, m, tolerance)

        tolerance, reached = timing.loosest(lambda tol, s=with_tolerance: error(s(tol)), TARGET, TOLERANCES)  # type: ignore[misc]
        if tolerance is not None:
            slow = asked[: run.effort.slow_solves]
            found[f"{method} (SciPy)"] = _timed(with_tolerance(tolerance), slow) | {"error": reached}
    if kind == STARTS:
        found |= _sweep(problem, asked, truths) | _native(run, problem)
    return found


def _timed(solve: Answer, asked: list[Query]) -> dict[str, Any]:
    solve(asked[-1])  # warms up
    started = time.thread_time()
    for query in asked:
        solve(query)
    return {"seconds": (time.thread_time() - started) / len(asked), "solves": len(asked)}


def _solvers(problem: PaperProblem, body: stlfast.Body, kind: str) -> dict[str, Answer]:
    params, family, model = problem.params(ALPHA), problem.family, stlfast.load(problem.name)
    if family.nonlinear:
        series = stl_pinn.series_solver(problem, body)
        (values,) = series.dictionary.core(body).evaluate(np.linspace(0.0, 1.0, 512))
        p = family.check_params(params)
        return {
            "ours": lambda q: model.solve(q.y0, **params).y,
            "paper's solve": lambda q: (
                values @ series.solve(p, q.y0, "perturbation", order=SERIES_ORDER).heads
            ).T,
        }  # fmt: skip
    fixed, bare = model.at(**params), model.at(certify=False, **params)
    paper = compiled(family, body, **PAPER).at(certify=False, **params)
    if kind == STARTS:
        return {"ours": lambda q: fixed.solve(q.y0).y, "paper's solve": lambda q: paper.solve(q.y0).y}
    return {
        "ours": lambda q: fixed.solve(q.y0, forcing=q.forcing(family.n)).y,
        "ours, without its bound": lambda q: bare.solve(q.y0, forcing=q.forcing(family.n)).y,
        "paper's solve": lambda q: paper.solve(q.y0, forcing=q.forcing(family.n)).y,
    }


def _sweep(problem: PaperProblem, asked: list[Query], truths: list[np.ndarray]) -> dict[str, Any]:
    """`solve_many`, on one thread."""
    model, Y0 = stlfast.load(problem.name), np.array([query.y0 for query in asked])
    params, out = problem.params(ALPHA), np.empty((len(Y0), problem.family.n, 512))
    model.solve_many(Y0, threads=1, out=out, **params)
    started = time.process_time()
    model.solve_many(Y0, threads=1, out=out, **params)
    seconds = (time.process_time() - started) / len(Y0)
    error = float(np.max([np.abs(y - truth).max() for y, truth in zip(out, truths, strict=False)]))
    return {"ours, solve_many": {"seconds": seconds, "solves": len(Y0), "error": finite(error)}}


def _native(run: Run, problem: PaperProblem) -> dict[str, Any]:
    """The native solvers of bench.compare on its own initial values in the same box; those that are there."""
    compare.warm_up()
    asked = compared(problem)
    bound, _, _ = compare.prepare(asked, [c for c in CONTENDERS if c.name in NATIVE])
    effort = compare.Effort(trajectories=run.effort.solves, checked=CHECKED, repeats=run.effort.repeats)
    records = compare.measure(asked, MANY, ALPHA / problem.label, bound, effort)
    return {
        record["contender"]: {"seconds": record["seconds"], "solves": record["solves"], "error": record["error"]}
        for record in records
        if record["target"] == TARGET
    }


def _reference(problem: PaperProblem, query: Query, method: str, tolerance: float) -> np.ndarray:
    options = {
        "method": method,
        "rtol": tolerance,
        "atol": 1e-2 * tolerance,
        "forcing": query.forcing(problem.family.n),
    }
    return problem.family.reference(query.y0, None, **options, **problem.params(ALPHA)).y
