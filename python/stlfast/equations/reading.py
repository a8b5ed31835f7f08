"""What the files of both kinds of families have: keys of the right types, parameters, instruction lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..base.errors import FileFormatError
from .parameters import Range

PARAM_KEYS = {"name": str, "train": (list, type(None)), "solve": list}


@contextmanager
def family_of_a_file() -> Iterator[None]:
    """What is wrong with a family that is read here is wrong with its file: FileFormatError."""
    try:
        yield
    except FileFormatError:
        raise
    except ValueError as error:
        raise FileFormatError(f"the file's family is broken: {error}") from error


def check_keys(entry: Any, keys: Mapping[str, Any], what: str) -> None:
    if not isinstance(entry, Mapping):
        raise FileFormatError(f"{what} must be a JSON object, got {type(entry).__name__}")
    if entry.keys() != keys.keys():
        missing, unknown = sorted(keys.keys() - entry.keys()), sorted(entry.keys() - keys.keys())
        raise FileFormatError(f"{what} has missing entries {missing} and unknown entries {unknown}")
    for key, kind in keys.items():
        if not isinstance(entry[key], kind):
            raise FileFormatError(f"{what}: {key!r} has the wrong type, {type(entry[key]).__name__}")


def grouped(tensors: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """The arrays code, constants and outputs of each program in tensors "family.NAME.code", …"""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for key, array in tensors.items():
        prefix, _, rest = key.partition(".")
        name, _, field = rest.partition(".")
        if prefix != "family" or name not in names or field not in ("code", "constants", "outputs"):
            raise FileFormatError(f"unknown tensor {key!r} in a family")
        groups.setdefault(name, {})[field] = array
    for name, arrays in groups.items():
        if len(arrays) != 3:
            raise FileFormatError(f"the family's {name} needs code, constants and outputs, got {sorted(arrays)}")
    return groups


def read_params(entries: Sequence[Any]) -> dict[str, Range]:
    """name → Range; FileFormatError for an entry that is none."""
    for entry in entries:
        check_keys(entry, PARAM_KEYS, "a parameter of the family")
    return {
        entry["name"]: Range(None if entry["train"] is None else tuple(entry["train"]), tuple(entry["solve"]))
        for entry in entries
    }


def param_entries(params: Mapping[str, Range]) -> list[dict[str, Any]]:
    """What `read_params` reads."""
    return [
        {"name": name, "train": None if r.train is None else list(r.train), "solve": list(r.solve)}
        for name, r in params.items()
    ]
