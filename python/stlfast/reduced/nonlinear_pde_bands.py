"""What compiling adds to a nonlinear family of PDEs: the reduced bases of its bands, and the first guess.

In a file: nonlinear.data_mean, nonlinear.data_modes and, for band k, nonlinear.band<k>.<name> with the names of
`NonlinearPDEBand`; the options as JSON.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from .._core import FieldDictionary
from ..direct.pde.rows import PDEPoints
from ..direct.pde.tensor import tensor_dictionary, tensor_points
from ..equations.pde.family import PDEFamily
from .profiles import ProfileBox, profile_box

PLANE = {"space": 9, "degrees": 2}  # defaults in two dimensions, for each axis
COMPONENTS, LARGEST_DEGREE = 6, 3  # of the data, and of the polynomials of the first guess


@dataclass(frozen=True)
class NonlinearPDEOptions:
    """How a nonlinear family of PDEs is compiled.

    space, time, tau: the tensor basis, Chebyshev polynomials or Fourier modes along each axis, polynomials in log time
        with knee tau (relative to the time span): more for fronts that are thin.
    degrees, amplitude, decay, bounds: the box of initial profiles, profiles.profile_box; bounds default to those of
        the family's own profile. Profiles outside are solved less accurately, and the error estimate says so.
    profiles: drawn for each member in addition to the family's own. per_e_fold: members for each factor e of stiffness.
    snapshots: "lines", the method of lines, milliseconds each; or "newton", on the tensor basis, seconds each.
    tol: singular values that are kept, relative to the largest. max_rank: more than that in a band, and it is halved.
    samples: collocation points for each basis function. seed: of the profiles drawn.
    """

    space: tuple[int, ...] = (24,)
    time: int = 40
    tau: float = 0.1
    degrees: tuple[int, ...] = (4,)
    amplitude: float = 0.3
    decay: float = 1.5
    bounds: tuple[tuple[float, float], ...] | None = None
    profiles: int = 60
    per_e_fold: float = 8.0
    snapshots: str = "lines"
    tol: float = 2e-6
    max_rank: int = 72
    samples: float = 4.0
    seed: int = 0

    @classmethod
    def of(cls, family: PDEFamily, given: Mapping[str, Any]) -> NonlinearPDEOptions:
        """The options given by name, the others at their defaults; ValueError for one that does not exist."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(given.keys() - known):
            raise ValueError(f"unknown options {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        own: dict[str, Any] = ({} if family.d == 1 else PLANE) | dict(given)
        for name in ("space", "degrees"):
            if isinstance(own.get(name), int):
                own[name] = (own[name],) * family.d
        return cls(**own)


@dataclass(frozen=True, eq=False)
class NonlinearPDEBand:
    """A range of parameters with its reduced basis.

    low, high: (P,). W: (n, S·D, r) coefficients in the tensor basis of r functions, orthonormal over the nodes in a
        norm that weighs how errors grow from there on.
    samples (s, d + 1), sample_weights (s,): collocation points, scaled, and the weights of their rows.
    guess (terms, r): polynomials of the first guess. largest: norm of the largest snapshot, (1,).
    """

    low: np.ndarray
    high: np.ndarray
    W: np.ndarray
    samples: np.ndarray
    sample_weights: np.ndarray
    guess: np.ndarray
    largest: np.ndarray  # (1,)

    @property
    def rank(self) -> int:
        return int(self.W.shape[2])


@dataclass(frozen=True, eq=False, repr=False)
class NonlinearPDECompiled:
    """What compiling adds to a nonlinear family of PDEs; picklable.

    bands: in the order of the stiffness. data_mean (n·M,), data_modes (n·M, q): data → components of the first guess.
    """

    family: PDEFamily
    options: NonlinearPDEOptions
    bands: list[NonlinearPDEBand]
    data_mean: np.ndarray
    data_modes: np.ndarray

    @cached_property
    def points(self) -> PDEPoints:
        return tensor_points(self.family, self.options.space, self.options.time, self.options.tau)

    @cached_property
    def box(self) -> ProfileBox:
        o = self.options
        return profile_box(self.family, o.degrees, o.amplitude, o.decay, o.bounds)

    @cached_property
    def functions(self) -> FieldDictionary:
        o = self.options
        return tensor_dictionary(self.family, o.space, o.time, o.tau)

    def polynomials(self, p: np.ndarray, data: np.ndarray, degree: int | None = None) -> np.ndarray:
        """Terms (terms,) of the first guess, for a member p and data (n, M)."""
        y = (data.ravel() - self.data_mean) @ self.data_modes
        v = np.concatenate([[1.0], unit_parameters(self.family, p), y])
        degree = self.degree if degree is None else degree
        result: np.ndarray = np.prod(v[monomials(len(v), degree)], axis=1)
        return result

    @cached_property
    def degree(self) -> int:
        """Of the polynomials, by their number."""
        return self._terms.index(len(self.bands[0].guess))

    @property
    def _terms(self) -> list[int]:
        """The number of monomials of degree 0, 1, …"""
        size = 1 + len(self.family.params) + self.data_modes.shape[1]
        return [math.comb(size + k - 1, k) for k in range(LARGEST_DEGREE + 1)]

    # -------------------------------------------------------------------------------------------------------- files
    def to_parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Tensors, and options that JSON can hold; together they are all of this."""
        tensors = {"nonlinear.data_mean": self.data_mean, "nonlinear.data_modes": self.data_modes}
        for k, band in enumerate(self.bands):
            tensors |= {f"nonlinear.band{k}.{name}": value for name, value in vars(band).items()}
        return tensors, {"nonlinear": asdict(self.options)}

    @classmethod
    def from_parts(cls, family: PDEFamily, entry: Any, tensors: Mapping[str, np.ndarray]) -> NonlinearPDECompiled:
        """What `to_parts` gave; ValueError where something is missing or does not fit."""
        try:
            given = dict(entry["nonlinear"])
            arrays = {name.removeprefix("nonlinear."): array for name, array in tensors.items()}
            for name in ("space", "degrees"):
                given[name] = tuple(given[name])
            if given["bounds"] is not None:
                given["bounds"] = tuple((float(low), float(high)) for low, high in given["bounds"])
            names = [field.name for field in fields(NonlinearPDEBand)]
            count = sum(name.endswith(".W") for name in arrays)
            bands = [NonlinearPDEBand(**{name: arrays[f"band{k}.{name}"] for name in names}) for k in range(count)]
            made = cls(family, NonlinearPDEOptions(**given), bands, arrays["data_mean"], arrays["data_modes"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"the compiled family {family.name!r} is broken: {error}") from None
        size = int(np.prod(made.options.space)) * made.options.time
        M, P, d = family.n * len(made.points.data), len(family.params), family.d
        ok = bool(bands) and made.data_mean.shape == (M,) and made.data_modes.shape[:1] == (M,)
        ok = ok and made.data_modes.ndim == 2 and len(bands[0].guess) in made._terms
        for band in bands:
            r, s = band.W.shape[-1], len(band.samples)
            ok = ok and band.W.shape == (family.n, size, r) and band.samples.shape == (s, d + 1)
            ok = ok and band.sample_weights.shape == (s,) and band.guess.shape == (len(bands[0].guess), r)
            ok = ok and band.low.shape == (P,) and band.high.shape == (P,) and band.largest.shape == (1,)
        if not ok:
            raise ValueError(f"the compiled family {family.name!r} is broken: an array has the wrong shape")
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        tensors, options = self.to_parts()
        return NonlinearPDECompiled.from_parts, (self.family, options, tensors)

    def __repr__(self) -> str:
        ranks = ", ".join(str(band.rank) for band in self.bands)
        return f"functions {self.options.space} × {self.options.time}, ranks of the bands {ranks}"


def unit_parameters(family: PDEFamily, p: np.ndarray) -> np.ndarray:
    """Parameters in [−1, 1] over their solve ranges, logarithmic where they are positive."""
    result = []
    for value, r in zip(p, family.params.values(), strict=True):
        low, high = r.solve
        if low > 0:
            low, high, value = np.log(low), np.log(high), np.log(value)
        result.append(0.0 if high == low else 2 * (value - low) / (high - low) - 1)
    return np.array(result)


def monomials(variables: int, degree: int) -> np.ndarray:
    """Which variables each monomial multiplies, (terms, degree); variable 0 is the constant 1."""
    found = list(itertools.combinations_with_replacement(range(variables), degree))
    return np.array(found, dtype=np.intp).reshape(len(found), degree)
