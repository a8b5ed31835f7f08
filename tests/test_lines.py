"""Reference solutions of PDE families against exact ones; spectral grids; what the method of lines refuses."""

import warnings

import numpy as np
import pytest
import scipy.linalg
import sympy as sp
from test_pde_family import PERIODIC, A, T, U, V, W, X, Y, front, make, make2

from stlfast import Dirichlet, Inflow, Neumann, PDEFamily, Periodic, Range, families
from stlfast.equations.pde import characteristics
from stlfast.equations.pde.data import boundary_data, initial_data
from stlfast.equations.pde.lines import Lines
from stlfast.equations.pde.spectral import Grid, fourier_interpolation

AT = {"alpha": 3.0, "E": 1.0}
TIMES = np.array([0.0, 0.07, 0.5])
SPACE = np.linspace(0.0, 1.0, 23)


def expected(family, exact, outputs, params):
    """Expressions (n) on the tensor grid of the outputs x…, t: (n, …)."""
    symbols = sp.symbols([*family.coordinates, family.time, *params])
    at = np.meshgrid(*outputs, indexing="ij")
    return np.array([np.broadcast_to(f, at[0].shape) for f in sp.lambdify(symbols, exact)(*at, *params.values())])


# ---------------------------------------------------------------------------------------------------------- grids
@pytest.mark.parametrize("periodic", [True, False])
def test_grids_differentiate_and_interpolate_to_rounding(periodic):
    grid = Grid(0.5, 2.5, 41, periodic)

    def f(x):
        return np.exp(np.sin(np.pi * x))

    x = grid.points
    slope = np.pi * np.cos(np.pi * x) * f(x)
    curvature = np.pi**2 * (np.cos(np.pi * x) ** 2 - np.sin(np.pi * x)) * f(x)
    np.testing.assert_allclose(grid.differentiation(1) @ f(x), slope, atol=1e-9)
    np.testing.assert_allclose(grid.differentiation(2) @ f(x), curvature, atol=2e-7)
    inner = np.append(np.linspace(0.5, 2.5, 40), x[3])
    np.testing.assert_allclose(grid.interpolation(inner) @ f(x), f(inner), atol=1e-11)
    assert grid.unresolved(f(x)) < 1e-9
    assert grid.unresolved(np.abs(x - 1.3)) > 1e-4


def test_derivatives_on_many_points_keep_their_digits():
    grid = Grid(0.0, 1.0, 129, False)
    np.testing.assert_allclose(
        grid.differentiation(2) @ np.sin(3 * grid.points), -9 * np.sin(3 * grid.points), atol=1e-6
    )


@pytest.mark.parametrize("N", [8, 9])
def test_fourier_interpolation(N):
    points, x = np.arange(N) / N + 0.01, np.linspace(-1, 2, 50)
    matrix = fourier_interpolation(points, 1.0, x)
    wave = lambda s: 1 + np.cos(2 * np.pi * 3 * s + 0.2)  # noqa: E731
    np.testing.assert_allclose(matrix @ wave(points), wave(x), atol=1e-13)


# ------------------------------------------------------------------------------------------------- exact solutions
@pytest.mark.parametrize("alpha", [1.0, 30.0, 1000.0])
def test_advection_reaction(alpha):
    family, R0 = families.advection_reaction(), np.array([[-1.0, 0.5], [1.0, -0.5]])
    result = family.reference(x=SPACE, t=TIMES, cells=40, alpha=alpha)
    assert result.shape == (2, len(SPACE), len(TIMES))
    for k, t in enumerate(TIMES):
        z = 2 * np.pi * (SPACE - t)
        exact = scipy.linalg.expm(alpha * t * R0) @ np.array([1 + np.sin(z) / 2, 0.5 + np.cos(z) / 4])
        np.testing.assert_allclose(result[:, :, k], exact, atol=1e-6)


def everything():
    """A plane with coefficients of space and time, nonlinear terms and all kinds of conditions, from w = xy + 1."""
    boundary = [Neumann(X, "low", [Y]), Dirichlet(X, "high", [Y + 1]), Inflow(Y, "low", [1])]
    rhs = [(1 + T * X) * W.diff(X, 2) - (1 + X) * W.diff(Y) + A * W**2 - sp.exp(W) * T]
    return make2(rhs, boundary=boundary, initial=[X * Y + 1])


def test_the_jacobian_is_the_derivative():
    family, p, h = everything(), np.array([3.0, 1.0]), 1e-6
    start = initial_data(family, None, p)
    data = boundary_data(family, None, None, start, p)
    system = Lines(family, p, [Grid(0, 1, 6, False), Grid(0, 2, 5, False)], data)
    v, directions = np.random.default_rng(8).uniform(0.5, 1.5, len(system.free)), np.eye(len(system.free))
    differences = [(system.rhs(0.7, v + h * e) - system.rhs(0.7, v - h * e)) / (2 * h) for e in directions]
    np.testing.assert_allclose(system.jac(0.7, v), np.transpose(differences), atol=1e-6)


