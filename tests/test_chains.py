"""Compiled windows: what a slow reference says of them, files, budgets, boxes that can't be compiled."""

import itertools
import pickle
import time
import warnings

import numpy as np
import pytest
import sympy as sp

import stlfast
from stlfast import _core
from stlfast.reduced import chains

t, k, w, a, b, x, y, z = sp.symbols("t k w a b x y z")


def enzyme(**options):
    rhs = [-k * x * y + w * z, -k * x * y + (w + 1) * z, k * x * y - (w + 1) * z]
    given = {"params": {k: stlfast.Range(1.0, 100.0), w: stlfast.Range(0.1, 1.0)}, "t_span": (0.0, 10.0)} | options
    return stlfast.Family(name="enzyme", t=t, y=[x, y, z], rhs=rhs, y0=[1.0, 0.5, 0.0], **given)


def lag(**options):
    rhs = [y, -x - w * y - k * z, x - k * z]
    given = {"params": {k: stlfast.Range(1.0, 1e4), w: stlfast.Range(0.1, 1.0)}, "t_span": (0.0, 20.0)} | options
    return stlfast.Family(name="lag", t=t, y=[x, y, z], rhs=rhs, y0=[1.0, 0.0, 0.0], **given)


def varying(**options):
    given = {"params": {k: stlfast.Range(1.0, 1e5)}, "t_span": (0.0, 10.0)} | options
    return stlfast.Family(
        name="varying", t=t, y=[x], rhs=[-k * (1 + sp.sin(3 * t) / 2) * (x - sp.cos(t))], y0=[2.0], **given
    )


def decays(n, nonlinear):
    """A chain of decays, of which the first also ends by itself: quadratic, or linear with a rate that varies."""
    states = sp.symbols(f"s0:{n}")
    first = -k * states[0] - (w * states[0] ** 2 if nonlinear else w * (1 + sp.sin(t) / 2) * states[0])
    rates = [k * 3.0 ** (-i) for i in range(n)]
    rhs = [first, *(rates[i - 1] * states[i - 1] - rates[i] * states[i] for i in range(1, n))]
    params = {k: stlfast.Range(1.0, 50.0), w: stlfast.Range(0.1, 1.0)}
    y0 = [1.0, *(0.5 for _ in range(n - 1))]
    return stlfast.Family(name=f"decays_{n}", t=t, y=states, rhs=rhs, params=params, t_span=(0.0, 5.0), y0=y0)


