"""Members solved on time windows, against SciPy at tight tolerances, exact solutions and published values."""

import pickle
import threading

import numpy as np
import pytest
import sympy as sp
from scipy import special

import stlfast
from examples import hires
from stlfast import families
from stlfast.measure.exact import exact, point_set


def logistic(**changed):
    """y' = k y (1 − y): y = 1/(1 + (1/y0 − 1) e^{−k t})."""
    options = {
        "name": "logistic", "t": None, "y": ["y"], "rhs": lambda t, y, k: k * y * (1 - y), "t_span": (0.0, 1.0),
        "stiffness": "k", "params": {"k": stlfast.Range(train=(1.0, 10.0), solve=(1.0, 100.0))}, "y0": [0.1],
    }  # fmt: skip
    return stlfast.Family(**options | changed)


def error_of(windows, sol, rtol=1e-12, atol=1e-14, y0=None, **params):
    family = windows.family
    truth = family.reference(y0=y0, t=sol.t, rtol=rtol, atol=atol, **params)
    assert truth.success
    return np.abs(sol.y - truth.y).max(axis=1)


@pytest.mark.parametrize("alpha", [5.0, 50.0, 1000.0])
@pytest.mark.parametrize("y0", [None, [3.0, 2.0]])
def test_duffing(alpha, y0):
    windows = stlfast.Windows(families.duffing())
    sol = windows.solve(y0, t=point_set(0.0, 10.0), alpha=alpha, beta=1.0)
    error = error_of(windows, sol, y0=y0, alpha=alpha, beta=1.0)
    assert sol.success
    assert sol.method == "windows"
    assert sol.error_bound is None
    assert np.all(error <= 1e-8 + 1e-6 * np.abs(sol.y).max(axis=1))
    assert np.all(error <= 10 * sol.error_estimate + 1e-12)
    assert sol.windows > 0
    assert sol.iterations >= sol.windows


def test_robertson_conserves_mass():
    windows = stlfast.Windows(families.robertson())
    times = np.concatenate([[0.0], np.geomspace(1e-5, 1e5, 60)])
    for k1, k2, k3 in [(0.04, 3e7, 1e4), (0.1, 1.2e7, 2.5e4)]:
        sol = windows.solve(t=times, k1=k1, k2=k2, k3=k3, rtol=1e-7, atol=1e-10)
        error = error_of(windows, sol, k1=k1, k2=k2, k3=k3, rtol=1e-11, atol=1e-16)
        assert sol.success
        assert np.all(error <= [1e-6, 1e-9, 1e-6])
        assert np.abs(sol.y.sum(axis=0) - 1).max() <= 1e-13


@pytest.mark.slow(reason="two references at tight tolerances")
@pytest.mark.parametrize("mu", [5.0, 100.0, 1000.0])
def test_van_der_pol(mu):
    windows = stlfast.Windows(families.vdp())
    T = 2 * mu
    sol = windows.solve(mu=mu)
    assert sol.success
    dense = windows.family.reference(t=np.linspace(0, T, 4001), rtol=1e-11, atol=1e-11, mu=mu)
    jumps = dense.t[:-1][np.diff(np.sign(dense.y[0])) != 0]
    away = np.all(np.abs(sol.t[:, None] - jumps) > 1e-3 * T, axis=1)
    truth = windows.family.reference(t=sol.t, rtol=1e-11, atol=1e-11, mu=mu)
    assert np.abs(sol.y[0] - truth.y[0])[away].max() <= 1e-4
    assert len(jumps) >= 1
    for jump in jumps:  # the sign changes between these two times, 2e-5 T apart
        before, after = sol(np.array([jump - 2e-5 * T, jump + T / 4000 + 2e-5 * T]))[0]
        assert before * after < 0


def test_hires_to_six_digits():
    sol = stlfast.Windows(hires.hires()).solve(t=[0.0, hires.END_TIME], k=280.0, rtol=1e-8, atol=1e-12)
    assert sol.success
    np.testing.assert_allclose(sol.y[:, -1], hires.END, rtol=1e-6)


