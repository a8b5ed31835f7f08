"""A compiled family: loads in milliseconds, solves any member in microseconds, needs NumPy alone.

n states, P parameters, N output times, C points where a forcing is sampled. x = (t − t0)/(t1 − t0) ∈ [0, 1].
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, model_file
from ._errors import UnknownModelError
from .body import Body
from .checks import finite, real
from .family import Family
from .solution import Solution, Solutions, scaled_times

if TYPE_CHECKING:
    from .member import Member
    from .model_file import Compiled
    from .nonlinear_model import NonlinearModel
    from .nonlinear_pde_model import NonlinearPDEModel
    from .pde_model import PDEModel
    from .windows import Stepper

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
        self._names = tuple(family.params)
        self._fixed_span = fixed_span(family)
        self._fixed_times = None if self._fixed_span is None else uniform_times(self.core.output.x, self._fixed_span)

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
            uniform ones, which are the fastest. params: every parameter by name, inside its solve range.
        rtol, atol: success means error_bound <= atol + rtol·max|y| in every state.
        certify: compute the error bound; False saves a few microseconds.
        forcing: t (C,) → (n, C), added to the right-hand side; called once with the collocation and check points. The
            bound sees what lasts a thousandth of t_span or longer.
        reduced: None (default) solves in the band's reduced basis and, where its bound misses the tolerance, again on
            the full dictionary (milliseconds instead of microseconds); True and False allow the one or the other alone.

        Returns a Solution; its default t is shared and read-only. Errors: ParameterError (a KeyError and ValueError)
        for a parameter unknown, missing or out of range; ValueError for a wrong shape, a number that is not finite, or
        a time outside t_span.
        """
        span = self._fixed_span or self.family.t_span_at(**params)
        if t is None:
            x, times = None, self._uniform(span)
        else:
            times = np.array(finite(t, "t"))
            x = scaled_times(times, span)
        added = None if forcing is None else self._sampled(forcing, span)
        start = self.family.y0 if y0 is None else y0
        names = self._names
        try:
            answer, y = self.core.solve(params, names, start, reduced, certify, rtol, atol, added, x)
        except KeyError:
            p = dict(zip(names, self.family.check_params(params).tolist(), strict=True))
            answer, y = self.core.solve(p, names, start, reduced, certify, rtol, atol, added, x)
        return Solution(self, answer, span, times, y)

    def at(
        self,
        *,
        t: np.ndarray | None = None,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        certify: bool = True,
        forcing: Forcing | Sequence[Forcing] | None = None,
        reduced: bool | None = None,
        **params: float,
    ) -> Member:
        """One member with everything that depends on its parameters done once: `at(alpha=75.0).solve(y0)`.

        forcing: one function t (C,) → (n, C) or several; each is added to the right-hand side times its amplitude, see
            `Member.solve`. The other arguments, and the errors, are those of `solve`.
        """
        from .member import Member

        p = self.family.check_params(params)
        span = self._fixed_span or self.family.t_span_at(**params)
        if t is None:
            output, times = self.core.output, self._uniform(span)
        else:
            times = np.array(finite(t, "t"))
            times.flags.writeable = False  # solutions share them
            output = self.core.output_table(scaled_times(times, span))
        forcings = _forcings(forcing)
        sampled = [self._sampled(f, span) for f in forcings]
        core = _core.Member(self.core, output, p, sampled, reduced, certify, rtol, atol)
        options = {"rtol": rtol, "atol": atol, "certify": certify, "forcing": forcings, "reduced": reduced}
        options |= {} if t is None else {"t": times}
        return Member(self, core, dict(zip(self._names, p.tolist(), strict=True)), options, span, times)

    def solve_many(
        self,
        y0: np.ndarray | None = None,
        *,
        observe: str | np.ndarray | None = None,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        certify: bool = True,
        reduced: bool | None = None,
        threads: int | None = None,
        out: np.ndarray | None = None,
        progress: bool | Callable[[int], None] = False,
        **params: float | np.ndarray,
    ) -> Solutions:
        """Solve B members and initial values at once: `solve_many(y0=Y0, alpha=alphas)`.

        y0: (n,) or (B, n), default the family's. params: by name, each a number or (B,). All broadcast.
        observe: None, the 512 default output times; an array of times in t_span; "final", the values at the end; or
            "maximum", the largest value of each state over the default times. The last two need little memory: a
            million trajectories are a (1000000, n) array.
        threads: how many to use, default all that this process may. Results are the same, bit by bit, for any number.
        out: C-contiguous float64 array for the values, (B, n, N) or (B, n), for instance a numpy.memmap.
        progress: True shows a bar on stderr; a function is called several times a second with the number that is done.
        The other arguments are those of `solve`. Queries that share a member are solved together.

        Returns Solutions. Ctrl-C stops within a second, with out partly written. Errors: ParameterError and ValueError
        as in `solve`, with the row; ValueError for shapes that do not broadcast, and for out of another shape or
        layout; TypeError for out that is no array.
        """
        from .sweep import solve_many

        return solve_many(self, y0, params, observe, (reduced, certify, rtol, atol), threads, out, progress)

    def stepper(self, *, rtol: float = 1e-6, atol: float = 1e-8, t: float | None = None, **params: float) -> Stepper:
        """A stepper for loops, on time windows: `y = model.stepper(alpha=75.0).step(y, dt)`; see `Windows.stepper`."""
        from .windows import Windows

        return Windows(self.family).stepper(rtol=rtol, atol=atol, t=t, **params)

    def certify(self, heads: np.ndarray, y0: Sequence[float] | np.ndarray | None = None, **params: float) -> np.ndarray:
        """Error bound (n,) of any heads (M, n) on the full dictionary, taken as an answer for this member."""
        p = self.family.check_params(params)
        return self.core.certify_heads(p, self.family.y0 if y0 is None else y0, heads).bound

    def _sampled(self, forcing: Forcing, span: tuple[float, float]) -> np.ndarray:
        """A forcing (n, C) in scaled time at the points where the core wants it."""
        if not callable(forcing):
            raise ValueError(f"forcing must be a function of t (C,) that returns (n, C), got {forcing!r}")
        x = self.core.forcing_points
        values = real(forcing(span[0] + (span[1] - span[0]) * x), "the value of forcing")
        expected = (self.family.n, len(x))
        if values.shape != expected:
            raise ValueError(f"forcing returned shape {values.shape} for {len(x)} times, expected {expected}")
        if not np.isfinite(values).all():
            where = int(np.argmin(np.isfinite(values).all(axis=0)))
            raise ValueError(f"forcing is not finite at t = {span[0] + (span[1] - span[0]) * x[where]:g}")
        return np.ascontiguousarray(values * (span[1] - span[0]))

    # -------------------------------------------------------------------------------------------------------- times
    def _uniform(self, span: tuple[float, float]) -> np.ndarray:
        return uniform_times(self.core.output.x, span) if self._fixed_times is None else self._fixed_times

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


def load(name: str | os.PathLike[str]) -> Model | NonlinearModel | PDEModel | NonlinearPDEModel:
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


def fixed_span(family: Family) -> tuple[float, float] | None:
    """(t0, t1), None where it depends on the parameters."""
    if any(family.t_span.depends_on(k).any() for k in range(1, family.t_span.n_inputs)):
        return None
    return family.t_span_at(**{name: interval.solve[0] for name, interval in family.params.items()})


def _forcings(forcing: Any) -> tuple[Forcing, ...]:
    if forcing is None:
        return ()
    if callable(forcing):
        return (forcing,)
    try:
        return tuple(forcing)
    except TypeError:
        raise ValueError(
            f"forcing must be a function of t (C,) that returns (n, C), or several of them, got {forcing!r}"
        ) from None


def uniform_times(x: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    times = span[0] + (span[1] - span[0]) * x
    times.flags.writeable = False  # solutions share them
    return times
