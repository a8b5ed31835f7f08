"""Answers as pandas' and xarray's objects, where those libraries are installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .result import Result
    from .solutions import Solutions


def required(library: str) -> Any:
    """The library; ImportError with the command that installs it."""
    import importlib

    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise ImportError(f"this needs {library}: pip install {library}") from error


def attributes(result: Result) -> dict[str, Any]:
    """What a result tells, as netCDF can hold it."""
    told: dict[str, Any] = {"success": int(result.success), "message": result.message, "method": result.method}
    if result.error_estimate is not None:
        told["error_estimate"] = result.error_estimate
    return told


def states_frame(states: Sequence[str], t: np.ndarray | None, y: np.ndarray) -> Any:
    """A column for each state; the index is the time where there is one."""
    pandas = required("pandas")
    index = None if t is None or y.ndim == 1 else pandas.Index(t, name="t")
    return pandas.DataFrame(np.atleast_2d(y.T), columns=list(states), index=index)


def states_dataset(states: Sequence[str], t: np.ndarray | None, y: np.ndarray, result: Result) -> Any:
    dims, coordinates = ((), {}) if t is None or y.ndim == 1 else (("t",), {"t": t})
    variables = {name: (dims, values) for name, values in zip(states, y, strict=True)}
    return required("xarray").Dataset(variables, coordinates, attributes(result))


def sweep_frame(states: Sequence[str], many: Solutions) -> Any:
    pandas = required("pandas")
    B, N = len(many), many.y.shape[2] if many.y.ndim == 3 else 1
    columns: dict[str, Any] = {"query": np.repeat(np.arange(B), N)}
    columns |= {name: np.repeat(values, N) for name, values in many.params.items()}
    if many.y.ndim == 3:
        columns["t"] = np.broadcast_to(many.t, (B, N)).ravel()  # type: ignore[arg-type]
    values = many.y.reshape(B, len(states), N)
    columns |= {name: values[:, i].ravel() for i, name in enumerate(states)}
    return pandas.DataFrame(columns | {"success": np.repeat(many.success, N), "method": np.repeat(many.method, N)})


def sweep_dataset(states: Sequence[str], many: Solutions) -> Any:
    coordinates: dict[str, Any] = {name: ("query", values) for name, values in many.params.items()}
    dims: tuple[str, ...] = ("query",)
    if many.y.ndim == 3:
        assert many.t is not None
        dims = ("query", "time") if many.t.ndim == 2 else ("query", "t")
        coordinates["t"] = (dims, many.t) if many.t.ndim == 2 else many.t
    variables: dict[str, Any] = {name: (dims, many.y[:, i]) for i, name in enumerate(states)}
    variables |= {"success": ("query", many.success), "method": ("query", many.method)}
    if many.error_estimate is not None:
        named = zip(states, many.error_estimate.T, strict=True)
        variables |= {f"error_of_{name}": ("query", error) for name, error in named}
    return required("xarray").Dataset(variables, coordinates, {"message": many.message})


def fields_dataset(
    fields: Sequence[str],
    axes: dict[str, np.ndarray],
    u: np.ndarray,
    told: dict[str, Any],
    leading: tuple[str, ...] = (),
) -> Any:
    """A variable for each field of u (…, n, *axes)."""
    dims = (*leading, *axes)
    along = len(leading)
    variables = {name: (dims, np.take(u, i, axis=along)) for i, name in enumerate(fields)}
    return required("xarray").Dataset(variables, axes, told)


def fields_frame(fields: Sequence[str], axes: dict[str, np.ndarray], u: np.ndarray) -> Any:
    """A row for each point of the grid, a column for each field; the index has the coordinates."""
    pandas = required("pandas")
    index = pandas.MultiIndex.from_product(list(axes.values()), names=list(axes))
    return pandas.DataFrame({name: values.ravel() for name, values in zip(fields, u, strict=True)}, index=index)