@pytest.mark.parametrize("alpha", [1.0, 1000.0])
def test_linear_families_too(alpha):
    family = families.ncff()
    sol = stlfast.Windows(family).solve(t=point_set(0.0, 10.0), alpha=alpha, omega=1.0, rtol=1e-9)
    error = np.abs(sol.y - exact(family, sol.t, alpha=alpha, omega=1.0)).max(axis=1)
    assert sol.success
    assert np.all(error <= 10 * sol.error_estimate + 1e-12)


def test_the_estimate_is_within_a_factor_of_ten():
    rng = np.random.default_rng(1)
    windows = stlfast.Windows(families.duffing())
    ratios = []
    for _ in range(40):
        alpha, beta = 5 * 200 ** rng.uniform(), rng.uniform()
        y0 = rng.uniform([0.0, -1.0], [3.0, 2.0])
        sol = windows.solve(y0, alpha=alpha, beta=beta, rtol=10 ** rng.uniform(-6, -2), atol=1e-4)
        sharp = windows.solve(y0, alpha=alpha, beta=beta, rtol=1e-11, atol=1e-12)
        fine = np.linspace(0, 10, 5000)
        error = np.abs(sol(fine) - sharp(fine)).max(axis=1)
        ratios += (sol.error_estimate / np.maximum(error, 1e-13)).tolist()
    within = np.mean((np.array(ratios) > 0.1) & (np.array(ratios) < 10))
    assert within >= 0.95


@pytest.mark.parametrize(("mu", "rtol"), [(50.0, 1e-4), (50.0, 1e-8), (1000.0, 1e-6)])
def test_the_estimate_goes_through_jumps(mu, rtol):
    """The error grows a millionfold towards each jump, and what is left of it after one counts at the next.

    Of several members, for rounding may choose windows whose errors cancel, or pass the estimate a little.
    """
    windows = stlfast.Windows(families.vdp())
    ratios = []
    for member in mu * np.linspace(0.95, 1.0, 7):
        sol = windows.solve(mu=member, rtol=rtol, atol=1e-2 * rtol, fallback=False)
        sharp = windows.core.solve(
            np.array([member]), windows.family.y0, 0, 1, 1e-13, np.full(2, 1e-8), 1e-2, True, once=True
        )[0]
        edges = sol._found.edges
        x = np.union1d(edges, (edges[:-1, None] + np.diff(edges)[:, None] * np.linspace(0.05, 0.95, 19)).ravel())
        error = np.abs(windows.core.evaluate(sol._found, x) - windows.core.evaluate(sharp, x)).max(axis=1)
        assert sol.success
        ratios.append(sol.error_estimate / error)
    assert np.min(ratios) >= 0.5
    assert 1 <= np.median(ratios) <= (12 if mu == 1000.0 else 6)  # rounding grows as errors do


def line(n):
    """u_i' = k (n + 1)² (u_{i−1} − 2 u_i + u_{i+1}), 0 at both ends; sines are its eigenvectors."""
    u, k = sp.symbols(f"u1:{n + 1}"), sp.Symbol("k")
    at = [sp.Integer(0), *u, sp.Integer(0)]
    places = np.arange(1, n + 1) / (n + 1)
    return stlfast.Family(
        name="line", t=sp.Symbol("t"), y=u, t_span=(0.0, 1.0), params={k: stlfast.Range(solve=(0.01, 1.0), train=None)},
        rhs=[k * (n + 1) ** 2 * (at[i - 1] - 2 * at[i] + at[i + 1]) for i in range(1, n + 1)],
        y0=np.sin(np.pi * places) + 0.5 * np.sin(3 * np.pi * places),
    )  # fmt: skip


def test_many_states_in_a_band():
    n, k = 60, 0.3
    sol = stlfast.Windows(line(n)).solve(k=k, rtol=1e-8, atol=1e-10, fallback=False)
    places = np.arange(1, n + 1) / (n + 1)
    rates = [4 * k * (n + 1) ** 2 * np.sin(m * np.pi / 2 / (n + 1)) ** 2 for m in (1, 3)]
    waves = [share * np.sin(m * np.pi * places)[:, None] for m, share in ((1, 1.0), (3, 0.5))]
    truth = sum(wave * np.exp(-rate * sol.t) for wave, rate in zip(waves, rates, strict=True))
    assert sol.success
    assert np.all(np.abs(sol.y - truth).max(axis=1) <= sol.error_estimate + 1e-13)


