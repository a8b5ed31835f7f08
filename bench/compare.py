"""stlfast beside the solvers that one could pick instead, at matched achieved accuracy, in one interleaved run.

    python -m bench.compare [--pages compare nonlinear] [--quick] [--problems dho ncff] [--only NAME ...]

Of each solver's tolerances (half decades, rtol = atol) the loosest is taken whose largest error, over states and the
point set of stlfast.reference, against the exact solution, is within the target. Then everything is timed at 512
uniform output times: medians of interleaved repeats, in processor time of the whole process, one thread each. What is
not installed is reported as absent. Two pages, each with its results: compare, with three pictures, all solvers on the
shipped families; nonlinear, time windows and what they give way to. About a quarter of an hour on one core, five
minutes with --quick; the first run builds the C++ side as well.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from bench import compare_plot, compare_report, driver, native, nonlinear_report
from bench.contenders import CONTENDERS, Contender
from bench.peers import Absent, Bind
from bench.problem import MANY, ON_WINDOWS, PROBLEMS, Problem
from stlfast.measure import timing

TARGETS = (1e-4, 1e-6, 1e-8)
TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(2, 27))  # 1e-1 … 1e-13
PACKAGES = ("numbalsoda", "numba", "heyoka", "diffrax", "jax", "jaxlib", "sympy")


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    alphas: tuple[float, ...] = (20.0, 50.0, 150.0, 1000.0)
    alphas_many: tuple[float, ...] = (50.0,)
    trajectories: int = 1000  # initial values of the query for many
    checked: int = 25  # of them whose accuracy is measured
    repeats: int = 7
    once_from: float = 0.3  # seconds: what takes longer is timed once


QUICK = Effort(alphas=(50.0, 1000.0), trajectories=100, checked=5, repeats=2, once_from=0.02)


def measure(
    problem: Problem,
    query: str,
    alpha: float,
    bound: dict[Contender, Bind],
    effort: Effort,
    clock: Callable[[], float] = time.process_time,
) -> list[dict]:
    """One record for each contender and accuracy that it reaches."""
    starts = _starts(problem, query, effort)
    checked = starts[: effort.checked]
    records: list[dict[str, Any]] = []
    tasks: dict[str, timing.Run] = {}
    for contender, bind in bound.items():
        params, timed = problem.params(alpha), starts[: contender.most]
        error = partial(_error, problem, bind, alpha, checked)
        for target, tolerance, reached in matched(error, contender, problem, alpha):
            key = f"{contender.name} {tolerance}"
            if key not in tasks:
                tasks[key] = bind(params, timed, problem.grid(alpha), tolerance)
            records.append(
                {
                    "problem": problem.name, "query": query, "alpha": alpha, "contender": contender.name,
                    "target": target, "tolerance": tolerance, "error": reached, "key": key, "solves": len(timed),
                }
                | (contender.about(problem, alpha, tolerance) if contender.about and tolerance else {})
            )  # fmt: skip
    times = timing.interleaved(tasks, effort.repeats, effort.once_from, clock)
    for record in records:
        measured = times[record.pop("key")]
        record["seconds"] = float(np.median(measured)) / record["solves"]
        record["spread"] = [min(measured) / record["solves"], max(measured) / record["solves"]]
        record["repeats"] = len(measured)
    return records


def matched(
    error: Any, contender: Contender, problem: Problem, alpha: float
) -> Iterable[tuple[float | None, float | None, float]]:
    """(target, tolerance, error) for every target that is reached; for what has no tolerance, its error alone."""
    if not contender.adaptive:
        yield None, None, error(None)
        return
    known: dict[float, float] = {}

    def remembered(tolerance: float) -> float:
        if tolerance not in known:
            known[tolerance] = error(tolerance)
        return known[tolerance]

    for target in TARGETS:
        allowed = [tolerance for tolerance in TOLERANCES if tolerance <= contender.loosest]
        tolerance, reached = timing.loosest(remembered, target, allowed)
        if tolerance is None or reached is None:
            return
        yield target, tolerance, reached


def _error(problem: Problem, bind: Bind, alpha: float, y0: np.ndarray, tolerance: float) -> float:
    """Largest error over the points and over the very answer that is timed; infinite where the solver fails."""
    worst = 0.0
    for t in (problem.points(alpha), problem.grid(alpha)):
        worst = max(worst, problem.error(alpha, y0, t, bind(problem.params(alpha), y0, t, tolerance)(1)))
        if worst > TARGETS[0]:
            break
    return worst


def _starts(problem: Problem, query: str, effort: Effort) -> np.ndarray:
    """Initial values (B, n): the family's own, or many in the problem's box, the first of them its corners."""
    if query != MANY:
        return problem.family.y0[None].copy()
    n, (low, high) = problem.family.n, problem.box.T
    corners = np.array(np.meshgrid(*problem.box)).reshape(n, -1).T
    others = np.random.default_rng(0).uniform(low, high, (effort.trajectories - len(corners), n))
    return np.vstack([corners, others])


def prepare(problem: Problem, contenders: Iterable[Contender]) -> tuple[dict, dict[str, float], dict[str, str]]:
    """What is there, bound to a problem; seconds until its first answer, compiling included; what is absent and why."""
    bound, seconds, absent = {}, {}, {}
    alpha = problem.alphas[-1] if problem.alphas else 100.0
    grid = problem.grid(alpha)
    problem.scale(alpha)  # the truth does not count as some solver's set-up
    for contender in contenders:
        started = time.perf_counter()
        try:
            bind = contender.prepare(problem)
            y0 = np.repeat(problem.family.y0[None], contender.first, axis=0)
            if not any(np.isfinite(bind(problem.params(alpha), y0, grid, tol)(1)).all() for tol in (1e-6, 1e-3)):
                raise Absent(f"gives up at {problem.stiffness} = {alpha:g}")
        except (Absent, ImportError) as reason:
            absent[contender.name] = " ".join(str(reason).split())
            continue
        bound[contender], seconds[contender.name] = bind, time.perf_counter() - started
    return bound, seconds, absent


@driver.study
def run(
    effort: Effort, problems: Mapping[str, Problem], contenders: Iterable[Contender] = CONTENDERS
) -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    chosen = list(contenders)
    records, setup, absent = [], {}, {}
    warm_up()
    for name, problem in problems.items():
        bound, seconds, missing = prepare(problem, chosen)
        setup[name] = {"first_answer": seconds, **ours(problem), **measures(problem, effort)}
        absent[name] = missing
        for query in problem.queries:
            asked = {c: bind for c, bind in bound.items() if query in c.queries}
            for alpha in problem.alphas or (effort.alphas_many if query == MANY else effort.alphas):
                driver.say(f"{name}: {query} at {problem.stiffness} = {alpha:g}")
                records += measure(problem, query, alpha, asked, effort)
    return {
        "versions": versions(),
        "native": flags(),
        "effort": asdict(effort),
        "targets": TARGETS,
        "absent": absent,
        "setup": setup,
        "records": records,
    }


def warm_up() -> None:
    """Imports and the C++ build, so that they do not count as some solver's set-up."""
    for package in PACKAGES:
        with contextlib.suppress(ImportError):
            importlib.import_module(package)
    with contextlib.suppress(Absent):
        native.peers()


