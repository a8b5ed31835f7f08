"""Compiled models of families that break: steps, doses, infusions, initial values that depend on parameters."""

import pickle

import numpy as np
import pytest
import sympy as sp

import stlfast
from stlfast.reduced.cells import Chains

t, x, y, k, w, at = sp.symbols("t x y k w at")
RATES, WEIGHTS = stlfast.Range(1.0, 100.0), stlfast.Range(0.2, 0.9)


def made(rhs, states=(x, y), t_span=(0.0, 6.0), y0=(1.0, 0.0), **options):
    params = {k: RATES, w: WEIGHTS} | options.pop("params", {})
    return stlfast.Family(name="breaks", t=t, y=states, rhs=rhs, t_span=t_span, params=params, y0=y0, **options)


def eliminated(bound):
    """Absorbed, then eliminated: linear, or up to a largest rate."""
    return [-k * x, k * x - w * y / (1 + bound * y)]


TIMES = {at: stlfast.Range(1.0, 5.0)}
FAMILIES = {
    "doses": lambda: made(eliminated(1), params=TIMES, doses=[(2, {x: w}), (at, {x: 1, y: w})]),
    "linear doses": lambda: made(eliminated(0), params=TIMES, doses=[(2, {x: w}), (at, {x: 1})]),
    "step": lambda: made([k * (y - x) + sp.Heaviside(t - at), -w * y + x**2 / (1 + x**2)], params=TIMES),
    "linear step": lambda: made([k * (y - x) + sp.Heaviside(t - at), x - 2 * y], params=TIMES),
    "infusion": lambda: made(eliminated(1), params=TIMES, infusions=[(at / 2, at, {x: 10 * w})]),
    "wave": lambda: made([k * (y - x) + sp.Heaviside(sp.sin(4 * w * t)), x - 2 * y - y**3]),
    "start": lambda: made(eliminated(1), y0=(w, 1 - w)),
    "linear start": lambda: made(eliminated(0), y0=(w, 1 - w)),
    "span": lambda: made(eliminated(1), t_span=(0.0, 5 / w), doses=[(1 / w, {x: 1})]),
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    return stlfast.compile(FAMILIES[request.param](), budget=30)


def members(family, count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield {name: float(rng.uniform(*interval.solve)) for name, interval in family.params.items()}


def test_random_members_are_right_and_the_estimate_knows(model):
    windows, compiled = stlfast.Windows(model.family), 0
    for params in members(model.family, 60):
        sol, sharp = model.solve(**params), windows.solve(rtol=1e-11, atol=1e-13, **params)
        assert sol.success
        assert sharp.success
        compiled += sol.method == "compiled"
        error = np.abs(sol.y - sharp.y).max(axis=1)
        allowed = 1e-8 + 1e-6 * np.abs(sharp.y).max(axis=1)
        assert (error <= allowed).all()
        told = error > 0.01 * allowed
        assert (sol.error_estimate[told] >= error[told] / 3).all()
    assert compiled >= 57
    assert model.compiled.chains.share >= 0.97


def test_windows_end_where_it_breaks(model):
    """And the solution is there what it is after the jump, as the direct solver has it."""
    params = next(members(model.family, 1))
    sol, own = model.solve(**params), stlfast.Windows(model.family).solve(**params)
    stops, _ = model.windows.stops_at(model.family.check_params(params))
    for stop in () if stops is None else stops:
        assert np.abs(sol._found.edges - stop).min() < 1e-12
        span = model.family.t_span_at(**params)
        there = np.array([span[0] + stop * (span[1] - span[0])])
        np.testing.assert_allclose(sol(there), own(there), rtol=1e-5, atol=1e-6)


def test_a_file_a_pickle_and_a_sweep_are_the_same(model, tmp_path):
    model.save(tmp_path / "model.safetensors")
    params = list(members(model.family, 4))
    expected = [model.solve(**each) for each in params]
    for other in (stlfast.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):
        for each, sol in zip(params, expected, strict=True):
            np.testing.assert_array_equal(other.solve(**each).y, sol.y)
    many = model.solve_many(**{name: np.array([each[name] for each in params]) for name in params[0]})
    assert many.success.all()
    for k_, sol in enumerate(expected):
        assert many.method[k_] == sol.method
        np.testing.assert_array_equal(many.y[k_], sol.y)


def test_nothing_of_the_whole_time_span_answers(model):
    params = next(members(model.family, 1))
    message = "is of the whole time span and knows nothing of that; leave it out"
    for options in ({"method": "reduced"}, {"reduced": False}):
        with pytest.raises(ValueError, match=message):
            model.solve(**options, **params)
    if not model.family.nonlinear:
        with pytest.raises(ValueError, match=message):
            model.certify(np.zeros((16, 2)), **params)


def test_events_and_forcing_are_those_of_windows(model):
    params = next(members(model.family, 1))

    def low(time, state):
        return state[0] - 0.3

    low.terminal = True
    windows = stlfast.Windows(model.family)
    sol, own = model.solve(events=low, **params), windows.solve(events=low, **params)
    np.testing.assert_allclose(sol.t_events[0], own.t_events[0], rtol=1e-5)
    assert sol.t[-1] <= own.t_events[0][0] + 1e-4 if len(own.t_events[0]) else sol.t[-1] == own.t[-1]
    added = stlfast.Samples([0.0, 1.0, 30.0], [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]])
    sol, own = model.solve(forcing=added, **params), windows.solve(forcing=added, **params)
    np.testing.assert_array_equal(sol.y, own.y)
    with pytest.raises(ValueError, match="has no compiled windows for this member"):  # which know nothing of a forcing
        model.solve(method="compiled", forcing=added, **params)


def test_a_fixed_member_is_the_member(model):
    params = next(members(model.family, 1))
    times = np.linspace(*model.family.t_span_at(**params), 50)
    fixed = model.at(t=times, **params)
    windows = stlfast.Windows(model.family)
    for start in (None, [0.4, 0.1], [3.0, 2.0]):
        sol = fixed.solve(start)
        sharp = windows.solve(start, t=times, rtol=1e-11, atol=1e-13, **params)
        assert sol.success
        error = np.abs(sol.y - sharp.y).max(axis=1)
        assert (error <= 1e-8 + 1e-6 * np.abs(sharp.y).max(axis=1)).all()
        np.testing.assert_allclose(sol(times), sol.y, rtol=1e-9, atol=1e-12)
        again = pickle.loads(pickle.dumps(fixed)).solve(start)
        np.testing.assert_array_equal(again.y, sol.y)


def test_other_initial_values_of_a_family_whose_own_depend_on_parameters():
    model = stlfast.compile(FAMILIES["start"]())
    sol = model.solve([0.1, 0.2], k=3.0, w=0.5)
    assert sol.method == "windows"
    np.testing.assert_array_equal(sol.y, stlfast.Windows(model.family).solve([0.1, 0.2], k=3.0, w=0.5).y)
    many = model.solve_many(np.array([[0.1, 0.2]]), k=3.0, w=0.5)
    np.testing.assert_array_equal(many.y[0], sol.y)


def test_steps_of_states_are_left_to_the_direct_solver():
    family = made([y, -x - sp.sign(y - w) / 2])
    model = stlfast.compile(family)
    assert "no compiled windows" in repr(model)
    sol = model.solve(k=2.0, w=0.5)
    assert sol.method == "windows"
    np.testing.assert_array_equal(sol.y, stlfast.Windows(family).solve(k=2.0, w=0.5).y)


def test_a_python_function_with_breaks():
    family = stlfast.Family(
        name="called", t=None, y=["x"], rhs=lambda t, y, k: -k * (y - (t > 2)), t_span=(0, 5), params={"k": RATES},
        y0=[1.0], breaks=[2.0],
    )  # fmt: skip
    sol = stlfast.compile(family).solve(k=3.0)
    exact = np.exp(-3 * sol.t) + np.where(sol.t > 2, 1 - np.exp(-3 * (sol.t - 2)), 0.0)
    assert sol.success
    assert np.abs(sol.y[0] - exact).max() < 1e-5


@pytest.mark.filterwarnings("ignore:compiled windows hold")
def test_a_pulse_too_fast_for_a_bound_is_compiled_on_windows():
    pulse = 1e3 * sp.exp(-((1e3 * (t - 2)) ** 2))
    family = made([k * (y - x) + pulse, -w * y], t_span=(0.0, 5.0))
    with pytest.raises(ValueError, match="changes too fast"):
        stlfast.compile(family, reduced=True)
    model = stlfast.compile(family, budget=3)
    sol = model.solve(k=10.0, w=0.5)
    sharp = stlfast.Windows(family).solve(k=10.0, w=0.5, rtol=1e-10, atol=1e-12)
    assert sol.success
    assert np.abs(sol.y - sharp.y).max() < 1e-6 * 2
    with pytest.raises(ValueError, match="a forcing that changes too fast: method='full' is of the whole time span"):
        model.solve(k=10.0, w=0.5, method="full")


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([], "must be numbers of windows for each cell"),
        ([[0, 1]], "must be numbers of windows for each cell"),
        ([[True, 1]], "must be numbers of windows for each cell"),
        ("both", "must be numbers of windows for each cell"),
        ([[500, 1]], "each segment must have a window"),
        ([[1, 1]], "the segments must have all windows"),
    ],
)
def test_damaged_segments_are_refused(segments, message):
    family = made([-k * x, k * x - w * y], doses=[(2, {x: 1})])
    tensors, options = stlfast.compile(family).compiled.chains.to_parts()
    assert len(options["segments"][0]) == 2
    with pytest.raises(ValueError, match=message):
        Chains.from_parts(family, options | {"segments": segments}, tensors).core(family)
