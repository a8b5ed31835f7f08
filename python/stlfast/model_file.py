"""What compiling adds to a family and its body, and the model file that holds all three.

Tensors: family.*, body.layers.k.{weight,bias}, points (N,), modes.{g,magic,interpolate} and, for band k,
bands.k.{low,high,tau,coefficients}, of nonlinear families also bands.k.{x,equation,powers,guess}. Metadata: format,
format_version, family, body, compile, passport (JSON).

N collocation points, K forcing modes, D Chebyshev coefficients, r functions of a band, P parameters, n states; of a
nonlinear band L lifting functions, d coordinates of a member and M monomials.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _files
from ._errors import FileFormatError
from .body import Body
from .family import Family
from .program import Instructions

if TYPE_CHECKING:
    from . import _core
    from .model import Model
    from .nonlinear_model import NonlinearModel
    from .nonlinear_pde_model import NonlinearPDEModel
    from .pde_model import PDEModel

FORMAT = "stlfast"
FORMAT_VERSION = 3  # 1 had no decoupled models, 2 no nonlinear ones
PDE_VERSION = 4  # of models of PDEs, see pde_model_file.py
ROW_WEIGHTS = ("sqrt_t", "none")
MOST_FUNCTIONS = 4096  # Chebyshev polynomials in a dictionary
MODES = ("g", "magic", "interpolate")
OPTIONS = {"dictionary", "row_weights", "shared_head", "solver", "decoupled", "uniform_checks"}
BAND = ("low", "high", "tau", "coefficients")

Band = tuple[np.ndarray, np.ndarray, float, np.ndarray]


class NonlinearBand(NamedTuple):
    """A reduced basis, the equations that its unknowns satisfy and the first guess of them; nonlinear_band.hpp."""

    low: np.ndarray  # (P,)
    high: np.ndarray  # (P,)
    tau: float
    coefficients: np.ndarray  # (D, n (L + r))
    x: np.ndarray  # (r,)
    equation: np.ndarray  # (r,) int32
    powers: np.ndarray  # (M, d) int32
    guess: np.ndarray  # (M, r)

    @property
    def rank(self) -> int:
        return len(self.x)


def starts(family: Family) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y0 and the least and largest initial values that a nonlinear model is made for, (n,) each."""
    box = np.stack([family.y0, family.y0]) if family.y0_range is None else family.y0_range.T
    return family.y0, np.ascontiguousarray(box[0]), np.ascontiguousarray(box[1])


@dataclass(frozen=True)
class Dictionary:
    """The functions solutions are expanded in.

    Chebyshev polynomials of degree below `functions` in log time with knee tau where that is set, else the body's
    features at the dilations, with the constant 1 first.
    """

    dilations: tuple[float, ...] = ()
    constant: bool = True
    functions: int | None = None
    tau: float | None = None

    def core(self, body: Body | None) -> _core.Dictionary:
        from . import _core

        if self.functions is not None:
            return _core.Dictionary.chebyshev(self.functions, "log", self.tau or 1.0)
        if body is None:
            raise ValueError("a dictionary of features needs a body")
        layers = _core.Body(list(body.weights), list(body.biases), body.activation, body.input, body.tau)
        return _core.Dictionary.from_body(layers, list(self.dilations), self.constant)


