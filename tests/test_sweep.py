"""Many solves in one call: the same answers as one by one, for any number of threads, in bounded memory."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
import sympy as sp

import stlfast
from stlfast.measure.exact import exact


@pytest.fixture(scope="module")
def decay():
    """u' = −k u up to t = 5/k."""
    t, k, u = sp.symbols("t k u")
    family = stlfast.Family(
        name="decay", t=t, y=[u], t_span=(0.0, 5 / k), stiffness=k, y0=[1.0], rhs=[-k * u],
        params={k: stlfast.Range(train=(1.0, 5.0), solve=(1.0, 20.0))},
    )  # fmt: skip
    return stlfast.compile(family, stlfast.Body.random((32, 32, 24), tau=1e-2, seed=1), tol=1e-6)


def queries(B, seed=0, members=None):
    """Initial values (B, 2), and alpha and omega (B,) of so many different members in random order."""
    rng = np.random.default_rng(seed)
    members = B if members is None else members
    alphas, omegas = np.exp(rng.uniform(0.0, np.log(1000.0), members)), rng.uniform(0.5, 2.0, members)
    which = rng.permutation(np.arange(B) % members)
    return rng.normal(size=(B, 2)), alphas[which], omegas[which]


def largest_difference(got, wanted):
    """Relative to the largest value of each query and state."""
    scale = np.array([np.abs(want).max(axis=1) for want in wanted])
    return (np.abs(got - np.array(wanted)).max(axis=2) / scale).max()


# --------------------------------------------------------------------------------------------------------- agreement
@pytest.mark.parametrize("members", [1, 3, 40, 97, 200])
def test_equals_single_solves(dho, members):
    y0, alpha, _ = queries(200, members, members)
    many = dho.solve_many(y0, alpha=alpha)
    single = [dho.solve(start, alpha=a) for start, a in zip(y0, alpha, strict=True)]
    assert many.y.shape == (200, 2, 512)
    np.testing.assert_array_equal(many.t, single[0].t)
    assert largest_difference(many.y, [solution.y for solution in single]) <= 1e-10
    np.testing.assert_array_equal(many.success, [solution.success for solution in single])
    assert (many.error_bound >= np.array([solution.error_bound for solution in single]) * (1 - 1e-6)).all()
    assert len(many) == 200
    assert many.message == "The error bounds of all 200 solutions meet the tolerance."


@pytest.mark.parametrize("members", [1, 5, 60])
def test_equals_single_solves_with_a_forcing(ncff, members):
    y0, alpha, omega = queries(60, 7 * members, members)
    alpha = 1.0 + alpha / 50.0
    many = ncff.solve_many(y0, alpha=alpha, omega=omega)
    single = [ncff.solve(s, alpha=a, omega=w).y for s, a, w in zip(y0, alpha, omega, strict=True)]
    assert largest_difference(many.y, single) <= 1e-10


def test_equals_single_solves_at_high_stiffness(ncff):
    y0, alpha, omega = queries(60)[0], 861.025, 1.2390972
    many = ncff.solve_many(y0, alpha=alpha, omega=omega)
    assert largest_difference(many.y, [ncff.solve(start, alpha=alpha, omega=omega).y for start in y0]) <= 1e-10


@pytest.mark.parametrize("members", [1, 12])
def test_bounds_hold(ncff, members):
    y0, alpha, omega = queries(12, 5, members)
    many = ncff.solve_many(y0, alpha=alpha, omega=omega)
    for k in (0, 5, 11):
        truth = exact(ncff.family, many.t, y0[k], alpha=alpha[k], omega=omega[k])
        assert (many.error_bound[k] >= np.abs(many.y[k] - truth).max(axis=1)).all()
        assert np.abs(many.y[k] - truth).max() <= 1e-7


