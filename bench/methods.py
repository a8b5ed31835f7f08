"""The ways to solve a nonlinear member side by side, what the series of arXiv 2501.17281 needs, and what training buys.

    python -m bench.methods [--output docs/results] [--quick]

Writes methods.json and methods.md. Needs PyTorch; three to five minutes on one core (OMP_NUM_THREADS=1).

n states, N times. Errors are the largest over times and states, over max |y| of the state, against SciPy's Radau.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

import stlfast
from bench import driver
from bench.methods_report import DEFAULT, METHODS, page
from bench.models import compiled, history
from bench.paper.problems import published_largest
from bench.problem import PROBLEMS, Nonlinear
from stlfast import families
from stlfast.command import demo
from stlfast.direct.ode.solver import ORDER, FullSolver
from stlfast.features.dictionary import Dictionary
from stlfast.measure import timing

Start = tuple[float, ...] | None
Case = tuple[float, float, Start]  # alpha, beta, initial values
STARTS: tuple[Start, ...] = ((1.0, 0.5), (3.0, 2.0))
TOLERANCE: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-12}
SHARP: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-16}
FIRST = {"duffing": 1e-5, "robertson": 1e-11}  # of the logarithmic times, over t_span
ONCE_FROM = 0.15  # seconds
STAGES_REPEATS = 8  # times those of the methods: differences of times are small
SPREAD = 3.0  # of Robertson's rates
FLOOR, FIRST_ORDER = 1e-11, 2  # error and order that the series' line is fitted from and to


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    alphas: tuple[float, ...] = (5.0, 10.0, 20.0, 50.0, 100.0, 150.0, 300.0, 1000.0)
    betas: tuple[float, ...] = (0.1, 0.5, 1.0)
    series: tuple[Case, ...] = (
        (10.0, 0.1, STARTS[0]), (20.0, 0.5, STARTS[0]), (50.0, 1.0, STARTS[0]), (50.0, 0.5, STARTS[1]),
        (150.0, 0.5, STARTS[1]), (1000.0, 1.0, STARTS[1]),
    )  # fmt: skip
    rates: int = 8  # members of Robertson's problem: the standard one, then random ones
    mus: tuple[float, ...] = (5.0, 50.0, 1000.0)
    published_every: int = 1
    published_steps: int = 600
    widths: tuple[int, ...] = (8, 16)  # features of the small bodies for Duffing's problem
    robertson_widths: tuple[int, ...] = (24,)
    functions_alphas: tuple[float, ...] = (10.0, 50.0, 150.0, 1000.0)
    functions_betas: tuple[float, ...] = (0.5, 1.0)
    shipped: bool = True  # the functions of the shipped bodies too
    steps: int = 500  # of Adam
    lbfgs_steps: int = 300
    seeds: int = 3  # untrained bodies
    repeats: int = 5


QUICK = Effort(
    alphas=(10.0, 1000.0), betas=(0.5,), series=((1000.0, 0.5, STARTS[1]), (10.0, 0.5, STARTS[1])), rates=1, mus=(5.0,),
    published_every=14, published_steps=30, widths=(4,), robertson_widths=(), functions_alphas=(10.0, 1000.0),
    functions_betas=(0.5,), shipped=False, steps=60, lbfgs_steps=20, seeds=1, repeats=1,
)  # fmt: skip


class Member:
    """A member with its reference y (n, N) at times t, x = t/t_span; size (n,) is max |y|."""

    def __init__(self, name: str, y0: Start, params: dict[str, Any]) -> None:
        self.family, self.params = family(name), params
        self.y0 = self.family.y0 if y0 is None else np.array(y0)
        self.span = t0, t1 = self.family.t_span_at(**params)
        self.x = np.union1d(np.linspace(0.0, 1.0, demo.POINTS), np.geomspace(FIRST[name], 1.0, demo.POINTS))
        self.t = t0 + (t1 - t0) * self.x
        reference = partial(self.family.reference, self.y0, self.t, **SHARP, **params)
        self.truth = reference(method="Radau").y
        self.size = np.abs(self.truth).max(axis=1)
        self.disagreement = self.error(reference(method="LSODA").y)

    def error(self, y: np.ndarray) -> float:
        """The largest error of y (n, N) over max |y|, in the worst state; infinite where y is not finite."""
        error = float((np.abs(y - self.truth) / self.size[:, None]).max())
        return error if math.isfinite(error) else math.inf


@cache
def family(name: str) -> stlfast.Family:
    return getattr(families, name)()


@cache
def shipped(name: str) -> stlfast.NonlinearModel:
    model = stlfast.load(name)
    assert isinstance(model, stlfast.NonlinearModel)
    return model


@cache
def duffing(alpha: float, beta: float, y0: Start) -> Member:
    return Member("duffing", y0, {"alpha": alpha, "beta": beta})


@cache
def robertson(number: int) -> Member:
    """The standard rates, or as many random ones as the number says, each within the family's factor of 3."""
    factors = SPREAD ** np.random.default_rng(number).uniform(-1, 1, 3) if number else np.ones(3)
    names, standard = family("robertson").params, (0.04, 3e7, 1e4)
    return Member("robertson", None, dict(zip(names, map(float, standard * factors), strict=True)))


