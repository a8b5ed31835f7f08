"""Compiling: the options from the paper's pipeline to ours, the honest competitors, wrong options."""

import numpy as np
import pytest
import sympy as sp

import stlfast
from stlfast.compiler import compile as compile_model
from stlfast.measure.exact import exact, point_set


def worst_error(model, alphas=(10.0, 150.0, 1000.0), **options):
    t = point_set(0.0, 10.0)
    return max(np.abs(model.solve(t=t, alpha=a, **options).y - exact(model.family, t, alpha=a)).max() for a in alphas)


def test_each_step_away_from_the_papers_pipeline_pays(dho):
    """QR, independent heads, log-time points with their weights, dilation: each lowers the error at high stiffness."""
    uniform = np.linspace(0.0, 1.0, 400)
    ours = {"dilations": [1.0], "row_weights": "none", "points": uniform, "shared_head": True, "solver": "pinv"}
    errors = []
    changes = (
        {},
        {"solver": "qr"},
        {"shared_head": False, "solver": "svd"},
        {"points": 400, "row_weights": "sqrt_t"},
        {"dilations": "auto"},
    )
    for step in changes:
        ours |= step
        model = stlfast.compile(dho.family, dho.body, reduced=False, **ours)
        errors.append(worst_error(model, (20.0, 75.0), method="full"))
    assert errors[0] > 1e-4
    assert errors[-1] < 1e-9
    assert errors[-1] < 1e-5 * errors[0]
    assert errors[3] < errors[1]


@pytest.mark.slow(reason="compiles many bands")
@pytest.mark.parametrize("basis", ["random", "chebyshev"])
def test_other_bases_of_the_same_size(dho, basis):
    model = stlfast.compile(dho.family, dho.body, basis)
    assert model.passport["compile"]["functions"] == dho.passport["compile"]["functions"]
    assert model.passport["basis"] == basis
    assert worst_error(model, reduced=False) <= 1e-6
    solution = model.solve(alpha=300.0)
    assert (solution.error_bound >= np.abs(solution.y - exact(dho.family, solution.t, alpha=300.0)).max(axis=1)).all()


def test_saved_model_of_another_basis(dho, tmp_path):
    model = stlfast.compile(dho.family, dho.body, "chebyshev", reduced=False)
    model.save(tmp_path / "chebyshev.safetensors")
    again = stlfast.load(tmp_path / "chebyshev.safetensors")
    assert again.body is None
    np.testing.assert_array_equal(again.solve(alpha=40.0).y, model.solve(alpha=40.0).y)