@pytest.mark.parametrize("method", ["LSODA", "Radau", "BDF"])
def test_heat_equation_by_each_method(method):
    """Dirichlet and Neumann: u = 1 + x + e^{−(π/2)² t − 3 t} sin πx/2 of u_t = u_xx + 3 (1 + x − u)."""
    exact = 1 + X + sp.exp(-(sp.pi**2 / 4 + A) * T) * sp.sin(sp.pi * X / 2)
    family = make(
        [U.diff(X, 2) + A * (1 + X - U)], initial=[exact.subs(T, 0)],
        boundary=[Dirichlet(X, "low", [1]), Neumann(X, "high", [1])],
    )  # fmt: skip
    result = family.reference(x=SPACE, t=TIMES, method=method, cells=21, rtol=1e-7, atol=1e-9, **AT)
    np.testing.assert_allclose(result, expected(family, [exact], (SPACE, TIMES), AT), atol=2e-6)


def test_heat_equation_to_ten_digits():
    exact = sp.exp(-(sp.pi**2) * T) * sp.cos(sp.pi * X)
    family = make([U.diff(X, 2)], initial=[exact.subs(T, 0)], boundary=[Neumann(X, s, [0]) for s in ("low", "high")])
    result = family.reference(x=SPACE, t=TIMES, cells=21, rtol=1e-12, atol=1e-13, **AT)
    np.testing.assert_allclose(result, expected(family, [exact], (SPACE, TIMES), AT), atol=1e-10)


@pytest.mark.parametrize(("r", "accuracy"), [(5.0, 1e-9), (20.0, 1e-8), (50.0, 2e-6)])
def test_travelling_wave_of_fisher_kpp(r, accuracy):
    """Ahead of the front u = 0 is unstable: rounding grows as e^{r t}."""
    symbol = sp.Symbol("r")
    (exact,) = front()
    family = PDEFamily(
        name="front", t=T, x=[X], u=[U], rhs=[U.diff(X, 2) / 100 + symbol * U * (1 - U)], domain={X: (0, 1)},
        t_span=(0, 1), stiffness=symbol, params={symbol: Range((1, 10), (1, 50))}, initial=[exact.subs(T, 0)],
        boundary=[Dirichlet(X, "low", [exact.subs(X, 0)]), Neumann(X, "high", [exact.diff(X).subs(X, 1)])],
    )  # fmt: skip
    result = family.reference(x=SPACE, t=TIMES, cells=97, rtol=1e-11, atol=1e-14, r=r)
    np.testing.assert_allclose(result, expected(family, [exact], (SPACE, TIMES), {"r": r}), rtol=0, atol=accuracy)


def test_coefficients_of_space_and_time_with_a_source():
    """u = cos(x + t) + 2, v = e^{−t} x² from a system with coupled derivatives; conditions that depend on t."""
    exact = [sp.cos(X + T) + 2, sp.exp(-T) * X**2]

    def linear(u, v):
        return [(1 + X) * u.diff(X, 2) + T * v.diff(X) - A * u, -(1 + T) * v.diff(X) + A * X * u - v]

    source = [s.diff(T) - f for s, f in zip(exact, linear(*exact), strict=True)]
    family = make(
        [f + b for f, b in zip(linear(U, V), source, strict=True)], u=(U, V), initial=[s.subs(T, 0) for s in exact],
        boundary=[
            Neumann(X, "low", [exact[0].diff(X).subs(X, 0), None]),
            Dirichlet(X, "high", [exact[0].subs(X, 1), None]),
            Inflow(X, "low", [None, 0]),
        ],
    )  # fmt: skip
    result = family.reference(x=SPACE, t=TIMES, cells=21, **AT)
    np.testing.assert_allclose(result, expected(family, exact, (SPACE, TIMES), AT), atol=1e-6)


def test_a_plane_with_conditions_on_all_sides():
    exact = sp.exp(-T) * sp.sin(X) * sp.cos(Y) + X * Y
    linear = lambda w: w.diff(X, 2) + w.diff(X, Y) / 2 + w.diff(Y, 2)  # noqa: E731
    rhs = linear(W) + exact.diff(T) - linear(exact) + W * (W - exact)
    family = make2(
        [rhs], initial=[exact.subs(T, 0)],
        boundary=[
            Dirichlet(X, "low", [exact.subs(X, 0)]), Neumann(X, "high", [exact.diff(X).subs(X, 1)]),
            Neumann(Y, "low", [exact.diff(Y).subs(Y, 0)]), Neumann(Y, "high", [exact.diff(Y).subs(Y, 2)]),
        ],
    )  # fmt: skip
    y = np.linspace(0, 2, 5)
    result = family.reference(x=SPACE, y=y, t=TIMES, cells=(9, 10), **AT)
    assert result.shape == (1, len(SPACE), len(y), len(TIMES))
    np.testing.assert_allclose(result, expected(family, [exact], (SPACE, y, TIMES), AT), atol=2e-6)


