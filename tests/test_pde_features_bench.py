"""The study of trained functions for partial differential equations: its exact solutions, and that all is shown."""

import json

import numpy as np
import pytest

from bench import pde_features, pde_features_report
from stlfast import families
from stlfast._core import FieldDictionary
from stlfast.direct.pde import solver as pde_full
from stlfast.direct.pde.tensor import tensor_points


@pytest.mark.parametrize("problem", pde_features.problems(), ids=lambda problem: problem.family.name)
def test_the_truth_is_the_solution(problem):
    family, data = problem.family, list(problem.profiles.values())
    z, truth = problem.truth(problem, np.array([20.0]), data, 343)
    assert truth.shape == (len(data), family.n, len(z))
    assert np.mean(z[:, -1] < 5 / (1.5 * 20)) > 0.4
    points = tensor_points(family, (4,) * family.d, 4, 1e-3)
    for g, u in zip(data, truth, strict=True):
        start = pde_full.member_data(family, points, np.array([20.0]), u0=g)[:, : len(points.initial)]
        late = u[:, z[:, -1] > 0.3]
        assert np.abs(late[1] - 2 * late[0]).max() < 2e-2 * np.abs(start).max()  # near the equilibrium of the reaction


def test_a_kept_inflow_is_followed_exactly():
    problem = pde_features.problems()[0]
    points = tensor_points(problem.family, (24,), 30, 1e-3)
    functions = FieldDictionary.tensor([("chebyshev", 20)], 20, 1e-3)
    found = pde_features.kinked(problem, functions, points, 2.0, 1000)
    assert found["mean"] < 1e-2  # of fields of size 1; the kink alone keeps it from being smaller
    assert found["mean"] < found["largest"] < 0.1


def test_profiles_are_on_the_fields():
    for problem, arguments in zip(pde_features.problems(), (1, 2), strict=True):
        for profile in problem.profiles.values():
            if profile is not None:
                assert profile(*np.random.default_rng(0).random((arguments, 7))).shape == (2, 7)


def test_ratios_are_over_the_members():
    rows = [
        {"alpha": alpha, "basis": basis, "largest": [error]}
        for alpha, basis, error in [(1, "trained", 2.0), (1, "random", 1.0), (9, "trained", 1.0), (9, "random", 4.0)]
    ]
    assert pde_features_report.ratios(rows, "random", 0) == (0.25, 2.0)
    assert pde_features_report._range(0.25, 2e9) == "0.25 … 2e9"


def test_everything_that_is_measured_is_shown(tmp_path, capsys):
    effort = pde_features.QUICK
    results = pde_features.run(effort)
    json_path, page_path = pde_features.write(results, tmp_path / "new")
    assert json.loads(json_path.read_text()) == json.loads(json.dumps(results, allow_nan=False))
    page = page_path.read_text()
    assert list(results["families"]) == ["advection_reaction", "advection_diffusion_reaction_2d"]
    for k, (name, found) in enumerate(results["families"].items()):
        assert f"## {name}" in page
        assert len(found["rows"]) == len(effort.alphas[k]) * len(found["sizes"])
        assert found["sizes"]["trained"] == found["sizes"]["untrained"]
        for row in found["rows"]:
            shown = [pde_features_report._pair(*pair) for pair in zip(row["mean"], row["largest"], strict=True)]
            assert f"| {row['alpha']:g} | {row['basis']} | {' | '.join(shown)} |" in page
    assert len(results["families"]["advection_reaction"]["kink"]) == len(effort.alphas[0]) * 3
    assert families.fisher_kpp().name not in page  # until nonlinear families can be solved on all functions
