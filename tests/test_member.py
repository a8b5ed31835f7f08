"""Members prepared by `Model.at`: they agree with single solves and with the truth, and refuse what is wrong."""

import multiprocessing
import operator
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import stlfast
from stlfast.measure.exact import exact

CASES = [
    *(("dho", {"alpha": alpha}) for alpha in (1.0, 7.3, 75.0, 1000.0)),
    *(("ncff", {"alpha": alpha, "omega": omega}) for alpha, omega in ((1.0, 0.5), (42.0, 1.37), (300.0, 2.0))),
]


@pytest.fixture(scope="module")
def models(dho, ncff):
    return {"dho": dho, "ncff": ncff}


@pytest.fixture(scope="module")
def member(dho):
    return dho.at(alpha=75.0)


def decay(t):
    return np.stack([np.exp(-t), 0.3 * np.cos(t)])


def ramp(t):
    return np.stack([0.1 * t, np.sin(t)])


def narrow(t):
    """Too narrow for the reduced basis, wide enough for the full dictionary."""
    return np.stack([0 * t, np.exp(-(((t - 4.0) / 0.8) ** 2))])


# --------------------------------------------------------------------------------------------------------- agreement
@pytest.mark.parametrize(("name", "params"), CASES)
def test_agrees_with_single_solves_and_the_truth(models, name, params):
    model, rng = models[name], np.random.default_rng(11)
    fixed = model.at(**params)
    for y0 in (None, *rng.normal(size=(4, 2)) * [[0.1], [1.0], [3.0], [10.0]]):
        got, want = fixed.solve(y0), model.solve(y0, **params)
        np.testing.assert_array_equal(got.t, want.t)
        np.testing.assert_allclose(got.y, want.y, rtol=0.0, atol=1e-10 * np.abs(want.y).max())
        error = np.abs(got.y - exact(model.family, got.t, y0, **params)).max(axis=1)
        assert (got.error_bound >= error).all()
        assert (got.error_bound >= want.error_bound * (1 - 1e-6)).all()
        assert got.success


@pytest.mark.parametrize(
    "y0", [[1.0, 2.0], (1, 2), np.array([1, 2]), np.array([1, 2], dtype=np.float32), np.array([1.0, 9.0, 2.0])[::2]]
)
def test_initial_values_of_any_real_type(dho, member, y0):
    np.testing.assert_array_equal(member.solve(y0).y, member.solve(np.array([1.0, 2.0])).y)
    np.testing.assert_allclose(member.solve(y0).y, dho.solve([1.0, 2.0], alpha=75.0).y, rtol=0.0, atol=1e-12)


def test_default_initial_values_are_the_familys(dho, member):
    np.testing.assert_array_equal(member.solve().y, member.solve(dho.family.y0).y)