@pytest.mark.parametrize(("mu", "factor"), [(10.0, 1e-3), (20.0, 1e-3), (50.0, 1e-3), (300.0, 1.0)])
def test_tighter_tolerances_are_met_by_smaller_windows(mu, factor):
    windows = stlfast.Windows(families.vdp())
    loose, tight = (windows.solve(mu=mu, rtol=rtol, atol=1e-10) for rtol in (1e-2, 1e-7))
    assert loose.success
    assert tight.success
    assert tight.windows > loose.windows
    assert np.all(tight.error_estimate < factor * loose.error_estimate)


def test_a_layer_at_the_beginning_may_be_shorter_than_the_rounding_of_the_span():
    t, k, y = sp.symbols("t k y")
    family = stlfast.Family(
        name="long",
        t=t,
        y=[y],
        rhs=[k * (1 - y**3)],
        t_span=(0.0, 1e13),
        params={k: stlfast.Range(1e6, 1e10)},
        y0=[0.0],
    )
    sol = stlfast.Windows(family).solve(t=np.array([1e-9, 1e13]), k=1e8, fallback=False)
    assert sol.success
    np.testing.assert_allclose(sol.y[0], [0.0999750107, 1.0], rtol=0, atol=1e-7)  # y + y⁴/4 + … = k t


def test_without_an_estimate_the_status_says_so():
    bare = stlfast.Windows(families.vdp()).solve(mu=300.0, certify=False)
    assert (bare.status, bare.success, bare.error_estimate) == (1, True, None)


# ------------------------------------------------------------------------------------------------ Python functions
@pytest.mark.parametrize("width", [np.inf, 0.5, 0.1])
def test_steps_and_pulses_at_rest(width):
    """y' = −y + [s < t < s + width] from 0, wherever s is in the ten units of time."""

    def exact(t, s):
        return np.where(t < s, 0, np.exp(np.minimum(s + width - t, 0)) - np.exp(np.minimum(s - t, 0)))

    family = logistic(
        rhs=lambda t, y, k: -y + ((k < t) & (t < k + width)), y0=[0.0], t_span=(0.0, 10.0),
        params={"k": stlfast.Range(train=(1.0, 2.0), solve=(1e-3, 10.0))},
    )  # fmt: skip
    windows, rng = stlfast.Windows(family), np.random.default_rng(5)
    for s in rng.uniform(0.001, 9.9, 60):
        sol = windows.solve(k=s, fallback=False)
        assert not sol.success or np.abs(sol.y[0] - exact(sol.t, s)).max() < 1e-5


@pytest.mark.parametrize("jac", [None, lambda t, y, k: (k * (1 - 2 * y))[None]])
def test_a_python_function(jac):
    calls = []

    def rhs(t, y, k):
        calls.append(len(t))
        return k * y * (1 - y)

    sol = stlfast.Windows(logistic(rhs=rhs, jac=jac)).solve(k=50.0)
    assert sol.success
    np.testing.assert_allclose(sol.y[0], 1 / (1 + 9 * np.exp(-50 * sol.t)), atol=1e-7)
    assert len(calls) < 500
    assert max(calls) >= 8  # all points of a window at once


def test_an_error_in_a_python_function_is_raised():
    broken = logistic()
    windows = stlfast.Windows(broken)

    def rhs(t, y, k):
        raise ZeroDivisionError("mine")

    object.__setattr__(broken.N, "function", rhs)
    with pytest.raises(ZeroDivisionError, match="mine"):
        windows.solve(k=2.0)


# ---------------------------------------------------------------------------------------------- fallback and failure
def exploding():
    t, k, y = sp.symbols("t k y")
    return stlfast.Family(
        name="exploding", t=t, y=[y], rhs=[k * y**2], t_span=(0.0, 2.0), stiffness=k,
        params={k: stlfast.Range(train=(1.0, 1.0), solve=(0.1, 1.0))}, y0=[1.0],
    )  # fmt: skip


def test_a_solution_that_ends_is_no_success():
    windows = stlfast.Windows(exploding())  # y = 1/(1 − k t)
    sol = windows.solve(k=1.0, fallback=False)
    assert not sol.success
    assert sol.status == -1
    assert "may not exist beyond" in sol.message
    assert np.isnan(sol.y[0, sol.t > 1.01]).all()
    early = sol.t < 0.9
    np.testing.assert_allclose(sol.y[0, early], 1 / (1 - sol.t[early]), rtol=1e-5)
    with pytest.raises(ValueError, match="was not reached"):
        sol(1.5)
    assert not windows.solve(k=1.0).success  # SciPy does not get further
    assert windows.solve(k=0.1).success


