"""The networks of the neural baselines: a perceptron, and PINNsFormer (Zhao, Ding, Prakash, ICLR 2024).

Both take sequences of points, whose last coordinate is the time:

    (x, t), (x, t + Δ), …, (x, t + (k−1)Δ)      a perceptron has k = 1

and give values u and time derivatives du/dt, or derivatives along another direction of (x, t), (N, k, inputs) →
(N, k, outputs) twice.

PINNsFormer, with the activation σ(z) = ω1 sin z + ω2 cos z of learned ω (one pair for each use):

    e_0 = E (x, t)                                                                  embedding, d wide
    e   = e_0 + attention(σ e_0, σ e_0),    e = σ(e + feed(σ e))                    encoder
    d   = e_0 + attention(σ e_0, e),        d = σ(d + feed(σ d))                    decoder
    u   = output perceptron of d

N points, k elements of a sequence, d = d_model
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.functional import linear

FIRST_BIAS = 0.01  # with Xavier's weights, as the PINNsFormer paper starts both of its networks
Dual = tuple[torch.Tensor, torch.Tensor]  # values and their time derivatives, by forward mode; of one shape


class Wave(nn.Module):
    """ω1 sin z + ω2 cos z."""

    def __init__(self) -> None:
        super().__init__()
        self.omega = nn.Parameter(torch.ones(2))

    def forward(self, z: torch.Tensor, dz: torch.Tensor) -> Dual:
        sin, cos = torch.sin(z), torch.cos(z)
        return self.omega[0] * sin + self.omega[1] * cos, (self.omega[0] * cos - self.omega[1] * sin) * dz


class Tanh(nn.Module):
    def forward(self, z: torch.Tensor, dz: torch.Tensor) -> Dual:
        a = torch.tanh(z)
        return a, (1.0 - a * a) * dz


class Linear(nn.Linear):
    def forward(self, z: torch.Tensor, dz: torch.Tensor) -> Dual:  # type: ignore[override]
        return linear(z, self.weight, self.bias), linear(dz, self.weight)


class Layers(nn.Sequential):
    """Linear layers of widths[0] → … → widths[-1], with the activation between them."""

    def __init__(self, widths: Sequence[int], activation: Callable[[], nn.Module]) -> None:
        layers: list[nn.Module] = []
        for wide, next_wide in pairwise(widths):
            layers += [Linear(wide, next_wide), activation()]
        super().__init__(*layers[:-1])

    def forward(self, z: torch.Tensor, dz: torch.Tensor) -> Dual:  # type: ignore[override]
        for layer in self:
            z, dz = layer(z, dz)
        return z, dz


class Perceptron(nn.Module):
    """The network of a vanilla PINN: tanh layers."""

    kind = "pinn"

    def __init__(self, inputs: int, outputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.shape = {"inputs": inputs, "outputs": outputs, "widths": list(widths)}
        self.layers = Layers([inputs, *widths, outputs], Tanh)

    def sequence(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, inputs) as sequences of one, (N, 1, inputs)."""
        return points[:, None]

    def forward(self, sequence: torch.Tensor, along: torch.Tensor | None = None) -> Dual:
        return self.layers(sequence, direction(sequence, along))


class Attention(nn.Module):
    """Multi-head attention of queries (N, k, d) to sources (N, k, d)."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (Linear(d, d) for _ in range(4))

    def forward(self, queries: Dual, sources: Dual) -> Dual:
        q, dq = self.split(self.query(*queries))
        k, dk = self.split(self.key(*sources))
        v, dv = self.split(self.value(*sources))
        scale = 1.0 / math.sqrt(q.shape[-1])
        share = torch.softmax(scale * q @ k.mT, dim=-1)  # (N, heads, k, k)
        dscores = scale * (dq @ k.mT + q @ dk.mT)
        dshare = share * (dscores - (share * dscores).sum(dim=-1, keepdim=True))
        return self.out(*(z.transpose(1, 2).flatten(-2) for z in (share @ v, dshare @ v + share @ dv)))

    def split(self, dual: Dual) -> list[torch.Tensor]:
        """(N, heads, k, d / heads) each."""
        return [z.unflatten(-1, (self.heads, -1)).transpose(1, 2) for z in dual]


class Layer(nn.Module):
    """One layer of encoder or decoder; the encoder's source is its own input."""

    def __init__(self, d: int, heads: int, feed: int) -> None:
        super().__init__()
        self.attention = Attention(d, heads)
        self.feed = Layers([d, feed, feed, d], Wave)
        self.before_attention, self.before_feed = Wave(), Wave()

    def forward(self, dual: Dual, encoded: Dual | None = None) -> Dual:
        active = self.before_attention(*dual)
        dual = plus(dual, self.attention(active, active if encoded is None else encoded))
        return plus(dual, self.feed(*self.before_feed(*dual)))


def plus(a: Dual, b: Dual) -> Dual:
    return a[0] + b[0], a[1] + b[1]


def direction(sequence: torch.Tensor, along: torch.Tensor | None) -> torch.Tensor:
    """d(x, t)/dt, or `along` (inputs,): all elements of a sequence move together, as the solution's slope has it."""
    moved = torch.zeros_like(sequence)
    if along is None:
        moved[..., -1] = 1.0
        return moved
    return moved + along


class PINNsFormer(nn.Module):
    """Pseudo-sequences through an encoder and a decoder of one layer each."""

    kind = "pinnsformer"

    def __init__(
        self, inputs: int, outputs: int, d_model: int, heads: int, feed: int, hidden: int, k: int, step: float
    ) -> None:
        super().__init__()
        self.shape: dict[str, Any] = {
            "inputs": inputs, "outputs": outputs, "d_model": d_model, "heads": heads, "feed": feed, "hidden": hidden,
            "k": k, "step": step,
        }  # fmt: skip
        self.embedding = Linear(inputs, d_model)
        self.encoder, self.decoder = Layer(d_model, heads, feed), Layer(d_model, heads, feed)
        self.after_encoder, self.after_decoder = Wave(), Wave()
        self.output = Layers([d_model, hidden, hidden, outputs], Wave)

    def sequence(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, inputs) and their followers in time, (N, k, inputs)."""
        k = self.shape["k"]
        followers = points[:, None].repeat(1, k, 1)
        followers[..., -1] += self.shape["step"] * torch.arange(k, dtype=points.dtype, device=points.device)
        return followers

    def forward(self, sequence: torch.Tensor, along: torch.Tensor | None = None) -> Dual:
        embedded = self.embedding(sequence, direction(sequence, along))
        encoded = self.after_encoder(*self.encoder(embedded))
        return self.output(*self.after_decoder(*self.decoder(embedded, encoded)))


Net = Perceptron | PINNsFormer
KINDS: dict[str, type[Net]] = {net.kind: net for net in (Perceptron, PINNsFormer)}


def create(kind: str, seed: int, dtype: torch.dtype, device: torch.device, **shape: Any) -> Net:
    """A network with its first weights, which are the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = KINDS[kind](**shape)
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.constant_(layer.bias, FIRST_BIAS)
    return network.to(dtype=dtype, device=device)