def members(family, count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield {
            name: float(low * (high / low) ** rng.uniform())
            for name, (low, high) in ((name, interval.solve) for name, interval in family.params.items())
        }


@pytest.fixture(scope="module", params=[enzyme, lag, varying])
def found(request):
    family = request.param()
    return family, chains.compile_chains(family, 1e-6, 20.0, lambda share: None)


def on_chains(family, compiled, params, tolerance=1e-6, estimate=True):
    core = stlfast.Windows(family).core
    floor = np.full(family.n, 1e-2)
    p = family.check_params(params)
    return core, *core.compiled(p, family.start_at(p), tolerance, floor, estimate, compiled.core(family))


def test_the_points_of_every_window_satisfy_the_equations(found):
    """A slow reference: D y = H f(y) at the Radau points of each window, and windows that continue each other."""
    family, compiled = found
    nodes = _core.radau_points(7)
    values = np.polynomial.polynomial.polyvander(nodes, 7)
    powers = np.arange(1, 8)
    slopes = np.column_stack([np.zeros(8), powers * nodes[:, None] ** (powers - 1)])
    D = slopes @ np.linalg.inv(values)
    for params in members(family, 5):
        core, solution, _, held = on_chains(family, compiled, params)
        assert held
        edges, rhs = solution.edges, family.rhs(**params)
        t0, t1 = family.t_span_at(**params)
        before = family.y0
        for begin, end in itertools.pairwise(edges):
            at = begin + (end - begin) * nodes
            at[-1] = end
            y_ = core.evaluate(solution, at)
            f = np.stack([rhs(t0 + (t1 - t0) * c, v) for c, v in zip(at, y_.T, strict=True)], axis=1) * (t1 - t0)
            size = np.abs(D).max() * np.abs(y_).max()
            left = y_ @ D.T - (end - begin) * f
            stiff = 1 + (end - begin) * (t1 - t0) * max(params.values()) * 10
            assert np.abs(left[:, 1:]).max() <= 3e-6 * stiff * size
            assert np.abs(y_[:, 0] - before).max() <= 3e-6 * np.abs(y_).max()
            before = y_[:, -1]


def test_random_members_are_solved_to_the_tolerance_and_the_estimate_knows(found):
    family, compiled = found
    windows = stlfast.Windows(family)
    at = np.linspace(0.0, 1.0, 200)
    count = 0
    for params in members(family, 100, seed=1):
        core, solution, missed, held = on_chains(family, compiled, params)
        count += held
        if not held:
            continue
        assert missed <= 1
        t0, t1 = family.t_span_at(**params)
        sharp = windows.solve(t=t0 + (t1 - t0) * at, rtol=1e-11, atol=1e-13, **params)
        error = np.abs(core.evaluate(solution, at) - sharp.y).max(axis=1)
        allowed = 1e-8 + 1e-6 * np.abs(sharp.y).max(axis=1)
        assert (error <= allowed).all()
        told = error > 0.01 * allowed
        assert (solution.error[told] >= error[told] / 3).all()
    assert count >= 99
    assert compiled.share >= 0.99


@pytest.mark.parametrize("nonlinear", [False, True])
@pytest.mark.parametrize("n", range(1, 9))
def test_every_number_of_states_is_solved(n, nonlinear):
    """Each has code of its own, few states and many two kinds of systems."""
    family = decays(n, nonlinear)
    compiled = chains.compile_chains(family, 1e-6, 20.0, lambda share: None)
    for params in members(family, 5):
        core, solution, _, held = on_chains(family, compiled, params)
        assert held
        at = np.linspace(0.0, 1.0, 101)
        sharp = stlfast.Windows(family).solve(t=5.0 * at, rtol=1e-11, atol=1e-13, **params).y
        error = np.abs(core.evaluate(solution, at) - sharp).max(axis=1)
        assert (error <= 1e-8 + 1e-6 * np.abs(sharp).max(axis=1)).all()
        assert (solution.error >= error / 3).all()
        linear_in_one = not nonlinear and n <= 3
        assert solution.iterations == 1 if linear_in_one else solution.iterations >= 1


def test_more_states_are_left_to_bands_or_the_direct_solver():
    linear, nonlinear = decays(9, False), decays(9, True)
    assert not chains.chainable(linear)
    model = stlfast.compile(nonlinear)
    assert not model.compiled.bands
    assert model.compiled.chains is None
    sol = model.solve(k=20.0, w=0.5)
    assert sol.success
    assert sol.method == "windows"


@pytest.mark.parametrize("family", [varying(), enzyme()])
def test_other_initial_values_go_to_the_direct_solver_without_an_attempt(family):
    model = stlfast.compile(family)
    params = next(members(family, 1))
    own = model.solve(**params)
    assert own.method == "compiled"
    assert model.solve(family.y0, **params).method == "compiled"
    other = family.y0 * 1.5
    core, p = stlfast.Windows(family).core, family.check_params(params)
    tried = core.compiled(p, other, 1e-6, np.full(family.n, 1e-2), True, model.compiled.chains.core(family))
    assert tried[2] is False
    assert tried[0].iterations == 0
    sol = model.solve(other, extrapolate=True, **params) if family.nonlinear else model.solve(other, **params)
    assert sol.success
    assert sol.method == "windows"


def test_states_that_are_declared_positive_are_compiled():
    family = stlfast.Family(
        name="saturated", t=t, y=[x], rhs=[-k * x / (0.01 + x)], params={k: stlfast.Range(1.0, 3.0)}, t_span=(0.0, 3.0),
        y0=[1.0], positive=[x],
    )  # fmt: skip
    model = stlfast.compile(family)
    found = [model.solve(**params) for params in members(family, 30)]
    assert all(sol.success for sol in found)
    assert sum(sol.method == "compiled" for sol in found) >= 25
    assert min(sol.y.min() for sol in found) >= -3e-8
    many = model.solve_many(k=np.linspace(1.0, 3.0, 30))
    assert many.success.all()
    assert (many.method == "compiled").sum() >= 25


def test_plain_calls_are_what_careful_ones_are():
    """Arrays and floats take the short way, lists and integers the long one: the same bits, and the same errors."""
    family = enzyme(y0_range=[(0.5, 2.0), (0.2, 1.0), (0.0, 0.0)])
    model = stlfast.compile(family)
    times = np.linspace(0.0, 10.0, 31)
    for solver in (model, model.windows):
        short = solver.solve(np.array([1.0, 0.5, 0.0]), t=times, rtol=1e-5, atol=1e-9, k=10.0, w=0.5)
        long = solver.solve([1, 0.5, 0], t=times.tolist(), rtol=1e-5, atol=[1e-9] * 3, k=10, w=0.5)
        assert np.array_equal(short.y, long.y)
        assert np.array_equal(short.t, long.t)
        assert np.array_equal(short.error_estimate, long.error_estimate)
        assert (short.method, short.message) == (long.method, long.message)
        assert not np.shares_memory(short.t, times)
        for wrong, told in (
            ({"t": np.array([0.0, 11.0])}, "outside t_span"), ({"t": np.array([np.nan])}, "finite"),
            ({"rtol": -1.0}, "rtol"), ({"atol": np.nan}, "atol"), ({"y0": np.array([9.0, 0.5, 0.0])}, "y0"),
            ({"y0": np.array([1.0, np.inf, 0.0])}, "y0"), ({"y0": np.ones(2)}, "y0"), ({"k": 1e9}, "k"),
            ({"t": np.zeros((2, 2))}, "one-dimensional"), ({"t": np.ma.masked_array([0.0], [True])}, "mask"),
        ):  # fmt: skip
            with pytest.raises(ValueError, match=told):
                solver.solve(**({"k": 10.0, "w": 0.5} | wrong))


def test_compile_answers_on_compiled_windows_and_files_hold_them(tmp_path):
    model = stlfast.compile(enzyme())
    params = {"k": 7.0, "w": 0.3}
    times = np.array([3.0, 0.0, 9.5])
    sol = model.solve(t=times, **params)
    assert sol.success
    assert sol.method == "compiled"
    assert sol.error_estimate is not None
    assert sol.error_bound is None
    assert sol.windows > 1
    np.testing.assert_allclose(sol.y, stlfast.Windows(model.family).solve(t=times, rtol=1e-10, **params).y, rtol=1e-6)
    assert "compiled windows in" in repr(model)
    assert model.passport["compile"]["share"] >= 0.99
    model.save(tmp_path / "enzyme.safetensors")
    again = stlfast.load(tmp_path / "enzyme.safetensors")
    for other in (again, pickle.loads(pickle.dumps(model))):
        assert (other.solve(t=times, **params).y == sol.y).all()
    assert (tmp_path / "enzyme.safetensors").stat().st_size < 2_000_000
    assert pickle.loads(pickle.dumps(sol)).y.tolist() == sol.y.tolist()


def test_one_method_alone():
    model = stlfast.compile(enzyme())
    assert model.solve(k=7.0, w=0.3, method="compiled").method == "compiled"
    assert model.solve(k=7.0, w=0.3, method="windows").method == "windows"
    with pytest.raises(ValueError, match="no compiled windows for this member and tolerance; use another method"):
        model.solve(k=7.0, w=0.3, method="compiled", rtol=1e-10)
    assert model.solve(k=7.0, w=0.3, rtol=1e-10).method == "windows"
    assert model.solve([1.0, 2.0, 3.0], k=7.0, w=0.3, extrapolate=True).success  # farther than any guess


def test_a_sweep_is_what_its_solves_are():
    model = stlfast.compile(enzyme())
    ks = np.geomspace(1.0, 100.0, 30)
    many = model.solve_many(k=ks, w=0.4)
    assert many.success.all()
    assert set(many.method) == {"compiled"}
    for row in (0, 13, 29):
        assert (many.y[row] == model.solve(k=float(ks[row]), w=0.4).y).all()
    assert (model.solve_many(k=ks, w=0.4, threads=1).y == many.y).all()


def test_linear_families_that_bands_do_not_hold_have_compiled_windows():
    """A rate that varies in time and a term that does not separate."""
    family = stlfast.Family(
        name="slow", t=t, y=[x], rhs=[-x * k / (1 + k * t)], t_span=(0.0, 10.0), y0=[1.0],
        params={k: stlfast.Range(0.1, 1000.0)},
    )  # fmt: skip
    model = stlfast.compile(family)
    for value in (0.1, 3.0, 1000.0):
        sol = model.solve(k=value)
        assert sol.method == "compiled"
        assert sol.success
        assert np.abs(sol.y[0] - 1 / (1 + value * sol.t)).max() <= sol.error_estimate[0] + 1e-12
        start = model.solve([5.0], k=value)
        assert start.success
        assert np.abs(start.y[0] - 5 / (1 + value * start.t)).max() <= 6e-6


def test_many_oscillations_are_compiled_at_once():
    """A damped oscillator over eighty periods, which a dictionary of the whole span takes hundreds of functions for."""
    family = stlfast.Family(
        name="ringing", t=t, y=[x, y], rhs=[y, -(w**2) * x - y / 50], t_span=(0.0, 100.0), y0=[1.0, 0.0],
        params={w: stlfast.Range(1.0, 5.0)},
    )  # fmt: skip
    model = stlfast.compile(family)
    for value in (1.0, 2.7, 5.0):
        sol = model.solve(w=value)
        turns = np.sqrt(value**2 - 1e-4) * sol.t
        true = np.exp(-sol.t / 100) * (np.cos(turns) + 0.01 / np.sqrt(value**2 - 1e-4) * np.sin(turns))
        assert sol.method == "compiled"
        assert np.abs(sol.y[0] - true).max() <= 1e-6 + 1e-8


def test_a_budget_of_nothing_gives_a_model_that_solves():
    with pytest.warns(UserWarning, match=r"hold 0\.0% of the members"):
        model = stlfast.compile(enzyme(), budget=0.0)
    assert model.solve(k=7.0, w=0.3).success


def test_bands_are_given_a_part_of_the_budget():
    def forced():
        return stlfast.Family(
            name="forced", t=t, y=[x], rhs=[-k * (x - sp.cos(t))], params={k: stlfast.Range(1.0, 500.0)},
            t_span=(0.0, 3.0), y0=[0.0],
        )  # fmt: skip

    assert stlfast.compile(forced()).compiled.bands
    with pytest.warns(UserWarning, match="hold 0.0%"):
        model = stlfast.compile(forced(), budget=0.0)
    assert not model.compiled.bands
    assert model.solve(k=100.0).success


def test_an_interruption_keeps_what_there_is(monkeypatch):
    cell = chains._Compiler.cell
    made = []

    def interrupted(self, low, high):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(cell(self, low, high))
        return made[-1]

    monkeypatch.setattr(chains._Compiler, "cell", interrupted)
    monkeypatch.setattr(chains, "SPENT", -1.0)
    compiled = chains.compile_chains(enzyme(), 1e-6, 20.0, lambda share: None)
    assert len(compiled.cells) == 2
    assert sum(each.volume for each in compiled.cells) == pytest.approx(1.0)


def test_where_members_blow_up_the_others_are_compiled():
    """x' = k x²: infinite at t = 1/k, which is within t_span for k > 1/2."""
    family = stlfast.Family(
        name="blow_up", t=t, y=[x], rhs=[k * x**2], t_span=(0.0, 2.0), y0=[1.0], params={k: stlfast.Range(0.01, 5.0)}
    )
    with pytest.warns(UserWarning, match=r"hold .* of the members .* Most that are lost: k .* narrower range"):
        model = stlfast.compile(family, budget=5.0)
    assert 0.4 < model.compiled.chains.share < 0.75
    sol = model.solve(k=0.1)
    assert sol.success
    assert np.abs(sol.y[0] - 1 / (1 - 0.1 * sol.t)).max() < 3e-6
    assert not model.solve(k=3.0, fallback=False).success


def test_where_all_blow_up_every_member_is_told_so():
    family = stlfast.Family(
        name="all", t=t, y=[x], rhs=[k * x**2], t_span=(0.0, 2.0), y0=[1.0], params={k: stlfast.Range(1.0, 5.0)}
    )
    began = time.monotonic()
    with pytest.warns(UserWarning, match=r"hold 0\.0% of the members"):
        model = stlfast.compile(family, budget=3.0)
    assert time.monotonic() - began < 60
    assert not model.solve(k=3.0, fallback=False).success


def test_a_tolerance_below_rounding_ends():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = stlfast.compile(enzyme(), tol=1e-17, budget=3.0)
    assert model.solve(k=7.0, w=0.3).success


def test_equal_compilations_are_equal():
    first, second = (stlfast.compile(enzyme()).compiled.to_parts() for _ in range(2))
    assert first[1] == second[1]
    assert first[0].keys() == second[0].keys()
    assert all((first[0][name] == second[0][name]).all() for name in first[0])


DAMAGED = {
    "columns": "lengths must have a column for each product",
    "rows": "values must have 3 n rows for each window",
    "missing": r"missing \['chains.0.low'\]",
    "share": "numbers between 0 and 1",
    "nan": "NaN or infinity",
    "order": "ends low < high",
}


@pytest.mark.parametrize("wrong", list(DAMAGED))
def test_damaged_windows_are_refused(wrong):
    family = enzyme()
    tensors, options = chains.compile_chains(family, 1e-5, 1.0, lambda share: None).to_parts()
    if wrong == "columns":
        tensors["chains.0.lengths"] = tensors["chains.0.lengths"][:, :-1].copy()
    elif wrong == "rows":
        tensors["chains.0.values"] = tensors["chains.0.values"][:-1].copy()
    elif wrong == "missing":
        del tensors["chains.0.low"]
    elif wrong == "share":
        options["shares"][0] = 3
    elif wrong == "nan":
        tensors["chains.0.lengths"] = np.full_like(tensors["chains.0.lengths"], np.nan)
    elif wrong == "order":
        tensors["chains.0.low"], tensors["chains.0.high"] = tensors["chains.0.high"], tensors["chains.0.low"]
    with pytest.raises(ValueError, match=DAMAGED[wrong]):
        chains.Chains.from_parts(family, options, tensors).core(family)


@pytest.mark.parametrize("nonlinear", [False, True])
def test_a_short_pulse_is_seen_wherever_it_is(nonlinear):
    """Its place and its width are parameters: a thousandth of the span and less, where windows would step over it."""
    place, width = sp.symbols("place width")
    pulse = sp.exp(-(((t - place) / width) ** 2))
    family = stlfast.Family(
        name="pulse", t=t, y=[x], rhs=[pulse - x - (x**2 if nonlinear else 0)], t_span=(0.0, 10.0), y0=[0.0],
        params={place: stlfast.Range(1.0, 9.0), width: stlfast.Range(1e-4, 1e-1)},
    )  # fmt: skip
    compiled = chains.compile_chains(family, 1e-6, 5.0, lambda share: None)
    windows = stlfast.Windows(family)
    tried = windows.compiled(compiled.core(family))
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(60):
        params = {"place": float(rng.uniform(1.0, 9.0)), "width": float(10 ** rng.uniform(-4, -1))}
        sol = tried.solve(rtol=1e-5, atol=1e-10, **params)
        true = windows.solve(t=sol.t, rtol=1e-9, atol=1e-14, **params)
        assert true.y.max() > 0.1 * params["width"]
        if sol.success:
            seen += 1
            assert np.abs(sol.y - true.y).max() <= 3 * (1e-10 + 1e-5 * true.y.max())
    assert seen >= 55


def test_a_thin_layer_of_the_states_is_seen():
    """x' = −1/10 + layer at x = place, whose width is a thousandth of what x goes through."""
    place = sp.symbols("place")
    family = stlfast.Family(
        name="layer", t=t, y=[x], rhs=[-sp.Rational(1, 10) - 5 / (1 + ((x - place) / 1e-3) ** 2)], t_span=(0.0, 8.0),
        y0=[1.0], params={place: stlfast.Range(0.3, 0.9)},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = stlfast.compile(family, budget=5.0)
    for value in np.linspace(0.31, 0.89, 25):
        sol = model.solve(place=float(value))
        true = stlfast.Windows(family).solve(t=sol.t, rtol=1e-10, place=float(value))
        if sol.success:
            assert np.abs(sol.y - true.y).max() <= 3e-6


def test_what_grows_before_it_turns_is_not_damped_away():
    """x' = k x (1 − x) from 1e-8 stays near 0 until t = 18/k: one long window with x = 0 would leave nothing over."""
    family = stlfast.Family(
        name="late",
        t=t,
        y=[x],
        rhs=[k * x * (1 - x)],
        t_span=(0.0, 1.0),
        y0=[1e-8],
        params={k: stlfast.Range(1.0, 1e5)},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = stlfast.compile(family, budget=5.0)
    for value in np.geomspace(1.0, 1e5, 60):
        sol = model.solve(k=float(value))
        assert sol.success
        grown = 1e-8 * np.exp(np.minimum(value * sol.t, 600.0))
        assert np.abs(sol.y[0] - grown / (1 - 1e-8 + grown)).max() <= 2e-6
