"""Boundary conditions: those that the equations need are asked for, others refused; contradictions at corners."""

import numpy as np
import pytest
import sympy as sp
from test_pde_family import BOX, PERIODIC, A, E, T, U, V, W, X, Y, make, make2

from stlfast import Dirichlet, Inflow, Neumann, Periodic, families
from stlfast.equations.pde import characteristics
from stlfast.equations.pde.compatible import check_compatible, check_corner
from stlfast.equations.pde.data import boundary_data, initial_data

HEAT, DRIFT = U.diff(X, 2) - A * U, -U.diff(X) - A * U
UP, DOWN = Inflow(X, "low", [0]), Inflow(X, "high", [0])
LOW, HIGH, FLUX = Dirichlet(X, "low", [0]), Dirichlet(X, "high", [0]), Neumann(X, "high", [0])

NEEDED = [
    ([HEAT], [LOW, FLUX]),
    ([HEAT + U.diff(X)], [LOW, HIGH]),
    ([DRIFT], [UP]),
    ([DRIFT], [LOW]),  # for first derivatives the same as Inflow
    ([U.diff(X) - A * U], [DOWN]),
    ([-A * X * U.diff(X) + E * U], []),  # at rest at x = 0, outward at x = 1
    ([(1 - 2 * X) * A * U.diff(X)], []),  # outward at both ends
    ([(2 * X - 1) * A * U.diff(X)], [UP, DOWN]),
    ([HEAT], [Periodic(X)]),
    ([DRIFT], [Periodic("x")]),
]


@pytest.mark.parametrize(("rhs", "boundary"), NEEDED)
def test_what_is_needed_is_enough(rhs, boundary):
    assert len(make(rhs, boundary=boundary).conditions) == len(boundary)


REFUSED = [
    ([HEAT], [LOW], r"x = 1 \(side 'high'\): u has a second derivative .* got 0; add Dirichlet or Neumann"),
    ([HEAT], [LOW, HIGH, FLUX], r"got 2 \(dirichlet, neumann\); leave one"),
    ([HEAT], [UP, HIGH], "use Dirichlet instead of Inflow"),
    ([HEAT], [LOW, HIGH, Periodic(X)], "is periodic and has further conditions"),
    ([HEAT], [Periodic(X), Periodic(X)], "further conditions"),
    ([DRIFT], [], r"x = 0 \(side 'low'\): the velocity of u enters and needs 1 conditions, got 0; add Inflow"),
    ([DRIFT], [UP, DOWN], r"side 'high'\): the velocity of u does not enter and needs 0 conditions, got 1; remove"),
    ([DRIFT], [DOWN], "side 'low'.*add Inflow"),
    ([DRIFT], [UP, LOW], "needs 1 conditions, got 2"),
    ([DRIFT], [Neumann(X, "low", [0])], "remove Neumann, or use Inflow"),
    ([(E - 1) * U.diff(X) - A * U], [UP], "changes its direction there with the parameters"),
    ([X * U.diff(X, 2) + U.diff(X, 2) - A * U], [Periodic(X)], "a coefficient is not the same at both ends"),
    ([HEAT + X], [Periodic(X)], "the source is not the same"),
]


@pytest.mark.parametrize(("rhs", "boundary", "message"), REFUSED)
def test_what_is_missing_or_too_much_is_named(rhs, boundary, message):
    with pytest.raises(ValueError, match=message):
        make(rhs, boundary=boundary)


def test_periodic_initial_values():
    with pytest.raises(ValueError, match="the initial value is not the same at both ends"):
        make([HEAT], boundary=[Periodic(X)], initial=[X])


def test_fields_have_their_own_conditions():
    rhs = [U.diff(X, 2) - A * V, -A * V + U]  # v has no derivative
    assert make(rhs, u=(U, V), boundary=[Dirichlet(X, s, [0, None]) for s in ("low", "high")]).n == 2
    with pytest.raises(ValueError, match="v has no derivative along the axis and takes no condition; remove it"):
        make(rhs, u=(U, V), boundary=[Dirichlet(X, s, [0, 0]) for s in ("low", "high")])