# ------------------------------------------------------------------------------------------------------------- methods
def answers(name: str, member: Member, methods: Iterable[str], repeats: int) -> dict[str, dict[str, Any]]:
    """Method → what it answers for this member, and the median time of a solve at 512 times with its estimate."""
    found, tasks = {}, {}
    for method in methods:
        solve = partial(shipped(name).solve, member.y0, method=METHODS[method], **TOLERANCE, **member.params)
        solution, bare = solve(t=member.t), solve(t=member.t, certify=False)
        estimate = solution.error_estimate
        found[method] = {
            "outcome": "converged" if bare.success else outcome(bare.message),
            "success": solution.success,
            "by": solution.method,
            "windows": solution.windows,
            "iterations": solution.iterations,
            "last_step": number(solution.last_step),
            "residual": number(solution.residual),
            "estimate": None if estimate is None else number(float((estimate / member.size).max())),
            "error": number(member.error(solution.y)),
        }
        tasks[method] = timing.repeated(solve)
    for method, seconds in timing.interleaved(tasks, repeats, ONCE_FROM).items():
        found[method]["seconds"] = float(np.median(seconds))
    return found


def outcome(message: str) -> str:
    """How an iteration that did not converge ended."""
    known = ("cut off", "hardly converges", "stalls", "does not converge")
    return next((words for words in known if words in message), "diverges")


