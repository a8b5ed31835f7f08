"""What compiling adds to a linear family of PDEs: the reduced bases of its groups of fields.

In a file: mixing (n, n), check_times (C_t,), data.points (M, d + 1) and data.weights (M,), which programs in C++ need,
and, for band k of group g, groups.g.k.<name> with the names of `PDEBand`; the rest as JSON. Collocation points are made
anew from the options.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ..direct.pde.groups import Splitting
from ..direct.pde.rows import PDEPoints
from ..direct.pde.tensor import tensor_points
from ..equations.pde.family import PDEFamily

LINE, PLANE = 30, 9  # functions of space along each axis, in one and two dimensions
FEWEST = 3


@dataclass(frozen=True)
class PDEOptions:
    """How a linear family of PDEs is compiled; `stlfast.compile` says what the options mean."""

    space: tuple[int, ...]
    time: int
    tau: float
    degrees: tuple[int, ...]
    powers: int
    tol: float
    max_rank: int

    @classmethod
    def of(
        cls, family: PDEFamily, *, space: Any = None, time: Any = 40, degrees: Any = None, powers: Any = 6,
        tau: Any = 1e-3, tol: Any = 1e-5, max_rank: Any = 120,
    ) -> PDEOptions:  # fmt: skip
        """The options with their defaults; ValueError for a wrong one."""
        functions = _per_axis(family, LINE if family.d == 1 else PLANE, space, "space")
        own = [k if periodic else k - 2 for k, periodic in zip(functions, family.periodic, strict=True)]
        modes = _per_axis(family, own, degrees, "degrees")
        for name, value, least in (("time", time, 4), ("powers", powers, 1), ("max_rank", max_rank, 2)):
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
        for name, value, most in (("tau", tau, 1e6), ("tol", tol, 1.0)):
            if not (isinstance(value, (int, float, np.floating)) and 0 < value <= most):
                raise ValueError(f"{name} must be a positive number of at most {most:g}, got {value!r}")
        if any(m > s for m, s in zip(modes, functions, strict=True)):
            raise ValueError(
                f"degrees {modes} must not exceed space {functions}: such profiles could not be represented"
            )
        return cls(functions, int(time), float(tau), modes, int(powers), float(tol), int(max_rank))


def _per_axis(family: PDEFamily, default: Any, given: Any, name: str) -> tuple[int, ...]:
    values = default if given is None else given
    values = [values] * family.d if isinstance(values, (int, np.integer)) else list(values)
    if len(values) != family.d or any(not isinstance(v, (int, np.integer)) or v < FEWEST for v in values):
        raise ValueError(f"{name} must be {family.d} integers of at least {FEWEST}, or one, got {given!r}")
    return tuple(int(v) for v in values)


@dataclass(frozen=True)
class PDEBand:
    """What cpp/include/stlfast/field_band.hpp keeps, under the same names."""

    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    space: np.ndarray
    tau: float
    time: np.ndarray
    core: np.ndarray
    gram: np.ndarray
    right: np.ndarray
    checks: np.ndarray
    reaction: np.ndarray

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, np.ascontiguousarray(value))

    @property
    def rank(self) -> int:
        return int(self.core.shape[1])


BAND = tuple(field.name for field in fields(PDEBand))


@dataclass(frozen=True, eq=False, repr=False)
class PDECompiled:
    """What compiling adds to a family."""

    options: PDEOptions
    splitting: Splitting
    varying: tuple[int, ...]
    points: PDEPoints
    check_times: np.ndarray
    check_spaces: int
    groups: list[list[PDEBand]]

    @property
    def space(self) -> tuple[int, ...]:
        return self.options.space

    # -------------------------------------------------------------------------------------------------------- files
    def to_parts(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Tensors, and options that JSON can hold; together they are all of this."""
        tensors = {
            "mixing": self.splitting.mixing, "check_times": self.check_times,
            "data.points": self.points.data, "data.weights": self.points.data_weights,
        }  # fmt: skip
        for g, bands in enumerate(self.groups):
            for k, band in enumerate(bands):
                tensors |= {f"groups.{g}.{k}.{name}": np.atleast_1d(getattr(band, name)) for name in BAND}
        options = {
            "options": asdict(self.options),
            "groups": [list(group) for group in self.splitting.groups],
            "varying": list(self.varying),
            "check_spaces": self.check_spaces,
        }
        return tensors, options

    @classmethod
    def from_parts(cls, family: PDEFamily, entry: Any, tensors: Mapping[str, np.ndarray]) -> PDECompiled:
        """What `to_parts` gave; ValueError for anything missing, unknown or of the wrong type."""
        if not isinstance(entry, dict) or entry.keys() != {"options", "groups", "varying", "check_spaces"}:
            raise ValueError("the compile options must be a JSON object of options, groups, varying and check_spaces")
        given = dict(entry["options"])
        given["space"], given["degrees"] = tuple(given["space"]), tuple(given["degrees"])
        options = PDEOptions(**given)
        groups: list[list[PDEBand]] = []
        used = {"mixing", "check_times", "data.points", "data.weights"}
        for g in range(len(entry["groups"])):
            count = len({name.split(".")[2] for name in tensors if name.startswith(f"groups.{g}.")})
            groups.append([])
            for k in range(count):
                names = {name: f"groups.{g}.{k}.{name}" for name in BAND}
                band: dict[str, Any] = {name: tensors[key] for name, key in names.items()}
                band["tau"] = float(band["tau"].reshape(()))
                groups[-1].append(PDEBand(**band))
                used |= set(names.values())
        if used != tensors.keys():
            raise ValueError(
                f"tensors missing {sorted(used - tensors.keys())}, unknown {sorted(tensors.keys() - used)}"
            )
        points = tensor_points(family, options.space, options.time, options.tau)
        splitting = Splitting(tensors["mixing"], tuple(tuple(int(i) for i in group) for group in entry["groups"]))
        varying = tuple(int(q) for q in entry["varying"])
        return cls(options, splitting, varying, points, tensors["check_times"], int(entry["check_spaces"]), groups)

    def __repr__(self) -> str:
        ranks = "; ".join(", ".join(str(band.rank) for band in bands) for bands in self.groups)
        return f"functions {self.options.space} × {self.options.time}, ranks of the groups' bands {ranks}"


def leading(family: PDEFamily) -> int:
    """The parameter along which snapshots are spaced and bands are cut: the stiffness, or else the first."""
    return 0 if family.stiffness is None else list(family.params).index(family.stiffness)


def stiffness_nodes(family: PDEFamily, per_e_fold: float) -> np.ndarray:
    """Where snapshots are taken, at least 4, spaced logarithmically, or evenly where there is no stiffness."""
    low, high = list(family.params.values())[leading(family)].solve
    if family.stiffness is None:
        return np.linspace(low, high, max(4, 1 + round(per_e_fold)))
    return np.geomspace(low, high, max(4, 1 + round(per_e_fold * np.log(high / low))))


def members_at(family: PDEFamily, value: float) -> list[np.ndarray]:
    """Members with this value of the leading parameter and the others at their ends and in the middle."""
    ranges = [
        [value] if k == leading(family) else sorted({r.solve[0], sum(r.solve) / 2, r.solve[1]})
        for k, r in enumerate(family.params.values())
    ]
    return [np.array(p) for p in itertools.product(*ranges)]
