"""Compiled nonlinear families: accuracy, the estimate, methods and fallbacks, sweeps, files, wrong input."""

import pickle
import threading

import numpy as np
import pytest
import slow
import sympy as sp

import stlfast
from stlfast import families
from stlfast.measure.exact import point_set, truth

ALPHAS, BETAS = (10.0, 20.0, 50.0, 100.0, 150.0, 300.0, 1000.0), (0.1, 0.5, 1.0)
RATES = {"k1": 0.04, "k2": 3e7, "k3": 1e4}
MEMBER = {"alpha": 75.0, "beta": 0.5}


@pytest.fixture(scope="module")
def duffing(shipped_model):
    return shipped_model("duffing")


@pytest.fixture(scope="module")
def robertson(shipped_model):
    return shipped_model("robertson")


def random_members(family, count, seed=0):
    """Parameters by name, each (count,), and initial values (count, n) in the box."""
    rng = np.random.default_rng(seed)
    params = {
        name: np.exp(rng.uniform(*np.log(r.solve), count)) if r.solve[0] > 0 else rng.uniform(*r.solve, count)
        for name, r in family.params.items()
    }
    box = np.stack([family.y0, family.y0]) if family.y0_range is None else family.y0_range.T
    return params, rng.uniform(*box, (count, family.n))


# --------------------------------------------------------------------------------------------------------- accuracy
@pytest.mark.parametrize("alpha", ALPHAS)
def test_duffing_meets_its_error(duffing, alpha):
    times = point_set(0.0, 10.0)
    for beta in BETAS:
        for y0 in (None, np.random.default_rng(int(alpha)).uniform([0.0, -1.0], [3.0, 2.0])):
            sol = duffing.solve(y0, t=times, alpha=alpha, beta=beta)
            exact = truth(duffing.family, times, y0, alpha=alpha, beta=beta)
            assert sol.success
            assert sol.method == "reduced"
            assert sol.error_bound is None
            assert np.abs(sol.y - exact).max() <= 1e-6


def test_duffing_on_the_full_dictionary(duffing):
    times = point_set(0.0, 10.0)
    for alpha in ALPHAS:
        for beta, y0 in ((0.1, [3.0, 2.0]), (0.5, None), (1.0, [2.0, -1.0])):
            sol = duffing.solve(y0, t=times, alpha=alpha, beta=beta, method="newton")
            assert sol.success
            assert sol.method == "newton"
            assert np.abs(sol.y - truth(duffing.family, times, y0, alpha=alpha, beta=beta)).max() <= 1e-7


def test_robertson_meets_its_errors_and_conserves_mass(robertson):
    params, _ = random_members(robertson.family, 8)
    times = np.concatenate([[0.0], np.geomspace(1e-5, 1e5, 80)])
    for row in range(8):
        named = {name: float(values[row]) for name, values in params.items()}
        sol = robertson.solve(t=times, **named)
        exact = robertson.family.reference(t=times, method="LSODA", rtol=1e-12, atol=1e-18, **named).y
        assert sol.success
        assert sol.method == "reduced"
        assert np.all(np.abs(sol.y - exact).max(axis=1) <= [1e-6, 1e-9, 1e-6])
        assert np.abs(sol.y.sum(axis=0) - 1).max() <= 1e-13


def test_van_der_pol_goes_to_windows():
    model = stlfast.load("vdp")
    sol = model.solve(mu=1000.0)
    assert sol.success
    assert sol.method == "windows"
    assert sol.windows > 10
    assert sol.y[0].min() < -1.9


@pytest.mark.parametrize("name", ["duffing", "robertson"])
def test_the_core_agrees_with_numpy(shipped_model, name):
    model = shipped_model(name)
    params, starts = random_members(model.family, 10, seed=3)
    x = np.concatenate([[0.0], np.geomspace(1e-9, 1.0, 40)])
    for row in range(10):
        p = np.array([values[row] for values in params.values()])
        index = next(k for k, band in enumerate(model.compiled.bands) if np.all((band.low <= p) & (p <= band.high)))
        expected = slow.reduced_newton(model.family, model.compiled.bands[index], p, starts[row], x)
        t0, t1 = model.family.t_span_at(**dict(zip(params, p, strict=True)))
        found = model.solve(
            starts[row], t=t0 + (t1 - t0) * x, method="reduced", **dict(zip(params, p.tolist(), strict=True))
        )
        size = np.abs(expected).max(axis=1, keepdims=True)
        assert np.abs((found.y - expected) / size).max() <= 2e-8  # the last step of Newton's method, squared


