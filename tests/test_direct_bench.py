"""The families of bench/families with published ends, and how solvers are compared on them."""

import json
import os
import time
from functools import partial

import numpy as np
import pytest

from bench import direct, families, work_precision, work_precision_report
from bench.peers import Absent, cvode_pointers, numbalsoda_lsoda
from bench.work_precision import CVODE, NUMBALSODA, OURS, SOLVERS, Case
from stlfast.command.demo import machine

# MEDAKZO's published values hold to less than the others'.
PUBLISHED_TO = {"medakzo": 1e-8}
TOLERANCE = 1e-6


@pytest.mark.slow(reason="a family of 400 states is derived; the ring modulator oscillates through 20 000 windows")
@pytest.mark.parametrize("name", families.BARI)
def test_published_ends_are_met(name):
    case = Case(name)
    y = work_precision.windows(case)(case.params, case.y0[None], case.t, TOLERANCE)(1)[0]  # a warning is an error
    end = case.module.END
    error = np.abs(y[:, -1] - end) / case.scale(y)
    assert np.isfinite(end).sum() >= 2
    assert np.nanmax(error) <= TOLERANCE + PUBLISHED_TO.get(name, 0.0)


@pytest.mark.slow(reason="numba compiles")
@pytest.mark.parametrize("name", ["e5", "van_der_pol", "orego"])
def test_peers_solve_the_same_equations(name):
    case, found = Case(name), {}
    for solver, prepare in ((NUMBALSODA, numbalsoda_lsoda.prepare), (CVODE, cvode_pointers.prepare)):
        try:
            found[solver] = prepare(case)(case.params, case.y0[None], case.t, 1e-12)(1)[0]
        except (ImportError, Absent) as reason:
            pytest.skip(str(reason))
    assert case.error(*found.values()) <= 1e-6


def test_the_jacobian_in_nonzero_entries_is_the_familys():
    family = families.load("hires").family()
    rows, columns, entries = cvode_pointers.jacobian(family)
    y, params = np.random.default_rng(2).uniform(size=family.n), {"k": 300.0, "light": 2.0}
    values = dict(zip(family.states, y, strict=True)) | params
    J = np.zeros((family.n, family.n))
    J[rows, columns] = [float(entry.subs(values)) for entry in entries]
    np.testing.assert_allclose(J, family.jac(**params)(0.0, y), rtol=1e-12)


# ------------------------------------------------------------------------------------------------- what goes wrong ends
def answering(answer):
    """A solver that calls `answer` with the tolerance."""
    return lambda case: lambda params, y0, t, tolerance: lambda calls: answer(tolerance)


def raised(tolerance):
    raise ValueError("not today")


CASE = Case("flame")
TRUE = np.ones((1, work_precision.N))


@pytest.mark.forks
@pytest.mark.parametrize(
    ("prepare", "limit", "ended"),
    [
        (answering(lambda tolerance: os._exit(3)), 60.0, "crashed, exit code 3"),
        (answering(lambda tolerance: time.sleep(60)), 0.2, "no answer within 0 s"),
        (lambda case: raised(0.0), 60.0, "not today"),
    ],
)
def test_a_solver_that_hangs_or_crashes_costs_no_more_than_itself(prepare, limit, ended, monkeypatch):
    monkeypatch.setattr(work_precision, "ANSWER", limit)
    assert work_precision.curve(CASE, prepare, [1e-3, 1e-6], TRUE) == {"points": [], "ended": ended}


@pytest.mark.forks
def test_a_failure_at_one_tolerance_is_recorded():
    def answer(tolerance):
        return TRUE[None] * (1 + tolerance) if tolerance < 1e-3 else raised(tolerance)

    curve = work_precision.curve(CASE, answering(answer), [1e-3, 1e-6, 1e-9], TRUE)
    assert curve["ended"] == ""
    assert curve["points"][0] == {"tolerance": 1e-3, "failed": "not today"}
    for point in curve["points"][1:]:
        assert point["error"] == pytest.approx(point["tolerance"] / (1 + CASE.floor), rel=1e-6)
        assert point["seconds"] > 0


# --------------------------------------------------------------------------------------------------------------- report
def points(*pairs):
    return [{"tolerance": error, "error": error, "seconds": seconds} for error, seconds in pairs]


def test_times_are_between_tolerances_by_a_power_law():
    found = points((1e-2, 1.0), (1e-4, 4.0), (1e-8, 64.0))
    seconds_for = partial(work_precision_report.seconds_for, found)
    assert seconds_for(1e-1) == 1.0
    assert seconds_for(1e-3) == pytest.approx(2.0)
    assert seconds_for(1e-6) == pytest.approx(16.0)
    assert seconds_for(1e-9) is None
    assert seconds_for(1e-4) == 4.0


def test_the_page_counts_who_is_fastest():
    curves = {solver: {"points": [], "ended": "absent"} for solver in SOLVERS}
    curves[OURS] = {"points": points((1e-3, 2e-3), (1e-10, 3e-3)), "ended": ""}
    curves[NUMBALSODA] = {"points": points((1e-4, 1e-3), (1e-10, 6e-3)), "ended": ""}
    case = {"states": 3, "params": {}, "truth": CVODE, "differs": {OURS: 1e-11}, "end": 2e-12, "curves": curves}
    lost = case | {"curves": curves | {OURS: {"points": [], "ended": "gave up"}}}
    text = work_precision_report.section({"machine": machine(), "versions": {}, "cases": {"orego": case, "e5": lost}})
    assert f"- Fastest at an error of 1e-4: {NUMBALSODA} on `orego`, `e5`." in text
    assert f"- Fastest at an error of 1e-9: {OURS} on `orego`; {NUMBALSODA} on `e5`." in text
    assert "| `orego` | 3 | 2,119 | **1,000** | – |" in text
    assert f"{OURS} gave up" in text
    assert "not the direct solver for `e5`, which it does not solve" in text


@pytest.mark.forks
@pytest.mark.slow(reason="every solver sets itself up")
def test_a_small_run(tmp_path):
    pytest.importorskip("numbalsoda")
    results = direct.run(["flame"], ["laser"], quick=True)
    written = direct.write(results, tmp_path)
    assert [path.name for path in written] == ["direct.json", "direct.md", "direct_work_precision_textbook.png"]
    assert direct.page(json.loads(written[0].read_text())) == written[1].read_text()
    curves = results["work_precision"]["cases"]["laser"]["curves"]
    assert list(curves) == list(SOLVERS)
    for curve in curves.values():
        assert curve["points"] or curve["ended"]
    errors = [point["error"] for point in curves[OURS]["points"]]
    assert len(errors) == len(work_precision.QUICK)
    assert all(error <= tolerance for error, tolerance in zip(errors, work_precision.QUICK, strict=True))
