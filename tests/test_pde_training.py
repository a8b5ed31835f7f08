"""Training on families of PDEs: the rows against those that models are compiled on, and how a run begins and ends."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
import torch

import stlfast
from stlfast import Body, families, train_body
from stlfast._core import FieldDictionary
from stlfast.direct.pde import solver as pde_full
from stlfast.direct.pde.groups import split
from stlfast.direct.pde.rows import GroupRows, physical
from stlfast.direct.pde.snapshots import Modes, mode_data, solve_modes
from stlfast.direct.pde.tensor import tensor_points
from stlfast.equations.pde import characteristics
from stlfast.features.field_body import FieldBody
from stlfast.training import objectives
from stlfast.training.field_network import FieldNetwork
from stlfast.training.pde import random_body
from stlfast.training.pde_objectives import FieldMultiHead, FieldRows
from stlfast.training.pde_problems import Problem, sample_problems, sobol_points

CPU = torch.device("cpu")
ADVECTION, PLANE, FISHER = (
    families.advection_reaction(),
    families.advection_diffusion_reaction_2d(),
    families.fisher_kpp(),
)
TINY = {
    "widths": (10, 8), "points": 60, "members": 2, "modes": 3, "steps": 20, "lbfgs_steps": 4, "device": "cpu",
    "progress": False,
}  # fmt: skip


def coupled():
    """Two fields that one change of variables does not split; coefficients, a source and one field without sides."""
    x, t, alpha = sp.symbols("x t alpha")
    u, v = (sp.Function(name)(x, t) for name in ("u", "v"))
    return stlfast.PDEFamily(
        "coupled", t, [x], [u, v],
        [(1 + x) * u.diff(x, 2) / 10 + alpha * (v - u) + sp.sin(t) * x, alpha * (u - 2 * v) - t * v],
        {x: (0, 2)}, (1, 3), alpha, {alpha: stlfast.Range((1, 5), (1, 50))}, [x * (2 - x) / 2, x],
        [stlfast.Dirichlet(x, "low", [0, None]), stlfast.Neumann(x, "high", [-1, None])],
    )  # fmt: skip


COUPLED = coupled()


def linear_rows(family, zooms=(1, 4), points=50, modes=3, members=2):
    at = sobol_points(family, points, 1e-3, seed=3)
    problems = sample_problems(family, members, zooms)
    return at, FieldRows.modes(family, problems, at, Modes((modes,) * family.d, 2), CPU)


def slower(points, zoom):
    def early(z):
        return z * np.append(np.ones(z.shape[1] - 1), 1 / zoom)

    sides = tuple(None if side is None else early(side) for side in points.sides)
    return replace(points, interior=early(points.interior), initial=early(points.initial), sides=sides)


# ----------------------------------------------------------------------------------------------------------- the rows
@pytest.mark.parametrize("family", [ADVECTION, PLANE, COUPLED], ids=lambda family: family.name)
def test_rows_are_those_of_the_compiler(family):
    points, rows = linear_rows(family)
    body = random_body(family, (7, 5), "tanh", 1e-3, 0)
    K = rows.matrix(FieldNetwork(body, CPU)).detach().numpy()
    N = len(points.interior)
    assert {problem.zoom for problem in rows.problems} == {1.0, 4.0}
    for problem, matrix in zip(rows.problems, K, strict=True):
        judge = GroupRows(family, split(family), problem.group, slower(points, problem.zoom))
        functions = FieldDictionary.from_body(body.core(), [problem.zoom])  # Φ(z, ζ·x/ζ)
        ((weights, parts),) = judge.blocks(functions)
        equations = judge.weighted(parts, family.theta_at(problem.p)) * weights[:, None] / problem.zoom
        expected = equations.reshape(-1, matrix.shape[1])
        n, m = judge.n, functions.size
        np.testing.assert_allclose(matrix[: n * N], expected, rtol=0, atol=1e-12 * np.abs(expected).max())
        given = matrix[n * N :].reshape(n, -1, n, m)
        at_data = points.data_weights[:, None] * judge.data_rows(functions)
        for i in range(n):
            for j in range(n):
                own = (i == j) * at_data
                if family is COUPLED and i == 1:
                    own = own * (np.arange(len(own)) < len(points.initial))[:, None]  # v has no condition at the sides
                np.testing.assert_allclose(given[i, :, j], own, rtol=0, atol=1e-12 * np.abs(at_data).max())


@pytest.mark.parametrize("family", [ADVECTION, PLANE, COUPLED], ids=lambda family: family.name)
def test_right_hand_sides_are_modes_and_the_source(family):
    points, rows = linear_rows(family)
    N = len(points.interior)
    for problem, rhs in zip(rows.problems, rows.rhs.numpy(), strict=True):
        judge = GroupRows(family, split(family), problem.group, slower(points, problem.zoom))
        data = mode_data(judge, Modes((3,) * family.d, 2), problem.p)
        K, n = len(data), judge.n
        given = np.einsum("iD,KiD->iDK", rows.data_weights.numpy(), data).reshape(-1, K)
        np.testing.assert_allclose(rhs[n * N :, :K], given, rtol=1e-12, atol=1e-14)
        assert not rhs[: n * N, :K].any()
        if family is not COUPLED:
            assert rhs.shape[1] == K
            continue
        x, t = physical(family, judge.points.interior)
        f = points.interior_weights * 2 / problem.zoom * np.stack([np.sin(t) * x, 0 * x])
        np.testing.assert_allclose(rhs[:, K], [*f.ravel(), *np.zeros(len(given))], rtol=1e-12, atol=1e-14)


def test_the_same_problem_counts_once():
    _, rows = linear_rows(ADVECTION, zooms=(1,), members=3)
    assert len(rows.problems) == 4  # the conserved sum of both species has no stiffness
    assert len(sample_problems(ADVECTION, 3, (1, 8))) == 2 * (3 + 2)
    assert {p.zoom for p in sample_problems(PLANE, 2, (1, 8, 64))} == {1.0, 8.0, 64.0}
    assert [p.p[0] for p in sample_problems(PLANE, 2, (64,))] == [64.0, 64.0]  # 640 is beyond the solve range


def test_points_are_spread_and_repeatable():
    points = sobol_points(PLANE, 300, 1e-3, seed=1)
    assert points.interior.shape == (300, 3)
    assert np.all((points.interior > 0) & (points.interior < 1))
    np.testing.assert_array_equal(points.interior, sobol_points(PLANE, 300, 1e-3, seed=1).interior)
    assert not np.array_equal(points.interior, sobol_points(PLANE, 300, 1e-3, seed=2).interior)
    s = np.log1p(points.interior[100:, 2] / 1e-3) / np.log1p(1e3)
    np.testing.assert_allclose(np.histogram(s, 5, (0, 1))[0], 40, atol=8)


def test_newton_rows_are_the_linearised_equation():
    points = sobol_points(FISHER, 40, 1e-3, seed=0)
    problems = [Problem(np.array([8.0]), 1.0, 0), Problem(np.array([24.0]), 3.0, 0)]
    rows = FieldRows.own_data(FISHER, problems, points, True, CPU)
    body = random_body(FISHER, (7, 5), "tanh", 1e-3, 0)
    K = rows.matrix(FieldNetwork(body, CPU)).detach().numpy()
    W = np.random.default_rng(1).normal(size=K.shape[2])
    functions = FieldDictionary.from_body(body.core(), [1.0])
    v, v_t, v_xx = (f @ W for f in functions.evaluate(points.interior, [(0, 0), (0, 1), (2, 0)]))
    x, scaled = points.interior.T
    for k, problem in enumerate(problems):
        (r,), t = problem.p, scaled / problem.zoom
        u = FISHER.reference(x=np.sort(x), t=np.sort(t), cells=90, rtol=1e-10, atol=1e-12, r=r)[0]
        u = u[np.argsort(np.argsort(x)), np.argsort(np.argsort(t))]
        step = r * u * (1 - u) + r * (1 - 2 * u) * (v - u)
        residual = points.interior_weights * (v_t - (v_xx / 100 + step) / problem.zoom)
        got = (K[k] @ W - rows.rhs[k, :, 0].numpy())[: len(x)]
        np.testing.assert_allclose(got, residual, rtol=0, atol=1e-5 * np.abs(residual).max())
        start = rows.rhs[k, len(x) : len(x) + len(points.initial), 0].numpy()
        expected = points.initial_weights * (1 + np.cos(np.pi * points.initial[:, 0])) / 4
        np.testing.assert_allclose(start, expected, rtol=1e-12)


def test_joint_residual_is_the_equation():
    points = sobol_points(FISHER, 40, 1e-3, seed=0)
    rows = FieldRows.own_data(FISHER, [Problem(np.array([24.0]), 3.0, 0)], points, False, CPU)
    body = random_body(FISHER, (7, 5), "tanh", 1e-3, 0)
    loss = FieldMultiHead(FieldNetwork(body, CPU), FISHER, rows, seed=4)
    W = loss.heads[0, :, 0].detach().numpy()
    functions = FieldDictionary.from_body(body.core(), [1.0])
    v, v_t, v_xx = (f @ W for f in functions.evaluate(points.interior, [(0, 0), (0, 1), (2, 0)]))
    residual = points.interior_weights * (v_t - (v_xx / 100 + 24 * v * (1 - v)) / 3)
    np.testing.assert_allclose(loss.residual()[0, :40, 0].detach(), residual, rtol=0, atol=1e-12)


# ------------------------------------------------------------------------------------------- solves on all functions
@pytest.mark.parametrize("alpha", [3.0, 800.0])
def test_solves_of_given_data(alpha):
    points = tensor_points(ADVECTION, (16,), 22, 1e-3)
    p = np.array([alpha])
    profiles = [lambda x: np.stack([1 + x**2, np.cos(2 * x)]), lambda x: np.stack([np.exp(-x), np.sin(3 * x)])]
    data = np.stack([pde_full.member_data(ADVECTION, points, p, u0=g) for g in profiles])
    functions = FieldDictionary.tensor([("chebyshev", 14)], 22, 1e-3)
    heads = pde_full.solve_data(ADVECTION, functions, points, p, data)
    assert heads.shape == (2, 14 * 22, 2)
    z = np.random.default_rng(0).random((200, 2))
    at = physical(ADVECTION, z)
    truth = np.stack([characteristics.solution(ADVECTION, lambda x, g=g: g(x[0]), at, p) for g in profiles])
    mean, largest = pde_full.errors(functions, heads, z, truth)
    assert np.all(mean <= largest)
    assert largest.max() < 5e-5
    mean, largest = pde_full.errors(functions, heads, z, truth + np.array([0.5, 0.0])[None, :, None])
    np.testing.assert_allclose([mean, largest], [[0.25] * 2, [0.5] * 2], rtol=1e-4)


def test_solves_of_nonlinear_families_are_refused():
    points = tensor_points(FISHER, (4,), 4, 1e-3)
    functions = FieldDictionary.tensor([("chebyshev", 4)], 4, 1e-3)
    for family, message in ((FISHER, "'fisher_kpp' is nonlinear"), (COUPLED, "'coupled' has a source")):
        with pytest.raises(ValueError, match=message):
            pde_full.solve_data(family, functions, points, np.array([2.0]), np.zeros((1, family.n, 1)))


# ----------------------------------------------------------------------------------------------------------- training
@pytest.mark.parametrize("family", [ADVECTION, PLANE, FISHER, COUPLED], ids=lambda family: family.name)
@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_loss_decreases(objective, family):
    body = train_body(family, objective, **{**TINY, "zooms": (1, 3), "steps": 40, "lr": 1e-2})
    losses = body.history["loss"]
    assert body.history["best_loss"] == pytest.approx(min(losses), rel=1e-5)
    if objective == "varpro":
        assert min(losses) < losses[0] - 0.3  # a mean of logarithms
    else:
        assert min(losses) < 0.5 * losses[0]


def least_squares(functions, alpha, group):
    """Mean logarithm of the relative least squares of a member for all modes of data, on the compiler's rows."""
    points, theta = tensor_points(ADVECTION, (10,), 14, 1e-3), ADVECTION.theta_at(np.array([alpha]))
    rows = GroupRows(ADVECTION, split(ADVECTION), group, points)
    data = mode_data(rows, Modes((4,), 0), np.array([alpha]))  # (K, 1, D)
    W = solve_modes(rows, functions, theta, data)[0]
    ((weights, parts),) = rows.blocks(functions)
    given = points.data_weights[:, None] * data[:, 0].T
    missed = points.data_weights[:, None] * (rows.data_rows(functions) @ W) - given
    squares = ((weights[:, None] * rows.weighted(parts, theta)[0]) @ W) ** 2
    return np.log((squares.sum(axis=0) + (missed**2).sum(axis=0)) / (given**2).sum(axis=0)).mean()


