"""Reading a PDE family's metadata and tensors from a file: strict, since anybody may have written it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base.errors import FileFormatError
from ..program import Instructions
from ..reading import check_keys, grouped, param_entries, read_params
from .conditions import KINDS, SIDES, Condition
from .equations import PROGRAMS, PDEEquations, Term

KEYS = {
    "kind": str, "name": str, "time": str, "coordinates": list, "fields": list, "domain": list, "t_span": list,
    "params": list, "stiffness": (str, type(None)), "equations": list, "terms": list, "conditions": list,
    "polynomial_degree": (int, type(None)),
}  # fmt: skip
CONDITION_KEYS = {"kind": str, "axis": int, "side": (str, type(None)), "fields": list}


def parse(meta: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The fields of a PDEFamily; FileFormatError for anything missing, unknown or of the wrong type or shape."""
    check_keys(meta, KEYS, "the family")
    if meta["kind"] != "pde":
        raise FileFormatError(f"the family's kind must be 'pde', got {meta['kind']!r}")
    params = read_params(meta["params"])
    names = [meta["time"], *meta["coordinates"], *meta["fields"], *[entry["name"] for entry in meta["params"]]]
    d, n, P = len(meta["coordinates"]), len(meta["fields"]), len(params)
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names) or n < 1 or d not in (1, 2):
        raise FileFormatError(f"the family needs one or two coordinates, fields, and distinct names, got {names}")
    if not all(isinstance(e, str) for e in meta["equations"]) or len(meta["equations"]) != n:
        raise FileFormatError(f"the family's equations must be one string for each field, got {meta['equations']!r}")
    if len(meta["domain"]) != d:
        raise FileFormatError(f"the family's domain must be a pair for each of {d} coordinates, got {meta['domain']!r}")
    groups = grouped(tensors, [*PROGRAMS, *[f"boundary{k}" for k in range(len(meta["conditions"]))]])
    programs = _programs(groups, d, n, P)
    degree, nonlinear = meta["polynomial_degree"], programs["N"] is not None
    if isinstance(degree, bool) or (degree == 0) == nonlinear or (degree or 0) < 0:
        raise FileFormatError(f"the family's polynomial_degree must be 0 if and only if it has no N, got {degree!r}")
    theta, coefficients = programs["theta"], programs["coefficients"]
    assert theta is not None
    assert coefficients is not None
    terms = _terms(meta["terms"], d, n, len(theta.outputs))
    if len(coefficients.outputs) != len(terms):
        raise FileFormatError(f"the family has {len(terms)} terms and {len(coefficients.outputs)} coefficients")
    fields = {key: meta[key] for key in ("name", "time", "domain", "t_span", "stiffness", "polynomial_degree")}
    fields |= {key: tuple(meta[key]) for key in ("coordinates", "fields", "equations")}
    conditions = tuple(_condition(k, entry, groups, d, n, P) for k, entry in enumerate(meta["conditions"]))
    return fields | programs | {"params": params, "terms": terms, "conditions": conditions}


def _programs(groups: Mapping[str, dict[str, np.ndarray]], d: int, n: int, P: int) -> dict[str, Instructions | None]:
    points = d + 1
    inputs = {  # leading inputs that vary, and all inputs
        "theta": (1, 1 + P), "coefficients": (points, points), "source": (points, points + P),
        "N": (points + n, points + n + P), "J": (points + n, points + n + P), "initial": (d, d + P),
    }  # fmt: skip
    counts = {"source": n, "N": n, "J": n * n, "initial": n}
    programs: dict[str, Instructions | None] = dict.fromkeys(PROGRAMS)
    for name in PROGRAMS:
        if name in groups:
            programs[name] = _program(name, groups[name], *inputs[name], counts.get(name))
    required = ("theta", "coefficients", "initial")
    if any(programs[name] is None for name in required) or (programs["N"] is None) != (programs["J"] is None):
        raise FileFormatError(f"the family needs the programs {required}, and N with J; got {sorted(groups)}")
    return programs


def _program(name: str, arrays: dict[str, np.ndarray], varying: int, inputs: int, outputs: int | None) -> Instructions:
    program = Instructions(inputs, **arrays, varying=varying)
    if outputs is not None and len(program.outputs) != outputs:
        raise FileFormatError(f"the family's {name} must have {outputs} outputs, got {len(program.outputs)}")
    return program


def _terms(rows: Sequence[Any], d: int, n: int, Q: int) -> tuple[Term, ...]:
    terms = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 3 + d or not all(type(k) is int for k in row):
            raise FileFormatError(f"a term of the family must be {3 + d} whole numbers, got {row!r}")
        part, equation, field, *order = row
        known = 0 <= part < Q and 0 <= equation < n and 0 <= field < n
        if not known or min(order) < 0 or sum(order) > 2:
            raise FileFormatError(f"the term {row} of the family has an index or an order that is out of range")
        terms.append(Term(part, equation, field, tuple(order)))
    return tuple(terms)


def _condition(k: int, entry: Any, groups: Mapping[str, dict[str, np.ndarray]], d: int, n: int, P: int) -> Condition:
    check_keys(entry, CONDITION_KEYS, "a condition of the family")
    kind, axis, side, fields = (entry[key] for key in CONDITION_KEYS)
    arrays = groups.get(f"boundary{k}")
    periodic = kind == "periodic"
    if (
        kind not in KINDS
        or type(axis) is not int
        or not 0 <= axis < d
        or (side is not None if periodic else side not in SIDES)
        or not all(type(i) is int and 0 <= i < n for i in fields)
        or not fields
        or len(set(fields)) != len(fields)
        or (arrays is not None and periodic)
        or (arrays is None and kind in ("dirichlet", "neumann"))
    ):
        raise FileFormatError(f"condition {k} of the family is broken: {entry!r}")
    values = None if arrays is None else _program(f"boundary{k}", arrays, d + 1, d + 1 + P, len(fields))
    return Condition(kind, axis, side, tuple(fields), values)


def entries(family: PDEEquations) -> dict[str, Any]:
    """What JSON can hold of a family."""
    return {
        "kind": "pde",
        "name": family.name,
        "time": family.time,
        "coordinates": list(family.coordinates),
        "fields": list(family.fields),
        "domain": family.domain.tolist(),
        "t_span": list(family.t_span),
        "params": param_entries(family.params),
        "stiffness": family.stiffness,
        "equations": list(family.equations),
        "terms": [[term.part, term.equation, term.field, *term.order] for term in family.terms],
        "conditions": [
            {"kind": c.kind, "axis": c.axis, "side": c.side, "fields": list(c.fields)} for c in family.conditions
        ],
        "polynomial_degree": family.polynomial_degree,
    }


def tensors(family: PDEEquations) -> dict[str, np.ndarray]:
    """The instruction lists: "family.theta.code", …; those of condition k are "family.boundary<k>.code", …"""
    lists = {name: getattr(family, name) for name in PROGRAMS}
    lists |= {f"boundary{k}": condition.values for k, condition in enumerate(family.conditions)}
    return {
        f"family.{name}.{key}": array
        for name, instructions in lists.items()
        if instructions is not None
        for key, array in instructions.tensors().items()
    }
