"""Models and results as notebooks show them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any


def table(title: str, rows: Mapping[str, Any]) -> str:
    """A table of names and values under a title."""
    lines = "".join(
        f'<tr><th style="text-align:left">{escape(str(name))}</th>'
        f'<td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<table><caption><b>{escape(title)}</b></caption>{lines}</table>"


def result_table(title: str, result: Any, more: Mapping[str, Any]) -> str:
    """What a result tells of itself."""
    rows: dict[str, Any] = {"message": result.message}
    if isinstance(getattr(result, "success", None), bool):
        rows |= {"success": result.success, "method": result.method}
        estimate = result.error_estimate
        if estimate is not None:
            name = "error estimate" if result.error_bound is None else "error bound"
            rows[name] = f"{estimate.max():.2g} at most"
    return table(title, rows | dict(more))
