"""A body of several inputs in PyTorch, with partial derivatives by forward mode.

    s = s(z),  ∂s/∂z_a,  ∂²s/∂z_a²                               inputs of field_body.py
    v_l = W_l h_{l−1} + b_l,   h_l = σ(v_l)
    ∂_a h_l = σ' ∂_a v_l,   ∂_a∂_b h_l = σ'' ∂_a v_l ∂_b v_l + σ' ∂_a∂_b v_l

N points, d + 1 coordinates with time the last, m features; J parts: the value and the derivatives that the wanted ones
need, which go through a layer's weights in one product. Everything is float64 and lives on one device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from ..features.field_body import FieldBody
from .network import activate, arrays, map_input, parameters

Partial = tuple[int, ...]  # how often to differentiate in each coordinate, at most twice in all


class FieldNetwork(torch.nn.Module):
    """Trainable copy of a body of several inputs."""

    def __init__(self, body: FieldBody, device: torch.device) -> None:
        super().__init__()
        self.body = body
        self.weights, self.biases = parameters(body.weights, device), parameters(body.biases, device)
        self.device = device

    def forward(self, points: torch.Tensor, partials: Sequence[Partial], kappa: float = 1.0) -> list[torch.Tensor]:
        """For each partial ∂h(z with time times kappa), (N, m), at points (N, d + 1); derivatives are in time itself.

        Errors: ValueError for a partial that is not d + 1 exponents with a sum of at most 2.
        """
        orders = [_differentiated(partial, len(self.body.coordinates)) for partial in partials]
        first = sorted({c for order in orders for c in order})
        second = sorted({order for order in orders if len(order) == 2})
        parts = [(), *((c,) for c in first), *second]
        h = self._inputs(points, parts, kappa)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            v = dict(zip(parts, (h @ weight.T).unbind(), strict=True))
            value, slope, curvature = _activation_jet(self.body.activation, v[()] + bias, bool(second))
            layer = [value, *(slope * v[c,] for c in first)]
            layer += [curvature * (v[a,] * v[b,]) + slope * v[a, b] for a, b in second]
            h = torch.stack(layer)  # (J, N, width)
        return [h[parts.index(order)] for order in orders]

    def export(self, history: dict[str, Any] | None = None) -> FieldBody:
        """The body with the present weights."""
        body = self.body
        options = (body.inputs, body.coordinates, body.activation, body.tau, history)
        return FieldBody(arrays(self.weights), arrays(self.biases), *options)

    def _inputs(self, points: torch.Tensor, parts: list[tuple[int, ...]], kappa: float) -> torch.Tensor:
        """The first layer's columns and their derivatives, (J, N, columns)."""
        columns = []
        for c, kind in self.body.numbered_inputs():
            rate = kappa if c == len(self.body.coordinates) - 1 else 1.0
            for value, first, second in _input_jets(kind, self.body.tau, rate * points[:, c]):
                jet = {(): value, (c,): rate * first, (c, c): rate**2 * second}
                zero = torch.zeros_like(value)
                columns.append(torch.stack([jet.get(part, zero) for part in parts]))  # (J, N)
        return torch.stack(columns, dim=-1)


def _differentiated(partial: Partial, coordinates: int) -> tuple[int, ...]:
    """The coordinates in which a partial differentiates, increasing."""
    if len(partial) != coordinates or min(partial) < 0 or sum(partial) > 2:
        raise ValueError(
            f"a partial must be {coordinates} exponents, none negative, with a sum of at most 2, got {tuple(partial)!r}"
        )
    return tuple(c for c, exponent in enumerate(partial) for _ in range(exponent))


def _input_jets(kind: str, tau: float, z: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Of each column of an input its value and first and second derivative in z (N,)."""
    if kind == "periodic":
        omega = 2.0 * math.pi
        cosine, sine = torch.cos(omega * z), torch.sin(omega * z)
        return [
            (cosine, -omega * sine, -(omega**2) * cosine),
            (sine, omega * cosine, -(omega**2) * sine),
        ]
    s, ds = map_input(kind, tau, z)
    return [(s, ds, torch.zeros_like(z) if kind == "plain" else -ds / (tau + z))]


def _activation_jet(name: str, v: torch.Tensor, twice: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """σ(v), σ'(v), and σ''(v) where it is needed."""
    value, slope = activate(name, v)
    if not twice:
        return value, slope, value
    if name == "tanh":
        return value, slope, -2.0 * value * slope
    if name == "sin":
        return value, slope, -value
    if name == "silu":
        sigmoid = torch.sigmoid(v)
        return value, slope, sigmoid * (1.0 - sigmoid) * (2.0 + v * (1.0 - 2.0 * sigmoid))
    raise AssertionError(f"every activation has its own second derivative, and {name!r} has none here")