# --------------------------------------------------------------------------------------------------------- estimate
def test_estimate_of_a_thousand_members(duffing):
    """Of the shipped model and of two that are far too small, with the estimate as the only judge of success."""
    models = [
        duffing,
        *(stlfast.compile(duffing.family, None, "chebyshev", tol=tol, max_rank=24) for tol in (1e-4, 1e-2)),
    ]
    sharp = stlfast.Windows(duffing.family)
    params, starts = random_members(duffing.family, 1000, seed=1)
    times = point_set(0.0, 10.0)
    ratios = []
    for row in range(1000):
        member = {name: float(values[row]) for name, values in params.items()}
        sol = models[row % 3].solve(starts[row], t=times, rtol=1e-6, method="reduced", **member)
        exact = sharp.solve(starts[row], t=times, rtol=1e-10, atol=1e-12, certify=False, **member).y
        error = np.abs(sol.y - exact).max(axis=1)
        ratios.append((sol.error_estimate + 1e-11) / (error + 1e-11))  # 1e-11: of the exact ones
        assert not sol.success or np.all(error <= 10 * (1e-8 + 1e-6 * np.abs(exact).max(axis=1)))
    within = (np.array(ratios) >= 0.1) & (np.array(ratios) <= 10)
    assert within.all(axis=1).mean() >= 0.95


def test_what_misses_goes_to_windows():
    family = families.duffing()
    crude = stlfast.compile(family, None, "chebyshev", tol=1e-2, max_rank=24)
    assert crude.solve(**MEMBER).method == "reduced"  # to the tolerance that it was compiled for
    sharp = {"rtol": 1e-6, **MEMBER}
    reduced = crude.solve(method="reduced", **sharp)
    assert not reduced.success
    assert "misses" in reduced.message
    assert reduced.status == -1
    sol = crude.solve(**sharp)
    assert sol.success
    assert sol.method == "windows"
    many = crude.solve_many(np.tile(family.y0, (3, 1)), **sharp)
    assert many.success.all()
    np.testing.assert_allclose(many.y[2], sol.y, atol=1e-12)
    listed = crude.solve_many(np.tile(family.y0, (3, 1)), observe=[0.5, 2.0], **sharp)
    np.testing.assert_allclose(listed.y[1], crude.solve(t=np.array([0.5, 2.0]), **sharp).y, atol=1e-12)
    missed = crude.solve(rtol=0.0, atol=1e-17, fallback=False, **MEMBER)
    assert not missed.success
    assert missed.method == "windows"


def test_not_certified(duffing):
    sol = duffing.solve(certify=False, **MEMBER)
    assert sol.success
    assert sol.status == 1
    assert sol.error_estimate is None
    assert "certify=False" in sol.message
    np.testing.assert_array_equal(sol.y, duffing.solve(**MEMBER).y)


# ---------------------------------------------------------------------------------------------------------- methods
@pytest.mark.parametrize("method", ["newton", "chord", "perturbation", "windows"])
def test_every_method_agrees(duffing, method):
    sol = duffing.solve([1.0, 0.5], alpha=150.0, beta=0.5, method=method)
    other = duffing.solve([1.0, 0.5], alpha=150.0, beta=0.5)
    assert sol.method == method
    assert sol.success, sol.message
    assert sol.iterations > 0
    assert sol.last_step < 1e-3
    assert sol.residual < 1e-3
    assert np.abs(sol.y - other.y).max() <= 2e-7
    assert np.abs(sol(sol.t[::7]) - sol.y[:, ::7]).max() <= 1e-11


@pytest.mark.parametrize("method", ["chord", "perturbation"])
def test_divergence_is_no_answer(duffing, method):
    sol = duffing.solve([3.0, 2.0], alpha=10.0, beta=1.0, method=method)
    assert not sol.success
    assert sol.status == -1
    assert "newton" in sol.message or "method=None" in sol.message
    assert sol.error_estimate is None


def test_no_solution_at_all_is_nan():
    sol = stlfast.load("vdp").solve(mu=1000.0, method="newton")
    assert not sol.success
    if np.isnan(sol.y).any():
        with pytest.raises(ValueError, match="no solution to evaluate"):
            sol(0.0)


