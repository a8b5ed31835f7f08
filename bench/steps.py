"""What each step from the paper's pipeline to this one gains, and what training gains over random and Chebyshev bases.

    python -m bench.steps [--output docs/results] [--quick]

Errors are maxima over states, members and the point set of stlfast.reference, at y0 of the family, against the exact
solution. Writes steps.json and steps.md. Needs PyTorch; about ten minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import stlfast
from bench import driver
from bench.models import PAPER, compiled
from stlfast.command import report
from stlfast.measure.exact import exact, point_set

ALPHAS = (1.0, 10.0, 20.0, 50.0, 75.0, 150.0, 300.0, 1000.0)
OMEGA = 1.0  # of ncff in the table of steps, as in the paper
OMEGAS = (0.5, 1.37, 2.0)
WIDTHS = (12, 24, 48, 64)
RANKS = {"dho": (8, 12, 16, 20), "ncff": (16, 24, 32, 40)}
RANDOM_SEEDS = 5


class Truth:
    """Exact solutions, computed once for each member."""

    def __init__(self, name: str) -> None:
        self.family = getattr(stlfast.families, name)()
        self.t = point_set(0.0, 10.0)
        self._known: dict[tuple[Any, ...], np.ndarray] = {}

    def members(self, alphas: Iterable[float], omegas: Iterable[float]) -> list[dict[str, Any]]:
        if "omega" not in self.family.params:
            return [{"alpha": a} for a in alphas]
        return [{"alpha": a, "omega": w} for a in alphas for w in omegas]

    def error(self, model: stlfast.Model, members: list[dict[str, Any]], reduced: bool | None) -> float:
        worst = 0.0
        for params in members:
            key = tuple(params.values())
            if key not in self._known:
                self._known[key] = exact(self.family, self.t, **params)
            y = model.solve(t=self.t, certify=False, reduced=reduced, **params).y
            worst = max(worst, float(np.abs(y - self._known[key]).max()))
        return worst


def steps(truth: Truth, shipped: stlfast.Model, quick: bool) -> list[dict[str, Any]]:
    """One change at a time, each kept; error at every alpha."""
    settings = shipped.passport["training"]["settings"]
    common: dict[str, Any] = {"widths": settings["widths"], "seed": 0, "progress": False}
    few: dict[str, Any] = {"steps": 50, "lbfgs_steps": 5} if quick else {}
    joint = stlfast.train_body(
        truth.family, "multihead", input="plain", shared_head=True,
        **{**common, "steps": 50 if quick else 10_000, "lbfgs_steps": 5 if quick else 500},
    )  # fmt: skip
    projected = stlfast.train_body(truth.family, input="plain", **common, **few)
    options: dict[str, Any] = dict(PAPER)
    rows = []
    for label, body, change in (
        ("paper's pipeline: joint training, shared head, pinv, uniform points", joint, {}),
        ("QR instead of pinv of the normal equations", joint, {"solver": "qr"}),
        ("independent heads, SVD of the dictionary", joint, {"shared_head": False, "solver": "svd"}),
        ("points clustered in log time, rows × √t", joint, {"points": 400, "row_weights": "sqrt_t"}),
        ("variable projection instead of joint training", projected, {}),
        ("log-time input", shipped.body, {}),
        ("dilation", shipped.body, {"dilations": "auto"}),
        ("reduced basis (the default solve)", None, {}),
    ):
        options |= change
        model = shipped if body is None else compiled(truth.family, body, **options)
        errors = [truth.error(model, truth.members([a], [OMEGA]), body is None) for a in ALPHAS]
        rows.append({"step": label, "errors": errors})
        driver.say(f"{truth.family.name}: {label}: {max(errors):.1e}")
    return rows


def bases(truth: Truth, shipped: stlfast.Model, quick: bool) -> list[dict[str, Any]]:
    """Trained, random and Chebyshev functions: the full dictionary at equal m."""
    settings = dict(shipped.passport["training"]["settings"])
    hidden = settings.pop("widths")[:-1]
    for name, value in (("steps", 50), ("lbfgs_steps", 5)) if quick else ():
        settings[name] = value
    members = truth.members(ALPHAS, OMEGAS)
    rows = []
    for m in WIDTHS:
        body = stlfast.train_body(truth.family, widths=[*hidden, m], progress=False, **settings)
        trained = compiled(truth.family, body, reduced=False)
        randoms = [compiled(truth.family, body, "random", reduced=False, seed=s) for s in range(RANDOM_SEEDS)]
        polynomials = compiled(truth.family, body, "chebyshev", reduced=False)
        rows.append(
            {
                "m": m,
                "functions": trained.passport["compile"]["functions"],
                "trained": truth.error(trained, members, False),
                "random": [truth.error(model, members, False) for model in randoms],
                "chebyshev": truth.error(polynomials, members, False),
            }
        )
        driver.say(f"{truth.family.name}: {rows[-1]}")
    return rows


def ranks(truth: Truth, shipped: stlfast.Model) -> list[dict[str, Any]]:
    """The reduced basis at equal r, built on each dictionary with the shipped model's bands."""
    members = truth.members(ALPHAS, OMEGAS)
    tol = shipped.passport["compile"]["tol"]
    rows = []
    for r in RANKS[truth.family.name]:
        row: dict[str, Any] = {"r": r}
        for basis in ("body", "random", "chebyshev"):
            try:
                model = compiled(truth.family, shipped.body, basis, rank=r, tol=tol)
                row[basis] = truth.error(model, members, True)
                row[f"{basis}_bands"] = len(model.passport["compile"]["ranks"])
            except RuntimeError:  # this dictionary reaches tol in no number of bands
                row[basis] = None
        rows.append(row)
        driver.say(f"{truth.family.name}: {row}")
    return rows


