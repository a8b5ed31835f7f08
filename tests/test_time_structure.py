"""What breaks in time or at states: steps, pulses, switches, doses, infusions, samples, events; sweeps on windows."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import stlfast

t, y, s, w, k = sp.symbols("t y s w k")
ANY = stlfast.Range(1e-5, 10.0)


def family(rhs, params=(s,), y0=(0.0,), states=(y,), t_span=(0.0, 10.0), **options):
    return stlfast.Family(
        name="abrupt", t=t, y=states, rhs=rhs, t_span=t_span, params=dict.fromkeys(params, ANY), y0=y0, **options
    )


def after_a_step(times, step):
    return np.where(times > step, 1 - np.exp(-(times - step).clip(0)), 0.0)


def after_a_pulse(times, begin, width):
    grown = 1 - np.exp(-np.clip(times - begin, 0, width))
    return grown * np.exp(-np.maximum(times - begin - width, 0))


STEPS = {
    "Heaviside": lambda: (stlfast.Windows(family([-y + sp.Heaviside(t - s)])), lambda at: {"s": at}),
    "Piecewise": lambda: (
        stlfast.Windows(family([-y + sp.Piecewise((0, t < s), (1, True))])),
        lambda at: {"s": at},
    ),
    "sign": lambda: (stlfast.Windows(family([-y + (1 + sp.sign(t - s)) / 2])), lambda at: {"s": at}),
    "function": lambda: (stlfast.Windows(family(lambda t, y, s: -y + (t > s))), lambda at: {"s": at}),
    "breaks": lambda: (stlfast.Windows(family(lambda t, y, s: -y + (t > s), breaks=[s])), lambda at: {"s": at}),
    "Samples": lambda: (
        stlfast.Windows(family([-y], params=())),
        lambda at: {"forcing": stlfast.Samples([0.0, at], [0.0, 1.0])},
    ),
    "forcing": lambda: (
        stlfast.Windows(family([-y], params=())),
        lambda at: {"forcing": lambda times: np.where(times > at, 1.0, 0.0)[None]},
    ),
    "infusions": lambda: (stlfast.Windows(family([-y], infusions=[(s, 10, [1])])), lambda at: {"s": at}),
}


@pytest.mark.parametrize("kind", STEPS)
def test_a_step_anywhere_is_met(kind):
    windows, options = STEPS[kind]()
    for at in np.random.default_rng(0).uniform(0.01, 9.9, 40):
        sol = windows.solve(fallback=False, **options(float(at)))
        error = np.abs(sol.y[0] - after_a_step(sol.t, at)).max()
        assert not sol.success or error <= 1e-5
        assert sol.success or kind in ("function", "forcing")  # which may only be flagged


@pytest.mark.parametrize("width", [0.5, 0.05, 2e-3])
def test_pulses_at_rest_are_met(width):
    """As expressions, wherever and however short; as Python functions from a few samples on."""
    pulse = sp.Heaviside(t - s) - sp.Heaviside(t - s - w)
    written = stlfast.Windows(family([-y + pulse], params=(s, w)))
    called = stlfast.Windows(family(lambda t, y, s, w: -y + ((t > s) & (t < s + w)), params=(s, w)))
    for at in np.random.default_rng(1).uniform(0.01, 9.4, 20):
        for windows in (written, called):
            sol = windows.solve(s=float(at), w=width, fallback=False)
            exact = after_a_pulse(sol.t, at, width)
            assert not sol.success or np.abs(sol.y[0] - exact).max() <= 1e-5 * exact.max() + 1e-7
            assert sol.success or windows is called


@pytest.mark.parametrize("width", [0.3, 3e-3, 3e-5])
def test_short_smooth_pulses_are_met(width):
    bell = stlfast.Windows(family([-y + sp.exp(-(((t - s) / w) ** 2))], params=(s, w)))
    lorentzian = stlfast.Windows(family([-y + 1 / (1 + ((t - s) / w) ** 2) ** 2], params=(s, w)))
    two_steps = stlfast.Windows(family([-y + sp.tanh((t - s) / w) - sp.tanh((t - s) / w - 3)], params=(s, w)))
    for windows in (bell, lorentzian, two_steps):
        for at in np.random.default_rng(2).uniform(1.0, 9.0, 8):
            params = {"s": float(at), "w": width}
            sol = windows.solve(fallback=False, **params)
            times = np.clip(at + width * np.linspace(-4, 30, 500), 0.0, 10.0)
            truth = windows.solve(rtol=1e-10, atol=1e-13, fallback=False, **params)(times)
            assert sol.success
            assert truth.max() >= 0.5 * min(width, 0.3)
            assert np.abs(sol(times) - truth).max() <= 1e-8 + 3e-6 * truth.max()


def test_trains_of_steps():
    windows = stlfast.Windows(family([-y + sp.Heaviside(sp.sin(s * t))]))
    for frequency in (1.0, 9.7):
        sol = windows.solve(s=frequency, fallback=False)
        edges, value = np.arange(0, 10 * frequency / np.pi + 1) * np.pi / frequency, 0.0
        exact = np.zeros_like(sol.t)
        for i, (begin, end) in enumerate(pairwise(edges)):
            on, here = (i + 1) % 2, (sol.t >= begin) & (sol.t <= end)
            exact[here] = on + (value - on) * np.exp(-(sol.t[here] - begin))
            value = on + (value - on) * np.exp(-(end - begin))
        assert sol.success
        assert np.abs(sol.y[0] - exact).max() <= 1e-7


def test_the_half_wave_of_a_sine():
    sol = stlfast.Windows(family([-y + sp.Max(0, sp.sin(t))], params=())).solve(fallback=False)
    up = lambda x: (np.sin(x) - np.cos(x) + np.exp(-x)) / 2  # noqa: E731
    first = sol.t <= np.pi
    assert sol.success
    np.testing.assert_allclose(sol.y[0, first], up(sol.t[first]), atol=1e-7)
    second = (sol.t > np.pi) & (sol.t <= 2 * np.pi)
    np.testing.assert_allclose(sol.y[0, second], up(np.pi) * np.exp(-(sol.t[second] - np.pi)), atol=1e-7)


# ------------------------------------------------------------------------------------------------- switches of states
x, v = sp.symbols("x v")


def test_a_contact_is_located():
    """A ball on a stiff floor: free flight, then half an oscillation, without loss."""
    windows = stlfast.Windows(
        family([v, -10 - 1e6 * k * sp.Min(x, 0)], params=(k,), y0=(1.0, 0.0), states=(x, v), t_span=(0.0, 5.0))
    )
    for stiffness in (0.01, 1.0):
        sol = windows.solve(k=stiffness, fallback=False)
        rate, fall, speed = np.sqrt(1e6 * stiffness), np.sqrt(0.2), 10 * np.sqrt(0.2)
        low = 10 / rate**2
        contact = 2 * (np.pi - np.arctan(speed / rate / low)) / rate
        since = (sol.t + fall) % (2 * fall + contact)
        inside = since - 2 * fall
        deep = -low + low * np.cos(rate * inside) - speed / rate * np.sin(rate * inside)
        exact = np.where(since < 2 * fall, speed * since - 5 * since**2, deep)
        assert sol.success
        assert np.abs(sol.y[0] - exact).max() <= 1e-6
        assert np.all(np.abs(sol.y[0] - exact).max() <= sol.error_estimate[0] + 1e-12)


def test_a_solution_that_slides_along_a_switch():
    """y' = 2 − y below 1, −y above: from both sides to 1, where it stays (Filippov)."""
    relay = stlfast.Windows(family([-y + 2 * sp.Heaviside(1 - y)], params=()))
    for start, until in ((0.0, np.log(2)), (3.0, np.log(3))):
        sol = relay.solve([start], fallback=False)
        exact = 2 + (start - 2) * np.exp(-sol.t) if start < 1 else start * np.exp(-sol.t)
        exact = np.where(sol.t < until, exact, 1.0)
        assert sol.success
        assert np.abs(sol.y[0] - exact).max() <= 1e-6


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
def test_dry_friction_sticks_where_the_spring_is_too_weak(rtol):
    dry = stlfast.Windows(
        family([v, -x - 0.3 * sp.sign(v)], params=(), y0=(3.0, 0.0), states=(x, v), t_span=(0.0, 20.0))
    )
    sol = dry.solve(rtol=rtol, atol=1e-2 * rtol, fallback=False)
    place, exact = 3.0, np.empty_like(sol.t)
    for half in range(7):  # centres of half oscillations change sides
        here = (sol.t >= half * np.pi) & (sol.t < (half + 1) * np.pi)
        centre = 0.3 * np.sign(place) if abs(place) > 0.3 + 1e-9 else place
        exact[here] = centre + (place - centre) * np.cos(sol.t[here] - half * np.pi)
        place = 2 * centre - place
    assert sol.success
    assert np.abs(sol.y[0] - exact).max() <= 3 * (3 * rtol + 1e-2 * rtol)


