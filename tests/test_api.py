"""One API over four models: what every model, every result and every family takes and tells alike."""

import pickle

import numpy as np
import pytest
import sympy as sp

import stlfast
from stlfast.results.result import METHODS

T, K = sp.symbols("t k")
U, V = sp.symbols("u v")
MEMBERS = {
    "dho": {"alpha": 75.0},
    "duffing": {"alpha": 50.0, "beta": 0.5},
    "advection_reaction": {"alpha": 50.0},
    "fisher_kpp": {"r": 3.0},
}
TOLD = ("success", "status", "message", "method", "error_bound", "error_estimate", "iterations", "residual")


def decay(**options):
    return stlfast.Family(
        name="decay", t=T, y=[U, V], rhs=[-K * U, K * U - V], t_span=(0.0, 2.0), y0=[1.0, 0.0],
        params={K: stlfast.Range(0.5, 20.0)}, **options,
    )  # fmt: skip


def tank(t, y, k):
    with np.errstate(invalid="ignore"):
        return -k * np.sqrt(y)


@pytest.fixture(scope="module", params=MEMBERS)
def solved(request):
    """A model and its solution."""
    model = stlfast.load(request.param)
    return model, model.solve(**MEMBERS[request.param])


# ------------------------------------------------------------------------------------------------------------ results
def test_every_result_tells_the_same(solved):
    _, solution = solved
    for name in TOLD:
        getattr(solution, name)
    assert solution.method in METHODS
    assert solution.success == (solution.status >= 0)
    assert solution.message.endswith(".")


def test_every_model_takes_the_same_arguments(solved):
    model, solution = solved
    member = MEMBERS[model.family.name]
    again = model.solve(method="reduced", rtol=0.5, atol=0.5, certify=False, fallback=False, **member)
    assert (again.method, again.status) == ("reduced", 1)
    assert "certify=False" in again.message
    with pytest.raises(ValueError, match=r"unknown method 'spectral'; known: .*reduced"):
        model.solve(method="spectral", **member)
    for argument, hint in (("t_eval", "t="), ("args", "by their names"), ("t_span", "belongs to the family")):
        with pytest.raises(stlfast.ParameterError, match=f"no argument {argument}=.*{hint}"):
            model.solve(**{argument: 1.0}, **member)
    assert solution.success


