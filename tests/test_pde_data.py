"""Initial and boundary values as users give them: functions and samples, their accuracy, and every refusal."""

import numpy as np
import pytest
from test_pde_family import A, T, U, V, W, X, Y, make, make2

from stlfast import Dirichlet, Inflow, Neumann, Periodic
from stlfast.equations.pde.data import boundary_data, initial_data

P = np.array([2.0, 1.0])
PLAIN = make([U.diff(X, 2) - A * U, V.diff(X, 2)], u=(U, V))
AROUND = make([U.diff(X, 2) - A * U], boundary=[Periodic(X)])
PLANE = make2([W.diff(X, 2) + W.diff(Y, 2)], boundary=[Periodic(X), *(Dirichlet(Y, s, [0]) for s in ("low", "high"))])
INFLOW = make([-U.diff(X) - A * U, -V.diff(X)], u=(U, V), boundary=[Inflow(X, "low", [T, 1])])
BOX = make2([W.diff(X, 2) + W.diff(Y, 2)], boundary=[Dirichlet(c, s, [0]) for c in (X, Y) for s in ("low", "high")])
AT = np.random.default_rng(5).uniform(0, 1, (1, 30))


def g(x):
    return np.array([np.sin(2 * x) + x, np.exp(-x)])


def wave(x):
    return np.exp(np.sin(2 * np.pi * x))[None]


def test_functions_and_defaults():
    np.testing.assert_array_equal(initial_data(PLAIN, g, P)(AT), g(AT[0]))
    np.testing.assert_array_equal(initial_data(PLAIN, None, P)(AT), np.zeros((2, 30)))
    points = np.random.default_rng(1).uniform(0, 1, (2, 9))
    value = initial_data(PLANE, lambda x, y: (x - 3 * y)[None], P)(points)
    np.testing.assert_array_equal(value[0], points[0] - 3 * points[1])


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_samples_in_any_order(shape):
    x = np.random.default_rng(2).permutation(np.linspace(0, 1, 101))
    np.testing.assert_allclose(initial_data(PLAIN, (x.reshape(shape), g(x)), P)(AT), g(AT[0]), atol=1e-7)


def test_spline_is_of_fourth_order():
    errors = []
    for S in (33, 65):
        x = np.linspace(0, 1, S)
        errors.append(np.abs(initial_data(PLAIN, (x, g(x)), P)(AT) - g(AT[0])).max())
    assert 3.5 < np.log2(errors[0] / errors[1]) < 4.8


@pytest.mark.parametrize("end", [False, True], ids=["one end", "both ends"])
@pytest.mark.parametrize("S", [40, 41])
def test_uniform_periodic_samples_are_a_fourier_series(S, end):
    x = np.linspace(0, 1, S, endpoint=end) + (0.0 if end else 0.3 / S)
    value = initial_data(AROUND, (x, wave(x)), P)
    np.testing.assert_allclose(value(AT), wave(AT[0]), atol=1e-11)


def test_other_periodic_samples_are_a_spline_across_the_end():
    x = np.sort(np.random.default_rng(4).uniform(0, 1, 400))
    value = initial_data(AROUND, (x, wave(x)), P)
    near = np.linspace(0, 1, 200)[None]
    np.testing.assert_allclose(value(near), wave(near[0]), atol=2e-4)


