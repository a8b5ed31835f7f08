"""Parameters of a family: their ranges, and what is checked wherever some are given.

P parameters, each with a Range; `ranges` maps their names to these, in the family's order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._errors import ParameterError

# Keyword arguments of solve and reference, which take the parameters by name too.
RESERVED = {
    "y0", "t", "rtol", "atol", "certify", "forcing", "reduced", "heads", "family", "method", "threads", "out",
    "observe", "progress", "fallback", "extrapolate", "self",
}  # fmt: skip
MOST_CORNERS = 6  # dimensions of a box of which all corners are looked at


@dataclass(frozen=True)
class Range:
    """Closed intervals of a parameter: members to train on, and members that can be solved (a superset)."""

    train: tuple[float, float]
    solve: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("train", "solve"):
            object.__setattr__(self, name, interval(getattr(self, name), f"the {name} range of a parameter"))
        if not (self.solve[0] <= self.train[0] and self.train[1] <= self.solve[1]):
            raise ValueError(f"the train range {self.train} must lie within the solve range {self.solve}; widen solve")


def check_ranges(params: Any) -> None:
    """ValueError unless params, as given to a family, is a dict whose values are Ranges."""
    if not isinstance(params, Mapping):
        raise ValueError(f"params must be a dict of symbol to stlfast.Range, got {params!r}")
    for symbol, value in params.items():
        if not isinstance(value, Range):
            raise ValueError(f"params[{symbol}] must be a stlfast.Range, got {value!r}")


def check_declared(name: Any, ranges: Mapping[str, Range], stiffness: str, reserved: set[str] = RESERVED) -> None:
    """ValueError for a family's name that is none, a parameter with a reserved name, or an unusable stiffness."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"a family's name must be a non-empty string, got {name!r}")
    for parameter in ranges:
        if parameter in reserved:
            raise ValueError(f"a parameter cannot be called {parameter!r}, which is an argument of solve; rename it")
    if stiffness not in ranges:
        raise ValueError(f"stiffness {stiffness!r} is no parameter; the parameters are {list(ranges)}")
    if ranges[stiffness].solve[0] <= 0:
        raise ValueError(
            f"the stiffness parameter {stiffness!r} must have positive ranges (members are spaced "
            f"logarithmically), got {ranges[stiffness]}"
        )


def check_names(name: str, ranges: Mapping[str, Range], params: Mapping[str, object]) -> None:
    """ParameterError unless every parameter of the family `name` is there, and no other."""
    if params.keys() != ranges.keys():
        unknown, missing = params.keys() - ranges.keys(), ranges.keys() - params.keys()
        what, which = ("unknown", unknown) if unknown else ("missing", missing)
        known = ", ".join(ranges)
        raise ParameterError(f"{what} parameter {', '.join(sorted(which))}: those of {name!r} are {known}")


def check_params(name: str, ranges: Mapping[str, Range], params: Mapping[str, Any]) -> np.ndarray:
    """The parameters in the family's order, (P,); ParameterError (a KeyError and a ValueError) if one is wrong."""
    check_names(name, ranges, params)
    values = []
    for parameter, allowed in ranges.items():
        try:
            value = float(params[parameter])
        except (TypeError, ValueError, OverflowError):
            raise ParameterError(f"{parameter} must be one number, got {params[parameter]!r}") from None
        low, high = allowed.solve
        if not low <= value <= high:  # also true for NaN
            what = "is outside" if math.isfinite(value) else "is not finite and so outside"
            raise ParameterError(f"{parameter} = {value!r} {what} [{low:g}, {high:g}], where {name!r} is solved")
        values.append(value)
    return np.array(values)


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
