"""Reading a family's metadata and tensors from a file: strict, since a file is data that anybody may have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...base.errors import FileFormatError
from ..callback import Callback
from ..program import Instructions
from ..reading import check_keys, grouped, param_entries, read_params
from .equations import PROGRAMS, Equations

KEYS = {
    "name": str, "states": list, "params": list, "stiffness": (str, type(None)), "y0": list,
    "y0_range": (list, type(None)), "equations": list,
}  # fmt: skip
OPTIONAL = {
    "invariants": list,
    "positive": list,
    "polynomial_degree": (int, type(None)),
}  # the second in nonlinear families


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
    fields["positive"] = meta.get("positive", [])
    if not set(map(str, fields["positive"])) <= set(meta["states"]):
        raise FileFormatError(f"the family's positive states must be some of {meta['states']}")
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


def _programs(tensors: Mapping[str, np.ndarray], n: int, P: int) -> dict[str, Instructions | None]:
    programs: dict[str, Instructions | None] = dict.fromkeys(PROGRAMS)
    groups = grouped(tensors, PROGRAMS)
    for name, arrays in groups.items():
        varying = 1 + n if name in ("N", "J", "switches") else 1
        programs[name] = Instructions(varying + P, **arrays, varying=varying)
    required, pairs = ("A", "b", "t_span"), (("theta", "parts"), ("N", "J"))
    if any(programs[name] is None for name in required) or any(
        (programs[one] is None) != (programs[other] is None) for one, other in pairs
    ):
        raise FileFormatError(
            f"the family needs the programs {required}, theta with parts and N with J; got {sorted(groups)}"
        )
    q = len(programs["theta"].outputs) if programs["theta"] is not None else 0
    counts = {"A": n * n, "b": n, "t_span": 2, "theta": q, "parts": q * n * n, "N": n, "J": n * n, "start": n}
    for name in ("switches", "stops"):  # any number of the first, and of times with a jump of each state
        length = len(program.outputs) if (program := programs[name]) is not None else 0
        counts[name] = length if name == "switches" else length - length % (1 + n)
    for name, program in programs.items():
        if program is not None and len(program.outputs) != counts[name]:
            raise FileFormatError(f"the family's {name} must have {counts[name]} outputs, got {len(program.outputs)}")
    return programs


def entries(family: Equations) -> dict[str, Any]:
    """What JSON can hold of a family; ValueError where rhs is a Python function."""
    if isinstance(family.N, Callback):
        raise ValueError(f"family {family.name!r} has a Python function as rhs, which cannot be written to a file")
    found: dict[str, Any] = {
        "name": family.name,
        "states": list(family.states),
        "params": param_entries(family.params),
        "stiffness": family.stiffness,
        "y0": family.y0.tolist(),
        "y0_range": None if family.y0_range is None else family.y0_range.tolist(),
        "equations": list(family.equations),
    }
    if family.positive:
        found["positive"] = list(family.positive)
    if len(family.invariants):
        found["invariants"] = family.invariants.tolist()
    if family.nonlinear:
        found["polynomial_degree"] = family.polynomial_degree
    return found


def tensors(family: Equations) -> dict[str, np.ndarray]:
    """The instruction lists: "family.A.code", "family.A.constants", "family.A.outputs", …"""
    lists = {name: getattr(family, name) for name in PROGRAMS}
    return {
        f"family.{name}.{key}": array
        for name, instructions in lists.items()
        if isinstance(instructions, Instructions)
        for key, array in instructions.tensors().items()
    }
