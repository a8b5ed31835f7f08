"""Parameters of a family: their ranges, and what is checked wherever some are given.

P parameters, each with a Range; `ranges` maps their names to these, in the family's order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..base.errors import ParameterError
from ..base.names import public

# Keyword arguments of solve and reference, which take the parameters by name too.
RESERVED = {
    "y0", "t", "rtol", "atol", "certify", "forcing", "reduced", "heads", "family", "method", "threads", "out",
    "observe", "progress", "fallback", "extrapolate", "self",
}  # fmt: skip
# Arguments of SciPy's solve_ivp that people try.
OF_OTHERS = {
    "args": "parameters are given by their names, as in solve(alpha=75.0)",
    "dense_output": "every solution is one: sol(t) evaluates it at any times",
    "max_step": "nothing is stepped; rtol and atol say how accurate the answer is to be",
    "t_eval": "output times are t=",
    "t_span": "the time span belongs to the family; output times are t=",
}
ROUNDING_ERRORS = 4.0  # of the larger end of a range, by which a parameter may be outside
MOST_CORNERS = 6  # dimensions of a box of which all corners are looked at


@public
@dataclass(frozen=True, init=False)
class Range:
    """Closed intervals of a parameter: members that can be solved and, where a body is trained, members to train on.

    `Range(0.1, 10.0)` is a solve range; `Range(train=(1, 10), solve=(1, 1000))` has a train range inside it.
    Errors: ValueError for an interval that is none, and for a train range that is not inside.
    """

    train: tuple[float, float] | None
    solve: tuple[float, float]

    def __init__(self, train: Any = None, solve: Any = None) -> None:
        if isinstance(train, Real) and isinstance(solve, Real):
            train, solve = None, (train, solve)
        if solve is None:
            raise ValueError(
                "a Range needs two numbers, Range(0.1, 10.0), or a solve range, Range(train=(1, 10), solve=(1, 1000)); "
                f"got {train!r}"
            )
        object.__setattr__(self, "solve", interval(solve, "the solve range of a parameter"))
        object.__setattr__(self, "train", None if train is None else interval(train, "the train range of a parameter"))
        if self.train is not None and not (self.solve[0] <= self.train[0] and self.train[1] <= self.solve[1]):
            raise ValueError(f"the train range {self.train} must lie within the solve range {self.solve}; widen solve")

    @property
    def trained(self) -> tuple[float, float]:
        """The train range; ValueError where there is none."""
        if self.train is None:
            raise ValueError(f"{self} has no train range: Range(train=(1, 10), solve=(1, 1000))")
        return self.train


def check_ranges(params: Any) -> None:
    """ValueError unless params, as given to a family, is a dict whose values are Ranges."""
    if not isinstance(params, Mapping):
        raise ValueError(f"params must be a dict of symbol to stlfast.Range, got {params!r}")
    for symbol, value in params.items():
        if not isinstance(value, Range):
            raise ValueError(f"params[{symbol}] must be a stlfast.Range, got {value!r}")


def check_declared(name: Any, ranges: Mapping[str, Range], reserved: set[str] = RESERVED) -> None:
    """ValueError for a family's name that is none, and a parameter with a reserved name."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"a family's name must be a non-empty string, got {name!r}")
    for parameter in ranges:
        if parameter in reserved:
            raise ValueError(f"a parameter cannot be called {parameter!r}, which is an argument of solve; rename it")


def stiffness_of(ranges: Mapping[str, Range], given: Any) -> str | None:
    """The parameter that makes members stiff: the one given or else, of the positive ones, that of the widest range.

    None where no parameter is positive. ValueError for one given that is no parameter, or not positive.
    """
    positive = {name: r.solve[1] / r.solve[0] for name, r in ranges.items() if r.solve[0] > 0}
    if given is None:
        return max(positive, key=positive.__getitem__, default=None)
    name = str(given)
    if name not in ranges:
        raise ValueError(f"stiffness {name!r} is no parameter; the parameters are {list(ranges)}")
    if name not in positive:
        raise ValueError(
            f"the stiffness parameter {name!r} must have positive ranges (members are spaced logarithmically), got "
            f"{ranges[name]}"
        )
    return name


