"""Wall time of one solve against stiffness, beside SciPy and the fastest native solvers, all on one thread.

Of each solver the loosest tolerance whose largest error is within 1e-6, of Radau also within 1e-4; stlfast's times
include its bound or estimate.
The paper's one-shot solve has one accuracy, which the record says; a PINN is trained for each stiffness.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np

import stlfast
from bench import compare
from bench.contenders import CONTENDERS, CVODE, HEYOKA, NUMBALSODA, OURS, OURS_CPP, RADAU, Contender
from bench.models import PAPER, compiled
from bench.paper import stl_pinn
from bench.paper.accuracy import stl_body
from bench.paper.problems import PaperProblem
from bench.paper.run import Run, model_sha256
from bench.peers import Bind
from bench.problem import STIFFNESS, Nonlinear, Problem
from stlfast.command.report import scientific
from stlfast.direct.ode.solver import ORDER
from stlfast.measure.timing import repeated

TARGET, LOOSE = 1e-6, 1e-4
CLOCK = "wall"
LOOSE_RADAU = f"{RADAU}, within {scientific(LOOSE, 0)}"
NO_BETTER = 1.01  # times the smallest error of any order
PAPER_SOLVE = "the paper's solve"
NAMES = (OURS, OURS_CPP, NUMBALSODA, HEYOKA, CVODE, RADAU, "RK45 (SciPy)", "matrix exponential (C++)")


def timings(run: Run, problem: PaperProblem, alpha: float) -> dict[str, Any]:
    """absent: solver → why; records: those of `bench.compare` at the target accuracy, the paper's solve among them."""
    body = stl_body(run, problem, 0)
    settings = {"repeats": run.effort.repeats, "body": body.sha256, "model": model_sha256(problem.name)}
    settings |= {"versions": compare.versions(), "native": compare.flags(), "clock": CLOCK}
    key = f"time/{problem.name}/{alpha:g}"
    return run.cell(key, settings, lambda: _measure(run, problem, body, alpha), timed=True)


def compared(problem: PaperProblem) -> Problem:
    """The problem as bench.compare takes it."""
    return (Nonlinear if problem.family.nonlinear else Problem)(problem.name, problem.others)


def _measure(run: Run, problem: PaperProblem, body: stlfast.Body, alpha: float) -> dict[str, Any]:
    compare.warm_up()
    asked = compared(problem)
    one_shot = Contender(PAPER_SOLVE, partial(_paper, problem, body))
    chosen = [*(c for c in CONTENDERS if c.name in NAMES), one_shot]
    bound, _, absent = compare.prepare(asked, chosen)
    effort = compare.Effort(repeats=run.effort.repeats)
    records = compare.measure(asked, STIFFNESS, alpha / problem.label, bound, effort, time.perf_counter)
    wanted = ("contender", "tolerance", "error", "seconds", "spread", "repeats")
    records = [r for r in records if np.isfinite(r["error"])]
    kept = [r for r in records if r["target"] in (None, TARGET)]
    kept += [r | {"contender": LOOSE_RADAU} for r in records if (r["contender"], r["target"]) == (RADAU, LOOSE)]
    return {"absent": absent, "records": [{key: record[key] for key in wanted} for record in kept]}


def _paper(problem: PaperProblem, body: stlfast.Body, asked: Problem) -> Bind:
    """The one-shot solve of arXiv 2501.17281; of Duffing's equation its series, to the first order that is its best."""
    return (_series if problem.family.nonlinear else _one_shot)(problem, body, asked)


def _one_shot(problem: PaperProblem, body: stlfast.Body, asked: Problem) -> Bind:
    model = compiled(problem.family, body, **PAPER)

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Any:
        times: dict[str, Any] = {} if asked.is_grid(t) else {"t": t}  # the grid is tabulated
        run = repeated(lambda: model.solve(certify=False, **times, **params))
        return lambda calls: run(calls).y[None]

    return bind


def _series(problem: PaperProblem, body: stlfast.Body, asked: Problem) -> Bind:
    solver, family = stl_pinn.series_solver(problem, body), problem.family

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float | None) -> Any:
        p, x = family.check_params(params), (t - t[0]) / (t[-1] - t[0])
        (values,) = solver.dictionary.core(body).evaluate(x)  # (N, m), tabulated

        def solve(order: int) -> np.ndarray:
            return (values @ solver.solve(p, y0[0], "perturbation", order=order).heads).T

        truth = asked.exact(params[problem.stiffness], y0, t)[0]
        errors = np.array([np.abs(solve(order) - truth).max() for order in range(ORDER + 1)])
        best = int(np.argmax(errors <= NO_BETTER * np.nanmin(errors)))
        run = repeated(lambda: solve(best))
        return lambda calls: run(calls)[None]

    return bind