@pytest.mark.parametrize("group", [0, 1])
def test_trained_features_serve_a_stiff_member(group):
    options = {"widths": (24, 20), "points": 250, "modes": 4, "steps": 120, "lr": 1e-2}
    trained, untrained = (
        FieldDictionary.from_body(train_body(ADVECTION, **{**TINY, **options, **steps}).core(), [1.0, 8.0, 64.0])
        for steps in ({}, {"steps": 0, "lbfgs_steps": 0})
    )
    assert least_squares(trained, 300.0, group) < least_squares(untrained, 300.0, group) - 1.0


def test_the_body_sees_what_the_family_has():
    body = train_body(PLANE, **{**TINY, "steps": 0, "lbfgs_steps": 0}, seed=3)
    assert isinstance(body, FieldBody)
    assert body.inputs == (("x", "periodic"), ("y", "periodic"), ("t", "log"), ("t", "plain"))
    assert body.coordinates == ("x", "y", "t")
    assert body.sha256 == FieldBody.random(body.inputs, (10, 8), body.coordinates, seed=3).sha256
    assert random_body(ADVECTION, (4,), "sin", 0.1, 0).inputs == (("x", "plain"), ("t", "log"), ("t", "plain"))


def test_families_of_odes_train_as_before():
    options = {"widths": (8, 6), "points": 40, "steps": 3, "lbfgs_steps": 0, "device": "cpu", "progress": False}
    body = train_body(families.dho(), **options)
    assert isinstance(body, Body)
    assert body.history["settings"]["forcings"] == 8
    assert not {"modes", "zooms"} & body.history["settings"].keys()


