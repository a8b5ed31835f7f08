"""The API's docstrings as Markdown: an extension of Griffe, which reads the package for mkdocstrings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))
from docstring_markdown import markdown


class Docstrings(griffe.Extension):
    """Turns every docstring into Markdown, and constants in signatures into their values."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        public = frozenset(export if isinstance(export, str) else export.name for export in pkg.exports or ())

        def link(code: str) -> str | None:
            path = code.removeprefix("stlfast.")
            return f"stlfast.{path}" if path.partition(".")[0] in public else None

        for each in _all(pkg):
            if each.docstring is not None:
                each.docstring.value = markdown(each.docstring.value, _names(each), link)
            if isinstance(each, griffe.Function):
                for parameter in each.parameters:
                    parameter.default = _value(parameter.default)


def _all(of: griffe.Object) -> Iterator[griffe.Object]:
    yield of
    for member in of.members.values():
        if isinstance(member, griffe.Object):
            yield from _all(member)


def _value(default: Any) -> Any:
    """The value of a constant that a default names."""
    if not isinstance(default, griffe.ExprName):
        return default
    try:
        target: Any = default.parent[default.name]  # type: ignore[index]
        target = target.final_target if target.is_alias else target
    except (KeyError, griffe.AliasResolutionError):
        return default
    return target.value if isinstance(target, griffe.Attribute) and target.value is not None else default


def _names(of: griffe.Object) -> frozenset[str]:
    """What begins an item in the middle of a line: a function's parameters, and of a class also its members."""
    functions = [of] if isinstance(of, griffe.Function) else []
    members: set[str] = set()
    if isinstance(of, griffe.Class):
        functions = [member for member in of.members.values() if isinstance(member, griffe.Function)]
        members = set(of.all_members) | {"y", "u", "t"}
    return frozenset({p.name for f in functions for p in f.parameters} | members | {"params"})
