"""Many solves of one stiff member: with other initial values, another forcing, and both.

Forcings are sums of two sine waves of random amplitude and frequency on the last equation. Times are of one thread, for
512 output times, at a stiffness of 150 in published labels; errors against SciPy's LSODA at rtol = 1e-12.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import stlfast
from bench.paper.accuracy import stl_body
from bench.paper.problems import PaperProblem
from bench.paper.run import Run
from bench.steps import PAPER, compiled

ALPHA = 150.0
KINDS = ("initial values", "forcing", "both")
CHECKED = 10  # solves whose error is measured
TOLERANCE = {"rtol": 1e-6, "atol": 1e-8}  # of Radau and RK45


@dataclass(frozen=True)
class Query:
    """Initial values (n,), and the amplitudes and frequencies of a forcing, None where it is the family's own."""

    y0: np.ndarray
    waves: np.ndarray | None  # (2, 2): amplitude and frequency of each wave

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
    """By method: microseconds a solve, how many were timed, and the largest error of those checked."""
    body = stl_body(run, problem, 0)
    settings = {"solves": run.effort.solves, "slow": run.effort.slow_solves, "body": body.sha256, "alpha": ALPHA}
    key = f"queries/{problem.name}/{kind.replace(' ', '_')}"
    return run.cell(key, settings, lambda: _measure(run, problem, body, kind), timed=True)


def draw(problem: PaperProblem, kind: str, count: int) -> list[Query]:
    rng = np.random.default_rng(0)
    box = problem.family.y0_range if problem.family.y0_range is not None else np.array([[0.0, 5.0]] * problem.family.n)
    found = []
    for _ in range(count):
        y0 = problem.family.y0 if kind == "forcing" else rng.uniform(*box.T)
        waves = None if kind == "initial values" else np.array([rng.uniform(-1, 1, 2), rng.uniform(0.5, 2.0, 2)])
        found.append(Query(np.array(y0), waves))
    return found


def _measure(run: Run, problem: PaperProblem, body: stlfast.Body, kind: str) -> dict[str, Any]:
    asked = draw(problem, kind, run.effort.solves)
    found = {}
    for name, (solve, most) in _solvers(run, problem, body, kind).items():
        timed = asked[:most]
        solve(timed[-1])  # warms up
        started = time.thread_time()
        answers = [solve(query)[:, -1].copy() for query in timed]
        seconds = (time.thread_time() - started) / len(timed)
        assert np.isfinite(answers).all(), name
        error = max(_error(problem, query, solve(query)) for query in timed[:CHECKED])
        found[name] = {"seconds": seconds, "solves": len(timed), "error": error}
    if kind == "initial values":
        found["ours, solve_many"] = _sweep(problem, asked)
    return found


def _solvers(run: Run, problem: PaperProblem, body: stlfast.Body, kind: str) -> dict[str, Any]:
    """Name → (query → y (n, 512), the most that are timed)."""
    params, family, model = problem.params(ALPHA), problem.family, stlfast.load(problem.name)
    slow, most = run.effort.slow_solves, run.effort.solves
    scipy = {
        f"{method} (SciPy)": (
            lambda q, m=method: family.reference(q.y0, None, m, **TOLERANCE, forcing=q.forcing(family.n), **params).y,
            slow,
        )
        for method in ("Radau", "RK45")
    }
    if family.nonlinear:
        return {"ours": (lambda q: model.solve(q.y0, **params).y, most), **scipy}
    fixed, bare = model.at(**params), model.at(certify=False, **params)
    paper = compiled(family, body, **PAPER).at(certify=False, **params)
    if kind == "initial values":
        return {
            "ours": (lambda q: fixed.solve(q.y0).y, most),
            "paper's solve": (lambda q: paper.solve(q.y0).y, most),
            **scipy,
        }
    return {
        "ours": (lambda q: fixed.solve(q.y0, forcing=q.forcing(family.n)).y, most),
        "ours, without its bound": (lambda q: bare.solve(q.y0, forcing=q.forcing(family.n)).y, most),
        "paper's solve": (lambda q: paper.solve(q.y0, forcing=q.forcing(family.n)).y, most),
        **scipy,
    }  # fmt: skip


def _sweep(problem: PaperProblem, asked: list[Query]) -> dict[str, Any]:
    """`solve_many`, on one thread."""
    model, Y0 = stlfast.load(problem.name), np.array([query.y0 for query in asked])
    params = problem.params(ALPHA)
    many = model.solve_many(Y0, threads=1, **params)
    started = time.process_time()
    many = model.solve_many(Y0, threads=1, **params)
    seconds = (time.process_time() - started) / len(Y0)
    error = max(_error(problem, query, y) for query, y in zip(asked[:CHECKED], many.y, strict=False))
    return {"seconds": seconds, "solves": len(Y0), "error": error}


def _error(problem: PaperProblem, query: Query, y: np.ndarray) -> float:
    options = {"method": "LSODA", "rtol": 1e-12, "atol": 1e-14, "forcing": query.forcing(problem.family.n)}
    return float(np.abs(y - problem.family.reference(query.y0, None, **options, **problem.params(ALPHA)).y).max())
