"""From a family to a compiled model: `compile` for every kind of family, `pretrain` with a training before it."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from time import perf_counter
from typing import Any, overload

import numpy as np

from . import _core
from .base.progress import Progress, Report, shown
from .equations.ode.family import Family
from .equations.pde.family import PDEFamily
from .features.body import Body
from .features.dictionary import Dictionary
from .models.linear import Model
from .models.nonlinear import NonlinearModel
from .models.nonlinear_pde import NonlinearPDEModel
from .models.pde import PDEModel
from .reduced.bands import Compiled, NoReducedBasis
from .reduced.chains import MOST_STATES, chainable, compile_chains, no_chains
from .reduced.dictionaries import (
    FEWEST_POINTS,
    POINTS_TAU,
    check_options,
    check_rank,
    dictionary_of,
    dilations_of,
    points_of,
)
from .reduced.linear import decoupled_or_not, with_bands, with_nonlinear_bands
from .reduced.nonlinear_pde import compile_nonlinear_bands
from .reduced.nonlinear_pde_bands import NonlinearPDEOptions
from .reduced.pde import compile_bands
from .reduced.pde_bands import PDEOptions

TOL, CHAINS_TOL = 1e-8, 1e-6  # default tol of reduced bases, and of compiled windows
BUDGET = 300.0  # seconds
FEW_BANDS = 8  # beyond which compiled windows are smaller, made in less time and no slower
FEW_FUNCTIONS = 100  # of the dictionary, beyond which bands take minutes to fail
FEW_UNKNOWNS = 300  # of equations that are solved together
BANDS_PART = 0.25  # of the budget, what bands are given
NEARLY_ALL = 0.99


@overload
def compile(
    family: Family, body: Body | None = None, basis: str | None = None, **options: Any
) -> Model | NonlinearModel: ...


@overload
def compile(
    family: PDEFamily, body: None = None, basis: None = None, **options: Any
) -> PDEModel | NonlinearPDEModel: ...


def compile(
    family: Family | PDEFamily, body: Body | None = None, basis: str | None = None, **options: Any
) -> Model | NonlinearModel | PDEModel | NonlinearPDEModel:
    """Make a model of any family: `model = stlfast.compile(family)`. Seconds to minutes, without PyTorch.

    Parameters
    ----------
    family: a Family or a PDEFamily. Linear families of ODEs become a Model, nonlinear ones a NonlinearModel; of PDEs
        linear ones without a source a PDEModel, the others a NonlinearPDEModel.
    body: the hidden layers of a network, trained by `train_body` or foreign, whose features the solutions are expanded
        in; None (default) means Chebyshev polynomials. Not for PDEs.
    progress: True for a bar with the time left on stderr, or a function that is called with the finished share, 0 … 1.

    Options for ODEs
    ----------------
    basis: "body", the dictionary (the functions that solutions are expanded in) [1, h(s(κ₁x)), …, h(s(κ_K x))] of the
        body's features h, each dilated by κ, that is on a shorter time scale; "random", the same with an untrained body
        of its shape and `seed`; "chebyshev", Chebyshev polynomials in the log time of the collocation points: as many
        as the body's dictionary has functions or, without a body, as the family's solutions take. Default "body" where
        there is one, else "chebyshev".
    dilations: κ; "auto" is a geometric ladder up to 2.5 times the ratio of the stiffest member that is solved to the
        stiffest one trained on, [1] for activations that do not saturate.
    points: number of collocation points, Chebyshev nodes in log time; or the points themselves, increasing values of
        x = (t − t0)/(t1 − t0) in [0, 1]. Default 400, or three for each Chebyshev polynomial.
    row_weights: "sqrt_t" (default) weighs a row by the root of the time its point stands for; "none" weighs all alike.
    shared_head: one head for all equations, each on its own of n equal blocks of features, without the constant.
    solver: "svd" (default; QR on functions orthonormalised by an SVD), "qr" (pivoted, raw functions) or "pinv"
        (pseudo-inverse of the normal equations, raw functions).
    reduced: build reduced bases for bands, ranges of members that share few functions. None (default) does so for
        linear families that few bands hold, and for all that have a body, with a warning where that can't be; without
        a body others get compiled windows, or where they are nonlinear and of more than eight states nothing but the
        direct solver, which is faster there. True builds bands or raises; False leaves only the full dictionary,
        milliseconds a solve.
    budget: seconds, after which compiled windows are what they are, default 300. `repr(model)` tells the share of the
        members that they hold, a warning where the others are, which the direct solver solves. Ctrl-C does the same.
    decoupled: solve n problems of one equation each, by the Schur form of A, with functions that all states share,
        instead of one of n equations: for large systems with A constant in time. None does so for more than two states
        where bands are built.
    rank: "auto" is the smallest that meets tol, at most max_rank or the band is split; a number truncates every band to
        that many functions.
    max_rank: "auto" is 24, and 40 with forcing or decoupled. The time of a solve grows with the rank: less makes solves
        faster, with more bands, a larger file and a longer compilation.
    tol: certified bound on the error of every member for unit initial values and, apart, for the forcing; default 1e-8.
        Raised, with a warning, to what the full dictionary reaches. `rtol` of a solve is by default no sharper. Of
        compiled windows the estimate of the error, relative to the states' largest values; default 1e-6.

    Of a nonlinear family the reduced bases are made from solutions on time windows (`Windows`), the dictionary serves
    the methods "newton", "chord" and "perturbation" alone; tol is the largest error over the largest value of each
    state in a band, measured at members that the band was not made of; max_rank "auto" is 48; rank has no effect; and
    decoupled is not available.

    Options for linear PDEs
    -----------------------
    space: functions along each axis, Chebyshev polynomials or, where periodic, 1, cos, sin, …; default 30, in two
        dimensions 9.
    time: Chebyshev polynomials in log(1 + x/tau), x the time scaled to [0, 1], default 40; more for solutions that
        oscillate. tau: knee of the log time, the smallest scale that is resolved, in scaled time; default 1e-3.
    degrees: initial profiles that the basis is made for, along each axis: polynomials, Fourier modes where periodic;
        default 2 fewer than `space`, and as many where periodic. Data that need more end in a large error_estimate.
    powers: of time, that boundary values from outside are made for, default 6.
    tol: of the singular values that are left out, relative to the largest, default 1e-5. max_rank: of a band, default
        120; where tol asks for more, the band is split. Solves take longer with a larger rank.

    Least squares of equations, initial and boundary values on all of space and time at once (arXiv 2501.17281, §PDEs)
    give snapshots of many members and data; their singular vectors are the reduced basis.

    Options for nonlinear PDEs, and those with a source
    ----------------------------------------------------
    space, time, tau: the tensor basis as of linear ones, default 24 (in two dimensions 9), 40 and 0.1: more for fronts
        that are thin.
    degrees, amplitude, decay, bounds: the box of initial profiles that the model is made for: the family's own, plus a
        sum of polynomials or Fourier modes below `degrees` (default 4; 2) along each axis with coefficients up to
        amplitude · the profile's range · (1 + degree)^−decay (defaults 0.3, 1.5), within `bounds`, a (low, high) for
        each field, default those of the own profile. Others are solved less accurately, and the estimate says so.
    profiles: drawn for each member in addition to the family's own, default 60. per_e_fold: members for each factor e
        of stiffness, default 8.
    snapshots: "lines" (default), the method of lines, milliseconds each; or "newton", on the tensor basis, seconds.
    tol: singular values that are kept, relative to the largest, default 2e-6. max_rank: more than that in a band, and
        it is halved, default 72. samples: collocation points for each basis function, default 4. seed: of the profiles.

    The paper's pipeline (arXiv 2501.17281) is a body, dilations=[1], points=<uniform>, row_weights="none",
    shared_head=True, solver="pinv", reduced=False. `model.compile_seconds` is how long it took; equal families and
    options give equal files. Errors: ValueError for a wrong option, or a body that does not fit; with reduced=True also
    for a family whose A does not separate or whose rhs is a Python function, and RuntimeError where 64 bands do not
    reach tol.
    """
    started = perf_counter()
    if isinstance(family, Family):
        model: Any = _compile_ode(family, body, basis, **_known(_compile_ode, options, "ODEs"))
    elif isinstance(family, PDEFamily):
        if body is not None or basis is not None:
            raise ValueError("models of PDEs are made without a body, on a tensor basis: leave body and basis out")
        model = _compile_pde(family, **options)
    else:
        raise ValueError(f"compile takes a stlfast.Family or PDEFamily first, got {type(family).__name__}")
    model.compile_seconds = perf_counter() - started
    result: Model | NonlinearModel | PDEModel | NonlinearPDEModel = model
    return result


def compile_pde(family: PDEFamily, **options: Any) -> PDEModel | NonlinearPDEModel:
    """The same as `compile`, under the name that it had for PDEs."""
    if not isinstance(family, PDEFamily):
        raise ValueError(
            f"compile_pde takes a PDEFamily, got {type(family).__name__}; use stlfast.compile for a Family"
        )
    return compile(family, **options)


def compile_nonlinear_pde(family: PDEFamily, **options: Any) -> PDEModel | NonlinearPDEModel:
    """The same as `compile`, under the name that it had for nonlinear PDEs."""
    return compile_pde(family, **options)


def pretrain(family: Family, *, training: dict[str, Any] | None = None, **options: Any) -> Model | NonlinearModel:
    """`train_body` with the options in `training`, then `compile` with the others, in one call."""
    from .training.train import train_body

    return compile(family, train_body(family, **(training or {})), **options)


def _known(function: Callable[..., Any], options: dict[str, Any], kind: str) -> dict[str, Any]:
    """The options; TypeError for one that the function does not take."""
    parameters = inspect.signature(function).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    if unknown := sorted(options.keys() - set(known)):
        raise TypeError(f"compile has no option {', '.join(unknown)} for {kind}; known: {', '.join(known)}")
    return options


def _compile_ode(
    family: Family,
    body: Body | None,
    basis: str | None,
    *,
    dilations: str | Sequence[float] = "auto",
    points: int | np.ndarray | None = None,
    row_weights: str = "sqrt_t",
    shared_head: bool = False,
    solver: str = "svd",
    reduced: bool | None = None,
    decoupled: bool | None = None,
    rank: str | int = "auto",
    max_rank: str | int = "auto",
    tol: float | None = None,
    seed: int = 0,
    budget: float = BUDGET,
    progress: Progress = False,
) -> Model | NonlinearModel:
    by_default = basis is None and body is None and reduced is None and rank == max_rank == "auto"
    basis = ("chebyshev" if body is None else "body") if basis is None else basis
    check_options(body, basis, row_weights, TOL if tol is None else tol)
    check_rank("rank", rank)
    check_rank("max_rank", max_rank)
    if not by_default:
        family.check_smooth("a body, basis or reduced basis")
    ladder = dilations_of(family, body, dilations)
    with shown(progress, f"compiling {family.name}") as report:
        checks = _uniform_checks(family, by_default)
        alone = checks is None
        if alone:
            dictionary, tau = Dictionary(functions=FEWEST_POINTS, tau=POINTS_TAU), POINTS_TAU
        else:
            dictionary, body, tau = dictionary_of(family, body, basis, ladder, not shared_head, seed)
        modes = (np.zeros((0, 0)), np.zeros(0), np.zeros((0, 0)))
        apart = not family.nonlinear and decoupled_or_not(family, decoupled, reduced is not False, shared_head)
        compiled = Compiled(
            dictionary, points_of(points, tau, dictionary.functions or 0), row_weights, shared_head, solver, apart,
            checks or 0, modes,
        )  # fmt: skip
        used = TOL if tol is None else tol
        if alone or (by_default and chainable(family)):
            compiled, used = _with_bands_or_chains(family, compiled, tol, budget, alone, report)
        elif reduced is not False and not (by_default and family.nonlinear and family.n > MOST_STATES):
            compiled, used = _with_bands(family, body, compiled, rank, max_rank, used, reduced, report)
    passport: dict[str, Any] = {
        "stlfast": _core.__version__,
        "family": family.name,
        "basis": basis,
        "training": None if body is None else body.history,
        "sha256": None if body is None else body.sha256,
        "compile": {
            "functions": compiled.dictionary.core(body).size,
            "dilations": ladder,
            "points": len(compiled.points),
            "tol": used,
            "decoupled": compiled.decoupled,
            "ranks": compiled.ranks(family),
        },
    }
    if compiled.chains is not None:
        cells, share = compiled.chains.cells, round(compiled.chains.share, 4)
        windows = [len(cell.lengths) for cell in cells]
        passport["compile"] |= {"cells": len(cells), "share": share, "windows": [min(windows), max(windows)]}
    return (NonlinearModel if family.nonlinear else Model)(family, body, compiled, passport)


def _uniform_checks(family: Family, by_default: bool) -> int | None:
    """Points of a band's certificate; None where a forcing is too fast for any, and windows answer instead."""
    if family.rough:
        return None
    try:
        return _core.uniform_checks(family.core())
    except ValueError:
        if not by_default:
            raise
        return None


