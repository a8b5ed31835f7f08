"""Compiled families of PDEs, against exact solutions, spectral references and least squares on all functions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp

import stlfast
from stlfast import families
from stlfast.direct.pde.groups import split
from stlfast.direct.pde.rows import GroupRows
from stlfast.direct.pde.snapshots import Modes, mode_data, solve_modes
from stlfast.direct.pde.tensor import TensorGrid, tensor_points
from stlfast.equations.pde import characteristics
from stlfast.measure import accuracy
from stlfast.reduced.pde_bands import PDEOptions

ALPHAS = (10.0, 50.0, 200.0, 1000.0)
PROFILES = {
    "own": None,
    "hump": lambda x: np.stack([np.exp(-(((x - 0.4) / 0.3) ** 2)), 0.3 * np.exp(-(((x - 0.6) / 0.4) ** 2))]),
    "exponential": lambda x: np.stack([1 + x**2 / 2, 0.5 * np.exp(-x)]),
}


@pytest.fixture(scope="module")
def shipped(shipped_model):
    return shipped_model("advection_reaction")


@pytest.fixture(scope="module")
def heat():
    """u_t = k u_xx + x-dependent reaction, one side held, no flux at the other; small and quick to compile."""
    x, t, k = sp.symbols("x t k")
    u = sp.Function("u")(x, t)
    family = stlfast.PDEFamily(
        name="heat", t=t, x=[x], u=[u], rhs=[k * u.diff(x, 2) / 10 - (1 + x) * u], domain={x: (0.0, 2.0)},
        t_span=(0.0, 0.5), stiffness=k, params={k: stlfast.Range(train=(1.0, 2.0), solve=(1.0, 4.0))},
        initial=[1 + sp.cos(sp.pi * x / 2)],
        boundary=[stlfast.Neumann(x, "low", [0]), stlfast.Dirichlet(x, "high", [0])],
    )  # fmt: skip
    return stlfast.compile_pde(family, space=16, degrees=9, time=24, tol=1e-7, powers=3)


def points_of(family, alpha, count=4000, seed=0):
    rng = np.random.default_rng(seed)
    t = rng.random(count)
    t[: count // 2] = rng.random(count // 2) * min(1.0, 5 / (1.5 * alpha))
    return np.stack([rng.random(count), t])


# ------------------------------------------------------------------------------------------------------------ accuracy
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("name", PROFILES)
def test_advection_reaction_is_exact_to_a_tenth_of_what_is_asked(shipped, name, alpha):
    family, u0 = shipped.family, PROFILES[name]
    p, points = np.array([alpha]), points_of(shipped.family, alpha)
    start = (lambda x: family.initial_at(x, p)) if u0 is None else (lambda x: u0(x[0]))
    sol = shipped.solve(u0, alpha=alpha)
    error = np.abs(sol(points.T) - characteristics.solution(family, start, points, p))
    assert sol.success
    assert error.mean() <= 5e-5
    assert error.max() <= 5e-4
    assert error.max() <= 2 * sol.error_estimate.max()  # residuals are sampled


@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_advection_reaction_where_it_is_not_stiff(shipped, alpha):
    for row in accuracy.measure_pde(shipped, [{"alpha": alpha}], PROFILES, seed=7):
        assert row["mean"] <= 5e-4
        assert row["max"] <= 5e-3
        assert row["max"] <= row["estimate"]


def test_estimate_follows_the_error_where_data_are_too_sharp(shipped):
    """Profiles from smooth to a front of width 0.02: the estimate is above the error, and less than 100 times."""
    family, p = shipped.family, np.array([75.0])
    points = points_of(family, 75.0)
    for width in (0.4, 0.2, 0.1, 0.05, 0.02):

        def u0(x, w=width):
            return np.stack([np.tanh((x - 0.4) / w), 0.5 + 0 * x])

        sol = shipped.solve(u0, alpha=75.0)
        error = np.abs(sol(points.T) - characteristics.solution(family, lambda x, f=u0: f(x[0]), points, p)).max()
        assert error <= sol.error_estimate.max() <= 100 * error
    assert not sol.success
    assert "misses the tolerance" in sol.message


def test_what_the_data_points_do_not_see_is_reported(shipped, shipped_model):
    """Profiles that are constant at all data points, or nearly, and an inflow that passes between them."""
    narrow = lambda x: np.stack([1 + np.exp(-(((x - 0.5) / 0.005) ** 2)), 0.5 + 0 * x])  # noqa: E731
    pulse = {"boundary": {("x", "low"): lambda t: np.stack([1 + np.exp(-(((t - 0.555) / 0.004) ** 2)), 0.5 + 0 * t])}}
    level = lambda x: np.stack([1 + 0 * x, 0.5 + 0 * x])  # noqa: E731
    plane = shipped_model("advection_diffusion_reaction_2d")
    alias = lambda x, y: np.stack([np.cos(20 * np.pi * x), np.cos(20 * np.pi * x)])  # noqa: E731  10 points an axis
    front = shipped_model("fisher_kpp")
    hump = lambda x: (0.3 + 0.5 * np.exp(-(((x - 0.5) / 0.005) ** 2)))[None]  # noqa: E731
    for sol in (
        shipped.solve(narrow, alpha=2.0), shipped.solve(level, alpha=2.0, **pulse), plane.solve(alias, alpha=2.0),
        front.solve(hump, r=5.0, method="reduced"),
    ):  # fmt: skip
        assert not sol.success
        assert sol.error_estimate.max() > 0.15
        assert "misses the tolerance" in sol.message
    assert shipped.solve(narrow, alpha=2.0, certify=False).error_estimate is None


def test_a_kink_that_travels_is_reported(shipped):
    """Constant inflow that does not fit the initial values: refused, and where accepted, owned up to."""

    def inflow(t):
        return np.stack([0.2 + 0 * t, 0.9 + 0 * t])

    with pytest.raises(ValueError, match=r"contradict each other at t = 0.*u1 at \(0\)"):
        shipped.solve(inflow=inflow, alpha=50.0)
    sol = shipped.solve(inflow=inflow, alpha=50.0, kinks=True)
    assert not sol.success
    assert sol.error_estimate.max() > 1e-2


def test_a_field_that_is_zero_contradicts_nothing(shipped):
    """What flows in of it is 0 but for rounding."""
    sol = shipped.solve(lambda x: np.stack([np.exp(-(((x - 0.4) / 0.3) ** 2)), 0 * x]), alpha=300.0)
    assert sol.success
    assert np.abs(sol.u[1, :, 0]).max() <= 1e-4


def test_heat_with_held_and_insulated_ends(heat):
    x, t = np.linspace(0, 2, 21), np.array([0.0, 0.01, 0.1, 0.5])
    for k in (1.0, 1.7, 4.0):
        sol = heat.solve(x=x, t=t, k=k)
        truth = heat.family.reference(x=x, t=t, rtol=1e-10, atol=1e-12, k=k)
        error = np.abs(sol.u - truth).max()
        assert sol.success
        assert error <= 1e-4
        assert error <= sol.error_estimate.max()


def test_heat_with_values_from_outside(heat):
    """Boundary values that vary in time, as a function and as samples of it."""

    def held(t):
        return np.sin(3 * t)[None] * 0.2

    x, t = np.linspace(0, 2, 21), np.linspace(0, 0.5, 9)
    sol = heat.solve(x=x, t=t, boundary={("x", "high"): held}, k=2.0)
    truth = heat.family.reference(x=x, t=t, boundary={("x", "high"): held}, rtol=1e-10, atol=1e-12, k=2.0)
    assert np.abs(sol.u - truth).max() <= 1e-3
    times = np.linspace(0, 0.5, 60)
    sampled = heat.solve(x=x, t=t, boundary={("x", "high"): (times, held(times))}, k=2.0)
    np.testing.assert_allclose(sampled.u, sol.u, atol=1e-5)


def test_steep_profiles_do_not_outweigh_the_others():
    """Those of high degree have slopes of hundreds at an end where the flux is given."""
    x, t, D = sp.symbols("x t D")
    u = sp.Function("u")(x, t)
    family = stlfast.PDEFamily(
        name="channel", t=t, x=[x], u=[u], rhs=[-u.diff(x) + D * u.diff(x, 2)], domain={x: (0, 1)}, t_span=(0, 1),
        stiffness=D, params={D: stlfast.Range((0.05, 0.1), (0.05, 1))}, initial=[(1 - sp.cos(sp.pi * x)) / 2],
        boundary=[stlfast.Dirichlet(x, "low", [t * sp.exp(-t)]), stlfast.Neumann(x, "high", [0])],
    )  # fmt: skip
    model = stlfast.compile_pde(family, space=20, time=20)
    z, times = np.linspace(0, 1, 21), np.linspace(0, 1, 11)
    for value in (0.05, 0.2, 1.0):
        sol = model.solve(D=value, x=z, t=times)
        error = np.abs(sol.u - family.reference(z, t=times, D=value)).max()
        assert error < 1e-3
        assert error < sol.error_estimate.max()


def test_two_dimensions(shipped_model):
    model = shipped_model("advection_diffusion_reaction_2d")
    rows = accuracy.measure_pde(model, [{"alpha": a} for a in (1.0, 20.0, 100.0)], {"own": None}, seed=3)
    assert accuracy.worst(rows)["mean"] <= 1e-3
    for row in rows:
        assert row["max"] <= row["estimate"]


# ------------------------------------------------------------------------------------------------- reduced against full
def test_reduced_solve_is_the_least_squares_solution_of_its_rows(heat):
    """G and W of the core against the rows themselves, assembled without any of the online algebra."""
    family, compiled = heat.family, heat.compiled
    options = compiled.options
    points = tensor_points(family, options.space, options.time, options.tau)
    rows = GroupRows(family, split(family), 0, points)
    band = compiled.groups[0][0]
    n, p, q, r = 1, band.space.shape[1], band.time.shape[1], band.rank
    core = band.core.reshape(n, q, p, r)
    W = np.einsum("sa,nbar,db->nsdr", band.space, core, band.time).reshape(-1, r)
    grid = TensorGrid(family, options.space, options.time, options.tau)
    member = np.array([2.3])
    blocks = [w[:, None] * rows.weighted(parts, family.theta_at(member))[0] for w, parts in rows.blocks(grid.functions)]
    w = points.data_weights
    A = np.concatenate([np.concatenate(blocks), w[:, None] * rows.data_rows(grid.functions)]) @ W
    data = heat.data(k=2.3)
    right = np.concatenate([np.zeros(len(points.interior)), w * data[0]])
    c = np.linalg.lstsq(A, right, rcond=None)[0]
    at = np.random.default_rng(0).random((50, 2))
    expected = grid.functions.evaluate(at, [(0, 0)])[0] @ (W @ c)
    found = heat.at(k=2.3).solve_data(data)(at * [2.0, 0.5])
    np.testing.assert_allclose(found[0], expected, atol=1e-9)


def test_modes_are_solved_on_all_functions():
    """Snapshots of u_t + u_x = −λ u are e^{−λ t} g(x − t)."""
    family = families.advection_reaction()
    options = PDEOptions((16,), 24, 1e-3, (6,), 3, 1e-6, 100)
    splitting = split(family)
    assert sorted(splitting.groups) == [(0,), (1,)]
    rows = GroupRows(family, splitting, 0, tensor_points(family, options.space, options.time, options.tau))
    functions, p = TensorGrid(family, options.space, options.time, options.tau).functions, np.array([20.0])
    data = mode_data(rows, Modes(options.degrees, options.powers), p)
    assert data.shape == (6, 1, len(rows.points.data))
    W = solve_modes(rows, functions, family.theta_at(p), data)
    z = points_of(family, 20.0, 500)
    decay = -np.linalg.inv(splitting.mixing)[0] @ np.array([[-20.0, 10.0], [20.0, -10.0]]) @ splitting.mixing[:, 0]
    for k in range(3):  # full weight
        exact = np.exp(-decay * z[1]) * np.polynomial.chebyshev.chebval(z[0] - z[1], np.eye(6)[k])
        np.testing.assert_allclose((functions.evaluate(z.T.copy(), [(0, 0)])[0] @ W[0, :, k]), exact, atol=2e-5)


def test_fields_that_rotate_stay_together():
    x, t, w = sp.symbols("x t w")
    u, v = (sp.Function(name)(x, t) for name in "uv")
    family = stlfast.PDEFamily(
        name="rotor", t=t, x=[x], u=[u, v], rhs=[-u.diff(x) + w * v, -v.diff(x) - w * u], domain={x: (0, 1)},
        t_span=(0, 1), stiffness=w, params={w: stlfast.Range(train=(1, 2), solve=(1, 3))},
        initial=[1 + sp.sin(2 * sp.pi * x) / 2, sp.cos(2 * sp.pi * x)], boundary=[stlfast.Periodic(x)],
    )  # fmt: skip
    assert split(family).groups == ((0, 1),)
    model = stlfast.compile_pde(family, space=7, degrees=3, time=28, tol=1e-6, tau=0.1)
    axis, times = np.linspace(0, 0.9, 10), np.linspace(0, 1, 7)
    for value in (1.0, 2.2, 3.0):
        sol = model.solve(x=axis, t=times, w=value)
        truth = family.reference(x=axis, t=times, method="modes", w=value)
        error = np.abs(sol.u - truth).max()
        assert error <= 1e-3
        assert error <= sol.error_estimate.max()


# ------------------------------------------------------------------------------------------------------------ interface
def test_grid_and_scattered_points_agree(shipped):
    x, t = np.array([0.9, 0.1, 0.45]), np.array([0.0, 0.3])
    sol = shipped.solve(x=x, t=t, alpha=75.0)
    assert sol.u.shape == (2, 3, 2)
    at = np.stack([a.ravel() for a in np.meshgrid(x, t, indexing="ij")], axis=1)
    np.testing.assert_allclose(sol(at).reshape(2, 3, 2), sol.u, atol=1e-6)  # the grid leaves out what is tiny
    default = shipped.solve(alpha=75.0)
    assert default.u.shape == (2, 128, 128)
    assert default.y is None
    assert default.error_bound is None
    assert default.method == "reduced"


def test_samples_do_as_well_as_the_function(shipped):
    x = np.linspace(-1, 1, 400)
    t = np.linspace(0, 1, 1500)
    u0 = PROFILES["hump"]
    exact = shipped.solve(u0, alpha=30.0)
    sampled = shipped.solve((x, u0(x)), alpha=30.0)
    np.testing.assert_allclose(sampled.u, exact.u, atol=1e-6)
    own = characteristics.solution(shipped.family, lambda x: u0(x[0]), np.stack([0 * t, t]), np.array([30.0]))
    with_inflow = shipped.solve(u0, inflow=(t, own), alpha=30.0)
    np.testing.assert_allclose(with_inflow.u, exact.u, atol=1e-5)


def test_many_agree_with_single_solves(shipped):
    rng = np.random.default_rng(5)
    alphas = np.concatenate([np.geomspace(1, 1000, 20), [40.0, 40.0]])
    x, t = np.linspace(0, 1, 5), np.linspace(0, 1, 4)
    many = shipped.solve_many(alpha=alphas, x=x, t=t, threads=2)
    assert many.u.shape == (22, 2, 5, 4)
    assert many.success.all()
    for row in rng.choice(22, 5, replace=False):
        single = shipped.solve(alpha=float(alphas[row]), x=x, t=t)
        np.testing.assert_array_equal(many.u[row], single.u)
        np.testing.assert_array_equal(many.error_estimate[row], single.error_estimate)
    data = np.stack([shipped.data(u0, alpha=40.0) for u0 in PROFILES.values()])
    out = np.empty((3, 2, 5, 4))
    swept = shipped.solve_many(data, alpha=40.0, x=x, t=t, out=out, certify=False)
    assert swept.error_estimate is None
    np.testing.assert_array_equal(out[1], shipped.solve(PROFILES["hump"], alpha=40.0, x=x, t=t).u)


def test_out_is_written_to_or_refused(shipped_model):
    model = shipped_model("advection_diffusion_reaction_2d")
    x, t = np.linspace(0, 0.9, 4), np.linspace(0, 1, 3)
    member, data = model.at(alpha=20.0), model.data(alpha=20.0)
    expected = member.solve_data(data, x=x, y=x[:2], t=t).u
    out = np.zeros((2, 4, 2, 3))
    member.solve_data(data, x=x, y=x[:2], t=t, out=out)
    np.testing.assert_array_equal(out, expected)
    many = np.zeros((2, 2, 4, 2, 3))
    model.solve_many(np.stack([data, 2 * data]), x=x, y=x[:2], t=t, out=many, alpha=20.0)
    np.testing.assert_array_equal(many[0], expected)
    for wrong in (out[:, :2], np.zeros((2, 4, 3, 2)).swapaxes(2, 3), out.astype(np.float32), [0.0]):
        with pytest.raises(ValueError, match="out must be a C-contiguous float64 array of shape"):
            member.solve_data(data, x=x, y=x[:2], t=t, out=wrong)


def test_solutions_are_linear_in_the_data(shipped):
    member = shipped.at(alpha=300.0)
    first, second = (shipped.data(PROFILES[name], alpha=300.0) for name in ("own", "hump"))
    both = member.solve_data(2 * first - second).u
    np.testing.assert_allclose(both, 2 * member.solve_data(first).u - member.solve_data(second).u, atol=1e-6)


def test_file_and_pickle_keep_the_model(heat, tmp_path):
    heat.save(tmp_path / "heat.safetensors")
    loaded = stlfast.load(tmp_path / "heat.safetensors")
    for other in (loaded, pickle.loads(pickle.dumps(heat))):
        np.testing.assert_array_equal(other.solve(k=2.5).u, heat.solve(k=2.5).u)
    assert loaded.passport == heat.passport
    assert "ranks" in repr(loaded)


@pytest.mark.parametrize("name", ["advection_reaction", "advection_diffusion_reaction_2d"])
def test_passport_states_the_accuracy_measured(shipped_model, name):
    model = shipped_model(name)
    (row,) = [
        r
        for r in model.passport["accuracy"]
        if r["params"] == {"alpha": 100.0 if "2d" in name else 1000.0} and r["profile"] == "own"
    ]
    (again,) = accuracy.measure_pde(model, [row["params"]], {"own": None})
    for key in ("mean", "max", "estimate"):
        assert again[key] == pytest.approx(row[key], rel=0.05)
    assert model.passport["compile"]["seconds"] <= 1200.0


def test_broken_files_are_refused(heat, tmp_path):
    from safetensors.numpy import load_file, save_file

    heat.save(tmp_path / "m.safetensors")
    tensors = load_file(tmp_path / "m.safetensors")
    from safetensors import safe_open

    with safe_open(tmp_path / "m.safetensors", "np") as file:
        metadata = file.metadata()
    broken = dict(tensors)
    del broken["groups.0.0.core"]
    save_file(broken, tmp_path / "b.safetensors", metadata)
    with pytest.raises(stlfast.FileFormatError):
        stlfast.load(tmp_path / "b.safetensors")
    broken = tensors | {"groups.0.0.gram": tensors["groups.0.0.gram"][:-1]}
    save_file(broken, tmp_path / "b.safetensors", metadata)
    with pytest.raises(stlfast.FileFormatError, match="gram must be"):
        stlfast.load(tmp_path / "b.safetensors")
    broken = tensors | {"groups.0.0.core": tensors["groups.0.0.core"] * np.nan}
    save_file(broken, tmp_path / "b.safetensors", metadata)
    with pytest.raises(stlfast.FileFormatError, match="NaN"):
        stlfast.load(tmp_path / "b.safetensors")


def test_pictures(shipped, shipped_model, tmp_path):
    sol = shipped.solve(alpha=20.0)
    sol.plot(tmp_path / "line.png")
    plane = shipped_model("advection_diffusion_reaction_2d").solve(alpha=20.0)
    assert plane.u.shape == (2, 64, 64, 32)
    figure = plane.plot()
    figure.savefig(tmp_path / "plane.png")
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("line.png", "plane.png"))


def test_pictures_name_the_familys_own_coordinates():
    s, r, k = sp.symbols("s r k")
    u = sp.Function("u")(r, s)
    family = stlfast.PDEFamily(
        name="named", t=s, x=[r], u=[u], rhs=[k * u.diff(r, 2)], domain={r: (0, 1)}, t_span=(0, 1), stiffness=k,
        params={k: stlfast.Range((1, 1.1), (1, 1.1))}, initial=[1], boundary=[stlfast.Periodic(r)],
    )  # fmt: skip
    model = stlfast.compile_pde(family, space=5, time=6)
    axes = model.solve(k=1.0).plot().axes
    assert [(a.get_xlabel(), a.get_title()) for a in axes[:2]] == [("s", "u(r, s)"), ("r", "profiles")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 2000.0}, r"outside \[1, 1000\]"),
        ({}, "missing parameter alpha"),
        ({"alpha": 5.0, "x": np.array([0.5, 1.5])}, r"x = 1.5 is outside \[0, 1\]"),
        ({"alpha": 5.0, "t": np.array([[0.5]])}, "one-dimensional"),
        ({"alpha": 5.0, "y": np.array([0.5])}, "leave y out"),
        ({"alpha": 5.0, "u0": lambda x: x}, "expected"),
        ({"alpha": 5.0, "u0": lambda x: np.stack([x, np.nan * x])}, "not finite"),
        ({"alpha": 5.0, "u0": (np.linspace(0, 0.5, 9), np.zeros((2, 9)))}, "cover"),
        ({"alpha": 5.0, "inflow": lambda t: t}, "expected"),
        ({"alpha": 5.0, "boundary": {("x", "high"): lambda t: np.zeros((2, len(t)))}}, "no condition"),
        ({"alpha": 5.0, "rtol": -1.0}, "rtol must be"),
        ({"alpha": 5.0, "certify": "no"}, "certify must be True or False"),
        ({"alpha": 5.0, "kinks": "no"}, "kinks must be True or False"),
        ({"alpha": 5.0, "inflow": lambda t: np.ones((2, len(t)))}, "at .0. is .* pass kinks=True"),
    ],
)
def test_wrong_arguments(shipped, arguments, message):
    with pytest.raises(ValueError, match=message):
        shipped.solve(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": []}, r"one length B of at least 1, got alpha \(0,\)"),
        ({"alpha": [[1.0, 2.0]]}, r"one length B of at least 1, got alpha \(1, 2\)"),
        ({"alpha": [1.0, 2.0, 3.0], "data": np.zeros((2, 2, 203))}, r"got alpha \(3,\), data \(2, 2, 203\)"),
        ({"alpha": [1j]}, "alpha must be an array of real numbers"),
        ({"alpha": ["q"]}, "alpha must be an array of real numbers"),
        ({"alpha": 1.0, "threads": 1.5}, "threads must be an integer"),
        ({"alpha": 1.0, "threads": "two"}, "threads must be an integer"),
    ],
)
def test_wrong_arguments_for_many(shipped, arguments, message):
    with pytest.raises(ValueError, match=message):
        shipped.solve_many(**arguments)


def test_points_outside_the_domain(shipped):
    sol = shipped.solve(alpha=5.0)
    with pytest.raises(ValueError, match="outside the domain"):
        sol(np.array([[0.5, 1.2]]))
    with pytest.raises(ValueError, match=r"shape \(P, 2\)"):
        sol(np.array([0.5, 0.2]))


def test_what_cannot_be_compiled():
    with pytest.raises(ValueError, match="unknown options powers"):
        stlfast.compile_pde(families.fisher_kpp(), powers=3)
    with pytest.raises(ValueError, match="takes a PDEFamily"):
        stlfast.compile_pde(families.dho())
    with pytest.raises(ValueError, match="must not exceed space"):
        stlfast.compile_pde(families.advection_reaction(), space=10, degrees=12)
    with pytest.raises(ValueError, match="tol must be"):
        stlfast.compile_pde(families.advection_reaction(), tol=0.0)
    with pytest.raises(ValueError, match="time must be"):
        stlfast.compile_pde(families.advection_reaction(), time=1.5)


def test_members_survive_pickling(shipped):
    member = shipped.at(alpha=30.0)
    again = pickle.loads(pickle.dumps(member))
    np.testing.assert_array_equal(again.solve(t=[0.1, 1.0]).u, member.solve(t=[0.1, 1.0]).u)


def test_numbers_that_overflow_are_no_success(shipped):
    many = shipped.solve_many(1e307 * shipped.data(alpha=10.0), alpha=10.0)
    assert not many.success.any()
    assert np.isinf(many.error_estimate).all()
