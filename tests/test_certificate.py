"""The bound holds and is of use in good solves and in deliberately bad ones, and agrees with a slow evaluation."""

import numpy as np
import pytest
import slow
import sympy as sp

import stlfast
from stlfast.measure.exact import exact, point_set

ALPHAS = (1.0, 3.0, 10.0, 40.0, 150.0, 1000.0)


@pytest.fixture(scope="module", params=["dho", "ncff"])
def model(request, shipped_model):
    return shipped_model(request.param)


def members(model):
    rest = {name: float(np.mean(r.solve)) for name, r in model.family.params.items() if name != "alpha"}
    return [{"alpha": alpha, **rest} for alpha in ALPHAS]


def paper_pipeline(model):
    n = model.family.n
    return stlfast.compile(
        model.family, model.body, dilations=[1.0], points=np.linspace(0.0, 1.0, 400), row_weights="none",
        shared_head=model.body.m % n == 0, solver="pinv", reduced=False,
    )  # fmt: skip


def degraded(model, truncated):
    """(error (n,), bound (n,)) of bad answers."""
    t = point_set(0.0, 10.0)
    x = t / 10.0
    rng = np.random.default_rng(7)
    paper = paper_pipeline(model)
    ranked = [stlfast.compile(model.family, model.body, rank=8, tol=1e-6)]
    ranked += [truncated(ranked[0], rank) for rank in (4, 6)]
    (H,) = model.compiled.dictionary.core(model.body).evaluate(x)
    for params in members(model):
        for y0 in (model.family.y0, rng.uniform(0.0, 5.0, model.family.n)):
            truth = exact(model.family, t, y0, **params)
            for poor in (paper, *ranked):
                answer = poor.solve(y0, t=t, reduced=poor is not paper, **params)
                yield np.abs(answer.y - truth).max(axis=1), answer.error_bound
            heads = model.solve(y0, reduced=False, **params).heads
            for size in (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2):
                perturbed = heads * (1.0 + size * rng.standard_normal(heads.shape))
                yield np.abs((H @ perturbed).T - truth).max(axis=1), model.certify(perturbed, y0, **params)


@pytest.mark.slow(reason="a compilation, and 120 answers")
def test_holds_where_answers_are_bad(model, truncated):
    errors, bounds = (np.array(column) for column in zip(*degraded(model, truncated), strict=True))
    assert errors.max() > 0.05
    assert errors.min() < 1e-8
    assert (bounds >= errors).all()
    ratio = bounds / errors
    assert np.median(ratio) <= 100.0
    assert ((ratio <= 1000.0) | (bounds <= 1e-9)).all()


def test_agrees_with_slow_evaluation(model):
    rng = np.random.default_rng(3)
    for params in members(model):
        y0 = rng.uniform(0.0, 5.0, model.family.n)
        heads = model.solve(y0, reduced=False, **params).heads
        heads = heads * (1.0 + 1e-3 * rng.standard_normal(heads.shape))
        x = model.core.forcing_points[len(model.compiled.points) :]
        H, dH = model.compiled.dictionary.core(model.body).evaluate(x, 1)
        A = 10.0 * model.family.matrix(0.0, **params)
        y = H @ heads
        residual = y @ A.T + model.family.b(x, np.array(list(params.values()))).T - dH @ heads
        expected = slow.error_bound(A, x, residual, y0 - y[0])
        np.testing.assert_allclose(model.certify(heads, y0, **params), expected, rtol=1e-6)


def test_success_is_exactly_the_bound_meeting_the_tolerance(model):
    params = members(model)[3]
    solution = model.solve(reduced=True, **params)
    scale = np.abs(model.solve(t=point_set(0.0, 10.0), reduced=True, **params).y).max(axis=1)
    needed = float((solution.error_bound / scale).max())
    assert model.solve(reduced=True, rtol=1.1 * needed, atol=0.0, **params).success
    missed = model.solve(reduced=True, rtol=0.9 * needed, atol=0.0, **params)
    assert not missed.success
    assert missed.status == -1
    assert "misses the tolerance" in missed.message


def test_missed_tolerance_is_refined(model):
    params = members(model)[3]
    coarse = model.solve(reduced=True, **params)
    half = float(coarse.error_bound.min()) / 2
    for method, answers in (("full", "full"), (None, "windows")):
        refined = model.solve(rtol=0.0, atol=half, method=method, **params)
        assert refined.method == answers
        assert refined.success
    hopeless = model.solve(rtol=0.0, atol=1e-17, **params)
    assert not hopeless.success


def test_defective_matrix():
    """The oscillator at alpha = 1 has a double eigenvalue with one eigenvector."""
    t = point_set(0.0, 10.0)
    solution = stlfast.load("dho").solve([2.0, -1.0], t=t, alpha=1.0)
    truth = np.stack([(2.0 + t) * np.exp(-t), -(1.0 + t) * np.exp(-t)])
    error = np.abs(solution.y - truth).max(axis=1)
    assert (solution.error_bound >= error).all()


def test_matrix_that_varies_with_time():
    t, alpha, y1, y2 = sp.symbols("t alpha y1 y2")
    family = stlfast.Family(
        name="swinging", t=t, y=[y1, y2], t_span=(0.0, 5.0), stiffness=alpha, y0=[1.0, 0.0],
        rhs=[-y1 + sp.cos(t) * y2, -alpha * (2 + sp.sin(t)) * y2 + y1],
        params={alpha: stlfast.Range(train=(1.0, 5.0), solve=(1.0, 50.0))},
    )  # fmt: skip
    model = stlfast.compile(family, stlfast.Body.random((48, 48, 40), tau=1e-2), tol=1e-6)
    for value in (1.0, 7.0, 50.0):
        solution = model.solve(alpha=value, method="full")
        truth = family.reference(t=solution.t, rtol=1e-11, atol=1e-13, alpha=value).y
        error = np.abs(solution.y - truth).max(axis=1)
        assert (error <= 1e-6).all()
        assert (solution.error_bound >= error - 1e-11).all()
        assert (solution.error_bound <= 1e-3).all()