def _with_bands_or_chains(
    family: Family, compiled: Compiled, tol: float | None, budget: float, alone: bool, report: Report
) -> tuple[Compiled, float]:
    """With reduced bases, where few bands of a linear family do; else with compiled windows, which end anywhere.

    alone: where no basis of the whole time span can be made.
    """
    began = perf_counter()

    def in_time(done: float, told: str = "") -> None:
        if perf_counter() - began > BANDS_PART * budget:
            raise RuntimeError("bands take longer than they are given")
        report(done, told)

    functions = compiled.dictionary.functions or 0
    few = functions <= FEW_FUNCTIONS and functions * (1 if compiled.decoupled else family.n) <= FEW_UNKNOWNS
    if not family.nonlinear and few and not alone:
        used = TOL if tol is None else tol
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                found, used = with_bands(family, None, compiled, "auto", "auto", used, in_time, FEW_BANDS)
            except (NoReducedBasis, RuntimeError):
                found = None
        if found is not None:
            for each in told:
                warnings.warn(str(each.message), stacklevel=4)
            return found, used
    used = CHAINS_TOL if tol is None else tol
    left = max(budget - (perf_counter() - began), 0.0)
    possible = chainable(family)
    chains = replace(compile_chains(family, used, left, report) if possible else no_chains(family, used), alone=alone)
    if possible and chains.share < NEARLY_ALL:
        warnings.warn(
            f"compiled windows hold {chains.share:.1%} of the members of {family.name!r} to tol = {used:g}; the others "
            f"are solved by the direct solver. Most that are lost: {chains.lost(family)}. A shorter t_span, or a "
            "narrower range of these, would help.",
            stacklevel=4,
        )
    return replace(compiled, decoupled=False, chains=chains), used


