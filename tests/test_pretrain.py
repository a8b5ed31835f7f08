"""Training: the network and the losses against plain formulas, and how a run begins, ends and is repeated."""

import itertools
import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest
import slow
import sympy as sp
import torch

import stlfast
from stlfast import Body, _core, families, train_body
from stlfast.equations.program import to_instructions
from stlfast.training import objectives, optimise
from stlfast.training.network import Network, evaluate, find_device

CPU = torch.device("cpu")
DHO, NCFF = families.dho(), families.ncff()
TINY = {"widths": (8, 6), "points": 40, "members": 2, "steps": 30, "lbfgs_steps": 5, "device": "cpu", "progress": False}


def double(values):
    return torch.tensor(np.asarray(values, dtype=np.float64))


# ------------------------------------------------------------------------------------------------------------ network
def test_instructions_on_tensors():
    x, params = np.linspace(0.01, 1, 13), np.array([[2.0, 0.7], [9.0, 1.9], [1.0, 1.0]])
    for family, members in ((DHO, params[:, :1]), (NCFF, params)):
        for program in (family.A, family.b, family.t_span):
            values = evaluate(program, double(x), double(members)).numpy()
            expected = np.stack([slow.evaluate(program, x, p) for p in members])
            np.testing.assert_allclose(values, expected, rtol=1e-13, atol=1e-13)


def test_every_operation_on_tensors():
    x, p = sp.symbols("x p")
    exprs = [x + p, x - p, x * p, x / p, -x, x**p, sp.exp(x), sp.log(x), sp.sqrt(x), sp.sin(x), sp.cos(x), sp.tan(x),
             sp.tanh(x), sp.Abs(x - p)]  # fmt: skip
    program = to_instructions(exprs, [x, p])
    points = np.linspace(0.1, 1.4, 9)
    values = evaluate(program, double(points), double([[0.6]]))[0].numpy()
    np.testing.assert_allclose(values, slow.evaluate(program, points, [0.6]), rtol=1e-14)


@pytest.mark.parametrize("activation", ["tanh", "sin", "silu"])
@pytest.mark.parametrize("input", ["log", "plain"])
def test_forward_mode_derivative_is_autograd(activation, input):
    network = Network(Body.random((9, 7, 5), activation, input, seed=4), CPU)
    x = double(np.linspace(0, 1, 30)).requires_grad_()
    h, dh = network(x)
    for k in range(h.shape[1]):
        (expected,) = torch.autograd.grad(h[:, k].sum(), x, retain_graph=True)
        np.testing.assert_allclose(dh[:, k].detach(), expected, rtol=0, atol=1e-12 * expected.abs().max())


@pytest.mark.parametrize("activation", ["tanh", "sin", "silu"])
@pytest.mark.parametrize("input", ["log", "plain"])
def test_features_are_those_of_the_core(activation, input):
    body = Body.random((9, 7, 5), activation, input, seed=4)
    x = np.linspace(0, 1, 30)
    core = _core.Body(list(body.weights), list(body.biases), activation, input, body.tau)
    values = _core.Dictionary.from_body(core, np.ones(1), constant=False).evaluate(x, 1)
    for ours, theirs in zip(Network(body, CPU)(double(x)), values, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())


def test_export_returns_the_weights():
    body = Body.random((4, 3), "silu", "plain", 0.1, seed=2)
    assert Network(body, CPU).export().sha256 == body.sha256


# --------------------------------------------------------------------------------------------------------- the losses
def test_points_are_a_quadrature():
    x = objectives.collocation_points(200)
    assert np.all(np.diff(x) > 0)
    assert x[0] == objectives.FIRST_POINT
    assert x[-1] == 1.0
    rows = objectives.Collocation.multihead(DHO, 1, 200, False, CPU)
    np.testing.assert_allclose((rows.weights**2 @ torch.exp(-3 * rows.x[1:])).item(), (1 - np.exp(-3)) / 3, rtol=1e-2)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_members_stay_in_the_train_range(count):
    params = objectives.sample_members(NCFF, count, ["omega"])
    assert params.shape == (count, 2)
    for k, interval in enumerate(NCFF.params.values()):
        assert np.all((params[:, k] >= interval.train[0]) & (params[:, k] <= interval.train[1]))
    np.testing.assert_allclose(np.diff(np.log(params[:, 0]), 2), 0.0, atol=1e-12)
    assert len(set(params[:, 1])) == count


