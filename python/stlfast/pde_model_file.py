"""The model file of a family of PDEs.

Tensors: family.*, mixing (n, n), check_times (C_t,), data.points (M, d + 1) and data.weights (M,), which programs in
C++ need, and, for band k of group g, groups.g.k.<name> with the names of `pde_compiler.Band`. Of a
nonlinear family instead nonlinear.<name> with those of `NonlinearCompiled.to_arrays`.
Metadata: format, format_version, family, compile, passport (JSON). Collocation points are made anew from the options.
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
    from .nonlinear_pde_model import NonlinearPDEModel
    from .pde_model import PDEModel

NAMES = tuple(field.name for field in fields(Band))


def write(path: str | os.PathLike[str], model: PDEModel | NonlinearPDEModel) -> None:
    """The model as a file that is whole or not there."""
    tensors, options = _linear(model) if isinstance(model.compiled, Compiled) else _nonlinear(model)
    metadata = {"format": FORMAT, "format_version": str(PDE_VERSION)}
    parts = {"family": model.family.to_dict(), "compile": options, "passport": model.passport}
    tensors |= model.family.tensors()
    _files.write(path, tensors, metadata | {key: json.dumps(value) for key, value in parts.items()})


def _nonlinear(model: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    options, arrays = model.compiled.to_arrays()
    return {f"nonlinear.{name}": array for name, array in arrays.items()}, {"nonlinear": options}


def _linear(model: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    compiled = model.compiled
    tensors = {
        "mixing": compiled.splitting.mixing, "check_times": compiled.check_times,
        "data.points": compiled.points.data, "data.weights": compiled.points.data_weights,
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
    return tensors, options


def read(where: str, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> PDEModel | NonlinearPDEModel:
    """The model in a file that has been opened; FileFormatError says what is wrong with it."""
    from .nonlinear_pde_compiler import NonlinearCompiled
    from .nonlinear_pde_model import NonlinearPDEModel
    from .pde_model import PDEModel

    for name, array in tensors.items():
        if array.dtype == np.float64 and not np.isfinite(array).all():
            raise FileFormatError(f"{where!r}: tensor {name!r} holds NaN or infinity; it was damaged")
    try:
        own = {name: array for name, array in tensors.items() if name.startswith("family.")}
        family = PDEFamily.from_parts(_files.parse_json(metadata, "family", where), own)
        options = _files.parse_json(metadata, "compile", where)
        rest = {name: array for name, array in tensors.items() if name not in own}
        passport = _files.parse_json(metadata, "passport", where)
        if not isinstance(passport, dict):
            raise ValueError("the passport must be a JSON object")
        if family.nonlinear:
            arrays = {name.removeprefix("nonlinear."): array for name, array in rest.items()}
            made = NonlinearCompiled.from_arrays(family, options["nonlinear"], arrays)
            return NonlinearPDEModel(family, made, passport)
        return PDEModel(family, _compiled(family, options, rest), passport)
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
    used = {"mixing", "check_times", "data.points", "data.weights"}
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
