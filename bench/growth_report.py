"""What the study of growth found: exponents, page and picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from bench import driver
from bench.compare_report import _us
from stlfast.command import demo, report
from stlfast.command.pictures import _pyplot
from stlfast.command.report import scientific
from stlfast.results.style import BLUE, GREY, ORANGE, RED, STYLE

ALPHA = 100.0  # of the member that is timed
ALPHAS = (1.0, 10.0, 100.0, 1000.0)  # of those whose error is measured
SOLVE, BARE, FIXED, AT, COUPLED = "solve", "solve, no bound", "fixed.solve", "model.at", "solve, coupled"
EIGH = "NumPy eigh, exact"
LSODA = {f"LSODA, error {scientific(target, 0)}": target for target in (1e-6, 1e-8)}


def fit(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Slope of log value over log size for the upper half of the sizes, by least squares, and its standard error."""
    x, y = (np.log(np.array(each[len(sizes) // 2 :], dtype=float)) for each in (sizes, values))
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    return slope, float(np.sqrt(((y - slope * x) ** 2).sum() / max(len(x) - 2, 1) / (x @ x)))


def work(n: int, r: int, decoupled: bool = True) -> dict[str, float]:
    """Leading multiply-adds; 9 n³ for the Schur form of a symmetric matrix (Golub & Van Loan, §8.3)."""
    E, C = demo.POINTS, 128
    schur, bound = 9 * n**3, 2 * C * n * r + 3 * C * n**2
    head = schur + n * r**3 / 6 + n * r**2 + 3 * n**2 * r if decoupled else r**3 / 6 + 4 * r**2
    bare = head + E * n * r
    return {
        SOLVE: bare + bound + (0 if decoupled else schur), BARE: bare, AT: (n + 1) * (head + bound),
        FIXED: n**2 * r + E * n * min(r, n + 1),
    }  # fmt: skip


# (exponent, of what) in the end
LIMITS = {
    "define": "2, entries of A", "compile": "3, bounds of n + 1 answers", "file": "0, shared functions",
    "memory": "2, Schur form", SOLVE: "3, Schur form", BARE: "3, Schur form", FIXED: "2, columns of a table",
    AT: "4, n + 1 solves", EIGH: "3, eigenvectors (first 1, exponentials)",
} | dict.fromkeys(LSODA, "3, LU of Jacobians")  # fmt: skip


def fits(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The exponents, with those that the counted work gives over the same sizes, and the last word of the theory."""
    found: list[dict[str, Any]] = []

    def add(what: str, over: str, rows: list[dict[str, Any]], counts: list[dict[str, float]], limit: str) -> None:
        sizes = [row[over] for row in rows]
        values = [row["seconds"].get(what, row.get(what)) for row in rows]
        if len(sizes) < 4 or None in values:
            return
        slope, error = fit(sizes, values)
        counted = fit(sizes, [count[what] for count in counts])[0] if counts and what in counts[0] else None
        found.append({"quantity": what, "over": over, "sizes": sizes[len(sizes) // 2 :], "slope": slope,
                      "error": error, "counted": counted, "limit": limit})  # fmt: skip

    counts = [work(row["n"], max(row["ranks"])) for row in results["states"]]
    for what, limit in LIMITS.items():
        kept = [what != FIXED or not row["anew"] for row in results["states"]]
        add(what, "n", list(compress(results["states"], kept)), list(compress(counts, kept)), limit)
    for n, decoupled in results["effort"]["truncated"]:
        rows = [row for row in results["ranks"] if (row["n"], row["decoupled"]) == (n, decoupled)]
        counts = [work(n, row["r"], decoupled) for row in rows]
        for what in (SOLVE, BARE):
            add(what, "r", rows, counts, f"3, Cholesky; here n = {n}, {_kind(decoupled)}")
    add("compile", "N", results["points"], [], "1, QR of N rows")
    add(SOLVE, "N", results["points"], [], "0, its operators have no N")
    return found


def page(results: dict[str, Any]) -> str:
    rows, training = results["states"], results["training"][-1]
    coupled = [row for row in rows if "coupled" in row]
    names = [name for name in (SOLVE, BARE, FIXED, AT, EIGH, *LSODA, COUPLED) if name in rows[0]["seconds"]]
    absent = "".join(f" Absent: numbalsoda ({row['absent']})." for row in rows[:1] if "absent" in row)
    anew = ", ".join(str(row["n"]) for row in rows if row["anew"])
    widths, tol = "-".join(map(str, training["widths"])), scientific(results["effort"]["tol"], 0)
    return "\n\n".join([
        "# How it grows",
        f"Made by `python -m bench.growth` in {results['seconds']:.0f} s. `families.chain(n)`: n cells in a row, rates "
        f"from 1 to 1 + 4 alpha, alpha from 1 to 1000. One body ({widths}), trained in {training['seconds']:.0f} s on "
        f"two cells with alpha from 1 to 10, serves all; tol = {tol}. Errors: the largest over states and over 512 "
        f"uniform and 512 logarithmic times, for alpha = {', '.join(f'{a:g}' for a in ALPHAS)} and an initial value of "
        "normal random numbers, against the exact solution; met: all bounds within atol + rtol max |y| of the default. "
        f"Times: one call at 512 output times, alpha = {ALPHA:g}; medians of "
        f"{results['effort']['repeats']} interleaved repeats, processor time, one thread.",
        driver.machine_line(results, ", ".join(map(" ".join, results["versions"].items()))) + absent,
        "![time of one solve against the number of states](growth.png)",
        "## States: building, memory, error",
        "Decoupled: n problems of r functions. Memory: what loading the file and one solve add to a process that has "
        "imported stlfast. Defining a family is SymPy's time.",
        table(["n", "define, s", "compile, s", "bands", "r", "file, kB", "memory, MB", "error", "bound", "met"], [
            [row["n"], f"{row['define']:.2g}", *_built(row), f"{row['file'] / 1e3:,.0f}",
             "–" if row["memory"] is None else f"{row['memory'] / 1e6:.2g}", *_reached(row)] for row in rows
        ]),
        "## States: time",
        f"Microseconds; {SOLVE} with its error bound. {EIGH}: decompose and evaluate, for constant A alone. LSODA: "
        "numbalsoda, compiled right-hand side, dense Jacobian, at the loosest of half decades of rtol = atol whose "
        f"error is within the target there. {FIXED} solves anew, for the sum of its columns' bounds misses the "
        f"tolerance, at n = {anew or '(none)'}.",
        table(["n", *names], [
            [row["n"], *(_us(row["seconds"][name]) if name in row["seconds"] else "–" for name in names)]
            for row in rows
        ]),
        "## One coupled basis instead",
        table(["n", "compile, s", "bands", "r", "error", "bound", "met", "solve, µs", "decoupled, s", "µs"], [
            [row["n"], *_built(row["coupled"]), *_reached(row["coupled"]), _us(row["seconds"][COUPLED]),
             f"{row['compile']:.2g}", _us(row["seconds"][SOLVE])] for row in coupled
        ]),
        "## Functions of a band",
        "The same bands, truncated. Timed in the middle of the largest band, on the reduced basis whatever the bound.",
        table(["n", "basis", "r", f"{SOLVE}, µs", f"{BARE}, µs", "error", "bound", "met"], [
            [row["n"], _kind(row["decoupled"]), row["r"], *map(_us, row["seconds"].values()), *_reached(row)]
            for row in results["ranks"]
        ]),
        f"## Collocation points, n = {results['effort']['points_states']}",
        table(["N", "compile, s", "bands", "r", "tol used", "error", "bound", "met", "solve, µs"], [
            [row["N"], *_built(row), scientific(row["tol"]), *_reached(row), _us(row["seconds"][SOLVE])]
            for row in results["points"]
        ]),
        f"## Which dictionary reaches tol = {tol}",
        "m features at four dilations and the constant. A tol below what the dictionary reaches is raised to that.",
        table(["m", "n", "dictionary", "tol used", "bands", "r", "error"], [
            [row["m"], row["n"], row["basis"], *(["not reached with 64 bands", "–", "–", "–"] if "failed" in row else
             [scientific(row["tol"]), *_built(row)[1:], scientific(row["error"])])] for row in results["bases"]
        ]),
        "## Exponents",
        "Least squares of log value on log size over the upper half of the sizes, with the standard error; the same of "
        "the counted multiply-adds (9 n³ + n r³/6 + n r² + 3 n² r for the coefficients, 512 n r for the values, "
        f"128 (2 n r + 3 n²) for the bound); and the exponent of the term that wins in the end. {FIXED} without the "
        "sizes at which it solves anew.",
        table(["quantity", "over", "exponent", "counted", "in the end"], [
            [row["quantity"], f"{row['over']} = {row['sizes'][0]} … {row['sizes'][-1]}",
             f"{row['slope']:.2f} ± {row['error']:.2f}",
             "–" if row["counted"] is None else f"{row['counted']:.2f}", row["limit"]] for row in results["fits"]
        ]),
    ]) + "\n"  # fmt: skip


def table(titles: list[str], cells: list[list[Any]]) -> str:
    return report.markdown(titles, [list(map(str, row)) for row in cells])


def _kind(decoupled: bool) -> str:
    return "decoupled" if decoupled else "coupled"


def _built(row: dict[str, Any]) -> list[str]:
    low, high = min(row["ranks"]), max(row["ranks"])
    return [f"{row['compile']:.2g}", str(len(row["ranks"])), str(low) if low == high else f"{low}–{high}"]


def _reached(row: dict[str, Any]) -> list[str]:
    return [scientific(row["error"]), scientific(row["bound"]), "yes" if row["met"] else "no"]


def picture(results: dict[str, Any], path: Path) -> None:
    looks: dict[str, dict[str, Any]] = {
        SOLVE: {"color": BLUE, "marker": "o", "lw": 2.6}, BARE: {"color": BLUE, "marker": "o", "ls": ":"},
        FIXED: {"color": "#56B4E9", "marker": "s"}, COUPLED: {"color": RED, "marker": "^"},
        EIGH: {"color": GREY, "marker": "*", "ls": "--"},
    }  # fmt: skip
    looks |= {name: {"color": ORANGE, "marker": mark} for name, mark in zip(LSODA, "Dv", strict=True)}
    plt = _pyplot()
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7.2, 5.8), layout="constrained")
        for name, look in looks.items():
            points = [(row["n"], 1e6 * row["seconds"][name]) for row in results["states"] if name in row["seconds"]]
            label = name if name in LSODA or name == EIGH else f"stlfast: {name}"
            axis.plot(*zip(*points, strict=True), label=label, **look) if points else None
        axis.set(xscale="log", yscale="log", xlabel="number of states n", ylabel="µs for one solve, 512 output times")
        axis.set_xticks([row["n"] for row in results["states"]], minor=False)
        axis.minorticks_off()
        axis.xaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_major_formatter("{x:,g}")
        figure.legend(loc="outside lower center", ncols=2)
        figure.savefig(path)
        plt.close(figure)