def random_rows(shared_head, seed=0):
    """A time-dependent A with forcing, two members, and a network."""
    t, a, y1, y2 = sp.symbols("t a y1 y2")
    family = stlfast.Family(
        "test", t, [y1, y2], [sp.cos(t) * y2 + a, -a * y1 - t * y2 + sp.sin(t)], (0, 3), a,
        {a: stlfast.Range((1, 5), (1, 5))}, [1, 2],
    )  # fmt: skip
    network = Network(Body.random((7, 6), seed=seed), CPU)
    return family, network, objectives.Collocation.varpro(family, 2, 3, 30, shared_head, CPU)


@pytest.mark.parametrize("shared_head", [False, True])
def test_rows_are_the_residual_written_out(shared_head):
    family, network, rows = random_rows(shared_head)
    K = rows.matrix(network).detach().numpy()
    W = np.random.default_rng(1).normal(size=K.shape[2])
    h, dh = (f.detach().numpy() for f in network(rows.x))
    if shared_head:
        y, dy = (np.stack([f[:, :3] @ W, f[:, 3:] @ W]) for f in (h, dh))
    else:
        y = np.stack([W[0] + h @ W[1:7], W[7] + h @ W[8:]])
        dy = np.stack([dh @ W[1:7], dh @ W[8:]])
    x, weights = rows.x[1:].numpy(), rows.weights.numpy()
    for k, p in enumerate(rows.params):
        A = family.A(x, p).reshape(2, 2, -1)
        residual = weights * (dy[:, 1:] - np.einsum("ijq,jq->iq", A, y[:, 1:]))
        np.testing.assert_allclose(K[k] @ W, [*residual.ravel(), *10 * y[:, 0]], rtol=1e-12, atol=1e-12)


def test_right_hand_sides_are_unit_initial_values_and_forcings():
    rows = objectives.Collocation.varpro(NCFF, 2, 3, 30, False, CPU)
    x, weights = rows.x[1:].numpy(), rows.weights.numpy()
    N = len(x)
    rhs = rows.rhs.numpy()
    assert rhs.shape == (2, 2 * N + 2, 2 + 3)
    np.testing.assert_array_equal(rhs[:, :, :2], np.broadcast_to(np.eye(2 * N + 2, 2, -2 * N) * 10, (2, 2 * N + 2, 2)))
    for (k, (alpha, _)), (j, omega) in itertools.product(enumerate(rows.params), enumerate([0.5, 1.25, 2.0])):
        b = weights * NCFF.b(x, np.array([alpha, omega]))
        np.testing.assert_allclose(rhs[k, :, 2 + j], [*b.ravel(), 0.0, 0.0], rtol=1e-12, atol=1e-12)


def test_multihead_starts_from_the_familys_initial_values():
    rows = objectives.Collocation.multihead(NCFF, 2, 30, False, CPU)
    np.testing.assert_array_equal(rows.rhs[:, -2:, 0], np.tile(10 * NCFF.y0, (2, 1)))


