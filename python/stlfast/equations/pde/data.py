"""What a user gives as initial and boundary values, as functions of points.

d space coordinates, n fields; a condition holds for m of the fields.

    u0        a function of x (N,), or of x and y (N,), → (n, N)
              samples (points, values): points (S,), or in two dimensions (S, 2), and values (n, S)
    boundary  a function of t (N,), or in two dimensions of the other coordinate and t, → (m, N)
              samples (points, values): times (S,), or in two dimensions (S, 2), rows of the other coordinate and t,
              and values (m, S)

Samples are interpolated as samples.py says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...base.checks import real, rows
from . import characteristics
from .conditions import Condition, Data
from .equations import PDEEquations
from .samples import Axis, interpolation


def initial_data(family: PDEEquations, u0: Any, p: np.ndarray) -> Data:
    """Initial values at points (d, N) → (n, N), of the family's default where u0 is None."""
    if u0 is None:
        return lambda x: family.initial_at(x, p)
    what = f"u0 of {family.name!r}"
    if callable(u0):
        return lambda x: _called(u0, x, family.n, what)
    return interpolation(_axes(family)[:-1], u0, family.n, what)


def boundary_data(family: PDEEquations, inflow: Any, boundary: Any, u0: Data, p: np.ndarray) -> list[Data | None]:
    """For each of the family's conditions its values at points (d + 1, N) → (m, N); None where it is periodic.

    inflow: for the one Inflow condition; boundary: a dict (coordinate, side) → values, or (coordinate, side, kind)
    where a side has several; the family's own where neither is given. u0: initial values, from which those of
    "characteristics" are continued.
    """
    given: dict[int, Any] = {}
    if inflow is not None:
        given[_only_inflow(family)] = inflow
    if boundary is not None:
        if not isinstance(boundary, Mapping):
            raise ValueError(f"boundary must be a dict (coordinate, side) → values, got {type(boundary).__name__}")
        for key, values in boundary.items():
            k = _find(family, key)
            if k in given:
                raise ValueError(f"boundary[{key!r}] is given by inflow too; leave one of them out")
            given[k] = values
    return [
        _given_data(family, condition, given[k]) if k in given else _own_data(family, condition, u0, p)
        for k, condition in enumerate(family.conditions)
    ]


def _only_inflow(family: PDEEquations) -> int:
    found = [k for k, condition in enumerate(family.conditions) if condition.kind == "inflow"]
    if len(found) != 1:
        raise ValueError(
            f"inflow is for families with one Inflow condition, {family.name!r} has {len(found)}; use "
            'boundary={("x", "low"): …}'
        )
    return found[0]


def _find(family: PDEEquations, key: Any) -> int:
    sides = {
        k: (family.coordinates[condition.axis], condition.side, condition.kind)
        for k, condition in enumerate(family.conditions)
        if condition.side is not None
    }
    wanted = (*map(str, key),) if isinstance(key, tuple) else ()
    found = [k for k, side in sides.items() if wanted in (side, side[:2])]
    if len(found) != 1:
        problem = "more than one condition" if found else "no condition"
        known = ", ".join(map(str, sides.values())) or "none, all axes are periodic"
        raise ValueError(f"boundary has the key {key!r}, for which {family.name!r} has {problem}; sides: {known}")
    return found[0]


def _own_data(family: PDEEquations, condition: Condition, u0: Data, p: np.ndarray) -> Data | None:
    if condition.kind == "periodic":
        return None
    if condition.continues:
        return lambda points: characteristics.solution(family, u0, points, p)
    assert condition.values is not None
    program = condition.values
    return lambda points: program(points, p)


def _given_data(family: PDEEquations, condition: Condition, given: Any) -> Data:
    m = len(condition.fields)
    what = f"the {condition.kind} values of {family.name!r} at {family.where(condition)}"
    along = [k for k in range(family.d + 1) if k != condition.axis]  # the other coordinate, and t
    if callable(given):
        return lambda points: _called(given, points[along], m, what)
    values = interpolation([_axes(family)[k] for k in along], given, m, what)
    return lambda points: values(points[along])


def _axes(family: PDEEquations) -> list[Axis]:
    """The space coordinates, and the time."""
    box = zip(family.coordinates, family.domain.tolist(), family.periodic, strict=True)
    return [
        *(Axis(name, low, high, periodic) for name, (low, high), periodic in box),
        Axis(family.time, *family.t_span, False),
    ]


def _called(function: Callable[..., Any], arguments: np.ndarray, n: int, what: str) -> np.ndarray:
    values = rows(real(function(*(row.copy() for row in arguments)), f"the value of {what}"), n)
    expected = (n, arguments.shape[1])
    if values.shape != expected:
        raise ValueError(f"{what} returned shape {values.shape} for {expected[1]} points, expected {expected}")
    if not np.isfinite(values).all():
        k = int(np.argmin(np.isfinite(values).all(axis=0)))
        raise ValueError(f"{what} is not finite at {arguments[:, k].tolist()}: {values[:, k].tolist()}")
    return values