def test_numbers_broadcast_with_arrays(ncff):
    y0, alpha, omega = queries(6)
    for arguments in (
        {"y0": y0, "alpha": 75.0, "omega": 1.2},
        {"y0": y0[0], "alpha": alpha, "omega": 1.2},
        {"y0": y0[:1], "alpha": alpha[:1], "omega": omega},
        {"y0": y0.tolist(), "alpha": alpha.tolist(), "omega": [1.2]},
        {"alpha": 75, "omega": omega.astype(np.float32)},
    ):
        many = ncff.solve_many(**arguments)
        assert many.y.shape == (6, 2, 512)
        starts = np.broadcast_to(arguments.get("y0", ncff.family.y0), (6, 2))
        a, w = (np.broadcast_to(np.asarray(arguments[name], dtype=np.float64), 6) for name in ("alpha", "omega"))
        single = [ncff.solve(start, alpha=float(p), omega=float(q)).y for start, p, q in zip(starts, a, w, strict=True)]
        assert largest_difference(many.y, single) <= 1e-10


def test_rows_that_are_not_contiguous(dho):
    y0, alpha, _ = queries(20)
    want = dho.solve_many(y0, alpha=alpha).y[::2]
    np.testing.assert_array_equal(dho.solve_many(y0[::2], alpha=alpha[::2]).y, want)
    np.testing.assert_array_equal(dho.solve_many(np.asfortranarray(y0[::2]), alpha=alpha[::2]).y, want)


@pytest.mark.parametrize(("observe", "E"), [(None, (512,)), ("final", ()), ("maximum", ()), ([0.1, 9.0], (2,))])
@pytest.mark.parametrize("B", [0, 1, 2])
def test_few_rows(dho, B, observe, E):
    for arguments in ({"y0": np.ones((B, 2)), "alpha": 75.0}, {"alpha": np.full(B, 75.0)}):
        many = dho.solve_many(observe=observe, **arguments)
        assert many.y.shape == (B, 2, *E)
        assert many.success.shape == (B,)
        assert many.error_bound.shape == (B, 2)
        assert len(many) == B