@dataclass(frozen=True, repr=False)
class Compiled:
    """Dictionary, collocation, least-squares solver, forcing modes and reduced bases: what the C++ core solves with."""

    dictionary: Dictionary
    points: np.ndarray  # (N,) in x
    row_weights: str  # "sqrt_t" or "none"
    shared_head: bool
    solver: str  # "svd", "qr" or "pinv"
    decoupled: bool  # n problems of one equation each, by the Schur form of a constant system matrix
    uniform_checks: int  # points of a band's certificate besides the logarithmic ones
    modes: tuple[np.ndarray, np.ndarray, np.ndarray]  # (N, K), (K,), (K, K)
    bands: tuple[Any, ...] = ()  # each a Band or, of a nonlinear family, a NonlinearBand

    def core(self, family: Family, body: Body | None) -> _core.Model:
        """The core of a linear family's model."""
        from . import _core

        points = _core.Points.given(self.points, self.row_weights == "sqrt_t")
        return _core.Model(
            core_family(family), self.dictionary.core(body), points, self.shared_head, self.solver, self.decoupled,
            self.uniform_checks, self.modes, list(self.bands),
        )  # fmt: skip

    def nonlinear_core(self, family: Family) -> _core.NonlinearModel:
        from . import _core

        return _core.NonlinearModel(core_family(family), *starts(family), list(self.bands), self.uniform_checks)

    def __repr__(self) -> str:
        ranks = [band[3].shape[1] for band in self.bands]
        ladder = [round(k, 3) for k in self.dictionary.dilations]
        kind = "Chebyshev" if self.dictionary.functions else f"dilations {ladder}"
        bands = f"{len(ranks)} bands" if ranks else "no reduced bases"
        return f"{kind}, {len(self.points)} points, {bands}"


def core_family(family: Family) -> _core.Family:
    from . import _core

    low, high = np.array([r.solve for r in family.params.values()], dtype=np.float64).T.copy()
    return _core.Family(
        family.n, family.A.program, family.b.program,
        None if family.theta is None else family.theta.program,
        None if family.parts is None else family.parts.program,
        low, high, list(family.params).index(family.stiffness),
        *(each.program if isinstance(each, Instructions) else None for each in (family.N, family.J)),
    )  # fmt: skip


def _band_fields(family: Family) -> tuple[str, ...]:
    return NonlinearBand._fields if family.nonlinear else BAND


def write(path: str | os.PathLike[str], model: Model | NonlinearModel) -> None:
    """The model as a file that is whole or not there."""
    compiled = model.compiled
    tensors = {**model.family.tensors(), "points": compiled.points}
    tensors |= {f"modes.{name}": array for name, array in zip(MODES, compiled.modes, strict=True)}
    if model.body is not None:
        tensors |= {f"body.{name}": array for name, array in model.body.tensors().items()}
    for k, band in enumerate(compiled.bands):
        arrays = {name: np.atleast_1d(array) for name, array in zip(_band_fields(model.family), band, strict=True)}
        tensors |= {f"bands.{k}.{name}": array for name, array in arrays.items()}
    options = {
        "dictionary": asdict(compiled.dictionary),
        "row_weights": compiled.row_weights,
        "shared_head": compiled.shared_head,
        "solver": compiled.solver,
        "decoupled": compiled.decoupled,
        "uniform_checks": compiled.uniform_checks,
    }
    body = None if model.body is None else {**model.body.to_dict(), "sha256": model.body.sha256}
    parts = {"family": model.family.to_dict(), "body": body, "compile": options, "passport": model.passport}
    metadata = {"format": FORMAT, "format_version": str(FORMAT_VERSION)}
    _files.write(path, tensors, metadata | {key: json.dumps(value) for key, value in parts.items()})


def read(path: str | os.PathLike[str]) -> Model | NonlinearModel | PDEModel | NonlinearPDEModel:
    """The model in a file; MissingFileError or FileFormatError says what is wrong with it."""
    from .model import Model

    where = os.fspath(path)
    tensors, metadata = _files.read(path)
    if metadata.get("format") != FORMAT:
        raise FileFormatError(f"{where!r} is a safetensors file, but no stlfast model (no format {FORMAT!r})")
    version = metadata.get("format_version", "")
    if version == str(PDE_VERSION):
        from . import pde_model_file

        return pde_model_file.read(where, tensors, metadata)
    if version not in {str(known) for known in range(1, FORMAT_VERSION + 1)}:
        raise FileFormatError(
            f"{where!r} has format version {version[:20]!r}, this stlfast reads up to {PDE_VERSION}: upgrade stlfast"
        )
    try:
        groups = _grouped(tensors)
        family = Family.from_parts(_files.parse_json(metadata, "family", where), groups["family"])
        body = _read_body(_files.parse_json(metadata, "body", where), groups["body"])
        options = _files.parse_json(metadata, "compile", where)
        compiled = _read_compiled(options, groups, _band_fields(family))
        passport = _files.parse_json(metadata, "passport", where)
        if not isinstance(passport, dict):
            raise ValueError("the passport must be a JSON object")
        if family.nonlinear:
            from .nonlinear_model import NonlinearModel  # which linear models need not wait for

            return NonlinearModel(family, body, compiled, passport)
        return Model(family, body, compiled, passport)
    except FileFormatError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        raise FileFormatError(f"{where!r} is broken: {error}") from error


