"""A family of linear stiff differential equations, written once in SymPy.

y' = A(p, t) y + b(p, t),   y(t0) = y0,   t ∈ [t0(p), t1(p)]        n states, P parameters
x = (t − t0)/(t1 − t0) ∈ [0, 1],   dy/dx = (t1 − t0)(A y + b)      what the programs below hold

A       Instructions, n·n outputs, row-major       in normalised time
b       Instructions, n outputs
theta   Instructions, Q outputs                    A = Σ_q θ_q(p) A_q(x); None where a term does not separate
parts   Instructions, Q·n·n outputs
t_span  Instructions, 2 outputs
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import FileFormatError, ParameterError
from .program import Instructions

if TYPE_CHECKING:
    import sympy as sp

Rhs = Callable[[float, np.ndarray], np.ndarray]
Forcing = Callable[[np.ndarray], np.ndarray]

# Keyword arguments of solve and reference, which take the parameters by name too.
RESERVED = {
    "y0", "t", "rtol", "atol", "certify", "forcing", "reduced", "heads", "family", "method", "threads", "out",
    "observe", "progress", "self",
}  # fmt: skip
IMPLICIT = {"Radau", "BDF", "LSODA"}  # SciPy's methods that use a Jacobian
PROGRAMS = ("A", "b", "theta", "parts", "t_span")


@dataclass(frozen=True)
class Range:
    """Closed intervals of a parameter: members to train on, and members that can be solved (a superset)."""

    train: tuple[float, float]
    solve: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("train", "solve"):
            object.__setattr__(self, name, _interval(getattr(self, name), f"the {name} range of a parameter"))
        if not (self.solve[0] <= self.train[0] and self.train[1] <= self.solve[1]):
            raise ValueError(f"the train range {self.train} must lie within the solve range {self.solve}; widen solve")


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Family:
    """y' = A(p, t) y + b(p, t) with parameter ranges and default initial values; immutable and picklable.

    Parameters
    ----------
    name: what the family is called in files and messages.
    t: SymPy symbol of the time.
    y: n SymPy symbols, the states.
    rhs: n SymPy expressions in t, the states (linearly) and the parameters.
    t_span: (t0, t1), numbers or expressions in the parameters.
    stiffness: the parameter (its symbol or name) that makes members stiff; its ranges must be positive.
    params: SymPy symbol → Range. Afterwards `family.params` maps names to ranges.
    y0: n numbers, the default initial values.
    y0_range: n pairs (low, high), where the answer's accuracy depends on a box of initial values; default None.

    Errors: ValueError says which argument is wrong and what to do, and names the equation and the term where the
    right-hand side is not linear in the states.
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

    def __init__(
        self,
        name: str,
        t: sp.Symbol,
        y: Sequence[sp.Symbol],
        rhs: Sequence[Any],
        t_span: Sequence[Any],
        stiffness: sp.Symbol | str,
        params: Mapping[sp.Symbol, Range],
        y0: Sequence[float],
        y0_range: Sequence[Sequence[float]] | None = None,
    ) -> None:
        from .derive import derive

        for what, given in (("y", y), ("rhs", rhs)):
            if not isinstance(given, Iterable):
                raise ValueError(f"{what} must be a list, got {given!r} ({type(given).__name__})")
        if not isinstance(params, Mapping):
            raise ValueError(f"params must be a dict of symbol to stlfast.Range, got {params!r}")
        for symbol, value in params.items():
            if not isinstance(value, Range):
                raise ValueError(f"params[{symbol}] must be a stlfast.Range, got {value!r}")
        derived = derive(name, t, list(y), list(rhs), t_span, list(params))
        self._set(
            name=name,
            states=tuple(str(yi) for yi in y),
            params={str(symbol): value for symbol, value in params.items()},
            stiffness=str(stiffness),
            y0=y0,
            y0_range=y0_range,
            equations=derived.equations,
            **{program: getattr(derived, program) for program in PROGRAMS},
        )

    def _set(self, *, y0: Any, y0_range: Any, params: dict[str, Range], **fields: Any) -> None:
        n = len(fields["states"])
        fields["y0"] = _finite_array(y0, (n,), f"y0 of a family with {n} states")
        fields["y0_range"] = None if y0_range is None else _finite_array(y0_range, (n, 2), f"y0_range of {n} states")
        fields["params"] = MappingProxyType(dict(params))
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"a family's name must be a non-empty string, got {self.name!r}")
        for name in self.params:
            if name in RESERVED:
                raise ValueError(f"a parameter cannot be called {name!r}, which is an argument of solve; rename it")
        if self.stiffness not in self.params:
            raise ValueError(f"stiffness {self.stiffness!r} is no parameter; the parameters are {list(self.params)}")
        if self.params[self.stiffness].solve[0] <= 0:
            raise ValueError(
                f"the stiffness parameter {self.stiffness!r} must have positive ranges (members are spaced "
                f"logarithmically), got {self.params[self.stiffness]}"
            )
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

    def _corners(self) -> list[np.ndarray]:
        """Members at the corners of the solve ranges, (P,) each; with many parameters, the two extreme ones."""
        ranges = [r.solve for r in self.params.values()]
        corners = itertools.product(*ranges) if len(ranges) <= 6 else zip(*ranges, strict=True)
        return [np.array(corner) for corner in corners]

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

    # ------------------------------------------------------------------------------------------------ one member
    def check_names(self, params: Mapping[str, object]) -> None:
        """ParameterError unless every parameter is there, and no other."""
        if params.keys() != self.params.keys():
            unknown, missing = params.keys() - self.params.keys(), self.params.keys() - params.keys()
            what, which = ("unknown", unknown) if unknown else ("missing", missing)
            known = ", ".join(self.params)
            raise ParameterError(f"{what} parameter {', '.join(sorted(which))}: those of {self.name!r} are {known}")

    def check_params(self, params: Mapping[str, float]) -> np.ndarray:
        """The parameters in the family's order, (P,); ParameterError (a KeyError and a ValueError) if one is wrong."""
        self.check_names(params)
        values = []
        for name, interval in self.params.items():
            try:
                value = float(params[name])
            except (TypeError, ValueError, OverflowError):
                raise ParameterError(f"{name} must be one number, got {params[name]!r}") from None
            low, high = interval.solve
            if not low <= value <= high:  # also true for NaN
                what = "is outside" if math.isfinite(value) else "is not finite and so outside"
                raise ParameterError(f"{name} = {value!r} {what} [{low:g}, {high:g}], where {self.name!r} is solved")
            values.append(value)
        return np.array(values)

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
        """A(p, t) in physical time, (n, n)."""
        p = self.check_params(params)
        t0, t1 = self._span(p, params)
        return self.A((t - t0) / (t1 - t0), p).reshape(self.n, self.n) / (t1 - t0)

    def forcing(self, t: np.ndarray | float, **params: float) -> np.ndarray:
        """b(p, t) in physical time: (n, N) for t (N,)."""
        p = self.check_params(params)
        t0, t1 = self._span(p, params)
        return self.b((np.asarray(t) - t0) / (t1 - t0), p) / (t1 - t0)

    def rhs(self, **params: float) -> Rhs:
        """f(t, y) = A y + b in physical time, for y (n,), as SciPy's solve_ivp takes it."""
        p = self.check_params(params)
        t0, t1 = self._span(p, params)
        length, jac, b = t1 - t0, self.jac(**params), self.b.scalar(p.tolist())
        if not self.constant_A:
            return lambda t, y: jac(t, y) @ y + np.array(b((t - t0) / length)) / length
        A = self.matrix(t0, **params)
        if not self.b.depends_on(0).any():
            constant = self.forcing(t0, **params)[:, 0]
            return (lambda t, y: A @ y + constant) if self.has_forcing else (lambda t, y: A @ y)
        return lambda t, y: A @ y + np.array(b((t - t0) / length)) / length

    def jac(self, **params: float) -> Rhs:
        """∂f/∂y = A(p, t) as a function (t, y) → (n, n), as SciPy's solve_ivp takes it."""
        p = self.check_params(params)
        t0, t1 = self._span(p, params)
        if self.constant_A:
            A = self.matrix(t0, **params)
            return lambda t, y: A
        length, square, evaluate = t1 - t0, (self.n, self.n), self.A.scalar(p.tolist())
        return lambda t, y: np.array(evaluate((t - t0) / length)).reshape(square) / length

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
        jac = {"jac": self.jac(**params)} if method in IMPLICIT else {}
        return solve_ivp(f, (t0, t1), start, method=method, t_eval=times, rtol=rtol, atol=atol, **jac)

    # ------------------------------------------------------------------------------------------------------ files
    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole family."""
        return {
            "name": self.name,
            "states": list(self.states),
            "params": [{"name": k, "train": list(r.train), "solve": list(r.solve)} for k, r in self.params.items()],
            "stiffness": self.stiffness,
            "y0": self.y0.tolist(),
            "y0_range": None if self.y0_range is None else self.y0_range.tolist(),
            "equations": list(self.equations),
        }

    def tensors(self) -> dict[str, np.ndarray]:
        """The instruction lists: "family.A.code", "family.A.constants", "family.A.outputs", …"""
        lists = {name: getattr(self, name) for name in PROGRAMS}
        return {
            f"family.{name}.{key}": array
            for name, instructions in lists.items()
            if instructions is not None
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
        return Family.from_parts, (self.to_dict(), self.tensors())

    def __repr__(self) -> str:
        ranges = [f"    {k}: train {_show(r.train)}, solve {_show(r.solve)}" for k, r in self.params.items()]
        y0 = ", ".join(f"{s}(t0) = {v:g}" for s, v in zip(self.states, self.y0, strict=True))
        equations = [f"    {equation}" for equation in self.equations]
        return "\n".join([f"Family {self.name!r}, stiffness {self.stiffness}", *equations, f"    {y0}", *ranges])


def _show(interval: tuple[float, float]) -> str:
    return f"[{interval[0]:g}, {interval[1]:g}]"


def _interval(value: Any, what: str) -> tuple[float, float]:
    try:
        if any(isinstance(v, (str, bytes, bool)) for v in value):
            raise TypeError
        low, high = (float(v) for v in value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} must be a pair (low, high) of numbers, got {value!r}") from None
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{what} must be finite with low <= high, got ({low}, {high})")
    return low, high


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