def test_expansion_in_a_parameter_and_orders(duffing):
    low, high = (
        duffing.solve(alpha=300.0, beta=0.5, method="perturbation", expand="beta", order=order, certify=False).y
        for order in (2, 12)
    )
    exact = duffing.solve(alpha=300.0, beta=0.5, method="newton").y
    assert np.abs(high - exact).max() < 1e-2 * np.abs(low - exact).max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"method": "secant"},
            "unknown method 'secant'; known: reduced, compiled, windows, newton, chord, perturbation",
        ),
        ({"method": "newton", "order": 3}, "order and expand belong to method='perturbation'"),
        ({"method": "perturbation", "expand": "alpha"}, "expand='alpha'"),
        ({"y0": [4.0, 0.0]}, r"y0: y1 = 4 is outside \[0, 3\].*extrapolate=True"),
        ({"y0": [4.0, 0.0], "method": "newton"}, r"y0: y1 = 4 is outside \[0, 3\]"),
        ({"y0": [1.0]}, "y0 must have shape"),
        ({"y0": [1.0, np.nan]}, "y0 must be finite"),
        ({"t": [11.0]}, "outside t_span"),
        ({"alpha": 2000.0}, "alpha = 2000.0 is outside"),
        ({"beta": "x"}, "beta must be one number"),
        ({"rtol": -1.0}, "rtol must be a finite number"),
        ({"certify": 2}, "certify must be True or False"),
    ],
)
def test_wrong_input(duffing, options, message):
    with pytest.raises(ValueError, match=message):
        duffing.solve(**{**MEMBER, **options})


def test_beyond_the_box(duffing):
    sol = duffing.solve([3.3, 0.0], extrapolate=True, **MEMBER)
    exact = truth(duffing.family, sol.t, [3.3, 0.0], **MEMBER)
    assert sol.success
    assert np.all(np.abs(sol.y - exact).max(axis=1) <= 10 * (1e-8 + 1e-6 * np.abs(exact).max(axis=1)))


def test_another_initial_value_of_a_family_without_box(robertson):
    for extrapolate in (False, True):
        sol = robertson.solve([0.9, 0.0, 0.1], extrapolate=extrapolate, **RATES)
        assert sol.success
        assert sol.method == "windows"
        assert sol.y[0, 0] == 0.9


def test_a_solution_shows_itself(duffing):
    assert "reduced" in repr(duffing.solve(**MEMBER))
    assert "NonlinearModel" in repr(duffing)


# ----------------------------------------------------------------------------------------------------------- sweeps
def test_many_are_single_ones(duffing):
    params, starts = random_members(duffing.family, 33, seed=5)
    many = duffing.solve_many(starts, **params, threads=2)
    assert many.success.all()
    assert many.error_bound is None
    for row in range(33):
        single = duffing.solve(starts[row], **{name: float(values[row]) for name, values in params.items()})
        np.testing.assert_allclose(many.y[row], single.y, rtol=0, atol=1e-13)
        np.testing.assert_allclose(many.error_estimate[row], single.error_estimate, rtol=1e-5, atol=1e-15)


def test_many_do_not_depend_on_threads(duffing):
    params, starts = random_members(duffing.family, 300, seed=6)
    one, three = (duffing.solve_many(starts, threads=threads, **params) for threads in (1, 3))
    np.testing.assert_array_equal(one.y, three.y)
    np.testing.assert_array_equal(one.error_estimate, three.error_estimate)


def test_many_observed(duffing):
    _, starts = random_members(duffing.family, 9, seed=7)
    every = duffing.solve_many(starts, **MEMBER)
    out = np.empty((9, 2, 512))
    assert duffing.solve_many(starts, out=out, **MEMBER).y is out
    np.testing.assert_array_equal(out, every.y)
    final = duffing.solve_many(starts, observe="final", **MEMBER)
    np.testing.assert_allclose(final.y, every.y[:, :, -1], atol=1e-14)
    np.testing.assert_array_equal(duffing.solve_many(starts, observe="maximum", **MEMBER).y, every.y.max(axis=2))
    some = duffing.solve_many(starts, observe=np.array([0.5, 2.0]), certify=False, **MEMBER)
    assert some.error_estimate is None
    np.testing.assert_allclose(some.y[4], duffing.solve(starts[4], t=np.array([0.5, 2.0]), **MEMBER).y, atol=1e-12)


def test_many_without_bands():
    model = stlfast.load("vdp")
    many = model.solve_many(mu=np.array([5.0, 20.0]), observe="final")
    assert many.success.all()
    np.testing.assert_allclose(many.y[1], model.solve(mu=20.0).y[:, -1], atol=1e-12)


def test_many_outside_the_box(duffing):
    starts = np.array([[1.0, 0.5], [3.5, 0.0]])
    with pytest.raises(ValueError, match="in row 1 is outside"):
        duffing.solve_many(starts, **MEMBER)
    many = duffing.solve_many(starts, extrapolate=True, **MEMBER)
    assert many.success.all()


