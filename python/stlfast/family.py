"""A family of stiff differential equations, written once in SymPy.

y' = A(p, t) y + b(p, t) + N(t, y, p),   y(t0) = y0,   t ∈ [t0(p), t1(p)]     n states, P parameters
x = (t − t0)/(t1 − t0) ∈ [0, 1],   dy/dx = (t1 − t0)(A y + b + N)            what the programs below hold

A       Instructions, n·n outputs, row-major       in normalised time; inputs x, p
b       Instructions, n outputs
N       Instructions, n outputs                    inputs x, y, p; None for linear families
J       Instructions, n·n outputs, row-major       ∂N/∂y; inputs x, y, p
theta   Instructions, Q outputs                    A = Σ_q θ_q(p) A_q(x); None where a term does not separate
parts   Instructions, Q·n·n outputs
t_span  Instructions, 2 outputs
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import parameters, physical
from ._errors import FileFormatError
from .callback import Callback
from .parameters import Range, box_corners, show
from .physical import Rhs
from .program import Instructions

if TYPE_CHECKING:
    import sympy as sp

Forcing = Callable[[np.ndarray], np.ndarray]

IMPLICIT = {"Radau", "BDF", "LSODA"}  # SciPy's methods that use a Jacobian
PROGRAMS = ("A", "b", "theta", "parts", "t_span", "N", "J")


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Family:
    """y' = A(p, t) y + b(p, t) + N(t, y, p) with parameter ranges and initial values; immutable and picklable.

    Parameters
    ----------
    name: what the family is called in files and messages.
    t: SymPy symbol of the time.
    y: n SymPy symbols, the states.
    rhs: n SymPy expressions in t, the states and the parameters, with +, ·, /, powers, exp, log, sqrt, sin, cos, tan,
        tanh and abs. Or, for what these cannot express, a Python function f(t, y, **params) → (n, N) of times t (N,)
        and states y (n, N); t may then be None, and states and parameters may be given by their names.
    t_span: (t0, t1), numbers or expressions in the parameters.
    stiffness: the parameter (its symbol or name) that makes members stiff; its ranges must be positive.
    params: SymPy symbol → Range. Afterwards `family.params` maps names to ranges.
    y0: n numbers, the default initial values.
    y0_range: n pairs (low, high), where the answer's accuracy depends on a box of initial values; default None.
    jac: beside a function as rhs, its derivative: a function (t, y, **params) → (n, n, N), [i, j] being ∂f_i/∂y_j.

    invariants are the constant rows w (m, n) with w·f = 0 always, such as conserved mass, found in the expressions;
    polynomial_degree is the degree of N in the states, 0 for linear families and None where N is no polynomial.
    With a function as rhs, N is that function, A and b are 0, no invariant is known, and no file can hold the family.

    Errors: ValueError says which argument is wrong and what to do, and names the equation and the function where the
    right-hand side has one that is not supported.
    """

    name: str
    states: tuple[str, ...]
    params: Mapping[str, Range]
    stiffness: str
    y0: np.ndarray  # (n,)
    y0_range: np.ndarray | None  # (n, 2)
    equations: tuple[str, ...]  # for people; the programs are what is computed
    A: Instructions
    b: Instructions
    theta: Instructions | None
    parts: Instructions | None
    t_span: Instructions
    N: Instructions | Callback | None
    J: Instructions | Callback | None
    invariants: np.ndarray  # (m, n)
    polynomial_degree: int | None

    def __init__(
        self,
        name: str,
        t: sp.Symbol | None,
        y: Sequence[sp.Symbol | str],
        rhs: Sequence[Any] | Callable[..., Any],
        t_span: Sequence[Any],
        stiffness: sp.Symbol | str,
        params: Mapping[sp.Symbol | str, Range],
        y0: Sequence[float],
        y0_range: Sequence[Sequence[float]] | None = None,
        jac: Callable[..., Any] | None = None,
    ) -> None:
        from .derive import derive, derive_callable

        for what, given in (("y", y), ("rhs", [] if callable(rhs) else rhs)):
            if not isinstance(given, Iterable):
                raise ValueError(f"{what} must be a list, got {given!r} ({type(given).__name__})")
        parameters.check_ranges(params)
        if callable(rhs):
            derived = derive_callable(name, list(y), rhs, jac, t_span, list(params))
        elif jac is not None:
            raise ValueError("jac is given where rhs is a function; that of SymPy expressions is derived from them")
        else:
            derived = derive(name, t, list(y), list(rhs), t_span, list(params))
        self._set(
            name=name,
            states=tuple(str(yi) for yi in y),
            params={str(symbol): value for symbol, value in params.items()},
            stiffness=str(stiffness),
            y0=y0,
            y0_range=y0_range,
            equations=derived.equations,
            invariants=derived.invariants,
            polynomial_degree=derived.polynomial_degree,
            **{program: getattr(derived, program) for program in PROGRAMS},
        )

    def _set(self, *, y0: Any, y0_range: Any, invariants: Any, params: dict[str, Range], **fields: Any) -> None:
        n = len(fields["states"])
        fields["y0"] = _finite_array(y0, (n,), f"y0 of a family with {n} states")
        fields["y0_range"] = None if y0_range is None else _finite_array(y0_range, (n, 2), f"y0_range of {n} states")
        fields["invariants"] = _finite_array(invariants or np.zeros((0, n)), (len(invariants), n), "the invariants")
        fields["params"] = MappingProxyType(dict(params))
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        parameters.check_declared(self.name, self.params, self.stiffness)
        if self.y0_range is not None and np.any(self.y0_range[:, 0] > self.y0_range[:, 1]):
            raise ValueError(f"y0_range must be pairs (low, high) with low <= high, got {self.y0_range.tolist()}")
        for p in self._corners():
            values = dict(zip(self.params, p.tolist(), strict=True))
            self._span(p, values)
            at = np.array([0.0, 0.5, 1.0])
            if not (np.isfinite(self.A(at, p)).all() and np.isfinite(self.b(at, p)).all()):
                raise ValueError(
                    f"family {self.name!r}: the right-hand side is not finite at {values} at the beginning, middle or "
                    "end of t_span; narrow the solve ranges or t_span"
                )
            if self.N is not None:
                self._check_starts(self.N, p, values)

    def _check_starts(self, N: Instructions | Callback, p: np.ndarray, values: dict[str, float]) -> None:
        starts = [self.y0] if self.y0_range is None else [self.y0, *box_corners(self.y0_range.tolist())]
        y = np.stack(starts, axis=1)  # (n, S)
        finite = np.isfinite(N(np.concatenate([np.zeros((1, len(starts))), y]), p)).all(axis=0)
        if not finite.all():
            raise ValueError(
                f"family {self.name!r}: the right-hand side is not finite at {values} for the initial values "
                f"{y[:, np.argmin(finite)].tolist()}; change y0 or y0_range, or narrow the solve ranges"
            )

    def _corners(self) -> list[np.ndarray]:
        """Members at the corners of the solve ranges, (P,) each; with many parameters, the two extreme ones."""
        return box_corners([r.solve for r in self.params.values()])

    @property
    def n(self) -> int:
        """The number of states."""
        return len(self.states)

    @cached_property
    def constant_A(self) -> bool:
        """Whether A is the same at all times."""
        return not self.A.depends_on(0).any()

    @cached_property
    def has_forcing(self) -> bool:
        """Whether b is not identically zero."""
        return not self.b.is_zero.all()

    @property
    def nonlinear(self) -> bool:
        """Whether there is an N."""
        return self.N is not None

    def check_linear(self, what: str) -> None:
        """ValueError where the family is nonlinear, for `what` assumes that there is no N."""
        if self.nonlinear:
            raise ValueError(
                f"family {self.name!r} is nonlinear, and {what} takes linear families only so far; "
                "stlfast.Windows(family) solves its members"
            )

    # ------------------------------------------------------------------------------------------------ one member
    def check_names(self, params: Mapping[str, object]) -> None:
        """ParameterError unless every parameter is there, and no other."""
        parameters.check_names(self.name, self.params, params)

    def check_params(self, params: Mapping[str, float]) -> np.ndarray:
        """The parameters in the family's order, (P,); ParameterError (a KeyError and a ValueError) if one is wrong."""
        return parameters.check_params(self.name, self.params, params)

    def t_span_at(self, **params: float) -> tuple[float, float]:
        """(t0, t1) of a member."""
        return self._span(self.check_params(params), params)

    def _span(self, p: np.ndarray, named: Mapping[str, float]) -> tuple[float, float]:
        try:
            t0, t1 = self.t_span.scalar(p.tolist())(0.0)
        except (ArithmeticError, ValueError):
            t0 = t1 = math.nan
        if not (math.isfinite(t0) and math.isfinite(t1) and t0 < t1):
            at = f" at {dict(named)}" if named else ""
            raise ValueError(f"family {self.name!r}: t_span must be increasing and finite, got ({t0}, {t1}){at}")
        return t0, t1

    def matrix(self, t: float, **params: float) -> np.ndarray:
        """A(p, t) in physical time, (n, n), without what N adds to the Jacobian."""
        p = self.check_params(params)
        t0, t1 = self._span(p, params)
        return self.A((t - t0) / (t1 - t0), p).reshape(self.n, self.n) / (t1 - t0)

    def forcing(self, t: np.ndarray | float, **params: float) -> np.ndarray:
        """b(p, t) in physical time: (n, N) for t (N,)."""
        p = self.check_params(params)
        t0, t1 = self._span(p, params)
        return self.b((np.asarray(t) - t0) / (t1 - t0), p) / (t1 - t0)

    def rhs(self, **params: float) -> Rhs:
        """f(t, y) = A y + b + N in physical time, for y (n,), as SciPy's solve_ivp takes it.

        NaN where N is not defined, so that an implicit solver tries a smaller step.
        """
        p = self.check_params(params)
        return physical.rhs(self, p, self._span(p, params))

    def jac(self, **params: float) -> Rhs:
        """∂f/∂y = A(p, t) + ∂N/∂y as a function (t, y) → (n, n), as SciPy's solve_ivp takes it.

        ValueError where rhs is a Python function that was given without its jac.
        """
        if self.nonlinear and self.J is None:
            raise ValueError(f"family {self.name!r} was given no jac beside its rhs")
        p = self.check_params(params)
        return physical.jac(self, p, self._span(p, params))

    def reference(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        t: np.ndarray | None = None,
        method: str = "Radau",
        rtol: float = 1e-12,
        atol: float = 1e-14,
        forcing: Forcing | None = None,
        **params: float,
    ) -> Any:
        """Integrate a member with scipy.integrate.solve_ivp on the same definition.

        y0: (n,), default the family's. t: output times (N,), increasing, default 512 uniform points of t_span.
        method, rtol, atol: as solve_ivp; its output between steps is less accurate than rtol, since it interpolates.
        forcing: t (N,) → (n, N), added to the right-hand side. Returns solve_ivp's result: .t, .y (n, N), .nfev, ….
        """
        from scipy.integrate import solve_ivp

        t0, t1 = self.t_span_at(**params)
        start = self.y0 if y0 is None else _finite_array(y0, (self.n,), f"y0 of {self.name!r}")
        times = np.linspace(t0, t1, 512) if t is None else np.asarray(t, dtype=np.float64)
        f: Rhs = self.rhs(**params)
        if forcing is not None:
            plain, added = f, forcing
            f = lambda s, y: plain(s, y) + np.asarray(added(np.array([s])))[:, 0]  # noqa: E731
        analytic = self.N is None or self.J is not None
        jac = {"jac": self.jac(**params)} if method in IMPLICIT and analytic else {}
        return solve_ivp(f, (t0, t1), start, method=method, t_eval=times, rtol=rtol, atol=atol, **jac)

    # ------------------------------------------------------------------------------------------------------ files
    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole family.

        ValueError where rhs is a Python function, which no file can hold.
        """
        if isinstance(self.N, Callback):
            raise ValueError(f"family {self.name!r} has a Python function as rhs, which cannot be written to a file")
        entries = {
            "name": self.name,
            "states": list(self.states),
            "params": [{"name": k, "train": list(r.train), "solve": list(r.solve)} for k, r in self.params.items()],
            "stiffness": self.stiffness,
            "y0": self.y0.tolist(),
            "y0_range": None if self.y0_range is None else self.y0_range.tolist(),
            "equations": list(self.equations),
        }
        if len(self.invariants):
            entries["invariants"] = self.invariants.tolist()
        if self.nonlinear:
            entries["polynomial_degree"] = self.polynomial_degree
        return entries

    def tensors(self) -> dict[str, np.ndarray]:
        """The instruction lists: "family.A.code", "family.A.constants", "family.A.outputs", …"""
        lists = {name: getattr(self, name) for name in PROGRAMS}
        return {
            f"family.{name}.{key}": array
            for name, instructions in lists.items()
            if isinstance(instructions, Instructions)
            for key, array in instructions.tensors().items()
        }

    @classmethod
    def from_parts(cls, meta: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Family:
        """The family that `to_dict` and `tensors` describe, without SymPy; FileFormatError if anything is amiss."""
        from .family_file import parse

        family = cls.__new__(cls)
        try:
            family._set(**parse(meta, tensors))
        except FileFormatError:
            raise
        except ValueError as error:
            raise FileFormatError(f"the file's family is broken: {error}") from error
        return family

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self.N, Callback):  # pickles if its functions do
            fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
            return _remake, (fields | {"params": dict(self.params), "invariants": self.invariants.tolist()},)
        return Family.from_parts, (self.to_dict(), self.tensors())

    def __repr__(self) -> str:
        ranges = [f"    {k}: train {show(r.train)}, solve {show(r.solve)}" for k, r in self.params.items()]
        y0 = ", ".join(f"{s}(t0) = {v:g}" for s, v in zip(self.states, self.y0, strict=True))
        equations = [f"    {equation}" for equation in self.equations]
        kind = "nonlinear, " if self.nonlinear else ""
        return "\n".join([f"Family {self.name!r}, {kind}stiffness {self.stiffness}", *equations, f"    {y0}", *ranges])


def _remake(fields: dict[str, Any]) -> Family:
    family = Family.__new__(Family)
    family._set(**fields)
    return family


def _finite_array(value: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} must be numbers of shape {shape}, got {value!r}") from None
    if array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite, got {array.tolist()}")
    array.flags.writeable = False
    return array