def test_numbers_alone_are_one_row(dho):
    many = dho.solve_many([1.0, 2.0], alpha=75.0)
    assert many.y.shape == (1, 2, 512)
    np.testing.assert_allclose(many.y[0], dho.solve([1.0, 2.0], alpha=75.0).y, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("members", [1, 7, 3000])
@pytest.mark.parametrize("observe", [None, "final", "maximum"])
def test_any_number_of_threads_gives_the_same_bits(ncff, members, observe):
    y0, alpha, omega = queries(3000, 2, members)
    fresh = pickle.loads(pickle.dumps(ncff))  # its bands are still to be built, by several threads at once
    runs = [model.solve_many(y0, alpha=alpha, omega=omega, observe=observe, rtol=1e-4, threads=threads)
            for threads, model in ((1, ncff), (2, ncff), (3, fresh), (None, ncff))]  # fmt: skip
    for run in runs[1:]:
        np.testing.assert_array_equal(run.y, runs[0].y)
        np.testing.assert_array_equal(run.error_bound, runs[0].error_bound)
        np.testing.assert_array_equal(run.success, runs[0].success)


def test_success_and_message(dho):
    y0 = np.array([[1.0, 1.0], [1e3, 1e3], [1.0, 0.0], [1e4, 1e4]])
    for alpha in (75.0, [75.0, 74.0, 73.0, 72.0]):
        many = dho.solve_many(y0, alpha=alpha, rtol=0.0, atol=1e-7, reduced=True)
        np.testing.assert_array_equal(many.success, (many.error_bound <= 1e-7).all(axis=1))
        assert many.success.tolist() == [True, False, True, False]
        assert many.message.startswith("2 of 4 error bounds miss the tolerance, the first that of row 1: raise ")


@pytest.mark.parametrize("alpha", [75.0, np.geomspace(2.0, 900.0, 9)])
def test_without_certificate(dho, alpha):
    y0 = queries(9)[0]
    many, certified = (dho.solve_many(y0, alpha=alpha, certify=certify) for certify in (False, True))
    assert many.error_bound is None
    assert many.success.all()
    assert many.message == "Solved without a certificate, as certify=False asked."
    np.testing.assert_array_equal(many.y, certified.y)


@pytest.mark.parametrize("alpha", [75.0, np.geomspace(2.0, 900.0, 6)])
def test_full_dictionary(dho, alpha):
    y0 = queries(6)[0]
    many = dho.solve_many(y0, alpha=alpha, reduced=False)
    single = [dho.solve(s, alpha=a, reduced=False).y for s, a in zip(y0, np.broadcast_to(alpha, 6), strict=True)]
    assert largest_difference(many.y, single) <= 1e-10


# ----------------------------------------------------------------------------------------------------------- observe
@pytest.mark.parametrize("members", [1, 30])
def test_observe(dho, members):
    y0, alpha, _ = queries(30, 3, members)
    y0[:, 0] -= 5.0  # so that a maximum is not one of |y|
    whole = dho.solve_many(y0, alpha=alpha)
    final = dho.solve_many(y0, alpha=alpha, observe="final")
    np.testing.assert_array_equal(final.t, [10.0])
    assert final.y.shape == (30, 2)
    np.testing.assert_allclose(final.y, whole.y[:, :, -1], rtol=0.0, atol=1e-11)
    maximum = dho.solve_many(y0, alpha=alpha, observe="maximum")
    assert maximum.y.shape == (30, 2)
    np.testing.assert_array_equal(maximum.y, whole.y.max(axis=2))
    assert (maximum.y[:, 0] < 0).any()
    t = np.array([7.0, 0.01, 7.0])
    chosen = dho.solve_many(y0, alpha=alpha, observe=t)
    np.testing.assert_array_equal(chosen.t, t)
    assert chosen.y.shape == (30, 2, 3)
    single = np.array([dho.solve(s, t=t, alpha=a).y for s, a in zip(y0, alpha, strict=True)])
    np.testing.assert_allclose(chosen.y, single, rtol=0.0, atol=1e-10)
    for some in (final, maximum, chosen):
        np.testing.assert_array_equal(some.success, whole.success)


@pytest.mark.parametrize("observe", ["final", "maximum", [10.0]])
@pytest.mark.parametrize("reduced", [None, True])
def test_success_does_not_depend_on_what_is_observed(dho, observe, reduced):
    """max |y| of the tolerance is that over t_span, though little is left of y at its end."""
    y0 = np.random.default_rng(4).normal(size=(50, 2)) * [0.0, 1.0]
    options = {"alpha": 1.0, "rtol": 3e-7, "atol": 0.0, "reduced": reduced}
    assert all(dho.solve(start, **options).success for start in y0)
    assert dho.solve_many(y0, observe=observe, **options).success.all()


def test_no_times_at_all():
    """In a process of its own, since it once crashed."""
    script = (
        "import stlfast, numpy as np\n"
        "many = stlfast.load('dho').solve_many(np.ones((9, 2)), alpha=75.0, observe=[])\n"
        "assert many.y.shape == (9, 2, 0) and many.success.all()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_time_span_that_depends_on_a_parameter(decay):
    k = np.array([1.0, 3.0, 20.0])
    whole = decay.solve_many(k=k)
    assert whole.t.shape == (3, 512)
    np.testing.assert_allclose(whole.t[:, -1], 5 / k)
    np.testing.assert_allclose(whole.y[:, 0], np.exp(-k[:, None] * whole.t), rtol=0.0, atol=1e-6)
    final = decay.solve_many(k=k, observe="final")
    np.testing.assert_allclose(final.t, 5 / k[:, None])
    np.testing.assert_allclose(final.y, np.exp(-5.0) * np.ones((3, 1)), rtol=0.0, atol=1e-6)
    with pytest.raises(ValueError, match="observe can't be times where t_span depends on the parameters"):
        decay.solve_many(k=k, observe=[0.1])


@pytest.mark.parametrize(("observe", "N"), [(None, 512), ("final", 1)])
@pytest.mark.parametrize("B", [0, 1, 3])
def test_time_span_of_one_member_with_many_initial_values(decay, B, observe, N):
    for arguments in ({"y0": np.ones((B, 1)), "k": 5.0}, {"k": np.full(B, 5.0)}):
        assert decay.solve_many(observe="maximum", **arguments).t is None
        many = decay.solve_many(observe=observe, **arguments)
        assert many.t.shape == (B, N)
        assert (many.t[:, -1] == 1.0).all()


# --------------------------------------------------------------------------------------------------------------- out
SHAPES = [(None, (6, 2, 512)), ("final", (6, 2)), ("maximum", (6, 2)), ([0.1, 9.0], (6, 2, 2)), ([3.0], (6, 2, 1))]


@pytest.mark.parametrize(("observe", "shape"), SHAPES)
@pytest.mark.parametrize("members", [1, 6])
def test_out_is_written_and_returned(dho, tmp_path, observe, shape, members):
    y0, alpha, _ = queries(6, 1, members)
    want = dho.solve_many(y0, alpha=alpha, observe=observe).y
    assert want.shape == shape
    out = np.full(shape, np.nan)
    many = dho.solve_many(y0, alpha=alpha, observe=observe, out=out)
    np.testing.assert_array_equal(out, want)
    assert many.y is out
    mapped = np.memmap(tmp_path / "y.bin", dtype=np.float64, mode="w+", shape=shape)
    assert np.shares_memory(dho.solve_many(y0, alpha=alpha, observe=observe, out=mapped).y, mapped)
    mapped.flush()
    np.testing.assert_array_equal(np.fromfile(tmp_path / "y.bin").reshape(shape), want)


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(("observe", "shape"), SHAPES)
@pytest.mark.parametrize(
    ("make", "got"),
    [
        (lambda shape: np.full((7, *shape[1:]), 7.0), "shape (7, "),
        (lambda shape: np.full((*shape, 1), 7.0), "shape ("),
        (lambda shape: np.full(shape[1:], 7.0), "shape (2"),
        (lambda shape: np.full(shape, 7.0, dtype=np.float32), "dtype float32"),
        (lambda shape: np.full(shape, 7), "dtype int64"),
        (lambda shape: np.full(shape, 7.0, dtype=">f8"), "dtype >f8"),
        (lambda shape: np.full(shape, 7.0, order="F"), "another memory layout"),
        (lambda shape: np.full((12, *shape[1:]), 7.0)[::2], "another memory layout"),
        (lambda shape: read_only(np.full(shape, 7.0)), "a read-only one"),
    ],
)
def test_wrong_out(dho, observe, shape, make, got):
    out = make(shape)
    with pytest.raises(ValueError, match="out must be") as caught:
        dho.solve_many(queries(6)[0], alpha=75.0, observe=observe, out=out)
    assert f"C-contiguous float64 array of shape {shape}, got {got}" in str(caught.value)
    assert (out == 7.0).all()


@pytest.mark.parametrize(("observe", "shape"), SHAPES)
def test_out_that_is_no_array(dho, observe, shape):
    for out in ([7.0], 7.0, "out"):
        with pytest.raises(TypeError, match="out must be") as caught:
            dho.solve_many(queries(6)[0], alpha=75.0, observe=observe, out=out)
        assert f"array of shape {shape}, got a {type(out).__name__}" in str(caught.value)


@pytest.mark.parametrize("arguments", [{"y0": [[1.0, np.nan]] * 6}, {"alpha": 5000.0}, {"threads": 0}, {"rtol": -1.0}])
def test_out_stays_as_it_was_where_something_else_is_refused(dho, arguments):
    out = np.full((6, 2, 512), 7.0)
    with pytest.raises(ValueError, match=r"must|outside"):
        dho.solve_many(**{"y0": np.ones((6, 2)), "alpha": 75.0} | arguments, out=out)
    assert (out == 7.0).all()


@pytest.mark.parametrize("rows", [slice(None), 0])
def test_initial_values_in_the_memory_of_out(dho, rows):
    """Sweep after sweep in one array; what is read is the initial values, not values already written."""
    out = np.random.default_rng(9).normal(size=(3000, 2))
    alpha = np.full(3000, 75.0)
    want = dho.solve_many(out[rows].copy(), alpha=alpha, observe="final", threads=1).y
    dho.solve_many(out[rows], alpha=alpha, observe="final", out=out, threads=1)
    np.testing.assert_array_equal(out, want)


# ---------------------------------------------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": np.ones(3)}, r"do not broadcast: y0 \(5,\), alpha \(3,\)"),
        ({"alpha": np.ones(3), "omega": np.ones(4)}, r"do not broadcast: y0 \(5,\), alpha \(3,\), omega \(4,\)"),
        ({"y0": np.ones(2), "alpha": np.ones(3), "omega": np.ones(4)}, r"broadcast: alpha \(3,\), omega \(4,\)"),
        ({"alpha": np.ones((5, 1))}, r"alpha must be a number or have shape \(B,\), got \(5, 1\)"),
        ({"y0": np.ones((5, 3))}, r"y0 must have shape \(2,\) or \(B, 2\), got \(5, 3\)"),
        ({"y0": np.ones((1, 5, 2))}, r"y0 must have shape \(2,\) or \(B, 2\), got \(1, 5, 2\)"),
        ({"y0": 1.0}, r"y0 must have shape \(2,\) or \(B, 2\), got \(\)"),
        ({"y0": [[1.0, 2.0], [3.0, np.nan], [np.inf, 1.0]]}, "y0 must be finite; row 1 is not"),
        ({"y0": [[1.0, 2.0], [3.0]]}, "y0 must be an array of real numbers"),
        ({"y0": [[1.0, 2j]]}, "y0 must be an array of real numbers"),
        ({"y0": "ab"}, "y0 must be an array of real numbers"),
        ({"rtol": -1.0}, "rtol must be a finite number of at least 0, got -1"),
        ({"atol": float("nan")}, "atol must be a finite number of at least 0"),
        ({"atol": "small"}, "atol must be a finite number of at least 0"),
        ({"threads": 0}, "threads must be an integer of at least 1, got 0"),
        ({"threads": -1}, "threads must be an integer of at least 1, got -1"),
        ({"threads": 1.5}, "threads must be an integer of at least 1, got 1.5"),
        ({"threads": True}, "threads must be an integer of at least 1, got True"),
        ({"threads": "2"}, "threads must be an integer of at least 1, got '2'"),
        ({"observe": "mean"}, "observe must be None, times, 'final' or 'maximum', got 'mean'"),
        ({"observe": [1.0, 11.0]}, r"11.0 is outside t_span = \(0, 10\)"),
        ({"observe": [1.0, np.nan]}, "observe must be finite; entry 1"),
        ({"observe": 3.0}, r"observe must be .*one-dimensional.*, got shape \(\)"),
        ({"observe": [[3.0]]}, r"observe must be .*one-dimensional.*, got shape \(1, 1\)"),
        ({"observe": True}, "observe must be"),
        ({"progress": 5}, "progress must be"),
    ],
)
def test_wrong_arguments(ncff, arguments, message):
    with pytest.raises(ValueError, match=message):
        ncff.solve_many(**{"y0": np.ones((5, 2)), "alpha": 75.0, "omega": 1.0} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": [1.0, 0.5, 2.0, 0.1, 3.0]}, r"alpha = 0.5 in row 1 is outside \[1, 1000\], where 'ncff' is solved"),
        ({"alpha": [1.0, 5.0, 2.0, np.nan, 3.0]}, "alpha = nan in row 3 is "),
        ({"omega": [1.0, 1.0, 1.0, 1.0, np.inf]}, "omega = inf in row 4 is "),
        ({"alpha": 1001.0}, "alpha = 1001.0 .*is outside"),
        ({"alpha": "stiff"}, "alpha must be"),
        ({"alpha": [1.0, None, 1.0, 1.0, 1.0]}, "alpha must be"),
        ({"alpha": [10**400, 1, 1, 1, 1]}, "alpha must be"),
        ({"beta": 1.0}, "unknown parameter beta: those of 'ncff' are alpha, omega"),
        ({"t": [1.0]}, "unknown parameter t"),
        ({"alpha": [[75.0]]}, "alpha must be a number or have shape"),
    ],
)
def test_wrong_parameters(ncff, arguments, message):
    with pytest.raises(stlfast.ParameterError, match=message):
        ncff.solve_many(**{"y0": np.ones((5, 2)), "alpha": 75.0, "omega": 1.0} | arguments)


