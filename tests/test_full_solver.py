"""Nonlinear members on all functions of a dictionary, against SciPy at 1e-12 and against each other."""

import pickle

import numpy as np
import pytest
import sympy as sp

import stlfast
from bench.paper.problems import published_largest
from stlfast import Body, Family, Range, _core, families
from stlfast.direct.ode.solver import FullSolver
from stlfast.features.dictionary import Dictionary

X = np.union1d(np.linspace(0.0, 1.0, 101), np.geomspace(1e-5, 1.0, 100))
DUFFING, ROBERTSON = families.duffing(), families.robertson()
t, alpha, y = sp.symbols("t alpha y")


def chebyshev(family, functions, tau, points=None, **options):
    x = _core.Points.log_time(points or functions - 1, tau).x
    return FullSolver(family, Dictionary(functions=functions, tau=tau), x, **options)


def scalar(rhs, y0):
    within = Range(train=(1.0, 10.0), solve=(1.0, 1e4))
    return Family(
        name="scalar", t=t, y=[y], rhs=[rhs], t_span=(0, 10), stiffness=alpha, params={alpha: within}, y0=[y0]
    )


def reference(family, x, p, y0=None, rtol=1e-12, atol=1e-14):
    named = dict(zip(family.params, map(float, p), strict=True))
    t0, t1 = family.t_span_at(**named)
    return family.reference(y0, t0 + (t1 - t0) * x, rtol=rtol, atol=atol, **named).y


@pytest.fixture(scope="module")
def duffing():
    return chebyshev(DUFFING, 121, 1e-3, points=160)


# ------------------------------------------------------------------------------------------------------ linear solves
@pytest.fixture(scope="module")
def space():
    points = _core.Points.log_time(39, 1e-3)
    return _core.FullSpace(_core.Dictionary.chebyshev(40, "log", 1e-3), points, 2, False, "svd"), points.x


def test_a_linear_solve_with_and_without_preconditioned_rows(space):
    space, x = space
    A = np.array([[0.0], [1.0], [-4.0], [0.0]])
    rows = np.array([2 + x, x, -x, 1 + x])
    zero, y0 = np.zeros((2, len(x))), np.array([1.0, 0.0])
    H = _core.Dictionary.chebyshev(40, "log", 1e-3).evaluate(X)[0]
    exact = np.array([np.cos(2 * X), -2 * np.sin(2 * X)]).T
    for heads in (space.factor(A).solve(y0, zero), space.factor(np.repeat(A, len(x), axis=1), rows).solve(y0, zero)):
        assert np.abs(H @ heads - exact).max() < 1e-10


def test_linear_solves_check_their_arrays(space):
    space, x = space
    with pytest.raises(ValueError, match=r"A must have shape \(4, 39\), got \(3, 39\)"):
        space.factor(np.zeros((3, len(x))))
    with pytest.raises(ValueError, match=r"rows must have shape"):
        space.factor(np.zeros((4, 1)), np.zeros((4, 1)))
    with pytest.raises(ValueError, match=r"forcing must have shape \(2, 39\)"):
        space.factor(np.zeros((4, 1))).solve(np.zeros(2), np.zeros((39, 2)))


# ---------------------------------------------------------------------------------------------------- Newton's method
@pytest.mark.parametrize("stiffness", [10.0, 50.0, 150.0, 1000.0])
@pytest.mark.parametrize(("beta", "y0"), [(0.5, (1.0, 0.5)), (1.0, (3.0, 2.0))])
def test_duffing_by_newton(duffing, stiffness, beta, y0):
    answer = duffing.solve([stiffness, beta], y0)
    assert answer.converged, answer.message
    assert answer.iterations <= 10
    error = np.abs(duffing.evaluate(answer.heads, X) - reference(DUFFING, X, (stiffness, beta), y0)).max()
    assert error < 1e-10
    assert answer.residual < 1e-10


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("points", [100, 160])
def test_robertson_at_random_rates(seed, points):
    x = np.concatenate([[0.0], np.geomspace(1e-11, 1.0, 100)])
    p = np.array([0.04, 3e7, 1e4]) * 3 ** np.random.default_rng(seed).uniform(-1, 1, 3)
    solver = chebyshev(ROBERTSON, 101, 1e-8, points)
    answer = solver.solve(p, ROBERTSON.y0)
    assert answer.converged, answer.message
    found, expected = solver.evaluate(answer.heads, x), reference(ROBERTSON, x, p, atol=1e-18)
    error = np.abs(found - expected).max(axis=1)
    assert np.all(error < [1e-7, 1e-11, 1e-7]), error
    assert np.abs(found.sum(axis=0) - 1).max() < 1e-9
    relative = (error / np.abs(expected).max(axis=1)).max()
    # What the residual is said to be; least squares of more rows than unknowns let the mass drift a little further.
    assert 0.05 * relative < answer.residual < 10 * relative + 1e-11