def test_tensor_grids():
    x, y = np.arange(32) / 32, np.linspace(0, 2, 60)
    f = lambda x, y: wave(x) * np.cos(y)  # noqa: E731
    points = np.random.default_rng(3).permutation(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    at = np.random.default_rng(6).uniform(0, [[1], [2]], (2, 40))
    np.testing.assert_allclose(initial_data(PLANE, (points, f(*points.T)), P)(at), f(*at), atol=2e-6)


SCATTERS = {
    "box": ([], lambda x, y: np.exp(-((x - 0.4) ** 2) - (y - 0.7) ** 2) + x * y),
    "around x": ([Periodic(X)], lambda x, y: wave(x)[0] * np.cos(y)),
    "around both": ([Periodic(X), Periodic(Y)], lambda x, y: np.cos(2 * np.pi * (x + y)) + wave(y / 2)[0]),
}


@pytest.mark.parametrize("name", SCATTERS)
def test_scattered_samples_converge(name):
    around, f = SCATTERS[name]
    sides = [Dirichlet(c, s, [0]) for c in (X, Y) if Periodic(c) not in around for s in ("low", "high")]
    family = make2([W.diff(X, 2) + W.diff(Y, 2)], boundary=[*around, *sides])
    r = np.random.default_rng(11)
    corners = np.array([[0, 0], [1, 0], [0, 2], [1, 2]])[: len(sides)]
    ends = np.stack([r.integers(0, 2, 100), r.uniform(0, 2, 100)])  # at the two ends of x
    at = np.concatenate([r.uniform(0, [[1], [2]], (2, 1000)), ends], axis=1)
    errors = []
    for S in (300, 1200):  # half the distance
        points = np.concatenate([r.uniform(0, [1, 2], (S, 2)), corners])
        errors.append(np.abs(initial_data(family, (points, f(*points.T)[None]), P)(at)[0] - f(*at)).max())
    assert errors[1] < 4e-3
    assert 2.5 < np.log2(errors[0] / errors[1]) < 6


def test_both_ends_of_a_period_may_be_among_scattered_samples():
    points = np.concatenate([SCATTERED * [1, 2], ENDS])
    f = lambda x, y: (wave(x) * np.cos(y))[0]  # noqa: E731
    values = f(*points.T)[None]
    value = initial_data(PLANE, (points, values), P)
    np.testing.assert_allclose(value(points.T), values, atol=1e-9)
    low, high = (np.stack([np.full(50, end), np.linspace(0, 2, 50)]) for end in (0.0, 1.0))
    np.testing.assert_allclose(value(low), value(high), atol=5e-3)


def test_grids_with_rounded_coordinates_are_grids():
    r = np.random.default_rng(12)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(24) / 24, np.linspace(0, 2, 40)))
    points = np.stack([x, y], axis=1) + 1e-13 * r.uniform(0, 1, (960, 2))
    points[:, 1] = np.clip(points[:, 1], 0, 2)
    at = r.uniform(0, [[1], [2]], (2, 40))
    value = initial_data(PLANE, (points, wave(x) * np.cos(y)), P)
    np.testing.assert_allclose(value(at), wave(at[0]) * np.cos(at[1]), atol=5e-6)


def test_a_model_takes_scattered_samples(shipped_model):
    model = shipped_model("advection_diffusion_reaction_2d")
    f = lambda x, y: np.stack([1 + np.sin(2 * np.pi * x) / 2, np.cos(2 * np.pi * (x + y)) / 4])  # noqa: E731
    points = np.random.default_rng(14).uniform(0, 1, (900, 2))
    grid = {"x": [0.0, 0.3], "y": [0.5, 0.9], "t": [0.0, 0.1, 1.0]}
    sampled, exact = (model.solve(u0, alpha=30.0, **grid) for u0 in ((points, f(*points.T)), f))
    assert sampled.success
    np.testing.assert_allclose(sampled.u, exact.u, atol=1e-4)


SIDES = make2(
    [-W.diff(X) + W.diff(Y, 2)], boundary=[Inflow(X, "low", [0]), Dirichlet(Y, "low", [0]), Dirichlet(Y, "high", [0])]
)


@pytest.mark.parametrize("points", ["scattered", "grid"])
def test_sides_of_a_plane_from_samples(points):
    f = lambda x, y, t: np.exp(-(np.pi**2) / 4 * t) * np.cos(np.pi * y / 2) + x - t  # noqa: E731  the exact solution
    r, start = np.random.default_rng(13), np.linspace(0, 1, 25)

    def samples(high):
        if points == "grid":
            at = np.stack(np.meshgrid(high * start, 2 * start), axis=-1).reshape(-1, 2)
        else:
            at = np.concatenate([r.uniform(0, [high, 2], (900, 2)), [[0, 0], [high, 0], [0, 2], [high, 2]]])
        return at, at.T

    (a, (y, t)), (b, (x, s)) = samples(2), samples(1)
    boundary = {("x", "low"): (a, f(0, y, t)[None])} | {
        ("y", k): (b, f(x, e, s)[None]) for k, e in (("low", 0), ("high", 2))
    }
    out, times = (np.linspace(0.1, 0.9, 5), np.linspace(0.2, 1.8, 5)), [0.1, 0.7, 2.0]
    given = {"boundary": boundary, "u0": lambda x, y: f(x, y, 0)[None], "cells": 13, "rtol": 1e-5, "atol": 1e-7}
    u = SIDES.reference(*out, times, **given, alpha=1, E=1)
    exact = f(out[0][:, None, None], out[1][:, None], np.array(times))
    np.testing.assert_allclose(u[0], exact, atol=2e-3)