def test_a_slide_ends_where_friction_no_longer_holds():
    """A block on a belt: it sticks until the spring is as strong as the friction, x + v/10 = F, then slips."""
    from scipy.integrate import solve_ivp

    force, belt = 1.6, 0.1
    moving = force / (1 + 2 * sp.Abs(v - belt))
    block = family(
        [v, -x - v / 10 - moving * sp.sign(v - belt)], params=(), y0=(0.0, 0.0), states=(x, v), t_span=(0, 20)
    )
    slip = lambda t, y: [y[1], -y[0] - y[1] / 10 + force / (1 + 2 * abs(y[1] - belt))]  # noqa: E731
    caught = lambda t, y: y[1] - belt  # noqa: E731
    caught.terminal = True
    first = solve_ivp(slip, (0, 20), [0, 0], rtol=1e-12, atol=1e-13, events=caught)
    begin, place = first.t_events[0][0], first.y_events[0][0][0]
    end = begin + (force - belt / 10 - place) / belt
    second = solve_ivp(
        slip, (end, 20), [force - belt / 10, belt], rtol=1e-12, atol=1e-13, t_eval=[end + 2], max_step=0.01
    )
    for rtol in (1e-6, 1e-8):
        sol = stlfast.Windows(block).solve(rtol=rtol, atol=1e-2 * rtol, fallback=False)
        assert sol.success
        np.testing.assert_allclose(sol((begin + end) / 2), [place + belt * (end - begin) / 2, belt], atol=rtol)
        assert np.all(np.abs(sol(end + 2) - second.y[:, 0]) <= np.minimum(sol.error_estimate + 1e-10, 2 * rtol))


