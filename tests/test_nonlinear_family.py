"""Nonlinear families: the split, derivatives, invariants and members against independent formulas; files; refusals."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
import slow
import sympy as sp

import stlfast
from stlfast import Family, Range, families
from stlfast.equations.program import Instructions, to_instructions
from stlfast.measure import exact as reference

T, K, E, Y1, Y2, Y3 = sp.symbols("t k E y1 y2 y3")
RATES = {K: Range((1, 10), (1, 100)), E: Range((0.5, 2), (0.5, 2))}
AT = {"k": 3.0, "E": 1.3}


def make(rhs, y=(Y1, Y2), **changes):
    """A family of positive states on [0, 2], with some arguments changed."""
    arguments = {
        "name": "test", "t": T, "y": list(y), "rhs": rhs, "t_span": (0, 2), "stiffness": K, "params": RATES,
        "y0": np.linspace(1, 0.5, len(y)),
    }  # fmt: skip
    return Family(**{**arguments, **changes})


ZOO = {
    "mass action": [-K * Y1**2 + E * Y2 * Y1, K * Y1**2 - E * Y1 * Y2],
    "Arrhenius": [-K * Y1 * sp.exp(-E / Y2), 5 * Y1 * sp.exp(20 * (1 - 1 / Y2)) - (Y2 - sp.sin(T))],
    "Michaelis-Menten": [-K * Y1 / (E + Y1), K * Y1 / (E + Y1) - Y2],
    "FitzHugh-Nagumo": [K * (Y1 - Y1**3 / 3 - Y2 + sp.Rational(1, 2)), (Y1 + 0.7 - 0.8 * Y2) / E],
    "pendulum": [Y2, -sp.sin(Y1) - K * Y2 + sp.cos(E * T)],
    "real powers": [-K * Y1**E + sp.sqrt(Y1 * Y2), -(Y2**1.5) + Y1**-2 * T],
    "powers of states": [Y1**Y2 - K * Y1, -sp.log(E + Y2**2)],
    "absolute": [-K * sp.Abs(Y1 - Y2) * Y1, sp.tanh(K * Y1) - sp.tan(Y2 / 3)],
    "absolute of what may be complex": [-sp.Abs(sp.log(K * Y1)) * sp.Abs(sp.sqrt(Y2) - 2 * Y1), -(sp.Abs(Y2) ** E)],
    "products of sums": [(1 + Y1) ** 2 * (Y2 - E) + T, -K * Y2 * (Y1 - Y2)],
    "higher order": [-K * Y1**9, Y1**3 * Y2**4],
}


def values(rhs, t, y, params, states=(Y1, Y2)):
    """f (n,) by SymPy's own evaluation."""
    at = {T: t, K: params["k"], E: params["E"], **dict(zip(states, y, strict=True))}
    return np.array([float(sp.sympify(f).subs(at)) for f in rhs])


SLOW = {"absolute of what may be complex": pytest.mark.slow(reason="SymPy evaluates it slowly")}


@pytest.mark.parametrize("span", [(0, 2), (1, 1 + K)], ids=["fixed", "of parameters"])
@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, ())) for name in ZOO])
def test_split_and_derivatives(name, span):
    family = make(ZOO[name], t_span=span)
    rng = np.random.default_rng(11)
    p = family.check_params(AT)
    t0, t1 = family.t_span_at(**AT)
    f, jac = family.rhs(**AT), family.jac(**AT)
    x, Y = rng.uniform(size=5), rng.uniform(0.5, 1.5, (2, 5))
    points = np.concatenate([x[None], Y])
    N, J = family.N(points, p), family.J(points, p).reshape(2, 2, 5)
    A, b = family.A(x, p).reshape(2, 2, 5), family.b(x, p)
    np.testing.assert_allclose(N, slow.evaluate(family.N, points, p), rtol=1e-14)
    for q in range(5):
        t, y, h = t0 + (t1 - t0) * x[q], Y[:, q], 1e-6
        expected = values(ZOO[name], t, y, AT)
        np.testing.assert_allclose(f(t, y), expected, rtol=1e-11, atol=1e-11)
        whole = (A[..., q] @ y + b[:, q] + N[:, q]) / (t1 - t0)
        np.testing.assert_allclose(whole, expected, rtol=1e-11, atol=1e-11)
        differences = np.stack([(f(t, y + h * e) - f(t, y - h * e)) / (2 * h) for e in np.eye(2)], axis=1)
        scale = 1 + np.abs(differences).max()
        np.testing.assert_allclose(jac(t, y), differences, atol=1e-7 * scale)
        np.testing.assert_allclose((A[..., q] + J[..., q]) / (t1 - t0), jac(t, y), rtol=1e-12, atol=1e-12 * scale)


