"""A body: hidden features of one input, frozen.

s(x)   input map, x ∈ [0, 1] scaled time:  "log"  s = log(1 + x/τ) / log(1 + 1/τ),   "plain"  s = x
a_0 = s,   a_l = σ(W_l a_{l−1} + b_l),   h(x) = a_L ∈ R^m       every layer ends in the activation σ
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import _files
from ._errors import FileFormatError

ACTIVATIONS = ("tanh", "sin", "silu")
INPUTS = ("log", "plain")
TAU = 1e-3  # the log-time map's knee: below it time runs linearly, above it every decade gets equal room


@dataclass(frozen=True, eq=False, repr=False)
class Body:
    """Frozen layers, float64 (float32 is converted), copied and read-only.

    Parameters
    ----------
    weights: L arrays (out, in); the first has one column, each next as many as the previous has rows.
    biases: L arrays (out,).
    activation: "tanh" (saturates, so it may be dilated), "sin" or "silu"; follows every layer, also the last.
    input: "log" or "plain", the input map above.
    tau: knee of the log map, in scaled time; default 1e-3.
    history: how the body was trained (JSON-able), or None.
    input_range: (low, high) for a network that was trained on u = low + (high − low) s instead of s ∈ [0, 1], such as
        physical time with input="plain"; the map is folded into the first layer. Default None.

    Errors: ValueError says which array is wrong and what was expected.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activation: str = "tanh"
    input: str = "log"
    tau: float = TAU
    history: dict[str, Any] | None = None
    input_range: InitVar[tuple[float, float] | None] = None

    def __post_init__(self, input_range: tuple[float, float] | None) -> None:
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {self.activation!r}; known: {', '.join(ACTIVATIONS)}")
        if self.input not in INPUTS:
            raise ValueError(f"unknown input map {self.input!r}; known: {', '.join(INPUTS)}")
        if not (isinstance(self.tau, (int, float, np.floating)) and 0 < self.tau <= 1e12):
            raise ValueError(f"tau must be a positive number, got {self.tau!r}")
        object.__setattr__(self, "tau", float(self.tau))
        weights, biases = _layers(self.weights, self.biases)
        if input_range is not None:
            low, high = input_range
            if not (np.isfinite([low, high]).all() and low < high):
                raise ValueError(f"input_range must be increasing and finite, got {input_range!r}")
            biases[0] = biases[0] + weights[0][:, 0] * low
            weights[0] = weights[0] * (high - low)
        for array in (*weights, *biases):
            array.flags.writeable = False
        object.__setattr__(self, "weights", tuple(weights))
        object.__setattr__(self, "biases", tuple(biases))

    @property
    def m(self) -> int:
        """The number of features."""
        return len(self.biases[-1])

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of units of each layer, from the input's 1 to m."""
        return (1, *(len(b) for b in self.biases))

    @cached_property
    def sha256(self) -> str:
        """Of the layers' bytes, weights before biases, layer by layer."""
        digest = hashlib.sha256()
        for weight, bias in zip(self.weights, self.biases, strict=True):
            digest.update(weight.tobytes())
            digest.update(bias.tobytes())
        return digest.hexdigest()

    @classmethod
    def random(
        cls,
        widths: Sequence[int] = (64, 64, 24),
        activation: str = "tanh",
        input: str = "log",
        tau: float = TAU,
        seed: int = 0,
    ) -> Body:
        """The untrained body that training with the same seed starts from: what training must beat."""
        if (
            not isinstance(widths, (Sequence, np.ndarray))
            or len(widths) == 0
            or any(not isinstance(w, (int, np.integer)) or w < 1 for w in widths)
        ):
            raise ValueError(f"widths must be one or more positive integers, got {widths!r}")
        rng = np.random.default_rng(seed)
        weights, biases = _first_layer(widths[0], rng)
        for fan_in, fan_out in itertools.pairwise(widths):
            weights.append(rng.normal(0.0, GAIN / np.sqrt(fan_in), (fan_out, fan_in)))
            biases.append(rng.uniform(-SHIFT, SHIFT, fan_out))
        return cls(tuple(weights), tuple(biases), activation, input, tau)

    # ------------------------------------------------------------------------------------------------------ files
    def tensors(self) -> dict[str, np.ndarray]:
        """layers.0.weight (out, in), layers.0.bias (out,), …"""
        named: dict[str, np.ndarray] = {}
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            named |= {f"layers.{k}.weight": weight, f"layers.{k}.bias": bias}
        return named

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole body."""
        return {"activation": self.activation, "input": self.input, "tau": self.tau, "history": self.history}

    @classmethod
    def from_parts(cls, meta: dict[str, Any], tensors: dict[str, np.ndarray], **changes: Any) -> Body:
        """The body that `to_dict` and `tensors` describe; FileFormatError if anything is amiss."""
        options = {key: meta[key] for key in ("activation", "input", "tau", "history") if key in meta} | changes
        depth = (len(tensors) + 1) // 2
        names = {f"layers.{k}.{kind}" for k in range(depth) for kind in ("weight", "bias")}
        if tensors.keys() != names or not names:
            missing, unknown = sorted(names - tensors.keys()), sorted(tensors.keys() - names)
            raise FileFormatError(
                "a body's tensors are layers.0.weight, layers.0.bias, layers.1.weight, …; "
                f"missing {missing}, unknown {unknown}"
            )
        try:
            return cls(
                tuple(tensors[f"layers.{k}.weight"] for k in range(depth)),
                tuple(tensors[f"layers.{k}.bias"] for k in range(depth)),
                **options,
            )
        except ValueError as error:
            raise FileFormatError(f"the file's body is broken: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file: to a temporary file beside it first, which then takes its name."""
        meta = {k: v if isinstance(v, str) else json.dumps(v) for k, v in self.to_dict().items()}
        _files.write(path, self.tensors(), meta)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        activation: str | None = None,
        input: str | None = None,
        tau: float | None = None,
        input_range: tuple[float, float] | None = None,
    ) -> Body:
        """Read layers.0.weight, layers.0.bias, … from a safetensors file, written by `save` or by anything else.

        activation, input, tau: None takes the file's metadata, or the class's default where it says nothing.
        Errors: MissingFileError, FileFormatError (both ValueError).
        """
        tensors, metadata = _files.read(path)
        meta: dict[str, Any] = {key: metadata[key] for key in ("activation", "input") if key in metadata}
        meta |= {key: _files.parse_json(metadata, key, str(path)) for key in ("tau", "history") if key in metadata}
        given = {"activation": activation, "input": input, "tau": tau, "input_range": input_range}
        return cls.from_parts(meta, tensors, **{k: v for k, v in given.items() if v is not None})

    @classmethod
    def from_torch(
        cls,
        sequential: Any,
        *,
        input: str = "log",
        tau: float = TAU,
        input_range: tuple[float, float] | None = None,
    ) -> Body:
        """The hidden features of a torch.nn.Sequential of Linear layers, each followed by Tanh, SiLU or a module `Sin`.

        A last Linear that no activation follows is the head: it is dropped, since heads are solved for.
        """
        known = {"Tanh": "tanh", "SiLU": "silu", "Sin": "sin"}
        modules = list(sequential)
        if modules and type(modules[-1]).__name__ == "Linear":
            modules.pop()
        kinds = [type(module).__name__ for module in modules]
        activations = set(kinds[1::2])
        if len(kinds) % 2 or set(kinds[::2]) != {"Linear"} or len(activations) != 1 or not activations <= known.keys():
            raise ValueError(
                "a body from torch must be a Sequential of Linear, activation, Linear, activation, … with one kind of "
                f"activation ({', '.join(known)}) and perhaps a last Linear as head, "
                f"got {[type(module).__name__ for module in sequential]}"
            )
        layers = modules[::2]
        weights = tuple(layer.weight.detach().cpu().double().numpy() for layer in layers)
        biases = tuple(
            np.zeros(layer.out_features) if layer.bias is None else layer.bias.detach().cpu().double().numpy()
            for layer in layers
        )
        return cls(weights, biases, known[activations.pop()], input, tau, None, input_range)

    def __reduce__(self) -> tuple[Any, ...]:
        return Body, (self.weights, self.biases, self.activation, self.input, self.tau, self.history)

    def __repr__(self) -> str:
        trained = "trained" if self.history else "no training history"
        shape = " → ".join(map(str, self.sizes))
        return f"Body({shape}, {self.activation}, {self.input} input, tau={self.tau:g}, {trained}, {self.sha256[:12]})"


