"""The comparison with other solvers: that it compares the same problems, at the accuracy that it says. No timings."""

import importlib
import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from bench import compare, compare_report, driver, native
from bench.contenders import (
    CONTENDERS,
    FIXED,
    FIXED_CPP,
    FIXED_OUT,
    HEYOKA,
    NUMBALSODA,
    NUMBALSODA_LOOP,
    OURS,
    OURS_CPP,
    OURS_CPP_BARE,
    RADAU,
    SWEEP,
    SWEEP_CPP,
    WINDOWS,
    Contender,
)
from bench.peers import Absent, exponential
from bench.problem import AWAY, MANY, PROBLEMS, STIFFNESS
from stlfast.command import app as cli
from stlfast.command import demo
from stlfast.command import quick_bench as bench
from stlfast.measure import timing
from stlfast.measure.exact import exact

# The solvers that do not take seconds to compile.
QUICK = [c for c in CONTENDERS if "stlfast" not in c.name and "paper" not in c.name and "diffrax" not in c.name]
NATIVE = pytest.mark.slow(reason="builds the C++ side of the benchmarks first")
PEERS = ("numbalsoda_lsoda", "heyoka_taylor", "diffrax_kvaerno", "scipy_ivp", pytest.param("cvode", marks=NATIVE))
EFFORT = compare.Effort(alphas=(20.0,), alphas_many=(20.0,), trajectories=6, checked=5, repeats=1, once_from=0.0)
# Some of the solvers warn when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def contender(name):
    return next(c for c in CONTENDERS if c.name == name)


LINEAR, NONLINEAR = ("dho", "ncff"), ("duffing", "robertson", "vdp")


@pytest.fixture(params=LINEAR)
def problem(request):
    return PROBLEMS[request.param]


@pytest.fixture(params=NONLINEAR)
def nonlinear(request):
    return PROBLEMS[request.param]


def test_all_problems_are_tested():
    assert tuple(PROBLEMS) == LINEAR + NONLINEAR


# ------------------------------------------------------------------------------------------------------- same problem
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("peer", PEERS)
def test_right_hand_sides_are_the_familys(peer, name):
    module, problem = importlib.import_module(f"bench.peers.{peer}"), PROBLEMS[name]
    random = np.random.default_rng(3)
    for alpha in problem.alphas or (5.0, 33.0, 1000.0):
        params = {k: v * 0.7 for k, v in problem.others.items()} | {problem.family.stiffness: alpha}
        t, y = random.uniform(0, 10), random.normal(size=problem.family.n)
        try:
            dy = module.rhs(problem, params, t, y)
        except (ImportError, Absent) as reason:
            pytest.skip(str(reason))
        expected = problem.family.rhs(**params)(t, y)
        np.testing.assert_allclose(dy, expected, rtol=1e-13, atol=1e-13 * alpha)


@NATIVE
@pytest.mark.parametrize("name", PROBLEMS)
def test_jacobian_in_cpp_is_the_familys(name):
    try:
        library = native.peers()
    except Absent as reason:
        pytest.skip(str(reason))
    problem, n = PROBLEMS[name], PROBLEMS[name].family.n
    for alpha in problem.alphas or (5.0, 33.0, 1000.0):
        J, y = np.empty((n, n)), np.random.default_rng(4).normal(size=n)
        library.bench_jacobian(*native.member(problem, problem.params(alpha)), y, J)
        expected = problem.family.jac(**problem.params(alpha))(0.0, y)
        np.testing.assert_allclose(J.T, expected, rtol=1e-13, atol=1e-13 * alpha)


@NATIVE
def test_exact_solutions_in_cpp_are_exact(problem):
    y0 = np.random.default_rng(5).normal(size=(3, 2))
    for prepare in (exponential.prepare, exponential.prepare_table):
        try:
            bind = prepare(problem)
        except Absent as reason:
            pytest.skip(str(reason))
        for t in (problem.grid(150.0), problem.points(150.0)):
            y = bind(problem.params(150.0), y0, t, 0.0)(1)
            for start, values in zip(y0, y, strict=True):
                truth = exact(problem.family, t, start, **problem.params(150.0))
                np.testing.assert_allclose(values, truth, atol=1e-11)


def test_truth_for_many_initial_values(problem):
    y0 = np.random.default_rng(7).uniform(0, 5, (2, 2))
    grid = problem.grid(300.0)
    truth = problem.exact(300.0, y0, grid)
    for start, values in zip(y0, truth, strict=True):
        known = problem.family.reference(start, grid, rtol=1e-11, atol=1e-12, **problem.params(300.0))
        np.testing.assert_allclose(values, known.y, atol=1e-8)