def check_names(name: str, ranges: Mapping[str, Range], params: Mapping[str, object]) -> None:
    """ParameterError unless every parameter of the family `name` is there, and no other."""
    if params.keys() != ranges.keys():
        unknown, missing = params.keys() - ranges.keys(), ranges.keys() - params.keys()
        for other in sorted(unknown & OF_OTHERS.keys()):
            raise ParameterError(f"there is no argument {other}=: {OF_OTHERS[other]}")
        what, which = ("unknown", unknown) if unknown else ("missing", missing)
        known = ", ".join(ranges) or "none"
        raise ParameterError(f"{what} parameter {', '.join(sorted(which))}: those of {name!r} are {known}")


def check_params(name: str, ranges: Mapping[str, Range], params: Mapping[str, Any]) -> np.ndarray:
    """The parameters in the family's order, (P,); ParameterError (a KeyError and ValueError) if one is wrong.

    An array of one element is a number; a number beyond an end of its range by a few rounding errors is that end.
    """
    check_names(name, ranges, params)
    values = []
    for parameter, allowed in ranges.items():
        try:
            given = params[parameter]
            value = float(given.reshape(()) if isinstance(given, np.ndarray) and given.size == 1 else given)
        except (TypeError, ValueError, OverflowError):
            raise ParameterError(f"{parameter} must be one number, got {params[parameter]!r}") from None
        low, high = allowed.solve
        if not low <= value <= high:  # also true for NaN
            inside = clamped(np.array([value]), allowed.solve)[0]
            if not low <= inside <= high:
                what = "is outside" if math.isfinite(value) else "is not finite and so outside"
                raise ParameterError(f"{parameter} = {value!r} {what} {show(allowed.solve)}, where {name!r} is solved")
            value = inside
        values.append(value)
    return np.array(values)


def clamped(values: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Values (N,), those that are beyond an end by a few rounding errors set to it: 0.7 − 0.2 is no less than 0.5."""
    low, high = bounds
    if ((values >= low) & (values <= high)).all():
        return values
    slack = ROUNDING_ERRORS * np.finfo(np.float64).eps * max(abs(low), abs(high))
    values = np.where((values < low) & (values >= low - slack), low, values)
    return np.where((values > high) & (values <= high + slack), high, values)


def box(ranges: Mapping[str, Range]) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the solve ranges, low (P,) and high (P,)."""
    ends = np.array([r.solve for r in ranges.values()], dtype=np.float64).reshape(-1, 2)
    return ends[:, 0].copy(), ends[:, 1].copy()


def box_corners(box: Sequence[Sequence[float]]) -> list[np.ndarray]:
    """The corners of a box of pairs (low, high); of many dimensions, the two extreme ones."""
    corners = itertools.product(*box) if len(box) <= MOST_CORNERS else zip(*box, strict=True)
    return [np.array(corner) for corner in corners]


def interval(value: Any, what: str) -> tuple[float, float]:
    """A pair of finite floats, low <= high; ValueError says that `what` is none."""
    try:
        if any(isinstance(v, (str, bytes, bool)) for v in value):
            raise TypeError
        low, high = (float(v) for v in value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} must be a pair (low, high) of numbers, got {value!r}") from None
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{what} must be finite with low <= high, got ({low}, {high})")
    return low, high


def show(bounds: Sequence[float]) -> str:
    return f"[{bounds[0]:g}, {bounds[1]:g}]"


def show_range(r: Range) -> str:
    trained = "" if r.train is None else f"train {show(r.train)}, "
    return f"{trained}solve {show(r.solve)}"