def test_threads_share_a_model(duffing):
    expected = duffing.solve(**MEMBER).y
    results = []
    workers = [
        threading.Thread(target=lambda: results.extend(duffing.solve(**MEMBER).y for _ in range(50))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 200
    assert all(np.array_equal(y, expected) for y in results)


def test_stepper(duffing):
    stepper = duffing.stepper(**MEMBER)
    y = duffing.family.y0
    for _ in range(10):
        y = stepper.step(y, 1.0)
    assert np.abs(y - duffing.solve(**MEMBER).y[:, -1]).max() <= 1e-5


# ------------------------------------------------------------------------------------------------------------ files
def test_files_and_pickles(duffing, tmp_path):
    duffing.save(tmp_path / "copy.safetensors")
    for copy in (stlfast.load(tmp_path / "copy.safetensors"), pickle.loads(pickle.dumps(duffing))):
        assert isinstance(copy, stlfast.NonlinearModel)
        assert copy.passport == duffing.passport
        np.testing.assert_array_equal(copy.solve(**MEMBER).y, duffing.solve(**MEMBER).y)
    sol = pickle.loads(pickle.dumps(duffing.solve(**MEMBER)))
    np.testing.assert_array_equal(sol(sol.t), duffing.solve(**MEMBER)(sol.t))


# -------------------------------------------------------------------------------------------------------- compiling
def kinetics(**changed):
    """A user's own: Michaelis–Menten with a fast enzyme, in rational form."""
    t, k, s, p = sp.symbols("t k s p")
    options = {
        "name": "kinetics", "t": t, "y": [s, p], "rhs": [-k * s / (1 + s), k * s / (1 + s) - p], "t_span": (0.0, 5.0),
        "stiffness": k, "params": {k: stlfast.Range(train=(1.0, 10.0), solve=(1.0, 100.0))}, "y0": [1.0, 0.0],
        "y0_range": [(0.5, 1.5), (0.0, 0.0)],
    }  # fmt: skip
    return stlfast.Family(**options | changed)


def test_a_family_of_the_users_own():
    model = stlfast.compile(kinetics(), None, "chebyshev", tol=1e-7)
    params, starts = random_members(model.family, 20)
    for k, y0 in zip(params["k"], starts, strict=True):
        sol = model.solve(y0, k=float(k))
        assert sol.method == "reduced"
        assert sol.success
        assert np.abs(sol.y - truth(model.family, sol.t, y0, k=float(k))).max() <= 1e-6


def test_without_reduced_bases():
    model = stlfast.compile(kinetics(), None, "chebyshev", reduced=False)
    assert model.solve(k=10.0).method == "windows"
    with pytest.raises(ValueError, match="has no reduced basis for this member"):
        model.solve(k=10.0, method="reduced")
    with pytest.raises(ValueError, match="polynomial"):
        model.solve(k=10.0, method="perturbation")


def test_a_python_function_has_no_reduced_basis():
    family = kinetics(
        rhs=lambda t, y, k: np.array([-k * y[0], k * y[0] - y[1]]),
        y=["s", "p"],
        params={"k": stlfast.Range(train=(1.0, 10.0), solve=(1.0, 100.0))},
        stiffness="k",
    )
    with pytest.raises(ValueError, match="Python function as rhs"):
        stlfast.compile(family, reduced=True)
    with pytest.warns(UserWarning, match="Compiled without reduced bases: members are solved on time windows"):
        model = stlfast.compile(family)
    assert model.solve(k=10.0).success
    sol = model.solve(k=10.0, method="newton")
    assert sol.status == 1
    assert np.abs(sol.y - model.solve(k=10.0).y).max() <= 1e-6


def test_a_tolerance_out_of_reach():
    with pytest.raises(RuntimeError, match=r"64 bands of at most 2 functions do not hold 'kinetics'.*max_rank"):
        stlfast.compile(kinetics(), max_rank=2, tol=1e-9, reduced=True)
    with pytest.warns(UserWarning, match=r"64 bands .* Compiled without reduced bases"):
        model = stlfast.compile(kinetics(), max_rank=2, tol=1e-9)
    assert model.solve(k=10.0).method == "windows"


def test_a_dictionary_of_features_needs_a_body():
    with pytest.raises(ValueError, match="basis='body' needs a body"):
        stlfast.compile(kinetics(), None, "body")
    with pytest.raises(ValueError, match="basis='random' needs a body"):
        stlfast.compile(kinetics(), None, "random")