def test_the_error_passes_a_switch():
    """The estimate jumps with the right-hand side (saltation): a late crossing is an error afterwards."""
    windows = stlfast.Windows(family([1 + 99 * sp.Heaviside(y - 1)], params=(), t_span=(0.0, 1.5)))
    sol = windows.solve(fallback=False)
    assert sol.success
    np.testing.assert_allclose(sol.y[0], np.where(sol.t < 1, sol.t, 1 + 100 * (sol.t - 1)), atol=1e-6)


# --------------------------------------------------------------------------------------------------- doses, infusions
ka, ke, dose = sp.symbols("ka ke dose")
a, c = sp.symbols("a c")


def absorption(**options):
    options = {"doses": [(12 * i, {a: dose}) for i in range(4)], "infusions": [(5, 7, [0, 3])]} | options
    return family([-ka * a, ka * a - ke * c], params=(ka, ke, dose), y0=(0.0, 0.0), states=(a, c), t_span=(0, 48),
                  **options)  # fmt: skip


def exact_absorption(times, ka, ke, dose):
    since = [np.maximum(times - 12 * i, 0) for i in range(4)]
    drug = dose * sum(np.exp(-ka * x) * (times >= 12 * i) for i, x in enumerate(since))
    level = dose * ka / (ka - ke) * sum(np.exp(-ke * x) - np.exp(-ka * x) for x in since)
    running = np.clip(times - 5, 0, 2)
    return np.array([drug, level + 3 / ke * (1 - np.exp(-ke * running)) * np.exp(-ke * np.maximum(times - 7, 0))])


