"""The competitors for advection and reaction: they solve the family's problem as accurately as they say. No timings.

pde_peers.cpp measures its errors itself, against its own exact solution: both are looked at from outside here.
"""

import json
import subprocess

import numpy as np
import pytest
from scipy.linalg import expm

import stlfast
from bench import native
from bench.peers import Absent

ALPHA, TARGETS = 50.0, (1e-3, 1e-4)


def program():
    try:
        return native.build("pde_peers", stlfast.isa())
    except Absent as reason:
        pytest.skip(str(reason))


def exact():
    """(128, 128, 2): x, t, species."""
    t = x = np.linspace(0, 1, 128)
    R0 = np.array([[-1.0, 0.5], [1.0, -0.5]])
    angle = 2 * np.pi * (x[:, None] - t)
    g = np.stack([1 + np.sin(angle) / 2, (2 + np.cos(angle)) / 4], axis=-1)
    return np.stack([g[:, j] @ expm(ALPHA * R0 * time).T for j, time in enumerate(t)], axis=1)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("pde") / "peers.json"
    targets = ",".join(map(str, TARGETS))
    command = [program(), "--out", out, "--alphas", f"{ALPHA}", "--targets", targets, "--repetitions", "1"]
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True, check=True)
    found = json.loads(out.read_text())
    assert ("built without SUNDIALS" in done.stderr) == (found["sundials"] is None)
    return found


def test_exact_solutions_are_exact(results):
    assert [(row["alpha"], row["target"]) for row in results["results"]] == [(ALPHA, target) for target in TARGETS]
    for row in results["results"]:
        every_point, on_grid = (peer for peer in row["peers"] if peer["name"].startswith("exact"))
        assert max(every_point["max_error"], on_grid["max_error"], every_point["layer_max_error"]) < 1e-14
        assert on_grid["layer_max_error"] is None


def test_every_competitor_meets_its_target(results):
    if results["sundials"] is None:
        pytest.skip("SUNDIALS is missing")
    for row in results["results"]:
        peers = [peer for peer in row["peers"] if not peer["name"].startswith("exact")]
        assert {"CVODE BDF, band Jacobian", "CVODE BDF, reaction Jacobian"} <= {peer["name"] for peer in peers}
        assert {peer["nodes"] for peer in peers} == {"Chebyshev", "uniform"}
        assert row["fastest"] in peers
        for peer in peers:
            assert 0 < peer["mean_error"] < peer["max_error"] <= row["target"]
            assert 0 < peer["layer_mean_error"] < peer["layer_max_error"] <= row["target"]
            assert peer["us"] >= row["fastest"]["us"] > 0


@pytest.mark.parametrize("words", [["--alpha", "3"], ["--out"], ["--repetitions", "0"]])
def test_wrong_options_are_refused(words):
    done = subprocess.run([program(), *words], text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert words[0] in done.stderr


def test_library_solves_what_the_program_says(results):
    library = native.pde()
    assert library.pde_flags().decode() == results["compiler"]
    assert library.pde_sundials_version() == (results["sundials"] and results["sundials"].encode())
    search = library.pde_search(ALPHA)
    peers = library.pde_peers(search, TARGETS[0])
    library.pde_search_close(search)
    truth = exact()
    for k in range(library.pde_peers_count(peers)):
        said, u = json.loads(library.pde_peer(peers, k)), np.full((128, 128, 2), np.nan)
        library.pde_repeat(2, peers, k, u)
        error = np.abs(u - truth)
        assert error.max() == pytest.approx(said["max_error"], rel=1e-3, abs=1e-14)
        assert error.mean() == pytest.approx(said["mean_error"], rel=1e-3, abs=1e-14)
    library.pde_peers_close(peers)