def page(results: dict[str, Any]) -> str:
    machine = results["machine"]
    where = machine if isinstance(machine, str) else report.machine(machine)  # a sentence in results of before
    lines = [f"Made by `python -m bench.steps` on {where}, {results['seconds']:.0f} s.", ""]
    for name, tables in results["families"].items():
        lines += [f"### {name}: largest error at each alpha, every step keeping the ones above it", ""]
        lines += ["| step | " + " | ".join(f"{a:g}" for a in ALPHAS) + " |", "|---" * (1 + len(ALPHAS)) + "|"]
        lines += [f"| {r['step']} | " + " | ".join(f"{e:.0e}" for e in r["errors"]) + " |" for r in tables["steps"]]
        lines += ["", f"### {name}: full dictionary at equal m", ""]
        lines += ["| features m | functions | trained | random, median (range) | Chebyshev |", "|---" * 5 + "|"]
        for r in tables["bases"]:
            spread = f"{np.median(r['random']):.0e} ({min(r['random']):.0e} … {max(r['random']):.0e})"
            lines += [f"| {r['m']} | {r['functions']} | {r['trained']:.0e} | {spread} | {r['chebyshev']:.0e} |"]
        lines += ["", f"### {name}: reduced basis at equal r (number of bands)", ""]
        lines += ["| r | trained | random | Chebyshev |", "|---" * 4 + "|"]
        for r in tables["ranks"]:
            cells = [f"{r[b]:.0e} ({r[f'{b}_bands']})" if r[b] is not None else "tol not reached"
                     for b in ("body", "random", "chebyshev")]  # fmt: skip
            lines += [f"| {r['r']} | " + " | ".join(cells) + " |"]
        lines += [""]
    return "\n".join(lines)


@driver.study
def run(quick: bool) -> dict[str, Any]:
    """Everything that is measured, JSON-able."""
    tables = {}
    for name in ("dho", "ncff"):
        truth, shipped = Truth(name), stlfast.load(name, stlfast.Model)
        tables[name] = {
            "steps": steps(truth, shipped, quick),
            "bases": bases(truth, shipped, quick),
            "ranks": ranks(truth, shipped),
        }
    return {"quick": quick, "alphas": ALPHAS, "omegas": OMEGAS, "families": tables}


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    return driver.write("steps", results, page(results), folder)


if __name__ == "__main__":
    parser = driver.parser(__doc__, quick="barely trained bodies, to see that it runs")
    driver.main(parser, lambda options: run(options.quick), write)