# ------------------------------------------------------------------------------------------------------ same accuracy
@NATIVE
@pytest.mark.parametrize("name", [c.name for c in QUICK if c.adaptive])
def test_matched_tolerance_is_the_loosest_that_meets_the_target(name):
    problem, alpha = PROBLEMS["dho"], 20.0
    chosen = contender(name)
    bound, _, absent = compare.prepare(problem, [chosen])
    if absent:
        pytest.skip(absent[name])
    records = compare.measure(problem, STIFFNESS, alpha, bound, EFFORT)
    assert [r["target"] for r in records] == list(compare.TARGETS)
    truth = exact(problem.family, problem.points(alpha), **problem.params(alpha))
    for record in records:
        for tolerance in compare.TOLERANCES:
            run = bound[chosen](problem.params(alpha), problem.family.y0[None], problem.points(alpha), tolerance)
            met = np.abs(run(1)[0] - truth).max() <= record["target"]
            assert met == (tolerance == record["tolerance"])
            if met:
                break
        assert record["error"] <= record["target"]
        assert record["seconds"] > 0


@NATIVE
def test_sweeps_are_solved_for_every_initial_value(problem):
    bound, _, _ = compare.prepare(problem, [c for c in QUICK if MANY in c.queries])
    y0 = compare._starts(problem, MANY, EFFORT)
    assert len(np.unique(y0, axis=0)) == EFFORT.trajectories
    grid = problem.grid(20.0)
    truth = problem.exact(20.0, y0, grid)
    for found, bind in bound.items():
        y = bind(problem.params(20.0), y0, grid, 1e-9)(1)
        np.testing.assert_allclose(y, truth, atol=1e-5, err_msg=found.name)


def test_a_solver_that_fails_meets_no_target():
    def prepare(problem):
        return lambda params, y0, t, tolerance: lambda calls: np.full((*y0.shape, len(t)), np.nan)

    problem, failing = PROBLEMS["dho"], Contender("failing", prepare, adaptive=True)
    bound, _, _ = compare.prepare(problem, [failing])
    assert compare.measure(problem, STIFFNESS, 20.0, bound, EFFORT) == []


def test_ours_is_timed_at_the_accuracy_it_reports():
    problem = PROBLEMS["ncff"]
    bound, _, _ = compare.prepare(problem, [contender(OURS)])
    (record,) = compare.measure(problem, STIFFNESS, 150.0, bound, EFFORT)
    points = problem.points(150.0)
    y = problem.model.solve(t=points, **problem.params(150.0)).y
    assert record["error"] == pytest.approx(np.abs(y - problem.exact(150.0, problem.family.y0[None], points)).max())
    assert record["tolerance"] is None


@NATIVE
@pytest.mark.parametrize("name", [FIXED, FIXED_OUT, SWEEP, SWEEP_CPP, OURS_CPP, OURS_CPP_BARE, FIXED_CPP])
def test_our_other_forms_answer_as_solve_does(name, problem):
    try:
        bind = contender(name).prepare(problem)
    except Absent as reason:
        pytest.skip(str(reason))
    params, y0 = problem.params(77.0), np.array([[1.5, 0.25]])
    for t in (problem.grid(77.0), problem.points(77.0)):
        expected = problem.model.solve(y0[0], t=t, **params).y
        np.testing.assert_allclose(bind(params, y0, t, None)(2)[0], expected, atol=1e-10)


# ---------------------------------------------------------------------------------------------------------- nonlinear
def test_nonlinear_truth_is_known_well_enough(nonlinear):
    alpha = (nonlinear.alphas or (150.0,))[0]
    assert 0 < nonlinear.reference_error(alpha) < 1e-9
    y0, t = nonlinear.family.y0[None], nonlinear.points(alpha)
    truth = nonlinear.exact(alpha, y0, t)
    assert nonlinear.error(alpha, y0, t, truth) == 0
    assert nonlinear.error(alpha, y0, t, np.full_like(truth, np.nan)) == np.inf
    assert set(nonlinear.grid(alpha)) <= set(t)


