"""The page of bench.pde_features."""

from __future__ import annotations

from typing import Any

from bench import driver
from stlfast.command import report


def page(results: dict[str, Any]) -> str:
    effort = results["effort"]
    parts = [
        "# What training buys on partial differential equations",
        f"Made by `python -m bench.pde_features` in {results['seconds']:.0f} s. Each basis solves the same members for "
        "the same initial and boundary values on the same rows, with all its functions and no reduced basis. Trained: "
        "a body on the train range alone, dilated in time. Untrained: the same random layers that training started "
        "from, dilated alike. Tensor: Chebyshev polynomials of log time times Chebyshev polynomials or Fourier modes "
        "of each space coordinate, as many functions, in the same log-time map. Errors: mean / largest, absolute, over "
        f"fields and {effort['points']} points, half of them in the initial layer t < 5/(1.5 alpha), against the exact "
        "solution.",
        driver.machine_line(results),
        *(part for name, found in results["families"].items() for part in _family(name, found)),
    ]
    return "\n\n".join(parts) + "\n"


def _family(name: str, found: dict[str, Any]) -> list[str]:
    low, high = found["train"]
    training, settings = found["training"], found["training"]["settings"]
    sizes = ", ".join(f"{basis}: {size}" for basis, size in found["sizes"].items())
    dilations = ", ".join(f"{kappa:g}" for kappa in found["dilations"])
    parts = [
        f"## {name}",
        f"Body {' → '.join(map(str, settings['widths']))}, trained on {settings['members']} members alpha = {low:g} … "
        f"{high:g} by variable projection: {settings['modes']} profiles along each axis, {settings['points']} Sobol "
        f"points, {settings['steps']} steps of Adam and {settings['lbfgs_steps']} of L-BFGS in "
        f"{training['seconds']:.0f} s (wall time, {training['device']}, {training['threads']} thread; the machine was "
        f"shared). Loss {training['first_loss']:.1f} → {training['best_loss']:.1f}, the mean of log relative squares. "
        f"Dilations {dilations}. Functions: {sizes}. Rows: {found['equations']} equations and {found['data']} data for "
        "each field.",
        report.markdown(["alpha", "basis", *found["profiles"], "s"], [
            [f"{row['alpha']:g}", row["basis"],
             *(_pair(mean, largest) for mean, largest in zip(row["mean"], row["largest"], strict=True)),
             f"{row['seconds']:.1f}"] for row in found["rows"]
        ], 2),
        *_verdict(found),
    ]  # fmt: skip
    if "kink" in found:
        parts += [
            "The default initial values with an inflow that stays what it is at t = 0: the solution has a kink along "
            "x = t and a layer of width 1/(1.5 alpha) at x = 0, which no basis here is made for.",
            report.markdown(["alpha", *found["sizes"]], [
                [f"{alpha:g}", *(_pair(row["mean"], row["largest"]) for row in found["kink"] if row["alpha"] == alpha)]
                for alpha in dict.fromkeys(row["alpha"] for row in found["kink"])
            ]),
        ]  # fmt: skip
    return parts


def _verdict(found: dict[str, Any]) -> list[str]:
    """How the trained body's largest errors compare, over the members."""
    others = [basis for basis in found["sizes"] if basis != "trained"]
    cells = [
        [profile, *(_range(*ratios(found["rows"], basis, k)) for basis in others)]
        for k, profile in enumerate(found["profiles"])
    ]
    return [
        "The trained body's largest error over that of the other functions, over alpha; below 1 it wins.",
        report.markdown(["profile", *others], cells, 1),
    ]


def ratios(rows: list[dict[str, Any]], basis: str, profile: int) -> tuple[float, float]:
    """The trained body's largest error over another basis's, the least and the most over the members."""
    by = {(row["alpha"], row["basis"]): row["largest"][profile] for row in rows}
    found = [by[alpha, "trained"] / error for (alpha, name), error in by.items() if name == basis]
    return min(found), max(found)


def _pair(mean: float, largest: float) -> str:
    return f"{report.scientific(mean, 0)} / {report.scientific(largest, 0)}"


def _range(low: float, high: float) -> str:
    low_said, high_said = (f"{r:.2g}" if 0.01 <= r < 100 else report.scientific(r, 0) for r in (low, high))
    return low_said if low_said == high_said else f"{low_said} … {high_said}"