def test_missing_parameter(ncff):
    with pytest.raises(stlfast.ParameterError, match="missing parameter omega"):
        ncff.solve_many(alpha=[1.0, 2.0])


@pytest.mark.parametrize("threads", [2**31, 2**70, np.int64(2**40)])
def test_more_threads_than_there_can_be(dho, threads):
    y0 = queries(5)[0]
    np.testing.assert_array_equal(
        dho.solve_many(y0, alpha=75.0, threads=threads).y, dho.solve_many(y0, alpha=75.0, threads=1).y
    )


@pytest.mark.parametrize("alpha", [1.0, np.linspace(1.0, 2.0, 8)])
@pytest.mark.parametrize("certify", [True, False])
def test_values_that_overflow_are_refused_with_their_row(dho, alpha, certify):
    y0 = np.ones((8, 2))
    y0[5] = 1.7e308
    with pytest.raises(ValueError, match=r"the answer is not finite.*row 5|row 5.*the answer is not finite"):
        dho.solve_many(y0, alpha=alpha, certify=certify)


@pytest.mark.parametrize("name", ["observe", "progress"])
def test_names_that_solve_many_takes_are_no_parameters(name):
    t, u = sp.symbols("t u")
    with pytest.raises(ValueError, match="argument of solve"):
        stlfast.Family(
            name="clash", t=t, y=[u], rhs=[-sp.Symbol(name) * u], t_span=(0.0, 1.0), stiffness=name, y0=[1.0],
            params={sp.Symbol(name): stlfast.Range(train=(1.0, 2.0), solve=(1.0, 2.0))},
        )  # fmt: skip


