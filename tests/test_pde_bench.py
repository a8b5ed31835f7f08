"""The study of advection and reaction: that it runs without competitors, and that what is measured is shown."""

import json

import pytest

from bench import native, pde
from bench.peers import Absent


def test_everything_that_is_measured_is_shown(tmp_path, monkeypatch):
    def absent():
        raise Absent("no compiler")

    monkeypatch.setattr(native, "pde", absent)
    results = pde.run(alphas=(50.0,), targets=(1e-3,), repeats=1)
    json_path, page_path = pde.write(results, tmp_path / "new")
    assert json.loads(json_path.read_text()) == json.loads(json.dumps(results))
    page = page_path.read_text()
    assert "SUNDIALS is absent" in page
    assert "No competitor could be built here." in page
    assert [row["profile"] for row in results["accuracy"]] == list(pde.PROFILES)
    (row,) = results["times"]
    assert row["error"] < 1e-4
    assert row["estimate"] == pytest.approx(row["error"], rel=1.0)
    assert row["peers"] == []
    for name in pde.OURS:
        assert f"| {1e6 * row['ours'][name]:.0f} |" in page
