"""Newton's method and chords for nonlinear families of PDEs, against the method of lines and exact solutions."""

import math
from functools import cache

import numpy as np
import pytest
import sympy as sp

from stlfast import Dirichlet, Neumann, PDEFamily, Periodic, Range, families
from stlfast._core import FieldDictionary
from stlfast.direct.pde.inputs import data_at
from stlfast.direct.pde.member import FieldMember, normal_solve
from stlfast.direct.pde.newton import PDENewton
from stlfast.direct.pde.rows import physical
from stlfast.direct.pde.tensor import tensor_points

X, T, R = sp.symbols("x t r")
U, V = (sp.Function(name)(X, T) for name in "uv")
SPACE, TIME, TAU = 12, 14, 0.3


def solver(family, space=SPACE, time=TIME):
    kinds = ["periodic" if around else "chebyshev" for around in family.periodic]
    functions = FieldDictionary.tensor([(kind, space) for kind in kinds], time, TAU)
    return PDENewton(family, functions, tensor_points(family, (space,) * family.d, time, TAU))


@cache
def fisher():
    return solver(families.fisher_kpp())


def solve(newton, r, method="newton", u0=None, **options):
    p = np.array([r])
    return newton.solve(p, data_at(newton.family, newton.points, p, u0, None, None, False), method, **options)


def raised(x):
    return np.stack([0.5 + 0.2 * np.cos(np.pi * x)])


def error(newton, answer, r, u0=None):
    """The largest error on a grid, against the method of lines."""
    x, t = np.linspace(0, 1, 21), np.linspace(0, 1, 17)
    low, high = newton.family.domain[0]
    grid = np.stack([a.ravel() for a in np.meshgrid(x, t, indexing="ij")], axis=1)
    u = newton.evaluate(answer, grid)
    expected = newton.family.reference(
        x=low + x * (high - low), t=t, r=r, u0=u0, cells=49, rtol=1e-10, atol=1e-12
    ).reshape(newton.family.n, -1)
    return np.abs(u - expected).max()


@pytest.mark.parametrize(("r", "limit"), [(1.0, 1e-5), (6.0, 1e-2)])
def test_newton_agrees_with_the_method_of_lines(r, limit):
    newton = fisher()
    answer = solve(newton, r)
    assert answer.converged, answer.message
    assert answer.iterations == len(answer.steps)
    assert answer.last_step == answer.steps[-1] <= 1e-7
    assert error(newton, answer, r) < limit


def test_more_functions_converge():
    errors = []
    for space, time in ((6, 7), (9, 10), (12, 14)):
        newton = solver(families.fisher_kpp(), space, time)
        errors.append(error(newton, solve(newton, 3.0), 3.0))
    assert errors[1] < errors[0] / 4
    assert errors[2] < errors[1] / 4


def test_newton_converges_quadratically():
    steps = np.log(solve(fisher(), 2.0).steps[:4])
    orders = np.diff(steps[1:]) / np.diff(steps[:-1])
    assert orders[-1] > 1.6


def test_chords_converge_linearly_to_newtons_answer():
    newton = fisher()
    near, exact = solve(newton, 2.0), solve(newton, 3.0)
    chord = solve(newton, 3.0, "chord", guess=near.coefficients)
    assert chord.converged, chord.message
    assert chord.iterations > exact.iterations
    steps = np.array([s for s in chord.steps if s > 1e-8])
    rates = steps[1:] / steps[:-1]
    assert rates.max() < 0.7
    assert 0.1 < rates[-1] / rates[-2] < 10
    assert np.abs(chord.coefficients - exact.coefficients).max() < 1e-4 * np.abs(exact.coefficients).max()


def test_a_chord_is_a_newton_step_at_first():
    newton, p = fisher(), np.array([2.0])
    data = data_at(newton.family, newton.points, p, None, None, None, False)
    W = newton.constant(data)
    member = FieldMember.near(newton, p, data, W, newton.rcond)
    system, g = member.system(W), member.gradient(W, W)
    np.testing.assert_allclose(
        normal_solve(system, 1e-13)(g.ravel()), system.solve(1e-13)[0][:, 0], rtol=1e-4, atol=1e-6
    )