def test_doses_and_infusions():
    params = {"ka": 1.5, "ke": 0.1, "dose": 4.0}
    for each in (absorption(), pickle.loads(pickle.dumps(absorption()))):
        sol = stlfast.Windows(each).solve(fallback=False, **params)
        assert sol.success
        assert np.abs(sol.y - exact_absorption(sol.t, **params)).max() <= 1e-5
    at = stlfast.Windows(absorption()).solve(t=[0.0, 12.0], **params)
    np.testing.assert_allclose(at.y, exact_absorption(at.t, **params), atol=1e-5)  # after the jump


def test_doses_into_a_python_function():
    params = {"ka": 1.5, "ke": 0.1, "dose": 4.0}

    def rhs(t, y, ka, ke, dose):
        return np.stack([-ka * y[0], ka * y[0] - ke * y[1]])

    same = stlfast.Family(
        name="called", t=None, y=("a", "c"), rhs=rhs, t_span=(0, 48), params={ka: ANY, ke: ANY, dose: ANY}, y0=(0, 0),
        doses=[(12 * i, {"a": dose}) for i in range(4)], infusions=[(5, 7, {"c": 3})],
    )  # fmt: skip
    sol = stlfast.Windows(same).solve(fallback=False, **params)
    assert sol.success
    assert np.abs(sol.y - exact_absorption(sol.t, **params)).max() <= 1e-5


def test_times_of_doses_are_parameters():
    moved = family([-y], doses=[(s, [1])], t_span=(0.0, 10.0))
    sol = stlfast.Windows(moved).solve(s=2.5, fallback=False)
    np.testing.assert_allclose(sol.y[0], np.where(sol.t >= 2.5, np.exp(2.5 - sol.t), 0.0), atol=1e-7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"doses": [(-1, {a: 1})]}, "a dose at t = -1 is outside t_span"),
        ({"breaks": [50]}, "a break at t = 50 is outside t_span"),
        ({"doses": [(1, {k: 1})]}, "k is no state"),
        ({"doses": [(1, [1])]}, "must be 2 expressions, one for each state"),
        ({"doses": [(t, [1, 1])]}, "t is neither a number nor a parameter"),
        ({"doses": [1]}, r"doses must be pairs \(time, sizes\)"),
        ({"infusions": [(1, [1, 1])]}, r"infusions must be triples"),
        ({"positive": [k]}, r"positive names \['k'\]"),
    ],
)
def test_wrong_structure(options, message):
    with pytest.raises(ValueError, match=message):
        stlfast.Windows(absorption(**options)).solve(ka=1.0, ke=0.1, dose=1.0)


def test_no_basis_of_the_whole_time_span_is_made_of_what_breaks():
    for each in (absorption(), family([-y + sp.Heaviside(t - s)]), family([-s * y], y0=(s,))):
        for options in ({"reduced": True}, {"basis": "chebyshev"}):
            with pytest.raises(ValueError, match="is of the whole time span and knows nothing of that; leave it out"):
                stlfast.compile(each, **options)


