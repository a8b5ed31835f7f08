"""A body: hidden features of one input, frozen.

s(x)   input map, x ∈ [0, 1] scaled time:  "log"  s = log(1 + x/τ) / log(1 + 1/τ),   "plain"  s = x
a_0 = s,   a_l = σ(W_l a_{l−1} + b_l),   h(x) = a_L ∈ R^m       every layer ends in the activation σ
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np

from ..base import files as _files
from ..base.errors import FileFormatError
from ..base.names import public
from .layers import TAU, Layers, check_layers, check_options, check_widths, deeper_layers, slopes, split

INPUTS = ("log", "plain")


@public
@dataclass(frozen=True, eq=False, repr=False)
class Body(Layers):
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
        check_options(self.activation, self.tau)
        if self.input not in INPUTS:
            raise ValueError(f"unknown input map {self.input!r}; known: {', '.join(INPUTS)}")
        object.__setattr__(self, "tau", float(self.tau))
        weights, biases = check_layers(self.weights, self.biases, 1)
        if input_range is not None:
            low, high = input_range
            if not (np.isfinite([low, high]).all() and low < high):
                raise ValueError(f"input_range must be increasing and finite, got {input_range!r}")
            biases[0] = biases[0] + weights[0][:, 0] * low
            weights[0] = weights[0] * (high - low)
        self._freeze(weights, biases)

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
        check_widths(widths)
        rng = np.random.default_rng(seed)
        weight, bias = _first_layer(widths[0], rng)
        weights, biases = deeper_layers(widths, rng)
        return cls((weight, *weights), (bias, *biases), activation, input, tau)

    # ------------------------------------------------------------------------------------------------------ files
    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; together with `tensors` it is the whole body."""
        return {"activation": self.activation, "input": self.input, "tau": self.tau, "history": self.history}

    @classmethod
    def from_parts(cls, meta: dict[str, Any], tensors: dict[str, np.ndarray], **changes: Any) -> Body:
        """The body that `to_dict` and `tensors` describe; FileFormatError if anything is amiss."""
        options = {key: meta[key] for key in ("activation", "input", "tau", "history") if key in meta} | changes
        weights, biases = split(tensors)
        try:
            return cls(weights, biases, **options)
        except ValueError as error:
            raise FileFormatError(f"the file's body is broken: {error}") from error

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


def _first_layer(width: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Slopes on every scale of s ∈ [0, 1], each unit with its zero inside the interval."""
    slope = slopes(width) * rng.choice([-1.0, 1.0], width)
    zero = rng.permutation((np.arange(width) + 0.5) / width)
    return slope[:, None], -slope * zero