def test_boundary_values_of_functions_and_samples():
    start, t = initial_data(INFLOW, None, P), np.linspace(0, 2, 20)
    points = np.stack([0 * t, t])
    dense = np.linspace(0, 2, 200)
    np.testing.assert_array_equal(boundary_data(INFLOW, None, None, start, P)[0](points), [t, 1 + 0 * t])
    for given in (g, (dense, g(dense))):
        for inflow, boundary in ((given, None), (None, {("x", "low"): given}), (None, {(X, "low"): given})):
            (data,) = boundary_data(INFLOW, inflow, boundary, start, P)
            np.testing.assert_allclose(data(points), g(t), atol=1e-6)


def test_sides_of_a_plane_are_functions_of_the_other_coordinate_and_time():
    given = {("y", "high"): lambda x, t: (x + 10 * t)[None]}
    data = boundary_data(PLANE, None, given, initial_data(PLANE, None, P), P)
    assert data[0] is None
    assert data[1](np.array([[0.2], [0.0], [1.0]])).tolist() == [[0.0]]
    assert data[2](np.array([[0.2], [2.0], [1.0]])).tolist() == [[10.2]]


def test_a_side_with_two_conditions():
    mixed = [Dirichlet(X, "low", [0, None]), Neumann(X, "low", [None, 0]), Dirichlet(X, "high", [0, 0])]
    family = make([U.diff(X, 2) - A * U, V.diff(X, 2)], u=(U, V), boundary=mixed)
    start, given = initial_data(family, None, P), lambda t: t[None]
    data = boundary_data(family, None, {("x", "low", "neumann"): given, ("x", "low", "dirichlet"): given}, start, P)
    assert [float(values(np.array([[0.0], [0.5]]))[0, 0]) for values in data] == [0.5, 0.5, 0.0]
    with pytest.raises(ValueError, match=r"more than one condition; sides: .*'neumann'"):
        boundary_data(family, None, {("x", "low"): given}, start, P)


X10 = np.linspace(0, 1, 10)
SCATTERED = np.concatenate([np.random.default_rng(7).uniform(0, 1, (196, 2)), [[0, 0], [1, 0], [0, 1], [1, 1]]])
ENDS = np.array([[0, 0.7], [1, 0.7]])
MANY = np.random.default_rng(8).uniform(0, [1, 2], (5000, 2))
CROSS = np.array([[x, y] for y in (0, 2) for x in np.linspace(0, 1 - 0.01 * y, 12)])[1:]  # on two lines
GRID = np.stack(np.meshgrid(np.arange(5) / 5, np.linspace(0, 2, 4)), axis=-1).reshape(-1, 2)
BAD_INITIAL = [
    (PLAIN, 3.0, "u0 of 'test' must be a function, or samples"),
    (PLAIN, np.zeros((3, 10)), "must be a function, or samples"),
    (PLAIN, (X10, np.zeros((2, 9))), r"values must have shape \(2, 10\), got \(2, 9\)"),
    (PLAIN, (X10, np.zeros(10)), "values must have shape"),
    (PLAIN, (GRID, np.zeros((2, 20))), r"points must have shape \(S,\)"),
    (PLANE, (X10, np.zeros((1, 10))), r"points must have shape \(S, 2\)"),
    (PLAIN, (X10, np.full((2, 10), np.nan)), "values must be finite"),
    (PLAIN, (X10 + np.inf, np.zeros((2, 10))), "points must be finite"),
    (PLAIN, (X10, [["a"] * 10] * 2), "real numbers"),
    (PLAIN, (X10 * 0.9, np.zeros((2, 10))), r"cover \[0, 0.9\], but \[0, 1\] is needed; add samples"),
    (PLAIN, (X10[:3], np.zeros((2, 3))), "are 3 distinct ones"),
    (PLAIN, (np.append(X10, 0.0), np.zeros((2, 11))), "have a point twice"),
    (PLAIN, (np.append(X10, 1e-12), np.zeros((2, 11))), "almost the same at 0 twice"),
    (AROUND, (X10 / 2, np.zeros((1, 10))), "for one period"),
    (AROUND, (X10, X10[None]), "two ends of a periodic axis differ"),
    (PLANE, (np.append(GRID, GRID[3:4], axis=0), np.zeros((1, 21))), "points 3 and 20 are the same, x = 0.6, y = 0"),
    (PLANE, (GRID[:3] + GRID[4], np.zeros((1, 3))), "are 3 distinct ones"),
    (PLANE, (np.array([[0, 0], [0.5, 1], [0.7, 2]]), np.zeros((1, 3))), "3 scattered points; interpolation takes 6"),
    (PLANE, (np.zeros((0, 2)), np.zeros((1, 0))), "are 0 distinct ones"),
    (PLANE, (SCATTERED * [1.1, 2], np.zeros((1, 200))), r"the x of points must lie in \[0, 1\], one period"),
    (PLANE, (SCATTERED * [0.6, 2], np.zeros((1, 200))), r"no points with x in \(0.6, 1\), but one period is needed"),
    (
        PLANE,
        (SCATTERED * [1, 1.5], np.zeros((1, 200))),
        "do not reach the corner x = 0, y = 2, but the whole rectangle",
    ),
    (PLANE, (np.concatenate([SCATTERED * [1, 2], ENDS]), [[*[0] * 200, 1, 2]]), "two ends of a periodic axis differ"),
    (BOX, (np.stack([X10, 2 * X10], axis=1), np.zeros((1, 10))), "the points lie on one line"),
    (BOX, (CROSS, np.zeros((1, 23))), "the points lie on two lines"),
    (PLANE, (MANY, np.zeros((1, 5000))), r"5000 scattered points, 5\d\d\d with those that continue periodic axes"),
    (BOX, (SCATTERED[:150] * [1, 2], np.full((1, 150), np.inf)), "values must be finite"),
    (BOX, (SCATTERED[:150].T, np.zeros((1, 150))), r"points must have shape \(S, 2\), rows x, y, got \(2, 150\)"),
]


