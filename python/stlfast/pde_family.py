"""A family of stiff partial differential equations, written once in SymPy.

∂u_i/∂t = Σ_terms θ_part(p) c_term(x, t) ∂^order u_field + f_i(x, t; p) + N_i(u, x, t, p),   i = equation
u(x, t0) = g(x; p),   x ∈ Ω (a box),   t ∈ [t0, t1]       d = 1 or 2 coordinates, n fields, P parameters, K terms

theta         Instructions, Q outputs              inputs t, p (t does not enter)
coefficients  Instructions, K outputs: c           inputs x…, t
source        Instructions, n outputs: f           inputs x…, t, p; None where there is none
N             Instructions, n outputs              inputs x…, t, u…, p; None for linear families
J             Instructions, n·n outputs, row-major ∂N/∂u; as N
initial       Instructions, n outputs: g           inputs x…, p

All in physical coordinates: the programs' points are rows x…, t (and u…), (d + 1, N).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import parameters
from ._errors import FileFormatError
from .conditions import Condition, box_points
from .parameters import Range, box_corners, interval, show
from .program import Instructions

if TYPE_CHECKING:
    import sympy as sp

PROGRAMS = ("theta", "coefficients", "source", "N", "J", "initial")
RESERVED = parameters.RESERVED | {"x", "y", "u0", "boundary", "inflow", "cells", "kinks", "data"}


@dataclass(frozen=True)
class Term:
    """θ_part(p) c(x, t) ∂^order u_field in the equation of a field."""

    part: int
    equation: int
    field: int
    order: tuple[int, ...]  # of the derivative in each space coordinate


@dataclass(frozen=True, eq=False, repr=False, init=False)
class PDEFamily:
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

    name: str
    time: str
    coordinates: tuple[str, ...]
    fields: tuple[str, ...]
    domain: np.ndarray  # (d, 2)
    t_span: tuple[float, float]
    params: Mapping[str, Range]
    stiffness: str
    equations: tuple[str, ...]  # for people; the programs are what is computed
    terms: tuple[Term, ...]
    theta: Instructions
    coefficients: Instructions
    source: Instructions | None
    N: Instructions | None
    J: Instructions | None
    initial: Instructions
    conditions: tuple[Condition, ...]
    polynomial_degree: int | None

    def __init__(
        self,
        name: str,
        t: sp.Symbol,
        x: Sequence[sp.Symbol],
        u: Sequence[sp.Expr],
        rhs: Sequence[Any],
        domain: Mapping[sp.Symbol | str, Sequence[float]],
        t_span: Sequence[float],
        stiffness: sp.Symbol | str,
        params: Mapping[sp.Symbol | str, Range],
        initial: Sequence[Any],
        boundary: Sequence[Any],
    ) -> None:
        from .pde_derive import derive

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
            stiffness=str(stiffness),
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
        for name, value in rest.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        from . import characteristics, wellposed

        parameters.check_declared(self.name, self.params, self.stiffness, RESERVED)
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

    # ------------------------------------------------------------------------------------------------------ facts
    @property
    def n(self) -> int:
        """The number of fields."""
        return len(self.fields)

    @property
    def d(self) -> int:
        """The number of space coordinates."""
        return len(self.coordinates)

    @property
    def nonlinear(self) -> bool:
        """Whether there is an N."""
        return self.N is not None

    @cached_property
    def partials(self) -> tuple[tuple[int, ...], ...]:
        """The orders of the space derivatives that occur, sorted; (0, …) is the field itself."""
        return tuple(sorted({term.order for term in self.terms}))

    @cached_property
    def constant_coefficients(self) -> bool:
        """Whether no coefficient depends on the coordinates or the time."""
        return not any(self.coefficients.depends_on(register).any() for register in range(self.d + 1))

    @cached_property
    def periodic(self) -> tuple[bool, ...]:
        """For each axis, whether it is periodic."""
        around = {condition.axis for condition in self.conditions if condition.kind == "periodic"}
        return tuple(axis in around for axis in range(self.d))

    def corners(self) -> list[np.ndarray]:
        """Members at the corners of the solve ranges, (P,) each; with many parameters, the two extreme ones."""
        return box_corners([r.solve for r in self.params.values()])

    # ------------------------------------------------------------------------------------------------- one member
    def check_names(self, params: Mapping[str, object]) -> None:
        """ParameterError unless every parameter is there, and no other."""
        parameters.check_names(self.name, self.params, params)

    def check_params(self, params: Mapping[str, Any]) -> np.ndarray:
        """The parameters in the family's order, (P,); ParameterError (a KeyError and a ValueError) if one is wrong."""
        return parameters.check_params(self.name, self.params, params)

    def theta_at(self, p: np.ndarray) -> np.ndarray:
        """θ (Q,) of the member p (P,)."""
        return self.theta(np.zeros(1), p)[:, 0]

    def coefficients_at(self, points: np.ndarray, p: np.ndarray) -> np.ndarray:
        """θ_part(p) c(x, t) of each term at points (d + 1, N): (K, N)."""
        theta = self.theta_at(p)[[term.part for term in self.terms]]  # (K,)
        return theta[:, None] * self.coefficients(points, np.zeros(0))

    def matrices_at(self, points: np.ndarray, p: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
        """For each of `partials` the matrix that multiplies that derivative of u, (n, n, N) at points (d + 1, N)."""
        matrices = {order: np.zeros((self.n, self.n, points.shape[1])) for order in self.partials}
        for term, values in zip(self.terms, self.coefficients_at(points, p), strict=True):
            matrices[term.order][term.equation, term.field] += values
        return matrices

    def initial_at(self, x: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The default initial values (n, N) at x (d, N)."""
        return self.initial(x[0] if self.d == 1 else x, p)

    def rhs_at(
        self, points: np.ndarray, derivatives: Mapping[tuple[int, ...], np.ndarray], p: np.ndarray
    ) -> np.ndarray:
        """The right-hand side (n, N) at points (d + 1, N), from the derivatives of u, order → (n, N).

        `derivatives` has each of `partials` and, of a nonlinear family, u itself under (0, …).
        """
        matrices = self.matrices_at(points, p)
        total = sum(np.einsum("ijN,jN->iN", matrix, derivatives[order]) for order, matrix in matrices.items())
        if self.source is not None:
            total = total + self.source(points, p)
        if self.N is not None:
            total = total + self.N(np.concatenate([points, derivatives[(0,) * self.d]]), p)
        return np.asarray(total)

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
        from . import lines

        p = self.check_params(params)
        return lines.reference(self, p, (x, y), t, u0, inflow, boundary, method, rtol, atol, cells)

    # ------------------------------------------------------------------------------------------------------ files
    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole family."""
        return {
            "kind": "pde",
            "name": self.name,
            "time": self.time,
            "coordinates": list(self.coordinates),
            "fields": list(self.fields),
            "domain": self.domain.tolist(),
            "t_span": list(self.t_span),
            "params": [{"name": k, "train": list(r.train), "solve": list(r.solve)} for k, r in self.params.items()],
            "stiffness": self.stiffness,
            "equations": list(self.equations),
            "terms": [[term.part, term.equation, term.field, *term.order] for term in self.terms],
            "conditions": [
                {"kind": c.kind, "axis": c.axis, "side": c.side, "fields": list(c.fields)} for c in self.conditions
            ],
            "polynomial_degree": self.polynomial_degree,
        }

    def tensors(self) -> dict[str, np.ndarray]:
        """The instruction lists: "family.theta.code", …; those of condition k are "family.boundary<k>.code", …"""
        lists = {name: getattr(self, name) for name in PROGRAMS}
        lists |= {f"boundary{k}": condition.values for k, condition in enumerate(self.conditions)}
        return {
            f"family.{name}.{key}": array
            for name, instructions in lists.items()
            if instructions is not None
            for key, array in instructions.tensors().items()
        }

    @classmethod
    def from_parts(cls, meta: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> PDEFamily:
        """The family that `to_dict` and `tensors` describe, without SymPy; FileFormatError if anything is amiss."""
        from .pde_file import parse

        family = cls.__new__(cls)
        try:
            family._set(**parse(meta, tensors))
        except FileFormatError:
            raise
        except ValueError as error:
            raise FileFormatError(f"the file's family is broken: {error}") from error
        return family

    def __reduce__(self) -> tuple[Any, ...]:
        return PDEFamily.from_parts, (self.to_dict(), self.tensors())

    def __repr__(self) -> str:
        kind = "nonlinear, " if self.nonlinear else ""
        axes = [f"{xi} in {show(ends)}" for xi, ends in zip(self.coordinates, self.domain.tolist(), strict=True)]
        lines = [f"PDEFamily {self.name!r}, {kind}stiffness {self.stiffness}"]
        lines += [f"    {equation}" for equation in self.equations]
        lines.append(f"    {', '.join([*axes, f'{self.time} in {show(self.t_span)}'])}")
        for c in self.conditions:
            where = f"in {self.coordinates[c.axis]}" if c.side is None else f"at {c.where(self)}"
            lines.append(f"    {c.kind} {where}: {', '.join(self.fields[i] for i in c.fields)}")
        lines += [f"    {k}: train {show(r.train)}, solve {show(r.solve)}" for k, r in self.params.items()]
        return "\n".join(lines)
