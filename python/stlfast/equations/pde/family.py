"""A family of stiff partial differential equations, written once in SymPy; its equations are in equations.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.names import public
from .. import parameters
from ..parameters import Range, interval, show, show_range
from ..reading import family_of_a_file
from . import characteristics, file, lines, wellposed
from .equations import PDEEquations, box_points

if TYPE_CHECKING:
    import sympy as sp

RESERVED = parameters.RESERVED | {"x", "y", "u0", "boundary", "inflow", "cells", "kinks", "data"}


@public
@dataclass(frozen=True, eq=False, repr=False, init=False)
class PDEFamily(PDEEquations):
    """u_t = Σ_q θ_q(p) Σ c(x, t) ∂^order u + f(x, t; p) + N(u, x, t, p) on a box; immutable and picklable.

    Parameters
    ----------
    name: what the family is called in files and messages.
    t, x: SymPy symbols of the time, and a list of those of one or two space coordinates.
    u: n SymPy functions of all of them, such as sympy.Function("u")(x, t): the fields.
    rhs: n SymPy expressions, the time derivatives of the fields: derivatives in space up to second order, mixed ones
        included, with coefficients of coordinates and parameters that separate, plus terms of the fields themselves.
    domain: coordinate → (low, high).
    t_span: (t0, t1), numbers.
    stiffness, params: as of stlfast.Family: the parameter that makes members stiff, and symbol → Range.
    initial: n expressions in the space coordinates and the parameters, the default initial values.
    boundary: a list of Dirichlet, Neumann, Inflow and Periodic conditions (conditions.py).

    polynomial_degree is the degree of N in the fields, 0 for linear families and None where N is no polynomial.

    Errors: ValueError says which argument is wrong and what to do. It names the equation and the term of a right-hand
    side that is not supported, and the field and the side where a boundary condition is missing or one too many.
    """

    def __init__(
        self,
        name: str,
        t: sp.Symbol,
        x: Sequence[sp.Symbol],
        u: Sequence[sp.Expr],
        rhs: Sequence[Any],
        domain: Mapping[sp.Symbol | str, Sequence[float]],
        t_span: Sequence[float],
        stiffness: sp.Symbol | str | None = None,
        params: Mapping[sp.Symbol | str, Range] = MappingProxyType({}),
        initial: Sequence[Any] | None = None,
        boundary: Sequence[Any] = (),
    ) -> None:
        from .derive import derive

        if initial is None:
            raise ValueError(f"family {name!r} needs initial, the default initial values, one for each field")
        for what, given in (("x", x), ("u", u), ("rhs", rhs), ("initial", initial), ("boundary", boundary)):
            if not isinstance(given, Iterable) or isinstance(given, str):
                raise ValueError(f"{what} must be a list, got {given!r} ({type(given).__name__})")
        parameters.check_ranges(params)
        derived = derive(name, t, list(x), list(u), list(rhs), list(params), list(initial), list(boundary))
        coordinates = tuple(str(xi) for xi in x)
        box = {str(xi): ends for xi, ends in domain.items()} if isinstance(domain, Mapping) else {}
        if box.keys() != set(coordinates):
            raise ValueError(
                f"family {name!r}: domain must be a dict with (low, high) for each of {', '.join(coordinates)}, "
                f"got {domain!r}"
            )
        self._set(
            name=name,
            time=str(t),
            coordinates=coordinates,
            fields=tuple(ui.func.__name__ for ui in u),
            domain=[box[xi] for xi in coordinates],
            t_span=t_span,
            params={str(symbol): value for symbol, value in params.items()},
            stiffness=stiffness,
            **vars(derived),
        )

    def _set(self, *, domain: Any, t_span: Any, params: dict[str, Range], **rest: Any) -> None:
        what = f"family {rest['name']!r}: "
        pairs = [interval(ends, f"{what}the domain") for ends in domain]
        rest["domain"] = np.array(pairs)
        rest["domain"].flags.writeable = False
        rest["t_span"] = interval(t_span, f"{what}t_span")
        for low, high in [*pairs, rest["t_span"]]:
            if not low < high:
                raise ValueError(f"{what}the domain and t_span must be intervals with low < high, got ({low}, {high})")
        rest["params"] = MappingProxyType(dict(params))
        rest["stiffness"] = parameters.stiffness_of(params, rest["stiffness"])
        for name, value in rest.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        parameters.check_declared(self.name, self.params, RESERVED)
        x = box_points(self.domain, 5)  # (d, 5^d)
        for p in self.corners():
            values = dict(zip(self.params, p.tolist(), strict=True))
            start = self.initial_at(x, p)
            self._check_finite(start, "the initial values are", values)
            for time in (self.t_span[0], sum(self.t_span) / 2, self.t_span[1]):
                points = np.concatenate([x, np.full((1, x.shape[1]), time)])
                self._check_finite(self.coefficients_at(points, p), "a coefficient is", values)
                if self.source is not None:
                    self._check_finite(self.source(points, p), "the source is", values)
                if self.N is not None:
                    self._check_finite(self.N(np.concatenate([points, start]), p), "N of the initial values is", values)
                for condition in self.conditions:
                    if condition.values is not None:
                        self._check_finite(condition.values(points, p), f"{condition.kind} values are", values)
        wellposed.check(self)
        if any(condition.continues for condition in self.conditions):
            characteristics.check(self)

    def _check_finite(self, array: np.ndarray, what: str, values: dict[str, float]) -> None:
        if not np.isfinite(array).all():
            raise ValueError(
                f"family {self.name!r}: {what} not finite at {values}, at the corners or the middle of the domain; "
                "narrow the solve ranges, the domain or t_span"
            )

    def reference(
        self,
        x: np.ndarray | None = None,
        y: np.ndarray | None = None,
        t: np.ndarray | None = None,
        u0: Any = None,
        inflow: Any = None,
        boundary: Any = None,
        method: str = "LSODA",
        rtol: float = 1e-8,
        atol: float = 1e-10,
        cells: int | Sequence[int] | None = None,
        **params: float,
    ) -> np.ndarray:
        """The solution (n, len(x)[, len(y)], len(t)), by spectral collocation in space and SciPy in time.

        x, y, t: output coordinates, increasing; default 65 uniform ones of the domain, and 9 of t_span.
        u0: initial values, default the family's; a function of x (N,), or of x and y, → (n, N), or samples (points,
        values) at any points (S,) or (S, 2), as of PDEModel.solve. inflow: the values of the one Inflow condition;
        boundary: a dict (coordinate, side) → values; functions of t (N,), or of the other coordinate and t, or samples.
        method: "LSODA", "Radau" or "BDF" of scipy.integrate.solve_ivp with rtol and atol; or "modes", the matrix
        exponential of each Fourier mode, for linear families with constant coefficients, without a source and periodic
        in all coordinates.
        cells: collocation points of each axis, default 65, or 33 in two dimensions; a warning says if that is too few.
        """
        p = self.check_params(params)
        return lines.reference(self, p, (x, y), t, u0, inflow, boundary, method, rtol, atol, cells)

    # ------------------------------------------------------------------------------------------------------ files
    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole family."""
        return file.entries(self)

    def tensors(self) -> dict[str, np.ndarray]:
        """The instruction lists: "family.theta.code", …; those of condition k are "family.boundary<k>.code", …"""
        return file.tensors(self)

    @classmethod
    def from_parts(cls, meta: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> PDEFamily:
        """The family that `to_dict` and `tensors` describe, without SymPy; FileFormatError if anything is amiss."""
        family = cls.__new__(cls)
        with family_of_a_file():
            family._set(**file.parse(meta, tensors))
        return family

    def __reduce__(self) -> tuple[Any, ...]:
        return PDEFamily.from_parts, (self.to_dict(), self.tensors())

    def __repr__(self) -> str:
        kind = "nonlinear, " if self.nonlinear else ""
        axes = [f"{xi} in {show(ends)}" for xi, ends in zip(self.coordinates, self.domain.tolist(), strict=True)]
        stiffness = "no stiffness parameter" if self.stiffness is None else f"stiffness {self.stiffness}"
        lines = [f"PDEFamily {self.name!r}, {kind}{stiffness}"]
        lines += [f"    {equation}" for equation in self.equations]
        lines.append(f"    {', '.join([*axes, f'{self.time} in {show(self.t_span)}'])}")
        for c in self.conditions:
            where = f"in {self.coordinates[c.axis]}" if c.side is None else f"at {self.where(c)}"
            lines.append(f"    {c.kind} {where}: {', '.join(self.fields[i] for i in c.fields)}")
        lines += [f"    {name}: {show_range(r)}" for name, r in self.params.items()]
        return "\n".join(lines)
