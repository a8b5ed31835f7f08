"""What all compiled models share: file and repr; and what those of ODEs do: body, time span, output times, rtol."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..base import files
from ..base.checks import real
from ..direct.sweep import END, fixed_span, uniform_times
from ..equations.ode.family import Family
from ..equations.parameters import box, show_range
from ..features.body import Body
from ..reduced.bands import Compiled
from ..results.solution import WindowsSolution, scaled_times

if TYPE_CHECKING:
    from ..direct.windows import Windows
    from ..equations.pde.family import PDEFamily
    from ..reduced.nonlinear_pde_bands import NonlinearPDECompiled
    from ..reduced.pde_bands import PDECompiled

FORMAT = "stlfast"
# 1 had no decoupled models, 2 no nonlinear ones, 3 no PDEs, 4 no families without training, 5 no compiled windows
FORMAT_VERSION = 6
RTOL, ATOL = 1e-6, 1e-8
Output = tuple[tuple[float, float], np.ndarray, np.ndarray | None]  # t_span, times, their x (None: the default ones)


class CompiledModel:
    """A compiled family with its passport."""

    family: Family | PDEFamily
    compiled: Compiled | PDECompiled | NonlinearPDECompiled
    passport: dict[str, Any]
    compile_seconds: float | None = None  # where it was compiled in this process

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .safetensors file: to a temporary file beside it first, which then takes its name."""
        tensors, entries = self._file_parts()
        metadata = {"format": FORMAT, "format_version": str(self._format_version())}
        files.write(path, tensors, metadata | {key: json.dumps(value) for key, value in entries.items()})

    def _format_version(self) -> int:
        return 5  # which C++ reads too

    def _file_parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        tensors, options = self.compiled.to_parts()
        entries = {"family": self.family.to_dict(), "compile": options, "passport": self.passport}
        return tensors | self.family.tensors(), entries

    def __repr__(self) -> str:
        return f"{self.family!r}\n{type(self).__name__}: {self.compiled!r}"

    def _repr_html_(self) -> str:
        from ..results.html import table

        family = self.family
        rows = {"equations": "; ".join(family.equations), "compiled": repr(self.compiled)}
        rows |= {name: show_range(r) for name, r in family.params.items()}
        return table(f"{type(self).__name__} of {family.name}", rows)


class ODEModelShell(CompiledModel):
    """A compiled family of ODEs, with the body that its dictionary is made of, if any."""

    family: Family
    compiled: Compiled
    core: Any  # with `output`, the table of the default times
    _windows: Windows | None = None

    def __init__(self, family: Family, body: Body | None, compiled: Compiled, passport: Mapping[str, Any]) -> None:
        self.family = family
        self.body = body
        self.compiled = compiled
        self.passport = dict(passport)
        self.core = self._make_core()
        self._chained = compiled.windows(family)  # None without compiled windows
        self._alone = compiled.chains is not None and compiled.chains.alone
        self._names = tuple(family.params)
        self._box, self._end = box(family.params), self.core.output_table(END)
        self._fixed_span = fixed_span(family)
        self._fixed_times = None if self._fixed_span is None else uniform_times(self.core.output.x, self._fixed_span)
        self._default: Output | None = None
        if self._fixed_span is not None and self._fixed_times is not None:
            self._default = (self._fixed_span, self._fixed_times, None)
        self._rtol = default_rtol(passport)
        told = f", rtol = {self._rtol:g}, which is what the model was compiled for"
        self._note = told if self._rtol > RTOL else ""

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and largest parameters that are solved, (P,) each."""
        return self._box

    @property
    def end(self) -> Any:
        """The output table of the end of t_span."""
        return self._end

    @property
    def fixed_times(self) -> np.ndarray | None:
        """The default output times; None where t_span depends on the parameters."""
        return self._fixed_times

    @property
    def fixed_span(self) -> tuple[float, float] | None:
        """(t0, t1); None where t_span depends on the parameters."""
        return self._fixed_span

    def _make_core(self) -> Any:
        raise AssertionError("every kind of model has its own")

    def _tolerance(self, rtol: float | None) -> tuple[float, str]:
        """rtol, by default what the model was compiled for, and what is to be said of that."""
        return (self._rtol, self._note) if rtol is None else (rtol, "")

    @property
    def windows(self) -> Windows:
        """The direct solver of the same family, made when first used."""
        if self._windows is None:
            from ..direct.windows import Windows  # which solving need not wait for

            self._windows = Windows(self.family)
        return self._windows

    def _solver(self, y0: Any, params: Mapping[str, Any] | None = None) -> Windows:
        """The direct solver, on compiled windows where they may be for these initial values (of one member)."""
        if self._chained is None:
            return self.windows
        family = self.family
        if y0 is None or family.start is None or family.y0_range is not None:
            return self._chained
        own = params is not None and np.array_equal(y0, family.start_at(family.check_params(params)))
        return self._chained if own else self.windows

    def _check_whole(self, what: str) -> None:
        """ValueError where `what`, of the whole time span, can't be of the family."""
        if self._alone:
            told = self.family.rough or "a forcing that changes too fast"
            raise ValueError(
                f"family {self.family.name!r} has {told}: {what} is of the whole time span and knows nothing of that; "
                "leave it out"
            )

    def _on_compiled(self, y0: Any, **options: Any) -> WindowsSolution:
        """On compiled windows alone; ValueError where there are none for the member, or to that tolerance."""
        found = None if self._chained is None else self._chained.solve(y0, **options)
        if found is None or found.method != "compiled":
            raise ValueError(
                f"{self.family.name!r} has no compiled windows for this member and tolerance; use another method"
            )
        return found

    def _output(self, t: Any, params: Mapping[str, Any]) -> Output:
        """t_span, the output times and their x; x is None for the default grid."""
        span = self._fixed_span or self.family.t_span_at(**params)
        if t is None:
            times = uniform_times(self.core.output.x, span) if self._fixed_times is None else self._fixed_times
            return span, times, None
        plain, x = _core.plain_times(t, *span)
        if plain is not None:
            return span, plain, x
        times = np.array(real(t, "t"))
        return span, times, scaled_times(times, span)

    def _format_version(self) -> int:
        return super()._format_version() if self.compiled.chains is None else FORMAT_VERSION

    def _file_parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        tensors, entries = super()._file_parts()
        entries["body"] = None if self.body is None else {**self.body.to_dict(), "sha256": self.body.sha256}
        weights = {} if self.body is None else self.body.tensors()
        return tensors | {f"body.{name}": array for name, array in weights.items()}, entries

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.family, self.body, self.compiled, self.passport)

    def __repr__(self) -> str:
        return super().__repr__() + ("" if self.body is None else f"\n{self.body!r}")


def default_rtol(passport: Mapping[str, Any]) -> float:
    """1e-6, or what the model was compiled for where that is looser."""
    compiled = passport.get("compile")
    tol = compiled.get("tol") if isinstance(compiled, Mapping) else None
    return max(RTOL, float(tol)) if isinstance(tol, (int, float)) and math.isfinite(tol) else RTOL