def test_terms_go_where_they_belong():
    family = make([(1 + Y1) ** 2 + K * T * Y2, (Y1 + sp.sin(T)) * (Y2 + E)], t_span=(0, 1))
    x, p = np.array([0.3]), family.check_params(AT)
    k, e, s = 3.0, 1.3, np.sin(0.3)
    np.testing.assert_allclose(family.A(x, p)[:, 0], [2, k * 0.3, e, s], rtol=1e-15)
    np.testing.assert_allclose(family.b(x, p)[:, 0], [1, e * s], rtol=1e-15)
    np.testing.assert_allclose(family.N(np.array([[0.3], [5.0], [7.0]]), p)[:, 0], [25, 35], rtol=1e-15)
    np.testing.assert_allclose(family.J(np.array([[0.3], [5.0], [7.0]]), p)[:, 0], [10, 0, 7, 5], rtol=1e-15)
    assert family.nonlinear


def test_equations_that_are_linear_once_simplified_stay_linear():
    family = make([(Y1**2 + Y1) / (Y1 + 1), -Y2 * Y1])
    np.testing.assert_allclose(family.matrix(0.0, **AT), [[1, 0], [0, 0]])
    assert family.N.is_zero.tolist() == [True, False]


def test_large_exponents_are_not_taken_apart():
    family = make([-K * Y1 * sp.exp(2000 * (1 - 1 / Y2)), -Y2])  # exp(2000) alone is infinite
    assert np.isfinite(family.rhs(**AT)(0.0, np.array([1.0, 0.9]))).all()


@pytest.mark.parametrize(
    ("power", "slope"), [(E, [1.3 * 0.0**0.3]), (sp.Integer(2), [0.0]), (sp.Rational(3, 2), [0.0])]
)
def test_derivatives_of_powers_are_finite_at_zero(power, slope):
    jac = make([-(Y1**power), -Y2]).jac(**AT)
    assert -jac(0.0, np.zeros(2))[0, 0] == slope[0]


def test_what_is_nonlinear_as_a_whole_is_not_taken_apart():
    assert len(make([-K * Y1 * (Y1 + Y2) ** 4, -Y2]).N.code) <= 8  # five terms, were it expanded


def test_derivative_of_the_absolute_value_is_the_sign():
    family = make([sp.Abs(Y1), -Y2], t_span=(0, 1))
    y = np.array([-2.0, -1e-200, 0.0, 1e-200, 3.0])
    J = family.J(np.stack([0 * y, y, y]), family.check_params(AT))
    assert J[0].tolist() == [-1, -1, 0, 1, 1]


@pytest.mark.parametrize("assumptions", [{}, {"real": True}, {"positive": True}])
def test_assumptions_of_the_symbols_do_not_matter(assumptions):
    y1, y2 = sp.symbols("y1 y2", **assumptions)
    family = make([-K * sp.sqrt(y1**2) * y1, -y2], (y1, y2))
    np.testing.assert_allclose(family.jac(**AT)(0.0, np.array([2.0, 1.0])), [[-12, 0], [0, -1]], rtol=1e-15)


