"""A compiled nonlinear family of PDEs: members solved one-shot in space and time, with an estimate of the error.

n fields, d space coordinates, P parameters, M data of each field; scaled coordinates z, x ∈ [0, 1], time last.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ..base.checks import finite, tolerance
from ..base.names import public
from ..direct.pde.growth import carried
from ..direct.pde.inputs import Given, check_flag, scaled_axes
from ..direct.pde.newton import PDENewton
from ..equations.pde.family import PDEFamily
from ..reduced.newton import ReducedNewton
from ..reduced.nonlinear_pde_bands import NonlinearPDECompiled
from ..reduced.pde_bands import leading
from ..results.fields import NonlinearPDEAnswer, NonlinearPDESolution
from .pde_base import PDEModelShell, check_method

METHODS = ("reduced", "newton", "chord")
RTOL, ATOL = 1e-2, 1e-6  # of an estimate that is some ten times the largest error
LINES_CELLS = {1: (65, 97, 145, 217), 2: (25, 33, 41)}  # of the method of lines, until the estimate meets the tolerance
LINES_RTOL, LINES_SHARPER = 1e-2, 1e-2  # of rtol, and for the sharper solution
SMALLEST_RTOL = 1e-11
LINES_GRID = {1: (129, 257), 2: (49, 65)}  # points of each axis and times of what sol(points) interpolates


@public
class NonlinearPDEModel(PDEModelShell):
    """A nonlinear family of PDEs, compiled; immutable, picklable, safe to solve with from many threads.

    u_t = Σ_q θ_q(p) L_q u + f + N(u, x, t, p). Its passport, a JSON-able dict, says how it was made and how accurate it
    was measured to be. `compiled.box` is the box of initial profiles that it was compiled for.
    """

    def __init__(self, family: PDEFamily, compiled: NonlinearPDECompiled, passport: Mapping[str, Any]) -> None:
        super().__init__(family, compiled, passport)
        self._bands: dict[int, ReducedNewton] = {}

    def solve(
        self,
        u0: Any = None,
        *,
        x: np.ndarray | None = None,
        y: np.ndarray | None = None,
        t: np.ndarray | None = None,
        inflow: Any = None,
        boundary: Any = None,
        rtol: float = RTOL,
        atol: float = ATOL,
        method: str | None = None,
        certify: bool = True,
        fallback: bool = True,
        kinks: bool = False,
        **params: float,
    ) -> NonlinearPDESolution:
        """Solve one member.

        u0, x, y, t, inflow, boundary, kinks: as of PDEModel.solve.
        rtol, atol: success means error_estimate <= atol + rtol·max|data| in every field.
        certify: estimate the error; False also means that nothing is handed over but what does not converge.
        method: "reduced" is Gauss–Newton in the reduced basis, a millisecond. "newton" and "chord" work on the whole
            tensor basis, seconds, from the reduced answer as their first guess. Default: "reduced", and where that does
            not converge or its estimate misses the tolerance, the method of lines; `sol.method` is then "lines".
        fallback: False leaves the method of lines out, and success=False says what was missed.
        params: every parameter by name, inside its solve range.

        Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing or out of range; ValueError
        for an unknown method, data of a wrong shape or not finite, points outside the domain, and contradictory data
        (where).
        """
        check_method(method, METHODS)
        check_flag(fallback, "fallback")
        p = self.family.check_params(params)
        axes, table = self._table(x, y, t)
        check_flag(certify, "certify")
        tolerance(rtol, "rtol"), tolerance(atol, "atol")
        given = Given(self.family, p, u0, inflow, boundary, kinks)
        data = given.at(self.compiled.points)
        allowed = atol + rtol * np.abs(data).max(axis=1)  # (n,)
        answer = self._reduced(p, data, certify)
        if method in ("newton", "chord"):
            answer = self._whole(p, data, method, answer, certify)
        if answer.estimate is not None:
            assert answer.at is not None
            answer.estimate = np.maximum(answer.estimate, given.missed(self._between, answer.at))
        answer.within = answer.estimate is not None and bool(np.all(answer.estimate <= allowed))
        if method is None and fallback and (answer.failure or (certify and not answer.within)):
            return self._lines(axes, allowed, rtol, {"u0": u0, "inflow": inflow, "boundary": boundary}, params)
        if answer.failure:
            answer.failure += " method=None with fallback=True goes on to the method of lines."
        return NonlinearPDESolution(self, answer, tuple(axes[:-1]), axes[-1], self._on_grid(answer, axes, table))

    @property
    def core(self) -> NonlinearPDEModel:
        """What evaluates answers."""
        return self

    def evaluate(self, answer: NonlinearPDEAnswer, points: np.ndarray) -> np.ndarray:
        """Values (n, N) at scaled points (N, d + 1); ValueError where there is no solution."""
        if answer.at is None:
            raise ValueError(f"there is no solution to evaluate: {answer.failure}")
        return answer.at(points)

    # ------------------------------------------------------------------------------------------------------ methods
    def _reduced(self, p: np.ndarray, data: np.ndarray, certify: bool) -> NonlinearPDEAnswer:
        band = self._reduced_band(self._band(p))
        with np.errstate(all="ignore"):
            run = band.solve(p, data)
            if run.failure:
                return NonlinearPDEAnswer("reduced", None, run.steps, failure=run.failure)
            coefficients = band.band.W @ run.c
            answer = NonlinearPDEAnswer("reduced", self._tensor(coefficients), run.steps, coefficients=coefficients)
            if certify:
                answer.estimate, answer.residual = band.estimate(p, data, run.c)
        return answer

    def _whole(
        self, p: np.ndarray, data: np.ndarray, method: str, guess: NonlinearPDEAnswer, certify: bool
    ) -> NonlinearPDEAnswer:
        found = self.newton.solve(p, data, method, guess=guess.coefficients)
        if not found.converged:
            return NonlinearPDEAnswer(method, None, found.steps, failure=found.message)
        W = found.coefficients
        answer = NonlinearPDEAnswer(method, self._tensor(W), found.steps, found.residual, coefficients=W)
        if certify:
            linear, u = self.newton.linear(p, W, self.newton.checks.points)
            mismatch = W @ self.newton.data_rows.T - data
            answer.estimate, answer.residual = carried(
                self.newton.checks, p, self.family.theta_at(p), u, linear, mismatch
            )
        return answer

    def _lines(
        self, axes: list[np.ndarray], allowed: np.ndarray, rtol: float, given: dict[str, Any], params: Mapping[str, Any]
    ) -> NonlinearPDESolution:
        """The method of lines on finer and finer grids; the estimate is the difference from a sharper solution."""
        family = self.family
        ends = np.concatenate([family.domain, [family.t_span]]).tolist()
        clipped = [np.clip(a, low, high) for a, (low, high) in zip(axes, ends, strict=True)]
        # Where errors are looked at: the output, and points of the whole domain and time span.
        looked_at = [np.union1d(a, np.linspace(low, high, 33)) for a, (low, high) in zip(clipped, ends, strict=True)]
        answer = NonlinearPDEAnswer("lines", None)
        values = None
        sharp = max(rtol * LINES_RTOL, SMALLEST_RTOL)
        try:
            before = self._reference(looked_at, given, params, LINES_CELLS[family.d][0], sharp)
            for cells in LINES_CELLS[family.d][1:]:
                sharp = max(sharp * LINES_SHARPER, SMALLEST_RTOL)
                values = self._reference(looked_at, given, params, cells, sharp)
                if not np.isfinite(values).all():
                    raise RuntimeError("its values are not finite; the solution may not exist on the whole time span")
                answer.estimate = np.abs(values - before).reshape(family.n, -1).max(axis=1)
                answer.within = bool(np.all(answer.estimate <= allowed))
                before = values
                if answer.within:
                    break
        except (RuntimeError, ValueError) as error:
            answer.failure = f"The reduced basis misses the tolerance, and the method of lines fails: {error}"
            answer.estimate = None
        if values is None or answer.failure:
            u = np.full((family.n, *map(len, axes)), np.nan)
            return NonlinearPDESolution(self, answer, tuple(axes[:-1]), axes[-1], u)
        for k, (every, wanted) in enumerate(zip(looked_at, clipped, strict=True), start=1):
            values = np.take(values, np.searchsorted(every, wanted), axis=k)
        answer.at = _Interpolated(self, given, dict(params), cells, sharp)
        return NonlinearPDESolution(self, answer, tuple(axes[:-1]), axes[-1], values)

    def _reference(
        self, axes: list[np.ndarray], given: dict[str, Any], params: Mapping[str, Any], cells: int, rtol: float
    ) -> np.ndarray:
        x, y = axes[0], axes[1] if self.family.d == 2 else None
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", UserWarning)  # of cells too few: the estimate sees that
            return self.family.reference(
                x, y, axes[-1], given["u0"], given["inflow"], given["boundary"], rtol=rtol, atol=rtol * 1e-2,
                cells=cells, **params,
            )  # fmt: skip

    # ------------------------------------------------------------------------------------------------------- tables
    def _band(self, p: np.ndarray) -> int:
        """The band that holds p, the last one whose low stiffness is not above."""
        at = leading(self.family)
        lows = [band.low[at] for band in self.compiled.bands]
        return max(int(np.searchsorted(lows, p[at], side="right")) - 1, 0)

    @cached_property
    def newton(self) -> PDENewton:
        """Newton's method and chords on the whole tensor basis."""
        return PDENewton(self.family, self.compiled.functions, self.compiled.points)

    def _reduced_band(self, number: int) -> ReducedNewton:
        """A band's tables, made when it is first used."""
        if number not in self._bands:
            self._bands[number] = ReducedNewton(self.compiled, self.newton, self.compiled.bands[number])
        return self._bands[number]

    def _tensor(self, coefficients: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        zero = [(0,) * (self.family.d + 1)]
        return lambda points: coefficients @ self.compiled.functions.evaluate(finite(points, "points"), zero)[0].T

    def _on_grid(self, answer: NonlinearPDEAnswer, axes: list[np.ndarray], table: list[np.ndarray]) -> np.ndarray:
        """u (n, …) on a grid, axis by axis."""
        if answer.coefficients is None:
            return np.full((self.family.n, *map(len, axes)), np.nan)
        values = answer.coefficients.reshape(self.family.n, *self.compiled.options.space, -1)
        for k, matrix in enumerate(table, start=1):
            values = np.moveaxis(np.tensordot(matrix, values, axes=(1, k)), 0, k)
        return np.ascontiguousarray(values)

    def _tabulated(self, axes: list[np.ndarray]) -> list[np.ndarray]:
        """The tensor basis' functions of each axis at output coordinates, (N_k, S_k)."""
        sizes = (*self.compiled.options.space, self.compiled.options.time)
        table = []
        for k, own in enumerate(scaled_axes(self.family, axes)):
            points = np.zeros((len(own), self.family.d + 1))
            points[:, k] = own
            every = self.compiled.functions.evaluate(points, [(0,) * (self.family.d + 1)])[0]
            every = every.reshape(len(own), *sizes)
            index: list[Any] = [slice(None)] + [slice(None) if j == k else 0 for j in range(len(sizes))]
            table.append(np.ascontiguousarray(every[tuple(index)]))  # the others' first functions are 1
        return table


class _Interpolated:
    """A solution by the method of lines at scattered points: cubic splines through a fine grid, made when used."""

    def __init__(
        self, model: NonlinearPDEModel, given: dict[str, Any], params: dict[str, Any], cells: int, rtol: float
    ) -> None:
        self.model, self.given, self.params, self.cells, self.rtol = model, given, params, cells, rtol

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return np.stack([spline(points) for spline in self.splines])

    @cached_property
    def splines(self) -> list[Callable[[np.ndarray], np.ndarray]]:
        from scipy.interpolate import RegularGridInterpolator

        family, tau = self.model.family, self.model.compiled.options.tau
        space, times = LINES_GRID[family.d]
        scaled = [np.linspace(0, 1, space)] * family.d
        scaled.append(tau * np.expm1(np.linspace(0, 1, times) * np.log1p(1 / tau)))
        scaled[-1][-1] = 1.0
        ends = [*family.domain.tolist(), family.t_span]
        axes = [np.clip(low + own * (high - low), low, high) for own, (low, high) in zip(scaled, ends, strict=True)]
        u = self.model._reference(axes, self.given, self.params, self.cells, self.rtol)
        return [RegularGridInterpolator(scaled, field, method="cubic") for field in u]