def test_heads_minimise_the_loss():
    _, network, rows = random_rows(False)
    loss = objectives.VariableProjection(network, rows, ridge=1e-3)
    K = rows.matrix(network).detach()
    heads = loss.heads(K).numpy()
    for k, matrix in enumerate(K.numpy()):
        stacked = np.vstack([matrix, 1e-3 * np.eye(matrix.shape[1])])
        rhs = np.vstack([rows.rhs[k].numpy(), np.zeros((matrix.shape[1], rows.rhs.shape[2]))])
        np.testing.assert_allclose(heads[k], np.linalg.lstsq(stacked, rhs, rcond=None)[0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shared_head", [False, True])
def test_envelope_gradient_is_the_gradient_through_the_solve(shared_head):
    _, network, rows = random_rows(shared_head)
    ridge = 0.1
    loss = objectives.VariableProjection(network, rows, ridge)
    envelope = torch.autograd.grad(loss(), loss.trainable())

    K = rows.matrix(network)
    normal = K.mT @ K + ridge**2 * torch.eye(K.shape[2], dtype=torch.float64)
    W = torch.linalg.solve(normal, K.mT @ rows.rhs)
    squares = (K @ W - rows.rhs).square().sum(dim=1) + ridge**2 * W.square().sum(dim=1)
    through = torch.log(squares / loss.size).mean()
    np.testing.assert_allclose(loss().item(), through.item(), rtol=1e-12)
    for one, other in zip(envelope, torch.autograd.grad(through, loss.trainable()), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


def test_a_forcing_of_zero_trains():
    t, a, b, y = sp.symbols("t a b y")
    ranges = {a: stlfast.Range((1, 5), (1, 5)), b: stlfast.Range((0, 1), (0, 1))}
    family = stlfast.Family("test", t, [y], [-a * y + b * sp.sin(t)], (0, 3), a, ranges, [1])
    assert math.isfinite(train_body(family, **TINY).history["best_loss"])


# ----------------------------------------------------------------------------------------------------------- training
@pytest.mark.parametrize("shared_head", [False, True])
@pytest.mark.parametrize("family", [DHO, NCFF], ids=lambda f: f.name)
@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_loss_decreases(objective, family, shared_head):
    body = train_body(family, objective, **{**TINY, "steps": 150, "lr": 1e-2, "shared_head": shared_head})
    losses = body.history["loss"]
    assert len(losses) >= 150
    assert body.history["best_loss"] == pytest.approx(min(losses), rel=1e-5)
    if objective == "varpro":
        assert min(losses) < losses[0] - 0.5  # a mean of logarithms
    else:
        assert min(losses) < 0.3 * losses[0]


def test_trained_features_serve_members_that_were_not_trained_on():
    body = train_body(NCFF, **{**TINY, "widths": (24, 16), "steps": 200, "lr": 1e-2, "members": 3})
    unseen = objectives.Collocation.varpro(NCFF, 2, 5, 90, False, CPU)

    def loss(features):
        return objectives.VariableProjection(Network(features, CPU), unseen, 1e-7)().item()

    assert loss(body) < loss(Body.random((24, 16))) - 4.0  # residuals e² times smaller


@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_same_seed_same_body(objective):
    one, other = (train_body(DHO, objective, **TINY, seed=5) for _ in range(2))
    assert one.sha256 == other.sha256
    assert one.history["loss"] == other.history["loss"]
    assert one.sha256 != train_body(DHO, objective, **TINY, seed=6).sha256


def test_without_steps_the_body_is_the_random_one():
    body = train_body(DHO, **{**TINY, "steps": 0, "lbfgs_steps": 0}, seed=3)
    assert body.sha256 == Body.random((8, 6), seed=3).sha256


def test_history_says_how_and_travels_with_the_body(tmp_path):
    body = train_body(DHO, **TINY, seed=1)
    history = body.history
    assert history["settings"]["widths"] == [8, 6]
    assert history["settings"]["seed"] == 1
    assert history["family"] == "dho"
    assert history["stopped_by"] == "finished"
    assert history["torch"] == torch.__version__
    assert max(member[0] for member in history["members"]) <= DHO.params["alpha"].train[1]
    body.save(tmp_path / "body.safetensors")
    assert Body.load(tmp_path / "body.safetensors").history == json.loads(json.dumps(history))


def test_torch_is_left_as_it_was():
    def state():
        return (
            torch.get_default_dtype(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(),
            torch.is_grad_enabled(), torch.get_rng_state().tolist(),
        )  # fmt: skip

    before = state()
    train_body(DHO, **TINY)
    assert state() == before


def test_no_bar_without_a_terminal(capfd):
    train_body(DHO, **{**TINY, "progress": True})
    assert capfd.readouterr() == ("", "")


def test_the_bar_shows_the_loss(monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    train_body(DHO, **{**TINY, "progress": True})
    assert "loss" in capfd.readouterr().err


# ------------------------------------------------------------------------------------------------- how a run can end
def after(calls, action):
    """Makes the loss do something else from a certain call on."""
    original, count = objectives.VariableProjection.__call__, itertools.count()

    def call(self):
        return action(original(self)) if next(count) >= calls else original(self)

    return call


def interrupt(_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("calls", [0, 1, 12, 33])  # 33: in L-BFGS
def test_interrupted_training_returns_the_best_so_far(monkeypatch, calls):
    full = train_body(DHO, **TINY)
    monkeypatch.setattr(objectives.VariableProjection, "__call__", after(calls, interrupt))
    body = train_body(DHO, **TINY)
    assert body.history["stopped_by"] == "interrupted"
    assert body.history["loss"] == full.history["loss"][:calls]
    monkeypatch.undo()
    rows = objectives.Collocation.varpro(DHO, 2, 8, 40, False, CPU)
    loss = objectives.VariableProjection(Network(body, CPU), rows, 1e-7)
    if calls:
        assert loss().item() == pytest.approx(min(body.history["loss"]), rel=1e-5)
    else:
        assert body.sha256 == Body.random((8, 6)).sha256


@pytest.mark.slow(reason="a process that imports PyTorch")
@pytest.mark.usefixtures("interruptible")
def test_interrupt_signal():
    script = (
        "from stlfast import families, train_body\n"
        "from stlfast.training import objectives\n"
        "original, calls = objectives.VariableProjection.__call__, []\n"
        "def call(self):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 5: print('training', flush=True)\n"
        "    return original(self)\n"
        "objectives.VariableProjection.__call__ = call\n"
        "body = train_body(families.dho(), widths=(8, 6), points=40, steps=10**6, progress=False)\n"
        "print(body.history['stopped_by'], len(body.history['loss']) >= 4)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "training\n"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=30)[0] == "interrupted True\n"
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == 0


def test_nan_stops_with_advice(monkeypatch):
    monkeypatch.setattr(objectives.VariableProjection, "__call__", after(4, lambda loss: loss * math.nan))
    with pytest.raises(stlfast.TrainingDiverged, match=r"loss is nan at step 4; try a smaller lr"):
        train_body(DHO, **TINY)


def test_a_run_that_truly_diverges_stops():
    with pytest.raises(stlfast.TrainingDiverged, match="smaller lr"):
        train_body(DHO, "multihead", **TINY, lr=1e300)


def test_nan_in_lbfgs_keeps_what_adam_reached(monkeypatch):
    monkeypatch.setattr(objectives.VariableProjection, "__call__", after(33, lambda loss: loss * math.nan))
    body = train_body(DHO, **TINY)
    assert body.history["stopped_by"] == "finished, L-BFGS broke off"
    assert len(body.history["loss"]) == 33


def test_best_weights_are_restored():
    class Bumpy:
        """Falls, then rises."""

        def __init__(self):
            self.w, self.values = torch.nn.Parameter(double([0.0])), iter([3.0, 1.0, 2.0, 5.0])

        def trainable(self):
            return [self.w]

        def __call__(self):
            return next(self.values) + 0 * self.w.sum() + (self.w - self.w.detach()).sum()

    loss = Bumpy()
    outcome = optimise.optimise(loss, 4, 0, 0.1, progress=False)
    assert outcome.best_loss == 1.0
    assert loss.w.item() == pytest.approx(-0.1)  # after one step


# ---------------------------------------------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "sgd"}, "unknown objective 'sgd'; known: varpro, multihead"),
        ({"members": 0}, "members must be an integer of at least 1, got 0"),
        ({"points": 9}, "points must be an integer of at least 10"),
        ({"steps": -1}, "steps must be"),
        ({"steps": 2.5}, "steps must be"),
        ({"lr": 0.0}, "lr must be a positive number"),
        ({"ridge": math.nan}, "ridge must be a positive number"),
        ({"widths": ()}, "widths must be"),
        ({"activation": "relu"}, "unknown activation"),
        ({"input": "sqrt"}, "unknown input map"),
        ({"tau": -1.0}, "tau must be"),
        ({"shared_head": True, "widths": (8, 5)}, "a number of features that 2 divides, got 5"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"device": "cuda:99"}, "PyTorch sees .* CUDA devices"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        train_body(DHO, **{**TINY, **options})


def test_auto_takes_cuda_where_there_is_one():
    assert find_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("objective", ["varpro", "multihead"])
def test_devices_train_the_same_loss(objective):
    cpu, auto = (train_body(NCFF, objective, **{**TINY, "device": device}) for device in ("cpu", "auto"))
    np.testing.assert_allclose(auto.history["loss"][:5], cpu.history["loss"][:5], rtol=1e-6)


def test_without_torch_the_extra_is_named():
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import stlfast\n"
        "try: stlfast.train_body(stlfast.families.dho())\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'stlfast[train]'" in done.stdout