@pytest.mark.parametrize(
    ("rhs", "degree"),
    [
        (ZOO["mass action"], 2),
        (ZOO["FitzHugh-Nagumo"], 3),
        (ZOO["higher order"], 9),
        ([Y1 * Y2 / (1 + K), 0.5 * Y1**2.0 * Y2], 3),
        (ZOO["Michaelis-Menten"], None),
        (ZOO["pendulum"], None),
        ([Y1**2, Y2**1.5], None),
        ([Y1**K, -Y2], None),
        ([-K * Y1, -Y2], 0),
    ],
)
def test_polynomial_degree(rhs, degree):
    assert make(rhs).polynomial_degree == degree


# --------------------------------------------------------------------------------------------------------- invariants
HIRES = sp.symbols("h1:9")


def hires(h):
    """High irradiance response (test set for IVP solvers, Bari): 8 equations."""
    h1, h2, h3, h4, h5, h6, h7, h8 = h
    binding = 280 * h6 * h8
    return [
        -1.71 * h1 + 0.43 * h2 + 8.32 * h3 + 0.0007, 1.71 * h1 - 8.75 * h2, -10.03 * h3 + 0.43 * h4 + 0.035 * h5,
        8.32 * h2 + 1.71 * h3 - 1.12 * h4, -1.745 * h5 + 0.43 * h6 + 0.43 * h7,
        -binding + 0.69 * h4 + 1.71 * h5 - 0.43 * h6 + 0.69 * h7, binding - 1.81 * h7, -binding + 1.81 * h7,
    ]  # fmt: skip


RATE = K * Y1 * sp.exp(-E / Y3)
INVARIANTS = {
    "HIRES": (hires(HIRES), HIRES, [[0, 0, 0, 0, 0, 0, 1, 1]]),
    "decimals": ([-0.3 * Y1 + Y2 * Y3, 0.1 * Y1 - Y2 * Y3, 0.2 * Y1], (Y1, Y2, Y3), [[1, 1, 1]]),
    "dimerisation": ([-2 * K * Y1**2 + E * Y2, K * Y1**2 - E * Y2 / 2], (Y1, Y2), [[1, 2]]),
    "energy": ([-RATE, 2 * RATE, RATE / 3], (Y1, Y2, Y3), [[2, 1, 0], [1, 0, 3]]),
    "factored": ([-K * Y1 * (Y1 + Y2), K * Y1**2, K * Y1 * Y2], (Y1, Y2, Y3), [[1, 1, 1]]),
    "constant state": ([-(Y1**2), sp.Integer(0)], (Y1, Y2), [[0, 1]]),
    "linear": ([-K * Y1, K * Y1], (Y1, Y2), [[1, 1]]),
    "none": (ZOO["FitzHugh-Nagumo"], (Y1, Y2), []),
    "factors of parameters": ([-K * Y1**2, E * Y1**2], (Y1, Y2), []),
    "irrational factors": ([-sp.pi * Y1**2, Y1**2], (Y1, Y2), []),
}


@pytest.mark.parametrize("name", INVARIANTS)
def test_invariants(name):
    rhs, y, expected = INVARIANTS[name]
    family = make(rhs, y)
    assert family.invariants.shape == (len(expected), len(y))
    assert family.invariants.tolist() == expected
    f = family.rhs(**AT)(0.7, np.random.default_rng(2).uniform(0.5, 1.5, len(y)))
    np.testing.assert_allclose(family.invariants @ f, 0, atol=1e-12 * np.abs(f).max())
    with pytest.raises(ValueError, match="read-only"):
        family.invariants[...] = 0


def test_facts_about_the_shipped_families():
    assert families.robertson().invariants.tolist() == [[1, 1, 1]]
    assert families.chain(3).invariants.shape == (0, 3)
    degrees = {"dho": 0, "duffing": 3, "robertson": 2, "vdp": 3}
    assert {name: getattr(families, name)().polynomial_degree for name in degrees} == degrees


