"""`stlfast bench`: the shipped models beside the solvers that are installed, in under a minute.

The whole comparison, with C++ solvers, other accuracies and pictures, is `python -m bench.compare` in the repository.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..equations.ode.family import Family
from ..loading import load
from ..models.linear import Model
from . import demo
from .report import microseconds, scientific

EFFORT = demo.Effort(alphas=(20.0, 150.0, 1000.0), repeats=5)
NUMBALSODA = "numbalsoda"
MOST_STEPS = 1_000_000


def solvers() -> tuple[dict[str, demo.Solver], dict[str, str]]:
    """What the models are compared with, and why what is absent is so."""
    found: dict[str, demo.Solver] = {f"SciPy {method}": partial(demo.scipy, method) for method in ("Radau", "LSODA")}
    try:
        import numbalsoda as _  # noqa: F401
    except ImportError as error:
        return found, {NUMBALSODA: f"not installed ({error}): pip install 'stlfast[bench]'"}
    return {NUMBALSODA: numbalsoda, **found}, {}


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Everything that is measured, JSON-able; progress is called with what comes next, `steps()` times."""
    started = time.perf_counter()
    compared, absent = solvers()
    models = {}
    for name, others in demo.MEMBERS.items():
        model = load(name, Model)
        rows = [demo.compare(model, alpha, others, EFFORT, progress, compared) for alpha in EFFORT.alphas]
        models[name] = {"stiffness": model.family.stiffness, "others": others, "rows": rows}
    return {
        "target": demo.TARGET,
        "solvers": list(compared),
        "absent": absent,
        "machine": demo.machine(),
        "seconds": round(time.perf_counter() - started, 1),
        "models": models,
    }


def header(results: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    return [
        model["stiffness"], "max\nerror", "time\nµs",
        *("\n".join([*solver.split(), what]) for solver in results["solvers"] for what in ("µs", "ratio")),
    ]  # fmt: skip


def rows(results: Mapping[str, Any], model: Mapping[str, Any]) -> list[list[str]]:
    table = []
    for row in model["rows"]:
        cells = [f"{row['params'][model['stiffness']]:g}", scientific(row["error"]), microseconds(row["seconds"])]
        for solver in results["solvers"]:
            found = row[solver]
            reached = found["seconds"] is not None
            cells += [microseconds(found["seconds"]), f"{found['ratio']:.1f}"] if reached else ["not reached", "–"]
        table.append(cells)
    return table


def caption(results: Mapping[str, Any]) -> str:
    target = scientific(results["target"], 0)
    return (
        "Time: one solve at 512 output times, from Python; stlfast's with its certificate. The others at the loosest "
        f"of the tolerances 1e-3, 1e-4, … whose largest error is at most {target}. Ratio: their time over stlfast's. "
        "Medians of interleaved repeats, in processor time of one thread."
    )


# ------------------------------------------------------------------------------------------- right-hand sides as code
def symbolic(family: Family) -> tuple[dict[str, Any], list[Any]]:
    """SymPy symbols of t, the states and the parameters by name, and the right-hand side, read from the equations."""
    import sympy as sp
    from sympy.parsing.sympy_parser import parse_expr

    names = {name: sp.Symbol(name) for name in ("t", *family.states, *family.params)}
    return names, [parse_expr(equation.partition("=")[2], local_dict=names) for equation in family.equations]


def source(family: Family, signature: str, unpack: str, store: str | None = None) -> str:
    """A Python function f(…) of the family's right-hand side, from its equations; it needs `math`.

    unpack: the lines that name t, the states and the parameters. store: a format such as "dy[{}] = {}". Without
    one, f returns a list.
    """
    import sympy as sp

    _, expressions = symbolic(family)
    shared, reduced = sp.cse(expressions)
    lines = [f"{symbol} = {sp.pycode(value)}" for symbol, value in shared]
    values = [sp.pycode(value) for value in reduced]
    lines += [f"return [{', '.join(values)}]"] if store is None else map(store.format, range(len(values)), values)
    return f"def f({signature}):\n    " + "\n    ".join([*unpack.splitlines(), *lines]) + "\n"


def unpacked(names: Any, array: str) -> str:
    """Lines that give the entries of an array names."""
    return "\n".join(f"{name} = {array}[{k}]" for k, name in enumerate(names))


def function(text: str, math: Any = math) -> Callable[..., Any]:
    """The function f of a source, which calls the functions of a module."""
    scope: dict[str, Any] = {"math": math}
    exec(compile(text, "<right-hand side>", "exec"), scope)
    return scope["f"]


def numba_rhs(family: Family) -> Any:
    """A numba cfunc of (t, y, dy, p), as numbalsoda takes it, the parameters in the family's order."""
    import numba
    from numbalsoda import lsoda_sig

    unpack = f"{unpacked(family.states, 'y')}\n{unpacked(family.params, 'p')}"
    return numba.cfunc(lsoda_sig)(function(source(family, "t, y, dy, p", unpack, "dy[{}] = {}")))


def numbalsoda(model: Model, params: dict[str, Any]) -> Callable[[np.ndarray | None, float], np.ndarray | None]:
    """numbalsoda's LSODA with a compiled right-hand side; a demo.Solver."""
    from numbalsoda import lsoda

    family = model.family
    rhs, y0, p = numba_rhs(family), np.array(family.y0), family.check_params(params)
    address, grid = rhs.address, np.linspace(*family.t_span_at(**params), demo.POINTS)

    def solve(t: np.ndarray | None, tolerance: float, rhs: Any = rhs) -> np.ndarray | None:  # keeps rhs alive
        y, success = lsoda(address, y0, grid if t is None else t, p, tolerance, tolerance, MOST_STEPS)
        return y.T if success else None

    return solve
