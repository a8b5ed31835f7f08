"""The passport of a model of PDEs for people: what it solves, how it was compiled, how accurate it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .model_file import PDE_VERSION
from .nonlinear_pde_model import NonlinearPDEModel
from .passport import file_facts, parameters, section
from .pde_family import PDEFamily
from .pde_model import PDEModel


def view(model: PDEModel | NonlinearPDEModel, path: Path) -> Group:
    """Everything `stlfast inspect` shows."""
    parts: list[RenderableType] = [
        section("Family", _family(model.family)),
        parameters(model.family),
        section("Compiled", _compiled(model)),
        section("File", file_facts(model, path, PDE_VERSION)),
    ]
    rows = model.passport.get("accuracy")
    parts.append(accuracy(rows, model.family) if rows else Text("\nAccuracy: not measured", style="bold"))
    return Group(*parts)


def accuracy(rows: Sequence[Mapping[str, Any]], family: PDEFamily) -> Table:
    """The measured rows, the worst of those that share a stiffness."""
    table = Table(title="Accuracy as measured: |error| and its estimate", title_justify="left")
    for title in (family.stiffness, "mean", "largest", "estimate"):
        table.add_column(title, justify="right")
    for value in sorted({row["params"][family.stiffness] for row in rows}):
        same = [row for row in rows if row["params"][family.stiffness] == value]
        table.add_row(f"{value:g}", *(f"{max(row[key] for row in same):.1e}" for key in ("mean", "max", "estimate")))
    return table


def _family(family: PDEFamily) -> list[tuple[str, str]]:
    domain = ", ".join(f"{x} from {a:g} to {b:g}" for x, (a, b) in zip(family.coordinates, family.domain, strict=True))
    conditions = [
        f"{c.kind} in {family.coordinates[c.axis]}" if c.side is None else f"{c.kind} at {c.where(family)}"
        for c in family.conditions
    ]
    return [
        ("name", family.name),
        ("equations", "\n".join(family.equations)),
        ("domain", domain),
        ("conditions", "\n".join(conditions)),
        ("times", f"{family.t_span[0]:g} to {family.t_span[1]:g}"),
        ("stiffness", family.stiffness),
    ]


def _compiled(model: PDEModel | NonlinearPDEModel) -> list[tuple[str, str]]:
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