def test_coupled_waves_need_as_many_conditions_as_velocities_enter():
    waves = [A * V.diff(X), A * U.diff(X)]  # velocities ±alpha
    one = [Dirichlet(X, "low", [0, None]), Dirichlet(X, "high", [None, 0])]
    assert make(waves, u=(U, V), boundary=one).n == 2
    with pytest.raises(ValueError, match=r"side 'high'.*1 of the velocities of u, v enter .* got 0"):
        make(waves, u=(U, V), boundary=one[:1])
    with pytest.raises(ValueError, match="got 2; give values to 1 of these fields"):
        make(waves, u=(U, V), boundary=[Dirichlet(X, "low", [0, 0]), one[1]])
    with pytest.raises(ValueError, match="complex velocities"):
        make([V.diff(X), -A * U.diff(X)], u=(U, V), boundary=[])


def test_sides_of_a_plane():
    flow = [-W.diff(X) + W.diff(Y, 2) - A * W]
    boundary = [Inflow(X, "low", [sp.sin(Y) * T]), Dirichlet(Y, "low", [0]), Neumann(Y, "high", [X])]
    family = make2(flow, boundary=boundary)
    points = np.array([[0.0], [0.5], [2.0]])
    assert family.conditions[0].values(points, np.array([1.0, 1.0]))[0, 0] == pytest.approx(2 * np.sin(0.5))
    with pytest.raises(ValueError, match=r"y = 2 \(side 'high'\)"):
        make2(flow, boundary=boundary[:2])
    with pytest.raises(ValueError, match="direction there"):
        make2([-(Y - 1) * W.diff(X)], boundary=[Inflow(X, "low", [0])], domain=BOX)
    assert make2([W.diff(X, 2) + W.diff(Y, 2)], boundary=PERIODIC).periodic == (True, True)


BAD = [
    (lambda: Dirichlet(X, "left", [0]), "side must be 'low' or 'high', got 'left'"),
    (lambda: Inflow(X, "left", "characteristics"), "side must be"),
    (lambda: Dirichlet(X, "low", 0), "values must be a list"),
    (lambda: Dirichlet(X, "low", "characteristics"), "values must be a list"),
    (lambda: Dirichlet(X, "low", [None]), "leave the condition out"),
    (lambda: make(boundary=[LOW, Dirichlet(X, "high", [0, 0])]), "one value .* for each of 1 fields, got 2"),
    (lambda: make(boundary=[LOW, Dirichlet(Y, "high", [0])]), r"Dirichlet\(y, …\): the space coordinates are x"),
    (lambda: make(boundary=[LOW, Dirichlet(X, "high", [X])]), "x is neither t, the other space coordinate"),
    (lambda: make(boundary=[LOW, Dirichlet(X, "high", [sp.gamma(T)])]), "gamma"),
    (lambda: make(boundary=[LOW, Dirichlet(X, "high", [1 / T])]), "dirichlet values are not finite"),
    (lambda: make(boundary=[LOW, "high"]), "boundary must be a list of stlfast.Dirichlet"),
    (lambda: make(boundary=LOW), "boundary must be a list"),
]