def test_the_first_guess_is_constant_in_time():
    newton = fisher()
    data = data_at(newton.family, newton.points, np.array([2.0]), raised, None, None, False)
    points = np.stack([np.linspace(0, 1, 9), np.linspace(0, 1, 9)[::-1]], axis=1)
    u = newton.values(newton.constant(data), points, (0, 0))
    np.testing.assert_allclose(u, raised(points[:, 0]), atol=1e-8)


def test_a_fit_is_recovered():
    newton = fisher()
    W = newton.fitted(lambda z: np.stack([z[:, 0] ** 2 - z[:, 0]]))
    np.testing.assert_allclose(newton.values(W, np.array([[0.3, 0.7]]), (0, 0)), [[-0.21]], atol=1e-9)


def test_chords_that_diverge_say_so():
    answer = solve(fisher(), 20.0, "chord")
    assert not answer.converged
    assert "newton" in answer.message
    with pytest.raises(ValueError, match="no solution to evaluate"):
        fisher().evaluate(answer, np.zeros((1, 2)))


def test_continuation_reaches_members_that_newton_does_not():
    newton = solver(families.fisher_kpp(), 12, 18)
    answer = solve(newton, 15.0, u0=raised)
    assert answer.converged, answer.message
    assert error(newton, answer, 15.0, raised) < 1e-3


def test_too_few_functions_are_no_solution():
    answer = solve(solver(families.fisher_kpp(), 4, 4), 30.0)
    assert not answer.converged
    assert not math.isnan(answer.residual)


def family(rhs, u, initial, boundary, **changes):
    arguments = {
        "name": "test", "t": T, "x": [X], "u": u, "rhs": rhs, "domain": {X: (0, 2)}, "t_span": (0, 1), "stiffness": R,
        "params": {R: Range((1, 4), (1, 8))}, "initial": initial, "boundary": boundary,
    }  # fmt: skip
    return PDEFamily(**{**arguments, **changes})


def test_a_blow_up_is_reported():
    blowing = family(
        [U.diff(X, 2) + R * U**2], [U], [2 + 0 * X], [Neumann(X, side, [0]) for side in ("low", "high")]
    )  # u = 2/(1 − 2 r t)
    answer = solve(solver(blowing, 5, 8), 4.0)
    assert not answer.converged
    assert answer.message


def test_two_fields_with_conditions_for_one_alone():
    coupled = family(
        [U.diff(X, 2) / 10 - R * U * V, R * U * V - V], [U, V], [1 + 0 * X, (1 - sp.cos(sp.pi * X)) / 4],
        [Dirichlet(X, side, [1, None]) for side in ("low", "high")],
    )  # fmt: skip
    newton = solver(coupled, 14, 14)
    answer = solve(newton, 2.0)
    assert answer.converged, answer.message
    assert error(newton, answer, 2.0) < 1e-4


def test_a_periodic_family_with_a_source():
    forced = family(
        [U.diff(X, 2) / 20 + U - R * U**3 + sp.cos(sp.pi * X) * sp.cos(T)], [U], [sp.cos(sp.pi * X) / 2], [Periodic(X)]
    )
    newton = solver(forced, 15, 12)
    answer = solve(newton, 2.0)
    assert answer.converged, answer.message
    assert error(newton, answer, 2.0) < 1e-4


def test_wrong_arguments():
    newton = fisher()
    data = np.zeros((1, len(newton.points.data)))
    with pytest.raises(ValueError, match="unknown method 'secant'"):
        newton.solve(np.ones(1), data, "secant")
    with pytest.raises(ValueError, match="tolerance"):
        newton.solve(np.ones(1), data, tolerance=-1)
    with pytest.raises(ValueError, match=r"p must have shape \(1,\)"):
        newton.solve(np.ones(2), data)
    with pytest.raises(ValueError, match="data must have shape"):
        newton.solve(np.ones(1), data[:, 1:])
    with pytest.raises(ValueError, match="guess must have shape"):
        newton.solve(np.ones(1), data, guess=np.zeros((1, 3)))
    with pytest.raises(ValueError, match="2 coordinates"):
        PDENewton(families.advection_diffusion_reaction_2d(), newton.functions, newton.points)


def test_physical_points():
    own = family([U.diff(X, 2) - R * U**2], [U], [1 + 0 * X], [Neumann(X, side, [0]) for side in ("low", "high")])
    np.testing.assert_allclose(physical(own, np.array([[0.25, 0.5]])), [[0.5], [0.5]])
