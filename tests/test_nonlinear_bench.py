"""The nonlinear problems beside other solvers: that errors are what they say, and that what is measured is shown."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import compare
from bench.compare_report import cell
from bench.contenders import CONTENDERS, LSODA, NUMBALSODA, OURS, RADAU, WINDOWS, WINDOWS_BARE
from bench.nonlinear_report import SOLVERS, over
from bench.problem import AWAY, ON_WINDOWS, STIFFNESS
from examples import hires

# numba and numbalsoda warn when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.slow(reason="two references at tight tolerances")
def test_van_der_pol_is_measured_away_from_its_jumps():
    problem, mu = ON_WINDOWS["vdp"], 50.0
    y0, t, largest = problem.family.y0[None], problem.points(mu), problem.scale(mu)
    truth, counted = problem.exact(mu, y0, t), problem._counted(mu, t)
    assert problem.reference_error(mu) < 1e-8
    assert largest == pytest.approx([2.0, 4 / 3 * 50], rel=0.05)  # 4/3 mu for large mu
    jump = t[1:][np.diff(np.sign(truth[0, 0])) != 0]
    assert len(jump) == 2
    for at in jump:
        assert np.any(np.abs(t[~counted] - at) < 1e-9)
        assert np.all(np.abs(t[counted] - at) >= 0.9 * AWAY * 100)
    moved = truth + np.where(counted, 1e-5, 1.0) * largest[:, None]
    assert problem.error(mu, y0, t, moved) == pytest.approx(1e-5)
    assert problem.error(mu, y0, t, moved, everywhere=True) == pytest.approx(1.0)
    assert problem.error(mu, y0, t, np.full_like(moved, np.nan)) == np.inf


@pytest.mark.slow(reason="the whole study, on two problems")
def test_everything_that_is_measured_is_shown(tmp_path):
    problems = {"duffing": replace(ON_WINDOWS["duffing"], alphas=(150.0,)), "hires": ON_WINDOWS["hires"]}
    results = compare.run(compare.Effort(repeats=1), problems, [c for c in CONTENDERS if c.name in SOLVERS])
    json_path, page_path = compare.PAGES["nonlinear"].write(results, tmp_path / "new")
    assert json.loads(json_path.read_text()) == json.loads(json.dumps(results))
    page = page_path.read_text()
    assert list(results["setup"]) == ["duffing", "hires"]
    assert all(about["reference"] < 1e-9 for about in results["setup"].values())
    assert OURS in results["absent"]["hires"]
    found = {}
    for record in results["records"]:
        found.setdefault((record["problem"], record["target"]), {})[record["contender"]] = record
    assert found.pop(("duffing", None)).keys() == {OURS}
    assert found.keys() == {(name, target) for name in problems for target in compare.TARGETS}
    for (name, target), records in found.items():
        assert {WINDOWS, WINDOWS_BARE, RADAU, LSODA} <= records.keys()
        assert (NUMBALSODA in records) == ("numbalsoda" in results["versions"])
        for who, record in records.items():
            assert record["error"] <= target
            assert record["seconds"] > 0
            ratio = over(results, name, record["alpha"], who, target)
            assert ratio == pytest.approx(record["seconds"] / records[WINDOWS]["seconds"])
            assert f"| {cell(results, name, STIFFNESS, record['alpha'], who, target)} |" in page
        windows = records[WINDOWS]
        assert 0.1 < windows["over_true"] < 10
        assert windows["iterations"] >= windows["windows"] > 0
        assert page.count(f"\n| {name}, ") == 2 * len(compare.TARGETS)
        if name == "hires":
            assert windows["digits"] > -np.log10(target) - 1


@pytest.mark.slow(reason="the example compiles a family")
def test_the_example():
    path = Path(hires.__file__)
    said = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout
    assert "The error estimate meets the tolerance." in said
    rows = [row for line in said.splitlines() if len(row := line.split()) == 4 and row[0] in hires.hires().states]
    assert [row[0] for row in rows] == [*hires.hires().states] * 2
    np.testing.assert_allclose([float(row[1]) for row in rows], [*hires.END, *hires.END], rtol=1e-7)
    assert "Method: windows" in said
    assert "Method: reduced" in said
    for (_, value, right, estimate), true in zip(rows, [*hires.END, *hires.END], strict=True):
        assert float(right) == pytest.approx(-np.log10(max(abs(float(value) / true - 1), 1e-16)), abs=1.0)
        assert abs(float(value) - true) <= 10 * float(estimate)