@pytest.mark.parametrize(("build", "message"), BAD)
def test_broken_conditions(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# -------------------------------------------------------------------------------------------------- characteristics
@pytest.mark.parametrize(
    ("rhs", "problem"),
    [
        ([DRIFT + 1], "a source"),
        ([DRIFT - U**2], "nonlinear"),
        ([DRIFT * (1 + X)], "coefficients depend"),
    ],
)
def test_characteristics_are_for_constant_velocity_and_reaction(rhs, problem):
    with pytest.raises(ValueError, match=problem):
        make(rhs, boundary=[Inflow(X, "low", "characteristics")])


def test_characteristics_are_for_one_velocity():
    with pytest.raises(ValueError, match="one velocity"):
        make([-U.diff(X), -2 * V.diff(X)], u=(U, V), boundary=[Inflow(X, "low", "characteristics")])


def test_characteristics_give_the_exact_solution():
    """u_t + 3 u_x = −alpha u from g = cos x: e^{−alpha t} cos(x − 3t), t from t0 = 0."""
    family = make([-3 * U.diff(X) - A * U], boundary=[Inflow(X, "low", "characteristics")], initial=[sp.cos(X)])
    points, p = np.array([[0.0, 0.3, 0.0], [0.0, 0.5, 0.7]]), np.array([2.0, 1.0])
    u = characteristics.solution(family, lambda x: family.initial_at(x, p), points, p)
    np.testing.assert_allclose(u[0], np.exp(-2 * points[1]) * np.cos(points[0] - 3 * points[1]), rtol=1e-13)
    (inflow,) = boundary_data(family, None, None, initial_data(family, None, p), p)
    np.testing.assert_allclose(inflow(points)[0], u[0], rtol=1e-14)


# ---------------------------------------------------------------------------------------------------------- corners
def test_contradictions_are_found_where_they_are():
    family = make([HEAT], initial=[1 - X])
    p = np.array([2.0, 1.0])
    start = initial_data(family, None, p)
    found = check_compatible(family, start, boundary_data(family, None, None, start, p))
    assert [(m.coordinates, m.field, m.initial, m.boundary) for m in found] == [((0.0,), "u", 1.0, 0.0)]
    with pytest.raises(ValueError, match=r"at t = 0: u at \(0\) is 1 initially and 0 on the boundary"):
        check_corner(family, start, boundary_data(family, None, None, start, p))
    met = boundary_data(family, None, {("x", "low"): lambda t: 1 + t[None]}, start, p)
    assert check_compatible(family, start, met) == []
    near = boundary_data(family, None, {("x", "low"): lambda t: 1 + t[None] + 1e-5}, start, p)
    assert len(check_compatible(family, start, near)) == 1
    assert check_compatible(family, start, near, tolerance=1e-4) == []


def test_contradictions_along_a_side():
    family = make2([W.diff(X, 2) - A * W], boundary=[Dirichlet(X, s, [Y]) for s in ("low", "high")], initial=[Y + X])
    p = np.array([2.0, 1.0])
    start = initial_data(family, None, p)
    found = check_compatible(family, start, boundary_data(family, None, None, start, p))
    assert [(m.coordinates[0], m.initial - m.boundary) for m in found] == [(1.0, pytest.approx(1.0))]


def test_sides_that_contradict_each_other_later():
    """Both are 0 at the start, and one of them rises."""
    rises, stays = ([Dirichlet(c, "low", [v]), Dirichlet(c, "high", [0])] for c, v in ((X, T), (Y, 0)))
    family = make2([W.diff(X, 2) + W.diff(Y, 2)], boundary=[*rises, *stays])
    p = np.array([2.0, 1.0])
    start = initial_data(family, None, p)
    data = boundary_data(family, None, None, start, p)
    assert check_compatible(family, start, data) == []
    with pytest.raises(ValueError, match=r"w at \(0, 0\) and t = 2 is 2 on x = 0 and 0 on y = 0; w at \(0, 2\)"):
        check_corner(family, start, data)
    rounded = {("x", "low"): lambda y, t: (t * y * (2 - y))[None]}
    check_corner(family, start, boundary_data(family, None, rounded, start, p))


def test_shipped_families_have_no_contradictions():
    for family in (families.advection_reaction(), families.fisher_kpp(), families.advection_diffusion_reaction_2d()):
        p = np.array([2.0])
        start = initial_data(family, None, p)
        assert check_compatible(family, start, boundary_data(family, None, None, start, p)) == []