# ------------------------------------------------------------------------------------------------------------ members
@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_robertson_at_40(method):
    t = np.array([0.0, 40.0])
    result = families.robertson().reference(t=t, method=method, k1=0.04, k2=3e7, k3=1e4, rtol=1e-9, atol=1e-12)
    assert result.success
    expected = [0.7158270688, 9.185534765e-6, 0.2841637457]  # Hairer & Wanner II; CVODE's documentation
    np.testing.assert_allclose(result.y[:, 1], expected, rtol=1e-6)


@pytest.mark.parametrize(("method", "given"), [("Radau", True), ("BDF", True), ("LSODA", True), ("RK45", False)])
def test_implicit_methods_get_the_analytic_jacobian(monkeypatch, method, given):
    seen = {}
    monkeypatch.setattr("scipy.integrate.solve_ivp", lambda *_, **options: seen.update(options))
    families.vdp().reference(method=method, mu=10.0)
    assert ("jac" in seen) == given
    if given:
        np.testing.assert_allclose(seen["jac"](0.0, np.array([2.0, 3.0])), [[0, 1], [-121, -30]], rtol=1e-14)


def test_duffing_agrees_with_its_formula():
    f = families.duffing().rhs(alpha=50.0, beta=0.3)
    y = np.array([1.2, -0.4])
    np.testing.assert_allclose(f(2.0, y), [-0.4, 50 * 0.4 - 0.12 - 0.3 * 1.2**3 + np.cos(2.0)], rtol=1e-14)


