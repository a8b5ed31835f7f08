"""Bodies: validation, files, and networks trained elsewhere."""

import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from stlfast import Body, FileFormatError, MissingFileError


def features(body, x):
    """h(x) (N, m), written down once more."""
    s = np.log(1 + x / body.tau) / np.log(1 + 1 / body.tau) if body.input == "log" else x
    activation = {"tanh": np.tanh, "sin": np.sin, "silu": lambda z: z / (1 + np.exp(-z))}[body.activation]
    a = s[:, None]
    for weight, bias in zip(body.weights, body.biases, strict=True):
        a = activation(a @ weight.T + bias)
    return a


def assert_same(one, other):
    assert one.sha256 == other.sha256
    assert (one.activation, one.input, one.tau, one.history) == (
        other.activation,
        other.input,
        other.tau,
        other.history,
    )


def test_random_bodies():
    body = Body.random((5, 4), "sin", "plain", seed=3)
    assert body.sizes == (1, 5, 4)
    assert body.m == 4
    assert_same(body, Body.random((5, 4), "sin", "plain", seed=3))
    assert body.sha256 != Body.random((5, 4), "sin", "plain", seed=4).sha256
    assert "1 → 5 → 4" in repr(body)


def test_first_layer_covers_the_interval():
    body = Body.random((32,))
    zeros = np.sort(-body.biases[0] / body.weights[0][:, 0])
    np.testing.assert_allclose(zeros, (np.arange(32) + 0.5) / 32)


@pytest.mark.parametrize("widths", [(), (0,), (3, -1), (2.5,)])
def test_random_refuses_widths(widths):
    with pytest.raises(ValueError, match="positive integers"):
        Body.random(widths)


def test_arrays_are_copied_and_read_only():
    weight = np.ones((3, 1), dtype=np.float32)
    body = Body([weight], [np.zeros(3)])
    weight[0] = 7
    assert body.weights[0].dtype == np.float64
    assert body.weights[0][0, 0] == 1.0
    for other in (body, pickle.loads(pickle.dumps(body))):
        with pytest.raises(ValueError, match="read-only"):
            other.weights[0][0, 0] = 2.0