@pytest.mark.parametrize(
    ("name", "y0", "options"),
    [
        ("robertson", [1.0, -1e30, 0.0], {"k1": 0.04, "k2": 3e7, "k3": 1e4, "extrapolate": True}),
        ("vdp", [2.0, 1e200], {"mu": 5.0, "fallback": False}),
    ],
)
def test_no_window_at_all_is_no_success(name, y0, options):
    model = stlfast.load(name)
    sol = model.solve(y0, **options)
    assert not sol.success
    assert "No window could be solved at t = 0: the solution may not exist beyond it; y is nan beyond." in sol.message
    assert sol.error_estimate is None
    for each in (sol, pickle.loads(pickle.dumps(sol))):
        np.testing.assert_array_equal(each.y[:, 0], y0)
        assert np.isnan(each.y[:, 1:]).all()
        np.testing.assert_array_equal(each(each.t[0]), y0)
        with pytest.raises(ValueError, match="was not reached"):
            each(each.t[1])
    assert "no estimate" in repr(sol)
    late = model.solve(y0, t=sol.t[-1:], **options)  # none of whose times is the first
    assert np.isnan(late.y).all()


def test_a_solution_that_ends_at_once_is_followed_to_its_end():
    sol = stlfast.load("robertson").solve([1.0, -1e9, 0.0], k1=0.04, k2=3e7, k3=1e4, extrapolate=True)
    assert not sol.success
    assert "No window could be solved at t = 3.33" in sol.message  # 1/(3e7 · 1e9)
    assert "e-17" in sol.message
    assert np.isnan(sol.y[:, 1:]).all()


def test_ten_thousand_periods():
    """Where the estimate misses after so many windows, SciPy, which would take hours, is not asked."""
    a, b = sp.symbols("a b")
    pendulum = stlfast.Family("pendulum", sp.Symbol("t"), [a, b], [b, -sp.sin(a)], (0, 6e4), None, {}, [1.0, 0.0])
    windows = stlfast.Windows(pendulum)
    sol = windows.solve(rtol=1e-5, atol=1e-7)
    assert sol.success
    energy = 0.5 * sol.y[1] ** 2 - np.cos(sol.y[0])
    assert np.abs(energy + np.cos(1.0)).max() < 2e-5
    sol = windows.solve(rtol=1e-9, atol=1e-11)
    assert not sol.success
    assert sol.method == "windows"
    assert sol.message.endswith(
        "raise rtol or atol. Shorten t_span: for as many steps SciPy's Radau would take minutes to hours."
    )


def test_handing_over_says_so():
    windows = stlfast.Windows(families.vdp())
    sharp = {"mu": 1000.0, "rtol": 1e-8, "atol": 1e-8}  # beyond what rounding, amplified by the jumps, allows
    alone = windows.solve(**sharp, fallback=False)
    assert not alone.success
    assert "misses the tolerance" in alone.message
    sol = windows.solve(**sharp)
    assert sol.method == "radau"
    assert sol.success == (sol.status == 0)
    assert ("meets" in sol.message) == sol.success
    assert sol.windows == 0
    truth = windows.solve(mu=1000.0, rtol=1e-9, atol=1e-9, t=np.linspace(0, 700, 50), fallback=False)
    assert np.all(np.abs(sol(truth.t) - truth.y).max(axis=1) <= 10 * sol.error_estimate)
    assert sol(500.0).shape == (2,)


# ------------------------------------------------------------------------------------------------ 0/0 at the start
K, U = sp.symbols("k u")


