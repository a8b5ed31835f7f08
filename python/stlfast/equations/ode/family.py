"""A family of stiff ordinary differential equations, written once in SymPy; its equations are in equations.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.names import public
from .. import parameters
from ..callback import COMPLEX, Callback
from ..parameters import Range, show_range
from ..reading import family_of_a_file
from . import file
from .equations import PROGRAMS, Equations
from .physical import Rhs

if TYPE_CHECKING:
    import sympy as sp


Forcing = Callable[[np.ndarray], np.ndarray]

IMPLICIT = {"Radau", "BDF", "LSODA"}  # SciPy's methods that use a Jacobian


@public
@dataclass(frozen=True, eq=False, repr=False, init=False)
class Family(Equations):
    """y' = A(p, t) y + b(p, t) + N(t, y, p) with parameter ranges and initial values; immutable and picklable.

    Parameters
    ----------
    name: what the family is called in files and messages.
    t: SymPy symbol of the time.
    y: n SymPy symbols, the states.
    rhs: n SymPy expressions in t, the states and the parameters, with +, ·, /, powers, exp, log, sqrt, abs, erf, atan2,
        the trigonometric and hyperbolic functions and their inverses; and with Heaviside, sign, Max, Min and Piecewise,
        where windows end. Or, for what these cannot express, a Python function f(t, y, **params) → (n, N) of times t
        (N,) and states y (n, N); t may then be None, and states and parameters may be given by their names.
    t_span: (t0, t1), numbers or expressions in the parameters.
    stiffness: the parameter (its symbol or name) that makes members stiff, along which bodies are trained; its ranges
        must be positive. Default: the positive parameter whose solve range is the widest, relative to its lower end.
    params: SymPy symbol → Range, where members can be solved: `Range(0.1, 10.0)`, and are trained on:
        `Range(train=(1, 10), solve=(1, 1000))`. Afterwards `family.params` maps names to ranges.
    y0: n numbers, the default initial values; or expressions in the parameters, such as an equilibrium (`y0` of the
        family is then that of the middle of the ranges).
    y0_range: n pairs (low, high), where the answer's accuracy depends on a box of initial values; default None.
    jac: beside a function as rhs, its derivative: a function (t, y, **params) → (n, n, N), [i, j] being ∂f_i/∂y_j.
    breaks: times at which a function as rhs is not smooth; numbers or expressions in the parameters, within t_span.
    doses: pairs (time, sizes): the states jump by sizes then, n expressions in the parameters or a dict {state: size};
        at that time y is what it is after the jump. At t_span's end a dose has no effect.
    infusions: triples (begin, end, rates), added to the right-hand side from begin to end; rates as sizes of doses.
    positive: states that are never negative: a computed one that is, by more than atol, is no success.

    Where there are breaks, doses, infusions or steps, members are solved on windows, compiled or not: no body and no
    reduced basis is made of such a family.

    invariants are the constant rows w (m, n) with w·f = 0 always, such as conserved mass, found in the expressions;
    polynomial_degree is the degree of N in the states, 0 for linear families and None where N is no polynomial.
    With a function as rhs, N is that function, A and b are 0, no invariant is known, and no file can hold the family.

    Errors: ValueError says which argument is wrong and what to do, and names the equation and the function where the
    right-hand side has one that is not supported.
    """

    def __init__(
        self,
        name: str,
        t: sp.Symbol | None,
        y: Sequence[sp.Symbol | str],
        rhs: Sequence[Any] | Callable[..., Any],
        t_span: Sequence[Any],
        stiffness: sp.Symbol | str | None = None,
        params: Mapping[sp.Symbol | str, Range] = MappingProxyType({}),
        y0: Sequence[float] | None = None,
        y0_range: Sequence[Sequence[float]] | None = None,
        jac: Callable[..., Any] | None = None,
        *,
        breaks: Sequence[Any] = (),
        doses: Sequence[tuple[Any, Any]] = (),
        infusions: Sequence[tuple[Any, Any, Any]] = (),
        positive: Sequence[sp.Symbol | str] = (),
    ) -> None:
        from .derive import Structure, derive, derive_callable

        if y0 is None:
            raise ValueError(f"family {name!r} needs y0, the default initial values, one for each state")
        for what, given in (("y", y), ("rhs", [] if callable(rhs) else rhs)):
            if not isinstance(given, Iterable):
                raise ValueError(f"{what} must be a list, got {given!r} ({type(given).__name__})")
        parameters.check_ranges(params)
        structure = Structure(list(breaks), list(doses), list(infusions))
        if callable(rhs):
            derived = derive_callable(name, list(y), rhs, jac, t_span, list(params), structure, y0)
        elif jac is not None:
            raise ValueError("jac is given where rhs is a function; that of SymPy expressions is derived from them")
        else:
            derived = derive(name, t, list(y), list(rhs), t_span, list(params), structure, y0)
        if derived.start is not None:
            middle = np.array([0.5 * sum(interval.solve) for interval in params.values()])
            y0 = derived.start(np.zeros(1), middle)[:, 0].tolist()
        self._set(
            name=name,
            states=tuple(str(yi) for yi in y),
            params={str(symbol): value for symbol, value in params.items()},
            stiffness=stiffness,
            y0=y0,
            y0_range=y0_range,
            positive=[str(state) for state in positive],
            equations=derived.equations,
            invariants=derived.invariants,
            polynomial_degree=derived.polynomial_degree,
            **{program: getattr(derived, program) for program in PROGRAMS},
        )

    def _set(self, *, y0: Any, y0_range: Any, invariants: Any, params: dict[str, Range], **fields: Any) -> None:
        n = len(fields["states"])
        fields["y0"] = _finite_array(y0, (n,), f"y0 of a family with {n} states")
        fields["y0_range"] = None if y0_range is None else _finite_array(y0_range, (n, 2), f"y0_range of {n} states")
        fields["positive"] = tuple(fields.get("positive", ()))
        if unknown := set(fields["positive"]) - set(fields["states"]):
            raise ValueError(f"positive names {sorted(unknown)}, and the states are {list(fields['states'])}")
        fields["invariants"] = _finite_array(invariants or np.zeros((0, n)), (len(invariants), n), "the invariants")
        fields["params"] = MappingProxyType(dict(params))
        fields["stiffness"] = parameters.stiffness_of(params, fields["stiffness"])
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        parameters.check_declared(self.name, self.params)
        if self.y0_range is not None and np.any(self.y0_range[:, 0] > self.y0_range[:, 1]):
            raise ValueError(f"y0_range must be pairs (low, high) with low <= high, got {self.y0_range.tolist()}")
        for p in self.corners():
            values = dict(zip(self.params, p.tolist(), strict=True))
            self._span(p, values)
            at = np.array([0.0, 0.5, 1.0])
            if not (np.isfinite(self.A(at, p)).all() and np.isfinite(self.b(at, p)).all()):
                raise ValueError(
                    f"family {self.name!r}: the right-hand side is not finite at {values} at the beginning, middle or "
                    "end of t_span; narrow the solve ranges or t_span"
                )
            if self.N is not None:
                self._check_starts(p, values)

    def _check_starts(self, p: np.ndarray, values: dict[str, float]) -> None:
        y = self.starts()
        undefined = ~self.defined(y, p) & ~self.has_limit(y, p)
        if undefined.any():
            raise ValueError(
                f"family {self.name!r}: the right-hand side is not finite at {values} for the initial values "
                f"{y[:, np.argmax(undefined)].tolist()}; change y0 or y0_range, or narrow the solve ranges"
            )

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
        return file.entries(self)

    def tensors(self) -> dict[str, np.ndarray]:
        """The instruction lists: "family.A.code", "family.A.constants", "family.A.outputs", …"""
        return file.tensors(self)

    @classmethod
    def from_parts(cls, meta: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Family:
        """The family that `to_dict` and `tensors` describe, without SymPy; FileFormatError if anything is amiss."""
        family = cls.__new__(cls)
        with family_of_a_file():
            family._set(**file.parse(meta, tensors))
        return family

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self.N, Callback):  # pickles if its functions do
            fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
            return _remake, (fields | {"params": dict(self.params), "invariants": self.invariants.tolist()},)
        return Family.from_parts, (self.to_dict(), self.tensors())

    def __repr__(self) -> str:
        ranges = [f"    {name}: {show_range(r)}" for name, r in self.params.items()]
        y0 = ", ".join(f"{s}(t0) = {v:g}" for s, v in zip(self.states, self.y0, strict=True))
        equations = [f"    {equation}" for equation in self.equations]
        kind = "nonlinear, " if self.nonlinear else ""
        stiffness = "no stiffness parameter" if self.stiffness is None else f"stiffness {self.stiffness}"
        return "\n".join([f"Family {self.name!r}, {kind}{stiffness}", *equations, f"    {y0}", *ranges])


def _remake(fields: dict[str, Any]) -> Family:
    family = Family.__new__(Family)
    family._set(**fields)
    return family


def _finite_array(value: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    if np.iscomplexobj(value):
        raise ValueError(f"{what} are complex numbers: {COMPLEX}")
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
