"""The model file of a linear family of PDEs.

Tensors: family.*, mixing (n, n), check_times (C_t,) and, for band k of group g, groups.g.k.<name> with the names of
`pde_compiler.Band`. Metadata: format, format_version, family, compile, passport (JSON). Collocation points are made
anew from the options.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _files
from ._errors import FileFormatError
from .model_file import FORMAT, PDE_VERSION
from .pde_compiler import Band, Compiled, Options
from .pde_family import PDEFamily
from .pde_groups import Splitting
from .pde_rows import tensor_points

if TYPE_CHECKING:
    from .pde_model import PDEModel

NAMES = tuple(field.name for field in fields(Band))


def write(path: str | os.PathLike[str], model: PDEModel) -> None:
    """The model as a file that is whole or not there."""
    compiled = model.compiled
    tensors = {
        **model.family.tensors(), "mixing": compiled.splitting.mixing, "check_times": compiled.check_times,
    }  # fmt: skip
    for g, bands in enumerate(compiled.groups):
        for k, band in enumerate(bands):
            tensors |= {f"groups.{g}.{k}.{name}": np.atleast_1d(getattr(band, name)) for name in NAMES}
    options = {
        "options": asdict(compiled.options),
        "groups": [list(group) for group in compiled.splitting.groups],
        "varying": list(compiled.varying),
        "check_spaces": compiled.check_spaces,
    }
    metadata = {"format": FORMAT, "format_version": str(PDE_VERSION)}
    parts = {"family": model.family.to_dict(), "compile": options, "passport": model.passport}
    _files.write(path, tensors, metadata | {key: json.dumps(value) for key, value in parts.items()})


def read(where: str, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> PDEModel:
    """The model in a file that has been opened; FileFormatError says what is wrong with it."""
    from .pde_model import PDEModel

    for name, array in tensors.items():
        if array.dtype == np.float64 and not np.isfinite(array).all():
            raise FileFormatError(f"{where!r}: tensor {name!r} holds NaN or infinity; it was damaged")
    try:
        own = {name: array for name, array in tensors.items() if name.startswith("family.")}
        family = PDEFamily.from_parts(_files.parse_json(metadata, "family", where), own)
        options = _files.parse_json(metadata, "compile", where)
        compiled = _compiled(family, options, {name: a for name, a in tensors.items() if name not in own})
        passport = _files.parse_json(metadata, "passport", where)
        if not isinstance(passport, dict):
            raise ValueError("the passport must be a JSON object")
        return PDEModel(family, compiled, passport)
    except FileFormatError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        raise FileFormatError(f"{where!r} is broken: {error}") from error


def _compiled(family: PDEFamily, entry: Any, tensors: Mapping[str, np.ndarray]) -> Compiled:
    if not isinstance(entry, dict) or entry.keys() != {"options", "groups", "varying", "check_spaces"}:
        raise ValueError("the compile options must be a JSON object of options, groups, varying and check_spaces")
    given = dict(entry["options"])
    given["space"], given["degrees"] = tuple(given["space"]), tuple(given["degrees"])
    options = Options(**given)
    groups: list[list[Band]] = []
    used = {"mixing", "check_times"}
    for g in range(len(entry["groups"])):
        count = len({name.split(".")[2] for name in tensors if name.startswith(f"groups.{g}.")})
        groups.append([])
        for k in range(count):
            names = {name: f"groups.{g}.{k}.{name}" for name in NAMES}
            band: dict[str, Any] = {name: tensors[key] for name, key in names.items()}
            band["tau"] = float(band["tau"].reshape(()))
            groups[-1].append(Band(**band))
            used |= set(names.values())
    if used != tensors.keys():
        raise ValueError(f"tensors missing {sorted(used - tensors.keys())}, unknown {sorted(tensors.keys() - used)}")
    points = tensor_points(family, options.space, options.time, options.tau)
    splitting = Splitting(tensors["mixing"], tuple(tuple(int(i) for i in group) for group in entry["groups"]))
    varying = tuple(int(q) for q in entry["varying"])
    return Compiled(options, splitting, varying, points, tensors["check_times"], int(entry["check_spaces"]), groups)
