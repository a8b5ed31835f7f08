"""Families of partial differential equations: exact solutions, the split, every refusal, files without SymPy."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import slow
import sympy as sp

import stlfast
from stlfast import Dirichlet, Inflow, Neumann, PDEFamily, Periodic, Range, families
from stlfast.equations.pde.equations import Term

X, Y, T, A, E = sp.symbols("x y t alpha E")
U, V = (sp.Function(name)(X, T) for name in "uv")
W = sp.Function("w")(X, Y, T)
BOX = {X: (0, 1), Y: (0, 2)}
PERIODIC = [Periodic(X), Periodic(Y)]


def make(rhs=None, u=(U,), **changes):
    """A small valid family, the heat equation with a decay, with some arguments changed."""
    arguments = {
        "name": "test", "t": T, "x": [X], "u": list(u), "rhs": rhs or [U.diff(X, 2) - A * U],
        "domain": {X: (0, 1)}, "t_span": (0, 2), "stiffness": A,
        "params": {A: Range((1, 10), (1, 100)), E: Range((0.5, 2), (0.5, 2))}, "initial": [0] * len(u),
        "boundary": [Dirichlet(X, side, [0] * max(1, len(u))) for side in ("low", "high")],
    }  # fmt: skip
    return PDEFamily(**{**arguments, **changes})


def make2(rhs, **changes):
    return make(rhs, **{"u": [W], "x": [X, Y], "domain": BOX, "boundary": PERIODIC, **changes})


# ------------------------------------------------------------------------------------------------- exact solutions
def reaction(alpha, t):
    """e^{R t} of R = alpha R0, with R0² = −3/2 R0."""
    R0 = sp.Matrix([[-1, sp.Rational(1, 2)], [1, sp.Rational(-1, 2)]])
    return sp.eye(2) + (1 - sp.exp(-3 * alpha * t / 2)) * 2 / 3 * R0


def advection_reaction_solution():
    z = 2 * sp.pi * (X - T)
    return list(reaction(A, T) * sp.Matrix([1 + sp.sin(z) / 2, sp.Rational(1, 2) + sp.cos(z) / 4]))


def plane_wave():
    k, m = 2 * sp.pi, 4 * sp.pi
    wave = sp.exp(-(k**2 + m**2) * T / 100) * sp.cos(k * (X - T) + m * (Y - T / 2))
    return [wave * part for part in reaction(A, T) * sp.Matrix([3, -1])]


def front():
    r, D = sp.Symbol("r"), sp.Rational(1, 100)
    z = X - 5 * sp.sqrt(D * r / 6) * T
    return [(1 + sp.exp(z * sp.sqrt(r / (6 * D)))) ** -2]  # Ablowitz & Zeppetella (1979)


def manufactured():
    """A family with everything: coefficients of x, y and t, mixed derivatives, a source and a nonlinear term."""
    u, v = (sp.Function(name)(X, Y, T) for name in "uv")
    exact = {u: sp.exp(-T) * sp.sin(sp.pi * X) * (1 + Y), v: sp.cos(T + X * Y) + 2}

    def linear(u, v):
        return [
            (1 + A * X * Y) * u.diff(X, 2) + sp.sin(T) / 4 * u.diff(X, Y) + 3 * u.diff(Y, 2) - A * sp.exp(-E) * v * X,
            (X - E * A) * v.diff(X) + 2 * v.diff(X, 2) + sp.exp(X) * v.diff(Y, 2) + A * u - u * T + E**2 * v.diff(Y),
        ]

    nonlinear = [-A * u**2 * v, sp.exp(-u) * E + X * u * v]
    at = list(exact.values())
    source = [s.diff(T) - f - N for s, f, N in zip(at, linear(*at), [N.subs(exact) for N in nonlinear], strict=True)]
    rhs = [f + N + b for f, N, b in zip(linear(u, v), nonlinear, source, strict=True)]
    ends = [Dirichlet(xi, side, [0, 1]) for xi in (X, Y) for side in ("low", "high")]
    family = make(rhs, u=(u, v), x=[X, Y], domain=BOX, boundary=ends, initial=[s.subs(T, 0) for s in at])
    return family, at


EXACT = {
    "advection_reaction": (families.advection_reaction(), advection_reaction_solution()),
    "advection_diffusion_reaction_2d": (families.advection_diffusion_reaction_2d(), plane_wave()),
    "fisher_kpp": (families.fisher_kpp(), front()),
    "manufactured": manufactured(),
}


def values(exprs, family, points, p):
    """Expressions (n) at points (d + 1, N), by SymPy and NumPy: (n, N)."""
    symbols = sp.symbols([*family.coordinates, family.time, *family.params])
    results = sp.lambdify(symbols, list(exprs), "numpy")(*points, *p)
    return np.array([np.broadcast_to(result, points.shape[1:]) for result in results])


def sample(family, N=40):
    rng = np.random.default_rng(3)
    low, high = np.array([*family.domain.tolist(), family.t_span]).T
    return rng.uniform(low[:, None], high[:, None], (family.d + 1, N))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("name", EXACT)
def test_exact_solution_satisfies_the_coded_equation(name, share):
    family, exact = EXACT[name]
    p = np.array([low + share * (high - low) for low, high in (r.solve for r in family.params.values())])
    points = sample(family)
    at = sp.symbols(family.coordinates)
    derivatives = {
        order: values([s.diff(*zip(at, order, strict=True)) for s in exact], family, points, p)
        for order in {*family.partials, (0,) * family.d}
    }
    expected = values([s.diff(T) for s in exact], family, points, p)
    result = family.rhs_at(points, derivatives, p)
    scale = 1 + np.abs(expected).max() + sum(np.abs(u).max() for u in derivatives.values())
    np.testing.assert_allclose(result, expected, atol=1e-13 * scale * (1 + np.abs(p).max()))


@pytest.mark.parametrize("name", ["advection_reaction", "manufactured"])
def test_default_initial_values(name):
    family, exact = EXACT[name]
    points, p = sample(family), np.array([r.solve[0] for r in family.params.values()])
    points[-1] = family.t_span[0]
    np.testing.assert_allclose(family.initial_at(points[:-1], p), values(exact, family, points, p), atol=1e-14)


# ------------------------------------------------------------------------------------------------------- the split
def test_terms_go_where_they_belong():
    family = make(
        [
            A * U.diff(X, 2) + X * U.diff(X) + E * V + sp.sin(T) * A,
            3 * V.diff(X, 2) - 2 * A * V.diff(X, 2) * (0 * X) - A * T * U - A * V**3 + E,
        ],
        u=(U, V),
    )
    assert family.partials == ((0,), (1,), (2,))
    assert family.fields == ("u", "v")
    assert {(term.equation, term.field, term.order) for term in family.terms} == {
        (0, 0, (2,)), (0, 0, (1,)), (0, 1, (0,)), (1, 1, (2,)), (1, 0, (0,)),
    }  # fmt: skip
    p, points = family.check_params({"alpha": 7.0, "E": 1.5}), np.array([[0.25], [0.5]])
    assert sorted(family.theta_at(p)) == [1.0, 1.5, 7.0]
    matrices = {order: matrix[:, :, 0].tolist() for order, matrix in family.matrices_at(points, p).items()}
    assert matrices == {(0,): [[0, 1.5], [-3.5, 0]], (1,): [[0.25, 0], [0, 0]], (2,): [[7, 0], [0, 3]]}
    np.testing.assert_allclose(family.source(points, p)[:, 0], [7 * np.sin(0.5), 1.5])
    states = np.array([[0.25], [0.5], [5.0], [2.0]])
    np.testing.assert_allclose(family.N(states, p)[:, 0], [0, -7 * 8])
    np.testing.assert_allclose(family.J(states, p)[:, 0], [0, 0, 0, -7 * 12])
    assert family.nonlinear
    assert family.polynomial_degree == 3
    assert not family.constant_coefficients


def test_parts_are_shared_between_terms():
    family = families.advection_reaction()
    assert len(family.theta.outputs) == 2  # 1 and alpha
    assert Term(part=1, equation=0, field=0, order=(1,)) in family.terms
    assert family.polynomial_degree == 0
    assert family.source is None
    assert family.N is None
    assert family.J is None
    assert family.constant_coefficients


@pytest.mark.parametrize(
    ("coefficient", "parts"),
    [(A + E, 2), ((A + X) * (E + T), 4), (A * sp.exp(A + X), 1), ((A + X) ** 2, 3), (2 * A - sp.sqrt(A) / 3, 2)],
)
def test_affine_parts_sum_to_the_coefficient(coefficient, parts):
    family = make([U.diff(X, 2) * A + coefficient * U])
    assert len({term.part for term in family.terms if term.order == (0,)}) == parts
    p, points = np.array([1.7, 0.6]), sample(family)
    expected = values([coefficient], family, points, p)[0]
    np.testing.assert_allclose(family.matrices_at(points, p)[(0,)][0, 0], expected, rtol=1e-13)


def test_derivatives_of_products_are_expanded():
    family = make([sp.Derivative((1 + X) * sp.Derivative(U, X), X) - A * U])
    matrices = family.matrices_at(np.array([[0.5], [0.0]]), np.array([1.0, 1.0]))
    assert {order: matrix[0, 0, 0] for order, matrix in matrices.items()} == {(0,): -1, (1,): 1, (2,): 1.5}


def test_programs_agree_with_a_slow_evaluation():
    family, _ = EXACT["manufactured"]
    points, p = sample(family), np.array([2.0, 0.7])
    states = np.concatenate([points, np.full((2, points.shape[1]), 0.3)])
    np.testing.assert_allclose(family.source(points, p), slow.evaluate(family.source, points, p), rtol=1e-12)
    np.testing.assert_allclose(family.J(states, p), slow.evaluate(family.J, states, p), rtol=1e-12)


# -------------------------------------------------------------------------------------------------------- refusals
REFUSED = [
    ({"rhs": [U.diff(X, 3) - A * U]}, "u_t has Derivative.* order 3"),
    ({"rhs": [U.diff(X, 2) + U.diff(T)]}, "u_t has the time derivative"),
    ({"rhs": [U.diff(X, 2) - U * U.diff(X)]}, r"term -u\*u_x, which is nonlinear in derivatives.*linearise"),
    ({"rhs": [U.diff(X, 2) + A * U.diff(X) ** 2]}, r"alpha\*u_x\*\*2"),
    ({"rhs": [U.diff(X, 2) + sp.exp(A * X) * U]}, r"coefficient exp\(alpha\*x\) of u .*does not separate"),
    ({"rhs": [U.diff(X, 2) / (A + X)]}, "of u_xx in the equation of u_t mixes"),
    ({"rhs": [U.diff(X, 2) + sp.gamma(U)]}, "gamma"),
    ({"rhs": [U.diff(X, 2) + sp.Symbol("k") * U]}, "k is neither a coordinate"),
    ({"rhs": [U.diff(X, 2) + U.subs(X, 0)]}, r"u\(0, t\): a field can only be taken at the point itself"),
    ({"rhs": [U.diff(X, 2) + V]}, "v is not supported|function v"),
    ({"rhs": [V.diff(X, 2)]}, "no derivative of one of the fields"),
    ({"rhs": [-A * U]}, "no derivative in space.*stlfast.Family"),
    ({"rhs": [U, U]}, "1 fields need 1 right-hand sides, got 2"),
    ({"rhs": U}, "rhs must be a list"),
    ({"rhs": ["u"]}, "must be a SymPy expression or a number"),
    ({"u": [sp.Symbol("u")]}, r"must be functions of \(x, t\), got u"),
    ({"u": [sp.Function("u")(X)]}, r"must be functions of \(x, t\)"),
    ({"u": []}, "at least one field"),
    ({"x": [X, Y, sp.Symbol("z")]}, "one or two space coordinates"),
    ({"x": []}, "one or two space coordinates"),
    ({"initial": [T]}, "initial values: t is neither a space coordinate"),
    ({"initial": [0, 0]}, "one expression for each of 1 fields, got 2"),
    ({"initial": [1 / X]}, "initial values are not finite"),
    ({"rhs": [U.diff(X, 2) + U / X]}, "a coefficient is not finite"),
    ({"rhs": [U.diff(X, 2) + A / X]}, "the source is not finite"),
    ({"rhs": [U.diff(X, 2) - sp.log(U)]}, "N of the initial values is not finite"),
    ({"rhs": [-U.diff(X, 2)]}, "negative diffusivity.*forward in time"),
    ({"domain": {X: (1, 1)}}, "low < high"),
    ({"domain": {Y: (0, 1)}}, "domain must be a dict"),
    ({"domain": (0, 1)}, "domain must be a dict"),
    ({"domain": {X: (0, A)}}, "must be a pair"),
    ({"t_span": (1, 0)}, "low <= high"),
    ({"stiffness": "beta"}, "no parameter"),
    ({"params": {A: (1, 2)}}, "must be a stlfast.Range"),
    ({"params": {A: Range((1, 2), (1, 2)), sp.Symbol("u0"): Range((1, 2), (1, 2))}}, "'u0', which is an argument"),
    ({"params": {A: Range((1, 2), (1, 2)), sp.Symbol("u"): Range((1, 2), (1, 2))}}, "stands for two things"),
    ({"params": {A: Range((1, 2), (1, 2)), sp.Symbol("u_xx"): Range((1, 2), (1, 2))}}, "stands for two things"),
    ({"params": {A: Range((1, 2), (1, 2)), sp.Symbol("cells"): Range((1, 2), (1, 2))}}, "'cells', which is"),
    ({"params": {A: Range((1, 2), (1, 2)), sp.Symbol("kinks"): Range((1, 2), (1, 2))}}, "'kinks', which is"),
    ({"params": {A: Range((1, 2), (1, 2)), sp.Symbol("data"): Range((1, 2), (1, 2))}}, "'data', which is"),
    ({"name": ""}, "non-empty string"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_cannot_be_defined_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_mixed_derivatives_need_the_pure_ones():
    with pytest.raises(ValueError, match="negative diffusivity"):
        make2([W.diff(X, Y) - A * W])
    assert (1, 1) in make2([W.diff(X, 2) + W.diff(X, Y) + W.diff(Y, 2) - A * W]).partials


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": 2.0}, "missing parameter E"),
        ({"alpha": 2.0, "E": 1.0, "beta": 0}, "unknown parameter beta"),
        ({"alpha": 101, "E": 1.0}, r"alpha = 101.0 is outside \[1, 100\]"),
        ({"alpha": np.nan, "E": 1.0}, "not finite"),
        ({"alpha": "a", "E": 1.0}, "must be one number"),
    ],
)
def test_wrong_parameters_are_named(params, message):
    family = make()
    with pytest.raises(stlfast.ParameterError, match=message):
        family.check_params(params)


def test_it_is_immutable():
    family = make()
    with pytest.raises(AttributeError):
        family.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        family.domain[0, 0] = 5
    with pytest.raises(TypeError):
        family.params["alpha"] = None


# ----------------------------------------------------------------------------------------------------------- files
def same(one, other):
    assert one.to_dict() == other.to_dict()
    first, second = one.tensors(), other.tensors()
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", EXACT)
def test_families_survive_pickling_and_files(name):
    family, _ = EXACT[name]
    same(family, pickle.loads(pickle.dumps(family)))
    same(family, PDEFamily.from_parts(json.loads(json.dumps(family.to_dict())), family.tensors()))


def test_a_family_in_a_file_needs_no_sympy(tmp_path):
    path = tmp_path / "family.pickle"
    path.write_bytes(pickle.dumps(families.fisher_kpp()))
    script = (
        "import pickle, sys, numpy as np\n"
        f"family = pickle.load(open({str(path)!r}, 'rb'))\n"
        "print(family.initial_at(np.zeros((1, 1)), np.array([2.0]))[0, 0], 'sympy' in sys.modules, repr(family)[:9])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["0.5", "False", "PDEFamily"]


def broken(change):
    family = make([U.diff(X, 2) - A * U**3])
    meta, tensors = json.loads(json.dumps(family.to_dict())), family.tensors()
    change(meta, tensors)
    return meta, tensors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, t: m.pop("terms"), "missing entries"),
        (lambda m, t: m.update(kind="ode"), "kind must be 'pde'"),
        (lambda m, t: m.update(more=1), "unknown entries"),
        (lambda m, t: m.update(fields=["x"]), "distinct names"),
        (lambda m, t: m.update(domain=[]), "a pair for each"),
        (lambda m, t: m.update(domain=[[1, 0]]), "low <= high"),
        (lambda m, t: m.update(terms=[[0, 0, 0, 3]]), "out of range"),
        (lambda m, t: m.update(terms=[[9, 0, 0, 2]]), "out of range"),
        (lambda m, t: m.update(terms=[[0, 0, 0]]), "whole numbers"),
        (lambda m, t: m.update(terms=m["terms"] * 2), "2 terms and 1 coefficients"),
        (lambda m, t: m.update(polynomial_degree=0), "polynomial_degree"),
        (lambda m, t: m["conditions"][0].update(side="left"), "condition 0 of the family is broken"),
        (lambda m, t: m["conditions"][0].update(fields=[1]), "condition 0"),
        (lambda m, t: m["conditions"].pop(), "unknown tensor"),
        (lambda m, t: m["conditions"][0].update(side="high"), "exactly one condition"),
        (lambda m, t: t.pop("family.N.code"), "needs code, constants and outputs"),
        (lambda m, t: [t.pop(f"family.J.{k}") for k in ("code", "constants", "outputs")], "N with J"),
        (lambda m, t: [t.pop(f"family.boundary1.{k}") for k in ("code", "constants", "outputs")], "condition 1"),
        (lambda m, t: t.update({"family.source.code": t["family.J.code"]}), "needs code"),
        (lambda m, t: t.update({"family.J.outputs": np.zeros(2, dtype=np.int32)}), "must have 1 outputs"),
    ],
)
def test_broken_files_are_refused(change, message):
    with pytest.raises(stlfast.FileFormatError, match=message):
        PDEFamily.from_parts(*broken(change))


def test_it_shows_what_it_is():
    text = repr(families.advection_reaction())
    for part in ("PDEFamily 'advection_reaction'", "u1_t = ", "x in [0, 1], t in [0, 1]", "inflow at x = 0: u1, u2"):
        assert part in text


def test_conditions_of_all_kinds_survive_files():
    family = make(
        [U.diff(X, 2) - A * U, -V.diff(X)], u=(U, V),
        boundary=[Dirichlet(X, "low", [sp.sin(T), None]), Neumann(X, "high", [A, None]), Inflow(X, "low", [None, E])],
    )  # fmt: skip
    again = pickle.loads(pickle.dumps(family))
    same(family, again)
    assert [(c.kind, c.axis, c.side, c.fields) for c in again.conditions] == [
        ("dirichlet", 0, "low", (0,)), ("neumann", 0, "high", (0,)), ("inflow", 0, "low", (1,)),
    ]  # fmt: skip
    assert again.conditions[1].values(np.zeros((2, 1)), np.array([3.0, 1.0]))[0, 0] == 3.0