def test_pictures_tables_and_notebooks(solved, tmp_path):
    model, solution = solved
    solution.plot(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    for shown in (model, solution):
        html = shown._repr_html_()
        assert html.startswith("<table>")
        assert model.family.name in html
    values = solution.y if hasattr(solution, "windows") or isinstance(solution, stlfast.Solution) else solution.u
    names = model.family.states if isinstance(model.family, stlfast.Family) else model.family.fields
    pandas = pytest.importorskip("pandas")
    frame = solution.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(names)
    np.testing.assert_array_equal(frame[names[0]].to_numpy(), values[0].ravel())
    pytest.importorskip("xarray")
    dataset = solution.to_xarray()
    np.testing.assert_array_equal(dataset[names[0]], values[0])
    assert dataset.attrs["method"] == solution.method


def test_a_library_that_is_missing_is_named(solved, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        solved[1].to_pandas()


def test_models_and_classes_live_in_the_namespace_of_the_package(solved):
    model, solution = solved
    assert type(model).__module__ == type(solution).__module__ == "stlfast"
    assert b"stlfast.models" not in pickle.dumps(model)
    assert getattr(stlfast, type(solution).__name__) is type(solution)


@pytest.mark.parametrize("observe", [None, "final", "maximum", [0.5, 1.0]])
def test_sweeps_are_sequences_of_answers(observe):
    model = stlfast.load("dho")
    alpha = np.array([2.0, 30.0, 400.0])
    many = model.solve_many([1.0, 0.5], alpha=alpha, observe=observe)
    assert len(many) == len(list(many)) == 3
    np.testing.assert_array_equal(many.params["alpha"], alpha)
    assert many.method.tolist() == ["reduced"] * 3
    last = many[-1]
    np.testing.assert_array_equal(last.y, many.y[2])
    assert last.params == {"alpha": 400.0}
    for name in TOLD:
        getattr(last, name)
    with pytest.raises(IndexError, match="row 3 of 3"):
        many[3]
    assert many._repr_html_().startswith("<table>")
    many.plot()


def test_a_sweep_says_which_rows_went_to_the_full_dictionary():
    model = stlfast.load("dho")
    many = model.solve_many(alpha=[2.0, 400.0], method="full")
    assert many.method.tolist() == ["full", "full"]
    single = [model.solve(alpha=a, rtol=1e-12, atol=1e-12).method for a in (2.0, 400.0)]
    assert model.solve_many(alpha=[2.0, 400.0], rtol=1e-12, atol=1e-12).method.tolist() == single


def test_a_sweep_says_which_rows_went_to_windows():
    model = stlfast.load("duffing")
    many = model.solve_many([[1.0, 0.5], [3.5, 0.0]], alpha=20.0, beta=0.5, extrapolate=True)
    assert many.method[0] == "reduced"
    assert set(many.method) <= {"reduced", "windows", "radau"}
    alone = model.solve_many([3.5, 0.0], alpha=20.0, beta=0.5, extrapolate=True, method="reduced")
    assert alone.method.tolist() == ["reduced"]


def test_sweeps_of_fields_are_sequences_too():
    many = stlfast.load("advection_reaction").solve_many(alpha=[10.0, 100.0])
    assert [row.params["alpha"] for row in many] == [10.0, 100.0]
    assert many[1].success
    assert many[0].u.shape == many.u.shape[1:]
    assert many.method.tolist() == ["reduced", "reduced"]


# ------------------------------------------------------------------------------------------------------------- ranges
def test_a_range_of_two_numbers_is_a_solve_range():
    assert stlfast.Range(0.1, 10) == stlfast.Range(solve=(0.1, 10.0))
    assert stlfast.Range(0.1, 10).train is None
    assert stlfast.Range((1, 10), (1, 1000)) == stlfast.Range(train=(1, 10), solve=(1, 1000))
    with pytest.raises(ValueError, match=r"a Range needs two numbers, Range\(0.1, 10.0\)"):
        stlfast.Range(1.0)
    with pytest.raises(ValueError, match="low <= high"):
        stlfast.Range(2.0, 1.0)


def test_stiffness_is_optional():
    assert decay().stiffness == "k"
    assert decay(stiffness=K).stiffness == "k"
    two = stlfast.Family(
        name="two", t=T, y=[U], rhs=[-K * U + V], t_span=(0, 1), y0=[1.0],
        params={V: stlfast.Range(-1.0, 1.0), K: stlfast.Range(1.0, 50.0)},
    )  # fmt: skip
    assert two.stiffness == "k"
    none = stlfast.Family(
        name="none", t=T, y=[U], rhs=[-U + V], t_span=(0, 1), y0=[1.0], params={V: stlfast.Range(-1.0, 1.0)}
    )
    assert none.stiffness is None
    assert "no stiffness parameter" in repr(none)
    assert stlfast.Windows(none).solve(v=-0.5).success


def test_a_family_without_train_ranges_cannot_train():
    with pytest.raises(ValueError, match=r"train ranges, and there is none for k.*compile\(family\) goes without"):
        stlfast.train_body(decay())


def test_families_need_initial_values():
    with pytest.raises(ValueError, match="needs y0"):
        stlfast.Family(name="a", t=T, y=[U], rhs=[-K * U], t_span=(0, 1), params={K: stlfast.Range(1, 2)})


@pytest.mark.parametrize("name", MEMBERS)
def test_the_ends_of_a_range_are_inside_but_for_rounding(name):
    model = stlfast.load(name)
    member = MEMBERS[name]
    parameter, ends = next((key, model.family.params[key].solve) for key in member)
    beyond = {**member, parameter: np.nextafter(ends[1], np.inf)}
    exact = {**member, parameter: ends[1]}
    values = "y" if isinstance(model.family, stlfast.Family) else "u"
    np.testing.assert_array_equal(getattr(model.solve(**beyond), values), getattr(model.solve(**exact), values))
    with pytest.raises(stlfast.ParameterError, match="is outside"):
        model.solve(**{**member, parameter: ends[1] * (1 + 1e-12)})


def test_a_third_of_a_range_in_steps_of_floats():
    family = stlfast.Family(
        name="steps", t=T, y=[U], rhs=[-K * U], t_span=(0, 1), y0=[1.0], params={K: stlfast.Range(0.5, 0.7)}
    )
    assert family.check_params({"k": 0.7 - 0.2})[0] == 0.5
    sweep = stlfast.load("dho").solve_many(alpha=[np.nextafter(1.0, 0.0), 2.0])
    assert sweep.params["alpha"][0] == 1.0


def test_arrays_of_one_element_are_numbers():
    model = stlfast.load("dho")
    np.testing.assert_array_equal(model.solve(alpha=np.array([75.0])).y, model.solve(alpha=75.0).y)
    np.testing.assert_array_equal(model.at(alpha=np.array([[75.0]])).solve().y, model.at(alpha=75.0).solve().y)
    with pytest.raises(stlfast.ParameterError, match="must be one number"):
        model.solve(alpha=np.array([75.0, 76.0]))


def test_output_times_are_a_keyword():
    with pytest.raises(TypeError, match="positional argument"):
        stlfast.load("dho").solve((0, 10), [1, 0.5], alpha=75.0)


def test_one_field_may_leave_out_its_axis():
    model = stlfast.load("fisher_kpp")
    profile = lambda x: 1 / (1 + np.exp(8 * (x - 0.4)))  # noqa: E731
    whole = model.solve(lambda x: profile(x)[None], r=3.0)
    np.testing.assert_array_equal(model.solve(profile, r=3.0).u, whole.u)
    x = np.linspace(*model.family.domain[0], 400)
    np.testing.assert_array_equal(model.solve((x, profile(x)), r=3.0).u, model.solve((x, profile(x)[None]), r=3.0).u)


def test_a_function_that_leaves_its_domain_is_reported_as_a_sympy_one_is():
    family = stlfast.Family(
        name="tank", t=None, y=["h"], rhs=tank, t_span=(0.0, 10.0), params={"k": stlfast.Range(0.1, 1.0)}, y0=[1.0]
    )
    h = sp.Symbol("h")
    symbolic = stlfast.Family(
        name="tank", t=T, y=[h], rhs=[-K * sp.sqrt(h)], t_span=(0.0, 10.0), params={K: stlfast.Range(0.1, 1.0)},
        y0=[1.0],
    )  # fmt: skip
    for each in (family, symbolic):
        solution = stlfast.Windows(each).solve(k=1.0)
        assert not solution.success
        assert "may not exist beyond it" in solution.message
        assert "t = 2" in solution.message or "t = 1.9" in solution.message


# ------------------------------------------------------------------------------------------------------------ compile
def test_compile_takes_every_kind_of_family():
    x, t, k = sp.symbols("x t k")
    u = sp.Function("u")(x, t)
    options = {
        "domain": {x: (0, 1)}, "t_span": (0, 1), "params": {k: stlfast.Range(0.1, 1.0)}, "initial": [sp.sin(sp.pi * x)],
        "boundary": [stlfast.Dirichlet(x, "low", [0]), stlfast.Dirichlet(x, "high", [0])],
    }  # fmt: skip
    heat = stlfast.PDEFamily(name="heat", t=t, x=[x], u=[u], rhs=[k * u.diff(x, 2)], **options)
    small = {"space": 12, "time": 16, "degrees": 6}
    assert isinstance(stlfast.compile(heat, **small), stlfast.PDEModel)
    assert isinstance(stlfast.compile_pde(heat, **small), stlfast.PDEModel)
    assert isinstance(stlfast.compile_nonlinear_pde(heat, **small), stlfast.PDEModel)
    with pytest.raises(ValueError, match="without a body"):
        stlfast.compile(heat, stlfast.load("dho").body)
    assert isinstance(stlfast.compile(decay()), stlfast.Model)
    with pytest.raises(TypeError, match="compile has no option dilation for ODEs; known: dilations, points"):
        stlfast.compile(decay(), dilation=[1.0])
    with pytest.raises(TypeError, match="compile has no option points for linear PDEs; known: space, time"):
        stlfast.compile(heat, points=100)


def test_a_linear_pde_with_a_source_compiles():
    x, t, k = sp.symbols("x t k")
    u = sp.Function("u")(x, t)
    family = stlfast.PDEFamily(
        name="heated", t=t, x=[x], u=[u], rhs=[k * u.diff(x, 2) + sp.sin(sp.pi * x)], domain={x: (0, 1)}, t_span=(0, 1),
        params={k: stlfast.Range(0.5, 1.0)}, initial=[sp.sin(sp.pi * x)],
        boundary=[stlfast.Dirichlet(x, "low", [0]), stlfast.Dirichlet(x, "high", [0])],
    )  # fmt: skip
    model = stlfast.compile(family, space=12, time=16, profiles=8, degrees=2)
    assert isinstance(model, stlfast.NonlinearPDEModel)
    solution = model.solve(k=0.7)
    assert (solution.success, solution.method) == (True, "reduced")
    rate = 0.7 * np.pi**2
    exact = np.sin(np.pi * solution.x)[:, None] * (1 / rate + (1 - 1 / rate) * np.exp(-rate * solution.t))
    assert np.abs(solution.u[0] - exact).max() < 1e-3


def test_a_family_without_a_body_is_solved_to_its_tolerance():
    model = stlfast.compile(decay())
    for k in (0.5, 3.3, 20.0):
        solution = model.solve([0.3, -1.0], k=k)
        truth = model.family.reference([0.3, -1.0], solution.t, k=k).y
        assert solution.success
        assert np.abs(solution.y - truth).max() < 1e-7
        assert (np.abs(solution.y - truth).max(axis=1) <= solution.error_bound + 1e-11).all()


def test_equal_compilations_are_equal_files(tmp_path):
    for name in ("one", "two"):
        model = stlfast.compile(decay())
        assert model.compile_seconds > 0
        model.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    again = stlfast.load(str(tmp_path / "one"), stlfast.Model)
    assert again.family.params["k"].train is None
    np.testing.assert_array_equal(again.solve(k=3.0).y, model.solve(k=3.0).y)


def test_a_loose_model_has_a_loose_tolerance_and_says_so():
    model = stlfast.compile(decay(), tol=1e-3)
    solution = model.solve(k=7.0)
    assert solution.success
    assert "rtol = 0.001, which is what the model was compiled for" in solution.message
    assert "compiled for" not in model.solve(k=7.0, rtol=1e-3).message
    assert model.solve_many(k=[1.0, 7.0]).success.all()


def test_progress_is_a_bar_or_a_function(capsys):
    seen = []
    stlfast.compile(decay(), progress=seen.append)
    assert seen[-1] == pytest.approx(1.0)
    assert all(0 <= share <= 1 for share in seen)
    stlfast.compile(decay(), progress=True)
    assert "compiling decay" in capsys.readouterr().err
    with pytest.raises(ValueError, match="progress must be True, False or a function"):
        stlfast.compile(decay(), progress="bar")


def test_load_of_a_kind():
    assert isinstance(stlfast.load("dho", stlfast.Model), stlfast.Model)
    with pytest.raises(ValueError, match="'dho' holds a Model, not a PDEModel"):
        stlfast.load("dho", stlfast.PDEModel)


def test_reduced_is_another_name_for_a_method():
    dho, duffing = stlfast.load("dho"), stlfast.load("duffing")
    assert dho.solve(alpha=3.0, reduced=False).method == dho.solve(alpha=3.0, method="full").method == "full"
    assert duffing.solve(alpha=50.0, beta=0.5, reduced=True).method == "reduced"
    with pytest.raises(ValueError, match="contradict each other"):
        dho.solve(alpha=3.0, reduced=True, method="full")
    with pytest.raises(ValueError, match="contradict each other"):
        duffing.solve(alpha=50.0, beta=0.5, reduced=True, method="newton")


def test_reprs_end_in_something():
    assert not repr(stlfast.compile(decay())).rstrip().endswith("None")
