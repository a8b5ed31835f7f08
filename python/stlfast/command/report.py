"""The demonstration's numbers as text: rows for a terminal, Markdown for files."""

from __future__ import annotations

from typing import Any

from . import published

METHODS = ("Radau", "RK45")  # that the model is compared with


def header(model: dict[str, Any]) -> list[str]:
    """Titles of the columns of `rows`, in two lines."""
    pairs = [f"{method}\n{what}" for method in METHODS for what in ("error", "ms", "ratio")]
    return [model["stiffness"], "max\nerror", "\nbound", "time\nµs", *pairs]


def rows(model: dict[str, Any]) -> list[list[str]]:
    """One row of text a member."""
    return [_row(row, model["stiffness"]) for row in model["rows"]]


def _row(row: dict[str, Any], stiffness: str) -> list[str]:
    cells = [
        f"{row['params'][stiffness]:g}",
        scientific(row["error"]),
        scientific(row["bound"]),
        _digits(row["seconds"], 1e6),
    ]
    for method in METHODS:
        found = row[method]
        if found["seconds"] is None:
            cells += ["not reached", "–", "–"]
        else:
            cells += [scientific(found["error"], 0), _digits(found["seconds"], 1e3), f"{found['ratio']:.0f}"]
    return cells


def scientific(value: float, digits: int = 1) -> str:
    """1.2e-9, without the leading zero that Python gives exponents."""
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _digits(seconds: float, units: float) -> str:
    """Whole units, or two digits below ten."""
    value = seconds * units
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def microseconds(seconds: float) -> str:
    return _digits(seconds, 1e6)


def caption(results: dict[str, Any]) -> str:
    """What the table's columns are."""
    return (
        "Largest absolute error against the exact solution, over all states, at 512 uniform and 512 logarithmic times. "
        "Time: one solve at 512 output times; stlfast's from Python, its certificate included; SciPy's with the "
        "analytic Jacobian (Radau), at the loosest of the tolerances 1e-3, 1e-4, … whose error is at most "
        f"{scientific(results['target'], 0)}. Ratio: SciPy's time over stlfast's. Medians of interleaved repeats (what "
        f"takes more than {results['effort']['once_from']:g} s runs once), in processor time of one thread."
    )


def tables(results: dict[str, Any]) -> str:
    """A Markdown table for each model, with the caption and the machine."""
    parts = []
    for name, model in results["models"].items():
        others = "".join(f", {key} = {value:g}" for key, value in model["others"].items())
        low, high = model["trained"]
        parts.append(f"**`{name}`**{others}, trained on {model['stiffness']} from {low:g} to {high:g}\n")
        parts.append(markdown(header(model), rows(model)) + "\n")
    parts += [caption(results) + "\n", f"Machine: {machine(results['machine'])}."]
    return "\n".join(parts)


def markdown(titles: list[str], cells: list[list[str]], left: int = 0) -> str:
    """A table whose first `left` columns are aligned left, the others right."""
    titles = [" ".join(title.split()) for title in titles]
    lines = [titles, [":--" if k < left else "--:" for k in range(len(titles))], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {facts[name]}" for name in ("stlfast", "python", "numpy", "scipy"))
    return f"{facts['processor']}, {facts['cores']} cores, {facts['system']}; {versions}"


def headline(results: dict[str, Any]) -> str:
    """One sentence, as a list item, on the stiffest member of each model."""
    lines = []
    for name, model in results["models"].items():
        row, stiffness = model["rows"][-1], model["stiffness"]
        value = row["params"][stiffness]
        ratios = [
            f"{method} {row[method]['ratio']:,.0f} times as long"
            for method in METHODS
            if row[method]["ratio"] is not None
        ]
        lines.append(
            f"- `{name}` at {stiffness} = {value:g}, {value / model['trained'][1]:g} times the stiffest member it was "
            f"trained on: error {scientific(row['error'])}, bound {scientific(row['bound'])}, "
            f"{_digits(row['seconds'], 1e6)} µs a solve. For an error of {scientific(results['target'], 0)} SciPy "
            f"takes: {', '.join(ratios)}."
        )
    return "\n".join(lines)


def field_sentence(results: dict[str, Any]) -> str:
    """What the demonstration measured of its family of PDEs."""
    row = results["field"]
    fields, points, times = row["shape"]
    (parameter, value), *_ = row["params"].items()
    return (
        f"`{row['name']}` at {parameter} = {value:g}: {fields} fields at {points} × {times} points in "
        f"{_digits(row['seconds'], 1e6)} µs from Python; largest error {scientific(row['max'])}, mean "
        f"{scientific(row['mean'])}, estimate {scientific(row['estimate'])}."
    )


def page(results: dict[str, Any], picture: str, solutions: str, field: str) -> str:
    """The demonstration on one page of Markdown, with its pictures by their file names."""
    return f"""# stlfast: stiff families in one shot

Each model's hidden features were trained on members of little stiffness. Every member below is then one small linear
least-squares solve on those frozen features: no time steps, no iteration, and an error bound with each answer.

{headline(results)}

## Error against stiffness

![Largest error against stiffness]({picture})

The published errors are those of {published.SOURCE} for the same equations, over uniform times alone.

## Against SciPy at matched accuracy

{tables(results)}

## Solutions

![Solutions on a logarithmic time axis]({solutions})

Lines: stlfast. Circles: exact solutions. On a logarithmic axis the transient is as visible as the slow part.

## In space and time

![Space–time maps and profiles]({field})

{field_sentence(results)}

All numbers are in `results.json`; `stlfast demo` wrote this page in {results["seconds"]:g} s.
"""
