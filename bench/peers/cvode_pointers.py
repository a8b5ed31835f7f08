"""BDF by SUNDIALS' CVODE on a family's right-hand side and Jacobian as numba compiles them, dense or banded.

The right-hand side is the very one that numbalsoda's LSODA gets.
"""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench import native
from bench.peers import MOST_STEPS, Absent, Bind
from bench.problem import Problem
from stlfast.command.quick_bench import numba_rhs, symbolic
from stlfast.equations.ode.family import Family
from stlfast.measure.timing import Run, repeated


class System(ctypes.Structure):
    """As in bench/cpp/cvode_pointers.cpp."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("rhs", "jacobian", "p", "rows", "columns")] + [
        (name, ctypes.c_long) for name in ("nonzeros", "n", "lower", "upper")
    ]
    _fields_ += [("values", ctypes.c_void_p)]


def jacobian(family: Family) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """Rows and columns (nonzeros,) and expressions of the entries that are not zero."""
    names, expressions = symbolic(family)
    states = {names[state]: j for j, state in enumerate(family.states)}
    found = [
        (i, states[state], f.diff(state))
        for i, f in enumerate(expressions)
        for state in sorted(f.free_symbols & states.keys(), key=states.__getitem__)
    ]
    rows, columns, entries = zip(*((i, j, entry) for i, j, entry in found if entry != 0), strict=True)
    return np.array(rows), np.array(columns), list(entries)


def prepare(problem: Problem) -> Bind:
    library = native.peers()
    if library.cvode_version() is None:
        raise Absent("SUNDIALS was not found when the C++ competitors were built: apt install libsundials-dev")
    family = problem.family
    rows, columns, entries = jacobian(family)
    # As if the entries were a right-hand side.
    entries_of: Any = SimpleNamespace(
        states=family.states, params=family.params, equations=[f"entry = {entry}" for entry in entries]
    )
    rhs, jac, values = numba_rhs(family), numba_rhs(entries_of), np.empty(len(rows))
    lower, upper = max(0, (rows - columns).max()), max(0, (columns - rows).max())

    def bind(params: dict[str, Any], y0: np.ndarray, t: np.ndarray, tolerance: float) -> Run:
        p, atol, y = family.check_params(params), problem.atol(params, tolerance), np.empty((len(t), family.n))
        (start,) = y0

        def call() -> np.ndarray:
            system = System(
                rhs.address, jac.address, p.ctypes.data, rows.ctypes.data, columns.ctypes.data, len(rows), family.n,
                lower, upper, values.ctypes.data,
            )  # fmt: skip
            good = library.cvode_solve(ctypes.byref(system), start, tolerance, atol, MOST_STEPS, t, len(t), y)
            return y.T[None] if good else np.full(1, np.nan)

        return repeated(call)

    return bind