def test_errors_of_robertson_are_over_the_largest_value():
    problem, alpha = PROBLEMS["robertson"], 3e7
    y0, t = problem.family.y0[None], problem.grid(alpha)
    assert problem.scale(alpha) == pytest.approx([1, 3.65e-5, 0.98], rel=0.01)
    moved = problem.exact(alpha, y0, t)
    moved[0, 1, 100] += 3.65e-7
    assert problem.error(alpha, y0, t, moved) == pytest.approx(1e-2, rel=0.01)


def test_errors_of_van_der_pol_are_away_from_its_jumps():
    problem, alpha = PROBLEMS["vdp"], 50.0
    y0, t = problem.family.y0[None], problem.points(alpha)
    y = problem.exact(alpha, y0, t)
    (jumps,) = np.nonzero(np.diff(np.sign(y[0, 0])))
    near = np.min(np.abs(t[:, None] - t[jumps]), axis=1) < 0.4 * AWAY * 2 * alpha
    moved = y.copy()
    moved[:, :, near] += 1.0
    assert near.any()
    assert problem.error(alpha, y0, t, moved) == 0
    moved[0, 0, 0] += 2e-3
    assert problem.error(alpha, y0, t, moved) == pytest.approx(1e-3, rel=0.01)


@NATIVE
def test_solvers_of_nonlinear_problems_answer(nonlinear):
    chosen = [c for c in CONTENDERS if "diffrax" not in c.name and "dictionary" not in c.name]
    bound, _, absent = compare.prepare(nonlinear, chosen)
    alpha = (nonlinear.alphas or (150.0,))[0]
    y0, grid = nonlinear.family.y0[None], nonlinear.grid(alpha)
    assert {RADAU, WINDOWS} <= {c.name for c in bound}
    assert absent.keys() >= {FIXED, "propagator table (C++)"}
    for found, bind in bound.items():
        # Rounding, amplified by the jumps of vdp, is some 1e-9 of the solution: estimates may miss a tolerance of that.
        tolerance = 1e-8 if found.name.startswith(WINDOWS) else 1e-9
        y = bind(nonlinear.params(alpha), y0, grid, tolerance)(2)
        assert nonlinear.error(alpha, y0, grid, y) < 2e-5, found.name
    if nonlinear.name == "robertson":
        assert "gives up" in absent["RK45 (SciPy)"]
    if nonlinear.name == "vdp":
        assert "time windows" in absent[OURS]


@NATIVE
def test_our_forms_for_nonlinear_problems_answer_as_solve_does():
    problem, y0 = PROBLEMS["duffing"], np.array([[0.7, 0.1], [2.0, 1.5], [1.0, 0.5]])
    params = problem.params(77.0)
    for t in (problem.grid(77.0), problem.points(77.0)):
        expected = np.array([problem.model.solve(start, t=t, method="reduced", **params).y for start in y0])
        for name in (OURS, OURS_CPP, OURS_CPP_BARE, SWEEP, SWEEP_CPP):
            try:
                bind = contender(name).prepare(problem)
            except Absent as reason:
                pytest.skip(str(reason))
            starts = y0 if "many" in name else y0[:1]
            np.testing.assert_allclose(bind(params, starts, t, None)(2), expected[: len(starts)], atol=1e-12)


def test_heyoka_takes_fractions_and_powers_of_zero():
    pytest.importorskip("heyoka")
    problem, y0 = PROBLEMS["duffing"], np.array([[0.0, -1.0], [3.0, 2.0], [0.0, 0.0]])
    bind, grid = contender(HEYOKA).prepare(problem), problem.grid(50.0)
    for starts in (y0, y0[:1]):
        assert problem.error(50.0, starts, grid, bind(problem.params(50.0), starts, grid, 1e-10)(1)) < 1e-8


# ------------------------------------------------------------------------------------------------------------- timing
def test_interleaved_repeats():
    order = []
    tasks = {name: (lambda calls, name=name: order.append((name, calls))) for name in "ab"}
    clock = iter(np.arange(0.0, 1000.0, 1.0)).__next__  # every batch takes one second
    times = timing.interleaved(tasks, 3, 2.0, clock)
    assert [name for name, _ in order[4:]] == ["a", "b"] * 3
    assert times == {"a": [1.0] * 3, "b": [1.0] * 3}
    assert timing.interleaved(tasks, 3, 0.5, clock) == {"a": [1.0], "b": [1.0]}  # slow: once


def test_loosest():
    assert timing.loosest(lambda tol: tol / 2, 1e-3, [1e-1, 1e-2, 2e-3, 1e-3]) == (2e-3, 1e-3)
    assert timing.loosest(lambda tol: np.inf, 1e-3, [1e-1]) == (None, None)