def number(value: float) -> float | None:
    """None for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None


def duffing_methods(effort: Effort) -> list[dict[str, Any]]:
    rows = []
    for y0 in STARTS:
        for beta in effort.betas:
            for alpha in effort.alphas:
                member = duffing(alpha, beta, y0)
                found = answers("duffing", member, METHODS, effort.repeats)
                row = {"alpha": alpha, "beta": beta, "y0": y0, "reference": member.disagreement}
                rows.append({**row, "methods": found})
    return rows


def robertson_methods(effort: Effort) -> list[dict[str, Any]]:
    rows = []
    for k in range(effort.rates):
        member = robertson(k)
        found = answers("robertson", member, (DEFAULT, "newton", "windows"), effort.repeats)
        rows.append({"params": member.params, "reference": member.disagreement, "methods": found})
    return rows


def stages(model: stlfast.NonlinearModel, member: Member, repeats: int) -> dict[str, float]:
    """Seconds of the default solve up to the end of each stage: iterations and values, estimate, Python."""
    given, rtol, atol = (member.params, tuple(model.family.params), member.y0), TOLERANCE["rtol"], TOLERANCE["atol"]
    tasks: dict[str, Callable[[], Any]] = {
        "iterations": partial(model.core.solve, *given, False, 0.0, 0.0, None, False),
        "estimate": partial(model.core.solve, *given, True, rtol, atol, None, False),
        "Python": lambda: model.solve(member.y0, **TOLERANCE, **member.params),
    }
    runs = {name: timing.repeated(task) for name, task in tasks.items()}
    timed = timing.interleaved(runs, STAGES_REPEATS * repeats, ONCE_FROM)
    return {name: float(np.median(seconds)) for name, seconds in timed.items()}


def van_der_pol(effort: Effort) -> list[dict[str, Any]]:
    rows, model, problem = [], shipped("vdp"), PROBLEMS["vdp"]
    assert isinstance(problem, Nonlinear)
    for mu in effort.mus:
        t = problem.points(mu)
        error = partial(problem.error, mu, model.family.y0[None], t)
        solution = model.solve(t=t, mu=mu)
        bare = model.solve(t=t, certify=False, mu=mu)
        assert solution.error_estimate is not None
        tasks = {
            "whole": timing.repeated(partial(model.solve, mu=mu)),
            "bare": timing.repeated(partial(model.solve, certify=False, mu=mu)),
        }
        timed = timing.interleaved(tasks, effort.repeats, ONCE_FROM)
        rows.append(
            {
                "mu": mu,
                "by": solution.method,
                "success": solution.success,
                "windows": solution.windows,
                "iterations": solution.iterations,
                "estimate": float((solution.error_estimate / problem.scale(mu)).max()),
                "error": error(solution.y[None], everywhere=True),
                "away": error(solution.y[None]),
                "reference": problem.reference_error(mu),
                "seconds": float(np.median(timed["whole"])),
                "bare": {
                    "windows": bare.windows,
                    "iterations": bare.iterations,
                    "away": error(bare.y[None]),
                    "seconds": float(np.median(timed["bare"])),
                },
            }
        )
    return rows


# -------------------------------------------------------------------------------------------------------------- series
def series(effort: Effort) -> list[dict[str, Any]]:
    """Error of the series of each order, on Chebyshev polynomials, which add none; and its factor an order."""
    solver = compiled(family("duffing"), None, "chebyshev", reduced=False).full_solver
    rows = []
    for alpha, beta, y0 in effort.series:
        member = duffing(alpha, beta, y0)
        p = [alpha, beta]
        found = [solver.solve(p, member.y0, "perturbation", order=k) for k in range(ORDER + 1)]
        errors = [member.error(solver.evaluate(each.heads, member.x)) for each in found]
        rows.append({"alpha": alpha, "beta": beta, "y0": y0, "errors": errors, **line(errors)})
    return rows


def line(errors: Sequence[float]) -> dict[str, float]:
    """The geometric factor an order, by least squares on log error before the floor, and the farthest point from it."""
    end = next((k for k, error in enumerate(errors) if error < FLOOR), len(errors))
    orders = np.arange(min(FIRST_ORDER, end - 2), end)
    logs = np.log(errors)[orders]
    fit = np.polyfit(orders, logs, 1)
    off = float(np.exp(np.abs(np.polyval(fit, orders) - logs).max()))
    return {"factor": float(np.exp(fit[0])), "orders": len(orders), "off": off}


# ------------------------------------------------------------------------------------------------------------- training
def paper(effort: Effort) -> dict[str, Any]:
    """Published errors, the paper's pipeline run here, and ours; absolute, over uniform times, beta = 0.1."""
    t, alpha, y1, y2 = sp.symbols("t alpha y1 y2")
    linear = stlfast.Family(
        "linear part", t, [y1, y2], [y2, -alpha * y2 - y1 / 10 + sp.cos(t)], (0, 10), alpha,
        {alpha: stlfast.Range(train=(5.0, 20.0), solve=(5.0, 1000.0))}, [1.0, 0.5],
    )  # fmt: skip
    body = stlfast.train_body(
        linear, widths=(64, 64, 132), tau=1e-2, steps=effort.published_steps, lbfgs_steps=0, points=150,
        shared_head=True, progress=False,
    )  # fmt: skip
    x = np.linspace(0.0, 1.0, demo.POINTS)
    solver = FullSolver(family("duffing"), Dictionary((1.0,), constant=False), x, "none", True, "pinv", body)
    model, rows = shipped("duffing"), []
    for stiffness, theirs in published_largest("duffing")[:: effort.published_every]:
        params: dict[str, Any] = {"alpha": stiffness, "beta": 0.1}
        truth = model.family.reference(None, 10 * x, "LSODA", **SHARP, **params).y
        found = [
            solver.solve(list(params.values()), model.family.y0, "perturbation", order=k) for k in range(ORDER + 1)
        ]
        errors = [float(np.abs(solver.evaluate(each.heads, x) - truth).max()) for each in found]
        ours = {name: model.solve(t=10 * x, method=METHODS[name], **params).y for name in (DEFAULT, "newton")}
        rows.append(
            {
                "alpha": stiffness,
                "published": theirs,
                "pipeline": min(errors),
                "order": int(np.argmin(errors)),
                **{name: float(np.abs(y - truth).max()) for name, y in ours.items()},
            }
        )
    return {"seconds": history(body)["seconds"], "rows": rows}


