"""Compiled nonlinear families of PDEs: accuracy, estimates, methods, the fallback, refusals, files."""

import json
import pickle
import threading
from functools import cache

import numpy as np
import pytest
import sympy as sp

import stlfast
from stlfast import Dirichlet, PDEFamily, Range
from stlfast.direct.pde.growth import amplification
from stlfast.models.nonlinear_pde import NonlinearPDEModel
from stlfast.reduced.nonlinear_pde import compile_nonlinear_bands
from stlfast.reduced.nonlinear_pde_bands import NonlinearPDECompiled, NonlinearPDEOptions
from stlfast.reduced.profiles import profile_box
from stlfast.results.fields import PDESolution

X, T, R, B = sp.symbols("x t r b")
GRID = np.linspace(0, 1, 33)
SMALL = NonlinearPDEOptions(
    space=(18,), time=24, tau=0.2, degrees=(3,), amplitude=0.25, bounds=((0.05, 0.95),), profiles=14, per_e_fold=2.0,
    tol=1e-5, max_rank=45, samples=5.0,
)  # fmt: skip


def mild():
    """fisher_kpp with r up to 8, from a profile that does not touch 0."""
    u = sp.Function("u")(X, T)
    return PDEFamily(
        name="mild", t=T, x=[X], u=[u], rhs=[u.diff(X, 2) / 100 + R * u * (1 - u)], domain={X: (0, 1)}, t_span=(0, 1),
        stiffness=R, params={R: Range((1, 4), (1, 8))}, initial=[0.4 + 0.2 * sp.cos(sp.pi * X)],
        boundary=[stlfast.Neumann(X, side, [0]) for side in ("low", "high")],
    )  # fmt: skip


@cache
def model():
    return NonlinearPDEModel(mild(), compile_nonlinear_bands(mild(), SMALL), {})


def hump(x):
    return np.stack([0.45 - 0.1 * np.cos(2 * np.pi * x)])


def rising(x):
    return np.stack([0.4 - 0.15 * np.cos(np.pi * x)])


def gaussian(x):
    return np.stack([0.1 + 0.6 * np.exp(-(((x - 0.4) / 0.1) ** 2))])


