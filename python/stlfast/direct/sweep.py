"""Many solves in one call: arguments broadcast and checked, work shared between threads by the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..base.checks import real, thread_count
from ..base.errors import ParameterError
from ..base.progress import shown
from ..equations.parameters import clamped
from ..results.solution import scaled_times
from ..results.solutions import Solutions

if TYPE_CHECKING:
    from .. import _core
    from ..equations.ode.family import Family

END = np.ones(1)  # of t_span, scaled

OBSERVED = ("final", "maximum")


class Swept(Protocol):
    """What `solve_many` asks of a model."""

    @property
    def family(self) -> Family: ...

    @property
    def core(self) -> Any:
        """With `output`, `output_table(x)` and its own `solve_many`."""

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]: ...

    @property
    def end(self) -> Any:
        """The output table of the end of t_span."""

    @property
    def fixed_span(self) -> tuple[float, float] | None: ...

    @property
    def fixed_times(self) -> np.ndarray | None: ...


def solve_many(
    model: Swept, y0: Any, params: Mapping[str, Any], observe: Any, options: tuple[Any, ...],
    threads: int | None, out: Any, progress: Any,
) -> Solutions:  # fmt: skip
    """What `Model.solve_many` does, with its arguments checked first; options: those of the core's solve_many."""
    start, members, B = _broadcast(model, y0, params)
    members = _inside(model, members)
    output, x = _output(model, observe)
    final, maximum = (isinstance(observe, str) and observe == name for name in OBSERVED)
    count = min(thread_count(threads), max(B, 1))
    if isinstance(out, np.ndarray) and np.may_share_memory(start, out):
        start = start.copy()
    done = 0
    with shown(progress, "solving", B) as tell:

        def report(finished: int) -> None:
            nonlocal done
            done = finished
            tell(finished)

        try:
            solve: Any = model.core.solve_many
            y, success, bound, full = solve(output, B, members, start, final, maximum, *options, count, out, report)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"solve_many was stopped after about {done} of {B} solves; out, if given, is partly written"
            ) from None
        tell(B)
    own = observe is None and model.fixed_times is not None
    times = None if maximum else model.fixed_times if own else _times(model, members, x, B)
    return Solutions(model.family, members, times, y, success, full, bound)


def _broadcast(model: Swept, y0: Any, params: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, int]:
    """y0 (B or 1, n), parameters (B or 1, P) in the family's order, and B."""
    family = model.family
    start = real(family.y0 if y0 is None else y0, "y0")
    if start.ndim not in (1, 2) or start.shape[-1] != family.n:
        raise ValueError(f"y0 must have shape ({family.n},) or (B, {family.n}), got {start.shape}")
    family.check_names(params)
    columns = {}
    for name in family.params:
        try:
            columns[name] = real(params[name], name)
        except ValueError as error:
            raise ParameterError(str(error)) from None
        if columns[name].ndim > 1:
            raise ParameterError(f"{name} must be a number or have shape (B,), got {columns[name].shape}")
    shapes = {"y0": start.shape[:-1], **{name: column.shape for name, column in columns.items()}}
    try:
        rows = np.broadcast_shapes(*shapes.values())
        members = np.broadcast_shapes(*(column.shape for column in columns.values()))
    except ValueError:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"the numbers of rows of y0 and the parameters do not broadcast: {told}") from None
    P = np.empty((*(members or (1,)), len(columns)))
    for k, column in enumerate(columns.values()):
        P[:, k] = column
    if y0 is None and family.start is not None:
        start = np.stack([family.start_at(p) for p in P])
    return np.ascontiguousarray(np.atleast_2d(start)), P, rows[0] if rows else 1


def _inside(model: Swept, members: np.ndarray) -> np.ndarray:
    """Parameters (B or 1, P), set to the ends of their ranges where rounding has them beyond."""
    low, high = model.box
    if ((members >= low) & (members <= high)).all():  # False for NaN
        return members
    for k, (name, interval) in enumerate(model.family.params.items()):
        members[:, k] = clamped(members[:, k], interval.solve)
        inside = (members[:, k] >= low[k]) & (members[:, k] <= high[k])
        if not inside.all():
            row = int(np.argmin(inside))
            raise ParameterError(
                f"{name} = {float(members[row, k])!r} in row {row} is outside [{low[k]:g}, {high[k]:g}], where "
                f"{model.family.name!r} is solved"
            )
    return members


def _output(model: Swept, observe: Any) -> tuple[_core.OutputTable, np.ndarray]:
    """Where answers are evaluated, as the core's table and as x (N,)."""
    if isinstance(observe, str):
        if observe not in OBSERVED:
            raise ValueError(f"observe must be None, times, 'final' or 'maximum', got {observe!r}")
        if observe == "final":
            return model.end, END
    elif observe is not None:
        if model.fixed_span is None:
            raise ValueError("observe can't be times where t_span depends on the parameters; use None or 'final'")
        x = scaled_times(real(observe, "observe"), model.fixed_span, "observe")
        return model.core.output_table(x), x
    return model.core.output, model.core.output.x


def _times(model: Swept, members: np.ndarray, x: np.ndarray, B: int) -> np.ndarray:
    if model.fixed_span is not None:
        t0, t1 = model.fixed_span
        return t0 + (t1 - t0) * x
    named = [dict(zip(model.family.params, row, strict=True)) for row in members.tolist()]
    spans = np.array([model.family.t_span_at(**p) for p in named]).reshape(-1, 2)
    return np.broadcast_to(spans[:, :1] + (spans[:, 1:] - spans[:, :1]) * x, (B, len(x)))


def solve_again(windows: Any, sweep: Solutions, y0: Any, observe: Any, options: dict[str, Any]) -> None:
    """The rows of a sweep that missed, together on time windows."""
    missed = np.flatnonzero(~sweep.success)
    start = None if y0 is None else np.broadcast_to(y0, (len(sweep), sweep._family.n))[missed]
    params = {name: values[missed] for name, values in sweep.params.items()}
    again = windows.solve_many(start, observe=observe, extrapolate=True, **options, **params)
    sweep.success[missed], sweep.method[missed], sweep.y[missed] = again.success, again.method, again.y
    if sweep.error_estimate is None:
        return
    if sweep.error_bound is not None:  # of linear models, and the estimate too
        sweep.error_bound = sweep.error_bound.copy()
        sweep.error_bound[missed] = np.nan
    sweep.error_estimate[missed] = again.error_estimate


def observed(y: np.ndarray, observe: Any) -> np.ndarray:
    """What a sweep keeps of values (n, N)."""
    if isinstance(observe, str):
        result: np.ndarray = y[:, -1] if observe == "final" else y.max(axis=1)
        return result
    return y


def fixed_span(family: Family) -> tuple[float, float] | None:
    """(t0, t1), None where it depends on the parameters."""
    if any(family.t_span.depends_on(k).any() for k in range(1, family.t_span.n_inputs)):
        return None
    return family.t_span_at(**{name: interval.solve[0] for name, interval in family.params.items()})


def uniform_times(x: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    times = span[0] + (span[1] - span[0]) * x
    times.flags.writeable = False  # solutions share them
    return times
