"""Training on nonlinear families: both losses against plain formulas, and what a trained body is good for."""

import numpy as np
import pytest
import slow
import sympy as sp
import torch

import stlfast
from stlfast import Body, families, train_body
from stlfast.training.network import Network, evaluate
from stlfast.training.nonlinear_objectives import NewtonRows, NonlinearMultiHead, multihead_rows, sample_starts
from stlfast.training.objectives import INITIAL_WEIGHT, VariableProjection

CPU = torch.device("cpu")
DUFFING, ROBERTSON = families.duffing(), families.robertson()
TINY = {"widths": (9, 8), "points": 40, "members": 3, "steps": 20, "lbfgs_steps": 5, "device": "cpu", "progress": False}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Matrices are small: threads would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def double(values):
    return torch.tensor(np.asarray(values, dtype=np.float64))


def pendulum():
    """A(t), b(t) and N(t, y) that all vary, with a state ten thousand times smaller than the other."""
    t, k, q, y1, y2 = sp.symbols("t k q y1 y2")
    ranges = {k: stlfast.Range((2, 5), (2, 50)), q: stlfast.Range((0, 1), (0, 1))}
    rhs = [1e4 * y2, -k * y2 - 1e-4 * (1 + sp.cos(t)) * sp.sin(y1) * (1 + q) + 1e-4 * t * sp.exp(-y1 * y1)]
    return stlfast.Family("pendulum", t, [y1, y2], rhs, (0, 3), k, ranges, [1, 1e-4], [(0.5, 1.0), (0, 1e-4)])


# ---------------------------------------------------------------------------------------------------------- the pieces
@pytest.mark.parametrize("family", [DUFFING, ROBERTSON, families.vdp(), pendulum()], ids=lambda f: f.name)
def test_nonlinear_instructions_on_tensors(family):
    rng = np.random.default_rng(0)
    params, _ = sample_starts(family, 3)
    x, y = np.linspace(0.01, 1, 7), rng.normal(size=(3, family.n, 7))
    for program in (family.N, family.J):
        values = evaluate(program, double(x), double(params), double(y)).numpy()
        expected = np.stack([slow.evaluate(program, np.vstack([x, yk]), p) for p, yk in zip(params, y, strict=True)])
        np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-12)


def test_members_fill_the_box_of_parameters_and_initial_values():
    params, y0 = sample_starts(DUFFING, 64)
    low = [*(r.train[0] for r in DUFFING.params.values()), *DUFFING.y0_range[:, 0]]
    high = [*(r.train[1] for r in DUFFING.params.values()), *DUFFING.y0_range[:, 1]]
    unit = (np.hstack([params, y0]) - low) / np.subtract(high, low)
    assert np.all((unit >= 0) & (unit <= 1 + 1e-12))
    np.testing.assert_allclose(np.diff(np.log(params[:, 0]), 2), 0.0, atol=1e-12)
    unit[:, 0] = (np.arange(64) + 0.5) / 64  # the stiffness, which is logarithmic
    for i, j in np.transpose(np.triu_indices(4, 1)):  # each quarter of each pair has about a quarter of the members
        counts, *_ = np.histogram2d(unit[:, i], unit[:, j], bins=2, range=[(0, 1), (0, 1)])
        assert counts.min() >= 11, (i, j)


def test_members_start_from_y0_where_there_is_no_box():
    _, y0 = sample_starts(ROBERTSON, 3)
    np.testing.assert_array_equal(y0, np.tile(ROBERTSON.y0, (3, 1)))


# --------------------------------------------------------------------------------------------------------- the losses
def multihead(shared_head):
    family, network = pendulum(), Network(Body.random((7, 6), seed=2), CPU)
    params, y0 = sample_starts(family, 2)
    rows = multihead_rows(family, params, y0, 30, shared_head, network)
    return family, y0, network, NonlinearMultiHead(network, family, rows, seed=1)