@pytest.mark.slow(reason="compiles many bands")
def test_less_rank_means_more_bands(dho):
    models = [stlfast.compile(dho.family, dho.body, max_rank=r, tol=1e-6) for r in (10, 16)]
    counts = [len(model.compiled.bands) for model in models]
    ranks = [max(band[3].shape[1] // 2 for band in model.compiled.bands) for model in models]
    assert counts[0] > counts[1]
    assert ranks[0] <= 10 < ranks[1] <= 16
    for model in models:
        solution = model.solve(alpha=300.0, reduced=True)
        assert solution.error_bound.max() < 1e-5


@pytest.mark.slow(reason="two compilations")
def test_error_falls_with_the_rank(dho, truncated):
    """Geometrically: the fitted slope of log error against rank is at least half a digit a function."""
    ranks = (6, 8, 10, 12, 14)
    largest = stlfast.compile(dho.family, dho.body, rank=ranks[-1])
    models = [stlfast.compile(dho.family, dho.body, rank=ranks[0]), *(truncated(largest, r) for r in ranks[1:])]
    errors = [worst_error(model, reduced=True) for model in models]
    assert errors[0] == pytest.approx(worst_error(truncated(largest, ranks[0]), reduced=True), rel=1e-6)
    slope = np.polyfit(ranks, np.log10(errors), 1)[0]
    assert slope <= -0.4


def test_tolerance_below_reach_is_raised_with_a_warning(dho):
    with pytest.warns(UserWarning, match="below what the full dictionary"):
        model = stlfast.compile(dho.family, dho.body, tol=1e-16)
    assert model.passport["compile"]["tol"] > 1e-16
    assert worst_error(model) < 1e-9


def test_family_that_does_not_separate():
    t, alpha, y1, y2 = sp.symbols("t alpha y1 y2")
    family = stlfast.Family(
        name="mixed", t=t, y=[y1, y2], t_span=(0.0, 4.0), stiffness=alpha, y0=[1.0, 1.0],
        rhs=[-y1 + y2 / (1 + alpha * t), -alpha * y2],
        params={alpha: stlfast.Range(train=(1.0, 5.0), solve=(1.0, 20.0))},
    )  # fmt: skip
    body = stlfast.Body.random((48, 48, 40), tau=1e-2)
    with pytest.raises(ValueError, match="no product of a function of the parameters and one of time"):
        stlfast.compile(family, body, reduced=True)
    with pytest.warns(UserWarning, match="Compiled without reduced bases: members are solved on the full dictionary"):
        model = stlfast.compile(family, body)
    solution = model.solve(alpha=13.0)
    assert solution.method == "full"
    truth = family.reference(t=solution.t, rtol=1e-11, atol=1e-13, alpha=13.0).y
    error = np.abs(solution.y - truth).max(axis=1)
    assert (error <= 1e-7).all()
    assert (solution.error_bound >= error - 1e-11).all()
    with pytest.raises(ValueError, match="no reduced basis"):
        model.solve(alpha=13.0, reduced=True)


def one_state(rhs, solve=(1.0, 20.0)):
    t, k, u = sp.symbols("t k u")
    return stlfast.Family(
        name="one", t=t, y=[u], rhs=[rhs(t, k, u)], t_span=(0.0, 10.0), stiffness=k, y0=[1.0],
        params={k: stlfast.Range(train=(solve[0], solve[0] + 1), solve=solve)},
    )  # fmt: skip


def test_forcing_too_narrow_for_the_check_points_adds_some_or_is_refused():
    t = np.linspace(0.0, 10.0, 2001)
    family = one_state(lambda t, k, u: -k * u + sp.exp(-(((t - 5.3) / sp.Float("0.1")) ** 2)) / 1000)
    model = stlfast.compile(family, stlfast.Body.random((32, 32, 32), tau=1e-2), "chebyshev", tol=1e-3)
    assert model.compiled.uniform_checks >= 64
    for k in (1.0, 4.0, 20.0):
        solution = model.solve(t=t, k=k)
        assert solution.error_bound[0] >= np.abs(solution.y - exact(family, t, k=k)).max()
    jump = one_state(lambda t, k, u: -k * u + sp.tanh(1e5 * (t - 3)))
    with pytest.raises(ValueError, match="changes too fast"):
        stlfast.compile(jump, stlfast.Body.random((32, 32, 32)))


@pytest.mark.slow(reason="compiles six parameters")
def test_many_parameters_in_the_forcing():
    """Of two waves, amplitudes and frequencies: a grid of five parameters would see three frequencies alone."""
    t, alpha, y1, y2, *waves = sp.symbols("t alpha y1 y2 a1 a2 f1 f2")
    a1, a2, f1, f2 = waves
    ranges = {"a": stlfast.Range(train=(-1.0, 1.0), solve=(-1.0, 1.0)), "f": stlfast.Range((0.5, 2.0), (0.5, 2.0))}
    family = stlfast.Family(
        name="waves", t=t, y=[y1, y2], rhs=[y2, -y1 - alpha * y2 + a1 * sp.sin(f1 * t) + a2 * sp.sin(f2 * t)],
        t_span=(0.0, 10.0), stiffness=alpha, y0=[1.0, 0.5],
        params={alpha: stlfast.Range(train=(50.0, 100.0), solve=(50.0, 200.0))} | {w: ranges[str(w)[0]] for w in waves},
    )  # fmt: skip
    model = stlfast.compile(family, stlfast.Body.random((64, 64, 64), tau=1e-1), "chebyshev", points=200, tol=1e-7)
    assert len(model.passport["compile"]["ranks"]) <= 4
    rng = np.random.default_rng(5)
    for _ in range(20):
        p = {name: rng.uniform(*r.solve) for name, r in family.params.items()}
        solution = model.solve(**p)
        error = np.abs(solution.y - exact(family, solution.t, **p)).max(axis=1)
        assert solution.success
        assert (error <= 1e-6).all()
        assert (solution.error_bound >= error - 1e-11).all()


def test_forcing_that_is_not_finite_somewhere():
    family = one_state(lambda t, k, u: -k * u + sp.sqrt((t - 3) * (t - 4)))
    with pytest.raises(ValueError, match=r"the forcing is not finite at the scaled time x = 0\.3"):
        stlfast.compile(family, stlfast.Body.random((32, 32, 32)))


def test_no_system_matrix_at_all():
    family = one_state(lambda t, k, u: sp.cos(k * t / 10))
    model = stlfast.compile(family, stlfast.Body.random((32, 32, 32), tau=1e-1), "chebyshev", tol=1e-6)
    solution = model.solve(k=7.0)
    np.testing.assert_allclose(solution.y[0], 1 + np.sin(0.7 * solution.t) / 0.7, rtol=0.0, atol=1e-6)


def test_names_that_solve_takes_are_no_parameters():
    t, u = sp.symbols("t u")
    for name in ("reduced", "heads", "family"):
        with pytest.raises(ValueError, match="argument of solve"):
            stlfast.Family(
                name="clash", t=t, y=[u], rhs=[-sp.Symbol(name) * u], t_span=(0.0, 1.0), stiffness=name, y0=[1.0],
                params={sp.Symbol(name): stlfast.Range(train=(1.0, 2.0), solve=(1.0, 2.0))},
            )  # fmt: skip


def test_time_span_that_depends_on_a_parameter():
    t, alpha, y1 = sp.symbols("t alpha y1")
    family = stlfast.Family(
        name="decay", t=t, y=[y1], t_span=(0.0, 5 / alpha), stiffness=alpha, y0=[1.0], rhs=[-alpha * y1],
        params={alpha: stlfast.Range(train=(1.0, 5.0), solve=(1.0, 20.0))},
    )  # fmt: skip
    model = stlfast.compile(family, stlfast.Body.random((32, 32, 24), tau=1e-2), tol=1e-6)
    for alpha_value in (1.0, 20.0):
        solution = model.solve(alpha=alpha_value)
        assert solution.t[-1] == pytest.approx(5 / alpha_value)
        np.testing.assert_allclose(solution.y[0], np.exp(-alpha_value * solution.t), rtol=0.0, atol=1e-6)
        with pytest.raises(ValueError, match="outside t_span"):
            solution(5 / alpha_value + 0.1)


def test_progress_and_interruption(dho):
    shares = []
    stlfast.compile(dho.family, dho.body, progress=shares.append)
    assert shares[-1] == pytest.approx(1.0)
    assert shares == sorted(shares)

    def interrupt(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stlfast.compile(dho.family, dho.body, progress=interrupt)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"basis": "fourier"}, "unknown basis 'fourier'"),
        ({"dilations": "all"}, "dilations must be"),
        ({"dilations": [0.0]}, "dilation"),
        ({"dilations": [1.0, 1.0]}, "dilation"),
        ({"points": 1}, "points must be at least 16"),
        ({"points": 401.0}, "points must be an integer"),
        ({"points": np.linspace(0.0, 1.0, 5)}, "at least 16"),
        ({"rank": True}, "rank must be"),
        ({"tol": "small"}, "tol must be"),
        ({"dilations": 5}, "dilations must be"),
        ({"points": np.linspace(1.0, 0.0, 50)}, "points must increase"),
        ({"points": np.linspace(0.0, 2.0, 50)}, "points must"),
        ({"row_weights": "t"}, "unknown row_weights"),
        ({"solver": "magic"}, "solver is"),
        ({"rank": 0}, "rank must be"),
        ({"max_rank": 0}, "max_rank must be"),
        ({"max_rank": "less"}, "max_rank must be"),
        ({"rank": "most"}, "rank must be"),
        ({"tol": 0.0}, "tol must be"),
        ({"tol": float("nan")}, "tol must be"),
    ],
)
def test_wrong_options(dho, options, message):
    with pytest.raises(ValueError, match=message):
        stlfast.compile(dho.family, dho.body, **{"reduced": False, **options})


def test_no_body(dho):
    """Chebyshev polynomials, as many as the solutions take, to the default tolerance."""
    model = stlfast.compile(dho.family)
    assert model.body is None
    assert model.passport["basis"] == "chebyshev"
    assert worst_error(model) < 1e-7
    with pytest.raises(ValueError, match="basis='body' needs a body"):
        stlfast.compile(dho.family, None, "body")
    with pytest.raises(ValueError, match="PDEFamily first, got Body"):
        stlfast.compile(dho.body, dho.family)


def test_shared_head_needs_equal_blocks(dho):
    odd = stlfast.Body.random((8, 8, 7))
    with pytest.raises(ValueError, match="one block for each of the 2 equations"):
        stlfast.compile(dho.family, odd, dilations=[1.0], shared_head=True, reduced=False)


def test_sine_features_refuse_dilation(dho):
    body = stlfast.Body.random((8, 8, 8), activation="sin")
    with pytest.raises(ValueError, match="saturate"):
        stlfast.compile(dho.family, body, dilations=[1.0, 8.0], reduced=False)
    assert compile_model(dho.family, body, reduced=False).compiled.dictionary.dilations == (1.0,)