# ------------------------------------------------------------------------------------------------------------- samples
@pytest.mark.parametrize("kind", ["previous", "linear", "cubic"])
def test_samples_are_what_they_say(kind):
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0, 10, 30))
    times[[0, -1]] = 0.0, 10.0
    samples = stlfast.Samples(times, rng.normal(size=(2, 30)), kind)
    windows = stlfast.Windows(family([-3 * x, -3 * v], params=(), y0=(0.0, 0.0), states=(x, v)))
    sol = windows.solve(forcing=samples, fallback=False)
    assert sol.success
    assert samples(times[:-1]) == pytest.approx(samples.values[:, :-1])
    for at in (0.7, 5.1, 10.0):  # variation of constants, piece by piece
        total = np.zeros(2)
        for low, high in zip(times[:-1], np.minimum(times[1:], at), strict=True):
            if high <= low:
                break
            nodes, weights = np.polynomial.legendre.leggauss(20)
            places = low + (high - low) * (nodes + 1) / 2
            total += (samples(places) * np.exp(-3 * (at - places)) * weights).sum(axis=1) * (high - low) / 2
        np.testing.assert_allclose(sol(at), total, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 2, 1], [0, 0, 0]), r"t must increase, and t\[2\] = 1 comes after t\[1\] = 2"),
        (([0, 1, 1], [0, 0, 0]), "t must increase"),
        (([0, 1], [0, 0, 0]), r"values must have shape \(2,\) or \(n, 2\), got \(3,\)"),
        (([0, 1], [0, np.nan]), "values must be finite"),
        (([0, 1], [0, 1], "nearest"), "kind must be one of previous, linear, cubic"),
        (([0], [0], "linear"), "at least 2 times"),
    ],
)
def test_wrong_samples(arguments, message):
    with pytest.raises(ValueError, match=message):
        stlfast.Samples(*arguments)


def test_samples_cover_the_span():
    windows = stlfast.Windows(family([-y], params=()))
    with pytest.raises(ValueError, match=r"samples from 0 to 5 do not cover 0 … 10"):
        windows.solve(forcing=stlfast.Samples([0, 5], [0, 1], "linear"))
    with pytest.raises(ValueError, match=r"must have values of shape \(1, M\)"):
        windows.solve(forcing=stlfast.Samples([0, 5], [[0, 1], [0, 1]]))
    assert windows.solve(forcing=stlfast.Samples([0, 5], [0, 1])).success  # the last value is held


# ------------------------------------------------------------------------------------------------------- events, times
def ground(t, y):
    return y[0]


ground.terminal = True
ground.direction = -1


def test_a_bouncing_ball():
    windows = stlfast.Windows(family([v, -9.81], params=(), y0=(1.0, 0.0), states=(x, v)))
    time, state, bounces = 0.0, [1.0, 0.0], []
    for _ in range(7):
        sol = windows.solve(state, t0=time, events=ground)
        assert sol.success
        (found,) = sol.t_events
        time = float(found[0])
        assert sol.t[-1] <= time
        assert sol.y_events[0].shape == (1, 2)
        assert "terminal event" in sol.message
        with pytest.raises(ValueError, match="a terminal event ended the solution"):
            sol(time + 0.1)
        bounces.append(time)
        state = sol.final * [0, -0.8]
    falls = np.sqrt(2 / 9.81) * (1 + 2 * np.cumsum([0, *0.8 ** np.arange(1, 7)]))
    np.testing.assert_allclose(bounces, falls, rtol=1e-9)


def test_events_have_scipys_conventions():
    from scipy.integrate import solve_ivp

    circle = family([v, -x], params=(), y0=(1.0, 0.0), states=(x, v))
    up, any_ = (lambda t, y: y[0]), (lambda t, y: y[1] - 0.5)
    up.direction = 1
    third = lambda t, y: y[0]  # noqa: E731
    third.terminal = 3
    for events in ([up, any_], up, [third, any_]):
        sol = stlfast.Windows(circle).solve(events=events, rtol=1e-10)
        ref = solve_ivp(lambda t, y: [y[1], -y[0]], (0, 10), [1, 0], events=events, rtol=1e-11, atol=1e-12)
        assert [len(each) for each in sol.t_events] == [len(each) for each in ref.t_events]
        for ours, theirs in zip(sol.t_events, ref.t_events, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-8)
        for ours, theirs in zip(sol.y_events, ref.y_events, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-8)
    assert stlfast.Windows(circle).solve().t_events is None


