"""Larger systems: one equation at a time, judged by the exact solution from the eigenvectors of the symmetric chain."""

import json
import pickle

import numpy as np
import pytest
import sympy as sp
from safetensors import safe_open
from safetensors.numpy import save_file

import stlfast
from stlfast.measure import exact as reference

TIMES = np.concatenate([[0.0], np.geomspace(1e-4, 10.0, 40)])


@pytest.fixture(scope="module")
def body():
    return stlfast.Body.random((20, 20, 20), "tanh", "log", 1e-3, 0)


@pytest.fixture(scope="module")
def models(body):
    return {n: stlfast.compile(stlfast.families.chain(n), body, basis="chebyshev") for n in (3, 8, 24)}


def exact(family, y0, t, alpha):
    """y = V (e^{Λt} Vᵀ y0 + (e^{Λt} − 1)/Λ Vᵀ b)."""
    rates, V = np.linalg.eigh(family.matrix(0.0, alpha=alpha))
    b = family.forcing(0.0, alpha=alpha)[:, 0]
    growth = np.exp(np.outer(rates, t))
    return V @ (growth * (V.T @ y0)[:, None] + (growth - 1) / rates[:, None] * (V.T @ b)[:, None])


@pytest.mark.parametrize("n", [3, 8, 24])
@pytest.mark.parametrize("alpha", [1.0, 31.0, 1000.0])
def test_within_the_bound_of_the_exact_solution(models, n, alpha):
    y0 = np.random.default_rng(n).normal(size=n)
    y0 /= np.linalg.norm(y0)
    sol = models[n].solve(y0, t=TIMES, alpha=alpha)
    error = np.abs(sol.y - exact(models[n].family, y0, TIMES, alpha)).max(axis=1)
    assert sol.success
    assert sol.method == "reduced"
    assert np.all(error <= sol.error_bound)
    assert np.all(sol.error_bound <= 1e-7)


def test_members_sweeps_and_the_full_dictionary_agree(models):
    model = models[8]
    Y0 = np.random.default_rng(0).normal(size=(5, 8))
    alphas = np.geomspace(1.0, 1000.0, 5)
    many = model.solve_many(Y0, alpha=alphas, threads=2)
    one = model.solve_many(Y0, alpha=alphas, threads=1)
    assert np.array_equal(many.y, one.y)
    assert many.success.all()
    for k, alpha in enumerate(alphas):
        sol = model.solve(Y0[k], alpha=alpha)
        assert np.abs(many.y[k] - sol.y).max() <= 1e-12
        assert np.abs(model.at(alpha=alpha).solve(Y0[k]).y - sol.y).max() <= 1e-12
        full = model.solve(Y0[k], alpha=alpha, reduced=False)
        assert full.method == "full"
        assert full.success
        assert np.all(np.abs(full.y - sol.y).max(axis=1) <= full.error_bound + sol.error_bound)


def test_a_member_with_a_forcing_of_one_solve(body):
    family = stlfast.families.chain(3)
    model = stlfast.compile(family, body, basis="chebyshev", decoupled=True)

    def forcing(t):
        return np.stack([np.sin(t), 0 * t, np.exp(-t)])

    solution = model.at(alpha=40.0).solve([1.0, -1.0, 0.5], forcing=forcing)
    truth = reference.exact(family, solution.t, [1.0, -1.0, 0.5], forcing, alpha=40.0)
    np.testing.assert_allclose(solution.y, truth, rtol=0.0, atol=1e-7)


def test_coupled_and_decoupled_agree(body):
    family = stlfast.families.chain(3)
    coupled = stlfast.compile(family, body, basis="chebyshev", decoupled=False)
    decoupled = stlfast.compile(family, body, basis="chebyshev", decoupled=True)
    assert coupled.passport["compile"]["decoupled"] is False
    assert decoupled.passport["compile"]["decoupled"] is True
    a, b = (model.solve([1.0, -1.0, 0.5], alpha=40.0) for model in (coupled, decoupled))
    assert np.all(np.abs(a.y - b.y).max(axis=1) <= a.error_bound + b.error_bound)


def test_a_users_forcing(models):
    model = models[3]
    forcing = lambda t: np.array([0 * t, np.cos(t), np.sin(t)])  # noqa: E731
    sol = model.solve(t=TIMES, alpha=20.0, forcing=forcing)
    reference = model.family.reference(t=TIMES, alpha=20.0, forcing=forcing)
    assert sol.success
    assert np.all(np.abs(sol.y - reference.y).max(axis=1) <= sol.error_estimate + 1e-10)


def test_files_and_pickles(models, tmp_path):
    path = tmp_path / "chain.safetensors"
    models[8].save(path)
    expected = models[8].solve(alpha=5.0).y
    assert np.array_equal(stlfast.load(path).solve(alpha=5.0).y, expected)
    assert np.array_equal(pickle.loads(pickle.dumps(models[8])).solve(alpha=5.0).y, expected)


def test_files_of_version_1_are_read(tmp_path):
    model = stlfast.load("dho")
    new, old = tmp_path / "new.safetensors", tmp_path / "old.safetensors"
    model.save(new)
    with safe_open(new, "numpy") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    options = json.loads(metadata["compile"])
    del options["decoupled"]
    save_file(tensors, old, metadata | {"format_version": "1", "compile": json.dumps(options)})
    assert np.array_equal(stlfast.load(old).solve(alpha=5.0).y, model.solve(alpha=5.0).y)


def test_what_does_not_fit(body):
    with pytest.raises(ValueError, match="n = 2 cells or more, got 1"):
        stlfast.families.chain(1)
    t, alpha, u, v = sp.symbols("t alpha u v")
    family = stlfast.Family(
        name="moving", t=t, y=[u, v], rhs=[v, -u - alpha * (1 + t) * v], t_span=(0, 1), stiffness=alpha,
        params={alpha: stlfast.Range(train=(1, 10), solve=(1, 100))}, y0=[1, 0],
    )  # fmt: skip
    with pytest.raises(ValueError, match="constant in time, that of 'moving' varies"):
        stlfast.compile(family, body, decoupled=True)
    with pytest.raises(ValueError, match="exclude each other"):
        stlfast.compile(stlfast.families.chain(2), body, decoupled=True, shared_head=True)


def test_a_member_that_no_band_can_hold_says_so(body):
    t, alpha, u, v, w = sp.symbols("t alpha u v w")
    family = stlfast.Family(
        name="unstable", t=t, y=[u, v, w], rhs=[-u + w, -alpha * v + w / 2, 0.3 * w], t_span=(0.0, 10.0),
        stiffness=alpha, params={alpha: stlfast.Range(train=(1.0, 10.0), solve=(1.0, 1000.0))}, y0=[1, 1, 1],
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="raise tol or max_rank"):
        stlfast.compile(family, body, max_rank=3, tol=1e-6, reduced=True)
    with pytest.warns(UserWarning, match=r"raise tol or max_rank.*Compiled without reduced bases"):
        model = stlfast.compile(family, body, max_rank=3, tol=1e-6)
    assert model.solve(alpha=3.0).method == "windows"  # for the bound misses
    assert model.solve(alpha=3.0).success
