"""The comparison as Markdown: what was to be shown, times with the errors reached, set-up and break-even."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from bench.contenders import (
    CONTENDERS,
    CVODE,
    FIXED,
    FIXED_CPP,
    FIXED_OUT,
    MANY,
    NUMBALSODA,
    NUMBALSODA_LOOP,
    OURS,
    OURS_CPP,
    OURS_CPP_BARE,
    QUERIES,
    RADAU,
    START,
    STIFFNESS,
    SWEEP,
    TABLE,
)
from stlfast.report import machine, markdown, scientific

SHOWN_AT = 1e-6  # the target at which ratios are stated
# problem, query, who, against whom, the least ratio of their time to ours
REQUIRED = (
    ("dho", STIFFNESS, OURS, NUMBALSODA, 2.0),
    ("dho", STIFFNESS, OURS_CPP, NUMBALSODA_LOOP, 3.0),
    ("dho", STIFFNESS, OURS_CPP_BARE, NUMBALSODA_LOOP, 3.0),
    ("ncff", STIFFNESS, OURS, NUMBALSODA, 4.0),
    *((name, STIFFNESS, OURS_CPP, CVODE, 20.0) for name in ("dho", "ncff")),
    *((name, STIFFNESS, OURS, RADAU, 500.0) for name in ("dho", "ncff")),
    *((name, START, FIXED_CPP, NUMBALSODA_LOOP, 50.0) for name in ("dho", "ncff")),
    ("dho", MANY, SWEEP, NUMBALSODA_LOOP, 50.0),
    ("dho", START, FIXED_CPP, TABLE, 1 / 1.5),
)
YARDSTICKS = {STIFFNESS: (OURS,), START: (FIXED_CPP, FIXED_OUT, FIXED), MANY: (SWEEP,)}  # the first that is there


# ------------------------------------------------------------------------------------------------------------ numbers
def find(
    results: dict[str, Any], problem: str, query: str, alpha: float, who: str, target: float = SHOWN_AT
) -> dict[str, Any] | None:
    """The record of a contender that reaches the target; None where there is none."""
    for record in results["records"]:
        where = (record["problem"], record["query"], record["alpha"], record["contender"])
        if where == (problem, query, alpha, who) and record["target"] in (target, None) and record["error"] <= target:
            return record
    return None


def alphas(results: dict[str, Any], problem: str, query: str) -> list[float]:
    return sorted({r["alpha"] for r in results["records"] if (r["problem"], r["query"]) == (problem, query)})


def names(results: dict[str, Any], query: str) -> list[str]:
    """Contenders that were there for a query, in the order of the list."""
    there = {r["contender"] for r in results["records"] if r["query"] == query}
    return [c.name for c in CONTENDERS if c.name in there]


def ratios(
    results: dict[str, Any], problem: str, query: str, who: str, against: str, target: float = SHOWN_AT
) -> dict[float, float]:
    """The other's time over ours at every alpha where both reach the target."""
    found = {}
    for alpha in alphas(results, problem, query):
        mine = find(results, problem, query, alpha, who, target)
        theirs = find(results, problem, query, alpha, against, target)
        if mine and theirs:
            found[alpha] = theirs["seconds"] / mine["seconds"]
    return found


def middle(results: dict[str, Any], problem: str) -> float:
    """The alpha at which break-even is stated: that nearest 150."""
    return min(alphas(results, problem, STIFFNESS), key=lambda alpha: abs(math.log(alpha / 150)))


def break_even(results: dict[str, Any], problem: str, against: str, own: float) -> float | None:
    """Queries from which on stlfast, with `own` seconds of set-up, has taken less time in all; None for never."""
    alpha = middle(results, problem)
    mine, theirs = (find(results, problem, STIFFNESS, alpha, who) for who in (OURS, against))
    if not mine or not theirs or theirs["seconds"] <= mine["seconds"]:
        return None
    ahead = own - results["setup"][problem]["first_answer"][against]
    return max(1.0, ahead / (theirs["seconds"] - mine["seconds"]))


def own_setup(results: dict[str, Any], problem: str) -> tuple[float, float]:
    """Seconds before the first answer: of a family of one's own (training, compiling), of a model from a file."""
    setup = results["setup"][problem]
    return setup["training"] + setup["compile"], setup["load"]


# --------------------------------------------------------------------------------------------------------------- text
def page(results: dict[str, Any], pictures: Iterable[str]) -> str:
    effort = results["effort"]
    problems = list(results["setup"])
    parts = [
        "# stlfast beside other solvers",
        f"Made by `python -m bench.compare` in {results['seconds']:.0f} s. {caption(results)}",
        machine_line(results),
        "## What was to be shown",
        f"Ratio: the other's time over stlfast's, both with an error of at most {scientific(SHOWN_AT, 0)}, one thread.",
        required(results),
        *(f"![{name.removesuffix('.png').replace('_', ' ')}]({name})" for name in pictures),
    ]
    for problem in problems:
        for query, meaning in QUERIES.items():
            if not alphas(results, problem, query):
                continue
            count = f" ({effort['trajectories']} of them)" if query == MANY else ""
            parts.append(f"## `{problem}`: {query}")
            parts.append(f"{meaning[0].upper()}{meaning[1:]}{count}. Microseconds, and in brackets the error reached.")
            for target in results["targets"]:
                parts.append(f"Error at most {scientific(target, 0)}:")
                parts.append(times(results, problem, query, target))
        parts += [f"## `{problem}`: set-up and break-even", setup(results, problem)]
    return "\n\n".join(parts) + "\n"


