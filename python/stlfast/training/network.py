"""The body in PyTorch, with derivatives by forward mode, and instruction lists on tensors.

    s = s(x),  ds/dx                                         input map of body.py
    z_l = W_l a_{l−1} + b_l,   a_l = σ(z_l),   da_l/dx = σ'(z_l) (W_l da_{l−1}/dx)

Everything is float64 and lives on one device; PyTorch's global settings are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..equations.program import OPS
from ..features.body import Body

if TYPE_CHECKING:
    from ..equations.program import Instructions

TORCH_OPS: dict[str, Callable[..., torch.Tensor]] = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "neg": torch.neg, "pow": torch.pow,
    "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "tanh": torch.tanh, "abs": torch.abs, "sinh": torch.sinh, "cosh": torch.cosh, "asin": torch.asin,
    "acos": torch.acos, "atan": torch.atan, "asinh": torch.asinh, "acosh": torch.acosh, "atanh": torch.atanh,
    "erf": torch.erf, "atan2": torch.atan2,
}  # fmt: skip


def find_device(name: str) -> torch.device:
    """ "auto" is CUDA where there is one; ValueError for a device that cannot be used."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"unknown device {name!r}; use 'auto', 'cpu', 'cuda' or 'cuda:1'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device {name!r} is not there: PyTorch sees {torch.cuda.device_count()} CUDA devices; use 'cpu' or 'auto'"
        )
    return device


def evaluate(
    instructions: Instructions, x: torch.Tensor, params: torch.Tensor, states: torch.Tensor | None = None
) -> torch.Tensor:
    """Values (M, O, N) of an instruction list at x (N,) for M members with parameters (M, P).

    states: (M, n, N), for the lists of nonlinear terms alone.
    """
    shape = (len(params), len(x))
    functions = {number: TORCH_OPS[name] for name, number in OPS.items() if name in TORCH_OPS}  # all of smooth families
    registers = [x[None, :], *(() if states is None else states.unbind(dim=1)), *params.T[:, :, None]]
    registers += [torch.full((1, 1), c, dtype=x.dtype, device=x.device) for c in instructions.constants.tolist()]
    for op, a, b in instructions.code.tolist():
        registers.append(functions[op](registers[a]) if b < 0 else functions[op](registers[a], registers[b]))
    return torch.stack([registers[r].expand(shape) for r in instructions.outputs.tolist()], dim=1)


def parameters(arrays: Iterable[np.ndarray], device: torch.device) -> torch.nn.ParameterList:
    copies = [torch.tensor(array, dtype=torch.float64, device=device) for array in arrays]
    return torch.nn.ParameterList([torch.nn.Parameter(copy) for copy in copies])


def arrays(parameters: torch.nn.ParameterList) -> tuple[np.ndarray, ...]:
    return tuple(p.detach().cpu().numpy() for p in parameters)


def map_input(kind: str, tau: float, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """s and ds/dz of an input of the kind "log" or "plain", of z's shape."""
    if kind == "plain":
        return z, torch.ones_like(z)
    scale = 1.0 / math.log1p(1.0 / tau)
    return torch.log1p(z / tau) * scale, scale / (tau + z)


def activate(name: str, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """σ(z) and σ'(z)."""
    if name == "tanh":
        a = torch.tanh(z)
        return a, 1.0 - a * a
    if name == "sin":
        return torch.sin(z), torch.cos(z)
    if name == "silu":
        sigmoid = torch.sigmoid(z)
        return z * sigmoid, sigmoid * (1.0 + z * (1.0 - sigmoid))
    raise AssertionError(f"every activation has its own derivative, and {name!r} has none here")


class Network(torch.nn.Module):
    """Trainable copy of a body; calling it at x (N,) gives h and dh/dx, (N, m) each."""

    def __init__(self, body: Body, device: torch.device) -> None:
        super().__init__()
        self.body = body
        self.weights, self.biases = parameters(body.weights, device), parameters(body.biases, device)
        self.device = device

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, da = self.input_map(x)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            a, slope = activate(self.body.activation, torch.addmm(bias, a, weight.T))
            da = slope * (da @ weight.T)
        return a, da

    def input_map(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """s and ds/dx, (N, 1) each."""
        return map_input(self.body.input, self.body.tau, x[:, None])

    def export(self, history: dict[str, Any] | None = None) -> Body:
        """The body with the present weights."""
        body = self.body
        return Body(arrays(self.weights), arrays(self.biases), body.activation, body.input, body.tau, history)
