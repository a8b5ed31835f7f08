"""Steps and pulses anywhere: y' = −y + u(t) from rest with u a step or a pulse, written in every way there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

import stlfast
from stlfast.command.report import scientific

SPAN, RTOL, ATOL = 10.0, 1e-6, 1e-8
PARTS = (1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2)  # of the span, how wide pulses are
Way = Callable[[float, float], stlfast.WindowsSolution]  # (begin, width) → a solution


def exact(t: np.ndarray, begin: float, width: float) -> np.ndarray:
    grown = -np.expm1(-np.clip(t - begin, 0, width))
    return grown * np.exp(-np.maximum(t - begin - width, 0))


def _windows(rhs: Any, *params: sp.Symbol) -> stlfast.Windows:
    t, y = sp.symbols("t y")
    ranges = dict.fromkeys(params, stlfast.Range(0.0, 2 * SPAN))
    return stlfast.Windows(
        stlfast.Family(name="abrupt", t=t, y=[y], rhs=rhs, t_span=(0.0, SPAN), params=ranges, y0=[0.0])
    )


def ways() -> dict[str, Way]:
    t, y, s, w, k = sp.symbols("t y s w k")
    symbols = _windows([-y + sp.Heaviside(t - s) * sp.Heaviside(s + w - t)], s, w)
    function = _windows(lambda t, y, s, w: -y + ((t > s) & (t < s + w)), s, w)
    plain = _windows([-k * y], k)

    def samples(begin: float, width: float) -> stlfast.WindowsSolution:
        knots, values = [0.0, begin, begin + width, 2 * SPAN], [0.0, 1.0, 0.0, 0.0]
        if begin + width >= SPAN:
            knots, values = [0.0, begin, 2 * SPAN], [0.0, 1.0, 1.0]
        return plain.solve(k=1.0, forcing=stlfast.Samples(knots, values, kind="previous"), rtol=RTOL, atol=ATOL)

    def forcing(begin: float, width: float) -> stlfast.WindowsSolution:
        def pulse(t: np.ndarray) -> np.ndarray:
            return ((t > begin) & (t < begin + width)).astype(float)[None]

        return plain.solve(k=1.0, forcing=pulse, rtol=RTOL, atol=ATOL)

    return {
        "Heaviside": lambda s, w: symbols.solve(s=s, w=w, rtol=RTOL, atol=ATOL),
        "Samples": samples,
        "Python right-hand side": lambda s, w: function.solve(s=s, w=w, rtol=RTOL, atol=ATOL),
        "Python forcing": forcing,
    }


def run(count: int) -> list[dict[str, Any]]:
    """For each way and width, over random beginnings: flagged ones, and the largest error of others over tolerance."""
    rng, rows = np.random.default_rng(0), []
    for part in (np.inf, *PARTS):
        width = min(part * SPAN, SPAN)  # a step does not end
        begins = rng.uniform(0, SPAN if part == np.inf else SPAN - width, count)
        for way, solve in ways().items():
            worst, flagged = 0.0, 0
            for begin in begins:
                sol = solve(float(begin), width)
                true = exact(sol.t, float(begin), width)
                off = np.abs(sol.y[0] - true).max() / (ATOL + RTOL * true.max())
                flagged += not sol.success
                worst = max(worst, float(off)) if sol.success else worst
            rows.append({"part": None if part == np.inf else part, "way": way, "flagged": flagged, "worst": worst})
    return rows


def section(rows: list[dict[str, Any]], count: int) -> str:
    head = (
        f"## Steps and pulses\n\ny' = −y + u(t) from rest on [0, {SPAN:g}], u a step or a pulse that begins at {count} "
        f"random times, at rtol {scientific(RTOL, 0)}: the largest error of a success over its tolerance, and in "
        "brackets how many were flagged.\n\n"
    )
    names = list(dict.fromkeys(row["way"] for row in rows))
    table = f"| width over span | {' | '.join(names)} |\n| --: |{' --: |' * len(names)}\n"
    for part in dict.fromkeys(row["part"] for row in rows):
        cells = [f"{row['worst']:.2g} ({row['flagged']})" for row in rows if row["part"] == part]
        table += f"| {'step' if part is None else f'{part:g}'} | {' | '.join(cells)} |\n"
    return (head + table).rstrip()
