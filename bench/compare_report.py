"""The comparison as Markdown: what was to be shown, times with the errors reached, set-up and break-even."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from bench import driver
from bench.contenders import (
    CONTENDERS,
    CVODE,
    FIXED,
    FIXED_CPP,
    FIXED_OUT,
    HEYOKA,
    NUMBALSODA,
    NUMBALSODA_LOOP,
    OURS,
    OURS_CPP,
    OURS_CPP_BARE,
    QUERIES,
    RADAU,
    SWEEP,
    TABLE,
    WINDOWS,
)
from bench.problem import MANY, START, STIFFNESS
from stlfast.command.report import markdown, scientific

SHOWN_AT = 1e-6  # the target at which ratios are stated
STIFF_FROM = 50.0  # what is asked of duffing is asked from this alpha on
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
    ("duffing", STIFFNESS, OURS, NUMBALSODA, 2.0),
    ("duffing", STIFFNESS, OURS, HEYOKA, 2.0),
    ("duffing", MANY, SWEEP, NUMBALSODA_LOOP, 10.0),
    ("duffing", MANY, SWEEP, HEYOKA, 5.0),
)
YARDSTICKS = {
    STIFFNESS: (OURS, WINDOWS),
    START: (FIXED_CPP, FIXED_OUT, FIXED),
    MANY: (SWEEP,),
}  # the first that is there


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


def names(results: dict[str, Any], query: str, problem: str | None = None) -> list[str]:
    """Contenders that were there for a query, of one problem or of any, in the order of the list."""
    records = [r for r in results["records"] if r["query"] == query and problem in (None, r["problem"])]
    there = {r["contender"] for r in records}
    if problem is not None and records:  # those that miss every target too
        there |= {c.name for c in CONTENDERS if query in c.queries} & results["setup"][problem]["first_answer"].keys()
    return [c.name for c in CONTENDERS if c.name in there]


def yardstick(results: dict[str, Any], problem: str, query: str) -> str | None:
    """What the others' times are divided by."""
    return next((name for name in YARDSTICKS[query] if name in names(results, query, problem)), None)


def symbol(results: dict[str, Any], problem: str) -> str:
    """The name of its stiffness parameter."""
    return results["setup"][problem]["stiffness"]


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
    """The stiffness at which break-even is stated: that nearest 150."""
    return min(alphas(results, problem, STIFFNESS), key=lambda alpha: abs(math.log(alpha / 150)))


def break_even(results: dict[str, Any], problem: str, against: str, own: float) -> float | None:
    """Queries from which on stlfast, with `own` seconds of set-up, has taken less time in all; None for never."""
    alpha = middle(results, problem)
    own_name = yardstick(results, problem, STIFFNESS) or OURS
    mine, theirs = (find(results, problem, STIFFNESS, alpha, who) for who in (own_name, against))
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
        parts += [f"## `{problem}`", facts(results, problem)]
        for query, meaning in QUERIES.items():
            if not alphas(results, problem, query):
                continue
            count = f" ({effort['trajectories']} of them)" if query == MANY else ""
            parts.append(f"### `{problem}`: {query}")
            parts.append(f"{meaning[0].upper()}{meaning[1:]}{count}. Microseconds, and in brackets the error reached.")
            for target in results["targets"]:
                parts.append(f"Error at most {scientific(target, 0)}:")
                parts.append(times(results, problem, query, target))
        parts += [f"### `{problem}`: set-up and break-even", setup(results, problem)]
    return "\n\n".join(parts) + "\n"


def caption(results: dict[str, Any]) -> str:
    effort = results["effort"]
    return (
        "Errors are the largest over states and over 512 uniform and 512 logarithmic times, against the exact "
        "solution or, for nonlinear problems, SciPy's LSODA at rtol = 1e-12. Every solver with a tolerance runs at the "
        "loosest of half decades (rtol = atol) that meets the target; where errors are over max |y|, atol is rtol "
        "max |y| of the smallest state. stlfast has no tolerance, except on time "
        "windows: its one accuracy is shown. Its certificate is, for nonlinear problems, an estimate of the error. "
        "Times are for 512 uniform output times; medians of "
        f"{effort['repeats']} interleaved repeats (what takes more than {effort['once_from']:g} s runs once), in "
        "processor time, one thread each. Many initial values: the error is taken over "
        f"{effort['checked']} of them, and SciPy is timed on the first ten."
    )


