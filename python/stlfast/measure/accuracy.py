"""How accurate a model is, member by member, against exact or sharp solutions.

Points of PDEs are random ones, half of them in the initial layer t − t0 < 5/rate, rate the fastest decay of the
reaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..equations.pde import characteristics
from ..equations.pde.data import initial_data
from ..equations.pde.family import PDEFamily
from ..models.linear import Model
from ..models.nonlinear import NonlinearModel
from ..models.nonlinear_pde import NonlinearPDEModel
from ..models.pde import PDEModel
from .exact import point_set, truth

AnyPDEModel = PDEModel | NonlinearPDEModel

FULL: dict[str, dict[str, Any]] = {"": {}, "_full": {"reduced": False}}  # end of a key → options of solve
COUNT = 4000  # scattered points, where the solution is known in closed form
GRID = (64, 24)  # otherwise that many random coordinates on each axis, in one and two dimensions,
TIMES = 32  # and times
LAYER = 5.0


def measure(
    model: Model | NonlinearModel,
    members: Iterable[Mapping[str, Any]],
    y0s: Sequence[Sequence[float] | np.ndarray | None] = (None,),
) -> list[dict[str, Any]]:
    """Largest absolute error and largest bound of each member, over its states, initial values and `point_set`.

    Of nonlinear models the bound is the estimate, and the judge is SciPy's LSODA at its sharpest.

    y0s: initial values (n,), None for the family's own. Returns one JSON-able row a member: params, error and bound
    of the default solve, error_full and bound_full of the full dictionary.
    Errors: ValueError for a family whose A varies with time (see `exact.exact`).
    """
    return [_row(model, dict(member), y0s) for member in members]


def measure_pde(
    model: AnyPDEModel,
    members: Iterable[Mapping[str, float]],
    profiles: Mapping[str, Any],
    seed: int = 0,
) -> list[dict[str, Any]]:
    """One JSON-able row for each member and profile: params, profile, mean and max |error|, the estimate.

    profiles: name → u0 as `PDEModel.solve` takes it, None for the family's own. Judges: characteristics with the matrix
    exponential, the matrix exponential of each Fourier mode, or the method of lines.
    """
    return [
        {"params": dict(member), "profile": name, **_errors(model, dict(member), u0, np.random.default_rng(seed))}
        for member in members
        for name, u0 in profiles.items()
    ]


def worst(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The largest of each number in any row."""
    found = list(rows)
    return {key: max(row[key] for row in found) for key, value in found[0].items() if isinstance(value, float)}


def _row(model: Model | NonlinearModel, params: dict[str, Any], y0s: Sequence[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"params": params}
    t = point_set(*model.family.t_span_at(**params))
    truths = [truth(model.family, t, y0, **params) for y0 in y0s]
    for end, options in FULL.items():
        solutions = [model.solve(y0, t=t, **options, **params) for y0 in y0s]
        row[f"error{end}"] = max(float(np.abs(s.y - y).max()) for s, y in zip(solutions, truths, strict=True))
        row[f"bound{end}"] = max(
            math.inf if s.error_estimate is None else float(s.error_estimate.max()) for s in solutions
        )
    return row


def _errors(model: AnyPDEModel, params: dict[str, Any], u0: Any, rng: np.random.Generator) -> dict[str, float]:
    family = model.family
    alone: dict[str, Any] = {"method": "reduced"}  # without a hand-over
    solution = model.solve(u0, **alone, **params)
    assert solution.error_estimate is not None
    p = family.check_params(params)
    low, high = family.domain.T
    if any(condition.continues for condition in family.conditions):
        t = _times(family, p, COUNT, rng)
        points = np.concatenate([low[:, None] + (high - low)[:, None] * rng.random((family.d, COUNT)), t[None]])
        error = solution(points.T) - characteristics.solution(family, initial_data(family, u0, p), points, p)
    else:
        axes = [np.sort(a + (b - a) * rng.random(GRID[family.d - 1])) for a, b in family.domain]
        t = np.sort(_times(family, p, TIMES, rng))
        coordinates: dict[str, Any] = dict(zip(("x", "y"), axes, strict=False))
        method = "modes" if all(family.periodic) and family.constant_coefficients else "LSODA"
        sharp: dict[str, Any] = {} if method == "modes" else {"rtol": 1e-10, "atol": 1e-12}
        truth = family.reference(**coordinates, t=t, u0=u0, method=method, **sharp, **params)
        error = model.solve(u0, **coordinates, t=t, **alone, **params).u - truth
    return {
        "mean": float(np.abs(error).mean()), "max": float(np.abs(error).max()),
        "estimate": float(solution.error_estimate.max()),
    }  # fmt: skip


def rate(family: PDEFamily, p: np.ndarray) -> float:
    """The fastest decay of the reaction in the middle of the domain, at least that of one time span."""
    t0, t1 = family.t_span
    middle = np.append(family.domain.mean(axis=1), t0)[:, None]
    reaction = family.matrices_at(middle, p).get((0,) * family.d)
    fastest = 0.0 if reaction is None else float(-np.linalg.eigvals(reaction[..., 0]).real.min())
    return max(fastest, LAYER / (t1 - t0))


def _times(family: PDEFamily, p: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    t0, t1 = family.t_span
    t = t0 + (t1 - t0) * rng.random(count)
    t[: count // 2] = t0 + LAYER / rate(family, p) * rng.random(count // 2)
    return t
