"""Members of a linear family of PDEs on all functions of a dictionary, for given initial and boundary values.

What a reduced basis is made of, and the judge of dictionaries: one least-squares problem for each group of fields, on
the rows of rows.py. n fields, m functions, D data points, K sets of data, N points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...equations.pde.family import PDEFamily
from .groups import split
from .inputs import data_at
from .rows import Functions, GroupRows, PDEPoints
from .snapshots import solve_modes


def member_data(
    family: PDEFamily, points: PDEPoints, p: np.ndarray, u0: Any = None, inflow: Any = None, boundary: Any = None
) -> np.ndarray:
    """Initial and boundary values (n, D) of the member p at the rows' data points; u0, inflow, boundary: data.py.

    They may contradict each other in the corners, and are 0 for a field that a side's condition does not hold for.
    """
    return data_at(family, points, p, u0, inflow, boundary, kinks=True)


def solve_data(
    family: PDEFamily, functions: Functions, points: PDEPoints, p: np.ndarray, data: np.ndarray
) -> np.ndarray:
    """Heads (n, m, K) of the solutions u = Φ W for data (K, n, D).

    Errors: ValueError for a nonlinear family, which needs a Newton iteration on these rows, or one with a source.
    """
    if family.nonlinear or family.source is not None:
        raise ValueError(
            f"family {family.name!r} {'is nonlinear' if family.nonlinear else 'has a source'}, which a solve on all "
            "functions cannot take yet"
        )
    splitting, theta = split(family), family.theta_at(p)
    heads = np.zeros((family.n, functions.size, len(data)))
    for number in range(len(splitting.groups)):
        rows = GroupRows(family, splitting, number, points)
        own = np.einsum("in,KnD->KiD", rows.unmixing[rows.fields], data)
        W = solve_modes(rows, functions, theta, own)
        heads += np.einsum("ni,imK->nmK", rows.mixing[:, rows.fields], W)
    return heads


def errors(
    functions: Functions, heads: np.ndarray, points: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and largest absolute error (K,) over fields and scaled points (N, d + 1), against the truth (K, n, N)."""
    values = functions.evaluate(points, [(0,) * points.shape[1]])[0]
    error = np.abs(np.einsum("Nm,nmK->KnN", values, heads, optimize=True) - truth)
    return error.mean(axis=(1, 2)), error.max(axis=(1, 2))
