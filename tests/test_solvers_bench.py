"""The comparison in C++: that its errors are errors, and what it leaves out. No timings."""

import numpy as np
import pytest

import stlfast
from bench import solvers
from bench.peers import Absent
from bench.problem import times
from stlfast.measure.exact import exact


@pytest.fixture(scope="module")
def rows():
    try:
        return solvers.run(1, only="(dho, alpha = 20,|vdp, mu = 5,).*1e-6", least_seconds=0.0)["rows"]
    except Absent as reason:
        pytest.skip(str(reason))


@pytest.mark.slow(reason="builds the C++ side of the benchmarks first")
def test_all_solvers_answer_within_the_target(rows):
    found = [name.split(": ")[1] for name in rows if name.startswith("dho")]
    assert found[:3] == ["compiled model", "direct solver", "direct solver, no estimate"]
    assert {"CVODE BDF", "ARKODE Kvaerno 5", "ARKODE Dormand-Prince 5", "Boost.Odeint dopri5"} <= set(found)
    for name, row in rows.items():
        if name == "vdp, mu = 5, error 1e-6: compiled model":
            assert row == {"skipped": "no reduced basis"}
        else:
            assert row["error"] <= 1e-6, name
            assert row["us"] > 0


@pytest.mark.slow(reason="builds the C++ side of the benchmarks first")
def test_error_of_the_compiled_model_is_the_one_against_the_exact_solution(rows):
    model = stlfast.load("dho")
    t = times((0.0, 10.0))
    truth = exact(model.family, t, model.family.y0, alpha=20.0)
    error = np.abs(model.solve(t=t, alpha=20.0).y - truth).max(axis=1) / np.abs(truth).max(axis=1)
    assert rows["dho, alpha = 20, error 1e-6: compiled model"]["error"] == pytest.approx(error.max(), rel=0.02)