def test_the_error_falls_geometrically_with_the_functions():
    errors, expected = [], reference(DUFFING, X, (100.0, 1.0), (3.0, 2.0))
    for functions in (31, 41, 51, 61):
        solver = chebyshev(DUFFING, functions, 1e-3)
        answer = solver.solve([100.0, 1.0], (3.0, 2.0))
        errors.append(np.abs(solver.evaluate(answer.heads, X) - expected).max())
    slope = np.polyfit([31, 41, 51, 61], np.log10(errors), 1)[0]
    assert slope < -0.1, errors  # a decade in ten functions


def test_newton_on_random_features():
    body = Body.random((64, 64, 64), seed=0)
    solver = FullSolver(DUFFING, Dictionary((1.0, 8.0)), _core.Points.log_time(260, 1e-3).x, body=body)
    answer = solver.solve([50.0, 1.0], (3.0, 2.0))
    assert answer.converged, answer.message
    error = np.abs(solver.evaluate(answer.heads, X) - reference(DUFFING, X, (50.0, 1.0), (3.0, 2.0))).max()
    assert error < 1e-6


def test_damping_keeps_newton_in_the_domain():
    family = scalar(-alpha * (sp.log(y) - sp.sin(t)), 5.0)
    solver = chebyshev(family, 161, 1e-4)
    answer = solver.solve([100.0], [5.0])
    assert answer.converged, answer.message
    assert "damping" in answer.message
    assert np.abs(solver.evaluate(answer.heads, X) - reference(family, X, [100.0])).max() < 1e-8


def test_continuation_in_the_stiffness():
    family = scalar(-alpha * sp.tanh(4 * (y - sp.sin(t))), 3.0)
    solver = chebyshev(family, 161, 1e-4)
    answer = solver.solve([1000.0], [3.0])
    assert answer.converged, answer.message
    assert "continuation from alpha = 1 " in answer.message
    assert np.abs(solver.evaluate(answer.heads, X) - reference(family, X, [1000.0])).max() < 1e-3


def test_a_guess_saves_iterations(duffing):
    near = duffing.solve([100.0, 1.0], (3.0, 2.0))
    cold, warm = duffing.solve([101.0, 1.0], (3.0, 2.0)), duffing.solve([101.0, 1.0], (3.0, 2.0), guess=near.heads)
    assert warm.iterations < cold.iterations
    assert np.abs(duffing.evaluate(warm.heads - cold.heads, X)).max() < 1e-11


def test_a_solution_that_blows_up_is_no_solution():
    family = scalar(y**2 * alpha, 1.0)
    answer = chebyshev(family, 61, 1e-3).solve([1.0], [1.0])  # 1/(1 − t) on [0, 10]
    assert not answer.converged
    assert answer.residual > 1e-2 or "does not converge" in answer.message


def test_too_few_functions_are_reported():
    answer = chebyshev(DUFFING, 12, 1e-3).solve([1000.0, 1.0], (3.0, 2.0))
    assert not answer.converged
    assert "More functions" in answer.message


