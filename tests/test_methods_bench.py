"""The study of methods: that its errors are what they say, and that what is measured is shown."""

import json

import numpy as np
import pytest

from bench import methods, methods_report
from bench.paper.problems import published_largest


@pytest.mark.parametrize("factor", [0.3, 4.0])
def test_the_factor_of_a_series(factor):
    random = np.random.default_rng(2)
    errors = factor ** np.arange(30) * np.exp(0.1 * random.uniform(-1, 1, 30))
    below = int(np.argmax(errors < methods.FLOOR)) or 30
    errors[below:] = 1e-13  # the floor is not fitted
    found = methods.line(errors.tolist())
    assert found["factor"] == pytest.approx(factor, rel=0.02)
    assert found["orders"] == below - methods.FIRST_ORDER
    assert found["off"] < np.exp(0.2)


def test_errors_are_over_the_states_size():
    member = methods.robertson(2)
    assert member.disagreement < 1e-9
    assert member.truth[1].max() < 1e-4  # y2, whose error would drown in the others
    moved = member.truth.copy()
    moved[1, 700] += 1e-6 * member.truth[1].max()
    assert member.error(moved) == pytest.approx(1e-6)
    assert member.error(np.full_like(moved, np.nan)) == np.inf
    standard = methods.robertson(0).params
    assert standard == {"k1": 0.04, "k2": 3e7, "k3": 1e4}
    for name, value in member.params.items():
        assert 1 / 3 < value / standard[name] < 3


def test_where_a_method_starts_to_converge():
    def rows(*converged):
        outcomes = ("diverges", "converged")
        return [
            {"alpha": 10.0**k, "beta": 0.5, "y0": (1.0, 0.5), "methods": {"chord": {"outcome": outcomes[each]}}}
            for k, each in enumerate(converged)
        ]

    for converged, said in (((1, 1, 1), "all"), ((1, 0, 1), "100"), ((0, 1, 1), "10"), ((1, 1, 0), "none")):
        assert methods_report._from(rows(*converged), (1.0, 0.5), 0.5, "chord") == said


@pytest.mark.slow(reason="the whole study, on little")
def test_everything_that_is_measured_is_shown(tmp_path):
    effort = methods.QUICK
    results = methods.run(effort)
    json_path, page_path = methods.write(results, tmp_path / "new")
    assert json.loads(json_path.read_text()) == json.loads(json.dumps(results, allow_nan=False))
    page = page_path.read_text()
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]

    assert len(results["duffing"]) == len(methods.STARTS) * len(effort.betas) * len(effort.alphas)
    for row in results["duffing"]:
        assert row["reference"] < 1e-9
        assert row["methods"].keys() == methods_report.METHODS.keys()
        for name, found in row["methods"].items():
            assert found["seconds"] > 0
            if found["success"]:
                assert found["error"] < 2e-6
                assert 0.2 < found["estimate"] / found["error"] < 5
            stiff = row["alpha"] == 1000
            assert (found["outcome"] == "converged") == (
                stiff or name not in ("chord", "perturbation") or (name == "chord" and row["y0"] == (1.0, 0.5))
            )
        shown = [methods_report._cell(name, found) for name, found in row["methods"].items()]
        start = [methods_report._start(row), f"{row['beta']:g}", f"{row['alpha']:g}"]
        assert [*start, *shown] in cells

    falls, grows = results["series"]
    assert falls["factor"] < 0.7 < 2 < grows["factor"]
    assert max(falls["off"], grows["off"]) < 3
    for row in results["robertson"]:
        assert row["methods"]["default"]["success"]
        assert row["methods"].keys() == {"default", "newton", "windows"}
    for ends in results["stages"].values():
        assert ends["iterations"] < ends["Python"]
    for row in results["vdp"]:
        assert row["by"] == "windows"
        assert row["success"]
        assert row["away"] <= row["error"] < 1e-4
        assert 0 < row["windows"] <= row["iterations"]
    for row, (_, theirs) in zip(results["published"]["rows"], published_largest("duffing")[::14], strict=True):
        assert row["published"] == theirs
        assert max(row["default"], row["newton"]) < 1e-3 * theirs
    found = results["functions"]["duffing"]
    assert [row["basis"] for row in found["rows"]] == ["body", "random", "chebyshev"]
    assert len({row["functions"] for row in found["rows"]}) == 1
    assert max(found["reduced"]["errors"].values()) < 1e-6
    assert max(found["reduced"]["ranks"].values()) <= 24
    assert ["–", "reduced", "–"] in [row[:3] for row in cells]