W, B = [np.ones((3, 1)), np.ones((2, 3))], [np.zeros(3), np.zeros(2)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": []}, "as many biases as weights"),
        ({"biases": B[:1]}, "as many biases as weights"),
        ({"weights": [np.ones((3, 2)), W[1]]}, r"weights\[0\] must have shape \(out, 1\), got \(3, 2\)"),
        ({"weights": [W[0], np.ones((2, 4))]}, r"weights\[1\] must have shape \(out, 3\)"),
        ({"weights": [np.ones(3), W[1]]}, r"weights\[0\] must have shape"),
        ({"biases": [B[0], np.zeros(3)]}, r"biases\[1\] must have shape \(2,\)"),
        ({"weights": [np.full((3, 1), np.nan), W[1]]}, "3 values that are NaN or infinite"),
        ({"biases": [B[0], np.full(2, np.inf)]}, "NaN or infinite"),
        ({"weights": [np.ones((3, 1), dtype=complex), W[1]]}, "real numbers"),
        ({"weights": [np.array([["a"]]), W[1]]}, "real numbers"),
        ({"activation": "relu"}, "unknown activation 'relu'; known: tanh, sin, silu"),
        ({"input": "sqrt"}, "unknown input map"),
        ({"tau": 0.0}, "tau must be a positive number"),
        ({"tau": "x"}, "tau must be a positive number"),
        ({"tau": float("nan")}, "tau must be a positive number"),
        ({"input_range": (1.0, 0.0)}, "input_range must be increasing"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        Body(**{"weights": W, "biases": B, **arguments})


def test_input_range_is_folded_into_the_first_layer():
    rng = np.random.default_rng(0)
    weights, biases = [rng.normal(size=(4, 1))], [rng.normal(size=4)]
    x = np.linspace(0, 1, 9)
    folded = features(Body(weights, biases, input="plain", input_range=(-1.0, 3.0)), x)
    np.testing.assert_allclose(folded, np.tanh((-1 + 4 * x)[:, None] @ weights[0].T + biases[0]), rtol=1e-14)


# -------------------------------------------------------------------------------------------------------------- torch
class Sin(torch.nn.Module):
    def forward(self, x):
        return torch.sin(x)


@pytest.mark.parametrize(("module", "name"), [(torch.nn.Tanh, "tanh"), (torch.nn.SiLU, "silu"), (Sin, "sin")])
@pytest.mark.parametrize("head", [True, False])
def test_from_torch(module, name, head):
    generator = torch.Generator().manual_seed(0)
    layers = [torch.nn.Linear(1, 6), module(), torch.nn.Linear(6, 5, bias=False), module()]
    for parameter in torch.nn.Sequential(*layers).parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    network = torch.nn.Sequential(*layers, *([torch.nn.Linear(5, 2)] if head else [])).double()
    body = Body.from_torch(network, input="plain", input_range=(0.0, 10.0))
    x = np.linspace(0, 1, 11)
    expected = torch.nn.Sequential(*layers)(torch.tensor(10 * x)[:, None]).detach().numpy()
    assert body.activation == name
    np.testing.assert_allclose(features(body, x), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [torch.nn.Linear(1, 3)],
        [torch.nn.Tanh()],
        [torch.nn.Linear(1, 3), torch.nn.ReLU()],
        [torch.nn.Linear(1, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3), torch.nn.SiLU()],
        [torch.nn.Linear(1, 3), torch.nn.Linear(3, 3), torch.nn.Tanh()],
    ],
)
def test_other_architectures_are_named(layers):
    with pytest.raises(ValueError, match=r"must be a Sequential of Linear, activation, .* got \["):
        Body.from_torch(torch.nn.Sequential(*layers))


# -------------------------------------------------------------------------------------------------------------- files
def test_file_roundtrip(tmp_path):
    body = Body(W, B, "silu", "plain", 0.5, {"loss": [1.0, 0.5], "seed": 0})
    body.save(tmp_path / "body.safetensors")
    assert_same(body, Body.load(tmp_path / "body.safetensors"))
    assert sorted(load_file(tmp_path / "body.safetensors")) == [
        "layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight",
    ]  # fmt: skip
    assert os.listdir(tmp_path) == ["body.safetensors"]


def test_file_of_another_program(tmp_path):
    tensors = {"layers.0.weight": np.ones((3, 1), np.float32), "layers.0.bias": np.zeros(3, np.float32)}
    save_file(tensors, tmp_path / "other.safetensors")
    body = Body.load(tmp_path / "other.safetensors", activation="sin", input="plain", input_range=(0.0, 2.0))
    assert (body.activation, body.input, body.history) == ("sin", "plain", None)
    np.testing.assert_array_equal(body.weights[0], np.full((3, 1), 2.0))
    assert Body.load(tmp_path / "other.safetensors").activation == "tanh"


def test_interrupted_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "body.safetensors"
    old = Body.random((3,))
    old.save(path)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Body.random((4,)).save(path)
    assert_same(old, Body.load(path))
    assert os.listdir(tmp_path) == ["body.safetensors"]


def test_missing_file(tmp_path):
    for kind in (ValueError, FileNotFoundError, MissingFileError):
        with pytest.raises(kind, match=r"no file .*nothing\.safetensors"):
            Body.load(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 20, 150, -8])
def test_truncated_file(tmp_path, keep):
    path = tmp_path / "body.safetensors"
    Body.random((3, 2)).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match="not a complete safetensors file"):
        Body.load(path)


def test_other_files_are_no_bodies(tmp_path):
    path = tmp_path / "body.safetensors"
    path.write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(FileFormatError):
        Body.load(path)


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"layers.0.weight": np.ones((3, 1))}, {}, r"missing \['layers.0.bias'\]"),
        ({"layers.1.weight": np.ones((3, 1)), "layers.1.bias": np.ones(3)}, {}, r"unknown"),
        ({"layers.0.weight": np.full((3, 1), np.nan), "layers.0.bias": np.ones(3)}, {}, "NaN"),
        ({"layers.0.weight": np.ones((3, 1)), "layers.0.bias": np.ones(2)}, {}, "must have shape"),
        ({"layers.0.weight": np.ones((3, 1)), "layers.0.bias": np.ones(3), "head": np.ones(3)}, {}, "unknown"),
        ({"layers.0.weight": np.ones((3, 1)), "layers.0.bias": np.ones(3)}, {"activation": "eval"}, "activation"),
        ({"layers.0.weight": np.ones((3, 1)), "layers.0.bias": np.ones(3)}, {"tau": "1+1"}, "not valid JSON"),
        ({"layers.0.weight": np.ones((3, 1)), "layers.0.bias": np.ones(3)}, {"tau": '"1"'}, "tau"),
    ],
)
def test_broken_contents(tmp_path, tensors, metadata, message):
    save_file(tensors, tmp_path / "body.safetensors", metadata=metadata)
    with pytest.raises(FileFormatError, match=message):
        Body.load(tmp_path / "body.safetensors")


def test_layers_that_are_no_lists():
    with pytest.raises(ValueError, match="must be lists of arrays"):
        Body(5, 5)