@pytest.mark.parametrize(("family", "given", "message"), BAD_INITIAL, ids=[m[:30] for _, _, m in BAD_INITIAL])
def test_broken_initial_values(family, given, message):
    with pytest.raises(ValueError, match=message):
        initial_data(family, given, P)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x, r"returned shape \(30,\) for 30 points, expected \(2, 30\)"),
        (lambda x: np.array([x, np.log(x - 2 * x)]) * np.nan, "is not finite at"),
        (lambda x: "no", "must be an array of real numbers"),
    ],
)
def test_functions_with_wrong_values(function, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        initial_data(PLAIN, function, P)(AT)


BAD_BOUNDARY = [
    (PLAIN, g, None, "one Inflow condition, 'test' has 0"),
    (PLAIN, None, g, "boundary must be a dict"),
    (
        PLAIN,
        None,
        {("x", "left"): g},
        r"key \('x', 'left'\), for which 'test' has no condition; sides: \('x', 'low', 'dirichlet'\)",
    ),
    (PLAIN, None, {"x": g}, "has no condition"),
    (AROUND, None, {("x", "low"): g}, "none, all axes are periodic"),
    (INFLOW, g, {("x", "low"): g}, "is given by inflow too"),
    (INFLOW, 1.0, None, "the inflow values of 'test' at x = 0 must be a function, or samples"),
    (INFLOW, (X10, g(X10)), None, r"the t of points cover \[0, 1\], but \[0, 2\] is needed"),
    (INFLOW, (2 * X10, g(X10)[:1]), None, r"values must have shape \(2, 10\), got \(1, 10\)"),
    (INFLOW, (SCATTERED, g(X10)), None, r"points must have shape \(S,\), the t, got \(200, 2\)"),
    (PLANE, None, {("y", "low"): (X10, X10[None])}, r"at y = 0: points must have shape \(S, 2\), rows x, t, got"),
    (PLANE, None, {("y", "low"): (SCATTERED, np.zeros((1, 200)))}, "do not reach the corner x = 0, t = 2"),
]


@pytest.mark.parametrize(("family", "inflow", "boundary", "message"), BAD_BOUNDARY)
def test_broken_boundary_values(family, inflow, boundary, message):
    with pytest.raises(ValueError, match=message):
        boundary_data(family, inflow, boundary, initial_data(family, None, P), P)


def test_characteristics_from_samples_say_what_they_lack():
    family = make([-U.diff(X) - A * U], boundary=[Inflow(X, "low", "characteristics")])
    start = initial_data(family, (X10, X10[None]), P)
    (data,) = boundary_data(family, None, None, start, P)
    with pytest.raises(ValueError, match=r"end at \[0, 1\], but a value at -0.5 is needed"):
        data(np.array([[0.0], [0.5]]))