@pytest.mark.parametrize("shared_head", [False, True])
def test_multihead_residual_written_out(shared_head):
    _, y0, network, loss = multihead(shared_head)
    x, weights = loss.rows.x[1:].numpy(), loss.rows.weights.numpy()
    h, dh = (f.detach().numpy() for f in network(loss.rows.x))
    residual = loss.residual().detach().numpy()
    for k, p in enumerate(loss.rows.params):
        W = loss.heads[k, :, 0].detach().numpy()
        if shared_head:
            y, dy = (np.stack([f[:, :3] @ W, f[:, 3:] @ W]) for f in (h, dh))
        else:
            y, dy = np.stack([W[0] + h @ W[1:7], W[7] + h @ W[8:]]), np.stack([dh @ W[1:7], dh @ W[8:]])
        t, (stiffness, q), (y1, y2) = 3 * x, p, y[:, 1:]
        f = [1e4 * y2, -stiffness * y2 - 1e-4 * (1 + np.cos(t)) * np.sin(y1) * (1 + q) + 1e-4 * t * np.exp(-y1 * y1)]
        expected = [*(weights * (dy[:, 1:] - 3 * np.array(f))).ravel(), *INITIAL_WEIGHT * (y[:, 0] - y0[k])]
        np.testing.assert_allclose(residual[k, :, 0], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shared_head", [False, True])
@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_gradient_is_that_of_differences(objective, shared_head):
    if objective == "varpro":
        family, network = pendulum(), Network(Body.random((7, 6), seed=2), CPU)
        rows = NewtonRows.create(family, *sample_starts(family, 2), 30, shared_head, network)
        loss = VariableProjection(network, rows, ridge=1e-2)
    else:
        *_, loss = multihead(shared_head)
    trainable = loss.trainable()
    gradients = torch.autograd.grad(loss(), trainable)
    rng, step = np.random.default_rng(3), 1e-6
    for _ in range(3):
        direction = [double(rng.normal(size=p.shape)) for p in trainable]
        values = []
        with torch.no_grad():
            for sign in (1.0, -2.0):
                for p, d in zip(trainable, direction, strict=True):
                    p += sign * step * d
                values.append(loss().item())
            for p, d in zip(trainable, direction, strict=True):
                p += step * d
        slope = sum((g * d).sum().item() for g, d in zip(gradients, direction, strict=True))
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("family", [DUFFING, ROBERTSON, pendulum()], ids=lambda f: f.name)
def test_newton_rows_are_the_nonlinear_residual_up_to_a_square(family):
    """P ω (dy − f(y)) over the sizes, at heads whose states are off the solution by about 1e-4 of their size."""
    network = Network(Body.random((40, 40), tau=1e-9 if family is ROBERTSON else 1e-3), CPU)
    params, y0 = sample_starts(family, 2)
    rows = NewtonRows.create(family, params, y0, 120, False, network)
    K, n = rows.matrix(network).detach().numpy(), family.n
    W = VariableProjection(network, rows, 1e-10).heads(double(K))[..., 0].numpy()
    h, dh = (f.detach().numpy() for f in network(rows.rows.x))
    x = rows.rows.x[1:].numpy()
    for k, p in enumerate(params):
        named = dict(zip(family.params, p, strict=True))
        t0, t1 = family.t_span_at(**named)
        solution = stlfast.Windows(family).solve(y0[k], t=t0 + (t1 - t0) * rows.rows.x.numpy(), rtol=1e-9, **named)
        sizes = np.abs(solution.y).max(axis=1)
        heads = W[k].reshape(n, -1)
        y, dy = sizes[:, None] * (heads[:, :1] + heads[:, 1:] @ h.T), sizes[:, None] * (heads[:, 1:] @ dh.T)
        off = np.abs((y - solution.y) / sizes[:, None]).max()
        assert off < 1e-2
        f = family.A(x, p).reshape(n, n, -1)
        f = np.einsum("ijq,jq->iq", f, y[:, 1:]) + family.b(x, p) + family.N(np.vstack([x, y[:, 1:]]), p)
        P, weights = rows.P[k].numpy(), rows.rows.weights.numpy()
        residual = np.einsum("qij,jq->iq", P, weights * (dy[:, 1:] - f) / sizes[:, None]).ravel()
        linear = (K[k] @ W[k] - rows.rhs[k, :, 0].numpy())[:-n]
        assert np.abs(linear).max() > 1e-9
        assert np.abs(residual - linear).max() < 10 * off**2 + 1e-7


# ----------------------------------------------------------------------------------------------------------- training
def test_loss_falls_by_decades():
    body = train_body(DUFFING, **{**TINY, "widths": (24, 24, 24), "points": 80, "members": 6, "steps": 300, "lr": 2e-2})
    losses = body.history["loss"]
    assert min(losses) < losses[0] - 2 * np.log(1e3)  # residuals a thousandth of the random body's


def test_trained_features_serve_members_that_were_not_trained_on():
    body = train_body(DUFFING, **{**TINY, "widths": (20, 16), "points": 80, "members": 8, "steps": 300, "lr": 1e-2})
    params, y0 = (values[8:] for values in sample_starts(DUFFING, 12))
    assert not set(params[:, 1]) & {member[1] for member in body.history["members"]}

    def loss(features):
        network = Network(features, CPU)
        return VariableProjection(network, NewtonRows.create(DUFFING, params, y0, 90, False, network), 1e-7)().item()

    assert loss(body) < loss(Body.random((20, 16))) - 2 * np.log(30)


@pytest.mark.parametrize("shared_head", [False, True])
def test_multihead_loss_falls(shared_head):
    body = train_body(DUFFING, "multihead", **{**TINY, "steps": 200, "lr": 1e-2, "shared_head": shared_head})
    assert min(body.history["loss"]) < 0.3 * body.history["loss"][0]


def test_stiff_equations_of_many_sizes_train():
    options = {"widths": (24, 24), "tau": 1e-9, "ridge": 1e-6, "points": 80, "steps": 150, "lr": 1e-2}
    losses = train_body(ROBERTSON, **{**TINY, **options}).history["loss"]
    assert min(losses) < losses[0] - 2 * np.log(10)


@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_same_seed_same_body(objective):
    one, other = (train_body(DUFFING, objective, **TINY, seed=5) for _ in range(2))
    assert one.sha256 == other.sha256
    assert one.history["loss"] == other.history["loss"]
    assert one.sha256 != train_body(DUFFING, objective, **TINY, seed=6).sha256


@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_history_has_what_that_of_linear_families_has(objective, tmp_path):
    history = train_body(DUFFING, objective, **TINY).history
    assert history.keys() == train_body(families.dho(), objective, **TINY).history.keys() | {"y0"}
    params, y0 = sample_starts(DUFFING, 3)
    assert history["family"] == "duffing"
    assert history["members"] == params.tolist()
    assert history["y0"] == y0.tolist()
    body = train_body(DUFFING, objective, **TINY)
    body.save(tmp_path / "body.safetensors")
    assert Body.load(tmp_path / "body.safetensors").history == body.history


def test_a_state_that_stays_zero_trains():
    t, k, y1, y2 = sp.symbols("t k y1 y2")
    ranges = {k: stlfast.Range((1, 5), (1, 5))}
    family = stlfast.Family("half", t, [y1, y2], [-k * y1 + y1 * y2, -k * y2 * y1], (0, 3), k, ranges, [1, 0])
    assert np.isfinite(train_body(family, **TINY).history["best_loss"])


# ---------------------------------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_python_functions_are_refused(objective):
    ranges = {"k": stlfast.Range((1, 5), (1, 5))}
    family = stlfast.Family("mine", None, ["y"], lambda t, y, k: -k * y, (0, 1), "k", ranges, [1])
    with pytest.raises(ValueError, match=r"'mine' has a Python function as rhs, .* SymPy"):
        train_body(family, objective, **TINY)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # SciPy's, on the way to the pole
def test_members_without_a_solution_are_refused():
    t, k, y = sp.symbols("t k y")
    family = stlfast.Family("pole", t, [y], [k * y**2], (0, 2), k, {k: stlfast.Range((1, 5), (1, 5))}, [1])
    with pytest.raises(ValueError, match=r"'pole': the train member {'k': 1.0} with y0 = \[1.0\] could not be solved"):
        train_body(family, **TINY)


def test_shared_head_needs_equal_blocks():
    with pytest.raises(ValueError, match="a number of features that 2 divides, got 5"):
        train_body(DUFFING, **{**TINY, "widths": (8, 5), "shared_head": True})


def test_a_run_that_truly_diverges_stops():
    with pytest.raises(stlfast.TrainingDiverged, match="smaller lr"):
        train_body(DUFFING, "multihead", **TINY, lr=1e300)


def test_pretrain_makes_a_model():
    model = stlfast.pretrain(DUFFING, training=TINY, tol=1e-3)
    assert isinstance(model, stlfast.NonlinearModel)
    assert model.body is not None
    assert model.solve(alpha=100.0, beta=0.5).success
