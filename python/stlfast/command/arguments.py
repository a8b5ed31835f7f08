"""Text from the command line as families, parameters and numbers; ValueError says what was expected."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from ..equations.ode.family import Family


def family(where: str) -> Family:
    """A shipped family, or the variable of a Python file: a Family, or a function that returns one."""
    from .. import families

    path, colon, variable = where.rpartition(":")
    if colon and path.endswith(".py"):
        found = _variable(Path(path), variable)
    else:
        shipped = {
            name: value
            for name, value in vars(families).items()
            if getattr(value, "__module__", "") == families.__name__
            and not inspect.signature(value).parameters
            and inspect.signature(value).return_annotation == "Family"  # of ordinary differential equations
        }
        if where not in shipped:
            raise ValueError(
                f"there is no shipped family {where!r}; known: {', '.join(shipped)}. One of yours is given as "
                "path/to/file.py:variable"
            )
        found = shipped[where]
    result = found if isinstance(found, Family) or not callable(found) else found()
    if not isinstance(result, Family):
        raise ValueError(
            f"{where!r} is a {type(result).__name__}, expected a stlfast.Family or a function returning one"
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


def assignments(texts: list[str]) -> dict[str, Any]:
    """Parameters by name, from name=number."""
    params: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = None
        if not (name and equals) or number is None:
            raise ValueError(f"a parameter is given as name=number, such as alpha=75, got {text!r}")
        if name in params:
            raise ValueError(f"the parameter {name} is given twice")
        params[name] = number
    return params


def numbers(text: str, option: str, kind: type) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{option} takes numbers separated by commas, such as 1,2, got {text!r}") from None