def ours(problem: Problem) -> dict[str, float]:
    """What stlfast costs before its first answer: training and compiling a family, loading a model file."""
    if not problem.shipped:
        return {"training": 0.0, "compile": 0.0, "load": 0.0}
    started = time.perf_counter()
    stlfast.load(problem.name)
    load = time.perf_counter() - started
    passport = problem.model.passport
    training = passport.get("training") or {"seconds": 0.0}  # without a trained body
    return {"training": training["seconds"], "compile": passport["compile"]["seconds"], "load": load}


def measures(problem: Problem, effort: Effort) -> dict[str, Any]:
    """What the page says of a problem: what is fixed, how errors are measured and what they are known to."""
    apart = [problem.reference_error(alpha) for alpha in problem.alphas or effort.alphas]
    known = [error for error in apart if error is not None]
    return {
        "stiffness": problem.stiffness,
        "others": problem.others,
        "box": problem.box.tolist() if MANY in problem.queries else None,
        "nonlinear": problem.family.nonlinear,
        "measured": problem.measured,
        "reference": max(known, default=None),
    }


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def flags() -> dict[str, Any]:
    """Compiler and flags of the C++ contenders, or why there are none."""
    try:
        library = native.peers()
    except Absent as reason:
        return {"absent": str(reason)}
    cvode = library.cvode_version()
    return {
        "isa": stlfast.isa(),
        "compiler": library.bench_flags().decode(),
        "cvode": None if cvode is None else cvode.decode(),
    }


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    paths = driver.write("compare", results, compare_report.page(results, compare_plot.PICTURES), folder)
    return [*paths, *compare_plot.write(results, folder)]


def write_nonlinear(results: dict[str, Any], folder: Path) -> list[Path]:
    return driver.write("nonlinear", results, nonlinear_report.page(results), folder)


@dataclass(frozen=True)
class Page:
    problems: Mapping[str, Problem]
    contenders: tuple[Contender, ...]
    effort: Effort
    write: Callable[[dict[str, Any], Path], list[Path]]

    def measured(self, options: Namespace) -> dict[str, Any]:
        """What is measured of the problems and contenders that were asked for."""
        named, only = options.problems, options.only
        problems = {name: problem for name, problem in self.problems.items() if named is None or name in named}
        chosen = [c for c in self.contenders if only is None or any(text.lower() in c.name.lower() for text in only)]
        return run(QUICK if options.quick else self.effort, problems, chosen)


PAGES = {
    "compare": Page(PROBLEMS, CONTENDERS, Effort(), write),
    "nonlinear": Page(
        ON_WINDOWS,
        tuple(c for c in CONTENDERS if c.name in nonlinear_report.SOLVERS),
        Effort(repeats=15, once_from=0.15),
        write_nonlinear,
    ),
}


def main() -> None:
    parser = driver.parser(__doc__, quick="fewer members, initial values and repeats")
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES), help="default both; see --render")
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS | ON_WINDOWS, metavar="NAME", help="default all")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders whose name contains one of these")
    options = parser.parse_args()
    for name in [options.render.stem] if options.render else options.pages:
        driver.main(parser, PAGES[name].measured, PAGES[name].write)


if __name__ == "__main__":
    main()
