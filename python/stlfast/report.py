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
        f"{row['error']:.0e}",
        f"{row['bound']:.0e}",
        _digits(row["seconds"], 1e6),
    ]
    for method in METHODS:
        found = row[method]
        if found["seconds"] is None:
            cells += ["not reached", "–", "–"]
        else:
            cells += [f"{found['error']:.0e}", _digits(found["seconds"], 1e3), f"{found['ratio']:.0f}"]
    return cells


def _digits(seconds: float, units: float) -> str:
    """Whole units, or two digits below ten."""
    value = seconds * units
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def caption(results: dict[str, Any]) -> str:
    """What the table's columns are."""
    return (
        "Largest absolute error against the exact solution, over all states, at 512 uniform and 512 logarithmic times. "
        "Time: one solve at 512 output times; stlfast's from Python, its certificate included; SciPy's with the "
        "analytic Jacobian (Radau), at the loosest of the tolerances 1e-3, 1e-4, … whose error is at most "
        f"{results['target']:g}. Ratio: SciPy's time over stlfast's. Medians of interleaved repeats, one thread."
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


def markdown(titles: list[str], cells: list[list[str]]) -> str:
    titles = [" ".join(title.split()) for title in titles]
    lines = [titles, ["--:"] * len(titles), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {facts[name]}" for name in ("stlfast", "python", "numpy", "scipy"))
    return f"{facts['processor']}, {facts['cores']} cores, {facts['system']}; {versions}"


def page(results: dict[str, Any], picture: str, solutions: str) -> str:
    """The demonstration on one page of Markdown, with its pictures by their file names."""
    hardest = {name: model["rows"][-1] for name, model in results["models"].items()}
    summary = "\n".join(
        f"- `{name}` at {model['stiffness']} = {row['params'][model['stiffness']]:g}: error {row['error']:.0e}, "
        f"bound {row['bound']:.0e}, {_digits(row['seconds'], 1e6)} µs a solve."
        for (name, row), model in zip(hardest.items(), results["models"].values(), strict=True)
    )
    return f"""# stlfast: stiff families in one shot

Each model's hidden features were trained on members of little stiffness. Every member below is then one small linear
least-squares solve on those frozen features: no time steps, no iteration, and an error bound with each answer.

{summary}

## Error against stiffness

![Largest error against stiffness]({picture})

The published errors are those of {published.SOURCE} for the same equations.

## Against SciPy at matched accuracy

{tables(results)}

## Solutions

![Solutions on a logarithmic time axis]({solutions})

Lines: stlfast. Circles: exact solutions. On a logarithmic axis the transient is as visible as the slow part.

All numbers are in `results.json`; `stlfast demo` wrote this page in {results["seconds"]:g} s.
"""