# ------------------------------------------------------------------------------------------------------------ reports
def record(name, alpha, seconds, error=1e-7, target=1e-6, query=STIFFNESS, problem="dho"):
    return {
        "problem": problem, "query": query, "alpha": alpha, "contender": name, "target": target, "tolerance": target,
        "error": error, "solves": 1, "seconds": seconds, "spread": [seconds, seconds], "repeats": 1,
    }  # fmt: skip


@pytest.fixture
def stored():
    """What a file of results holds; times are round numbers."""
    results = {
        "machine": demo.machine(),
        "versions": {},
        "native": {"absent": "no compiler"},
        "effort": {"repeats": 1, "once_from": 1.0, "checked": 5, "trajectories": 6},
        "targets": [1e-4, 1e-6],
        "seconds": 1.0,
        "absent": {"dho": {HEYOKA: "No module named 'heyoka'", WINDOWS: "for nonlinear problems alone"}},
        "setup": {
            "dho": {
                "training": 9.0, "compile": 1.0, "load": 0.001, "first_answer": {NUMBALSODA: 2.0, RADAU: 0.0},
                "stiffness": "alpha", "others": {}, "box": [[0.0, 5.0], [0.0, 5.0]], "nonlinear": False,
                "measured": "", "reference": None,
            },
        },
        "records": [
            *(record(OURS, alpha, 10e-6, 1e-9, None) for alpha in (50.0, 1000.0)),
            record(NUMBALSODA, 50.0, 30e-6), record(NUMBALSODA, 1000.0, 18e-6), record(RADAU, 50.0, 9e-3),
        ],
    }  # fmt: skip
    return json.loads(json.dumps(results))


def test_ratios_and_break_even_come_from_the_records(stored):
    assert compare_report.ratios(stored, "dho", STIFFNESS, OURS, NUMBALSODA) == pytest.approx({50.0: 3.0, 1000.0: 1.8})
    assert compare_report.middle(stored, "dho") == 50.0
    own, shipped = compare_report.own_setup(stored, "dho")
    assert compare_report.break_even(stored, "dho", NUMBALSODA, own) == pytest.approx((10 - 2) / 20e-6)
    assert compare_report.break_even(stored, "dho", NUMBALSODA, shipped) == 1.0
    stored["records"][2]["seconds"] = 9e-6
    assert compare_report.break_even(stored, "dho", NUMBALSODA, own) is None


def test_required_ratios_are_judged_by_the_smallest(stored):
    rows = {tuple(line.split(" | ")[:3]): line for line in compare_report.required(stored).splitlines()}
    numbalsoda = rows["| `dho`, new stiffness", OURS, NUMBALSODA]
    assert "| 2× | 3 at 50, 1.8 at 1000 | no |" in numbalsoda
    assert "900 at 50 (of 2 members" in rows["| `dho`, new stiffness", OURS, RADAU]
    assert "absent" in rows["| `ncff`, new stiffness", OURS, NUMBALSODA]
    stored["records"][3]["seconds"] = 20e-6
    assert "| 3 at 50, 2 at 1000 | yes |" in compare_report.required(stored)


def test_an_error_above_the_target_is_not_shown_as_reached(stored):
    for found in stored["records"][:2]:
        found["error"] = 1e-5
    assert compare_report.ratios(stored, "dho", STIFFNESS, OURS, NUMBALSODA) == {}
    assert "| stlfast | not reached: 10 (1e-5) | not reached: 10 (1e-5) |" in compare_report.times(
        stored, "dho", STIFFNESS, 1e-6
    )
    stored["records"][2]["error"] = 1e-3
    assert "| LSODA (numbalsoda) | not reached | 18 (1e-7) |" in compare_report.times(stored, "dho", STIFFNESS, 1e-6)
    assert "| stlfast | 10 (1e-5) | 10 (1e-5) |" in compare_report.times(stored, "dho", STIFFNESS, 1e-4)


