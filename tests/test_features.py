"""Bodies and dictionaries: features and their derivatives against automatic differentiation and exact polynomials."""

import itertools
import threading

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev

from stlfast._core import Body, Dictionary

TAU = 1e-3
GRID = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 150), np.linspace(0.01, 0.99, 60)])  # (N,)


def random_layers(seed, widths=(1, 64, 64, 24)):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(o, i)) * np.sqrt(2 / (i + o)) for i, o in itertools.pairwise(widths)]
    biases = [rng.uniform(-1, 1, size=o) for o in widths[1:]]
    weights[0] *= 4.0
    return weights, biases


def torch_features(weights, biases, activation, input, dilation):
    """The function x (N,) -> h(s(κ x)) (N, m) written with torch operations."""
    sigma = {"tanh": torch.tanh, "sin": torch.sin, "silu": torch.nn.functional.silu}[activation]

    def h(x):
        x = dilation * x
        s = torch.log1p(x / TAU) / np.log1p(1 / TAU) if input == "log" else x
        out = s[:, None]
        for weight, bias in zip(weights, biases, strict=True):
            out = sigma(out @ torch.from_numpy(weight).T + torch.from_numpy(bias))
        return out

    return h


def autograd(h, x):
    """Value, first and second derivative of every feature by reverse-mode differentiation, one feature at a time."""
    columns = []
    for j in range(h(torch.zeros(1, dtype=torch.float64)).shape[1]):
        points = torch.from_numpy(x).requires_grad_()
        value = h(points)[:, j]
        (first,) = torch.autograd.grad(value.sum(), points, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), points)
        columns.append(torch.stack([value, first, second]).detach().numpy())
    return np.stack(columns, axis=-1)  # (3, N, m)


@pytest.mark.parametrize("input", ["log", "plain"])
@pytest.mark.parametrize(
    ("activation", "dilations"),
    [("tanh", [1.0]), ("tanh", [1.0, 8.0, 64.0]), ("tanh", [4.0, 1024.0]), ("sin", [1.0]), ("silu", [1.0])],
)
def test_features_agree_with_autograd(activation, dilations, input):
    weights, biases = random_layers(seed=len(activation) + len(dilations))
    dictionary = Dictionary.from_body(Body(weights, biases, activation, input, TAU), dilations)
    got = np.stack(dictionary.evaluate(GRID, 2))  # (3, N, 1 + K width)

    constant = np.zeros((3, GRID.size, 1))
    constant[0] = 1.0
    dilated = [autograd(torch_features(weights, biases, activation, input, kappa), GRID) for kappa in dilations]
    expected = np.concatenate([constant, *dilated], axis=-1)

    assert got.shape == expected.shape == (3, GRID.size, dictionary.size)
    largest = np.abs(expected).max(axis=1)  # (3, m): of each feature and of each of its derivatives
    error = np.abs(got - expected).max(axis=1)
    assert (error <= 1e-12 * largest).all()


def test_fewer_derivatives_give_the_same_numbers():
    dictionary = Dictionary.from_body(Body(*random_layers(3), "tanh", "log", TAU), [1.0, 8.0])
    all_three = dictionary.evaluate(GRID, 2)
    for derivatives in (0, 1):
        some = dictionary.evaluate(GRID, derivatives)
        assert len(some) == derivatives + 1
        assert all(np.array_equal(a, b) for a, b in zip(some, all_three, strict=False))


def test_a_point_does_not_depend_on_its_neighbours():
    dictionary = Dictionary.from_body(Body(*random_layers(4), "tanh", "log", TAU), [1.0, 8.0])
    (together,) = dictionary.evaluate(GRID)
    alone = np.concatenate([dictionary.evaluate(GRID[i : i + 1])[0] for i in range(GRID.size)])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-14)


def test_constant_is_optional():
    body = Body(*random_layers(5), "tanh", "log", TAU)
    with_constant = Dictionary.from_body(body, [1.0])
    without = Dictionary.from_body(body, [1.0], constant=False)
    assert (with_constant.size, without.size, body.width) == (25, 24, 24)
    assert np.array_equal(with_constant.evaluate(GRID)[0][:, 1:], without.evaluate(GRID)[0])


@pytest.mark.parametrize("input", ["log", "plain"])
@pytest.mark.parametrize("m", [1, 2, 3, 61])
def test_chebyshev_agrees_with_numpy(m, input):
    got = Dictionary.chebyshev(m, input, TAU).evaluate(GRID, 2)
    if input == "log":
        scale = np.log1p(1 / TAU)
        z = 2 * np.log1p(GRID / TAU) / scale - 1
        dz, ddz = 2 / ((TAU + GRID) * scale), -2 / ((TAU + GRID) ** 2 * scale)
    else:
        z, dz, ddz = 2 * GRID - 1, np.full_like(GRID, 2.0), np.zeros_like(GRID)
    dz, ddz = dz[:, None], ddz[:, None]
    in_z = [np.stack([chebyshev.Chebyshev.basis(k).deriv(d)(z) for k in range(m)], axis=-1) for d in range(3)]
    expected = [in_z[0], dz * in_z[1], dz**2 * in_z[2] + ddz * in_z[1]]
    for values, reference in zip(got, expected, strict=True):
        assert (np.abs(values - reference).max(axis=0) <= 1e-12 * np.abs(reference).max(axis=0)).all()