def _grouped(tensors: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    groups: dict[str, dict[str, np.ndarray]] = {"family": {}, "body": {}, "points": {}, "modes": {}, "bands": {}}
    for name, array in tensors.items():
        group = name.partition(".")[0]
        if group not in groups:
            raise ValueError(f"there is the unknown tensor {name!r}")
        if array.dtype == np.float64 and not np.isfinite(array).all():
            raise ValueError(f"tensor {name!r} holds NaN or infinity; it was damaged or badly trained")
        groups[group][name] = array
    return groups


def _read_body(meta: Any, tensors: Mapping[str, np.ndarray]) -> Body | None:
    if meta is None and not tensors:
        return None
    if not isinstance(meta, dict):
        raise ValueError("the body must be a JSON object")
    body = Body.from_parts(meta, {name.removeprefix("body."): array for name, array in tensors.items()})
    if meta.get("sha256") != body.sha256:
        raise ValueError("the body's weights do not have the SHA-256 that the file states; fetch a fresh copy")
    return body


def _read_compiled(options: Any, groups: Mapping[str, Mapping[str, np.ndarray]], fields: tuple[str, ...]) -> Compiled:
    if isinstance(options, dict):
        options = {"decoupled": False} | options  # version 1 has no such entry
    if not isinstance(options, dict) or options.keys() != OPTIONS:
        raise ValueError(f"the compile options must be a JSON object with the entries {sorted(OPTIONS)}")
    flags = (options["shared_head"], options["decoupled"])
    if options["row_weights"] not in ROW_WEIGHTS or any(type(flag) is not bool for flag in flags):
        raise ValueError(f"row_weights must be one of {ROW_WEIGHTS}, shared_head and decoupled true or false")
    count = len({name.split(".")[1] for name in groups["bands"]})
    expected = {f"bands.{k}.{name}" for k in range(count) for name in fields} | {f"modes.{name}" for name in MODES}
    found = groups["bands"].keys() | groups["modes"].keys()
    if found != expected or groups["points"].keys() != {"points"}:
        raise ValueError(f"tensors missing {sorted(expected - found)}, unknown {sorted(found - expected)}")
    bands: list[Any] = []
    for k in range(count):
        band: dict[str, Any] = {name: groups["bands"][f"bands.{k}.{name}"] for name in fields}
        band["tau"] = float(band["tau"].reshape(()))
        bands.append(tuple(band.values()) if fields == BAND else NonlinearBand(**band))
    g, magic, interpolate = (groups["modes"][f"modes.{name}"] for name in MODES)
    return Compiled(
        _read_dictionary(options["dictionary"]),
        groups["points"]["points"], options["row_weights"], options["shared_head"], options["solver"],
        options["decoupled"], options["uniform_checks"], (g, magic, interpolate), tuple(bands),
    )  # fmt: skip


def _read_dictionary(entry: Any) -> Dictionary:
    if not isinstance(entry, dict) or entry.keys() != {"dilations", "constant", "functions", "tau"}:
        raise ValueError("the dictionary must be a JSON object of dilations, constant, functions and tau")
    functions, tau = entry["functions"], entry["tau"]
    polynomial = type(functions) is int and 1 <= functions <= MOST_FUNCTIONS and type(tau) is float and tau > 0
    if type(entry["constant"]) is not bool or not (polynomial or (functions is None and tau is None)):
        raise ValueError(f"the dictionary is not one that compile makes: {str(entry)[:200]}")
    return Dictionary(tuple(float(k) for k in entry["dilations"]), entry["constant"], functions, tau)
