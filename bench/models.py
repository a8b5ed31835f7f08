"""Models compiled in other ways than the shipped ones, and what studies ask of families, bodies and solutions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import stlfast

UNIFORM = np.linspace(0.0, 1.0, 400)
PAPER: dict[str, Any] = {
    "dilations": [1.0], "points": UNIFORM, "row_weights": "none", "shared_head": True, "solver": "pinv",
    "reduced": False,
}  # fmt: skip


def compiled(family: stlfast.Family, body: stlfast.Body | None, basis: str = "body", **options: Any) -> Any:
    """A Model, of a nonlinear family a NonlinearModel; without the warning that it does not reach its tolerance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a small basis does not: that is what is measured
        return stlfast.compile(family, body, basis, **options)


def history(body: stlfast.Body | stlfast.FieldBody) -> dict[str, Any]:
    """How a body was trained, here or by this project."""
    assert body.history is not None
    return body.history


def stiffness(family: stlfast.Family | stlfast.PDEFamily) -> str:
    """The name of the stiffness parameter, which every family here has."""
    assert family.stiffness is not None
    return family.stiffness


def certified(solution: Any) -> np.ndarray:
    """The bound of a solution's error, of a nonlinear family the estimate, (n,)."""
    return solution.error_bound if solution.error_bound is not None else solution.error_estimate
