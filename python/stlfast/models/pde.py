"""A compiled linear family of PDEs: members solved one-shot in space and time, with an estimate of the error.

n fields, d space coordinates, P parameters, M data of each field; scaled coordinates z, x ∈ [0, 1], time last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _core
from ..base.checks import finite, real, thread_count
from ..base.names import public
from ..direct.pde.inputs import Given, check_flag, data_at, scaled_axes
from ..direct.pde.rows import grid_points
from ..equations.parameters import box, clamped
from ..equations.pde.family import PDEFamily
from ..reduced.pde_bands import PDECompiled
from ..results.fields import PDESolution, PDESolutions
from .pde_base import PDEModelShell, check_method

RTOL, ATOL = 1e-3, 1e-6
METHODS = ("reduced",)


@public
class PDEModel(PDEModelShell):
    """A linear family of PDEs, compiled; immutable, picklable, safe to solve with from many threads.

    Made by `stlfast.compile_pde` or `stlfast.load`. Its passport, a JSON-able dict, says how it was made and how
    accurate it was measured to be.
    """

    def __init__(self, family: PDEFamily, compiled: PDECompiled, passport: Mapping[str, Any]) -> None:
        super().__init__(family, compiled, passport)
        points = compiled.points
        low, high = box(family.params)
        self.core = _core.FieldModel(
            family.theta.program, list(compiled.varying), low, high, np.ascontiguousarray(compiled.splitting.mixing),
            list(zip(family.periodic, compiled.space, strict=True)), points.data_weights, points.data[:, -1].copy(),
            compiled.check_times, compiled.check_spaces,
            [
                (list(fields), [tuple(vars(band).values()) for band in bands])
                for fields, bands in zip(compiled.splitting.groups, compiled.groups, strict=True)
            ],
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------------ solving
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
    ) -> PDESolution:
        """Solve one member: u_t = Σ_q θ_q(p) L_q u with initial and boundary values (arXiv 2501.17281, one-shot).

        u0: initial values, default the family's: a function of x (N,), or of x and y, → (n, N), or samples (points,
            values (n, S)) at any points (S,) or (S, 2), which are interpolated: by splines or Fourier series, scattered
            ones of a plane by radial functions. They must reach the ends of the domain; periodic axes wrap. Thousands
            of scattered ones take a second each time: `data` does it once.
        inflow: values of the one Inflow condition, a function of t (N,), or in two dimensions of the other coordinate
            and t, → (m, N) for its m fields, or samples (points, values (m, S)), points the times (S,), or (S, 2);
            default the family's. boundary: a dict (coordinate, side) → values, for any condition: {("x", "low"): …},
            or {("x", "low", "neumann"): …} where a side has several.
        x, y, t: output coordinates of a grid inside the domain, in any order; default 128 uniform ones each, in two
            dimensions 64 × 64 and 32 times. A grid is prepared once; later solves on it are the fast ones.
        rtol, atol: success means error_estimate <= atol + rtol·max|data| in every field.
        method: "reduced", the reduced basis, which is all there is. fallback: has no effect, for there is nothing to
            hand over to: an answer that misses the tolerance says so.
        certify: estimate the error.
        kinks: accept initial and boundary values that contradict each other by more than 1e-3 of max |u0|, from where a
            kink travels into the domain. params: every parameter by name, inside its solve range.

        Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing or out of range; ValueError
        for data of a wrong shape or not finite, points outside the domain, contradictory data (where), and an unknown
        method.
        """
        check_method(method, METHODS)
        check_flag(fallback, "fallback")
        return self.at(**params).solve(
            u0, x=x, y=y, t=t, inflow=inflow, boundary=boundary, rtol=rtol, atol=atol, certify=certify, kinks=kinks
        )

    def at(self, **params: float) -> PDEMember:
        """Everything that depends on parameters, done once: `member = model.at(alpha=75.0); member.solve(u0)`."""
        return PDEMember(self, self.family.check_params(params))

    def data(
        self, u0: Any = None, *, inflow: Any = None, boundary: Any = None, kinks: bool = False, **params: float
    ) -> np.ndarray:
        """Initial and boundary values where `solve_many` takes them, (n, M): see `points`."""
        return self._data(self.family.check_params(params), u0, inflow, boundary, kinks)

    def solve_many(
        self,
        data: np.ndarray | None = None,
        *,
        x: np.ndarray | None = None,
        y: np.ndarray | None = None,
        t: np.ndarray | None = None,
        rtol: float = RTOL,
        atol: float = ATOL,
        certify: bool = True,
        threads: int | None = None,
        out: np.ndarray | None = None,
        **params: float | np.ndarray,
    ) -> PDESolutions:
        """Solve B members and data at once: `solve_many(D, alpha=alphas)`.

        data: (n, M) or (B, n, M), initial and boundary values at `points`, as `data` makes them; default the family's
            own, those of each member where they depend on parameters. params: numbers or arrays (B,). threads: default
            one for each processor. out: (B, n, N_z, N_t) float64 to be written to. Other arguments as of `solve`.

        Returns PDESolutions: u (B, n, …), success (B,), error_estimate (B, n).
        """
        self.family.check_names(params)
        check_flag(certify, "certify")
        columns = {name: np.atleast_1d(real(value, name)) for name, value in params.items()}
        given = None if data is None else finite(data, "data")
        if given is not None and given.ndim == 2:
            given = given[None]
        sizes = {len(c) for c in columns.values()} | ({len(given)} if given is not None else set())
        B = max(sizes)
        if B == 0 or sizes - {1, B} or any(c.ndim != 1 for c in columns.values()):
            told = ", ".join(f"{name} {c.shape}" for name, c in columns.items())
            told += "" if given is None else f", data {given.shape}"
            raise ValueError(f"data and parameters must be single or of one length B of at least 1, got {told}")
        rows = np.stack([np.broadcast_to(columns[name], B) for name in self.family.params], axis=1)
        for k, r in enumerate(self.family.params.values()):
            rows[:, k] = clamped(rows[:, k], r.solve)
        for row in np.unique(rows, axis=0):
            self.family.check_params(dict(zip(self.family.params, row.tolist(), strict=True)))
        if given is None:
            given = np.stack([self._data(row, None, None, None, True) for row in rows])
        expected = (self.family.n, self.points.shape[1])
        if given.shape[1:] != expected:
            raise ValueError(f"data must have shape {expected} or (B, {expected[0]}, {expected[1]}), got {given.shape}")
        (*axes, times), table = self._table(x, y, t)
        shape = (B, self.family.n, *map(len, axes), len(times))
        u, success, estimate = self.core.solve_many(
            table, np.ascontiguousarray(rows), np.ascontiguousarray(given), certify, rtol, atol,
            thread_count(threads), _flat(out, shape, self.family.d),
        )  # fmt: skip
        return PDESolutions(self.family, rows, tuple(axes), times, u.reshape(shape), success, estimate)

    def _data(self, p: np.ndarray, u0: Any, inflow: Any, boundary: Any, kinks: bool) -> np.ndarray:
        return data_at(self.family, self.compiled.points, p, u0, inflow, boundary, kinks)

    def _tabulated(self, axes: list[np.ndarray]) -> _core.FieldTable:
        scaled = scaled_axes(self.family, axes)
        return _core.FieldTable(self.core, grid_points(scaled[:-1]), scaled[-1])


@public
class PDEMember:
    """One member of a model with everything done that depends on its parameters."""

    def __init__(self, model: PDEModel, p: np.ndarray) -> None:
        self.model, self.p = model, p
        self.core = model.core.factor(p)

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
        certify: bool = True,
        kinks: bool = False,
    ) -> PDESolution:
        """As `PDEModel.solve`, without the parameters."""
        model = self.model
        given = Given(model.family, self.p, u0, inflow, boundary, kinks)
        data = given.at(model.compiled.points)
        solution = self.solve_data(data, x=x, y=y, t=t, rtol=rtol, atol=atol, certify=certify)
        if certify:
            missed = given.missed(model._between, lambda points: model.core.evaluate(solution._answer, points))
            solution._raise_estimate(missed, atol + rtol * np.abs(data).max(axis=1))
        return solution

    def solve_data(
        self,
        data: np.ndarray,
        *,
        x: np.ndarray | None = None,
        y: np.ndarray | None = None,
        t: np.ndarray | None = None,
        rtol: float = RTOL,
        atol: float = ATOL,
        certify: bool = True,
        out: np.ndarray | None = None,
    ) -> PDESolution:
        """The same for data (n, M) at `PDEModel.points`: the cheap repeated solve of a simulation loop.

        out: float64 array of the shape of u to be written to.
        """
        check_flag(certify, "certify")
        (*axes, times), table = self.model._table(x, y, t)
        family = self.model.family
        flat = _flat(out, (family.n, *map(len, axes), len(times)), family.d)
        answer, u = self.model.core.solve(self.core, data, table, certify, rtol, atol, flat)
        return PDESolution(self.model, answer, tuple(axes), times, u)

    def __reduce__(self) -> tuple[Any, ...]:
        return PDEMember, (self.model, self.p)


def _flat(out: Any, shape: tuple[int, ...], d: int) -> np.ndarray | None:
    """`out`, whose last axes are d of space and one of time, with all space points in one, as the core writes it."""
    if out is None:
        return None
    if not isinstance(out, np.ndarray) or out.dtype != np.float64 or out.shape != shape or not out.flags.c_contiguous:
        what = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out must be a C-contiguous float64 array of shape {shape}, got {what}")
    return out.reshape(*shape[: -1 - d], -1, shape[-1])
