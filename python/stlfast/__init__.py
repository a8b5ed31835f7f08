"""One-shot solution of families of stiff differential equations.

Names are imported on first use, NumPy and the compiled core with them, so that `import stlfast` costs a program little
until it solves; loading and solving need no more than those two and safetensors.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import _isa  # noqa: F401  chooses the core for this processor

if TYPE_CHECKING:
    from . import _core, families  # noqa: F401
    from ._isa import isa
    from .base.errors import FileFormatError, MissingFileError, ParameterError, TrainingDiverged, UnknownModelError
    from .compiler import compile, compile_nonlinear_pde, compile_pde, pretrain
    from .direct.fixed import FixedMember
    from .direct.windows import Stepper, Windows
    from .equations.ode.family import Family
    from .equations.parameters import Range
    from .equations.pde.conditions import Dirichlet, Inflow, Neumann, Periodic
    from .equations.pde.family import PDEFamily
    from .equations.samples import Samples
    from .features.body import Body
    from .features.field_body import FieldBody
    from .loading import load, pretrained
    from .models.linear import Member, Model
    from .models.nonlinear import NonlinearModel
    from .models.nonlinear_pde import NonlinearPDEModel
    from .models.pde import PDEMember, PDEModel
    from .results.fields import NonlinearPDESolution, PDESolution, PDESolutionRow, PDESolutions
    from .results.solution import NonlinearSolution, Solution, WindowsSolution
    from .results.solutions import SolutionRow, Solutions
    from .training.train import train_body

    __version__: str

_HOME = {
    "Body": "features.body",
    "Dirichlet": "equations.pde.conditions",
    "Family": "equations.ode.family",
    "FieldBody": "features.field_body",
    "FileFormatError": "base.errors",
    "FixedMember": "direct.fixed",
    "Inflow": "equations.pde.conditions",
    "Member": "models.linear",
    "MissingFileError": "base.errors",
    "Model": "models.linear",
    "Neumann": "equations.pde.conditions",
    "NonlinearModel": "models.nonlinear",
    "NonlinearPDEModel": "models.nonlinear_pde",
    "NonlinearPDESolution": "results.fields",
    "NonlinearSolution": "results.solution",
    "PDEFamily": "equations.pde.family",
    "PDEMember": "models.pde",
    "PDEModel": "models.pde",
    "PDESolution": "results.fields",
    "PDESolutionRow": "results.fields",
    "PDESolutions": "results.fields",
    "ParameterError": "base.errors",
    "Periodic": "equations.pde.conditions",
    "Range": "equations.parameters",
    "Samples": "equations.samples",
    "Solution": "results.solution",
    "SolutionRow": "results.solutions",
    "Solutions": "results.solutions",
    "Stepper": "direct.windows",
    "TrainingDiverged": "base.errors",
    "UnknownModelError": "base.errors",
    "Windows": "direct.windows",
    "WindowsSolution": "results.solution",
    "compile": "compiler",
    "compile_nonlinear_pde": "compiler",
    "compile_pde": "compiler",
    "isa": "_isa",
    "load": "loading",
    "pretrain": "compiler",
    "pretrained": "loading",
    "train_body": "training.train",
}

__all__ = [
    "Body",
    "Dirichlet",
    "Family",
    "FieldBody",
    "FileFormatError",
    "FixedMember",
    "Inflow",
    "Member",
    "MissingFileError",
    "Model",
    "Neumann",
    "NonlinearModel",
    "NonlinearPDEModel",
    "NonlinearPDESolution",
    "NonlinearSolution",
    "PDEFamily",
    "PDEMember",
    "PDEModel",
    "PDESolution",
    "PDESolutionRow",
    "PDESolutions",
    "ParameterError",
    "Periodic",
    "Range",
    "Samples",
    "Solution",
    "SolutionRow",
    "Solutions",
    "Stepper",
    "TrainingDiverged",
    "UnknownModelError",
    "Windows",
    "WindowsSolution",
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
    if name in ("families", "_core"):
        return importlib.import_module(f".{name}", __name__)
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
