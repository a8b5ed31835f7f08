"""Reading a family's metadata and tensors from a file: strict, since a file is data that anybody may have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._errors import FileFormatError
from .family import PROGRAMS
from .parameters import Range
from .program import Instructions

KEYS = {
    "name": str, "states": list, "params": list, "stiffness": str, "y0": list, "y0_range": (list, type(None)),
    "equations": list,
}  # fmt: skip
OPTIONAL = {"invariants": list, "polynomial_degree": (int, type(None))}  # the second in nonlinear families
PARAM_KEYS = {"name": str, "train": list, "solve": list}


def parse(meta: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The fields of a Family; FileFormatError for anything missing, unknown or of the wrong type or shape."""
    given = {key: kind for key, kind in OPTIONAL.items() if isinstance(meta, Mapping) and key in meta}
    check_keys(meta, KEYS | given, "the family")
    for key in ("states", "equations"):
        if not all(isinstance(s, str) for s in meta[key]) or len(meta[key]) != len(meta["states"]) or not meta[key]:
            raise FileFormatError(f"the family's {key} must be one string for each state, got {meta[key]!r}")
    params = read_params(meta["params"])
    names = [entry["name"] for entry in meta["params"]]
    if len({*names, *meta["states"]}) != len(names) + len(meta["states"]):
        raise FileFormatError(f"the family's names are not distinct: states {meta['states']}, parameters {names}")
    fields = {key: meta[key] for key in ("name", "stiffness", "y0", "y0_range")}
    fields |= {key: tuple(meta[key]) for key in ("states", "equations")}
    fields["params"] = params
    programs = _programs(tensors, len(meta["states"]), len(names))
    return fields | programs | _facts(meta, programs["N"] is not None)


def _facts(meta: Mapping[str, Any], nonlinear: bool) -> dict[str, Any]:
    """Invariants and polynomial degree; without an entry, no invariants, and the degree 0 of linear families."""
    degree = meta.get("polynomial_degree", 0)
    known = degree is None or (not isinstance(degree, bool) and degree >= 2)
    if nonlinear != ("polynomial_degree" in meta) or (nonlinear and not known):
        raise FileFormatError("the family needs a polynomial_degree, above 1 or null, if and only if it has N and J")
    invariants = meta.get("invariants", [])
    if "invariants" in meta and not 1 <= len(invariants) <= len(meta["states"]):
        raise FileFormatError(f"the family's invariants must be a list of 1 … n rows, got {str(invariants)[:200]}")
    return {"invariants": invariants, "polynomial_degree": degree}


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
    for entry in entries:
        check_keys(entry, PARAM_KEYS, "a parameter of the family")
    return {entry["name"]: Range(tuple(entry["train"]), tuple(entry["solve"])) for entry in entries}


def _programs(tensors: Mapping[str, np.ndarray], n: int, P: int) -> dict[str, Instructions | None]:
    programs: dict[str, Instructions | None] = dict.fromkeys(PROGRAMS)
    groups = grouped(tensors, PROGRAMS)
    for name, arrays in groups.items():
        varying = 1 + n if name in ("N", "J") else 1
        programs[name] = Instructions(varying + P, **arrays, varying=varying)
    required, pairs = ("A", "b", "t_span"), (("theta", "parts"), ("N", "J"))
    if any(programs[name] is None for name in required) or any(
        (programs[one] is None) != (programs[other] is None) for one, other in pairs
    ):
        raise FileFormatError(
            f"the family needs the programs {required}, theta with parts and N with J; got {sorted(groups)}"
        )
    q = len(programs["theta"].outputs) if programs["theta"] is not None else 0
    counts = {"A": n * n, "b": n, "t_span": 2, "theta": q, "parts": q * n * n, "N": n, "J": n * n}
    for name, program in programs.items():
        if program is not None and len(program.outputs) != counts[name]:
            raise FileFormatError(f"the family's {name} must have {counts[name]} outputs, got {len(program.outputs)}")
    return programs