def test_chebyshev_is_exact_at_the_ends():
    k = np.arange(61.0)
    values, first, second = Dictionary.chebyshev(61, "plain").evaluate(np.array([0.0, 1.0]), 2)
    sign = (-1.0) ** k
    assert np.array_equal(values, [sign, np.ones(61)])
    assert np.array_equal(first, [-2 * sign * k**2, 2 * k**2])
    np.testing.assert_allclose(second, 4 / 3 * k**2 * (k**2 - 1) * np.array([sign, np.ones(61)]), rtol=1e-15)


def test_evaluation_from_several_threads():
    dictionary = Dictionary.from_body(Body(*random_layers(6), "tanh", "log", TAU), [1.0, 8.0, 64.0])
    expected = dictionary.evaluate(GRID, 2)
    results = [None] * 4

    def work(i):
        results[i] = dictionary.evaluate(GRID, 2)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert all(np.array_equal(a, b) for a, b in zip(result, expected, strict=True))


@pytest.mark.parametrize("activation", ["sin", "silu"])
def test_activations_that_do_not_saturate_are_not_dilated(activation):
    body = Body(*random_layers(7), activation, "log", TAU)
    with pytest.raises(ValueError, match=r"do not saturate.*use tanh or dilations=\[1\]"):
        Dictionary.from_body(body, [1.0, 8.0])


@pytest.mark.parametrize("dilations", [[], [0.0], [-1.0], [np.inf], [np.nan], [1.0, 8.0, 8.0]])
def test_invalid_dilations(dilations):
    with pytest.raises(ValueError, match="dilation"):
        Dictionary.from_body(Body(*random_layers(8), "tanh", "log", TAU), dilations)


def replaced(layer, kind, value):
    weights, biases = random_layers(9, widths=(1, 3, 2))
    {"weight": weights, "bias": biases}[kind][layer] = value
    return weights, biases


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        (([], []), ValueError, "0 weights and 0 biases"),
        ((random_layers(9)[0], random_layers(9)[1][:-1]), ValueError, "3 weights and 2 biases"),
        (replaced(0, "weight", np.ones((3, 2))), ValueError, r"layers.0.weight is \(3, 2\).*one input"),
        (replaced(1, "weight", np.ones((2, 4))), ValueError, r"layers.1.weight is \(2, 4\), expected \(width, 3\)"),
        (replaced(1, "weight", np.ones((0, 3))), ValueError, r"layers.1.weight is \(0, 3\)"),
        (replaced(1, "bias", np.ones(3)), ValueError, "layers.1.bias has 3 entries, expected 2"),
        (replaced(0, "weight", np.full((3, 1), np.nan)), ValueError, "layers.0 .*not finite"),
        (replaced(1, "bias", np.array([0.0, np.inf])), ValueError, "layers.1 .*not finite"),
        (replaced(0, "weight", np.ones((3, 1), np.float32)), TypeError, r"weights\[0\] has dtype float32"),
        (replaced(0, "bias", [0.0, 0.0, 0.0]), TypeError, r"biases\[0\] is a list"),
        (replaced(1, "weight", np.ones((3, 2)).T), ValueError, r"weights\[1\] is not C-contiguous"),
        (replaced(1, "bias", np.ones((2, 1))), ValueError, r"biases\[1\] has 2 dimensions, expected 1"),
    ],
)
def test_invalid_layers(layers, error, message):
    with pytest.raises(error, match=message):
        Body(*layers, "tanh", "log", TAU)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("relu", "log", TAU), 'activation is "relu", expected "tanh", "sin" or "silu"'),
        (("tanh", "sqrt", TAU), 'input is "sqrt", expected "log" or "plain"'),
        *((("tanh", "log", tau), "tau is .*positive") for tau in (0.0, -1.0, np.inf, np.nan, 1e-320)),
    ],
)
def test_invalid_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Body(*random_layers(10), *settings)


@pytest.mark.parametrize(
    ("x", "derivatives", "error", "message"),
    [
        (np.array([0.1, np.nan]), 0, ValueError, "finite"),
        (np.array([np.inf]), 0, ValueError, "finite"),
        (np.array([-1e-9]), 0, ValueError, "not negative"),
        (np.zeros(3), 3, ValueError, "derivatives is 3, expected 0, 1 or 2"),
        (np.zeros(3), -1, ValueError, "derivatives is -1"),
        (np.zeros(3, np.float32), 0, TypeError, "x has dtype float32, expected float64"),
        ([0.0], 0, TypeError, "x is a list"),
        (np.zeros((3, 1)), 0, ValueError, "x has 2 dimensions, expected 1"),
        (np.zeros(6)[::2], 0, ValueError, "ascontiguousarray"),
    ],
)
def test_invalid_points(x, derivatives, error, message):
    for dictionary in (
        Dictionary.from_body(Body(*random_layers(11), "tanh", "log", TAU), [1.0]),
        Dictionary.chebyshev(5),
    ):
        with pytest.raises(error, match=message):
            dictionary.evaluate(x, derivatives)


def test_chebyshev_needs_a_polynomial():
    with pytest.raises(ValueError, match="m is 0, expected at least 1"):
        Dictionary.chebyshev(0)


def test_no_points():
    assert [a.shape for a in Dictionary.chebyshev(5).evaluate(np.zeros(0), 2)] == [(0, 5)] * 3
