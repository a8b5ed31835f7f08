"""`stlfast demo`: its files, and that its numbers are what it says they are."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import stlfast
from stlfast.command import app as cli
from stlfast.command import demo, published, report
from stlfast.measure.exact import exact, point_set

SHOWS = pytest.mark.slow(reason="the demonstration solves by every method until it meets the error")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The quick demonstration: what it printed and its folder."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    result = CliRunner().invoke(cli.app, ["demo", "--quick", "--output", str(folder)], env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    return result.stdout, folder


@pytest.fixture(scope="module")
def results(shown):
    return json.loads((shown[1] / "results.json").read_text())


@SHOWS
def test_files_are_there_and_named(shown):
    printed, folder = shown
    for name in ("report.md", "results.json", "error_vs_stiffness.png", "solutions.png", "space_time.png"):
        assert (folder / name).is_file()
        assert name in printed
    for picture in folder.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


@SHOWS
def test_both_models_over_the_whole_range(results):
    assert results["models"].keys() == {"dho", "ncff"}
    for model in results["models"].values():
        alphas = [row["params"]["alpha"] for row in model["rows"]]
        assert alphas[0] == 10
        assert alphas[-1] == 1000
        for row in model["rows"]:
            assert row["error"] <= row["bound"]
            assert row["error_full"] <= row["bound_full"]
            assert row["error"] <= 1e-7
            assert row["error_full"] <= 1e-9
            assert row["seconds"] > 0


@SHOWS
def test_scipy_is_matched_at_the_loosest_tolerance(results):
    model = stlfast.load("dho")
    row = results["models"]["dho"]["rows"][0]
    t = point_set(0, 10)
    truth = exact(model.family, t, **row["params"])
    for method in report.METHODS:
        found = row[method]
        assert found["error"] <= results["target"]
        assert found["ratio"] == pytest.approx(found["seconds"] / row["seconds"])
        looser = 10 * found["rtol"]
        answer = model.family.reference(t=t, method=method, rtol=looser, atol=looser, **row["params"])
        assert np.abs(answer.y - truth).max() > results["target"]


@SHOWS
def test_report_and_terminal_show_the_same_numbers(shown, results):
    printed, folder = shown
    page = (folder / "report.md").read_text()
    assert report.tables(results) in page
    assert "](error_vs_stiffness.png)" in page
    for model in results["models"].values():
        for row in report.rows(model):
            assert row in [line.split() for line in printed.splitlines()]


def test_a_solver_that_never_gets_there_is_said_so(monkeypatch):
    monkeypatch.setattr(demo, "TOLERANCES", (1e-1,))
    effort = demo.Effort(alphas=(10.0,), repeats=1)
    row = demo.compare(stlfast.load("dho"), 10.0, {}, effort, lambda what: None)
    assert row["RK45"] == {"rtol": None, "error": None, "seconds": None, "repeats": 0, "ratio": None}
    assert "not reached" in report.rows({"stiffness": "alpha", "rows": [row]})[0]


def test_published_numbers_are_in_our_alpha():
    alpha, error = published.MAX_ERROR["dho"]
    assert max(alpha) == 75  # labelled 150 there
    assert max(error) == 0.418
    for alpha, error in published.MAX_ERROR.values():
        assert len(alpha) == len(error)
        assert np.all(np.diff(alpha) > 0)


@SHOWS
def test_no_place_or_person_is_named(results):
    import getpass
    import socket

    assert socket.gethostname() not in json.dumps(results["machine"])
    assert results["machine"].keys() == {"processor", "cores", "system", "python", "stlfast", "numpy", "scipy"}
    assert getpass.getuser() != results["machine"]["processor"]
