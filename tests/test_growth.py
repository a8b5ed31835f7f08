"""The study of growth: that it finds known exponents, solves the chain that it says, and shows what it measured."""

import json

import numpy as np
import pytest

from bench import growth, growth_report
from stlfast.families import chain
from stlfast.measure.exact import exact

EFFORT = growth.Effort(
    states=(2, 3, 4, 5), coupled=(2,), truncated=((4, True), (2, False)), ranks=(4, 6, 8), points=(100, 200),
    points_states=3, widths=((12, 12, 4), (16, 16, 16)), bases=((0, 2), (1, 2)), steps=60, tol=1e-4, repeats=1,
)  # fmt: skip
# numba and numbalsoda warn when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def test_exponents_of_a_power_law():
    sizes = [2, 3, 4, 6, 8, 12, 16, 24]
    random = np.random.default_rng(5)
    values = [1.0, 9.0, 1.0, 9.0, *(3e-7 * size**2.5 for size in sizes[4:])]  # the lower half is not looked at
    assert growth_report.fit(sizes, values) == (pytest.approx(2.5), pytest.approx(0, abs=1e-12))
    many = np.geomspace(10, 1000, 200)
    slope, error = growth_report.fit(many, many**1.5 * np.exp(0.1 * random.normal(size=200)))
    assert abs(slope - 1.5) < 4 * error
    assert error == pytest.approx(0.1 / np.sqrt(100) / np.log(many[100:]).std(), rel=0.3)


def test_counted_work_ends_in_its_limit():
    sizes = [10**k for k in range(4, 10)]
    for what, exponent in {growth.SOLVE: 3, growth.BARE: 3, growth.AT: 4, growth.FIXED: 2}.items():
        assert growth_report.LIMITS[what].startswith(str(exponent))
        assert growth_report.fit(sizes, [growth_report.work(n, 38)[what] for n in sizes])[0] == pytest.approx(
            exponent, abs=0.01
        )


@pytest.mark.parametrize("n", [2, 7])
def test_exact_solution_is_the_chains(n):
    family, y0, t = chain(n), growth.start(n), np.linspace(0.0, 10.0, 40)
    for alpha in (1.0, 1000.0):
        truth = exact(family, t, y0, alpha=alpha)
        np.testing.assert_allclose(growth.exact(family.matrix(0.0, alpha=alpha), y0, t), truth, atol=1e-11)


@pytest.mark.slow(reason="the whole study, on little")
def test_everything_that_is_measured_is_shown(tmp_path):
    results = growth.run(EFFORT)
    json_path, page_path, picture_path = growth.write(results, tmp_path / "new")
    assert json.loads(json_path.read_text()) == json.loads(json.dumps(results))
    assert picture_path.read_bytes().startswith(b"\x89PNG")
    rows = [line.strip("| ").split(" | ") for line in page_path.read_text().splitlines() if line.startswith("| ")]
    assert [row["n"] for row in results["states"]] == list(EFFORT.states)
    for row in results["states"]:
        assert row["error"] <= row["bound"]
        assert all(value > 0 for value in row["seconds"].values())
        assert ("coupled" in row) == (growth.COUPLED in row["seconds"]) == (row["n"] in EFFORT.coupled)
        for name, reached in row.get("lsoda", {}).items():
            assert reached["error"] <= growth.LSODA[name]
        assert [str(row["n"]), growth_report._us(row["seconds"][growth.SOLVE])] in [cells[:2] for cells in rows]
    for n, decoupled in EFFORT.truncated:
        cut = [row for row in results["ranks"] if (row["n"], row["decoupled"]) == (n, decoupled)]
        assert [row["r"] for row in cut[:-1]] == [r for r in EFFORT.ranks if r < cut[-1]["r"]]
        assert all(row["error"] <= row["bound"] for row in cut)
        assert cut[-1]["error"] < cut[0]["error"]
    assert [row["N"] for row in results["points"]] == list(EFFORT.points)
    assert [(row["m"], row["n"], row["basis"]) for row in results["bases"]] == [
        (m, 2, basis) for m in (4, 16) for basis in ("body", "random", "chebyshev")
    ]
    shown = [found["quantity"] for found in results["fits"]]
    assert {growth.SOLVE, growth.BARE, growth.AT, growth.EIGH, "define", "compile", "file"} <= set(shown)
    assert [cells[0] for cells in rows[-len(shown) :]] == shown