def singular(slope, **changed):
    """u' = k slope(u) from 0, where slope is 0/0."""
    options = {"t_span": (0.0, 1.0), "params": {K: stlfast.Range(0.1, 1e4)}, "y0": [0.0]}
    return stlfast.Family("singular", sp.Symbol("t"), [U], [K * slope], **options | changed)


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e6])  # what u is measured in
@pytest.mark.parametrize("k", [0.1, 1.0, 30.0])
def test_a_removable_singularity_at_the_start(unit, k):
    """u' = −k u/(1 − e^{−u}): k t = Ei(−u) − log(−u) − γ."""
    windows = stlfast.Windows(singular(-U / (1 - sp.exp(-U / unit))))
    sol = windows.solve(k=k, atol=1e-8 * unit)
    assert sol.success
    w = -sol.y[0, 1:] / unit
    time_error = np.abs(special.expi(w) - np.log(w) - np.euler_gamma - k * sol.t[1:])
    error = unit * time_error * w / np.expm1(w)  # times the slope
    assert np.all(error <= sol.error_estimate[0] + 1e-13 * unit)
    many = windows.solve_many(k=np.array([k, 2 * k]), observe=sol.t, atol=1e-8 * unit)
    np.testing.assert_array_equal(many[0].y, sol.y)


@pytest.mark.filterwarnings("ignore:compiled windows hold")
def test_a_removable_singularity_is_compiled_to_what_solves_it():
    singular_one = singular(-U / (1 - sp.exp(-U)))
    with pytest.raises(ValueError, match="0/0 at its initial values: a body, basis or reduced basis is of the whole"):
        stlfast.compile(singular_one, reduced=True)
    sol = stlfast.compile(singular_one).solve(k=1.0)
    w = -sol.y[0, 1:]
    assert sol.success
    assert np.abs(special.expi(w) - np.log(w) - np.euler_gamma - sol.t[1:]).max() < 1e-5


@pytest.mark.parametrize("slope", [1 / U, sp.log(U), sp.Abs(U) / U, U**-3])
def test_what_has_no_limit_at_the_start_is_refused(slope):
    with pytest.raises(ValueError, match=r"not finite at \{'k': 0.1\} for the initial values \[0.0\]"):
        singular(slope)


def test_a_limit_that_the_directions_disagree_on_is_none():
    """a' = a/b from (0, 0), with b' = 1: any a = c t solves it."""
    a, b = sp.symbols("a b")
    family = stlfast.Family("ratio", sp.Symbol("t"), [a, b], [a / b, 1], (0, 1), None, {}, [0.0, 0.0])
    sol = stlfast.Windows(family).solve(fallback=False)
    assert not sol.success
    assert "at t = 0: the solution may not exist beyond it, where the right-hand side of a is not finite" in sol.message


# ------------------------------------------------------------------------------------------------------ through zero
def falling(slope, **changed):
    """u' = k slope(u) from 1 on [0, 10]."""
    options = {"t_span": (0.0, 10.0), "params": {K: stlfast.Range(0.1, 100.0)}, "y0": [1.0]}
    return stlfast.Family("falling", sp.Symbol("t"), [U], [K * slope], **options | changed)


@pytest.mark.parametrize("exponent", [1, 3, 4, 6])
@pytest.mark.parametrize("rtol", [1e-1, 1e-2, 1e-3])
def test_elimination_ends_at_zero(exponent, rtol):
    """u' = −k u^m/(K^m + u^m): at loose tolerances u may get below 0, where for an even m it falls for ever."""
    small = sp.Float(1e-3) ** exponent
    windows = stlfast.Windows(falling(-(U**exponent) / (small + U**exponent)))
    for k in np.linspace(0.5, 50, 25):
        for sol in (windows.solve(k=k, rtol=rtol, atol=1e-2 * rtol), windows.solve(k=k, rtol=rtol, certify=False)):
            assert sol.success
            assert np.abs(sol.y[0] - np.maximum(1 - k * sol.t, 0)).max() < 5e-2 + rtol
        many = windows.solve_many(k=np.array([k]), rtol=rtol, atol=1e-2 * rtol)
        assert many.success.all()
        assert many.y.min() > -0.1


def test_what_may_get_below_zero_does():
    doses = [(5.0, [-3.0])]
    sol = stlfast.Windows(falling(-U, doses=doses)).solve(k=1.0)  # pushed there by a dose
    assert sol.success
    assert sol.y.min() < -2.9
    sol = stlfast.Windows(falling(-1)).solve(k=1.0)  # with a slope that leads there
    assert sol.success
    assert sol.final[0] == pytest.approx(-9, abs=1e-5)