def test_wrong_events():
    windows = stlfast.Windows(family([-y], params=(), y0=(1.0,)))
    with pytest.raises(ValueError, match=r"events must be a function g\(t, y\) or a list"):
        windows.solve(events=3)
    with pytest.raises(ValueError, match=r"event 0 returned shape \(2,\)"):
        windows.solve(events=lambda t, y: np.array([1.0, 2.0]))


def test_solutions_are_carried_on():
    windows = stlfast.Windows(family([-y + sp.cos(s * t)], y0=(1.0,), doses=[(5, [1])]))
    whole = windows.solve(s=3.0)
    early = windows.solve(s=3.0, t=[0.0, 5.0])
    late = windows.solve(whole(4.0), t0=4.0, s=3.0)
    np.testing.assert_allclose(late.y[0], whole(late.t)[0], atol=1e-6)
    np.testing.assert_allclose(late.final, whole.final, atol=1e-6)
    assert early.t[-1] == 5.0
    with pytest.raises(ValueError, match=r"the solution begins at t = 4\.0"):
        late(3.0)
    with pytest.raises(ValueError, match="is before t0"):
        windows.solve(t=[1.0], t0=2.0, s=3.0)
    with pytest.raises(ValueError, match="there is nothing to solve"):
        windows.solve(t0=10.0, s=3.0)
    with pytest.raises(ValueError, match="t0 = 11"):
        windows.solve(t0=11.0, s=3.0)


@pytest.mark.slow(reason="fifty thousand windows")
def test_ten_thousand_periods():
    circle = family([v, -x], params=(), y0=(1.0, 0.0), states=(x, v), t_span=(0.0, 2e4 * np.pi))
    sol = stlfast.Windows(circle).solve(rtol=1e-6, fallback=False)
    assert sol.success
    assert np.abs(sol.y[0] - np.cos(sol.t)).max() <= 3e-6


# ---------------------------------------------------------------------------------------------------------- language
def test_functions_of_the_language():
    """Each in a right-hand side of the state, against SciPy's answer for NumPy's function."""
    from scipy.integrate import solve_ivp
    from scipy.special import erf

    pairs = [
        (sp.sinh, np.sinh), (sp.cosh, np.cosh), (sp.asin, np.arcsin), (sp.acos, np.arccos), (sp.atan, np.arctan),
        (sp.asinh, np.arcsinh), (sp.acosh, lambda u: np.arccosh(u)), (sp.atanh, np.arctanh), (sp.erf, erf),
        (lambda u: sp.atan2(u, 2), lambda u: np.arctan2(u, 2)), (sp.sign, np.sign), (sp.Heaviside, lambda u: u >= 0),
        (lambda u: sp.Max(u, 0.4), lambda u: np.maximum(u, 0.4)),
        (lambda u: sp.Min(u, 0.4, 0.3), lambda u: min(u, 0.3)),
        (lambda u: sp.Piecewise((u, (u > 0.2) & (u < 0.35)), (1, u >= 0.35), (0, True)),
         lambda u: u if 0.2 < u < 0.35 else float(u >= 0.35)),
    ]  # fmt: skip
    for symbolic, numeric in pairs:
        shift = 1 if symbolic is sp.acosh else 0
        each = family([-y * symbolic(y + shift) / 2], params=(), y0=(0.5,), t_span=(0.0, 3.0))
        sol = stlfast.Windows(each).solve(fallback=False)
        ref = solve_ivp(lambda t, y: [-y[0] * float(numeric(y[0] + shift)) / 2], (0, 3), [0.5], rtol=1e-10, atol=1e-12,  # noqa: B023
                        t_eval=sol.t)  # fmt: skip
        assert sol.success, symbolic
        np.testing.assert_allclose(sol.y, ref.y, atol=2e-6, err_msg=str(each.equations))
        at = np.array([0.1, 0.37])
        np.testing.assert_allclose(each.rhs()(0.0, at[:1]), -at[0] * float(numeric(at[0] + shift)) / 2, rtol=1e-14)


