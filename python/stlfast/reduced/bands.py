"""What compiling adds to a family of ODEs and its body: dictionary, points, forcing modes and reduced bases of bands.

In a file: points (N,), modes.{g,magic,interpolate} and, for band k, bands.k.{low,high,tau,coefficients}, of nonlinear
families also bands.k.{x,equation,powers,guess}; compiled windows as in cells.py; the rest as JSON.

N collocation points, K forcing modes, D Chebyshev coefficients, r functions of a band, P parameters, n states; of a
nonlinear band L lifting functions, d coordinates of a member and M monomials.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..equations.ode.family import Family
from ..features.body import Body
from ..features.dictionary import ROW_WEIGHTS, Dictionary
from .cells import Chains

if TYPE_CHECKING:
    from .. import _core
    from ..direct.windows import Windows

MODES = ("g", "magic", "interpolate")
OPTIONS = {"dictionary", "row_weights", "shared_head", "solver", "decoupled", "uniform_checks"}
BAND = ("low", "high", "tau", "coefficients")


class NoReducedBasis(ValueError):
    """A family for which there can't be one."""


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
    chains: Chains | None = None  # compiled windows

    def core(self, family: Family, body: Body | None) -> _core.Model:
        """The core of a linear family's model."""
        from .. import _core

        points = _core.Points.given(self.points, self.row_weights == "sqrt_t")
        return _core.Model(
            family.core(), self.dictionary.core(body), points, self.shared_head, self.solver, self.decoupled,
            self.uniform_checks, self.modes, list(self.bands),
        )  # fmt: skip

    def nonlinear_core(self, family: Family) -> _core.NonlinearModel:
        from .. import _core

        return _core.NonlinearModel(family.core(), *family.start_box(), list(self.bands), self.uniform_checks)

    def windows(self, family: Family) -> Windows | None:
        """The direct solver, on compiled windows where they hold a member; None where there are none."""
        if self.chains is None:
            return None
        from ..direct.windows import Windows

        return Windows(family).compiled(self.chains.core(family))

    def ranks(self, family: Family) -> list[int]:
        """Functions of each band, of one equation."""
        blocks = 1 if self.decoupled else family.n
        return [band.rank if isinstance(band, NonlinearBand) else band[3].shape[1] // blocks for band in self.bands]

    # -------------------------------------------------------------------------------------------------------- files
    def to_parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Tensors, and options that JSON can hold; together they are all of this."""
        tensors = {"points": self.points}
        tensors |= {f"modes.{name}": array for name, array in zip(MODES, self.modes, strict=True)}
        for k, band in enumerate(self.bands):
            names = NonlinearBand._fields if isinstance(band, NonlinearBand) else BAND
            arrays = {name: np.atleast_1d(array) for name, array in zip(names, band, strict=True)}
            tensors |= {f"bands.{k}.{name}": array for name, array in arrays.items()}
        options = {name: getattr(self, name) for name in OPTIONS - {"dictionary"}}
        if self.chains is not None:
            more, options["chains"] = self.chains.to_parts()
            tensors |= more
        return tensors, {"dictionary": asdict(self.dictionary), **options}

    @classmethod
    def from_parts(cls, family: Family, options: Any, tensors: Mapping[str, np.ndarray]) -> Compiled:
        """What `to_parts` gave; ValueError for anything missing, unknown or of the wrong type."""
        if isinstance(options, dict):
            options = {"decoupled": False} | options  # version 1 has no such entry
        chains = None
        if isinstance(options, dict) and "chains" in options:
            of_chains = {name: array for name, array in tensors.items() if name.startswith("chains.")}
            chains = Chains.from_parts(family, options["chains"], of_chains)
            tensors = {name: array for name, array in tensors.items() if name not in of_chains}
            options = {name: value for name, value in options.items() if name != "chains"}
        if not isinstance(options, dict) or options.keys() != OPTIONS:
            raise ValueError(f"the compile options must be a JSON object with the entries {sorted(OPTIONS)}")
        flags = (options["shared_head"], options["decoupled"])
        if options["row_weights"] not in ROW_WEIGHTS or any(type(flag) is not bool for flag in flags):
            raise ValueError(f"row_weights must be one of {ROW_WEIGHTS}, shared_head and decoupled true or false")
        names = NonlinearBand._fields if family.nonlinear else BAND
        count = len({name.split(".")[1] for name in tensors if name.startswith("bands.")})
        expected = {f"bands.{k}.{name}" for k in range(count) for name in names}
        expected |= {"points", *(f"modes.{name}" for name in MODES)}
        if tensors.keys() != expected:
            missing, unknown = sorted(expected - tensors.keys()), sorted(tensors.keys() - expected)
            raise ValueError(f"tensors missing {missing}, unknown {unknown}")
        bands: list[Any] = []
        for k in range(count):
            band: dict[str, Any] = {name: tensors[f"bands.{k}.{name}"] for name in names}
            band["tau"] = float(band["tau"].reshape(()))
            bands.append(NonlinearBand(**band) if family.nonlinear else tuple(band.values()))
        g, magic, interpolate = (tensors[f"modes.{name}"] for name in MODES)
        return cls(
            Dictionary.from_dict(options["dictionary"]), tensors["points"], options["row_weights"],
            options["shared_head"], options["solver"], options["decoupled"], options["uniform_checks"],
            (g, magic, interpolate), tuple(bands), chains,
        )  # fmt: skip

    def __repr__(self) -> str:
        ranks = [band[3].shape[1] for band in self.bands]
        ladder = [round(k, 3) for k in self.dictionary.dilations]
        kind = "Chebyshev" if self.dictionary.functions else f"dilations {ladder}"
        bands = f"{len(ranks)} bands" if ranks else "no reduced bases" if self.chains is None else repr(self.chains)
        return f"{kind}, {len(self.points)} points, {bands}"
