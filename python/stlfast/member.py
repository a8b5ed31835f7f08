"""One member of a family, prepared: the cheap repeated solve of a simulation loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .solution import Solution

if TYPE_CHECKING:
    from . import _core
    from .family import Forcing
    from .model import Model


class Member:
    """A member of a family with everything that depends on its parameters done once; made by `Model.at`.

    y = Σ_j v_j Y_j with v = (y0, 1, amplitudes): the answers Y_j for unit initial values, the family's own forcing and
    each forcing of the caller are tabulated at the output times, so that a new initial value is one product with that
    table. The error bound is Σ_j |v_j| B_j from the bounds of the columns; where that misses the tolerance, the member
    is solved anew as one. Immutable, picklable, safe to solve with from many threads.

    t: (N,) output times, read-only. params: the member's parameters by name.
    """

    __slots__ = ("_model", "_options", "_solve", "_span", "params", "t")

    def __init__(
        self, model: Model, core: _core.Member, params: dict[str, float], options: dict[str, Any],
        span: tuple[float, float], t: np.ndarray,
    ) -> None:  # fmt: skip
        self._model, self._solve, self._options, self._span = model, core.solve, options, span
        self.params, self.t = params, t

    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        out: np.ndarray | None = None,
        *,
        amplitudes: Sequence[float] | np.ndarray | None = None,
        forcing: Forcing | None = None,
    ) -> Solution:
        """Solve for initial values y0 (n,), default the family's.

        out: float64 array (n, N), C-contiguous, that the values are written to; the solution's y is that array.
        amplitudes: (K,) factors of the K forcings that `Model.at` was given, default 1 each.
        forcing: a further forcing t (C,) → (n, C) of this solve alone, which is then made on the full dictionary: the
            first such solve factors its operator, which takes milliseconds, the others take fractions of one.

        Errors: ValueError for a wrong shape, a number that is not finite, or out of another type, shape or layout;
        TypeError for out that is no array.
        """
        start = self._model.family.y0 if y0 is None else y0
        if forcing is None:
            answer, y = self._solve(start, amplitudes, out)
        else:
            answer, y = self._solve(start, amplitudes, out, self._model._sampled(forcing, self._span))
        return Solution(self._model, answer, self._span, self.t, y)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self._model, self._options | self.params)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:g}" for name, value in self.params.items())
        return f"Member({self._model.family.name!r}, {values}, {len(self.t)} times)"


def _remake(model: Model, options: dict[str, Any]) -> Member:
    return model.at(**options)
