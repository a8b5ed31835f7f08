"""A model's passport for people: what it solves, how it was trained and compiled, how accurate it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..equations.ode.family import Family
from ..equations.pde.family import PDEFamily
from ..loading import format_version
from ..models.linear import Model
from ..models.nonlinear import NonlinearModel
from ..models.nonlinear_pde import NonlinearPDEModel
from ..models.pde import PDEModel

AnyModel = Model | NonlinearModel | PDEModel | NonlinearPDEModel


def view(model: AnyModel, path: Path) -> Group:
    """Everything `stlfast inspect` shows."""
    family = model.family
    parts = [section("Family", _family(family) if isinstance(family, Family) else _pde_family(family))]
    parts.append(Group(parameters(family)))
    if isinstance(model, (Model, NonlinearModel)):
        parts += [section("Body", _body(model)), section("Training", _training(model))]
        parts.append(section("Compiled", _compiled(model)))
    else:
        parts.append(section("Compiled", _pde_compiled(model)))
    parts.append(section("File", _file(model, path)))
    rows = model.passport.get("accuracy")
    measured = accuracy(rows, model.family) if rows else Text("\nAccuracy: not measured", style="bold")
    return Group(*parts, measured)


def summary(model: AnyModel) -> tuple[str, str, str]:
    """Kind, equations and parameters of a model, for a list of them."""
    family = model.family
    kind = "PDE" if isinstance(family, PDEFamily) else "ODE"
    ranges = "\n".join(f"{name} {r.solve[0]:g} … {r.solve[1]:g}" for name, r in family.params.items())
    return f"{'nonlinear' if family.nonlinear else 'linear'} {kind}", "\n".join(family.equations), ranges


def section(title: str, facts: Iterable[tuple[str, str]]) -> Group:
    table = Table.grid(padding=(0, 2))
    for name, value in facts:
        table.add_row(Text(f"  {name}", style="cyan"), Text(value))
    return Group(Text(f"\n{title}", style="bold"), table)


def _family(family: Family) -> list[tuple[str, str]]:
    facts = [("name", family.name), ("equations", "\n".join(family.equations))]
    facts.append(("initial values", ", ".join(f"{s} = {v:g}" for s, v in zip(family.states, family.y0, strict=True))))
    low = {name: interval.solve[0] for name, interval in family.params.items()}
    t0, t1 = family.t_span_at(**low)
    varies = any(family.t_span.depends_on(k).any() for k in range(1, family.t_span.n_inputs))
    where = f" at {', '.join(f'{k} = {v:g}' for k, v in low.items())}; it depends on parameters" if varies else ""
    return [*facts, ("times", f"{t0:g} to {t1:g}{where}"), ("stiffness", family.stiffness or "none")]


def parameters(family: Family | PDEFamily) -> Table:
    table = Table("parameter", "trained on", "solved on", title="Parameters", title_justify="left")
    for name, interval in family.params.items():
        ends = ("" if ends is None else f"{ends[0]:g} … {ends[1]:g}" for ends in (interval.train, interval.solve))
        table.add_row(name, *ends)
    return table


def _body(model: Model | NonlinearModel) -> list[tuple[str, str]]:
    body = model.body
    if body is None:
        return [("", "none: Chebyshev polynomials")]
    return [
        ("layers", " → ".join(map(str, body.sizes))),
        ("activation", body.activation),
        ("input", f"{body.input} time, tau = {body.tau:g}" if body.input == "log" else "plain time"),
        ("SHA-256", body.sha256),
    ]


def _training(model: Model | NonlinearModel) -> list[tuple[str, str]]:
    history: Mapping[str, Any] = model.passport.get("training") or {}
    if not history:
        return [("", "no history")]
    settings = history.get("settings", {})
    facts = [("settings", "\n".join(f"{name} = {value}" for name, value in settings.items()))]
    losses: Sequence[float] = history.get("loss", [])
    facts.append(("members", str(len(history.get("members", [])))))
    if losses:
        facts.append(("loss", f"{losses[0]:.4g} → {history.get('best_loss', losses[-1]):.4g} in {len(losses)} steps"))
    names = ("seconds", "device", "threads", "torch", "stopped_by")
    return facts + [(name.replace("_", " "), str(history[name])) for name in names if name in history]


def _compiled(model: Model | NonlinearModel) -> list[tuple[str, str]]:
    facts: Mapping[str, Any] = model.passport.get("compile", {})
    ranks = facts.get("ranks", [])
    shown = {
        "basis": model.passport.get("basis"),
        "functions": facts.get("functions"),
        "dilations": ", ".join(f"{k:.4g}" for k in facts.get("dilations", [])),
        "points": facts.get("points"),
        "bands": f"{len(ranks)}, of rank {', '.join(map(str, ranks))}" if ranks else "none",
        "windows": _windows(facts),
        "tolerance": facts.get("tol"),
        "seconds": facts.get("seconds"),
    }
    return [(name, str(value)) for name, value in shown.items() if value is not None]


def _windows(facts: Mapping[str, Any]) -> str | None:
    if "share" not in facts:
        return None
    least, most = facts["windows"]
    return f"{least} … {most} in {facts['cells']} cells, which hold {facts['share']:.1%} of the members"


def _pde_family(family: PDEFamily) -> list[tuple[str, str]]:
    domain = ", ".join(f"{x} from {a:g} to {b:g}" for x, (a, b) in zip(family.coordinates, family.domain, strict=True))
    conditions = [
        f"{c.kind} in {family.coordinates[c.axis]}" if c.side is None else f"{c.kind} at {family.where(c)}"
        for c in family.conditions
    ]
    return [
        ("name", family.name),
        ("equations", "\n".join(family.equations)),
        ("domain", domain),
        ("conditions", "\n".join(conditions)),
        ("times", f"{family.t_span[0]:g} to {family.t_span[1]:g}"),
        ("stiffness", family.stiffness or "none"),
    ]


def _pde_compiled(model: PDEModel | NonlinearPDEModel) -> list[tuple[str, str]]:
    facts: Mapping[str, Any] = model.passport.get("compile", {})
    options: Mapping[str, Any] = facts.get("options", {})
    bands = zip(facts.get("groups", []), facts.get("ranks", []), strict=True)
    shown = {
        "functions": f"{' × '.join(map(str, [*options.get('space', []), options.get('time')]))}, space × time",
        "degrees": ", ".join(map(str, options.get("degrees", []))),
        "ranks": "\n".join(f"fields {group}: {ranks}" for group, ranks in bands),
        "tolerance": options.get("tol"),
        "seconds": facts.get("seconds"),
    }  # fmt: skip
    return [(name, str(value)) for name, value in shown.items() if value is not None]


def _file(model: AnyModel, path: Path) -> list[tuple[str, str]]:
    return [
        ("path", str(path.resolve())),
        ("size", f"{path.stat().st_size / 1000:.0f} kB"),
        ("made by", f"stlfast {model.passport.get('stlfast', '(unknown version)')}"),
        ("format version", format_version(path)),
    ]


def accuracy(rows: Sequence[Mapping[str, Any]], family: Family | PDEFamily) -> Table:
    """The measured rows, the worst of those that share a stiffness."""
    what = "estimate" if isinstance(family, PDEFamily) or family.nonlinear else "bound"
    columns = {"error": "default", "bound": what, "error_full": "full dictionary", "bound_full": what}
    if isinstance(family, PDEFamily):
        columns = {"mean": "mean", "max": "largest", "estimate": "estimate"}
    table = Table(title=f"Accuracy as measured: error (and {what})", title_justify="left")
    leading = family.stiffness or next(iter(family.params))
    for title in (leading, *columns.values()):
        table.add_column(title, justify="right")
    for value in sorted({row["params"][leading] for row in rows}):
        same = [row for row in rows if row["params"][leading] == value]
        table.add_row(f"{value:g}", *(f"{max(row[key] for row in same):.1e}" for key in columns))
    return table


def bounds(model: Model | NonlinearModel, count: int = 7) -> Table:
    """Error bounds, or estimates, of members over the solve range, the other parameters in the middle of theirs."""
    import numpy as np

    family = model.family
    middle: dict[str, Any] = {name: 0.5 * sum(interval.solve) for name, interval in family.params.items()}
    what = "estimate" if family.nonlinear else "bound"
    table = Table(title=f"Error {what}s over the solve range", title_justify="left")
    leading = family.stiffness or next(iter(family.params))
    for title in (leading, *family.states, "method"):
        table.add_column(title, justify="right")
    spaced = np.linspace if family.stiffness is None else np.geomspace
    for value in spaced(*family.params[leading].solve, count):
        solution = model.solve(**{**middle, leading: float(value)})
        found = solution.error_estimate
        cells = ["–"] * family.n if found is None else [f"{b:.1e}" for b in found]
        table.add_row(f"{value:.4g}", *cells, solution.method)
    return table