def test_superposition(member):
    one, two, both = (member.solve(y0).y for y0 in ([1.0, 0.0], [0.0, 1.0], [2.0, -3.0]))
    np.testing.assert_allclose(2 * one - 3 * two, both, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize(("name", "params"), [("dho", {"alpha": 400.0}), ("ncff", {"alpha": 20.0, "omega": 1.9})])
def test_custom_times(models, name, params):
    model, t = models[name], np.array([3.0, 0.0, 10.0, 1e-3, 3.0])
    fixed = model.at(t=t, **params)
    solution = fixed.solve([0.3, 2.0])
    np.testing.assert_array_equal(solution.t, t)
    assert solution.y.shape == (2, 5)
    np.testing.assert_allclose(solution.y, model.solve([0.3, 2.0], t=t, **params).y, rtol=0.0, atol=1e-11)
    ordered, back = np.unique(t, return_inverse=True)
    truth = exact(model.family, ordered, [0.3, 2.0], **params)[:, back]
    assert (solution.error_bound >= np.abs(solution.y - truth).max(axis=1)).all()


def test_solution(member):
    solution = member.solve([1.0, -2.0])
    assert (solution.status, solution.success, solution.method) == (0, True, "reduced")
    assert solution.message == "The error bound meets the tolerance."
    assert solution.y.shape == (2, 512)
    assert solution.y.flags.c_contiguous
    np.testing.assert_allclose(solution(solution.t), solution.y, rtol=0.0, atol=1e-12)
    np.testing.assert_array_equal(solution.sol([0.1, 3.0])[:, 1], solution(3.0))
    with pytest.raises(ValueError, match="outside t_span"):
        solution([10.1])
    again = pickle.loads(pickle.dumps(solution))
    np.testing.assert_array_equal(again([0.1, 3.0]), solution([0.1, 3.0]))


def test_without_certificate(dho, member):
    solution = dho.at(alpha=75.0, certify=False).solve([1.0, 2.0])
    assert solution.error_bound is None
    assert (solution.status, solution.success) == (1, True)
    assert solution.message == "Solved without a certificate, as certify=False asked."
    np.testing.assert_array_equal(solution.y, member.solve([1.0, 2.0]).y)


@pytest.mark.parametrize(("name", "params"), [("dho", {"alpha": 500.0}), ("ncff", {"alpha": 75.0, "omega": 1.37})])
def test_full_dictionary(models, name, params):
    solution = models[name].at(reduced=False, **params).solve([1.0, 2.0])
    single = models[name].solve([1.0, 2.0], reduced=False, **params)
    assert solution.method == single.method == "full"
    np.testing.assert_allclose(solution.y, single.y, rtol=0.0, atol=1e-11)
    np.testing.assert_allclose(solution([0.5, 9.0]), single([0.5, 9.0]), rtol=0.0, atol=1e-11)
    error = np.abs(solution.y - exact(models[name].family, solution.t, [1.0, 2.0], **params)).max(axis=1)
    assert (solution.error_bound >= error).all()


def between_the_bounds(model, params, y0, **options):
    """An absolute tolerance that a single solve's bound meets and the sum of the columns' bounds misses."""
    loose = {"rtol": 1.0, "atol": 1.0, "reduced": True}
    single = model.solve(y0, **loose, **params).error_bound.max()
    summed = model.at(**loose, **params, **options).solve(y0).error_bound.max()
    assert summed > 1.05 * single, "choose initial values for which the two bounds differ"
    return {"rtol": 0.0, "atol": (single + summed) / 2}


@pytest.mark.parametrize("reduced", [None, True])
def test_where_the_summed_bound_misses_the_tolerance_the_member_is_solved_anew(dho, reduced):
    y0 = [1.0, -2.0]
    tolerance = between_the_bounds(dho, {"alpha": 7.3}, y0)
    solution, single = (
        dho.at(alpha=7.3, reduced=reduced, **tolerance).solve(y0),
        dho.solve(y0, alpha=7.3, reduced=reduced, **tolerance),
    )
    assert single.success
    assert solution.success
    np.testing.assert_array_equal(solution.error_bound, single.error_bound)
    np.testing.assert_array_equal(solution.y, single.y)


def test_tolerance_that_the_full_dictionary_meets(dho):
    options = {"alpha": 75.0, "rtol": 0.0, "atol": 1e-9}
    solution = dho.at(**options, method="full").solve([1.0, 2.0])
    assert solution.method == dho.solve([1.0, 2.0], **options, method="full").method == "full"
    assert solution.success
    assert (solution.error_bound <= 1e-9).all()


def test_a_tolerance_that_the_reduced_basis_misses_is_met_on_windows(dho):
    options = {"alpha": 75.0, "rtol": 0.0, "atol": 1e-9}
    solution = dho.at(**options).solve([1.0, 2.0])
    assert solution.method == dho.solve([1.0, 2.0], **options).method == "windows"
    assert solution.success
    assert np.all(np.abs(solution.y - exact(dho.family, solution.t, [1.0, 2.0], alpha=75.0)) <= 1e-9)
    for alone in (
        dho.at(**options, fallback=False).solve([1.0, 2.0]),
        dho.solve([1.0, 2.0], **options, fallback=False),
    ):
        assert (alone.method, alone.success) == ("reduced", False)


def test_tolerance_out_of_reach(dho):
    solution = dho.at(alpha=75.0, rtol=0.0, atol=1e-18).solve([1.0, 2.0])
    assert (solution.status, solution.success) == (-1, False)
    assert "misses the tolerance" in solution.message


def test_success_does_not_depend_on_the_output_times(dho):
    """max |y| of the tolerance is that over t_span, as in a single solve, not that over the times asked for."""
    options = {"alpha": 1.0, "t": [10.0], "rtol": 3e-7, "atol": 0.0, "reduced": True}
    assert dho.solve([0.0, 1.0], **options).success
    assert dho.at(**options).solve([0.0, 1.0]).success


# ----------------------------------------------------------------------------------------------------------- forcing
@pytest.mark.parametrize(("name", "params"), [("dho", {"alpha": 33.0}), ("ncff", {"alpha": 60.0, "omega": 1.2})])
def test_one_forcing(models, name, params):
    model = models[name]
    solution = model.at(forcing=decay, **params).solve([1.0, 2.0])
    single = model.solve([1.0, 2.0], forcing=decay, **params)
    np.testing.assert_allclose(solution.y, single.y, rtol=0.0, atol=1e-10)
    error = np.abs(solution.y - exact(model.family, solution.t, [1.0, 2.0], decay, **params)).max(axis=1)
    assert (error <= 1e-7).all()
    assert (solution.error_estimate >= error).all()


@pytest.mark.parametrize("forcing", [[decay, ramp], (decay, ramp)])
def test_amplitudes(ncff, forcing):
    params, amplitudes = {"alpha": 60.0, "omega": 1.2}, np.array([0.7, -2.0])
    fixed = ncff.at(forcing=forcing, method="full", **params)

    def both(t):
        return amplitudes[0] * decay(t) + amplitudes[1] * ramp(t)

    solution = fixed.solve([1.0, 2.0], amplitudes=amplitudes)
    np.testing.assert_array_equal(fixed.solve([1.0, 2.0], amplitudes=[0.7, -2.0]).y, solution.y)
    np.testing.assert_allclose(
        solution.y, ncff.solve([1.0, 2.0], forcing=both, method="full", **params).y, rtol=0.0, atol=1e-9
    )
    error = np.abs(solution.y - exact(ncff.family, solution.t, [1.0, 2.0], both, **params)).max(axis=1)
    assert (solution.error_bound >= error).all()
    zero, one, three = (fixed.solve(amplitudes=[a, 0.0]).y for a in (0.0, 1.0, 3.0))
    np.testing.assert_allclose(three - zero, 3 * (one - zero), rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(zero, exact(ncff.family, solution.t, **params), rtol=0.0, atol=1e-7)


def test_amplitudes_default_to_one(dho):
    fixed = dho.at(alpha=33.0, forcing=[decay, ramp])
    np.testing.assert_array_equal(fixed.solve([1.0, 2.0]).y, fixed.solve([1.0, 2.0], amplitudes=[1.0, 1.0]).y)


def test_forcing_beyond_the_reduced_basis(dho):
    for method, answered in (("full", "full"), (None, "windows")):
        solution = dho.at(alpha=5.0, forcing=narrow, method=method).solve([1.0, 2.0], amplitudes=[1.0])
        assert solution.method == answered
        assert solution.success
        error = np.abs(solution.y - exact(dho.family, solution.t, [1.0, 2.0], narrow, alpha=5.0)).max(axis=1)
        assert (error <= 1e-6).all()
        assert (solution.error_estimate >= error).all()
    kept = dho.at(alpha=5.0, forcing=narrow, reduced=True).solve([1.0, 2.0], amplitudes=[1.0])
    assert (kept.method, kept.success) == ("reduced", False)


def test_a_small_forcing_beyond_the_basis_is_noticed_when_amplified(dho):
    fixed = dho.at(alpha=5.0, forcing=lambda t: 1e-9 * narrow(t))
    assert fixed.solve([1.0, 2.0], amplitudes=[1.0]).method == "reduced"
    solution = fixed.solve([1.0, 2.0], amplitudes=[1e9])
    assert solution.method == "windows"
    error = np.abs(solution.y - exact(dho.family, solution.t, [1.0, 2.0], narrow, alpha=5.0)).max(axis=1)
    assert (solution.error_estimate >= error).all()


@pytest.mark.parametrize(
    ("amplitudes", "message"),
    [
        ([1.0], r"amplitudes must have shape \(2,\), got \(1,\)"),
        ([1.0, 2.0, 3.0], r"amplitudes must have shape \(2,\), got \(3,\)"),
        ([[1.0, 2.0]], r"amplitudes must have shape \(2,\), got \(1, 2\)"),
        (2.0, r"amplitudes must have shape \(2,\), got \(\)"),
        ([1.0, np.nan], "amplitudes must be finite; entry 1 is not"),
        ([-np.inf, 1.0], "amplitudes must be finite; entry 0 is not"),
        ("12", "amplitudes must be an array of real numbers, got '12'"),
    ],
)
def test_wrong_amplitudes(dho, amplitudes, message):
    fixed, out = dho.at(alpha=33.0, forcing=[decay, ramp]), np.full((2, 512), 7.0)
    with pytest.raises(ValueError, match=message):
        fixed.solve([1.0, 2.0], out, amplitudes=amplitudes)
    assert (out == 7.0).all()


def test_amplitudes_without_a_forcing(member):
    np.testing.assert_array_equal(member.solve(amplitudes=[]).y, member.solve().y)
    with pytest.raises(ValueError, match=r"amplitudes must have shape \(0,\), got \(1,\)"):
        member.solve(amplitudes=[1.0])


@pytest.mark.parametrize(("name", "params"), [("dho", {"alpha": 5.0}), ("ncff", {"alpha": 300.0, "omega": 1.2})])
@pytest.mark.parametrize("further", [decay, narrow])
def test_a_forcing_of_one_solve(models, name, params, further):
    model, out = models[name], np.empty((2, 512))
    fixed = model.at(**params)
    for y0 in ([1.0, 2.0], [0.3, -1.0]):  # the first factors
        solution = fixed.solve(y0, out, forcing=further)
        assert solution.y is out
        assert solution.method == "full"
        truth = exact(model.family, solution.t, y0, further, **params)
        error = np.abs(solution.y - truth).max(axis=1)
        assert (error <= 1e-6).all()
        assert (solution.error_bound >= error).all()
        np.testing.assert_array_equal(solution.y, model.solve(y0, forcing=further, reduced=False, **params).y)
    np.testing.assert_array_equal(fixed.solve([1.0, 2.0]).y, model.at(**params).solve([1.0, 2.0]).y)  # unforced again


def test_a_forcing_of_one_solve_comes_on_top(dho):
    fixed = dho.at(alpha=33.0, forcing=[decay, ramp])
    solution = fixed.solve([1.0, 2.0], amplitudes=[0.5, 2.0], forcing=narrow)
    together = dho.solve([1.0, 2.0], forcing=lambda t: 0.5 * decay(t) + 2.0 * ramp(t) + narrow(t), alpha=33.0)
    np.testing.assert_allclose(solution.y, together.y, rtol=0.0, atol=1e-7)  # one in full, the other on windows


def test_a_forcing_of_one_solve_from_many_threads(dho):
    fixed, found = dho.at(alpha=5.0), [None] * 4

    def solve(k):
        found[k] = fixed.solve([1.0, 2.0], forcing=narrow).y

    threads = [threading.Thread(target=solve, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for y in found:
        np.testing.assert_array_equal(y, found[0])


@pytest.mark.parametrize(
    ("forcing", "message"),
    [
        (5, "forcing must be a function"),
        (lambda t: np.ones(len(t)), r"forcing returned shape .* expected \(2, "),
        (lambda t: np.full((2, len(t)), np.inf), "forcing is not finite at t = "),
    ],
)
def test_a_wrong_forcing_of_one_solve(member, forcing, message):
    with pytest.raises(ValueError, match=message):
        member.solve([1.0, 2.0], forcing=forcing)


# --------------------------------------------------------------------------------------------------------------- out
def test_out_is_written_and_returned(dho, member):
    out = np.full((2, 512), np.nan)
    solution = member.solve([1.0, 2.0], out)
    assert solution.y is out
    np.testing.assert_array_equal(out, member.solve([1.0, 2.0]).y)
    block = np.full((3, 2, 512), 7.0)
    member.solve([1.0, 2.0], out=block[1])
    np.testing.assert_array_equal(block[1], out)
    assert (block[[0, 2]] == 7.0).all()
    few = np.full((2, 3), 7.0)
    dho.at(alpha=75.0, t=[0.1, 1.0, 5.0]).solve([1.0, 2.0], few)
    np.testing.assert_allclose(few, dho.solve([1.0, 2.0], t=[0.1, 1.0, 5.0], alpha=75.0).y, rtol=0.0, atol=1e-11)


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "got"),
    [
        (np.full((512, 2), 7.0), r"shape \(512, 2\)"),
        (np.full((2, 511), 7.0), r"shape \(2, 511\)"),
        (np.full(1024, 7.0), r"shape \(1024,\)"),
        (np.full((1, 2, 512), 7.0), r"shape \(1, 2, 512\)"),
        (np.full((2, 512), 7.0, dtype=np.float32), "dtype float32"),
        (np.full((2, 512), 7), "dtype int64"),
        (np.full((2, 512), 7.0, dtype=">f8"), "dtype >f8"),
        (np.full((2, 512), 7.0, dtype=complex), "dtype complex128"),
        (np.full((512, 2), 7.0).T, "another memory layout"),
        (np.full((2, 1024), 7.0)[:, ::2], "another memory layout"),
        (read_only(np.full((2, 512), 7.0)), "a read-only one"),
    ],
)
def test_wrong_out(member, out, got):
    expected = r"out must be a writable C-contiguous float64 array of shape \(2, 512\), got "
    with pytest.raises(ValueError, match=expected + got):
        member.solve([1.0, 2.0], out=out)
    assert (out == 7.0).all()


@pytest.mark.parametrize(("out", "got"), [([7.0], "list"), (7.0, "float"), (memoryview(b"7"), "memoryview")])
def test_out_that_is_no_array(member, out, got):
    with pytest.raises(TypeError, match=f"out must be .* float64 array of shape .* got a {got}"):
        member.solve([1.0, 2.0], out=out)


@pytest.mark.parametrize("y0", [[1.0, np.nan], [1.0], "ab"])
def test_out_stays_as_it_was_where_y0_is_refused(member, y0):
    out = np.full((2, 512), 7.0)
    with pytest.raises(ValueError, match="y0 must"):
        member.solve(y0, out)
    assert (out == 7.0).all()


def test_stepping_in_place(dho):
    """The end of one step, read from out, begins the next, which is written to the same out."""
    fixed = dho.at(alpha=75.0, t=[0.1], rtol=1e-9, atol=1e-12)  # so tight that the member is solved anew
    out = np.array([[1.0], [0.5]])
    y0 = out[:, 0].copy()
    for _ in range(3):
        y0 = fixed.solve(y0).y[:, 0]
        fixed.solve(out[:, 0], out)
        np.testing.assert_allclose(out[:, 0], y0, rtol=1e-9)


def test_values_that_overflow_are_refused(dho):
    """As in a single solve; what is refused is not in out."""
    y0 = [1.7e308, 1.7e308]
    for certify in (True, False):
        with pytest.raises(ValueError, match="the answer is not finite"):
            dho.solve(y0, alpha=1.0, certify=certify)
        with pytest.raises(ValueError, match="the answer is not finite"):
            dho.at(alpha=1.0, certify=certify).solve(y0)


# ---------------------------------------------------------------------------------------------- pickling and threads
def test_pickle(ncff):
    fixed = ncff.at(alpha=60.0, omega=1.2, t=[0.5, 3.0], rtol=1e-5, forcing=[decay])
    again = pickle.loads(pickle.dumps(fixed))
    got, want = again.solve([1.0, 2.0], amplitudes=[2.0]), fixed.solve([1.0, 2.0], amplitudes=[2.0])
    np.testing.assert_array_equal(got.y, want.y)
    np.testing.assert_array_equal(got.error_bound, want.error_bound)
    np.testing.assert_array_equal(again.t, fixed.t)
    assert again.params == fixed.params == {"alpha": 60.0, "omega": 1.2}
    assert repr(again) == repr(fixed) == "Member('ncff', alpha=60, omega=1.2, 2 times)"


def test_what_the_caller_changes_later_does_not_change_a_member(dho):
    t, forcings, alpha = np.array([1.0, 2.0]), [decay], np.array(75.0)
    fixed = dho.at(t=t, forcing=forcings, alpha=alpha)
    want = fixed.solve([1.0, 2.0], amplitudes=[1.0]).y
    t[:], alpha[()] = [5.0, 6.0], 3.0
    forcings.clear()
    for member in (fixed, pickle.loads(pickle.dumps(fixed))):
        np.testing.assert_array_equal(member.t, [1.0, 2.0])
        assert member.params == {"alpha": 75.0}
        np.testing.assert_array_equal(member.solve([1.0, 2.0], amplitudes=[1.0]).y, want)


def test_a_solutions_times_are_not_those_of_another(dho):
    fixed = dho.at(alpha=75.0, t=[1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        fixed.solve().t[0] = 99.0
    np.testing.assert_array_equal(fixed.t, [1.0, 2.0])


def test_forcings_from_an_iterator_survive_pickling(dho):
    fixed = dho.at(alpha=75.0, forcing=iter([decay, ramp]))
    again = pickle.loads(pickle.dumps(fixed))
    np.testing.assert_array_equal(again.solve(amplitudes=[1.0, 2.0]).y, fixed.solve(amplitudes=[1.0, 2.0]).y)


def test_spawned_worker(dho, member):
    """A model goes to a process that shares nothing with this one; a member of it and a solution come back."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        back = pool.apply(operator.methodcaller("at", alpha=75.0), (dho,))
        solution = pool.apply(operator.methodcaller("solve", [1.0, 2.0]), (member,))
        pool.close()
        pool.join()
    np.testing.assert_array_equal(back.solve([1.0, 2.0]).y, member.solve([1.0, 2.0]).y)
    np.testing.assert_array_equal(solution.y, member.solve([1.0, 2.0]).y)
    np.testing.assert_array_equal(solution.error_bound, member.solve([1.0, 2.0]).error_bound)


def test_threads_share_a_member(ncff):
    starts = np.random.default_rng(3).normal(size=(300, 2))
    fixed = ncff.at(alpha=60.0, omega=1.2, forcing=decay)
    tight = ncff.at(alpha=60.0, omega=1.2, rtol=3e-9, atol=0.0, reduced=True)
    solves = [lambda y0: fixed.solve(y0, amplitudes=[y0[0]]).y, lambda y0: tight.solve(y0, np.empty((2, 512))).y]
    expected = [[solve(y0) for y0 in starts] for solve in solves]
    results = {}

    def work(k):
        results[k] = [[solve(y0) for y0 in starts] for solve in solves]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for values in results.values():
        np.testing.assert_array_equal(values, expected)


def test_a_member_outlives_its_model():
    solution = stlfast.load("dho").at(alpha=75.0, t=[0.1, 1.0]).solve([1.0, 2.0])
    np.testing.assert_allclose(solution([0.1, 1.0]), solution.y, rtol=0.0, atol=1e-12)


# ---------------------------------------------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.5}, r"alpha = 0.5 is outside \[1, 1000\]"),
        ({"alpha": 1000.1}, r"alpha = 1000.1 is outside \[1, 1000\]"),
        ({"alpha": float("nan")}, "not finite"),
        ({"alpha": "stiff"}, "alpha must be one number"),
        ({"alpha": None}, "alpha must be one number"),
        ({"alpha": [1.0, 2.0]}, "alpha must be one number"),
        ({}, "missing parameter alpha"),
        ({"alpha": 2.0, "beta": 1.0}, "unknown parameter beta"),
    ],
)
def test_wrong_parameters(dho, arguments, message):
    with pytest.raises(stlfast.ParameterError, match=message):
        dho.at(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t": [-0.1, 1.0]}, r"t = -0.1 is outside t_span = \(0, 10\)"),
        ({"t": [1.0, 10.5]}, "t = 10.5 is outside"),
        ({"t": [1.0, float("nan")]}, "t must be finite; entry 1"),
        ({"t": [[1.0]]}, "t must be one-dimensional"),
        ({"t": 1.0}, "t must be one-dimensional"),
        ({"t": "late"}, "t must be an array of real numbers"),
        ({"rtol": -1.0}, "rtol must be a finite number of at least 0, got -1"),
        ({"atol": float("nan")}, "atol must be a finite number"),
        ({"atol": None}, "atol must be a finite number"),
        ({"forcing": 5}, "forcing must be a function"),
        ({"forcing": [decay, 5]}, "forcing must be a function"),
        ({"forcing": lambda t: np.ones(len(t))}, r"forcing returned shape .* expected \(2, "),
        ({"forcing": [decay, lambda t: np.full((2, len(t)), np.inf)]}, "forcing is not finite at t = "),
    ],
)
def test_wrong_arguments(dho, arguments, message):
    with pytest.raises(ValueError, match=message):
        dho.at(alpha=75.0, **arguments)


@pytest.mark.parametrize(
    ("y0", "message"),
    [
        ([1.0], r"y0 must have shape \(2,\), got \(1,\)"),
        ([[1.0, 2.0]], r"y0 must have shape \(2,\), got \(1, 2\)"),
        (1.0, r"y0 must have shape \(2,\), got \(\)"),
        ([1.0, float("nan")], "y0 must be finite; entry 1"),
        ([float("-inf"), 1.0], "y0 must be finite; entry 0"),
        (["a", "b"], "y0 must be an array of real numbers"),
        ([1.0, 2j], "y0 must be an array of real numbers"),
        ([1.0, None], "y0 must be an array of real numbers"),
        ([[1.0], [1.0, 2.0]], "y0 must be an array of real numbers"),
    ],
)
def test_wrong_initial_values(member, y0, message):
    with pytest.raises(ValueError, match=message):
        member.solve(y0)


def test_params_are_numbers(dho):
    """A value that float() takes is kept as that number."""
    fixed = dho.at(alpha="75")
    assert fixed.params == {"alpha": 75.0}
    assert repr(fixed) == "Member('dho', alpha=75, 512 times)"


def test_no_times_at_all():
    """In a process of its own, since it once crashed."""
    script = (
        "import stlfast\n"
        "solution = stlfast.load('dho').at(alpha=75.0, t=[]).solve([1.0, 2.0])\n"
        "assert solution.y.shape == (2, 0) and solution.success and (solution.error_bound < 1e-7).all()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