def test_same_seed_same_body():
    one, other = (train_body(ADVECTION, **TINY, seed=5) for _ in range(2))
    assert one.sha256 == other.sha256
    assert one.history["loss"] == other.history["loss"]
    assert one.sha256 != train_body(ADVECTION, **TINY, seed=6).sha256


def test_history_says_how_and_travels_with_the_body(tmp_path):
    body = train_body(ADVECTION, **TINY, zooms=(1, np.float64(8)), seed=1)
    history = body.history
    assert history["family"] == "advection_reaction"
    assert history["stopped_by"] == "finished"
    settings = history["settings"]
    assert settings["widths"] == [10, 8]
    assert settings["zooms"] == [1.0, 8.0]
    assert settings["modes"] == 3
    assert not {"forcings", "input", "shared_head"} & settings.keys()
    for (alpha,), zoom in zip(history["members"], history["zoom"], strict=True):
        assert 1.0 <= alpha / zoom <= 10.0
    body.save(tmp_path / "body.safetensors")
    assert FieldBody.load(tmp_path / "body.safetensors").history == json.loads(json.dumps(history))


def test_interrupted_training_returns_the_best_so_far(monkeypatch):
    original, calls = objectives.VariableProjection.__call__, []

    def call(self):
        calls.append(1)
        if len(calls) > 7:
            raise KeyboardInterrupt
        return original(self)

    full = train_body(ADVECTION, **TINY)
    monkeypatch.setattr(objectives.VariableProjection, "__call__", call)
    body = train_body(ADVECTION, **TINY)
    assert body.history["stopped_by"] == "interrupted"
    assert body.history["loss"] == full.history["loss"][:7]


