"""How accurate a model is: its answers against exact solutions or an integrator's sharp ones, member by member."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .model import Model
from .nonlinear_model import NonlinearModel
from .reference import point_set, truth

# end of a key → options of solve
LINEAR_MODES: dict[str, dict[str, Any]] = {"": {}, "_full": {"reduced": False}}
NONLINEAR_MODES: dict[str, dict[str, Any]] = {"": {}, "_full": {"method": "newton"}}
MODES = tuple(LINEAR_MODES)


def measure(
    model: Model | NonlinearModel,
    members: Iterable[Mapping[str, Any]],
    y0s: Sequence[Sequence[float] | np.ndarray | None] = (None,),
) -> list[dict[str, Any]]:
    """Largest absolute error and largest bound of each member, over its states, initial values and `point_set`.

    Of nonlinear models the bound is the estimate, and the judge is SciPy's LSODA at its sharpest.

    y0s: initial values (n,), None for the family's own. Returns one JSON-able row a member: params, error and bound
    of the default solve, error_full and bound_full of the full dictionary.
    Errors: ValueError for a family whose A varies with time (see `reference.exact`).
    """
    return [_row(model, dict(member), y0s) for member in members]


def _row(model: Model | NonlinearModel, params: dict[str, Any], y0s: Sequence[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"params": params}
    t = point_set(*model.family.t_span_at(**params))
    truths = [truth(model.family, t, y0, **params) for y0 in y0s]
    for end, options in (NONLINEAR_MODES if model.family.nonlinear else LINEAR_MODES).items():
        solutions = [model.solve(y0, t, **options, **params) for y0 in y0s]
        row[f"error{end}"] = max(float(np.abs(s.y - y).max()) for s, y in zip(solutions, truths, strict=True))
        row[f"bound{end}"] = max(
            math.inf if s.error_estimate is None else float(s.error_estimate.max()) for s in solutions
        )
    return row


def worst(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The largest error and bound of any row."""
    return {f"{what}{end}": max(row[f"{what}{end}"] for row in rows) for end in MODES for what in ("error", "bound")}