# ------------------------------------------------------------------------------ progress, interruption, GIL, memory
@pytest.mark.parametrize("threads", [1, 2])
def test_progress(dho, threads):
    done = []
    dho.solve_many(alpha=np.geomspace(1.0, 1000.0, 60), reduced=False, threads=threads, progress=done.append)
    assert done[-1] == 60
    assert done == sorted(done)
    assert 1 < len(done) <= 60
    assert all(isinstance(count, int) for count in done)


def test_progress_bar_is_shown_when_asked(dho, capfd):
    dho.solve_many(alpha=[1.0, 2.0])
    assert capfd.readouterr() == ("", "")
    dho.solve_many(alpha=[1.0, 2.0], progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "solving" in shown.err


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_in_progress_stops_the_sweep(dho, threads):
    out = np.full((10_000, 2), np.nan)

    def stop(done):
        raise ZeroDivisionError(f"after {done}")

    with pytest.raises(ZeroDivisionError, match="after "):
        dho.solve_many(
            np.ones((10_000, 2)), alpha=75.0 + np.arange(10_000) / 100, observe="final", reduced=False,
            threads=threads, out=out, progress=stop,
        )  # fmt: skip
    assert 0 < np.isfinite(out).all(axis=1).sum() < 5000
    np.testing.assert_allclose(dho.solve_many(alpha=[75.0]).y[0], dho.solve(alpha=75.0).y, rtol=0.0, atol=1e-12)


def test_progress_may_solve_too(dho):
    """The callable is called while workers run, and may use the same model."""
    inner = []
    dho.solve_many(
        alpha=np.geomspace(1.0, 1000.0, 40), reduced=False, threads=2,
        progress=lambda done: inner.append(dho.solve_many(alpha=[75.0, 80.0], threads=2).y),
    )  # fmt: skip
    np.testing.assert_array_equal(inner[0], dho.solve_many(alpha=[75.0, 80.0]).y)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT can't be sent to one process there")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("progress", ["False", "True", "lambda done: None"])
def test_ctrl_c(threads, progress):
    """A sweep that would take minutes ends with KeyboardInterrupt, which says how far it came."""
    script = (
        "import threading, time, numpy as np, stlfast\n"
        "model, alphas = stlfast.load('dho'), np.geomspace(1.0, 1000.0, 100_000)\n"
        "out = np.full((100_000, 2), np.nan)\n"
        "def watch():\n"
        "    def wait_for(rows):\n"
        "        while np.isfinite(out[:, 0]).sum() < rows: time.sleep(0.05)\n"
        "    wait_for(1); time.sleep(0.3); wait_for(40)\n"  # more than one report, on a busy machine too
        "    print('running', flush=True)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "model.solve_many(alpha=alphas, observe='final', reduced=False, out=out,\n"
        f"                 threads={threads}, progress={progress})\n"
        "print('ended', flush=True)\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout.readline() == "running\n"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "ended" not in out
    assert process.returncode in (-signal.SIGINT, 130)
    last = err.strip().splitlines()[-1]
    assert last.startswith("KeyboardInterrupt: solve_many was stopped after about ")
    done = int(last.split("about ")[1].split()[0])
    assert 0 < done < 100_000
    assert "of 100000 solves; out, if given, is partly written" in last


def test_other_python_threads_run_meanwhile(dho):
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0)

    dho.solve(alpha=75.0, reduced=False)
    thread = threading.Thread(target=tick)
    thread.start()
    before = ticks[0]
    dho.solve_many(alpha=np.geomspace(1.0, 1000.0, 60), reduced=False, threads=1)
    during = ticks[0] - before
    stop.set()
    thread.join()
    assert during > 200  # far more than the handful of reports, which take the GIL


def test_python_threads_sweep_one_model(ncff):
    y0, alpha, omega = queries(500, 8, 50)
    want, results = ncff.solve_many(y0, alpha=alpha, omega=omega, threads=1).y, {}

    def work(k):
        results[k] = ncff.solve_many(y0, alpha=alpha, omega=omega, threads=2).y

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for got in results.values():
        np.testing.assert_array_equal(got, want)


MEMORY = """
import resource, numpy as np, stlfast
model, B = stlfast.load("dho"), 200_000
y0 = np.random.default_rng(0).normal(size=(B, 2))
for observe in ("final", "maximum"):
    model.solve_many(y0[:5000], alpha=np.geomspace(1.0, 1000.0, 5000), observe=observe)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for observe in ("final", "maximum"):
    model.solve_many(y0, alpha=75.0, observe=observe)
    model.solve_many(y0, alpha=np.geomspace(1.0, 1000.0, B), observe=observe)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kilobytes on Linux alone")
def test_memory_of_a_large_sweep():
    """200000 trajectories would be 1.6 GB."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 100e6


def test_memory_where_the_time_span_depends_on_a_parameter(decay):
    """observe="maximum" keeps no trajectory, and no times of one either."""
    k = np.linspace(1.0, 20.0, 5000)
    tracemalloc.start()
    try:
        decay.solve_many(k=k, observe="maximum")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5000 * 512 * 8 / 2