def machine_line(results: dict[str, Any]) -> str:
    versions = ", ".join(map(" ".join, results["versions"].items()))
    native = results["native"]
    compiled = (
        f"C++: {native['compiler']}; SUNDIALS {native['cvode'] or 'absent'}"
        if "compiler" in native
        else f"C++: {native['absent']}"
    )
    lines = [f"{driver.machine_line(results, versions)} {compiled}."]
    lines += [f"- Absent: {name}: {reason}" for name, reason in absent(results).items()]
    return "\n".join(lines)


def absent(results: dict[str, Any]) -> dict[str, str]:
    """What is absent from every problem, and why."""
    first, *others = results["absent"].values()
    return {name: reason for name, reason in first.items() if all(name in other for other in others)}


def facts(results: dict[str, Any], problem: str) -> str:
    """What is fixed, how errors are measured, and who is left out."""
    about, sentences = results["setup"][problem], []
    if about["others"]:
        sentences.append(f"At {', '.join(f'{name} = {value:g}' for name, value in about['others'].items())}.")
    if about["box"]:
        sentences.append(
            f"Many initial values: from {' × '.join(f'[{low:g}, {high:g}]' for low, high in about['box'])}."
        )
    if about["measured"]:
        sentences.append(f"Errors are {about['measured']}.")
    if about["reference"] is not None:
        apart = scientific(about["reference"])
        sentences.append(f"SciPy's Radau at rtol = 1e-12 differs from the reference by at most {apart}.")
    left_out: dict[str, list[str]] = {}
    for name, reason in results["absent"].get(problem, {}).items():
        if name not in absent(results):
            left_out.setdefault(reason, []).append(name)
    sentences += [f"Left out, {reason}: {'; '.join(who)}." for reason, who in left_out.items()]
    return " ".join(sentences)


def required(results: dict[str, Any]) -> str:
    rows = []
    for problem, query, who, against, least in REQUIRED:
        measured = ratios(results, problem, query, who, against)
        each = ", ".join(f"{ratio:.3g} at {alpha:g}" for alpha, ratio in measured.items())
        wanted = alphas(results, problem, query)
        asked = {a: ratio for a, ratio in measured.items() if problem != "duffing" or a >= STIFF_FROM}
        reached = "–" if not asked else "yes" if min(asked.values()) >= least else "no"
        if measured and len(measured) < len(wanted):
            each += f" (of {len(wanted)} members; at the others one misses the error)"
        what = f"`{problem}`, {query}" + (f", alpha ≥ {STIFF_FROM:g}" if problem == "duffing" else "")
        rows.append([what, who, against, f"{least:.3g}×", each or "absent", reached])
    return markdown(["query", "who", "against", "at least", "measured, at alpha", "reached"], rows, left=3)


def times(results: dict[str, Any], problem: str, query: str, target: float) -> str:
    members = alphas(results, problem, query)
    by = yardstick(results, problem, query)
    rows = []
    for name in names(results, query, problem):
        cells = [cell(results, problem, query, alpha, name, target) for alpha in members]
        compared = ratios(results, problem, query, by, name, target) if by else {}
        rows.append([name, *cells, _spread(list(compared.values()))])
    titles = ["solver", *(f"{symbol(results, problem)} = {alpha:g}" for alpha in members), f"times {by or OURS}"]
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
    training = f"Training takes {costs['training']:.3g} s" if costs["training"] else "Nothing is trained"
    rows = []
    for name in names(results, STIFFNESS, problem):
        record = find(results, problem, STIFFNESS, alpha, name)
        if record is None or name.startswith(OURS):
            continue
        evens = [break_even(results, problem, name, seconds) for seconds in (own, shipped)]
        cells = ["never" if even is None else f"{even:,.0f}" for even in evens]
        rows.append([name, f"{costs['first_answer'][name]:.3g}", _us(record["seconds"]), *cells])
    titles = ["solver", "first answer, s", "then µs a query", "break-even, own family", "break-even, shipped model"]
    return (
        f"{training}, compiling takes {costs['compile']:.3g} s, once for a family; loading "
        f"a model file {1000 * costs['load']:.2g} ms. A solver's first answer includes what it compiles (of its own "
        "code, where it compiles that, for the first problem alone), and no import. Break-even: the number of new "
        f"stiffnesses (at {symbol(results, problem)} = {alpha:g}, error at most {scientific(SHOWN_AT, 0)}) from which "
        "on stlfast, called from Python and with its certificate, has taken less time in all, training included or "
        "not.\n\n" + markdown(titles, rows, left=1)
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
