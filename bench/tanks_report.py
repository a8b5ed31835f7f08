"""What the first page says of its own family, as Markdown."""

from __future__ import annotations

from typing import Any

from stlfast.command import report

SHOWN_METHOD = "Radau"  # SciPy's, whose values the picture has as circles


def caption(results: dict[str, Any]) -> str:
    """What the picture shows, with the numbers of its stiffest member."""
    row, members = results["rows"][-1], ", ".join(f"{k:g}" for k in results["shown"])
    return (
        f"Two tanks that exchange heat, at k = {members}: the lines are one compiled model, the circles SciPy's "
        f"{SHOWN_METHOD} for each member. At k = {row['params']['k']:g} the largest error is "
        f"{report.scientific(row['error'])}, its bound {report.scientific(row['bound'])}, and a solve from Python "
        f"takes {report.microseconds(row['seconds'])} µs."
    )


def table(results: dict[str, Any]) -> str:
    """Times at equal accuracy, and the number of solves from which on compiling has paid for itself."""
    row, build = results["rows"][-1], results["compile_seconds"]
    cells = [["stlfast, bound included", report.microseconds(row["seconds"]), "1", ""]]
    order = {name: row[name] for name in results["solvers"] if row[name]["seconds"] is not None}
    for name, theirs in sorted(order.items(), key=lambda item: item[1]["seconds"]):
        solves = build / (theirs["seconds"] - row["seconds"])
        cells.append([
            name, f"{theirs['seconds'] * 1e6:,.0f}", f"{theirs['ratio']:,.0f}", f"{float(f'{solves:.2g}'):,.0f} solves"
        ])  # fmt: skip
    titles = ["solver", "µs a solve", "ratio", "compiling pays after"]
    return report.markdown(titles, cells, left=1)


def page(results: dict[str, Any]) -> str:
    """The table under what it shows."""
    target = report.scientific(results["target"], 0)
    return (
        f"One new member, k = {results['rows'][-1]['params']['k']:g}, 512 output times, one thread, an error of at "
        f"most {target}; compiling took {results['compile_seconds']:.1f} s:\n\n{table(results)}"
    )
