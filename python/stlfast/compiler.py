"""From a family and a body to a model: dictionary, collocation points, forcing modes, reduced bases for bands."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .body import Body
from .family import Family
from .model import Model
from .model_file import ROW_WEIGHTS, Compiled, Dictionary, NonlinearBand, core_family
from .nonlinear_compiler import compile_bands, time_scale

if TYPE_CHECKING:
    from .nonlinear_model import NonlinearModel

BASES = ("body", "random", "chebyshev")
POINTS_TAU = 1e-3  # knee of the log time that collocation points are spread in
FEWEST_POINTS = 16  # with fewer nothing worth solving is resolved
DILATION_RATIO = 8.0  # largest step between neighbouring dilations
DILATION_MARGIN = 2.5  # the steepest dilation over the ratio of the stiffest member to the stiffest trained one
RANK_SMALL, RANK_LARGE = 24, 40  # largest rank of a band; the second with forcing, or decoupled
RANK_NONLINEAR = 48
ROOM = 1.25  # Chebyshev polynomials in a dictionary over those that a nonlinear family's solutions need
MOST_BANDS = 64


def compile(
    family: Family,
    body: Body | None,
    basis: str = "body",
    *,
    dilations: str | Sequence[float] = "auto",
    points: int | np.ndarray = 400,
    row_weights: str = "sqrt_t",
    shared_head: bool = False,
    solver: str = "svd",
    reduced: bool = True,
    decoupled: bool | None = None,
    rank: str | int = "auto",
    max_rank: str | int = "auto",
    tol: float = 1e-8,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Model | NonlinearModel:
    """Make a model from any body. With every option at its default this takes seconds; no integrator is involved.

    Parameters
    ----------
    basis: "body", the dictionary [1, h(s(κ₁x)), …, h(s(κ_K x))]; "random", the same with an untrained body of its
        shape and `seed`; "chebyshev", as many Chebyshev polynomials in the collocation points' log time.
    dilations: κ; "auto" is a geometric ladder up to 2.5 times the ratio of the stiffest member that is solved to the
        stiffest one trained on, [1] for activations that do not saturate.
    points: number of collocation points, Chebyshev nodes in log time; or the points themselves, increasing values of
        x = (t − t0)/(t1 − t0) in [0, 1].
    row_weights: "sqrt_t" weighs a row by the root of the time its point stands for; "none" weighs all alike.
    shared_head: one head for all equations, each on its own of n equal blocks of features, without the constant.
    solver: "svd" (QR on functions orthonormalised by an SVD), "qr" (pivoted, raw functions) or "pinv" (pseudo-inverse
        of the normal equations, raw functions).
    reduced: build reduced bases for bands of members; False leaves only the full dictionary, milliseconds a solve.
    decoupled: solve n problems of one equation each, by the Schur form of A, with functions that all states share,
        instead of one of n equations: for large systems with A constant in time. None does so for more than two states
        where reduced is set.
    rank: "auto" is the smallest that meets tol, at most max_rank or the band is split; a number truncates every band to
        that many functions.
    max_rank: "auto" is 24, and 40 with forcing or decoupled. The time of a solve grows with the rank: less makes solves
        faster, with more bands, a larger file and a longer compilation.
    tol: certified bound on the error of every member for unit initial values and, apart, for the forcing. Raised, with
        a warning, to what the full dictionary reaches.
    progress: called with the finished share, 0 … 1.

    Of a nonlinear family the reduced bases are made from solutions on time windows (`Windows`), the dictionary serves
    the methods "newton", "chord" and "perturbation" alone; tol is the largest error over the largest value of each
    state in a band, measured at members that the band was not made of; max_rank "auto" is 48; rank has no effect; and
    decoupled is not available.

    The paper's pipeline (arXiv 2501.17281) is dilations=[1], points=<uniform>, row_weights="none", shared_head=True,
    solver="pinv", reduced=False. Errors: ValueError for a wrong option, a family whose A does not separate or whose rhs
    is a Python function (use reduced=False), or a body that does not fit; RuntimeError where 64 bands do not reach tol.
    """
    started = time.perf_counter()
    _check(family, body, basis, row_weights, tol)
    _check_rank("rank", rank)
    _check_rank("max_rank", max_rank)
    if basis == "random" and body is not None:
        body = Body.random(body.sizes[1:], body.activation, body.input, body.tau, seed)
    ladder = _dilations(family, body, dilations)
    constant = not shared_head
    tau, length = time_scale(family) if family.nonlinear else (POINTS_TAU, 0)
    if basis == "chebyshev":
        dictionary = _chebyshev(body, ladder, constant, tau, length)
        body = None
    else:
        dictionary = Dictionary(tuple(ladder), constant)
    modes = (np.zeros((0, 0)), np.zeros(0), np.zeros((0, 0)))
    checks = _uniform_checks(family)
    apart = not family.nonlinear and _decoupled(family, decoupled, reduced, shared_head)
    compiled = Compiled(dictionary, _points(points, tau), row_weights, shared_head, solver, apart, checks, modes)
    used = tol
    if reduced and family.nonlinear:
        compiled = _with_nonlinear_bands(family, compiled, max_rank, tol, progress)
    elif reduced:
        compiled, used = _with_bands(family, body, compiled, rank, max_rank, tol, progress)
    passport = {
        "stlfast": _version(),
        "family": family.name,
        "basis": basis,
        "training": None if body is None else body.history,
        "sha256": None if body is None else body.sha256,
        "compile": {
            "functions": compiled.dictionary.core(body).size,
            "dilations": ladder,
            "points": len(compiled.points),
            "tol": used,
            "decoupled": apart,
            "ranks": [_rank(band, 1 if apart else family.n) for band in compiled.bands],
            "seconds": round(time.perf_counter() - started, 3),
        },
    }
    if family.nonlinear:
        from .nonlinear_model import NonlinearModel

        return NonlinearModel(family, body, compiled, passport)
    return Model(family, body, compiled, passport)


def _rank(band: Any, blocks: int) -> int:
    return band.rank if isinstance(band, NonlinearBand) else band[3].shape[1] // blocks


def _with_bands(
    family: Family, body: Body | None, compiled: Compiled, rank: str | int, max_rank: str | int, tol: float,
    progress: Callable[[float], None] | None,
) -> tuple[Compiled, float]:  # fmt: skip
    from . import _core

    if family.parts is None and not compiled.decoupled:
        raise ValueError(
            f"the system matrix of {family.name!r} has a term that is no product of a function of the parameters and "
            "one of time, which a reduced basis needs: compile with reduced=False"
        )
    points = _core.Points.given(compiled.points, compiled.row_weights == "sqrt_t")
    modes = _core.compile_forcing(core_family(family), points)
    compiled = replace(compiled, modes=modes)
    most = (RANK_LARGE if len(modes[1]) or compiled.decoupled else RANK_SMALL) if max_rank == "auto" else int(max_rank)
    bands, used = _core.compile_bands(
        compiled.core(family, body), tol, most, MOST_BANDS, progress or (lambda share: None)
    )
    if used > tol:
        functions, N = compiled.dictionary.core(body).size, len(compiled.points)
        cure = f"more than {N} points for {functions} functions" if 2 * functions > N else "more features or training"
        warnings.warn(
            f"tol = {tol:g} is below what the full dictionary of {family.name!r} reaches; used {used:.1e}. It takes "
            f"{cure} to lower it.",
            stacklevel=3,
        )
    if rank != "auto":
        blocks = 1 if compiled.decoupled else family.n
        bands = [(low, high, tau, _truncated(a, blocks, int(rank))) for low, high, tau, a in bands]
    return replace(compiled, bands=tuple(bands)), used


def _with_nonlinear_bands(
    family: Family, compiled: Compiled, max_rank: str | int, tol: float, progress: Callable[[float], None] | None
) -> Compiled:
    most = RANK_NONLINEAR if max_rank == "auto" else int(max_rank)
    bands = compile_bands(family, tol, most, MOST_BANDS, progress or (lambda share: None))
    return replace(compiled, bands=tuple(bands))


def _truncated(coefficients: np.ndarray, n: int, rank: int) -> np.ndarray:
    D, columns = coefficients.shape
    return np.ascontiguousarray(coefficients.reshape(D, n, columns // n)[:, :, :rank].reshape(D, -1))


def _decoupled(family: Family, decoupled: bool | None, reduced: bool, shared_head: bool) -> bool:
    if decoupled is None:
        return family.n > 2 and family.constant_A and reduced and not shared_head
    if decoupled and not family.constant_A:
        raise ValueError(f"decoupled needs a system matrix that is constant in time, that of {family.name!r} varies")
    if decoupled and shared_head:
        raise ValueError("decoupled and shared_head exclude each other: one head cannot serve equations solved apart")
    return decoupled


def _dilations(family: Family, body: Body | None, dilations: str | Sequence[float]) -> list[float]:
    if isinstance(dilations, (Sequence, np.ndarray)) and not isinstance(dilations, str):
        return [float(k) for k in dilations]
    if dilations != "auto":
        raise ValueError(f"dilations must be 'auto' or a list of numbers, got {dilations!r}")
    interval = family.params[family.stiffness]
    ratio = interval.solve[1] / interval.train[1]
    if ratio <= 1 or body is None or body.activation != "tanh":
        return [1.0]
    top = DILATION_MARGIN * ratio
    steps = math.ceil(math.log(top) / math.log(DILATION_RATIO))
    return [top ** (k / steps) for k in range(steps + 1)]


def _chebyshev(body: Body | None, ladder: Sequence[float], constant: bool, tau: float, length: int) -> Dictionary:
    """In the collocation points' log time; as many functions as the body's dictionary or, without one, as it takes."""
    functions = math.ceil(ROOM * length) if body is None else int(constant) + body.m * len(ladder)
    return Dictionary(constant=constant, functions=functions, tau=tau)


def _points(points: int | np.ndarray, tau: float) -> np.ndarray:
    from . import _core

    if isinstance(points, (int, np.integer)):
        if points < FEWEST_POINTS:
            raise ValueError(f"points must be at least {FEWEST_POINTS}, got {points}")
        return _core.Points.log_time(int(points), tau).x
    given = np.ascontiguousarray(points)
    if given.ndim != 1 or given.dtype.kind not in "iuf" or len(given) < FEWEST_POINTS:
        raise ValueError(f"points must be an integer or at least {FEWEST_POINTS} increasing numbers, got {points!r}")
    return given.astype(np.float64)


def _check_rank(name: str, rank: Any) -> None:
    if rank != "auto" and not (isinstance(rank, (int, np.integer)) and not isinstance(rank, bool) and rank >= 1):
        raise ValueError(f"{name} must be 'auto' or a positive integer, got {rank!r}")


def _check(family: Any, body: Any, basis: str, row_weights: str, tol: Any) -> None:
    if not isinstance(family, Family):
        hint = "; a PDEFamily is compiled by stlfast.compile_pde" if type(family).__name__ == "PDEFamily" else ""
        raise ValueError(f"compile takes a Family, then a Body; got {type(family).__name__} first{hint}")
    if not (isinstance(body, Body) or (body is None and family.nonlinear and basis == "chebyshev")):
        raise ValueError(
            "a body is needed: from stlfast.train_body, stlfast.Body or Body.load; basis='random' and 'chebyshev' "
            f"take its shape and time map (of a nonlinear family, 'chebyshev' goes without); got {type(body).__name__}"
        )
    if basis not in BASES:
        raise ValueError(f"unknown basis {basis!r}; known: {', '.join(BASES)}")
    if row_weights not in ROW_WEIGHTS:
        raise ValueError(f"unknown row_weights {row_weights!r}; known: {', '.join(ROW_WEIGHTS)}")
    if not (isinstance(tol, (int, float)) and 0 < tol < math.inf):
        raise ValueError(f"tol must be a positive number, got {tol!r}")


def _uniform_checks(family: Family) -> int:
    from . import _core

    return _core.uniform_checks(core_family(family))


def _version() -> str:
    from . import _core

    return _core.__version__