@pytest.mark.parametrize(
    ("rhs", "message"),
    [
        (sp.Piecewise((1, y < 1)), r"add a last piece \(value, True\)"),
        (sp.Piecewise((1, sp.Eq(y, 1)), (0, True)), "is no inequality"),
    ],
)
def test_what_the_language_refuses(rhs, message):
    with pytest.raises(ValueError, match=message):
        family([rhs], params=())


def test_initial_values_that_depend_on_parameters():
    rest = family([s - k * y], params=(s, k), y0=(s / k,))
    windows = stlfast.Windows(rest)
    for each in (windows, pickle.loads(pickle.dumps(windows))):
        sol = each.solve(s=3.0, k=2.0)
        assert sol.success
        np.testing.assert_allclose(sol.y, 1.5, atol=1e-12)
    many = windows.solve_many(s=[1.0, 2.0, 3.0], k=2.0, observe="final")
    np.testing.assert_allclose(many.y[:, 0], [0.5, 1.0, 1.5], atol=1e-12)


def test_a_tolerance_for_each_state():
    windows = stlfast.Windows(family([-x, -v], params=(), y0=(1.0, 1e-9), states=(x, v)))
    sol = windows.solve(atol=[1e-8, 1e-17])
    error = np.abs(sol.y - np.array([[1.0], [1e-9]]) * np.exp(-sol.t)).max(axis=1)
    assert np.all(error <= [3e-6, 3e-15])
    with pytest.raises(ValueError, match="atol must be a number or 2 of them"):
        windows.solve(atol=[1e-8, 1e-8, 1e-8])


# ----------------------------------------------------------------------------------------- thin layers and odd places
@pytest.mark.parametrize("exponent", [3, 4])
@pytest.mark.parametrize("V", [0.6, 1.0, 1.5])
def test_elimination_ends_at_zero(exponent, V):
    """c' = −V cⁿ/(Kⁿ + cⁿ): a window that steps over 0, where no point sees that c' vanishes, would run on to −V t."""
    rate = -s * y**exponent / (sp.Rational(1, 1000) ** exponent + y**exponent)
    for options in ({}, {"positive": [y]}):
        windows = stlfast.Windows(family([rate], y0=(1.0,), t_span=(0.0, 240.0), **options))
        sol = windows.solve(s=V, fallback=False)
        assert sol.success
        assert 0 < sol.final[0] < 2e-5


def test_a_positive_state_that_gets_negative_is_no_success():
    sol = stlfast.Windows(family([-1.0 - 0 * y], params=(), y0=(1.0,), positive=[y])).solve(fallback=False)
    assert not sol.success


def test_where_there_is_no_solution_the_place_is_told():
    tank = stlfast.Windows(family([-sp.sqrt(y)], params=(), y0=(1.0,)))
    blow_up = stlfast.Windows(family([y**2], params=(), y0=(1.0,)))
    pole = stlfast.Windows(family([1e30 * s / y], y0=(1.0,)))
    for windows, options, place in ((tank, {}, "t = 2"), (blow_up, {}, "t = 1"), (pole, {"s": 1.0}, "t = ")):
        sol = windows.solve(fallback=False, **options)
        assert not sol.success
        assert place in sol.message


def test_states_whose_slopes_are_not_finite_are_named():
    late = family(lambda t, y: np.stack([-y[0], np.where(t > 1, np.nan, -y[1])]), params=(), y0=(1, 1), states=(x, v))
    sol = stlfast.Windows(late).solve(fallback=False)
    assert not sol.success
    assert "t = 1" in sol.message
    away = family([-x, 1 / v], params=(), y0=(1.0, 1.0), states=(x, v))
    sol = stlfast.Windows(away).solve([1.0, 0.0], fallback=False)
    assert not sol.success
    assert "where the right-hand side of v is not finite" in sol.message


