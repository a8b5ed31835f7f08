"""How accurate a model is: its answers against exact solutions, member by member."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .model import Model
from .reference import exact, point_set

MODES = {"": None, "_full": False}  # end of a key → solve's `reduced`


def measure(
    model: Model, members: Iterable[Mapping[str, Any]], y0s: Sequence[Sequence[float] | np.ndarray | None] = (None,)
) -> list[dict[str, Any]]:
    """Largest absolute error and largest bound of each member, over its states, initial values and `point_set`.

    y0s: initial values (n,), None for the family's own. Returns one JSON-able row a member: params, error and bound
    of the default solve, error_full and bound_full of the full dictionary.
    Errors: ValueError for a family whose A varies with time (see `reference.exact`).
    """
    return [_row(model, dict(member), y0s) for member in members]


def _row(model: Model, params: dict[str, Any], y0s: Sequence[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"params": params}
    t = point_set(*model.family.t_span_at(**params))
    truths = [exact(model.family, t, y0, **params) for y0 in y0s]
    for end, reduced in MODES.items():
        solutions = [model.solve(y0, t, reduced=reduced, **params) for y0 in y0s]
        row[f"error{end}"] = max(float(np.abs(s.y - y).max()) for s, y in zip(solutions, truths, strict=True))
        row[f"bound{end}"] = max(float(s.error_bound.max()) for s in solutions if s.error_bound is not None)
    return row


def worst(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The largest error and bound of any row."""
    return {f"{what}{end}": max(row[f"{what}{end}"] for row in rows) for end in MODES for what in ("error", "bound")}
