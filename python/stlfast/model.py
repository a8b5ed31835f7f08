"""A compiled family: loads in milliseconds, solves any member in microseconds, needs NumPy alone.

n states, P parameters, N output times, C points where a forcing is sampled. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import model_file
from ._errors import UnknownModelError
from .body import Body
from .family import Family
from .solution import Solution

if TYPE_CHECKING:
    from . import _core
    from .model_file import Compiled

Forcing = Callable[[np.ndarray], np.ndarray]

SHIPPED = Path(__file__).parent / "pretrained"


class Model:
    """A family with its body, compiled; immutable, picklable, safe to solve with from many threads.

    Made by `stlfast.compile`, `stlfast.pretrain` or `stlfast.load`. Its passport, a JSON-able dict, says how it was
    trained and compiled, how accurate it was measured to be, and the SHA-256 of the body's weights.
    """

    def __init__(self, family: Family, body: Body | None, compiled: Compiled, passport: Mapping[str, Any]) -> None:
        self.family = family
        self.body = body
        self.compiled = compiled
        self.passport = dict(passport)
        self.core: _core.Model = compiled.core(family, body)
        self._has_bands = bool(compiled.bands)

    # ------------------------------------------------------------------------------------------------------ solving
    def solve(
        self,
        y0: Sequence[float] | np.ndarray | None = None,
        t: np.ndarray | None = None,
        *,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        certify: bool = True,
        forcing: Forcing | None = None,
        reduced: bool | None = None,
        **params: float,
    ) -> Solution:
        """Solve one member by linear least squares: min_c ∫ |dy/dx − A y − b|² dx + ω₀² |y(0) − y0|².

        y0: (n,) initial values, default the family's. t: (N,) output times in t_span, in any order, default 512
            uniform ones. params: every parameter by name, inside its solve range.
        rtol, atol: success means error_bound <= atol + rtol·max|y| in every state.
        certify: compute the error bound; False saves a few microseconds.
        forcing: t (C,) → (n, C), added to the right-hand side; called once with the collocation and check points, or
            twice where the solve is refined. The bound sees what lasts a thousandth of t_span or longer.
        reduced: None (default) solves in the band's reduced basis and, where its bound misses the tolerance, again on
            the full dictionary (milliseconds instead of microseconds); True and False allow the one or the other alone.

        Returns a Solution. Errors: ParameterError (a KeyError and ValueError) for a parameter unknown, missing or out
        of range; ValueError for a wrong shape, a number that is not finite, or a time outside t_span.
        """
        p = self.family.check_params(params)
        start = self.family.y0 if y0 is None else _finite(y0, "y0", (self.family.n,))
        rtol, atol = _tolerance("rtol", rtol), _tolerance("atol", atol)
        if forcing is not None and not callable(forcing):
            raise ValueError(f"forcing must be a function of t (C,) that returns (n, C), got {forcing!r}")
        if reduced and not self._has_bands:
            raise ValueError("this model has no reduced basis: compile with reduced=True, or leave reduced=None")
        span = self._span(p)
        x = None if t is None else self.scaled_times(_finite(t, "t"), span)

        answer = None
        if reduced is not False and self._has_bands:
            try:
                answer = self._answer(p, start, False, certify, rtol, atol, forcing, span)
            except RuntimeError:  # a singular reduced operator; the full dictionary may still do
                if reduced:
                    raise
        if answer is None or (reduced is None and certify and not answer.within):
            full = self._answer(p, start, True, certify, rtol, atol, forcing, span)
            if answer is None or full.within or _worst(full) < _worst(answer):
                answer = full
        times = self._default_times(span) if t is None else np.array(t, dtype=np.float64)
        return Solution(self, answer, span, times, self.core.evaluate(answer, x))

    def certify(self, heads: np.ndarray, y0: Sequence[float] | np.ndarray | None = None, **params: float) -> np.ndarray:
        """Error bound (n,) of any heads (M, n) on the full dictionary, taken as an answer for this member."""
        p = self.family.check_params(params)
        start = self.family.y0 if y0 is None else _finite(y0, "y0", (self.family.n,))
        bound = self.core.certify_heads(p, start, _finite(heads, "heads"), 0.0, 0.0).bound
        assert bound is not None  # the core was asked for it
        return bound

    def _answer(
        self, p: np.ndarray, y0: np.ndarray, full: bool, certify: bool, rtol: float, atol: float,
        forcing: Forcing | None, span: tuple[float, float],
    ) -> _core.Answer:  # fmt: skip
        added = None if forcing is None else self._sampled(forcing, self.core.forcing_points, span)
        return self.core.solve(p, y0, full, certify, rtol, atol, True, added)

    def _sampled(self, forcing: Forcing, x: np.ndarray, span: tuple[float, float]) -> np.ndarray:
        values = _real(forcing(span[0] + (span[1] - span[0]) * x), "the value of forcing")
        expected = (self.family.n, len(x))
        if values.shape != expected:
            raise ValueError(f"forcing returned shape {values.shape} for {len(x)} times, expected {expected}")
        if not np.isfinite(values).all():
            where = int(np.argmin(np.isfinite(values).all(axis=0)))
            raise ValueError(f"forcing is not finite at t = {span[0] + (span[1] - span[0]) * x[where]:g}")
        return np.ascontiguousarray(values * (span[1] - span[0]))

    # -------------------------------------------------------------------------------------------------------- times
    @cached_property
    def _fixed_span(self) -> tuple[float, float] | None:
        t_span = self.family.t_span
        if any(t_span.depends_on(k).any() for k in range(1, t_span.n_inputs)):
            return None
        return self.family._span(np.array([r.solve[0] for r in self.family.params.values()]), {})

    @cached_property
    def _fixed_times(self) -> np.ndarray | None:
        if self._fixed_span is None:
            return None
        return self._uniform(self._fixed_span)

    def _span(self, p: np.ndarray) -> tuple[float, float]:
        return self._fixed_span or self.family._span(p, dict(zip(self.family.params, p.tolist(), strict=True)))

    def _uniform(self, span: tuple[float, float]) -> np.ndarray:
        return span[0] + (span[1] - span[0]) * self.core.output_grid

    def _default_times(self, span: tuple[float, float]) -> np.ndarray:
        return self._uniform(span) if self._fixed_times is None else self._fixed_times.copy()

    def scaled_times(self, t: np.ndarray, span: tuple[float, float]) -> np.ndarray:
        """x of times (N,) in t_span; ValueError for another shape or a time outside."""
        if t.ndim != 1:
            raise ValueError(f"t must be one-dimensional, got shape {t.shape}")
        t0, t1 = span
        inside = (t >= t0) & (t <= t1)  # False for NaN
        if not inside.all():
            raise ValueError(f"t = {float(t[np.argmin(inside)])!r} is outside t_span = ({t0:g}, {t1:g})")
        return np.minimum((t - t0) / (t1 - t0), 1.0)

    # -------------------------------------------------------------------------------------------------------- files
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .safetensors file: to a temporary file beside it first, which then takes its name."""
        model_file.write(path, self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Model, (self.family, self.body, self.compiled, self.passport)

    def __repr__(self) -> str:
        return f"{self.family!r}\nModel: {self.compiled!r}\n{self.body!r}"


def pretrained() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def load(name: str | os.PathLike[str]) -> Model:
    """A model that comes with the package, by name, or one of yours, by the path of its .safetensors file.

    Errors: UnknownModelError (a KeyError and ValueError) lists the known names; MissingFileError and FileFormatError
    (both ValueError) say what is wrong with a file. Loading runs no code from the file.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ValueError(f"load takes a name or a path, got {name!r}")
    text = os.fspath(name)
    if text in pretrained():
        return model_file.read(SHIPPED / f"{text}.safetensors")
    if os.path.dirname(text) or text.endswith(".safetensors"):
        return model_file.read(text)
    raise UnknownModelError(
        f"there is no shipped model {text!r}; known: {', '.join(pretrained())}. A file of yours is given by its path, "
        "ending in .safetensors"
    )


def _worst(answer: _core.Answer) -> float:
    worst = np.inf if answer.bound is None else float(answer.bound.max())
    return np.inf if np.isnan(worst) else worst


def _tolerance(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not 0 <= number < np.inf:  # also refuses NaN
        raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")
    return number


def _finite(value: Any, what: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """A contiguous float64 array; ValueError unless it has the shape, real numbers, and all of them finite."""
    array = _real(value, what)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite; entry {int(np.argmin(np.isfinite(array).ravel()))} is not")
    return array


def _real(value: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(value, order="C")
        if array.dtype == np.float64:
            return array
        if array.dtype.kind not in "iuf":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} must be an array of real numbers, got {value!r}") from None
