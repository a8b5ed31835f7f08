"""The nonlinear problems beside other solvers: that errors are what they say, and that what is measured is shown."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import nonlinear
from bench.nonlinear import BARE, COMPILED, NUMBALSODA, OURS
from examples import hires

# numba and numbalsoda warn when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.slow(reason="two references at tight tolerances")
def test_van_der_pol_is_measured_away_from_its_jumps():
    problem = nonlinear.PROBLEMS["vdp, mu = 50"]()
    assert problem.disagreement < 1e-8
    assert problem.largest == pytest.approx([2.0, 4 / 3 * 50], rel=0.05)  # 4/3 mu for large mu
    left_out = np.setdiff1d(problem.t, problem.t[problem.measured])
    jump = problem.t[1:][np.diff(np.sign(problem.truth[0])) != 0]
    assert len(jump) == 2
    for at in jump:
        assert np.any(np.abs(left_out - at) < 1e-9)
        assert np.all(np.abs(problem.t[problem.measured] - at) >= 0.9 * nonlinear.AWAY * 100)
    moved = problem.truth.copy()
    moved[:, problem.measured] += 1e-5 * problem.largest[:, None]
    moved[:, ~problem.measured] += problem.largest[:, None]
    assert problem.error(moved) == pytest.approx(1e-5)
    assert problem.error(moved, everywhere=True) == pytest.approx(1.0)
    assert problem.error(np.full_like(moved, np.nan)) == np.inf


@pytest.mark.slow(reason="the whole study, on two problems")
def test_everything_that_is_measured_is_shown(tmp_path):
    targets = (1e-3, 1e-5)
    results = nonlinear.run(["duffing, alpha = 150", "hires, k = 280"], targets, repeats=1)
    json_path, page_path = nonlinear.write(results, tmp_path / "new")
    assert json.loads(json_path.read_text()) == json.loads(json.dumps(results))
    page = page_path.read_text()
    assert list(results["problems"]) == ["duffing, alpha = 150", "hires, k = 280"]
    for name, problem in results["problems"].items():
        assert problem["reference"] < 1e-9
        assert tuple(row["target"] for row in problem["rows"]) == targets
        for row in problem["rows"]:
            solvers = {key: found for key, found in row.items() if key != "target"}
            assert {OURS, BARE, "Radau (SciPy)", "LSODA (SciPy)"} <= solvers.keys()
            assert (COMPILED in solvers) == name.startswith("duffing")
            assert (NUMBALSODA in solvers) == ("numbalsoda" in results["versions"])
            for found in solvers.values():
                assert found["error"] <= row["target"]
                assert found["seconds"] > 0
                assert found["ratio"] == pytest.approx(found["seconds"] / row[OURS]["seconds"])
                assert f"{nonlinear._us(found['seconds'])} (" in page
            assert 0.1 < row[OURS]["over_true"] < 10
            assert row[OURS]["iterations"] >= row[OURS]["windows"] > 0
            assert page.count(f"\n| {name} | ") == 2 * len(targets)
            if name.startswith("hires"):
                assert row[OURS]["digits"] > -np.log10(row["target"]) - 1


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