def test_divergence_stops_with_advice():
    with pytest.raises(stlfast.TrainingDiverged, match="smaller lr"):
        train_body(ADVECTION, "multihead", **{**TINY, "lr": 1e300})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "sgd"}, "unknown objective 'sgd'; known: varpro, multihead"),
        ({"members": 0}, "members must be an integer of at least 1, got 0"),
        ({"points": 9}, "points must be an integer of at least 10"),
        ({"modes": 0}, "modes must be an integer of at least 1"),
        ({"zooms": ()}, "zooms must be one or more numbers of at least 1"),
        ({"zooms": (0.5,)}, "zooms must be one or more numbers of at least 1"),
        ({"zooms": 8}, "zooms must be one or more numbers of at least 1"),
        ({"zooms": (1000,)}, "no train member .* zooms"),
        ({"steps": 2.5}, "steps must be"),
        ({"lr": 0.0}, "lr must be a positive number"),
        ({"ridge": math.nan}, "ridge must be a positive number"),
        ({"widths": ()}, "widths must be"),
        ({"activation": "relu"}, "unknown activation"),
        ({"tau": -1.0}, "tau must be"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"input": "log"}, "input is for ordinary differential equations"),
        ({"forcings": 8}, "forcings is for ordinary"),
        ({"shared_head": True}, "shared_head is for ordinary"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        train_body(PLANE, **{**TINY, **options})


@pytest.mark.parametrize("options", [{"modes": 3}, {"zooms": (1,)}])
def test_families_of_odes_refuse_options_of_pdes(options):
    with pytest.raises(ValueError, match="is for families of PDEs; leave it out"):
        train_body(families.dho(), **options)


def test_without_torch_the_extra_is_named():
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import stlfast\n"
        "try: stlfast.train_body(stlfast.families.advection_reaction())\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'stlfast[train]'" in done.stdout


@pytest.mark.parametrize("family", [ADVECTION, PLANE, FISHER], ids=lambda family: family.name)
@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_auto_trains_the_same_loss(objective, family):
    """On CUDA where there is a device, which a run without one cannot show."""
    cpu, auto = (train_body(family, objective, **{**TINY, "device": device}) for device in ("cpu", "auto"))
    assert auto.history["device"].startswith("cuda" if torch.cuda.is_available() else "cpu")
    assert np.isfinite(auto.history["loss"]).all()
    np.testing.assert_allclose(auto.history["loss"][:5], cpu.history["loss"][:5], rtol=1e-5)