def test_without_cubic_term_duffing_is_its_linear_part():
    family = families.duffing()
    t, alpha, y1, y2 = sp.symbols("t alpha y1 y2")
    linear = Family(
        name="linear", t=t, y=[y1, y2], rhs=[y2, -alpha * y2 - y1 / 10 + sp.cos(t)], t_span=(0, 10), stiffness=alpha,
        params={alpha: Range((5, 20), (5, 1000))}, y0=[1, 0.5],
    )  # fmt: skip
    times = np.array([0.0, 1.0, 10.0])
    one = family.reference(t=times, alpha=20.0, beta=0.0, rtol=1e-10, atol=1e-12)
    other = linear.reference(t=times, alpha=20.0, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(one.y, other.y, rtol=1e-9)


def test_outside_its_domain_a_right_hand_side_is_nan():
    f, jac = make([-sp.sqrt(Y1), -Y2]).rhs(**AT), make([-sp.log(Y1), -Y2]).jac(**AT)
    assert np.isnan(f(0.0, np.array([-1.0, 1.0]))).all()
    assert np.isnan(jac(0.0, np.array([0.0, 1.0]))).all()


# -------------------------------------------------------------------------------------------------- instruction lists
def test_programs_of_time_states_and_parameters():
    x, y, p = sp.symbols("x y p")
    instructions = to_instructions([x * y + p, y**2, p * sp.exp(p), x], [x, y, p], varying=2)
    assert instructions.varying == 2
    points = np.random.default_rng(5).uniform(0.5, 1.5, (2, 700))
    expected = np.stack([points[0] * points[1] + 3, points[1] ** 2, 0 * points[0] + 3 * np.exp(3), points[0]])
    np.testing.assert_allclose(instructions(points, np.array([3.0])), expected, rtol=1e-15)
    at = instructions.scalar([3.0])
    np.testing.assert_allclose(np.transpose([at(q[0], [q[1]]) for q in points.T.tolist()]), expected, rtol=1e-15)
    assert instructions.depends_on(1).tolist() == [True, True, False, False]
    again = pickle.loads(pickle.dumps(instructions))
    assert again.varying == 2
    np.testing.assert_array_equal(again(points, np.array([3.0])), instructions(points, np.array([3.0])))


@pytest.mark.parametrize("varying", [0, -1, 4])
def test_broken_varying_is_refused(varying):
    with pytest.raises(ValueError, match="varying"):
        Instructions(3, np.ones(1), np.zeros((0, 3), np.int32), np.zeros(1, np.int32), varying)


# -------------------------------------------------------------------------------------------------------------- files
def assert_same(one, other):
    assert json.dumps(one.to_dict()) == json.dumps(other.to_dict())
    assert one.tensors().keys() == other.tensors().keys()
    for key, array in one.tensors().items():
        np.testing.assert_array_equal(array, other.tensors()[key])
    assert other.N.varying == other.J.varying == 1 + other.n
    assert one.invariants.tolist() == other.invariants.tolist()
    assert one.polynomial_degree == other.polynomial_degree


@pytest.mark.parametrize(
    "family", [*(make(rhs) for rhs in ZOO.values()), families.robertson()], ids=[*ZOO, "robertson"]
)
def test_roundtrips(family):
    meta = json.loads(json.dumps(family.to_dict()))
    assert_same(family, Family.from_parts(meta, family.tensors()))
    assert_same(family, pickle.loads(pickle.dumps(family)))


def test_linear_families_have_the_files_that_they_had():
    family = make([Y2, -K * Y1])
    assert family.N is family.J is None
    assert "polynomial_degree" not in family.to_dict()
    assert "invariants" not in family.to_dict()
    assert not any(key.startswith(("family.N", "family.J")) for key in family.tensors())


def change(key, value):
    return lambda meta, tensors: meta.update({key: value})


def drop(prefix):
    return lambda meta, tensors: [tensors.pop(key) for key in [*tensors] if key.startswith(prefix)]


def replace(name, like):
    def spoil(meta, tensors):
        for key in ("code", "constants", "outputs"):
            tensors[f"family.{name}.{key}"] = tensors[f"family.{like}.{key}"]

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        drop("family.N."),
        drop("family.J."),
        lambda meta, tensors: (drop("family.N.")(meta, tensors), drop("family.J.")(meta, tensors)),
        drop("family.N.code"),
        replace("N", "J"),
        replace("J", "N"),
        lambda meta, tensors: tensors.update({"family.N.outputs": np.full(3, 1000, np.int32)}),
        lambda meta, tensors: tensors.update({"family.J.code": np.full((1, 3), 99, np.int32)}),
        lambda meta, tensors: meta.pop("polynomial_degree"),
        change("polynomial_degree", 0),
        change("polynomial_degree", -2),
        change("polynomial_degree", True),
        change("polynomial_degree", 2.0),
        change("polynomial_degree", "2"),
        change("invariants", None),
        change("invariants", []),
        change("invariants", [1, 1, 1]),
        change("invariants", [[1, 1]]),
        change("invariants", [[1, 1, float("nan")]]),
        change("invariants", [["a", 1, 1]]),
        change("invariants", [[1, 1, 1]] * 4),
    ],
)
def test_broken_parts_are_refused(spoil):
    family = families.robertson()
    meta, tensors = json.loads(json.dumps(family.to_dict())), dict(family.tensors())
    spoil(meta, tensors)
    with pytest.raises(stlfast.FileFormatError):
        Family.from_parts(meta, tensors)


def test_a_linear_family_with_a_degree_is_refused():
    family = families.dho()
    with pytest.raises(stlfast.FileFormatError, match="polynomial_degree"):
        Family.from_parts(family.to_dict() | {"polynomial_degree": 2}, family.tensors())


def test_repr_says_nonlinear():
    text = repr(families.vdp())
    for piece in ("'vdp', nonlinear, stiffness mu", "y2' = mu*y2*(1 - y1**2) - y1", "mu: train [5, 50]"):
        assert piece in text