# ---------------------------------------------------------------------------------------------------------- stepper
def test_steps_follow_the_solution():
    windows = stlfast.Windows(families.vdp())
    stepper = windows.stepper(mu=50.0)
    truth = windows.solve(mu=50.0, rtol=1e-9)
    y, t = np.array([2.0, 0.0]), 0.0
    for _ in range(60):
        y, t = stepper.step(y, 1.0), t + 1.0
        assert stepper.t == pytest.approx(t)
    np.testing.assert_allclose(y, truth(60.0), atol=1e-4)


def test_steps_with_changing_parameters_and_beyond_the_span():
    stepper = stlfast.Windows(logistic()).stepper(k=2.0)
    y = stepper.step([0.1], 1.0)
    np.testing.assert_allclose(y, 1 / (1 + 9 * np.exp(-2.0)), atol=1e-7)
    y = stepper.step(y, 0.5, k=10.0)
    np.testing.assert_allclose(y, 1 / (1 + 9 * np.exp(-2.0 - 5.0)), atol=1e-7)
    assert stepper.params == {"k": 10.0}
    assert stepper.t == 1.5


def test_a_failed_step_changes_nothing():
    stepper = stlfast.Windows(exploding()).stepper(k=1.0)
    with pytest.raises(RuntimeError, match="may not exist"):
        stepper.step([1.0], 2.0)
    assert stepper.t == 0.0
    for dt in (0.0, -1.0, np.nan, "1"):
        with pytest.raises(ValueError, match="dt must be a positive number"):
            stepper.step([1.0], dt)


# ------------------------------------------------------------------------------------------------------- bad input
def test_bad_input():
    windows = stlfast.Windows(families.duffing())
    good = {"alpha": 50.0, "beta": 0.5}
    for error, message, arguments in [
        (KeyError, "missing parameter beta", {"alpha": 50.0}),
        (ValueError, "alpha = 1.0 is outside", {**good, "alpha": 1.0}),
        (ValueError, r"y1 = 4 is outside \[0, 3\].*extrapolate=True", {**good, "y0": [4.0, 0.0]}),
        (ValueError, r"shape \(2,\), got \(3,\)", {**good, "y0": [1.0, 2.0, 3.0]}),
        (ValueError, "y0 must be finite", {**good, "y0": [np.nan, 0.0]}),
        (ValueError, "outside t_span", {**good, "t": [11.0]}),
        (ValueError, "rtol must be a finite number", {**good, "rtol": -1.0}),
        (ValueError, "cannot both be 0", {**good, "rtol": 0.0, "atol": 0.0}),
    ]:
        with pytest.raises(error, match=message):
            windows.solve(**arguments)
    assert windows.solve([4.0, 0.0], extrapolate=True, **good).success
    with pytest.raises(ValueError, match=r"takes a stlfast\.Family, got str"):
        stlfast.Windows("duffing")


def test_the_same_answer_wherever_its_memory_begins():
    """Addresses are multiples of 16 bytes, vectors 32 bytes long: a small product may be rounded one way or another."""
    windows, t = stlfast.Windows(families.dho()), np.linspace(0, 1, 33)
    kept = [(windows.solve(t=t, alpha=2.0).y, np.empty(k)) for k in range(64)]  # 2 k addresses, none given back
    assert len({y.tobytes() for y, _ in kept}) == 1


def test_a_pickled_solution_of_another_version_is_refused():
    found = stlfast.Windows(logistic()).solve(k=2.0)._found
    cls, state = found.__reduce_ex__(2)[1:3]
    broken = (*state[:2], state[2][:-1], *state[3:])
    with pytest.raises(ValueError, match="another version of stlfast"):
        cls[0].__new__(cls[0]).__setstate__(broken)


def test_pickles_and_threads():
    windows = stlfast.Windows(families.duffing())
    expected = windows.solve(alpha=50.0, beta=0.5)
    again = pickle.loads(pickle.dumps(windows)).solve(alpha=50.0, beta=0.5)
    np.testing.assert_array_equal(again.y, expected.y)
    thawed = pickle.loads(pickle.dumps(expected))
    np.testing.assert_array_equal(thawed(expected.t), expected(expected.t))
    found = [None] * 4

    def work(k):
        found[k] = windows.solve(alpha=50.0, beta=0.5).y

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for y in found:
        np.testing.assert_array_equal(y, expected.y)