def test_a_python_function_with_and_without_its_derivative():
    def rhs(t, y, alpha):
        return np.array([-alpha * (y[0] ** 3 - np.cos(t))])

    def jac(t, y, alpha):
        return np.array([[-3 * alpha * y[0] ** 2]])

    within = {"alpha": Range(train=(1.0, 10.0), solve=(1.0, 1e4))}
    for derivative in (jac, None):
        family = Family("python", None, ["y"], rhs, (0.0, 1.5), "alpha", within, [2.0], jac=derivative)
        solver = chebyshev(family, 101, 1e-4)
        answer = solver.solve([100.0], [2.0])
        assert answer.converged, answer.message
        assert np.abs(solver.evaluate(answer.heads, X) - reference(family, X, [100.0])).max() < 1e-7
        with pytest.raises(ValueError, match="a Python function: use method='newton'"):
            solver.solve([100.0], [2.0], "perturbation")


def test_a_linear_family_takes_one_solve():
    family = families.dho()
    solver = chebyshev(family, 81, 1e-3)
    expected = reference(family, X, [100.0])
    for method in ("newton", "chord", "perturbation"):
        answer = solver.solve([100.0], family.y0, method)
        assert answer.converged
        assert answer.iterations <= 2
        assert np.abs(solver.evaluate(answer.heads, X) - expected).max() < 1e-9


# --------------------------------------------------------------------------------------- chords and perturbation series
@pytest.mark.parametrize(("stiffness", "beta", "y0"), [(50.0, 0.5, (1.0, 0.5)), (1000.0, 1.0, (3.0, 2.0))])
def test_chords_and_series_agree_with_newton(duffing, stiffness, beta, y0):
    expected = duffing.evaluate(duffing.solve([stiffness, beta], y0).heads, X)
    for method, options in (("chord", {}), ("perturbation", {}), ("perturbation", {"expand": "beta"})):
        answer = duffing.solve([stiffness, beta], y0, method, **options)
        assert answer.converged, answer.message
        assert np.abs(duffing.evaluate(answer.heads, X) - expected).max() < 1e-10


def test_the_error_of_the_series_falls_geometrically(duffing):
    p, y0, orders = [50.0, 1.0], (1.0, 0.5), np.arange(2, 20, 3)
    expected = duffing.evaluate(duffing.solve(p, y0).heads, X)
    series = [duffing.solve(p, y0, "perturbation", order=k) for k in orders]
    errors = [np.abs(duffing.evaluate(answer.heads, X) - expected).max() for answer in series]
    slope, constant = np.polyfit(orders, np.log(errors), 1)
    assert -2.0 < slope < -0.2
    assert np.abs(np.polyval([slope, constant], orders) - np.log(errors)).max() < 1.0  # a straight line
    terms = np.log(series[-1].steps[2:])
    assert np.polyfit(np.arange(len(terms)), terms, 1)[0] == pytest.approx(slope, rel=0.2)
    assert "take order" in series[0].message


def test_the_series_in_a_parameter_is_that_in_a_factor_of_N(duffing):
    p, y0 = [30.0, 0.7], (1.0, 0.5)
    first, second = (duffing.solve(p, y0, "perturbation", order=7, expand=expand) for expand in (None, "beta"))
    assert np.abs(duffing.evaluate(first.heads - second.heads, X)).max() < 1e-12


def test_a_series_with_every_other_term_zero():
    gamma = sp.Symbol("gamma")
    params = {alpha: Range((1.0, 10.0), (1.0, 1e3)), gamma: Range((0.0, 1.0), (0.0, 1.0))}
    family = Family("even", t, [y], [-alpha * y - gamma**2 * y**2 + sp.cos(t)], (0, 10), alpha, params, [1.0])
    solver = chebyshev(family, 81, 1e-3)
    answer = solver.solve([20.0, 0.9], [1.0], "perturbation", expand="gamma")
    assert answer.converged, answer.message
    assert max(answer.steps[1::2]) == 0 < answer.steps[2]
    assert np.abs(solver.evaluate(answer.heads, X) - reference(family, X, (20.0, 0.9))).max() < 1e-9


def test_divergence_is_reported(duffing):
    for method in ("chord", "perturbation"):
        answer = duffing.solve([10.0, 1.0], (3.0, 2.0), method)
        assert not answer.converged
        assert "diverges" in answer.message
        assert "use method='newton'" in answer.message
        assert np.isfinite(answer.heads).all()


