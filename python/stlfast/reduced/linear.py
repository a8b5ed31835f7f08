"""Reduced bases of bands of a family of ODEs: what is asked of the core and of nonlinear.py, and what comes back."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from ..base.progress import Report
from ..equations.ode.family import Family
from ..features.body import Body
from .bands import Compiled, NoReducedBasis
from .nonlinear import compile_bands

RANK_SMALL, RANK_LARGE = 24, 40  # largest rank of a band; the second with forcing, or decoupled
RANK_NONLINEAR = 48
MOST_BANDS = 64


def with_bands(
    family: Family, body: Body | None, compiled: Compiled, rank: str | int, max_rank: str | int, tol: float,
    report: Report, most_bands: int = MOST_BANDS,
) -> tuple[Compiled, float]:  # fmt: skip
    from .. import _core

    if family.parts is None and not compiled.decoupled:
        raise NoReducedBasis(
            f"the system matrix of {family.name!r} has a term that is no product of a function of the parameters and "
            "one of time, which a reduced basis needs"
        )
    points = _core.Points.given(compiled.points, compiled.row_weights == "sqrt_t")
    modes = _core.compile_forcing(family.core(), points)
    compiled = replace(compiled, modes=modes)
    most = (RANK_LARGE if len(modes[1]) or compiled.decoupled else RANK_SMALL) if max_rank == "auto" else int(max_rank)
    bands, used = _core.compile_bands(compiled.core(family, body), tol, most, most_bands, report)
    if used > tol:
        functions, N = compiled.dictionary.core(body).size, len(compiled.points)
        cure = f"more than {N} points for {functions} functions" if 2 * functions > N else "more features or training"
        warnings.warn(
            f"tol = {tol:g} is below what the full dictionary of {family.name!r} reaches; used {used:.1e}. It takes "
            f"{cure} to lower it.",
            stacklevel=5,
        )
    if rank != "auto":
        blocks = 1 if compiled.decoupled else family.n
        bands = [(low, high, tau, _truncated(a, blocks, int(rank))) for low, high, tau, a in bands]
    return replace(compiled, bands=tuple(bands)), used


def with_nonlinear_bands(
    family: Family, compiled: Compiled, max_rank: str | int, tol: float, report: Report
) -> Compiled:
    most = RANK_NONLINEAR if max_rank == "auto" else int(max_rank)
    bands = compile_bands(family, tol, most, MOST_BANDS, report)
    return replace(compiled, bands=tuple(bands))


def _truncated(coefficients: np.ndarray, n: int, rank: int) -> np.ndarray:
    D, columns = coefficients.shape
    return np.ascontiguousarray(coefficients.reshape(D, n, columns // n)[:, :, :rank].reshape(D, -1))


def decoupled_or_not(family: Family, decoupled: bool | None, reduced: bool, shared_head: bool) -> bool:
    if decoupled is None:
        return family.n > 2 and family.constant_A and reduced and not shared_head
    if decoupled and not family.constant_A:
        raise ValueError(f"decoupled needs a system matrix that is constant in time, that of {family.name!r} varies")
    if decoupled and shared_head:
        raise ValueError("decoupled and shared_head exclude each other: one head cannot serve equations solved apart")
    return decoupled