def test_stored_results_render(stored, tmp_path, monkeypatch):
    source = tmp_path / "stored.json"
    source.write_text(json.dumps(stored))
    monkeypatch.setattr(sys, "argv", ["compare", "--render", str(source), "--output", str(tmp_path / "new")])
    driver.main(driver.parser("compare"), pytest.fail, compare.write)
    page = (tmp_path / "new" / "compare.md").read_text()
    assert "Absent: Taylor (heyoka): No module named 'heyoka'" in page
    assert "| LSODA (numbalsoda) | 30 (1e-7) | 18 (1e-7) | 1.8 … 3 |" in page
    assert json.loads((tmp_path / "new" / "compare.json").read_text()) == stored
    for picture in ("time_vs_accuracy", "time_vs_stiffness", "time_vs_queries"):
        assert f"({picture}.png)" in page
        assert (tmp_path / "new" / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_nonlinear_problems_render(stored, tmp_path):
    about = {"training": 0.0, "compile": 0.1, "load": 0.001, "others": {"k1": 0.04}, "box": None, "nonlinear": True}
    about |= {"stiffness": "k2", "measured": "over max |y| of each state", "reference": 2e-11}
    stored["setup"]["robertson"] = about | {"first_answer": {NUMBALSODA: 1.0, WINDOWS: 0.1}}
    stored["absent"]["robertson"] = {HEYOKA: "gives up", FIXED: "for linear problems alone"}
    stored["setup"]["duffing"] = about | {"stiffness": "alpha", "first_answer": {NUMBALSODA: 1.0, HEYOKA: 1.0}}
    stored["absent"]["duffing"] = {}
    stored["records"] += [
        record(WINDOWS, 3e7, 1e-3, problem="robertson"), record(NUMBALSODA, 3e7, 2e-4, problem="robertson"),
        *(record(OURS, alpha, 10e-6, 1e-9, None, problem="duffing") for alpha in (20.0, 50.0)),
        record(NUMBALSODA, 20.0, 15e-6, problem="duffing"), record(NUMBALSODA, 50.0, 30e-6, problem="duffing"),
        record(SWEEP, 50.0, 1e-6, 1e-9, None, MANY, "duffing"),
        record(NUMBALSODA_LOOP, 50.0, 9e-6, query=MANY, problem="duffing"),
    ]  # fmt: skip
    compare.write(stored, tmp_path)
    page = (tmp_path / "compare.md").read_text()
    assert "Errors are over max |y| of each state." in page
    assert "differs from the reference by at most 2.0e-11" in page
    assert "Left out, for linear problems alone: stlfast, fixed member." in page
    assert f"| solver | k2 = 3e+07 | times {WINDOWS} |" in page
    assert f"| {NUMBALSODA} | 200 (1e-7) | 0.2 |" in page
    assert f"| `duffing`, {STIFFNESS}, alpha ≥ 50 | {OURS} | {NUMBALSODA} | 2× | 1.5 at 20, 3 at 50 | yes |" in page
    assert f"| `duffing`, {MANY}, alpha ≥ 50 | {SWEEP} | {NUMBALSODA_LOOP} | 10× | 9 at 50 | no |" in page


def test_what_is_not_installed_is_reported_as_absent(monkeypatch):
    for module in ("numbalsoda", "heyoka", "diffrax"):
        monkeypatch.setitem(sys.modules, module, None)  # import raises ImportError
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    native.peers.cache_clear(), native.build.cache_clear()
    bound, seconds, absent = compare.prepare(PROBLEMS["dho"], QUICK)
    native.peers.cache_clear(), native.build.cache_clear()
    assert {c.name for c in bound} == {"LSODA (SciPy)", RADAU, "RK45 (SciPy)"} == seconds.keys()
    assert "CMake" in absent["BDF (CVODE, C++)"]
    assert "numbalsoda" in absent[NUMBALSODA]


# ------------------------------------------------------------------------------------------------------ stlfast bench
@pytest.mark.slow(reason="solves by every method until it meets the error")
def test_command_prints_what_was_measured(monkeypatch):
    monkeypatch.setattr(bench, "EFFORT", demo.Effort(alphas=(20.0,), repeats=1))
    results = {}
    original = bench.run
    monkeypatch.setattr(bench, "run", lambda progress: results.update(original(progress)) or results)
    done = CliRunner().invoke(cli.app, ["bench"], env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    for model in results["models"].values():
        assert bench.rows(results, model)[0] in [line.split() for line in done.stdout.splitlines()]
        for solver in results["solvers"]:
            found = model["rows"][0][solver]
            assert found["error"] <= results["target"]
            assert found["ratio"] == pytest.approx(found["seconds"] / model["rows"][0]["seconds"])


def test_command_says_that_numbalsoda_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "numbalsoda", None)
    solvers, absent = bench.solvers()
    assert set(solvers) == {"SciPy Radau", "SciPy LSODA"}
    assert "pip install" in absent[bench.NUMBALSODA]