@pytest.fixture
def one_thread():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow(reason="trains a body")
@pytest.mark.usefixtures("one_thread")
def test_the_papers_pipeline_reaches_what_is_published():
    """arXiv 2501.17281 publishes the best of orders 0 … 29."""
    y1, y2 = sp.symbols("y1 y2")
    linear = Family(
        "linear part", t, [y1, y2], [y2, -alpha * y2 - y1 / 10 + sp.cos(t)], (0, 10), alpha,
        {alpha: Range(train=(5.0, 20.0), solve=(5.0, 1000.0))}, [1.0, 0.5],
    )  # fmt: skip
    body = stlfast.train_body(
        linear, widths=(64, 64, 132), tau=1e-2, steps=600, lbfgs_steps=0, points=150, shared_head=True, progress=False
    )
    uniform = np.linspace(0.0, 1.0, 512)
    solver = FullSolver(DUFFING, Dictionary((1.0,), constant=False), uniform, "none", True, "pinv", body)
    for stiffness, theirs in published_largest("duffing")[::4]:
        expected = reference(DUFFING, uniform, (stiffness, 0.1), rtol=1e-8, atol=1e-10)
        series = [solver.solve([stiffness, 0.1], DUFFING.y0, "perturbation", order=k) for k in range(0, 30, 4)]
        assert min(np.abs(solver.evaluate(s.heads, uniform) - expected).max() for s in series) <= theirs


# ---------------------------------------------------------------------------------------------------------- bad input
def test_bad_input_is_explained(duffing):
    y0 = (1.0, 0.5)
    for message, call in {
        "unknown method 'picard'; known: newton, chord, perturbation": lambda: duffing.solve([10, 0.5], y0, "picard"),
        r"p must have shape \(2,\), got \(1,\)": lambda: duffing.solve([10.0], y0),
        r"y0 must have shape \(2,\)": lambda: duffing.solve([10.0, 0.5], [1.0]),
        "y0 must be finite": lambda: duffing.solve([10.0, 0.5], [1.0, np.nan]),
        r"heads must have shape \(121, 2\)": lambda: duffing.solve([10.0, 0.5], y0, guess=np.zeros((3, 2))),
        "order must be an integer": lambda: duffing.solve([10.0, 0.5], y0, "perturbation", order=-1),
        "tolerance must be": lambda: duffing.solve([10.0, 0.5], y0, tolerance=-1.0),
        "expand 'gamma' is no parameter": lambda: duffing.solve([10, 0.5], y0, "perturbation", expand="gamma"),
        "A and b must not depend on it": lambda: duffing.solve([10, 0.5], y0, "perturbation", expand="alpha"),
        r"lie in \[0, 1\]": lambda: duffing.evaluate(np.zeros((121, 2)), [1.5]),
        "unknown row_weights 'all'": lambda: chebyshev(DUFFING, 21, 1e-3, row_weights="all"),
        "takes a stlfast.Family": lambda: chebyshev("duffing", 21, 1e-3),
        "needs a body": lambda: FullSolver(DUFFING, Dictionary((1.0,)), np.linspace(0, 1, 50)),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_what_has_no_perturbation_series_is_explained():
    solver = chebyshev(scalar(-alpha * sp.exp(y), 1.0), 41, 1e-3)
    with pytest.raises(ValueError, match="is not: use method='newton' or 'chord'"):
        solver.solve([1.0], [1.0], "perturbation")
    gamma = sp.Symbol("gamma")
    params = {alpha: Range((1.0, 10.0), (1.0, 1e3)), gamma: Range((0.0, 1.0), (0.0, 1.0))}
    family = Family("shifted", t, [y], [-alpha * y - (1 + gamma) * y**2], (0, 10), alpha, params, [1.0])
    with pytest.raises(ValueError, match="N does not vanish where it is 0"):
        chebyshev(family, 41, 1e-3).solve([1.0, 0.5], [1.0], "perturbation", expand="gamma")


def test_answers_pickle(duffing):
    answer = duffing.solve([50.0, 0.5], (1.0, 0.5))
    again = pickle.loads(pickle.dumps(answer))
    assert again.message == answer.message
    np.testing.assert_array_equal(again.heads, answer.heads)