def test_rows_that_are_constant_and_numbers_that_are_complex():
    constant = family(lambda t, y: [y[1], 0.0], params=(), y0=(0.0, 2.0), states=(x, v))
    np.testing.assert_allclose(stlfast.Windows(constant).solve().final, [20.0, 2.0], rtol=1e-9)
    for wrong in (
        lambda: family([sp.I * y], params=()),
        lambda: family(lambda t, y: 1j * y, params=()),
        lambda: family([-y], params=(), y0=(1j,)),
    ):
        with pytest.raises(ValueError, match="make the real and the imaginary part two states"):
            wrong()


# --------------------------------------------------------------------------------------------------------------- sweeps
def test_many_members_on_windows():
    windows = stlfast.Windows(absorption())
    rng = np.random.default_rng(4)
    params = {"ka": rng.uniform(0.5, 3, 30), "ke": rng.uniform(0.05, 0.3, 30), "dose": 4.0}
    many = windows.solve_many(**params)
    assert many.success.all()
    assert set(many.method) == {"windows"}
    for i in (0, 17):
        one = windows.solve(ka=params["ka"][i], ke=params["ke"][i], dose=4.0)
        np.testing.assert_allclose(many.y[i], one.y, rtol=1e-9, atol=1e-13)
        np.testing.assert_array_equal(many.error_estimate[i], one.error_estimate)
    for threads in (1, 3):
        np.testing.assert_array_equal(windows.solve_many(**params, threads=threads).y, many.y)
    np.testing.assert_array_equal(windows.solve_many(**params, observe="final").y, many.y[:, :, -1])
    np.testing.assert_array_equal(windows.solve_many(**params, observe="maximum").y, many.y.max(axis=2))
    np.testing.assert_allclose(windows.solve_many(**params, observe=many.t[:9]).y, many.y[:, :, :9], rtol=1e-12)


def test_many_members_of_a_python_function():
    windows = stlfast.Windows(family(lambda t, y, s: -s * y, y0=(1.0,)))
    many = windows.solve_many(s=[0.5, 1.0, 2.0], y0=[[1.0], [2.0], [3.0]], observe="final")
    np.testing.assert_allclose(many.y[:, 0], [1, 2, 3] * np.exp([-5.0, -10.0, -20.0]), atol=1e-6)
    out = np.empty((2, 1))
    assert windows.solve_many(s=[0.5, 1.0], observe="final", out=out).y is out


def test_rows_without_a_solution_are_told():
    many = stlfast.Windows(family([s * y**2], y0=(1.0,))).solve_many(s=[0.01, 1.0], observe="final", fallback=False)
    assert many.success.tolist() == [True, False]
    assert np.isnan(many.y[1]).all()
    with pytest.raises(stlfast.ParameterError, match="row 1"):
        stlfast.Windows(family([-s * y], y0=(1.0,))).solve_many(s=[1.0, 20.0])


def test_a_python_pulse_that_windows_cannot_follow_is_not_handed_to_what_steps_over_it():
    """Some end in windows shorter than rounding; SciPy's Radau sees nothing of the pulse, and calls that good."""
    width, pulsed = 1e-3, family(lambda t, y, s: -y + ((t > s) & (t < s + 1e-3)))
    windows, rng = stlfast.Windows(pulsed), np.random.default_rng(0)
    for begin in rng.uniform(0.01, 9.9, 100):
        sol = windows.solve(s=begin)
        assert not sol.success or np.abs(sol.y[0] - after_a_pulse(sol.t, begin, width)).max() <= 1e-7
        assert sol.success or "breaks=" in sol.message


def test_a_python_function_without_time_is_handed_over():
    short = family(lambda t, y, s: -s * y, y0=(1.0,), t_span=(0.0, 1e-2))
    sol = stlfast.Windows(short).solve(s=1.0, rtol=1e-14, atol=1e-30)
    assert sol.method == "radau"
