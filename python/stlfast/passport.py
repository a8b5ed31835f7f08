"""A model's passport for people: what it solves, how it was trained and compiled, how accurate it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .family import Family
from .model import Model
from .model_file import FORMAT_VERSION
from .nonlinear_model import NonlinearModel
from .nonlinear_pde_model import NonlinearPDEModel
from .pde_family import PDEFamily
from .pde_model import PDEModel

AnyModel = Model | NonlinearModel | PDEModel | NonlinearPDEModel


def view(model: Model | NonlinearModel, path: Path) -> Group:
    """Everything `stlfast inspect` shows."""
    parts: list[RenderableType] = [
        section("Family", _family(model.family)),
        parameters(model.family),
        section("Body", _body(model)),
        section("Training", _training(model)),
        section("Compiled", _compiled(model)),
        section("File", file_facts(model, path, FORMAT_VERSION)),
    ]
    rows = model.passport.get("accuracy")
    parts.append(accuracy(rows, model.family) if rows else Text("\nAccuracy: not measured", style="bold"))
    return Group(*parts)


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
    return [*facts, ("times", f"{t0:g} to {t1:g}{where}"), ("stiffness", family.stiffness)]


def parameters(family: Family | PDEFamily) -> Table:
    table = Table("parameter", "trained on", "solved on", title="Parameters", title_justify="left")
    for name, interval in family.params.items():
        table.add_row(name, *(f"{low:g} … {high:g}" for low, high in (interval.train, interval.solve)))
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
        "tolerance": facts.get("tol"),
        "seconds": facts.get("seconds"),
    }
    return [(name, str(value)) for name, value in shown.items() if value is not None]


def file_facts(model: AnyModel, path: Path, format_version: int) -> list[tuple[str, str]]:
    return [
        ("path", str(path)),
        ("size", f"{path.stat().st_size / 1000:.0f} kB"),
        ("made by", f"stlfast {model.passport.get('stlfast', '(unknown version)')}"),
        ("format version", str(format_version)),
    ]


def accuracy(rows: Sequence[Mapping[str, Any]], family: Family) -> Table:
    """The measured rows, the worst of those that share a stiffness."""
    what, stiffness = "estimate" if family.nonlinear else "bound", family.stiffness
    table = Table(title=f"Accuracy as measured: largest error (and {what})", title_justify="left")
    for title in (stiffness, "default", what, "full dictionary", what):
        table.add_column(title, justify="right")
    for value in sorted({row["params"][stiffness] for row in rows}):
        same = [row for row in rows if row["params"][stiffness] == value]
        keys = ("error", "bound", "error_full", "bound_full")
        table.add_row(f"{value:g}", *(f"{max(row[key] for row in same):.1e}" for key in keys))
    return table


def bounds(model: Model | NonlinearModel, count: int = 7) -> Table:
    """Error bounds, or estimates, of members over the solve range, the other parameters in the middle of theirs."""
    import numpy as np

    family = model.family
    middle: dict[str, Any] = {name: 0.5 * sum(interval.solve) for name, interval in family.params.items()}
    what = "estimate" if family.nonlinear else "bound"
    table = Table(title=f"Error {what}s over the solve range", title_justify="left")
    for title in (family.stiffness, *family.states, "method"):
        table.add_column(title, justify="right")
    for value in np.geomspace(*family.params[family.stiffness].solve, count):
        solution = model.solve(**{**middle, family.stiffness: float(value)})
        assert solution.error_estimate is not None
        table.add_row(f"{value:.4g}", *(f"{b:.1e}" for b in solution.error_estimate), solution.method)
    return table
