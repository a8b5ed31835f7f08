"""Reading models from files: strict, since a file is data that anybody may have written.

A file holds the tensors family.* and, of ODEs, body.layers.k.{weight,bias}, and those of what was compiled (bands.py,
pde_bands.py, nonlinear_pde_bands.py); and as JSON the metadata format, format_version, family, compile, passport and,
of ODEs, body.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

import numpy as np

from .base import files
from .base.errors import FileFormatError, UnknownModelError
from .equations.ode.family import Family
from .features.body import Body
from .models.base import FORMAT, FORMAT_VERSION, CompiledModel
from .models.linear import Model
from .reduced.bands import Compiled

Kind = TypeVar("Kind", bound="CompiledModel")

if TYPE_CHECKING:
    from .models.nonlinear import NonlinearModel
    from .models.nonlinear_pde import NonlinearPDEModel
    from .models.pde import PDEModel

    AnyModel: TypeAlias = Model | NonlinearModel | PDEModel | NonlinearPDEModel

SHIPPED = Path(__file__).parent / "pretrained"
VERSIONS = {str(version) for version in range(1, FORMAT_VERSION + 1)}


def pretrained() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


@overload
def load(name: Literal["dho", "ncff"]) -> Model: ...
@overload
def load(name: Literal["duffing", "robertson", "vdp"]) -> NonlinearModel: ...
@overload
def load(name: Literal["advection_reaction", "advection_diffusion_reaction_2d"]) -> PDEModel: ...
@overload
def load(name: Literal["fisher_kpp"]) -> NonlinearPDEModel: ...
@overload
def load(name: str | os.PathLike[str], kind: type[Kind]) -> Kind: ...
@overload
def load(name: str | os.PathLike[str], kind: None = None) -> AnyModel: ...


def load(name: str | os.PathLike[str], kind: type[Any] | None = None) -> Any:
    """A model that comes with the package, by name, or one of yours, by the path of its .safetensors file.

    kind: the class that it must be of, such as stlfast.Model, for type checkers and people; None for any of the four.

    Errors: UnknownModelError (a KeyError and ValueError) lists the known names; MissingFileError and FileFormatError
    (both ValueError) say what is wrong with a file; ValueError for a model of another kind. Loading runs no code from
    the file.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ValueError(f"load takes a name or a path, got {name!r}")
    text = os.fspath(name)
    if text in pretrained() or os.path.dirname(text) or text.endswith(".safetensors"):
        model = read(where(text))
        if kind is not None and not isinstance(model, kind):
            raise ValueError(f"{text!r} holds a {type(model).__name__}, not a {kind.__name__}")
        return model
    raise UnknownModelError(
        f"there is no shipped model {text!r}; known: {', '.join(pretrained())}. A file of yours is given by its path, "
        "ending in .safetensors"
    )


def read(path: str | os.PathLike[str]) -> AnyModel:
    """The model in a file; MissingFileError or FileFormatError says what is wrong with it."""
    where = os.fspath(path)
    tensors, metadata = files.read(path)
    if metadata.get("format") != FORMAT:
        raise FileFormatError(f"{where!r} is a safetensors file, but no stlfast model (no format {FORMAT!r})")
    version = metadata.get("format_version", "")
    if version not in VERSIONS:
        raise FileFormatError(
            f"{where!r} has format version {version[:20]!r}, this stlfast reads up to {FORMAT_VERSION}: upgrade stlfast"
        )
    entries = {key: files.parse_json(metadata, key, where) for key in ("family", "compile", "passport")}
    of_pde = isinstance(entries["family"], dict) and entries["family"].get("kind") == "pde"
    try:
        if not of_pde:
            entries["body"] = files.parse_json(metadata, "body", where)
        groups = _grouped(tensors, ("family",) if of_pde else ("family", "body"))
        if not isinstance(entries["passport"], dict):
            raise ValueError("the passport must be a JSON object")
        return (_pde_model if of_pde else _ode_model)(entries, groups)
    except FileFormatError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        raise FileFormatError(f"{where!r} is broken: {error}") from error


def format_version(path: str | os.PathLike[str]) -> str:
    """The format version that a file states."""
    return files.read(path)[1].get("format_version", "")


def where(name: str | os.PathLike[str]) -> Path:
    """The file that `load` reads; it need not exist."""
    return SHIPPED / f"{name}.safetensors" if os.fspath(name) in pretrained() else Path(name)


def _grouped(tensors: Mapping[str, np.ndarray], prefixes: tuple[str, ...]) -> dict[str, dict[str, np.ndarray]]:
    """The tensors of each prefix, and under "compiled" the others."""
    groups: dict[str, dict[str, np.ndarray]] = {group: {} for group in (*prefixes, "compiled")}
    for name, array in tensors.items():
        if array.dtype == np.float64 and not np.isfinite(array).all():
            raise ValueError(f"tensor {name!r} holds NaN or infinity; it was damaged or badly trained")
        group = name.partition(".")[0]
        groups[group if group in prefixes else "compiled"][name] = array
    return groups


def _ode_model(entries: Mapping[str, Any], groups: Mapping[str, Mapping[str, np.ndarray]]) -> Model | NonlinearModel:
    family = Family.from_parts(entries["family"], groups["family"])
    body = _body(entries["body"], groups["body"])
    compiled = Compiled.from_parts(family, entries["compile"], groups["compiled"])
    if not family.nonlinear:
        return Model(family, body, compiled, entries["passport"])
    from .models.nonlinear import NonlinearModel  # which linear models need not wait for

    return NonlinearModel(family, body, compiled, entries["passport"])


def _pde_model(
    entries: Mapping[str, Any], groups: Mapping[str, Mapping[str, np.ndarray]]
) -> PDEModel | NonlinearPDEModel:
    from .equations.pde.family import PDEFamily
    from .models.nonlinear_pde import NonlinearPDEModel
    from .models.pde import PDEModel
    from .reduced.nonlinear_pde_bands import NonlinearPDECompiled
    from .reduced.pde_bands import PDECompiled

    family = PDEFamily.from_parts(entries["family"], groups["family"])
    options, tensors, passport = entries["compile"], groups["compiled"], entries["passport"]
    if isinstance(options, dict) and "nonlinear" in options:
        return NonlinearPDEModel(family, NonlinearPDECompiled.from_parts(family, options, tensors), passport)
    return PDEModel(family, PDECompiled.from_parts(family, options, tensors), passport)


def _body(meta: Any, tensors: Mapping[str, np.ndarray]) -> Body | None:
    if meta is None and not tensors:
        return None
    if not isinstance(meta, dict):
        raise ValueError("the body must be a JSON object")
    body = Body.from_parts(meta, {name.removeprefix("body."): array for name, array in tensors.items()})
    if meta.get("sha256") != body.sha256:
        raise ValueError("the body's weights do not have the SHA-256 that the file states; fetch a fresh copy")
    return body
