"""The layers of a network: their checks, files and initial values, which bodies of one and of several inputs share.

a_l = σ(W_l a_{l−1} + b_l),   W_l (width_l, width_{l−1}),   b_l (width_l,)       every layer ends in the activation σ
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..base import files as _files
from ..base.errors import FileFormatError

ACTIVATIONS = ("tanh", "sin", "silu")
TAU = 1e-3  # the log-time map's knee: below it time runs linearly, above it every decade gets equal room

# Initialisation. The first layer's units vary on every scale of an input in [0, 1], each with its zero inside.
SLOPES = (1.0, 10.0)
GAIN = 1.0
SHIFT = 0.5


class Layers:
    """What bodies do with their layers."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    @property
    def m(self) -> int:
        """The number of features."""
        return len(self.biases[-1])

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of units of each layer, from the columns of the input to m."""
        return (self.weights[0].shape[1], *(len(b) for b in self.biases))

    @cached_property
    def sha256(self) -> str:
        """Of the layers' bytes, weights before biases, layer by layer."""
        digest = hashlib.sha256()
        for weight, bias in zip(self.weights, self.biases, strict=True):
            digest.update(weight.tobytes())
            digest.update(bias.tobytes())
        return digest.hexdigest()

    def tensors(self) -> dict[str, np.ndarray]:
        """layers.0.weight (out, in), layers.0.bias (out,), …"""
        named: dict[str, np.ndarray] = {}
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            named |= {f"layers.{k}.weight": weight, f"layers.{k}.bias": bias}
        return named

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole body."""
        raise AssertionError("every kind of body has its own")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file: to a temporary file beside it first, which then takes its name."""
        meta = {k: v if isinstance(v, str) else json.dumps(v) for k, v in self.to_dict().items()}
        _files.write(path, self.tensors(), meta)

    def _freeze(self, weights: list[np.ndarray], biases: list[np.ndarray]) -> None:
        for array in (*weights, *biases):
            array.flags.writeable = False
        object.__setattr__(self, "weights", tuple(weights))
        object.__setattr__(self, "biases", tuple(biases))


def split(tensors: dict[str, np.ndarray]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Weights and biases from what `Layers.tensors` names; FileFormatError where names are missing or unknown."""
    depth = (len(tensors) + 1) // 2
    names = {f"layers.{k}.{kind}" for k in range(depth) for kind in ("weight", "bias")}
    if tensors.keys() != names or not names:
        missing, unknown = sorted(names - tensors.keys()), sorted(tensors.keys() - names)
        raise FileFormatError(
            "a body's tensors are layers.0.weight, layers.0.bias, layers.1.weight, …; "
            f"missing {missing}, unknown {unknown}"
        )
    return (
        tuple(tensors[f"layers.{k}.weight"] for k in range(depth)),
        tuple(tensors[f"layers.{k}.bias"] for k in range(depth)),
    )


def check_options(activation: Any, tau: Any) -> None:
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}; known: {', '.join(ACTIVATIONS)}")
    if not (isinstance(tau, (int, float, np.floating)) and 0 < tau <= 1e12):
        raise ValueError(f"tau must be a positive number, got {tau!r}")


def check_widths(widths: Any) -> None:
    if (
        not isinstance(widths, (Sequence, np.ndarray))
        or len(widths) == 0
        or any(not isinstance(w, (int, np.integer)) or w < 1 for w in widths)
    ):
        raise ValueError(f"widths must be one or more positive integers, got {widths!r}")


def check_layers(weights: Any, biases: Any, columns: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Copies in float64, whose shapes chain from so many columns of the input; ValueError otherwise."""
    if not isinstance(weights, (list, tuple)) or not isinstance(biases, (list, tuple)):
        raise ValueError(
            f"weights and biases must be lists of arrays, got {type(weights).__name__} and {type(biases).__name__}"
        )
    if len(weights) != len(biases) or len(weights) == 0:
        raise ValueError(f"a body needs as many biases as weights, at least one; got {len(weights)} and {len(biases)}")
    checked_w, checked_b = [], []
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        w, b = _array(weight, f"weights[{k}]"), _array(bias, f"biases[{k}]")
        if w.ndim != 2 or w.shape[1] != columns or w.shape[0] == 0:
            raise ValueError(f"weights[{k}] must have shape (out, {columns}), got {w.shape}")
        if b.shape != (w.shape[0],):
            raise ValueError(
                f"biases[{k}] must have shape ({w.shape[0]},), as weights[{k}] is {w.shape}, got {b.shape}"
            )
        columns = w.shape[0]
        checked_w.append(w)
        checked_b.append(b)
    return checked_w, checked_b


def slopes(width: int) -> np.ndarray:
    """Of the first layer's units, (width,)."""
    return np.geomspace(*SLOPES, width)


def deeper_layers(widths: Sequence[int], rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Random weights and biases of the layers after the first."""
    weights, biases = [], []
    for fan_in, fan_out in itertools.pairwise(widths):
        weights.append(rng.normal(0.0, GAIN / np.sqrt(fan_in), (fan_out, fan_in)))
        biases.append(rng.uniform(-SHIFT, SHIFT, fan_out))
    return weights, biases


def _array(value: Any, what: str) -> np.ndarray:
    source = np.asarray(value)
    if source.dtype not in (np.float64, np.float32) and not np.issubdtype(source.dtype, np.integer):
        raise ValueError(f"{what} must be an array of real numbers, got {source.dtype}")
    array = np.array(source, dtype=np.float64, order="C")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} has {np.count_nonzero(~np.isfinite(array))} values that are NaN or infinite")
    return array
