"""`stlfast bench FAMILY.py:family`: whether compiling a family of ODEs pays, and after how many queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..direct.windows import Windows
from ..equations.callback import Callback
from ..equations.ode.family import Family
from ..measure.timing import interleaved, loosest, repeated
from ..models.base import ATOL, RTOL
from ..models.linear import Model
from ..models.nonlinear import NonlinearModel
from . import demo
from .quick_bench import MOST_STEPS, NUMBALSODA, numba_rhs, solvers
from .report import microseconds, scientific

MEMBERS, TIMED, REPEATS, TIMES = 100, 5, 3, 512
ONCE_FROM = 0.05  # seconds: what takes longer is timed once
SHARP = 1e-10  # rtol of the solution that errors are measured by
TOLERANCES = (10.0 ** -np.arange(3.0, 11.0, 0.5)).tolist()
MODEL, WINDOWS = "the model", "time windows"
OWN = ("reduced", "compiled")  # methods of what was compiled

Solve = Callable[[float], np.ndarray]  # a member's values (n, N) for a tolerance, nan where it fails


def run(model: Model | NonlinearModel, seconds: float, progress: Callable[[str], None]) -> dict[str, Any]:
    """What is measured of a model that was compiled in so many seconds, JSON-able; progress as in `quick_bench.run`."""
    family, rng = model.family, np.random.default_rng(0)
    windows = Windows(family)
    progress("random members")
    methods: Counter[str] = Counter()
    missed = 0
    for _ in range(MEMBERS):
        params, y0 = drawn(family, rng)
        sol = model.solve(y0, **params)
        methods[sol.method] += 1
        missed += not sol.success
    _, absent = solvers()
    rhs = None if absent or family.breaks or isinstance(family.N, Callback) else numba_rhs(family)
    found: dict[str, list[dict[str, float]]] = {}
    for k in range(TIMED):
        progress(f"member {k + 1} of {TIMED}, timed beside other solvers")
        for solver, row in _beside(model, windows, rhs, *drawn(family, rng)).items():
            found.setdefault(solver, []).append(row)
    rows: dict[str, dict[str, Any]] = {}
    for solver, measured in found.items():
        rows[solver] = {key: float(np.median([row[key] for row in measured])) for key in ("seconds", "error")}
        gained = rows[solver]["seconds"] - rows[MODEL]["seconds"]
        rows[solver] |= {
            "reached": len(measured),
            "ratio": rows[solver]["seconds"] / rows[MODEL]["seconds"],
            "pays_after": seconds / gained if gained > 0 else None,
        }
    return {
        "compiled": repr(model.compiled), "seconds": seconds, "members": MEMBERS, "missed": missed,
        "answered": sum(methods[method] for method in OWN) / MEMBERS, "methods": dict(methods), "absent": absent,
        "rows": rows, "machine": demo.machine(),
    }  # fmt: skip


def steps() -> int:
    return 1 + TIMED


def drawn(family: Family, rng: np.random.Generator) -> tuple[dict[str, Any], np.ndarray]:
    """A member's parameters, logarithmically where they are positive, and its initial values."""
    params: dict[str, Any] = {}
    for name, interval in family.params.items():
        a, b = interval.solve
        params[name] = float(np.clip(a * (b / a) ** rng.uniform() if a > 0 else rng.uniform(a, b), a, b))
    if family.y0_range is not None:
        return params, rng.uniform(*family.y0_range.T)
    return params, family.start_at(family.check_params(params))


def _beside(
    model: Model | NonlinearModel, windows: Windows, rhs: Any, params: dict[str, Any], y0: np.ndarray
) -> dict[str, dict[str, float]]:
    """Seconds and error of the model as it is, and of each solver at the loosest tolerance that reaches 1e-6."""
    family = model.family
    t = np.linspace(*family.t_span_at(**params), TIMES)
    truth = windows.solve(y0, t=t, rtol=SHARP, atol=SHARP * ATOL / RTOL, fallback=False, **params).y
    scale = np.abs(truth).max(axis=1) + ATOL / RTOL
    if not np.isfinite(truth).all():
        return {}

    def error(tolerance: float, solve: Solve) -> float:
        off = float((np.abs(solve(tolerance) - truth).max(axis=1) / scale).max())
        return off if np.isfinite(off) else np.inf

    def on_model(tolerance: float) -> np.ndarray:
        return model.solve(y0, t=t, **params).y

    def on_windows(tolerance: float) -> np.ndarray:
        atol = tolerance * ATOL / RTOL
        return windows.solve(y0, t=t, rtol=tolerance, atol=atol, fallback=False, **params).y

    def scipy(tolerance: float, method: str) -> np.ndarray:
        atol = tolerance * ATOL / RTOL
        answer = family.reference(y0, t=t, method=method, rtol=tolerance, atol=atol, **params)
        y: np.ndarray = answer.y if answer.success else np.full_like(truth, np.nan)
        return y

    def numbalsoda(tolerance: float) -> np.ndarray:
        from numbalsoda import lsoda

        p = family.check_params(params)
        y, success = lsoda(rhs.address, y0, t, p, tolerance, tolerance * ATOL / RTOL, MOST_STEPS)
        return y.T if success else np.full_like(truth, np.nan)

    others: dict[str, Solve] = {WINDOWS: on_windows}
    if rhs is not None:
        others[f"{NUMBALSODA}'s LSODA"] = numbalsoda
    if not family.breaks:  # which SciPy and LSODA know nothing of
        others |= {f"SciPy {method}": partial(scipy, method=method) for method in ("LSODA", "Radau")}
    reached = {MODEL: (RTOL, error(RTOL, on_model))}
    for solver, solve in others.items():
        tolerance, off = loosest(partial(error, solve=solve), RTOL, TOLERANCES)
        if tolerance is not None and off is not None:
            reached[solver] = (tolerance, off)
    tasks = {solver: repeated(partial({MODEL: on_model, **others}[solver], reached[solver][0])) for solver in reached}
    times = interleaved(tasks, REPEATS, ONCE_FROM)
    return {solver: {"seconds": float(np.median(times[solver])), "error": reached[solver][1]} for solver in reached}


HEADER = ["solver", "time\nµs", "its time over\nthe model's", "error", "compiling pays\nafter queries"]


def rows(results: Mapping[str, Any]) -> list[list[str]]:
    table = []
    for solver, row in results["rows"].items():
        after = "–" if solver == MODEL else "never" if row["pays_after"] is None else f"{row['pays_after']:,.0f}"
        ratio = "" if solver == MODEL else f"{row['ratio']:.2f}"
        table.append([solver, microseconds(row["seconds"]), ratio, scientific(row["error"]), after])
    return table


def caption(results: Mapping[str, Any]) -> str:
    answered = ", ".join(f"{count} by {method!r}" for method, count in results["methods"].items())
    return (
        f"Compiled in {results['seconds']:.1f} s: {results['compiled']}. Of {results['members']} random members, "
        f"{answered} were answered; {results['missed']} without success. Times: one solve at {TIMES} output times, "
        f"from Python, medians over {TIMED} members; the model as it is, the others at the loosest tolerance whose "
        f"error, over the largest value of each state, is at most {scientific(RTOL, 0)}. Error: its median."
    )
