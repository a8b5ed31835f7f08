"""A body of several inputs: hidden features of fields u(x, t) and u(x, y, t), frozen.

z = (z_1, …, z_d, z_t)   the coordinates, each scaled to [0, 1], time the last
s(z)   what the first layer sees, a list of inputs; a coordinate may serve several:
       "plain"  z       "log"  log(1 + z/τ) / log(1 + 1/τ)       "periodic"  the two columns cos 2πz, sin 2πz
a_0 = s,   a_l = σ(W_l a_{l−1} + b_l),   h(z) = a_L ∈ R^m       every layer ends in the activation σ
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from ..base import files as _files
from ..base.errors import FileFormatError
from ..base.names import public
from .layers import TAU, Layers, check_layers, check_options, check_widths, deeper_layers, slopes, split

COLUMNS = {"plain": 1, "log": 1, "periodic": 2}  # of each kind of input
INPUTS = (("x", "plain"), ("t", "log"), ("t", "plain"))


@public
@dataclass(frozen=True, eq=False, repr=False)
class FieldBody(Layers):
    """Frozen layers, float64 (float32 is converted), copied and read-only.

    Parameters
    ----------
    weights: L arrays (out, in); the first has as many columns as the inputs, each next as many as the last has rows.
    biases: L arrays (out,).
    inputs: pairs (coordinate, kind), the coordinate by its name or number; default x plain, and time log and plain.
    coordinates: the names of the coordinates, time the last; default ("x", "t").
    activation: "tanh" (saturates, so it may be dilated), "sin" or "silu"; follows every layer, also the last.
    tau: knee of the log map, in scaled time; default 1e-3.
    history: how the body was trained (JSON-able), or None.

    Errors: ValueError says what is wrong and what was expected.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    inputs: tuple[tuple[str, str], ...] = INPUTS
    coordinates: tuple[str, ...] = ("x", "t")
    activation: str = "tanh"
    tau: float = TAU
    history: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        check_options(self.activation, self.tau)
        object.__setattr__(self, "tau", float(self.tau))
        object.__setattr__(self, "coordinates", _checked_coordinates(self.coordinates))
        object.__setattr__(self, "inputs", _checked_inputs(self.inputs, self.coordinates))
        self._freeze(*check_layers(self.weights, self.biases, columns_of(self.inputs)))

    @classmethod
    def random(
        cls,
        inputs: Sequence[tuple[str | int, str]] = INPUTS,
        widths: Sequence[int] = (64, 64, 24),
        coordinates: Sequence[str] = ("x", "t"),
        activation: str = "tanh",
        tau: float = TAU,
        seed: int = 0,
    ) -> FieldBody:
        """The untrained body that training with the same seed starts from: what training must beat."""
        check_widths(widths)
        check_options(activation, tau)
        names = _checked_coordinates(coordinates)
        checked = _checked_inputs(inputs, names)
        rng = np.random.default_rng(seed)
        weight, bias = _first_layer(widths[0], checked, names, tau, rng)
        weights, biases = deeper_layers(widths, rng)
        return cls((weight, *weights), (bias, *biases), checked, names, activation, tau)

    def numbered_inputs(self) -> list[tuple[int, str]]:
        """The inputs with the coordinates' numbers."""
        return [(self.coordinates.index(name), kind) for name, kind in self.inputs]

    def core(self) -> _core.FieldBody:
        """The body in the compiled core."""
        return _core.FieldBody(list(self.weights), list(self.biases), self.activation, self.numbered_inputs(), self.tau)

    # ------------------------------------------------------------------------------------------------------ files
    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole body."""
        return {
            "activation": self.activation,
            "inputs": [list(pair) for pair in self.inputs],
            "coordinates": list(self.coordinates),
            "tau": self.tau,
            "history": self.history,
        }

    @classmethod
    def from_parts(cls, meta: dict[str, Any], tensors: dict[str, np.ndarray]) -> FieldBody:
        """The body that `to_dict` and `tensors` describe; FileFormatError if anything is amiss."""
        missing = [key for key in ("activation", "inputs", "coordinates", "tau") if key not in meta]
        if missing:
            raise FileFormatError(f"the file's body of several inputs does not say {', '.join(missing)}")
        weights, biases = split(tensors)
        options = {key: meta[key] for key in ("inputs", "coordinates", "activation", "tau")}
        try:
            return cls(weights, biases, **options, history=meta.get("history"))
        except ValueError as error:
            raise FileFormatError(f"the file's body is broken: {error}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FieldBody:
        """Read what `save` has written. Errors: MissingFileError, FileFormatError (both ValueError)."""
        tensors, metadata = _files.read(path)
        meta: dict[str, Any] = {"activation": metadata["activation"]} if "activation" in metadata else {}
        keys = [key for key in ("inputs", "coordinates", "tau", "history") if key in metadata]
        return cls.from_parts(meta | {key: _files.parse_json(metadata, key, str(path)) for key in keys}, tensors)

    def __reduce__(self) -> tuple[Any, ...]:
        options = (self.inputs, self.coordinates, self.activation, self.tau, self.history)
        return FieldBody, (self.weights, self.biases, *options)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{kind} {name}" for name, kind in self.inputs)
        trained = "trained" if self.history else "no training history"
        shape = " → ".join(map(str, self.sizes))
        return f"FieldBody({inputs} → {shape}, {self.activation}, tau={self.tau:g}, {trained}, {self.sha256[:12]})"


def columns_of(inputs: Sequence[tuple[str, str]]) -> int:
    """How many columns the first layer has."""
    return sum(COLUMNS[kind] for _, kind in inputs)


def _checked_coordinates(coordinates: Any) -> tuple[str, ...]:
    if (
        not isinstance(coordinates, (list, tuple))
        or len(coordinates) == 0
        or not all(isinstance(name, str) for name in coordinates)
        or len(set(coordinates)) < len(coordinates)
    ):
        raise ValueError(f"coordinates must be different names, time the last, such as ('x', 't'), got {coordinates!r}")
    return tuple(coordinates)


def _checked_inputs(inputs: Any, coordinates: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if not isinstance(inputs, (list, tuple)) or not all(isinstance(p, (list, tuple)) and len(p) == 2 for p in inputs):
        raise ValueError(f"inputs must be pairs (coordinate, kind), got {inputs!r}")
    checked = []
    for coordinate, kind in inputs:
        numbered = isinstance(coordinate, (int, np.integer)) and 0 <= coordinate < len(coordinates)
        name = coordinates[coordinate] if numbered else coordinate
        if name not in coordinates:
            raise ValueError(f"an input's coordinate is {coordinate!r}; the coordinates are {', '.join(coordinates)}")
        if kind not in COLUMNS:
            raise ValueError(f"the input of {name} is {kind!r}; known: {', '.join(COLUMNS)}")
        if name == coordinates[-1] and kind == "periodic":
            raise ValueError(f"the input of {name}, the time, is periodic; make it plain or log")
        checked.append((name, kind))
    absent = [name for name in coordinates if name not in dict(checked)]
    if absent:
        raise ValueError(f"no input for {', '.join(absent)}: each coordinate must serve one")
    return tuple(checked)


def _first_layer(
    width: int, inputs: tuple[tuple[str, str], ...], coordinates: tuple[str, ...], tau: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Units with slopes on every scale in random directions of s, each zero at its own point of the box.

    In each coordinate the points are in different 1/width-ths of [0, 1], on the log scale where it has such an input.
    """
    point = {}  # (width,) of each coordinate
    for name in coordinates:
        place = rng.permutation((np.arange(width) + 0.5) / width)
        log = (name, "log") in inputs
        point[name] = tau * np.expm1(place * np.log1p(1 / tau)) if log else place
    columns = []
    for name, kind in inputs:
        z = point[name]
        if kind == "periodic":
            columns += [np.cos(2 * np.pi * z), np.sin(2 * np.pi * z)]
        else:
            columns.append(np.log1p(z / tau) / np.log1p(1 / tau) if kind == "log" else z)
    direction = rng.normal(size=(width, len(columns)))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    weight = slopes(width)[:, None] * direction
    return weight, -(weight * np.stack(columns, axis=1)).sum(axis=1)