def caption(results: dict[str, Any]) -> str:
    effort = results["effort"]
    return (
        "Errors are the largest over states and over 512 uniform and 512 logarithmic times, against the exact "
        "solution. Every solver with a tolerance runs at the loosest of half decades (rtol = atol) that meets the "
        "target; stlfast has none: its one accuracy is shown. Times are for 512 uniform output times; medians of "
        f"{effort['repeats']} interleaved repeats (what takes more than {effort['once_from']:g} s runs once), in "
        "processor time, one thread each. Many initial values: the error is taken over "
        f"{effort['checked']} of them, and SciPy is timed on the first ten."
    )


def machine_line(results: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    native = results["native"]
    compiled = (
        f"C++: {native['compiler']}; SUNDIALS {native['cvode'] or 'absent'}"
        if "compiler" in native
        else f"C++: {native['absent']}"
    )
    lines = [f"Machine: {machine(results['machine'])}; {versions}. {compiled}."]
    lines += [f"- Absent: {name}: {reason}" for name, reason in results["absent"].items()]
    return "\n".join(lines)


def required(results: dict[str, Any]) -> str:
    rows = []
    for problem, query, who, against, least in REQUIRED:
        measured = ratios(results, problem, query, who, against)
        each = ", ".join(f"{ratio:.3g} at {alpha:g}" for alpha, ratio in measured.items())
        wanted = alphas(results, problem, query)
        reached = "–" if not measured else "yes" if min(measured.values()) >= least else "no"
        if measured and len(measured) < len(wanted):
            each += f" (of {len(wanted)} members; at the others one misses the error)"
        what = f"`{problem}`, {query}"
        rows.append([what, who, against, f"{least:.3g}×", each or "absent", reached])
    return markdown(["query", "who", "against", "at least", "measured, at alpha", "reached"], rows, left=3)


def times(results: dict[str, Any], problem: str, query: str, target: float) -> str:
    members = alphas(results, problem, query)
    yardstick = next((name for name in YARDSTICKS[query] if name in names(results, query)), None)
    rows = []
    for name in names(results, query):
        cells = [cell(results, problem, query, alpha, name, target) for alpha in members]
        compared = ratios(results, problem, query, yardstick, name, target) if yardstick else {}
        rows.append([name, *cells, _spread(list(compared.values()))])
    titles = ["solver", *(f"alpha = {alpha:g}" for alpha in members), f"times {yardstick or 'stlfast'}"]
    return markdown(titles, rows, left=1)


def cell(results: dict[str, Any], problem: str, query: str, alpha: float, name: str, target: float) -> str:
    record = find(results, problem, query, alpha, name, target)
    if record is not None:
        return f"{_us(record['seconds'])} ({scientific(record['error'], 0)})"
    missed = find(results, problem, query, alpha, name, math.inf)  # what has no tolerance has a time all the same
    if missed is None:
        return "not reached"
    return f"not reached: {_us(missed['seconds'])} ({scientific(missed['error'], 0)})"


def setup(results: dict[str, Any], problem: str) -> str:
    costs, (own, shipped) = results["setup"][problem], own_setup(results, problem)
    alpha = middle(results, problem)
    rows = []
    for name in names(results, STIFFNESS):
        record = find(results, problem, STIFFNESS, alpha, name)
        if record is None or name.startswith(OURS):
            continue
        evens = [break_even(results, problem, name, seconds) for seconds in (own, shipped)]
        cells = ["never" if even is None else f"{even:,.0f}" for even in evens]
        rows.append([name, f"{costs['first_answer'][name]:.3g}", _us(record["seconds"]), *cells])
    titles = ["solver", "first answer, s", "then µs a query", "break-even, own family", "break-even, shipped model"]
    return (
        f"Training takes {costs['training']:.3g} s and compiling {costs['compile']:.3g} s, once for a family; loading "
        f"a model file {1000 * costs['load']:.2g} ms. A solver's first answer includes what it compiles (of its own "
        "code, where it compiles that, for the first problem alone), and no import. Break-even: the number of new "
        f"stiffnesses (at alpha = {alpha:g}, error at most {scientific(SHOWN_AT, 0)}) from which on stlfast, called "
        "from Python and with its certificate, has taken less time in all, training included or not.\n\n"
        + markdown(titles, rows, left=1)
    )


def _us(seconds: float) -> str:
    """Three significant digits of microseconds."""
    value = 1e6 * seconds
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _spread(values: list[float]) -> str:
    if not values:
        return "–"
    low, high = f"{min(values):.2g}", f"{max(values):.2g}"
    low, high = (f"{float(text):,.0f}" if float(text) >= 10 else text for text in (low, high))
    return low if low == high else f"{low} … {high}"
