"""Families: what SymPy derives, against independent formulas; every refusal; files without SymPy."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import slow
import sympy as sp

import stlfast
from stlfast import Family, Range
from stlfast.equations.program import Instructions, to_instructions

T, ALPHA, Y1, Y2 = sp.symbols("t alpha y1 y2")


def make(**changes):
    """A small valid family, with some arguments changed."""
    arguments = {
        "name": "test", "t": T, "y": [Y1, Y2], "rhs": [Y2, -Y1 - ALPHA * Y2], "t_span": (0, 2), "stiffness": ALPHA,
        "params": {ALPHA: Range((1, 10), (1, 100))}, "y0": [1, 0.5],
    }  # fmt: skip
    return Family(**{**arguments, **changes})


def dho_solution(t, alpha):
    A = np.array([[0.0, 1.0], [-1.0, -2.0 * alpha]])
    return np.stack([scipy.linalg.expm(A * s) @ [1.0, 0.5] for s in t], axis=1)


def ncff_solution(t, alpha):
    slow_decay, fast_decay = (2 + 1 / alpha) * np.exp(-t), np.exp(-(alpha + 1) * t) / alpha
    return np.array([np.sin(t) + slow_decay - fast_decay, np.cos(t) + slow_decay + (alpha - 1) * fast_decay])


EXACT = {
    "dho": (stlfast.families.dho(), dho_solution, {}),
    "ncff": (stlfast.families.ncff(), ncff_solution, {"omega": 1.0}),
}


@pytest.mark.parametrize("alpha", [1.0, 7.3, 75.0])
@pytest.mark.parametrize("name", EXACT)
def test_exact_solution_satisfies_the_coded_residual(name, alpha):
    family, solution, others = EXACT[name]
    p = family.check_params({"alpha": alpha, **others})
    t0, t1 = family.t_span_at(alpha=alpha, **others)
    x, h = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 50)]), 1e-20
    y = solution(t0 + (t1 - t0) * (x + 1j * h), alpha)
    y, dy = y.real, y.imag / h  # complex step: no cancellation
    A, b = family.A(x, p).reshape(2, 2, -1), family.b(x, p)
    residual = dy - np.einsum("ijq,jq->iq", A, y) - b
    assert np.abs(residual).max() < 1e-13 * np.abs(dy).max()


@pytest.mark.parametrize("name", EXACT)
def test_reference_agrees_with_the_exact_solution(name):
    family, solution, others = EXACT[name]
    result = family.reference(alpha=20.0, rtol=1e-10, atol=1e-12, **others)
    assert result.success
    assert result.t.shape == (512,)
    np.testing.assert_allclose(result.y, solution(result.t, 20.0), atol=1e-7)


def test_reference_takes_times_initial_values_and_forcing():
    t = np.array([0.0, 0.5, 2.0])
    result = make().reference(y0=[0, 0], t=t, method="RK45", forcing=lambda s: np.array([0 * s, 1 + 0 * s]), alpha=2.0)
    expected = np.array([1 - (1 + t) * np.exp(-t), t * np.exp(-t)])  # y1'' + 2 y1' + y1 = 1
    np.testing.assert_allclose(result.y, expected, atol=1e-9)


# ------------------------------------------------------------------------------------------------- instruction lists
X, P, Q = sp.symbols("x p q")
EXPRESSIONS = [
    X + P - 2 * Q, -P * X / (3 + Q), X**2 - X**7, X**11, (1 + P) ** sp.Rational(-3, 2), sp.sqrt(P * Q) / X,
    P**-2 * X**-3, sp.exp(-P * X), sp.log(1 + X, 10), sp.sin(P * X) * sp.cos(Q * X), sp.tan(X / 3),
    sp.tanh(X - P), sp.Abs(X - Q),
    P**Q + 2**X, sp.pi * X + sp.E, sp.Integer(0), sp.Float(0.1), X, P, -X, -(X + P), sp.Rational(1, 3) * X, 1 / X - 1,
]  # fmt: skip


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_instructions_agree_with_sympy(expr):
    instructions = to_instructions([expr, expr * P], [X, P, Q])
    rng = np.random.default_rng(7)
    x, p, q = rng.uniform(0.1, 2.0, 40), *rng.uniform(0.5, 2.0, 2)
    expected = sp.lambdify([X, P, Q], [expr, expr * P], "numpy")(x, p, q)
    expected = np.array([np.broadcast_to(value, x.shape) for value in expected])
    for values in (instructions(x, np.array([p, q])), slow.evaluate(instructions, x, [p, q])):
        np.testing.assert_allclose(values, expected, rtol=1e-13, atol=1e-15)
    at = instructions.scalar([p, q])
    np.testing.assert_allclose(np.transpose([at(s) for s in x.tolist()]), expected, rtol=1e-13, atol=1e-15)


def test_common_subexpressions_are_computed_once():
    repeated = sp.exp(-P * X)
    instructions = to_instructions([repeated, repeated + 1, (repeated + 1) ** 2], [X, P])
    assert len(instructions.code) == 5  # p·x, −, exp, + 1, square


def test_dependence_on_inputs():
    instructions = to_instructions([X * P, P, sp.Integer(0), sp.Integer(2)], [X, P])
    assert instructions.depends_on(0).tolist() == [True, False, False, False]
    assert instructions.depends_on(1).tolist() == [True, True, False, False]
    assert instructions.is_zero.tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (sp.gamma(X), "gamma"),
        (sp.Heaviside(X), "Heaviside"),
        (sp.Piecewise((X, X > 0), (0, True)), "Piecewise"),
        (X + sp.I, "I is not a finite real number"),
        (X + sp.oo, "not a finite real number|not supported"),
        (sp.Symbol("z") * X, "z in an expression is none of its inputs"),
    ],
)
def test_what_has_no_instruction_is_named(expr, message):
    with pytest.raises(ValueError, match=message):
        to_instructions([expr], [X])


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("constants", np.zeros((1, 1))),
        ("constants", np.zeros(1, dtype=np.float32)),
        ("constants", np.array([np.nan])),
        ("code", np.zeros((1, 2), dtype=np.int32)),
        ("code", np.zeros((1, 3), dtype=np.int64)),
        ("code", np.array([[0, 0, 99]], dtype=np.int32)),
        ("code", np.array([[14, 0, 0]], dtype=np.int32)),
        ("outputs", np.array([7], dtype=np.int32)),
    ],
)
def test_broken_instruction_lists_are_refused(name, array):
    arrays = {"constants": np.ones(1), "code": np.zeros((0, 3), np.int32), "outputs": np.zeros(1, np.int32)}
    Instructions(2, **arrays)
    with pytest.raises(ValueError, match=r"expected|must be|finite"):
        Instructions(2, **{**arrays, name: array})


# ------------------------------------------------------------------------------------------------------ derived parts
def test_rhs_and_jacobian_of_the_shipped_families():
    rng = np.random.default_rng(3)
    for _ in range(5):
        t, y, alpha, omega = rng.uniform(0, 10), rng.normal(size=2), rng.uniform(1, 1000), rng.uniform(0.5, 2)
        dho = [y[1], -y[0] - 2 * alpha * y[1]]
        np.testing.assert_allclose(EXACT["dho"][0].rhs(alpha=alpha)(t, y), dho, rtol=1e-13)
        s, c = np.sin(omega * t), np.cos(omega * t)
        ncff = [-2 * y[0] + y[1] + 2 * s, (alpha - 1) * y[0] - alpha * y[1] + alpha * (c - s)]
        np.testing.assert_allclose(EXACT["ncff"][0].rhs(alpha=alpha, omega=omega)(t, y), ncff, rtol=1e-11, atol=1e-11)


VARYING = {
    "rhs": [sp.cos(T) * Y2 + ALPHA * T, -ALPHA * Y1 - (ALPHA + 1) ** 2 * sp.exp(-T) * Y2 + sp.sin(T)],
    "t_span": (1, 1 + 2 * ALPHA),
}


@pytest.mark.parametrize(
    "changes", [{}, VARYING, {"rhs": [Y2, -Y1 - ALPHA * Y2 + 3]}], ids=["plain", "A(t)", "constant"]
)
def test_jacobian_is_the_derivative_of_the_rhs(changes):
    family = make(**changes)
    f, J = family.rhs(alpha=3.0), family.jac(alpha=3.0)
    t, y, h = 1.7, np.array([0.3, -0.8]), 1e-6
    differences = np.stack([(f(t, y + h * e) - f(t, y - h * e)) / (2 * h) for e in np.eye(2)], axis=1)
    np.testing.assert_allclose(J(t, y), differences, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(family.matrix(t, alpha=3.0), J(t, y), rtol=1e-14)
    np.testing.assert_allclose(f(t, y), J(t, y) @ y + family.forcing(t, alpha=3.0)[:, 0], rtol=1e-14)


def test_time_span_with_parameters():
    family = make(**VARYING)
    assert family.t_span_at(alpha=3.0) == (1.0, 7.0)
    f = family.rhs(alpha=3.0)
    y, t = np.array([0.3, -0.8]), 2.5
    expected = [np.cos(t) * y[1] + 3 * t, -3 * y[0] - 16 * np.exp(-t) * y[1] + np.sin(t)]
    np.testing.assert_allclose(f(t, y), expected, rtol=1e-13)


SEPARABLE = [(ALPHA + 1) ** 2 * sp.cos(T) * Y2 + 3 * Y1, -Y1 / (1 + ALPHA) - 2 * T * Y2 / (2 + 2 * ALPHA)]


@pytest.mark.parametrize("rhs", [[Y2, -Y1 - ALPHA * Y2], SEPARABLE])
def test_affine_parts_sum_to_A(rhs):
    family = make(rhs=rhs)
    x, p = np.linspace(0, 1, 7), np.array([4.7])
    theta, parts = family.theta(0.0, p)[:, 0], family.parts(x, p).reshape(-1, 4, 7)
    np.testing.assert_allclose(np.einsum("q,qeN->eN", theta, parts), family.A(x, p), rtol=1e-14)
    assert not family.theta.depends_on(0).any()
    assert not family.parts.depends_on(1).any()


def test_coefficients_that_are_multiples_share_a_part():
    assert len(make(rhs=[-Y1 / (1 + ALPHA), -3 * Y2 / (2 + 2 * ALPHA)]).theta.outputs) == 1
    assert len(EXACT["dho"][0].theta.outputs) == 2


def test_coefficients_that_do_not_separate():
    family = make(rhs=[Y2, -sp.exp(-ALPHA * T) * Y1])
    assert family.theta is None
    assert family.parts is None
    assert not family.constant_A


def test_constant_A_and_forcing_are_recognised():
    assert [EXACT[name][0].constant_A for name in EXACT] == [True, True]
    assert [EXACT[name][0].has_forcing for name in EXACT] == [False, True]
    assert make(rhs=[(sp.sin(T) ** 2 + sp.cos(T) ** 2) * Y1, Y2]).constant_A
    assert not make(**VARYING).constant_A


def test_linear_families_have_no_nonlinear_part():
    for family in (EXACT["dho"][0], EXACT["ncff"][0], make(**VARYING)):
        assert not family.nonlinear
        assert family.N is family.J is None
        assert family.polynomial_degree == 0
    assert make(rhs=[Y2, -Y1 + ALPHA * Y2 - ALPHA * Y1**3]).nonlinear


def test_hidden_linearity_is_recognised():
    np.testing.assert_allclose(make(rhs=[(Y1**2 + Y1) / (Y1 + 1), Y2]).matrix(0.0, alpha=1.0), np.eye(2))


# ----------------------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rhs": [Y2, sp.Symbol("beta") * Y1]}, "beta is neither t, a state nor a parameter"),
        ({"rhs": [Y2, sp.Symbol("alpha", positive=True) * Y1]}, "with other assumptions"),
        ({"y": Y1}, "y must be a list, got y1"),
        ({"rhs": Y2}, "rhs must be a list, got y2"),
        ({"params": [ALPHA]}, "params must be a dict"),
        ({"rhs": [Y2]}, "2 states need 2 right-hand sides, got 1"),
        ({"rhs": ["y2", "y1"]}, "must be a SymPy expression or a number, got 'y2'"),
        ({"rhs": [Y2, sp.gamma(T)]}, "y2' = gamma.*function gamma .* not supported.*Python function, rhs=f"),
        ({"rhs": [Y2, Y1 / T]}, "not finite at"),
        ({"rhs": [Y2, Y1 / (ALPHA - 100)]}, "not finite at {'alpha': 100.0}"),
        ({"y": [Y1, Y1]}, "'y1' stands for two things"),
        ({"y": [Y1, ALPHA]}, "'alpha' stands for two things"),
        ({"y": [], "rhs": [], "y0": []}, "at least one state"),
        ({"y": ["y1", "y2"]}, "must be SymPy symbols, got 'y1'"),
        ({"t_span": (2, 1)}, "increasing and finite"),
        ({"t_span": (0, 50 - ALPHA)}, "increasing and finite"),
        ({"t_span": (0, 1 / (ALPHA - 1))}, "increasing and finite"),
        ({"t_span": (0, T)}, r"t is neither a number nor a parameter"),
        ({"t_span": (0,)}, "must be a pair"),
        ({"t_span": 3.0}, "must be a pair"),
        ({"stiffness": "beta"}, "'beta' is no parameter; the parameters are"),
        ({"params": {ALPHA: Range((0, 10), (0, 100))}}, "must have positive ranges"),
        ({"params": {ALPHA: (1, 10)}}, "must be a stlfast.Range"),
        ({"params": {}}, "neither t, a state nor a parameter"),
        (
            {"params": {ALPHA: Range((1, 2), (1, 2)), sp.Symbol("rtol"): Range((1, 2), (1, 2))}},
            "cannot be called 'rtol'",
        ),
        ({"y0": [1, 2, 3]}, r"shape \(2,\), got \(3,\)"),
        ({"y0": [1, np.nan]}, "must be finite"),
        ({"y0": "ab"}, "must be numbers"),
        ({"y0_range": [(0, 1)]}, r"shape \(2, 2\)"),
        ({"y0_range": [(0, 1), (1, 0)]}, "low <= high"),
        ({"name": ""}, "non-empty string"),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("train", "solve", "message"),
    [
        ((2, 1), (1, 10), "low <= high"),
        ((1, np.inf), (1, np.inf), "finite"),
        ((1, np.nan), (1, 10), "finite"),
        ((1, 20), (1, 10), "must lie within the solve range"),
        ((1, 2, 3), (1, 10), "must be a pair"),
        (("a", "b"), (1, 10), "must be a pair"),
    ],
)
def test_range_refusals(train, solve, message):
    with pytest.raises(ValueError, match=message):
        Range(train, solve)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"beta": 1.0}, "unknown parameter beta: those of 'test' are alpha"),
        ({"alpha": 1.0, "beta": 1.0}, "unknown parameter beta"),
        ({}, "missing parameter alpha"),
        ({"alpha": np.nan}, "not finite"),
        ({"alpha": np.inf}, "not finite"),
        ({"alpha": 100.1}, r"alpha = 100.1 is outside \[1, 100\]"),
        ({"alpha": 0.5}, "outside"),
        ({"alpha": "x"}, "must be one number"),
        ({"alpha": [1.0, 2.0]}, "must be one number"),
        ({"alpha": None}, "must be one number"),
    ],
)
def test_parameters_are_checked(params, message):
    for kind in (KeyError, ValueError, stlfast.ParameterError):
        with pytest.raises(kind, match=message):
            make().check_params(params)


def test_family_is_immutable():
    family = make()
    with pytest.raises(AttributeError):
        family.name = "other"
    with pytest.raises(TypeError):
        family.params["alpha"] = None
    with pytest.raises(ValueError, match="read-only"):
        family.y0[0] = 3.0


def test_repr_shows_equations_and_ranges():
    text = repr(EXACT["dho"][0])
    for piece in ("dho", "y1' = y2", "y1(t0) = 1", "alpha: train [1, 10], solve [1, 1000]"):
        assert piece in text


# -------------------------------------------------------------------------------------------------------------- files
def assert_same(one, other):
    assert json.dumps(one.to_dict()) == json.dumps(other.to_dict())
    assert one.tensors().keys() == other.tensors().keys()
    for key, array in one.tensors().items():
        np.testing.assert_array_equal(array, other.tensors()[key])


@pytest.mark.parametrize("changes", [{}, VARYING, {"rhs": [0, 0]}, {"y0_range": [(0, 1), (0, 2)]}])
def test_roundtrips(changes):
    family = make(**changes)
    meta = json.loads(json.dumps(family.to_dict()))
    assert_same(family, Family.from_parts(meta, family.tensors()))
    assert_same(family, pickle.loads(pickle.dumps(family)))


def test_loading_needs_no_sympy(tmp_path):
    family = EXACT["ncff"][0]
    (tmp_path / "meta.json").write_text(json.dumps(family.to_dict()))
    np.savez(tmp_path / "tensors.npz", **family.tensors())
    script = (
        "import json, sys, numpy as np, stlfast\n"
        "meta = json.load(open('meta.json'))\n"
        "family = stlfast.Family.from_parts(meta, dict(np.load('tensors.npz')))\n"
        "print(family.rhs(alpha=3.0, omega=1.0)(0.5, np.ones(2)).tolist())\n"
        "assert not {'sympy', 'scipy', 'torch'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    np.testing.assert_allclose(json.loads(done.stdout), family.rhs(alpha=3.0, omega=1.0)(0.5, np.ones(2)), rtol=1e-15)


def change(key, value):
    return lambda meta, tensors: meta.update({key: value})


def drop_tensors(prefix):
    return lambda meta, tensors: [tensors.pop(key) for key in [*tensors] if key.startswith(prefix)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda meta, tensors: meta.pop("stiffness"),
        change("surprise", 1),
        change("name", 3),
        change("name", ""),
        change("states", ["y1"]),
        change("states", [1, 2]),
        change("states", ["y1", "y1"]),
        change("equations", ["y1' = y2"]),
        change("stiffness", "beta"),
        change("params", []),
        change("params", ["alpha"]),
        change("params", [{"name": "alpha", "train": [1, 10]}]),
        change("params", [{"name": "alpha", "train": [1, 10], "solve": [1, "x"]}]),
        change("params", [{"name": "alpha", "train": [1, 10], "solve": [2, 5]}]),
        change("params", 2 * [{"name": "alpha", "train": [1, 10], "solve": [1, 100]}]),
        change("y0", [1.0]),
        change("y0", [1.0, float("nan")]),
        change("y0", ["__import__('os')", 1.0]),
        drop_tensors("family.A"),
        drop_tensors("family.b.code"),
        drop_tensors("family.theta"),
        drop_tensors("family.t_span"),
        lambda meta, tensors: tensors.update({"family.C.code": np.zeros((0, 3), np.int32)}),
        lambda meta, tensors: tensors.update({"other": np.zeros(1)}),
        lambda meta, tensors: tensors.update({"family.A.outputs": np.zeros(3, np.int32)}),
        lambda meta, tensors: tensors.update({"family.A.outputs": np.full(4, 1000, np.int32)}),
        lambda meta, tensors: tensors.update(
            {"family.A.constants": np.full_like(tensors["family.A.constants"], np.nan)}
        ),
        lambda meta, tensors: tensors.update({"family.A.constants": np.ones(2, np.float32)}),
    ],
)
def test_broken_parts_are_refused(spoil):
    family = make()
    meta, tensors = json.loads(json.dumps(family.to_dict())), dict(family.tensors())
    spoil(meta, tensors)
    with pytest.raises(stlfast.FileFormatError):
        Family.from_parts(meta, tensors)
