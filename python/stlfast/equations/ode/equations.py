"""The equations of a family of ODEs: what every member has, and what it is at given parameters.

y' = A(p, t) y + b(p, t) + N(t, y, p),   y(t0) = y0,   t ∈ [t0(p), t1(p)]     n states, P parameters
x = (t − t0)/(t1 − t0) ∈ [0, 1],   dy/dx = (t1 − t0)(A y + b + N)            what the programs below hold

A       Instructions, n·n outputs, row-major       in normalised time; inputs x, p
b       Instructions, n outputs
N       Instructions, n outputs                    inputs x, y, p; None for linear families
J       Instructions, n·n outputs, row-major       ∂N/∂y; inputs x, y, p
theta   Instructions, Q outputs                    A = Σ_q θ_q(p) A_q(x); None where a term does not separate
parts   Instructions, Q·n·n outputs
t_span  Instructions, 2 outputs
switches Instructions, what steps are steps of (abrupt.py); inputs x, y, p; None where nothing is abrupt
stops   Instructions, K·(1 + n) outputs: when windows end, in normalised time, and by how much the states jump there
start   Instructions, n outputs: initial values; inputs x, p; None where they are y0 for all members
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ... import _core
from .. import parameters
from ..callback import Callback
from ..parameters import Range, box_corners
from ..program import Instructions
from . import physical
from .physical import Rhs

ROUNDING = 1e-12  # of a time over t_span
# Of a state or 1, where values are near a limit, and how much the same they are on both sides then.
NEAR, ALIKE = (1e-11, 1e-8, 1e-5, 1e-2, 10.0, 1e4), 1e-1
PROGRAMS = ("A", "b", "theta", "parts", "t_span", "N", "J", "switches", "stops", "start")


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Equations:
    """A family as its members are computed: programs, parameters, initial values."""

    name: str
    states: tuple[str, ...]
    params: Mapping[str, Range]
    stiffness: str | None  # None where no parameter is positive
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
    switches: Instructions | None
    stops: Instructions | None
    start: Instructions | None
    positive: tuple[str, ...]  # states that are never negative
    invariants: np.ndarray  # (m, n)
    polynomial_degree: int | None

    @property
    def n(self) -> int:
        """The number of states."""
        return len(self.states)

    @cached_property
    def constant_A(self) -> bool:
        """Whether A is the same at all times."""
        return physical.constant(self.A)

    @cached_property
    def has_forcing(self) -> bool:
        """Whether b is not identically zero."""
        return not self.b.is_zero.all()

    @property
    def nonlinear(self) -> bool:
        """Whether there is an N."""
        return self.N is not None

    @property
    def breaks(self) -> bool:
        """Whether windows have to end somewhere, which bases of the whole time span know nothing of."""
        return self.switches is not None or self.stops is not None

    @cached_property
    def rough(self) -> str:
        """Why no basis of the whole time span is made of the solutions; empty where one can be."""
        if self.breaks:
            return "steps, breaks, doses or infusions"
        if self.start is not None:
            return "initial values that depend on parameters"
        if self.N is not None and not all(self.defined(self.starts(), p).all() for p in self.corners()):
            return "a right-hand side that is 0/0 at its initial values"
        return ""

    def check_smooth(self, what: str) -> None:
        """ValueError where `what` can't be of the family."""
        if self.rough:
            raise ValueError(
                f"family {self.name!r} has {self.rough}: {what} is of the whole time span and knows nothing of that; "
                "leave it out, for compiled windows and the direct solver"
            )

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

    def start_at(self, p: np.ndarray) -> np.ndarray:
        """The default initial values of a member, (n,)."""
        if self.start is None:
            return self.y0
        values = self.start(np.zeros(1), p)[:, 0]
        if not np.isfinite(values).all():
            raise ValueError(
                f"family {self.name!r}: y0 is not finite at the parameters {p.tolist()}: {values.tolist()}"
            )
        return np.ascontiguousarray(values)

    def stops_at(self, p: np.ndarray, span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Where windows end, in normalised time (K,), increasing, and by how much the states jump there, (K, n)."""
        if self.stops is None:
            return np.zeros(0), np.zeros((0, self.n))
        values = self.stops(np.zeros(1), p).reshape(-1, 1 + self.n)
        x, jumps = values[:, 0], values[:, 1:]
        if not np.isfinite(values).all():
            raise ValueError(f"family {self.name!r}: a break or dose is not finite: {values.tolist()}")
        if len(outside := np.flatnonzero((x < -ROUNDING) | (x > 1 + ROUNDING))):
            k = int(outside[0])
            what = "a dose" if jumps[k].any() else "a break"
            t = span[0] + x[k] * (span[1] - span[0])
            raise ValueError(
                f"family {self.name!r}: {what} at t = {t:g} is outside t_span = ({span[0]:g}, {span[1]:g})"
            )
        order = np.argsort(x, kind="stable")
        return np.clip(x[order], 0.0, 1.0), np.ascontiguousarray(jumps[order])

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
        return physical.rhs(self.A, self.b, self.N, p, self._span(p, params))

    def jac(self, **params: float) -> Rhs:
        """∂f/∂y = A(p, t) + ∂N/∂y as a function (t, y) → (n, n), as SciPy's solve_ivp takes it.

        ValueError where rhs is a Python function that was given without its jac.
        """
        if self.nonlinear and self.J is None:
            raise ValueError(f"family {self.name!r} was given no jac beside its rhs")
        p = self.check_params(params)
        return physical.jac(self.A, self.J, p, self._span(p, params))

    def corners(self) -> list[np.ndarray]:
        """Members at the corners of the solve ranges, (P,) each; with many parameters, the two extreme ones."""
        return box_corners([r.solve for r in self.params.values()])

    def core(self) -> _core.Family:
        """The same in C++."""
        low, high = parameters.box(self.params)
        return _core.Family(
            self.n, self.A.program, self.b.program,
            None if self.theta is None else self.theta.program,
            None if self.parts is None else self.parts.program,
            low, high, -1 if self.stiffness is None else list(self.params).index(self.stiffness),
            *(each.program if isinstance(each, Instructions) else None for each in (self.N, self.J, self.switches)),
        )  # fmt: skip

    def starts(self) -> np.ndarray:
        """The default initial values and the corners of their box, (n, S)."""
        return np.stack([self.y0, *([] if self.y0_range is None else box_corners(self.y0_range.tolist()))], axis=1)

    def defined(self, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Whether N is finite at the beginning, for states y (n, S): (S,)."""
        assert self.N is not None
        with np.errstate(all="ignore"):
            finite: np.ndarray = np.isfinite(self.N(np.concatenate([np.zeros((1, y.shape[1])), y]), p)).all(axis=0)
        return finite

    def has_limit(self, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Whether N is finite and much the same on both sides of y (n, S), where it may be 0/0: (S,)."""
        if not isinstance(self.N, Instructions):
            return np.zeros(y.shape[1], dtype=bool)
        found = np.zeros(y.shape[1], dtype=bool)
        with np.errstate(all="ignore"):
            for distance in NEAR:
                step = distance * np.maximum(np.abs(y), 1.0)
                below, above = (self.N(np.concatenate([np.zeros((1, y.shape[1])), y + s]), p) for s in (-step, step))
                found |= (np.abs(above - below) <= ALIKE * (np.abs(above) + np.abs(below))).all(axis=0)  # not for NaN
        return found

    def start_box(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """y0, and the least and largest initial values that a nonlinear model is made for, (n,) each."""
        box = np.stack([self.y0, self.y0]) if self.y0_range is None else self.y0_range.T
        return self.y0, np.ascontiguousarray(box[0]), np.ascontiguousarray(box[1])