# ------------------------------------------------------------------------- what grows must not be damped (A-stability)
def growing(states, rhs, span, y0):
    return stlfast.Family(
        name="growing", t=T, y=states, rhs=rhs, t_span=span, stiffness=P,
        params={P: stlfast.Range(train=(1.0, 100.0), solve=(1.0, 100.0))}, y0=y0,
    )  # fmt: skip


T, P, U, V = sp.symbols("t p u v")
GROWING = {
    "Lotka and Volterra": (([U, V], [P * U - U * V, U * V - V], (0.0, 100.0), [30.0, 1.0]), 1.0),
    "a delayed pitchfork": (([U], [P * (T * U - U**3) + 1e-12], (-1.0, 2.0), [0.5]), 100.0),
    "the logistic equation from almost nothing": (([U], [P * U * (1 - U)], (0.0, 50.0), [1e-20]), 1.0),
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_unstable_phases_are_followed(name, rtol):
    arguments, p = GROWING[name]
    family = growing(*arguments)
    sol = stlfast.Windows(family).solve(p=p, rtol=rtol, atol=1e-2 * rtol, fallback=False)
    if name.startswith("the logistic"):
        truth = 1 / (1 + 1e20 * np.exp(-sol.t))[None]
    else:
        truth = family.reference(t=sol.t, method="DOP853", rtol=1e-12, atol=1e-60, p=p).y
    error = np.abs(sol.y - truth).max(axis=1)
    assert not sol.success or np.all(error <= 10 * (1e-2 * rtol + rtol * np.abs(truth).max(axis=1)))
    assert sol.success


def test_a_square_root_at_the_edge_of_its_domain_is_no_success():
    windows = stlfast.Windows(growing([U], [-P * sp.sqrt(U)], (0.0, 3.0), [1.0]))  # (1 − t/2)² until t = 2
    for fallback in (False, True):
        sol = windows.solve(p=1.0, fallback=fallback)
        assert not sol.success
        assert "t = 2" in sol.message
        np.testing.assert_allclose(sol.y[0, sol.t < 1.9], (1 - sol.t[sol.t < 1.9] / 2) ** 2, atol=1e-7)


@pytest.mark.parametrize("first", [True, False])
def test_one_state_of_several_that_ends_is_no_success(first):
    """(1 − t/2)² until t = 2, beside a state that knows nothing of it and goes on."""
    ends, goes_on = -P * sp.sqrt(U), -V
    states, rhs = ([U, V], [ends, goes_on]) if first else ([V, U], [goes_on, ends])
    sol = stlfast.Windows(growing(states, rhs, (0.0, 3.0), [1.0, 1.0])).solve(p=1.0, fallback=False)
    assert not sol.success
    assert "t = 2" in sol.message
    assert np.isfinite(sol.y[:, sol.t < 1.9]).all()


def test_a_step_less_than_rounding_is_refused():
    with pytest.raises(ValueError, match="less than the rounding of t"):
        stlfast.Windows(logistic()).stepper(k=1.0, t=1e9).step([0.3], 1e-9)


def test_a_forcing_held_during_each_step():
    """y' = −k y + u with u changed at t = 0.5: exact on both pieces."""
    family = logistic(rhs=lambda t, y, k: -k * y, y0=[1.0])
    stepper = stlfast.Windows(family).stepper(k=3.0)
    half = stepper.step([1.0], 0.5, forcing=[6.0])
    end = stepper.step(half, 0.5, [-3.0])
    np.testing.assert_allclose(half, 2.0 - np.exp(-1.5), rtol=1e-6)
    np.testing.assert_allclose(end, -1.0 + (half + 1.0) * np.exp(-1.5), rtol=1e-6)
    free = stepper.step(end, 0.5)
    np.testing.assert_allclose(free, end * np.exp(-1.5), rtol=1e-6)
    with pytest.raises(ValueError, match="forcing must have shape"):
        stepper.step(free, 0.5, forcing=[1.0, 2.0])


def test_linear_models_have_a_stepper():
    model = stlfast.load("dho")
    y = model.stepper(alpha=75.0).step(model.family.y0, 10.0, forcing=[0.0, 1.0])
    truth = exact(model.family, np.array([0.0, 10.0]), forcing=lambda t: np.stack([0 * t, 0 * t + 1]), alpha=75.0)
    np.testing.assert_allclose(y, truth[:, -1], rtol=1e-5)