def functions(name: str, widths: Sequence[int], groups: dict[str, list[Member]], effort: Effort) -> dict[str, Any]:
    """Error of Newton's answer, started from the solution, on trained and other functions; then of the reduced basis.

    groups: label → members, of which the worst counts.
    """
    settings = dict(shipped(name).passport["training"]["settings"])
    hidden = settings.pop("widths")[:-1]
    settings |= {"steps": effort.steps, "lbfgs_steps": effort.lbfgs_steps}
    bodies = [stlfast.train_body(family(name), widths=[*hidden, m], progress=False, **settings) for m in widths]
    if effort.shipped and (body := shipped(name).body) is not None:
        bodies.append(body)
    rows = []
    for body in bodies:
        for basis in ("body", "random", "chebyshev"):
            seeds = range(effort.seeds if basis == "random" else 1)
            models = [compiled(family(name), body, basis, seed=seed, reduced=False) for seed in seeds]
            size = models[0].passport["compile"]["functions"]
            found = {label: [on_all(model, members) for model in models] for label, members in groups.items()}
            rows.append(
                {
                    "body": "-".join(map(str, body.sizes[1:])),
                    "basis": basis,
                    "functions": size,
                    "unknowns": size * family(name).n,
                    "seconds": history(body)["seconds"] if basis == "body" else None,
                    "errors": {label: [error for error, _ in each] for label, each in found.items()},
                    "failed": sum(failed for each in found.values() for _, failed in each),
                }
            )
    bands = {label: {rank(shipped(name), each) for each in members} for label, members in groups.items()}
    reduced = {label: max(map(partial(in_band, shipped(name)), members)) for label, members in groups.items()}
    return {"rows": rows, "reduced": {"ranks": {label: max(r) for label, r in bands.items()}, "errors": reduced}}


def on_all(model: stlfast.NonlinearModel, members: Iterable[Member]) -> tuple[float, int]:
    """The largest error of Newton's answers on the full dictionary, and how many did not converge."""
    solver, worst, failed = model.full_solver, 0.0, 0
    for member in members:
        (t0, t1), windows = member.span, stlfast.Windows(member.family)
        sharp = windows.solve(member.y0, certify=False, **SHARP, **member.params)
        guess = solver.fitted(partial(_scaled, sharp, t0, t1))
        found = solver.solve(list(member.params.values()), member.y0, guess=guess)
        worst = max(worst, member.error(solver.evaluate(found.heads, member.x)))
        failed += not found.converged
    return worst, failed


def _scaled(solution: stlfast.WindowsSolution, t0: float, t1: float, x: np.ndarray) -> np.ndarray:
    return solution(t0 + (t1 - t0) * x)


def rank(model: stlfast.NonlinearModel, member: Member) -> int:
    p = np.array(list(member.params.values()))
    return min(band.rank for band in model.compiled.bands if np.all((band.low <= p) & (p <= band.high)))


def in_band(model: stlfast.NonlinearModel, member: Member) -> float:
    return member.error(model.solve(member.y0, t=member.t, method="reduced", certify=False, **member.params).y)


# ------------------------------------------------------------------------------------------------------------ together
@driver.study
def run(effort: Effort) -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    duffing_groups = {
        f"alpha = {a:g}": [duffing(a, b, y0) for b in effort.functions_betas for y0 in STARTS]
        for a in effort.functions_alphas
    }
    robertson_groups = {"standard": [robertson(0)], "random": [robertson(k) for k in range(1, effort.rates)]}
    parts = {
        "duffing": lambda: duffing_methods(effort),
        "series": lambda: series(effort),
        "robertson": lambda: robertson_methods(effort),
        "stages": lambda: {
            "duffing": stages(shipped("duffing"), duffing(effort.alphas[-1], 0.5, STARTS[0]), effort.repeats),
            "robertson": stages(shipped("robertson"), robertson(0), effort.repeats),
        },
        "vdp": lambda: van_der_pol(effort),
        "published": lambda: paper(effort),
        "functions": lambda: {
            "duffing": functions("duffing", effort.widths, duffing_groups, effort),
            "robertson": functions(
                "robertson", effort.robertson_widths, {k: v for k, v in robertson_groups.items() if v}, effort
            ),
        },
    }
    results: dict[str, Any] = {"effort": asdict(effort), "tolerance": TOLERANCE}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # series that diverge
        for name, part in parts.items():
            driver.say(name)
            results[name] = part()
    return results


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    return driver.write("methods", results, page(results), folder)


if __name__ == "__main__":
    parser = driver.parser(__doc__, quick="few members, barely trained bodies, to see that it runs")
    driver.main(parser, lambda options: run(QUICK if options.quick else Effort()), write)