# ----------------------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rhs": [sp.gamma(Y1), Y2]}, r"y1' = gamma.*function gamma .*not supported.*Python function, rhs=f"),
        ({"rhs": [Y1**2, sp.DiracDelta(Y1)]}, r"function DiracDelta .*not supported.*Python function, rhs=f"),
        ({"rhs": [sp.LambertW(Y1), Y2]}, "function LambertW .*not supported"),
        ({"rhs": [sp.log(Y1), Y2], "y0": [0, 1]}, r"not finite .*initial values \[0.0, 1.0\]"),
        ({"rhs": [1 / (Y1 - 3), Y2], "y0_range": [(0, 3), (0, 1)]}, r"not finite .*initial values \[3.0, 0.0\]"),
        ({"rhs": [Y1**2 / (K - 100), Y2]}, "not finite at {'k': 100.0"),
        ({"rhs": [Y1**2, Y2], "jac": lambda t, y, k, E: y}, "jac is given where rhs is a function"),
    ],
)
def test_wrong_expressions(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_the_matrix_exponential_takes_linear_families_only():
    with pytest.raises(
        ValueError, match=r"'duffing' is nonlinear, and the matrix exponential takes linear families only"
    ):
        reference.exact(families.duffing(), np.array([0.0, 1.0]), alpha=10.0, beta=0.5)


def test_a_model_file_without_bands_holds_a_nonlinear_family(tmp_path):
    model = stlfast.load("dho")
    model.family, model.compiled = make([Y2, -(Y1**3)]), dataclasses.replace(model.compiled, bands=())
    model.save(tmp_path / "odd.safetensors")
    assert isinstance(stlfast.load(tmp_path / "odd.safetensors"), stlfast.NonlinearModel)


# ------------------------------------------------------------------------------------------------- a Python function
def relay(t, y, gain, size):
    """Something that SymPy has no instruction for."""
    return np.stack([y[1], -gain * np.sign(y[0]) * np.minimum(np.abs(y[0]), size) - y[1] + np.sin(t)])


def relay_jac(t, y, gain, size):
    zero, one = np.zeros_like(t), np.ones_like(t)
    return np.array([[zero, one], [-gain * (np.abs(y[0]) < size), -one]])


def plain(rhs=relay, **changes):
    arguments = {
        "name": "relay", "t": None, "y": ["y1", "y2"], "rhs": rhs, "t_span": (1, 3), "stiffness": "gain",
        "params": {"gain": Range((1, 10), (1, 100)), "size": Range((0.5, 1), (0.5, 1))}, "y0": [1, 0],
    }  # fmt: skip
    return Family(**{**arguments, **changes})


@pytest.mark.parametrize("jac", [None, relay_jac])
def test_a_python_function_as_right_hand_side(jac):
    family, at = plain(jac=jac), {"gain": 4.0, "size": 0.6}
    t, y = np.array([1.0, 1.5, 3.0]), np.random.default_rng(1).uniform(-1, 1, (2, 3))
    points, p = np.concatenate([(t - 1)[None] / 2, y]), family.check_params(at)
    np.testing.assert_allclose(family.N(points, p), 2 * relay(t, y, **at), rtol=1e-15)
    np.testing.assert_allclose(family.rhs(**at)(1.5, y[:, 1]), relay(t, y, **at)[:, 1], rtol=1e-15)
    if jac is None:
        assert family.J is None
        with pytest.raises(ValueError, match="given no jac"):
            family.jac(**at)
    else:
        np.testing.assert_allclose(family.J(points, p).reshape(2, 2, 3), 2 * relay_jac(t, y, **at), rtol=1e-15)
        np.testing.assert_allclose(family.jac(**at)(1.5, y[:, 1]), relay_jac(t, y, **at)[..., 1], rtol=1e-15)
    assert family.nonlinear
    assert family.polynomial_degree is None
    assert family.invariants.shape == (0, 2)
    assert family.reference(rtol=1e-6, atol=1e-8, **at).success
    assert "y2' = relay(t, y)[1]" in repr(family)


def test_symbols_and_spans_of_parameters_beside_a_python_function():
    k = sp.Symbol("k", positive=True)
    family = plain(
        lambda t, y, k: -k * y**3,
        y=sp.symbols("a b"),
        t_span=(0, 2 * k),
        stiffness=k,
        params={k: Range((1, 2), (1, 9))},
    )
    assert family.t_span_at(k=3.0) == (0, 6)
    np.testing.assert_allclose(family.N(np.array([[0.5], [1.0], [2.0]]), np.array([3.0]))[:, 0], [-18, -144])


def test_a_python_function_pickles_and_has_no_file():
    family = plain(jac=relay_jac)
    again = pickle.loads(pickle.dumps(family))
    point, p = np.array([[0.5], [1.0], [2.0]]), np.array([2.0, 0.7])
    np.testing.assert_array_equal(again.N(point, p), family.N(point, p))
    assert repr(again) == repr(family)
    with pytest.raises(ValueError, match="Python function as rhs, which cannot be written"):
        family.to_dict()


@pytest.mark.parametrize(
    ("rhs", "changes", "message"),
    [
        (
            lambda t, y, gain, size: y[0],
            {},
            r"rhs returned shape \(1,\) for t of shape \(1,\) and y of shape \(2, 1\), ex",
        ),
        (lambda t, y, gain, size: [["a"], ["b"]], {}, "the value of rhs must be an array of real numbers"),
        (lambda t, y, gain, size: y / (y[0] - 1), {}, r"rhs is not finite at t = 1, y = \[1.0, 0.0\]"),
        (relay, {"jac": "2-point"}, "jac must be a function"),
        (relay, {"y": ["y1", "y1"]}, "'y1' stands for two things"),
        (relay, {"params": {"gain": Range((1, 2), (1, 2)), "y": Range((1, 2), (1, 2))}}, "rename the parameter"),
        (relay, {"t_span": (0, sp.Symbol("z"))}, "z is neither a number nor a parameter"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero|invalid value")
def test_wrong_python_functions(rhs, changes, message):
    with pytest.raises(ValueError, match=message):
        plain(rhs, **changes)


def test_where_a_python_function_fails_later():
    family, at = plain(lambda t, y, gain, size: np.where(t > 2, np.nan, -y)), {"gain": 4.0, "size": 0.6}
    with pytest.raises(ValueError, match=r"rhs is not finite at t = 2.5, y = \[1.0, 3.0\]"):
        family.N(np.array([[0.0, 0.75], [1.0, 1.0], [2.0, 3.0]]), family.check_params(at))
    broken = plain(lambda t, y, gain, size: -y if t[0] < 1.5 else y[0])
    with pytest.raises(ValueError, match="rhs returned shape"):
        broken.reference(rtol=1e-3, atol=1e-3, **at)


@pytest.mark.parametrize("reaction", [False, True])
def test_many_states(reaction):
    """A closed line of 100 cells, which diffusion alone leaves the sum of."""
    n = 100
    t, k = sp.symbols("t k")
    u = sp.symbols(f"u1:{n + 1}")
    steps = [k * (u[i + 1] - u[i]) for i in range(n - 1)]
    change = [(steps[i] if i < n - 1 else 0) - (steps[i - 1] if i else 0) for i in range(n)]
    rhs = [change[i] + (u[i] * (1 - u[i]) if reaction else 0) for i in range(n)]
    family = Family("line", t, list(u), rhs, t_span=(0, 2), params={k: Range(1.0, 100.0)}, y0=[0.5] * n)
    A = 2 * 7.0 * (np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1) - np.diag([1.0, *[2.0] * (n - 2), 1.0]))
    np.testing.assert_allclose(family.A(np.zeros(1), np.array([7.0])).reshape(n, n), A + 2.0 * reaction * np.eye(n))
    assert family.invariants.tolist() == ([] if reaction else [[1.0] * n])
    assert family.polynomial_degree == (2 if reaction else 0)
