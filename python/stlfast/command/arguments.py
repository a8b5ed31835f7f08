"""Text from the command line as families, parameters and numbers; ValueError says what was expected."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..equations.ode.family import Family
from ..equations.pde.family import PDEFamily


def family(where: str) -> Family | PDEFamily:
    """A shipped family, or the variable of a Python file: a Family, a PDEFamily, or a function that returns one."""
    from .. import families

    path, colon, variable = where.rpartition(":")
    if colon and path.endswith(".py"):
        found = _variable(Path(path), variable)
    else:
        shipped = {
            name: value
            for name, value in vars(families).items()
            if getattr(value, "__module__", "") == families.__name__ and not inspect.signature(value).parameters
        }
        if where not in shipped:
            raise ValueError(
                f"there is no shipped family {where!r}; known: {', '.join(shipped)}. One of yours is given as "
                "path/to/file.py:variable"
            )
        found = shipped[where]
    result = found if isinstance(found, (Family, PDEFamily)) or not callable(found) else found()
    if not isinstance(result, (Family, PDEFamily)):
        raise ValueError(
            f"{where!r} is a {type(result).__name__}, expected a stlfast.Family or PDEFamily, or a function that "
            "returns one"
        )
    return result


def _variable(path: Path, name: str) -> Any:
    import runpy

    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}")
    try:
        variables = runpy.run_path(str(path))
    except Exception as error:
        raise ValueError(f"{str(path)!r} could not be run: {type(error).__name__}: {error}") from error
    if name not in variables:
        raise ValueError(f"{str(path)!r} has no variable {name!r}")
    return variables[name]


def assignments(texts: list[str]) -> dict[str, float]:
    """Parameters by name, from name=number."""
    values = sweep_values(texts)
    for name, each in values.items():
        if len(each) > 1:
            raise ValueError(f"{name} has {len(each)} values, and one member takes one")
    return {name: each[0] for name, each in values.items()}


def sweep_values(texts: list[str]) -> dict[str, list[float]]:
    """Values of parameters by name, from name=number, name=number,number,… or name=first:last:count, logarithmic."""
    params: dict[str, list[float]] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        values = _spaced(text, value) if ":" in value else _listed(value)
        if not (name and equals) or not values:
            raise ValueError(
                "several members are given as alpha=75,100 or, spaced logarithmically, as alpha=10:1000:50, one as "
                f"name=number, such as alpha=75, got {text!r}"
            )
        if name in params:
            raise ValueError(f"the parameter {name} is given twice")
        params[name] = values
    return params


def combined(values: dict[str, list[float]]) -> dict[str, np.ndarray]:
    """All combinations of the values, an array for each parameter."""
    grid = np.meshgrid(*values.values(), indexing="ij")
    return {name: column.ravel() for name, column in zip(values, grid, strict=True)}


def _listed(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return []


def _spaced(text: str, value: str) -> list[float]:
    """first:last:count, logarithmically; evenly where an end is not positive."""
    try:
        first, last, count = value.split(":")
        low, high, number = float(first), float(last), int(count)
    except ValueError:
        return []
    if number < 2 or not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"first:last:count takes two numbers and a count of at least 2, got {text!r}")
    if low <= 0 or high <= 0:
        return [low + (high - low) * k / (number - 1) for k in range(number)]
    inner = [low * (high / low) ** (k / (number - 1)) for k in range(1, number - 1)]
    return [low, *inner, high]


def numbers(text: str, option: str, kind: type) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{option} takes numbers separated by commas, such as 1,2, got {text!r}") from None