def _with_bands(
    family: Family, body: Body | None, compiled: Compiled, rank: str | int, max_rank: str | int, tol: float,
    reduced: bool | None, report: Report,
) -> tuple[Compiled, float]:  # fmt: skip
    """With reduced bases and the tol that they hold; or, with a warning, without, where reduced is None."""
    try:
        if family.nonlinear:
            return with_nonlinear_bands(family, compiled, max_rank, tol, report), tol
        return with_bands(family, body, compiled, rank, max_rank, tol, report)
    except (NoReducedBasis, RuntimeError) as error:
        if reduced:
            raise
        instead = f"members are solved on {'time windows' if family.nonlinear else 'the full dictionary'}"
        warnings.warn(f"{error}. Compiled without reduced bases: {instead}.", stacklevel=4)
        return replace(compiled, decoupled=False), tol


def _compile_pde(family: PDEFamily, *, progress: Progress = False, **options: Any) -> PDEModel | NonlinearPDEModel:
    if family.nonlinear or family.source is not None:
        return _compile_nonlinear_pde(family, NonlinearPDEOptions.of(family, options), progress)
    chosen = PDEOptions.of(family, **_known(PDEOptions.of, options, "linear PDEs"))
    with shown(progress, f"compiling {family.name}") as report:
        compiled = compile_bands(family, chosen, report)
    functions = int(np.prod(chosen.space)) * chosen.time
    groups = [list(group) for group in compiled.splitting.groups]
    ranks = [[band.rank for band in bands] for bands in compiled.groups]
    return PDEModel(family, compiled, _passport(family, functions, asdict(chosen), groups, ranks))


def _compile_nonlinear_pde(family: PDEFamily, chosen: NonlinearPDEOptions, progress: Progress) -> NonlinearPDEModel:
    with shown(progress, f"compiling {family.name}") as report:
        compiled = compile_nonlinear_bands(family, chosen, report)
    groups, ranks = [list(range(family.n))], [[band.rank for band in compiled.bands]]
    return NonlinearPDEModel(
        family, compiled, _passport(family, compiled.functions.size, asdict(chosen), groups, ranks)
    )


def _passport(
    family: PDEFamily, functions: int, options: dict[str, Any], groups: list[list[int]], ranks: list[list[int]]
) -> dict[str, Any]:
    compiled = {"functions": functions, "options": options, "groups": groups, "ranks": ranks}
    named = {"stlfast": _core.__version__, "family": family.name, "basis": "tensor", "compile": compiled}
    result: dict[str, Any] = json.loads(json.dumps(named))
    return result
