"""The direct solver beside its peers, as a section of a page and pictures: achieved error against time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from bench import driver, families
from bench.compare_plot import BLACK, LOOKS
from bench.contenders import CVODE as CVODE_HERE
from bench.contenders import HEYOKA, LSODA, NUMBALSODA, RADAU
from bench.contenders import OURS as COMPILED
from bench.work_precision import ANSWER, BDF, CAP, CVODE, KVAERNO, OURS, SOLVERS, N
from stlfast.command.pictures import _pyplot
from stlfast.command.report import markdown, scientific
from stlfast.results.style import STYLE

TARGETS = (1e-4, 1e-6, 1e-9)
SCIPY = (LSODA, BDF, RADAU)
RIVALS = {**{name: (name,) for name in (NUMBALSODA, CVODE, HEYOKA, KVAERNO)}, "The best of SciPy": SCIPY}
PICTURES = {"direct_work_precision.png": True, "direct_work_precision_textbook.png": False}  # of the Bari set or not
LOOK: dict[str, dict[str, Any]] = {
    OURS: LOOKS[COMPILED] | {"ms": 5},
    CVODE: LOOKS[CVODE_HERE],
    BDF: {"color": BLACK, "marker": "s", "mfc": "none"},
    **{name: LOOKS[name] for name in (NUMBALSODA, HEYOKA, KVAERNO, LSODA, RADAU)},
}


# ------------------------------------------------------------------------------------------------------------ numbers
def reached(points: Iterable[dict[str, Any]]) -> list[tuple[float, float]]:
    """Errors and seconds, from loose to tight tolerances; without an error of 0, of the true solution itself."""
    return [(point["error"], point["seconds"]) for point in points if point.get("error")]


def seconds_for(points: Iterable[dict[str, Any]], target: float) -> float | None:
    """The least time at which the error is within the target, between two tolerances by a power law."""
    found, before = [], None
    for error, seconds in reached(points):
        if error <= target:
            found.append(seconds)
            if before is not None and before[0] > target:
                part = math.log(before[0] / target) / math.log(before[0] / error)
                found.append(before[1] * (seconds / before[1]) ** part)
        before = error, seconds
    return min(found, default=None)


def times(case: dict[str, Any], target: float) -> dict[str, float]:
    """Of the solvers that reach the target."""
    each = {name: seconds_for(curve["points"], target) for name, curve in case["curves"].items()}
    return {name: seconds for name, seconds in each.items() if seconds is not None}


def fastest(cases: dict[str, Any], target: float) -> dict[str, list[str]]:
    """Names of cases by the solver that is fastest on them."""
    found: dict[str, list[str]] = {}
    for name, case in cases.items():
        if each := times(case, target):
            found.setdefault(min(each, key=each.__getitem__), []).append(name)
    return {solver: found[solver] for solver in SOLVERS if solver in found}


def over_ours(cases: dict[str, Any], solvers: Iterable[str], target: float) -> list[float]:
    """The time of the fastest of some solvers over ours, where both are there."""
    found = []
    for case in cases.values():
        each = times(case, target)
        theirs = [each[name] for name in solvers if name in each]
        if theirs and OURS in each:
            found.append(min(theirs) / each[OURS])
    return found


# --------------------------------------------------------------------------------------------------------------- page
def section(results: dict[str, Any]) -> str:
    cases = results["cases"]
    parts = ["## Beside its peers", _settings(results)]
    parts += [f"![Time against achieved error]({picture})" for picture, bari in PICTURES.items() if shown(cases, bari)]
    if bari := shown(cases, True):
        parts.append(
            "### The Bari set\n\nMicroseconds of a solve at an achieved error, between tolerances interpolated."
        )
        for target in TARGETS:
            parts += [f"An error of at most {scientific(target, 0)}:", _table(bari, target)]
    parts.append("### Which to choose\n\n" + choice(cases))
    parts.append("### Truths, cuts and failures\n\n" + "\n".join(f"- `{name}`: {_told(cases[name])}" for name in cases))
    return "\n\n".join(parts)


def _settings(results: dict[str, Any]) -> str:
    said = ", ".join(map(" ".join, results["versions"].items())) or "no other packages"
    return (
        "Each solver from Python at tolerances from 1e-2 to 1e-13, half decades, slow ones fewer of them, with "
        f"{N} output times, logarithmic ones for `e5`; the absolute tolerance is proportional to the relative one. "
        "Achieved error: the largest over "
        "states and times, over each state's largest value with atol/rtol added, as tolerances ask for. Jumps of "
        "`van_der_pol` lie between output times, but count for our tolerance. Times: medians of repeats in processor "
        "time, without what is compiled once, ours with the estimate of the error. LSODA and CVODE get one right-hand "
        "side, compiled by numba, CVODE a compiled Jacobian too, banded for `medakzo`; numbalsoda's is dense and by "
        "differences. SciPy calls Python, with the analytic Jacobian, for `medakzo` sparse or its bands. Members of "
        f"textbook families: the middle of their ranges. A solver is cut where a solve takes more than {CAP:g} s, or "
        f"{ANSWER:g} s by the clock with what it compiles for a tolerance. {driver.machine_line(results, said)}"
    )


def _table(cases: dict[str, Any], target: float) -> str:
    rows = []
    for name, case in cases.items():
        each = times(case, target)
        cells = {solver: f"{1e6 * each[solver]:,.0f}" if solver in each else "–" for solver in SOLVERS}
        if each:
            best = min(each, key=each.__getitem__)
            cells[best] = f"**{cells[best]}**"
        rows.append([f"`{name}`", str(case["states"]), *cells.values()])
    return markdown(["problem", "states", *SOLVERS], rows, 1)


def _told(case: dict[str, Any]) -> str:
    """What its true solution is, how far others are from it, and which solvers do not get through all tolerances."""
    checks = [f"{other} differs by {scientific(error)}" for other, error in case["differs"].items()]
    checks += [f"the published end by {scientific(case['end'])}"] if "end" in case else []
    said = [f"true by {case['truth']} ({', '.join(checks) or 'unchecked'})"]
    for solver, curve in case["curves"].items():
        points = curve["points"]
        failed = [point["failed"] for point in points if "failed" in point]
        flagged = [point for point in points if "said" in point and solver == OURS]
        parts = [f"fails at {len(failed)} of {len(points)} tolerances ({failed[0]})"] if failed else []
        parts += [f"says at {len(flagged)} of {len(points)} that it misses the tolerance"] if flagged else []
        if curve["ended"]:
            parts.append(curve["ended"] + (f" from {scientific(points[-1]['tolerance'], 0)} on" if points else ""))
        said += [f"{solver} {', '.join(parts)}"] if parts else []
    return "; ".join(said)


def choice(cases: dict[str, Any]) -> str:
    """Which solver to choose when, in sentences that are counted from the curves."""
    lines = []
    for target in TARGETS:
        named = [f"{solver} on {_listed(names)}" for solver, names in fastest(cases, target).items()]
        lines.append(f"- Fastest at an error of {scientific(target, 0)}: {'; '.join(named) or 'none reaches it'}.")
    for title, solvers in RIVALS.items():
        said = []
        for target in TARGETS:
            if ratios := over_ours(cases, solvers, target):
                slower = sum(ratio > 1 for ratio in ratios)
                middle = f"{np.median(ratios):.2g} at {scientific(target, 0)}"
                said.append(f"{middle} (slower on {slower} of {len(ratios)})")
        lines += [f"- {title}, median of its time over ours: {', '.join(said)}."] if said else []
    return "\n".join([*lines, "", "So take", "", *_advice(cases)])


def _advice(cases: dict[str, Any]) -> list[str]:
    """What the curves do not bear out is left out."""
    lines = []
    loose = over_ours(cases, (NUMBALSODA,), TARGETS[0])
    if loose and np.median(loose) < 1:
        lines.append(
            "- LSODA with a compiled right-hand side for a few digits, where nobody asks how large the error is: at "
            f"{scientific(TARGETS[0], 0)} it takes {np.median(loose):.2g} of our time, but its error is up to "
            f"{_worst(cases, NUMBALSODA):,.0f} times its tolerance;"
        )
    if ours := fastest(cases, TARGETS[-1]).get(OURS):
        lines.append(f"- the direct solver for many digits: at {scientific(TARGETS[-1], 0)} on {_listed(ours)};")
    lines.append(
        "- the direct solver wherever the global error has to be known: no other one here estimates it, and answers "
        f"that it calls good are within {_worst(cases, OURS):.2g} of the tolerance;"
    )
    if scipy := over_ours(cases, SCIPY, TARGETS[1]):
        lines.append(
            "- the direct solver, not SciPy, where nothing is to be compiled or installed besides: the best of SciPy "
            f"takes {np.median(scipy):.2g} times as long at {scientific(TARGETS[1], 0)};"
        )
    for solver, why in ((HEYOKA, "explicit, for little stiffness or many digits"), (CVODE, "where you have it in C")):
        if won := [name for name in cases if any(name in fastest(cases, t).get(solver, []) for t in TARGETS)]:
            lines.append(f"- {solver}, {why}: it wins on {_listed(won)};")
    if lost := [name for name, case in cases.items() if not reached(case["curves"][OURS]["points"])]:
        lines.append(f"- not the direct solver for {_listed(lost)}, which it does not solve;")
    return [*lines[:-1], f"{lines[-1][:-1]}."]


def _worst(cases: dict[str, Any], solver: str) -> float:
    """The largest achieved error over the tolerance, where the answer does not say itself that it misses it.

    Of tolerances down to the last target: below, the true solution itself is not that accurate.
    """
    points = [point for case in cases.values() for point in case["curves"][solver]["points"]]
    good = [p for p in points if "error" in p and "said" not in p and p["tolerance"] >= TARGETS[-1]]
    return max((point["error"] / point["tolerance"] for point in good), default=0.0)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# ----------------------------------------------------------------------------------------------------------- pictures
def shown(cases: dict[str, Any], of_bari: bool) -> dict[str, Any]:
    return {name: case for name, case in cases.items() if (name in families.BARI) is of_bari}


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    drawn = []
    for picture, of_bari in PICTURES.items():
        if cases := shown(results["cases"], of_bari):
            _figure(cases, folder / picture)
            drawn.append(folder / picture)
    return drawn


def _figure(cases: dict[str, Any], path: Path) -> None:
    """Small multiples, the legend in the free place after the last, or below."""
    columns = min(3 if len(cases) < 7 else 4, len(cases))
    rows, plt = -(-len(cases) // columns), _pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(4.4 * columns, 3.9 * rows), sharex=True, layout="constrained", squeeze=False
        )
        for axis, (name, case) in zip(axes.flat, cases.items(), strict=False):
            _curves(axis, case)
            axis.set_title(f"{name}, {case['states']} state{'s' * (case['states'] > 1)}")
        for axis in axes.flat[len(cases) :]:
            axis.axis("off")
        for axis in axes[:, 0]:
            axis.set_ylabel("µs for one solve")
        for axis in [axes[(len(cases) - 1 - k) // columns, (len(cases) - 1 - k) % columns] for k in range(columns)]:
            axis.set_xlabel("achieved error")
            axis.tick_params(labelbottom=True)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        if rows * columns > len(cases):
            axes.flat[-1].legend(handles, labels, loc="center")
        else:
            figure.legend(handles, labels, loc="outside lower center", ncols=columns)
        figure.savefig(path)
        plt.close(figure)


def _curves(axis: Any, case: dict[str, Any]) -> None:
    for solver in SOLVERS:
        points = reached(case["curves"].get(solver, {"points": []})["points"])
        look = {"ms": 4, "lw": 1.4} | LOOK[solver]
        axis.plot([error for error, _ in points], [1e6 * seconds for _, seconds in points], label=solver, **look)
    axis.set(xscale="log", yscale="log", xlim=(3e-1, 1e-13))
    axis.set_xticks([1e-1, 1e-4, 1e-7, 1e-10, 1e-13])
    low, high = np.log10(axis.get_ylim())
    axis.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
