"""Tensor bases of space and time: their functions, collocation points and nodes.

S functions of space, D of time, n fields, d coordinates.
"""

from __future__ import annotations

import math

import numpy as np

from ..._core import FieldDictionary
from ...equations.pde.family import PDEFamily
from .rows import PDEPoints, chebyshev_points, grid_points, with_data_points

MOST_POINTS = 2**24  # far beyond what can be compiled; keeps a broken file from asking for all memory


def tensor_points(family: PDEFamily, space: tuple[int, ...], time: int, tau: float) -> PDEPoints:
    """Points for `space` × `time` functions, about twice as many in every coordinate, clustered as the functions are.

    Space: Chebyshev points, uniform ones where periodic. Time: Chebyshev points of log(1 + x/τ). Rows are weighted by
    √x, which on such points is the quadrature of ∫ residual² dx up to a constant. ValueError for too many, and for a
    tau that is not positive.
    """
    sizes = [count + 3 if periodic else 2 * count for count, periodic in zip(space, family.periodic, strict=True)]
    if not all(isinstance(k, int) and k > 0 for k in (*space, time)) or math.prod(sizes) * 2 * time > MOST_POINTS:
        raise ValueError(f"{space} × {time} functions are no positive integers, or make over {MOST_POINTS} points")
    if not (0 < tau < math.inf and 1 / tau < math.inf):
        raise ValueError(f"tau must be a positive number, got {tau!r}")
    axes = [
        np.arange(k) / k if periodic else chebyshev_points(k)
        for k, periodic in zip(sizes, family.periodic, strict=True)
    ]
    times = tau * np.expm1(chebyshev_points(2 * time) * np.log1p(1 / tau))
    z = grid_points(axes)  # (N_z, d)
    interior = np.concatenate([np.repeat(z, len(times), axis=0), np.tile(times, len(z))[:, None]], axis=1)
    return with_data_points(family, interior, axes, times)


def tensor_dictionary(family: PDEFamily, space: tuple[int, ...], time: int, tau: float) -> FieldDictionary:
    """All products of the axes' own functions and Chebyshev polynomials in log time."""
    kinds = ["periodic" if periodic else "chebyshev" for periodic in family.periodic]
    return FieldDictionary.tensor(list(zip(kinds, space, strict=True)), time, tau)


class TensorGrid:
    """The nodes of the tensor basis in which functions are tabulated."""

    def __init__(self, family: PDEFamily, space: tuple[int, ...], time: int, tau: float) -> None:
        axes, inverses = [], []
        for count, periodic in zip(space, family.periodic, strict=True):
            z = np.arange(count) / count if periodic else chebyshev_points(count)
            axes.append(z)
            inverses.append(np.linalg.inv(_axis_basis(z, count, periodic)))
        x = chebyshev_points(time)
        inverses.append(np.linalg.inv(_axis_basis(x, time, False)))
        axes.append(tau * np.expm1(x * np.log1p(1 / tau)))
        self.nodes = grid_points(axes)
        self.inverses = inverses
        self.shape = (*space, time)
        self.functions = tensor_dictionary(family, space, time, tau)

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """Of the tensor basis, (S·D, K), from values at the nodes, (S·D, K)."""
        tensor = values.reshape(*self.shape, -1)
        for axis, inverse in enumerate(self.inverses):
            tensor = np.moveaxis(np.tensordot(inverse, tensor, axes=(1, axis)), 0, axis)
        return tensor.reshape(values.shape)


def _axis_basis(z: np.ndarray, count: int, periodic: bool) -> np.ndarray:
    if not periodic:
        return np.polynomial.chebyshev.chebvander(2 * z - 1, count - 1)
    angles = 2 * np.pi * np.outer(z, np.arange(1, count // 2 + 1))
    both = np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(len(z), -1)
    return np.concatenate([np.ones((len(z), 1)), both], axis=1)[:, :count]
