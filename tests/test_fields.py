"""Features of several variables: against automatic differentiation, differences in 60 digits, and polynomials."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev
from slow import field_feature

from stlfast import FileFormatError
from stlfast._core import FieldBody as CoreBody
from stlfast._core import FieldDictionary
from stlfast.features.field_body import FieldBody
from stlfast.training.field_network import FieldNetwork

NAMES = ("x", "y", "t")
INPUTS = (("x", "periodic"), ("y", "plain"), ("t", "log"), ("t", "plain"))
PARTIALS = [p for p in itertools.product(range(3), repeat=3) if sum(p) <= 2]  # all ten
BODY = FieldBody.random(INPUTS, (24, 16, 6), NAMES, seed=1)


def random_points(N=150, d=3, seed=0):
    points = np.random.default_rng(seed).uniform(size=(N, d))
    points[: N // 2, -1] **= 6  # early times, where the log map bends
    return points


def plain_network(body, kappa):
    """The function (N, d + 1) -> (N, m) written with torch operations."""
    sigma = {"tanh": torch.tanh, "sin": torch.sin, "silu": torch.nn.functional.silu}[body.activation]

    def h(points):
        z = dict(zip(body.coordinates, points.unbind(dim=1), strict=True))
        z[body.coordinates[-1]] = kappa * z[body.coordinates[-1]]
        columns = []
        for name, kind in body.inputs:
            if kind == "periodic":
                columns += [torch.cos(2 * np.pi * z[name]), torch.sin(2 * np.pi * z[name])]
            else:
                log = torch.log1p(z[name] / body.tau) / np.log1p(1 / body.tau)
                columns.append(log if kind == "log" else z[name])
        out = torch.stack(columns, dim=1)
        for weight, bias in zip(body.weights, body.biases, strict=True):
            out = sigma(out @ torch.tensor(weight).T + torch.tensor(bias))
        return out

    return h


def autograd(h, points, partials):
    """Partial derivatives of every feature by reverse-mode differentiation, one feature at a time: (P, N, m)."""
    results = []
    for partial in partials:
        z = torch.tensor(points, requires_grad=True)
        columns = []
        for value in h(z).T:
            for coordinate in np.repeat(np.arange(len(partial)), partial):
                (gradient,) = torch.autograd.grad(value.sum(), z, create_graph=True)
                value = gradient[:, coordinate]
            columns.append(value.detach().numpy())
        results.append(np.stack(columns, axis=1))
    return np.stack(results)


def assert_close(got, expected, tolerance=1e-12):
    largest = np.abs(expected).max(axis=1, keepdims=True)  # (P, 1, m): of each partial of each function
    assert (np.abs(np.asarray(got) - expected) <= tolerance * largest).all()


@pytest.mark.parametrize(("activation", "kappa"), [("tanh", 1.0), ("tanh", 64.0), ("sin", 1.0), ("silu", 1.0)])
def test_features_agree_with_autograd(activation, kappa):
    body = FieldBody(BODY.weights, BODY.biases, INPUTS, NAMES, activation)
    points = random_points()
    got = FieldDictionary.from_body(body.core(), [kappa], constant=False).evaluate(points, PARTIALS)
    assert_close(got, autograd(plain_network(body, kappa), points, PARTIALS))


@pytest.mark.parametrize("kappa", [1.0, 8.0])
def test_features_agree_with_differences_in_many_digits(kappa):
    body = FieldBody.random(INPUTS, (3, 2), NAMES, seed=2)
    points = random_points(3)
    got = FieldDictionary.from_body(body.core(), [kappa], constant=False).evaluate(points, PARTIALS)
    for values, partial in zip(got, PARTIALS, strict=True):
        exact = [[field_feature(body, j, z, partial, kappa) for j in range(2)] for z in points]
        np.testing.assert_allclose(values, exact, rtol=1e-12, atol=1e-13 * np.abs(exact).max())


def test_dilated_dictionary_and_fewer_partials():
    points = random_points()
    dictionary = FieldDictionary.from_body(BODY.core(), [1.0, 8.0])
    everything = dictionary.evaluate(points, PARTIALS)
    assert (dictionary.size, dictionary.coordinates) == (13, 3)
    for partial, values in zip(PARTIALS, everything, strict=True):
        (alone,) = dictionary.evaluate(points, [partial])
        np.testing.assert_allclose(alone, values, rtol=1e-13, atol=1e-13 * np.abs(values).max())
        assert (values[:, 0] == (sum(partial) == 0)).all()
    assert dictionary.evaluate(points, []) == []
    assert [a.shape for a in dictionary.evaluate(np.zeros((0, 3)), PARTIALS[:2])] == [(0, 13)] * 2


def test_periodic_inputs_and_axes_do_not_see_a_period():
    points = random_points()
    shifted = points + np.array([1.0, 0.0, 0.0])
    for dictionary in (
        FieldDictionary.from_body(BODY.core(), [1.0]),
        FieldDictionary.tensor([("periodic", 7), ("chebyshev", 3)], 4),
    ):
        here, there = (np.stack(dictionary.evaluate(at, PARTIALS)) for at in (points, shifted))
        assert_close(there, here, 1e-13)


def axis_functions(kind, size, z, tau):
    """Values and two derivatives of one coordinate's functions, (3, N, size), by NumPy's polynomials."""
    if kind == "periodic":
        wave = 2 * np.pi * ((np.arange(size) + 1) // 2)
        phase = z[:, None] * wave + np.where(np.arange(size) % 2 == 0, -np.pi / 2, 0.0)  # sin x = cos(x − π/2)
        phase[:, 0] = 0.0
        return np.stack([np.cos(phase), -wave * np.sin(phase), -(wave**2) * np.cos(phase)])
    s, ds, dds = 2 * z - 1, np.full_like(z, 2.0), np.zeros_like(z)
    if kind == "log":
        scale = 2 / np.log1p(1 / tau)
        s, ds, dds = scale * np.log1p(z / tau) - 1, scale / (tau + z), -scale / (tau + z) ** 2
    T = [np.stack([chebyshev.Chebyshev.basis(k).deriv(d)(s) for k in range(size)], axis=-1) for d in range(3)]
    return np.stack([T[0], ds[:, None] * T[1], ds[:, None] ** 2 * T[2] + dds[:, None] * T[1]])


def test_tensor_product_agrees_with_numpy():
    points, tau = random_points(), 1e-4
    kinds, sizes = ("periodic", "chebyshev", "log"), (6, 5, 7)
    dictionary = FieldDictionary.tensor([("periodic", 6), ("chebyshev", 5)], 7, tau)
    assert dictionary.size == 6 * 5 * 7
    axes = [axis_functions(k, n, z, tau) for k, n, z in zip(kinds, sizes, points.T, strict=True)]
    for partial, values in zip(PARTIALS, dictionary.evaluate(points, PARTIALS), strict=True):
        x, y, t = (axis[order] for axis, order in zip(axes, partial, strict=True))
        expected = np.einsum("na,nb,nc->nabc", x, y, t).reshape(len(points), -1)
        assert_close(values[None], expected[None], 1e-11)


def test_network_agrees_with_the_core():
    network = FieldNetwork(BODY, torch.device("cpu"))
    points = random_points()
    for kappa in (1.0, 8.0):
        values = network(torch.tensor(points), PARTIALS, kappa)
        core = FieldDictionary.from_body(BODY.core(), [kappa], constant=False).evaluate(points, PARTIALS)
        assert_close([v.detach().numpy() for v in values], np.stack(core))
    assert network.export().sha256 == BODY.sha256


def test_network_stays_on_its_device():
    network = FieldNetwork(
        BODY, torch.device("meta")
    )  # where a tensor of another device, or a copy to one, is an error
    values = network(torch.zeros((5, 3), dtype=torch.float64, device="meta"), PARTIALS, 8.0)
    assert {(value.device.type, value.shape) for value in values} == {("meta", (5, 6))}


@pytest.mark.parametrize("activation", ["tanh", "sin", "silu"])
def test_gradients_flow_to_the_weights(activation):
    body = FieldBody(BODY.weights, BODY.biases, INPUTS, NAMES, activation)
    network = FieldNetwork(body, torch.device("cpu"))
    points = torch.tensor(random_points(20))
    parameters = tuple(network.parameters())

    def loss():
        return sum(((k + 1) * v).square().mean() for k, v in enumerate(network(points, PARTIALS[:5])))

    gradients = torch.autograd.grad(loss(), parameters)
    generator = torch.Generator().manual_seed(0)
    directions = [torch.randn(p.shape, dtype=p.dtype, generator=generator) for p in parameters]
    slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)).item()
    losses, step = [], 1e-5
    with torch.no_grad():
        for sign in (1, -2):  # there and back past the start
            for p, d in zip(parameters, directions, strict=True):
                p += sign * step * d
            losses.append(loss().item())
    assert slope == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-6)


def test_first_layer_covers_the_box():
    body = FieldBody.random(INPUTS, (40,), NAMES, seed=3)
    weight, bias = body.weights[0], body.biases[0]
    np.testing.assert_allclose(np.linalg.norm(weight, axis=1), np.geomspace(1, 10, 40))
    # Each unit changes its sign within the box.
    corners = random_points(4000)
    columns = [np.cos(2 * np.pi * corners[:, 0]), np.sin(2 * np.pi * corners[:, 0]), corners[:, 1]]
    columns += [np.log1p(corners[:, 2] / body.tau) / np.log1p(1 / body.tau), corners[:, 2]]
    signs = np.sign(np.stack(columns, axis=1) @ weight.T + bias)
    assert (signs.min(axis=0) < signs.max(axis=0)).all()
    assert body.sha256 == FieldBody.random(INPUTS, (40,), NAMES, seed=3).sha256
    assert body.sha256 != FieldBody.random(INPUTS, (40,), NAMES, seed=4).sha256


def test_files_and_pickles(tmp_path):
    body = FieldBody(BODY.weights, BODY.biases, INPUTS, NAMES, "sin", 1e-4, {"steps": 3})
    body.save(tmp_path / "body.safetensors")
    for other in (FieldBody.load(tmp_path / "body.safetensors"), pickle.loads(pickle.dumps(body))):
        assert other.sha256 == body.sha256
        assert other.to_dict() == body.to_dict()
        with pytest.raises(ValueError, match="read-only"):
            other.weights[0][0, 0] = 2.0
    assert (body.m, body.sizes) == (6, (5, 24, 16, 6))
    assert "periodic x, plain y, log t, plain t → 5 → 24" in repr(body)
    meta, tensors = body.to_dict(), body.tensors()
    with pytest.raises(FileFormatError, match="does not say inputs"):
        FieldBody.from_parts({k: v for k, v in meta.items() if k != "inputs"}, tensors)
    with pytest.raises(FileFormatError, match=r"missing \['layers.2.bias'\]"):
        FieldBody.from_parts(meta, {k: v for k, v in tensors.items() if k != "layers.2.bias"})
    with pytest.raises(FileFormatError, match="the file's body is broken"):
        FieldBody.from_parts(meta | {"inputs": [["x", "plain"]]}, tensors)


def test_coordinates_by_number():
    assert FieldBody.random([(0, "plain"), (1, "log")], (3,)).inputs == (("x", "plain"), ("t", "log"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": INPUTS[:3]}, r"weights\[0\] must have shape \(out, 4\), got \(24, 5\)"),
        ({"inputs": INPUTS[:2]}, "no input for t"),
        ({"inputs": [("z", "plain")]}, "an input's coordinate is 'z'; the coordinates are x, y, t"),
        ({"inputs": [(3, "plain")]}, "an input's coordinate is 3"),
        ({"inputs": [("x", "sqrt")]}, "the input of x is 'sqrt'; known: plain, log, periodic"),
        ({"inputs": [("t", "periodic")]}, "the input of t, the time, is periodic"),
        ({"inputs": ["x"]}, "pairs"),
        ({"coordinates": ("x", "x")}, "different names"),
        ({"coordinates": "xyt"}, "different names"),
        ({"activation": "relu"}, "unknown activation"),
        ({"tau": 0.0}, "tau must be a positive number"),
    ],
)
def test_invalid_bodies(changes, message):
    with pytest.raises(ValueError, match=message):
        FieldBody(
            **({"weights": BODY.weights, "biases": BODY.biases, "inputs": INPUTS, "coordinates": NAMES} | changes)
        )


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "inputs is empty"),
        ([(0, "plain"), (2, "plain")], "coordinate 1 serves no input"),
        ([(0, "plain"), (1, "periodic")], "time, the last coordinate, is periodic"),
        ([(0, "sqrt")], "kind is \"sqrt\", expected \"plain\", \"log\" or \"periodic\""),
        ([(-1, "plain")], "coordinate is -1"),
        ([(0, "periodic"), (1, "log")], r"layers.0.weight is \(24, 5\), expected \(width, 3\): the inputs"),
    ],
)  # fmt: skip
def test_invalid_bodies_of_the_core(inputs, message):
    with pytest.raises(ValueError, match=message):
        CoreBody(list(BODY.weights), list(BODY.biases), "tanh", inputs)


@pytest.mark.parametrize(
    ("points", "partials", "error", "message"),
    [
        (np.zeros((3, 2)), [(0, 0, 0)], ValueError, "points has 2 columns, expected 3"),
        (np.array([[0.1, np.nan, 0.1]]), [(0, 0, 0)], ValueError, "coordinate 1 .*finite"),
        (np.array([[0.1, 0.1, -0.1]]), [(0, 0, 0)], ValueError, "coordinate 2 .*not negative"),
        (np.zeros((3, 3), np.float32), [(0, 0, 0)], TypeError, "points has dtype float32"),
        (np.zeros((3, 3)), [(0, 0)], ValueError, "2 exponents, expected 3"),
        (np.zeros((3, 3)), [(1, 1, 1)], ValueError, r"exponents \(1, 1, 1\).*at most 2"),
        (np.zeros((3, 3)), [(-1, 1, 1)], ValueError, r"exponents \(-1, 1, 1\)"),
    ],
)
def test_invalid_points_and_partials(points, partials, error, message):
    for dictionary in (
        FieldDictionary.from_body(BODY.core(), [1.0]),
        FieldDictionary.tensor([("periodic", 3), ("chebyshev", 3)], 4),
    ):
        with pytest.raises(error, match=message):
            dictionary.evaluate(points, partials)


def test_invalid_dictionaries_and_partials_of_networks():
    with pytest.raises(ValueError, match="do not saturate"):
        FieldDictionary.from_body(FieldBody(BODY.weights, BODY.biases, INPUTS, NAMES, "sin").core(), [8.0])
    with pytest.raises(ValueError, match='an axis of space is "log"'):
        FieldDictionary.tensor([("log", 3)], 4)
    with pytest.raises(ValueError, match="0 functions"):
        FieldDictionary.tensor([("periodic", 3)], 0)
    network = FieldNetwork(BODY, torch.device("cpu"))
    for partial in ((1, 1, 1), (0, 0), (3, -1, 0)):
        with pytest.raises(ValueError, match="a partial must be 3 exponents"):
            network(torch.zeros((1, 3), dtype=torch.float64), [partial])