def exact(r, u0=None, x=GRID, t=GRID):
    return model().family.reference(x=x, t=t, r=r, u0=u0, cells=65, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("r", [1.0, 2.3, 5.0, 8.0])
@pytest.mark.parametrize("u0", [None, hump, rising], ids=["default", "hump", "rising"])
def test_reduced_answers_and_their_estimates(r, u0):
    sol = model().solve(u0, x=GRID, t=GRID, r=r, method="reduced")
    wrong = np.abs(sol.u - exact(r, u0))
    assert sol.method == "reduced"
    assert 2 <= sol.iterations <= 10
    assert sol.last_step < 1e-6
    assert wrong.mean() < 5e-4
    assert wrong.max() < 2 * sol.error_estimate[0]
    assert sol.error_estimate[0] < max(300 * wrong.max(), 1e-4)


def test_the_tolerance_decides():
    found = model().solve(hump, r=3.0)
    assert isinstance(found, PDESolution)
    assert (found.status, found.success, found.method) == (0, True, "reduced")
    assert "meets" in found.message
    missed = model().solve(hump, r=3.0, rtol=1e-9, method="reduced")
    assert (missed.status, missed.success) == (-1, False)
    assert "misses the tolerance" in missed.message
    unknown = model().solve(hump, r=3.0, certify=False)
    assert (unknown.status, unknown.error_estimate) == (1, None)


def test_profiles_outside_the_box_go_to_the_method_of_lines():
    x = np.array([0.9, 0.1, 0.4])
    reduced = model().solve(gaussian, r=6.0, method="reduced")
    assert not reduced.success
    sol = model().solve(gaussian, x=x, t=[1.0, 0.0, 0.31], r=6.0)
    assert sol.method == "lines"
    assert sol.success
    assert "method of lines" in sol.message
    expected = exact(6.0, gaussian, np.sort(x), [0.0, 0.31, 1.0])[:, [2, 0, 1]][:, :, [2, 0, 1]]
    assert np.abs(sol.u - expected).max() < min(1e-5, 2 * sol.error_estimate[0])
    np.testing.assert_allclose(sol([[0.4, 0.31], [0.9, 1.0]]), sol.u[:, [2, 0], [2, 0]], atol=1e-5)


def test_newton_and_chords_on_all_functions_refine_the_reduced_answer():
    reduced = model().solve(hump, x=GRID, t=GRID, r=4.0, method="reduced")
    before = np.abs(reduced.u - exact(4.0, hump)).max()
    for method in ("newton", "chord"):
        sol = model().solve(hump, x=GRID, t=GRID, r=4.0, method=method)
        assert (sol.method, sol.success) == (method, True)
        wrong = np.abs(sol.u - exact(4.0, hump)).max()
        assert wrong < before / 2
        assert wrong < 2 * sol.error_estimate[0]
        assert sol.residual < reduced.residual


def test_scattered_points_are_those_of_the_grid():
    sol = model().solve(hump, x=GRID, t=GRID, r=4.0, method="reduced")
    np.testing.assert_allclose(sol([[GRID[3], GRID[7]], [1.0, 0.0]]), sol.u[:, [3, -1], [7, 0]], atol=1e-12)
    assert sol.u.shape == (1, 33, 33)
    assert (sol.y, sol.fields) == (None, ("u",))
    assert repr(sol).startswith("NonlinearPDESolution(mild, u (1, 33, 33)")
    with pytest.raises(ValueError, match="outside the domain"):
        sol([[2.0, 0.5]])
    assert model().solve(r=2.0).u.shape == (1, 128, 128)


def test_samples_as_initial_values():
    x = np.linspace(0, 1, 41)
    np.testing.assert_allclose(
        model().solve((x, hump(x)), r=4.0, method="reduced").u,
        model().solve(hump, r=4.0, method="reduced").u,
        atol=1e-5,
    )


def test_what_does_not_converge_is_no_answer():
    broken = NonlinearPDEModel(model().family, model().compiled, {})
    band = broken._reduced_band(0)
    band.table.values[:] = np.nan
    sol = broken.solve(r=1.0, method="reduced")
    assert not sol.success
    assert np.isnan(sol.u).all()
    with pytest.raises(ValueError, match="no solution to evaluate"):
        sol([[0.5, 0.5]])
    assert broken.solve(r=1.0).method == "lines"


def test_a_solution_that_blows_up_is_no_answer():
    sol = model().solve(lambda x: np.stack([0 * x - 2.0]), r=8.0)
    assert not sol.success
    assert np.isnan(sol.u).all()
    assert "may not exist" in sol.message or "failed" in sol.message


def test_wrong_arguments():
    with pytest.raises(ValueError, match="unknown method 'euler'"):
        model().solve(r=2.0, method="euler")
    with pytest.raises(stlfast.ParameterError):
        model().solve(r=9.0)
    with pytest.raises(stlfast.ParameterError):
        model().solve()
    for wrong in (-1.0, np.nan, np.inf, "a", None):
        for name in ("rtol", "atol"):
            with pytest.raises(ValueError, match=f"{name} must be"):
                model().solve(r=2.0, **{name: wrong})
            with pytest.raises(ValueError, match=f"{name} must be"):
                model().family.reference(r=2.0, **{name: wrong})
    for name in ("certify", "kinks"):
        with pytest.raises(ValueError, match=f"{name} must be True or False"):
            model().solve(r=2.0, **{name: "no"})
    with pytest.raises(ValueError, match="leave y out"):
        model().solve(r=2.0, y=[0.5])
    with pytest.raises(ValueError, match="outside"):
        model().solve(r=2.0, x=[0.5, 1.5])
    with pytest.raises(ValueError, match="returned shape"):
        model().solve(lambda x: x[1:], r=2.0)
    with pytest.raises(ValueError, match="space must have one number"):
        compile_nonlinear_bands(mild(), NonlinearPDEOptions(space=(8, 8)))
    with pytest.raises(ValueError, match="snapshots must be"):
        compile_nonlinear_bands(mild(), NonlinearPDEOptions(snapshots="guessed"))
    with pytest.raises(ValueError, match="bounds must be"):
        compile_nonlinear_bands(mild(), NonlinearPDEOptions(bounds=((0, 1), (0, 1))))
    with pytest.raises(ValueError, match="hardly any initial profiles"):
        compile_nonlinear_bands(mild(), NonlinearPDEOptions(bounds=((0.5, 0.51),), amplitude=0.1))


def test_pickles_and_arrays():
    again = pickle.loads(pickle.dumps(model()))
    np.testing.assert_array_equal(again.solve(hump, r=3.0).u, model().solve(hump, r=3.0).u)
    tensors, options = model().compiled.to_parts()
    options = json.loads(json.dumps(options))
    assert all(isinstance(array, np.ndarray) for array in tensors.values())
    made = NonlinearPDECompiled.from_parts(model().family, options, tensors)
    assert made.options == SMALL
    del tensors["nonlinear.band0.W"]
    with pytest.raises(ValueError, match="broken"):
        NonlinearPDECompiled.from_parts(model().family, options, tensors)
    tensors, options = model().compiled.to_parts()
    with pytest.raises(ValueError, match="wrong shape"):
        NonlinearPDECompiled.from_parts(model().family, options, tensors | {"nonlinear.band0.guess": np.zeros((2, 2))})


def test_threads_agree():
    alone = model().solve(hump, r=3.0).u
    found = []
    threads = [threading.Thread(target=lambda: found.append(model().solve(hump, r=3.0).u)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for u in found:
        np.testing.assert_array_equal(u, alone)


def test_profiles_of_the_box_satisfy_the_conditions():
    u, v = (sp.Function(name)(X, T) for name in "uv")
    family = PDEFamily(
        name="two", t=T, x=[X], u=[u, v], rhs=[u.diff(X, 2) - R * u * v, v.diff(X, 2) - R * u * v],
        domain={X: (0, 2)}, t_span=(0, 1), stiffness=R, params={R: Range((1, 2), (1, 2))},
        initial=[1 + 0 * X, 1 - X / 4],
        boundary=[Dirichlet(X, "low", [1, 1]), Dirichlet(X, "high", [None, sp.Rational(1, 2)]),
                  stlfast.Neumann(X, "high", [0, None])],
    )  # fmt: skip
    box = profile_box(family, (3,), 0.5, 1.0, ((0, 2), (0, 2)))
    p = np.array([1.0])
    ends, near = np.array([[0.0, 2.0]]), np.array([[0.0, 2.0 - 1e-6]])
    for coefficients in box.draw(7, p, np.random.default_rng(0)):
        g = box.values(coefficients, ends, p)
        np.testing.assert_allclose(g[:, 0], 1, atol=1e-12)
        np.testing.assert_allclose(g[1, 1], 0.5, atol=1e-12)
        np.testing.assert_allclose(box.values(coefficients, near, p)[0, 1], g[0, 1], atol=1e-10)
        everywhere = box.values(coefficients, np.linspace(0, 2, 65)[None], p)
        assert everywhere.min() >= -1e-9
        assert everywhere.max() <= 2 + 1e-9


def test_snapshots_by_newtons_method():
    options = NonlinearPDEOptions(
        space=(10,), time=12, tau=0.3, degrees=(2,), amplitude=0.2, bounds=((0.1, 0.9),), profiles=3, per_e_fold=1.0,
        tol=1e-5, snapshots="newton",
    )  # fmt: skip
    done = []
    compiled = compile_nonlinear_bands(mild(), options, lambda share, what: done.append((share, what)))
    assert [share for share, _ in done] == sorted(share for share, _ in done)
    assert done[-1] == (1.0, "rows")
    sol = NonlinearPDEModel(mild(), compiled, {}).solve(x=GRID, t=GRID, r=2.0, method="reduced")
    assert np.abs(sol.u - exact(2.0)).mean() < 1e-3


def test_two_fields_and_a_second_parameter():
    u, v = (sp.Function(name)(X, T) for name in "uv")
    family = PDEFamily(
        name="burning", t=T, x=[X], u=[u, v],
        rhs=[u.diff(X, 2) / 20 - u.diff(X) / 4 - R * u * v, B * v.diff(X, 2) / 20 + R * u * v - v],
        domain={X: (0, 1)}, t_span=(0, 1), stiffness=R, params={R: Range((1, 2), (1, 3)), B: Range((1, 2), (1, 2))},
        initial=[1 + 0 * X, (1 - sp.cos(2 * sp.pi * X)) / 4],
        boundary=[Dirichlet(X, "low", [1, None]), stlfast.Neumann(X, "high", [0, None]),
                  *(stlfast.Neumann(X, side, [None, 0]) for side in ("low", "high"))],
    )  # fmt: skip
    options = NonlinearPDEOptions(
        space=(16,),
        time=14,
        tau=0.3,
        degrees=(2,),
        amplitude=0.1,
        bounds=((0.5, 1.5), (0, 1)),
        profiles=5,
        per_e_fold=3.0,
        tol=1e-5,
    )
    own = NonlinearPDEModel(family, compile_nonlinear_bands(family, options), {})
    sol = own.solve(x=GRID, t=GRID, r=2.4, b=1.3, method="reduced")
    wrong = np.abs(sol.u - family.reference(x=GRID, t=GRID, r=2.4, b=1.3, cells=49))
    assert wrong.mean() < 1e-3
    assert wrong.max() < 2 * sol.error_estimate.max()


def test_amplification():
    times = np.linspace(0, 1, 201)
    a = np.stack([np.where(times < 0.5, 4.0, -8.0), np.full(201, -3.0)], axis=1)
    grown = amplification(a, times)
    np.testing.assert_allclose(grown[0], [np.exp(2), 1], rtol=0.05)
    np.testing.assert_allclose(grown[-1], 1)