def test_modes_and_lines_agree_in_the_plane():
    family, at = families.advection_diffusion_reaction_2d(), {"x": SPACE[:7], "y": SPACE[3:9], "alpha": 20.0}
    modes = family.reference(t=TIMES, method="modes", **at)
    np.testing.assert_allclose(family.reference(t=TIMES, cells=8, **at), modes, atol=1e-6)
    assert np.ptp(modes[..., -1]) > 0.1


def test_modes_of_an_exact_solution():
    exact = sp.exp(-A * T) * (2 + sp.cos(2 * sp.pi * (X - T)) * sp.exp(-4 * sp.pi**2 * T))
    family = make([U.diff(X, 2) - U.diff(X) - A * U], initial=[exact.subs(T, 0)], boundary=[Periodic(X)])
    result = family.reference(x=SPACE, t=TIMES, method="modes", cells=9, **AT)
    np.testing.assert_allclose(result, expected(family, [exact], (SPACE, TIMES), AT), atol=1e-13)


# ----------------------------------------------------------------------------------------------------- what is given
def test_initial_and_inflow_values_of_the_user():
    family, alpha = families.advection_reaction(), 5.0
    p = family.check_params({"alpha": alpha})

    def g(x):
        return np.array([np.exp(-x), 2 + np.sin(3 * x)])

    def flow(t):
        return characteristics.solution(family, lambda x: g(x[0]), np.array([0 * t, t]), p)

    exact = np.stack([g(SPACE - 0.5)[0], g(SPACE - 0.5)[1]])
    exact = scipy.linalg.expm(alpha * 0.5 * np.array([[-1.0, 0.5], [1.0, -0.5]])) @ exact
    for inflow in (None, flow):
        result = family.reference(x=SPACE, t=np.array([0.5]), u0=g, inflow=inflow, cells=31, alpha=alpha)
        np.testing.assert_allclose(result[:, :, 0], exact, atol=1e-6)
    dense, times = np.linspace(0, 1, 200), np.linspace(0, 1, 300)
    sampled = family.reference(
        x=SPACE, t=np.array([0.5]), u0=(dense, g(dense)), boundary={("x", "low"): (times, flow(times))}, cells=31,
        alpha=alpha,
    )  # fmt: skip
    np.testing.assert_allclose(sampled[:, :, 0], exact, atol=1e-5)


def test_the_start_alone():
    family = families.fisher_kpp()
    result = family.reference(x=SPACE, t=[0.0], r=2.0)
    np.testing.assert_allclose(result[0, :, 0], (1 + np.cos(np.pi * SPACE)) / 4, atol=1e-13)
    assert family.reference(r=2.0).shape == (1, 65, 9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "Euler"}, "method must be one of"),
        ({"method": "modes"}, "periodic in all coordinates"),
        ({"x": [0.0, 2.0]}, r"x must lie in \[0, 1\]"),
        ({"x": [0.5, 0.2]}, "x must be an increasing array"),
        ({"t": [3.0]}, "t must lie in"),
        ({"t": 1.0}, r"increasing array of shape \(N,\)"),
        ({"y": SPACE}, "one space coordinate x"),
        ({"cells": 5.5}, "cells must be a whole number from 5"),
        ({"cells": 2}, "cells must be a whole number from 5"),
        ({"cells": (9, 9)}, "one for each of 1 axes"),
        ({"cells": 7000}, "unknowns, and dense matrices"),
        ({"u0": lambda x: 1 + 0 * x[None]}, "contradict each other at t = 0: u at"),
        ({"alpha": 1000.0}, "outside"),
    ],
)
def test_what_the_reference_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        make().reference(**{**AT, **changes})


def test_too_few_points_are_told():
    family = make([U.diff(X, 2) / 1000 - A * U], initial=[sp.sin(6 * sp.pi * X)])
    with pytest.warns(UserWarning, match=r"is not resolved in x: .* take more cells"):
        family.reference(t=[0.0, 0.01], cells=15, **AT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        family.reference(t=[0.0, 0.01], cells=41, **AT)


def test_periodic_planes_take_lines_too():
    result = make2([W.diff(X, 2) + W.diff(Y, 2) - W**2], boundary=PERIODIC, initial=[1]).reference(
        x=[0.3], y=[0.0, 0.4], t=[0.0, 1.0], cells=5, **AT
    )
    np.testing.assert_allclose(result[0, 0, :, 1], 0.5, atol=1e-7)  # w' = −w²


def test_times_just_after_the_start_and_numpys_integers():
    family = families.advection_reaction()
    u = family.reference(x=SPACE, t=[1e-300], cells=np.int64(33), alpha=2.0)
    np.testing.assert_allclose(u[:, :, 0], family.initial_at(SPACE[None], np.array([2.0])), atol=1e-6)
