"""One-shot solution of families of stiff differential equations.

Names are imported on first use, so that `import stlfast` is quick; loading and solving need NumPy alone, which comes at
once, so that `load` takes milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import _core  # noqa: F401  the compiled core, chosen for this processor
from . import model as _model  # noqa: F401  NumPy

if TYPE_CHECKING:
    from . import families
    from ._errors import FileFormatError, MissingFileError, ParameterError, TrainingDiverged, UnknownModelError
    from ._isa import isa
    from .body import Body
    from .compiler import compile
    from .conditions import Dirichlet, Inflow, Neumann, Periodic
    from .family import Family
    from .model import Model, load, pretrained
    from .nonlinear_model import NonlinearModel
    from .nonlinear_pde_model import NonlinearPDEModel, compile_nonlinear_pde
    from .parameters import Range
    from .pde_compiler import compile_pde
    from .pde_family import PDEFamily
    from .pde_model import PDEModel
    from .pde_solution import PDESolution
    from .solution import Solution
    from .training import pretrain, train_body
    from .windows import Windows

    __version__: str

_HOME = {
    "Body": "body",
    "Dirichlet": "conditions",
    "Family": "family",
    "FileFormatError": "_errors",
    "Inflow": "conditions",
    "MissingFileError": "_errors",
    "Model": "model",
    "Neumann": "conditions",
    "NonlinearModel": "nonlinear_model",
    "NonlinearPDEModel": "nonlinear_pde_model",
    "PDEFamily": "pde_family",
    "PDEModel": "pde_model",
    "PDESolution": "pde_solution",
    "ParameterError": "_errors",
    "Periodic": "conditions",
    "Range": "parameters",
    "Solution": "solution",
    "TrainingDiverged": "_errors",
    "UnknownModelError": "_errors",
    "Windows": "windows",
    "compile": "compiler",
    "compile_nonlinear_pde": "nonlinear_pde_model",
    "compile_pde": "pde_compiler",
    "isa": "_isa",
    "load": "model",
    "pretrain": "training",
    "pretrained": "model",
    "train_body": "training",
}

__all__ = [
    "Body",
    "Dirichlet",
    "Family",
    "FileFormatError",
    "Inflow",
    "MissingFileError",
    "Model",
    "Neumann",
    "NonlinearModel",
    "NonlinearPDEModel",
    "PDEFamily",
    "PDEModel",
    "PDESolution",
    "ParameterError",
    "Periodic",
    "Range",
    "Solution",
    "TrainingDiverged",
    "UnknownModelError",
    "Windows",
    "compile",
    "compile_nonlinear_pde",
    "compile_pde",
    "families",
    "isa",
    "load",
    "pretrain",
    "pretrained",
    "train_body",
]


def __getattr__(name: str) -> Any:
    if name == "families":
        return importlib.import_module(".families", __name__)
    if name == "__version__":
        from importlib.metadata import version

        return version("stlfast")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