# Initialisation. The first layer's units vary on every scale of s ∈ [0, 1], each with its zero inside the interval.
SLOPES = (1.0, 10.0)
GAIN = 1.0
SHIFT = 0.5


def _first_layer(width: int, rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    slope = np.geomspace(*SLOPES, width) * rng.choice([-1.0, 1.0], width)
    zero = rng.permutation((np.arange(width) + 0.5) / width)
    return [slope[:, None]], [-slope * zero]


def _layers(weights: Any, biases: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    if not isinstance(weights, (list, tuple)) or not isinstance(biases, (list, tuple)):
        raise ValueError(
            f"weights and biases must be lists of arrays, got {type(weights).__name__} and {type(biases).__name__}"
        )
    if len(weights) != len(biases) or len(weights) == 0:
        raise ValueError(f"a body needs as many biases as weights, at least one; got {len(weights)} and {len(biases)}")
    checked_w, checked_b = [], []
    columns = 1
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


def _array(value: Any, what: str) -> np.ndarray:
    source = np.asarray(value)
    if source.dtype not in (np.float64, np.float32) and not np.issubdtype(source.dtype, np.integer):
        raise ValueError(f"{what} must be an array of real numbers, got {source.dtype}")
    array = np.array(source, dtype=np.float64, order="C")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} has {np.count_nonzero(~np.isfinite(array))} values that are NaN or infinite")
    return array
