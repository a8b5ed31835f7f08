"""The neural baselines of the paper's comparison: equations, networks, training, files."""

import dataclasses

import numpy as np
import pytest
import torch

import stlfast
from bench.paper import reaction
from bench.paper.baseline import Baseline, train
from bench.paper.field_networks import AdvectionLoss, train_field
from bench.paper.networks import create
from bench.paper.pinn import PINNSettings, train_pinn
from bench.paper.pinnsformer import PINNsFormerSettings, train_pinnsformer
from bench.paper.residual import MemberLoss, Residual
from bench.paper.run import WEIGHTS
from stlfast import families
from stlfast.equations.pde import characteristics
from stlfast.training.network import find_device

SMALL = PINNsFormerSettings(points=20, feed=16, hidden=24, lbfgs_steps=30, dtype="float64")
NCFF = {"alpha": 7.0, "omega": 1.0}


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for one another on busy cores would make these small trainings a hundred times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def dho_exact(t: torch.Tensor, alpha: float) -> torch.Tensor:
    root = (alpha**2 - 1) ** 0.5
    fast, slow = -alpha - root, -alpha + root
    c = (0.5 - slow) / (fast - slow)  # of y(0) = (1, 0.5)
    y1 = c * torch.exp(fast * t) + (1 - c) * torch.exp(slow * t)
    return torch.stack([y1, c * fast * torch.exp(fast * t) + (1 - c) * slow * torch.exp(slow * t)])


def ncff_exact(t: torch.Tensor, alpha: float) -> torch.Tensor:
    slow, fast = (2 + 1 / alpha) * torch.exp(-t), torch.exp(-(alpha + 1) * t)
    return torch.stack([torch.sin(t) + slow - fast / alpha, torch.cos(t) + slow + (alpha - 1) / alpha * fast])


@pytest.mark.parametrize(
    ("family", "params", "exact"),
    [(families.dho(), {"alpha": 7.0}, dho_exact), (families.ncff(), NCFF, ncff_exact)],
    ids=["dho", "ncff"],
)
def test_exact_solutions_satisfy_the_residual(family, params, exact):
    t = torch.tensor(np.random.default_rng(1).uniform(*family.t_span_at(**params), 50))
    t.requires_grad_()
    y = exact(t, params["alpha"])
    dy = torch.stack([torch.autograd.grad(state.sum(), t, retain_graph=True)[0] for state in y])
    residual = Residual(family, params, t)
    assert residual(y, dy).abs().max() < 1e-12
    assert residual(y, 1.01 * dy).abs().max() > 1e-3
    start = exact(torch.zeros(1, dtype=torch.float64), params["alpha"])[:, 0]
    assert np.allclose(start, family.y0, atol=1e-14)


def test_nonlinear_residual_agrees_with_the_family():
    rng, family, params = np.random.default_rng(2), families.duffing(), {"alpha": 9.0, "beta": 0.7}
    t, y, dy = rng.uniform(0, 10, 5), rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
    found = Residual(family, params, torch.tensor(t))(torch.tensor(y), torch.tensor(dy))
    f = family.rhs(**params)
    assert np.allclose(found, dy - np.stack([f(ti, yi) for ti, yi in zip(t, y.T, strict=True)], axis=1), atol=1e-13)


def test_a_family_of_a_python_function_is_refused():
    family = stlfast.Family(
        name="f", t=None, y=["u"], rhs=lambda t, y, a: -a * y, t_span=(0.0, 1.0), stiffness="a",
        params={"a": stlfast.Range(train=(1.0, 2.0), solve=(1.0, 2.0))}, y0=[1.0],
    )  # fmt: skip
    with pytest.raises(ValueError, match="SymPy expressions"):
        train_pinn(family, {"a": 1.0}, PINNSettings(points=4))


def test_pinn_solves_an_easy_member():
    family, t = families.dho(), np.linspace(0.0, 10.0, 100)
    settings = PINNSettings(widths=(16, 16), points=100, steps=200, lbfgs_steps=400)
    baseline = train_pinn(family, {"alpha": 1.5}, settings)
    error = baseline.solve(t) - family.reference(t=t, alpha=1.5).y
    assert error.shape == (2, 100)
    assert np.abs(error).max() < 5e-3
    assert baseline.history["settings"]["widths"] == [16, 16]
    assert baseline.history["evaluations"] >= 600
    assert len(baseline.history["losses"]) <= 200
    assert baseline.history["parameters"] == 2 * 16 + 17 * 16 + 17 * 2


@pytest.mark.parametrize("family", [families.dho(), families.duffing()], ids=["dho", "duffing"])
def test_a_few_steps_lower_the_loss_of_pinnsformer(family):
    params = {name: interval.train[0] for name, interval in family.params.items()}
    baseline = train_pinnsformer(family, params, SMALL)
    losses = baseline.history["losses"]
    assert baseline.history["loss"] < losses[0] / 10
    assert baseline.solve(np.linspace(0, 10, 7)).shape == (2, 7)
    network = baseline.network  # the weights that are kept are those of the least loss
    value = MemberLoss(network, family, params, SMALL.points, SMALL.initial_weight)()
    assert value.item() == pytest.approx(baseline.history["loss"], rel=1e-9)


def test_sequences_and_shapes_of_pinnsformer():
    network = PINNsFormerSettings().network(2, 3, find_device("auto"))
    points = torch.tensor([[0.3, 0.0], [0.5, 0.25]], device=find_device("auto"))
    sequence = network.sequence(points)
    assert sequence.shape == (2, 5, 2)
    assert torch.equal(sequence[..., 0].cpu(), torch.tensor([[0.3] * 5, [0.5] * 5]))
    assert np.allclose(sequence[..., 1].cpu(), [np.arange(5) * 1e-4, 0.25 + np.arange(5) * 1e-4])
    assert [z.shape for z in network(sequence)] == [(2, 5, 3)] * 2


def test_size_of_the_published_network():
    network = PINNsFormerSettings().network(2, 1, torch.device("cpu"))
    assert sum(p.numel() for p in network.parameters()) == 453561  # PINNsFormer paper, table of parameters


@pytest.mark.parametrize("settings", [SMALL, PINNSettings(widths=(8, 8))], ids=["pinnsformer", "pinn"])
def test_slopes_are_time_derivatives_of_what_solve_gives(settings):
    network = settings.network(2, 2, torch.device("cpu"))
    points = np.random.default_rng(3).uniform(size=(6, 2))
    _, slopes = network(network.sequence(torch.tensor(points)))
    baseline, h = Baseline(network), np.array([0.0, 1e-5])
    difference = (baseline.at(points + h) - baseline.at(points - h)) / 2e-5
    assert np.allclose(slopes[:, 0].detach().T, difference, rtol=1e-7, atol=1e-8)
    assert np.abs(difference).max() > 1e-2


def test_the_exact_reaction_satisfies_its_equations():
    points = reaction.grid(12)
    assert np.allclose(points[:12, 1], 0.0)
    assert np.allclose(reaction.exact(points[:12]), reaction.initial(points[:12, 0]), atol=1e-15)
    rows = reaction.exact(points).reshape(12, 12)
    assert np.allclose(rows[:, 0], rows[:, -1], atol=1e-15)
    h = np.array([0.0, 1e-5])
    slope = (reaction.exact(points + h) - reaction.exact(points - h)) / 2e-5
    assert np.abs(reaction.residual(reaction.exact(points), slope)).max() < 1e-8


class ExactReaction(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def sequence(self, points):
        return points[:, None]

    def forward(self, sequence):
        x, t = sequence.unbind(-1)
        g = reaction.initial(x)
        grown = g * torch.exp(reaction.RATE * t)
        u = grown / (grown + 1 - g)
        return u[..., None], (reaction.RATE * u * (1 - u))[..., None]


def test_loss_and_errors_of_the_exact_reaction_vanish():
    network = ExactReaction()
    assert reaction.ReactionLoss(network, 9, 1.0)().item() < 1e-25
    assert max(reaction.errors(Baseline(network))) < 1e-14


@pytest.mark.parametrize("settings", [SMALL, PINNSettings(widths=(8,), dtype="float32")], ids=["pinnsformer", "pinn"])
def test_files_give_back_what_was_saved(settings, tmp_path):
    settings = dataclasses.replace(settings, points=20, steps=2, lbfgs_steps=2)
    baseline = reaction.train_reaction(settings, "cpu", None)
    baseline.save(tmp_path / "a.safetensors")
    again = Baseline.load(tmp_path / "a.safetensors")
    assert np.array_equal(again.at(reaction.grid(5)), baseline.at(reaction.grid(5)))
    assert again.history == baseline.history
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_training_goes_on_where_it_was_interrupted(tmp_path):
    path, settings = tmp_path / "a.safetensors", PINNSettings(widths=(8,), points=10, steps=12, lbfgs_steps=6)

    def interrupted(settings, after):
        network = settings.network(2, 1, torch.device("cpu"))
        loss, count = reaction.ReactionLoss(network, settings.points, settings.initial_weight), 0

        def stop() -> torch.Tensor:
            nonlocal count
            count += 1
            if count > after:
                raise KeyboardInterrupt
            return loss()

        return train(network, stop, settings, "1-D reaction", path)

    first = interrupted(settings, after=8)
    assert (first.history["state"], first.history["evaluations"]) == ("interrupted", 8)
    second = reaction.train_reaction(settings, "cpu", path)
    assert second.history["evaluations"] >= 18
    assert second.history["starts"] == 2
    assert second.history["loss"] < first.history["loss"]
    assert second.history["losses"][:8] == first.history["losses"]
    third = interrupted(settings, after=0)  # nothing is left to do, so nothing is interrupted
    assert third.history == second.history
    longer = reaction.train_reaction(dataclasses.replace(settings, lbfgs_steps=12), "cpu", path)
    assert longer.history["evaluations"] >= 24
    assert longer.history["loss"] < second.history["loss"]
    with pytest.raises(ValueError, match="delete the file to train anew"):
        reaction.train_reaction(dataclasses.replace(settings, seed=1), "cpu", path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match="there is no file"):
        Baseline.load(path)
    families_model = stlfast.load("dho")
    families_model.save(path)
    with pytest.raises(ValueError, match="no baseline; name another file, or delete this one"):
        Baseline.load(path)
    network = create("pinn", 0, torch.float32, torch.device("cpu"), inputs=1, outputs=1, widths=[3])
    Baseline(network).save(path)
    path.write_bytes(path.read_bytes().replace(b'\\"version\\": 1', b'\\"version\\": 7'))
    with pytest.raises(ValueError, match=r"version 7, kind 'pinn'; this program reads .* version 1"):
        Baseline.load(path)
    network.shape["widths"] = [4]
    Baseline(network).save(path)
    with pytest.raises(ValueError, match="weights are not those of its shape"):
        Baseline.load(path)


@pytest.mark.slow(reason="evaluates the large networks")
@pytest.mark.parametrize("name", reaction.SETTINGS)
def test_stored_weights_reach_what_was_published(name):
    result = reaction.measured(Baseline.load(WEIGHTS / f"reaction_{name}.safetensors"), name)
    assert result["state"].startswith("finished")
    rmae, rrmse = result["published"] or reaction.PUBLISHED["pinnsformer"]  # pinn_adam is not published
    assert result["rMAE"] < 1.05 * rmae
    assert result["rRMSE"] < 1.05 * rrmse


def test_the_exact_field_has_no_loss():
    family = stlfast.families.advection_reaction()
    p = family.check_params({"alpha": 10.0})

    class Exact(torch.nn.Module):
        """e^{Rt} g(x − t); along (1, 1) it grows as R says."""

        def __init__(self):
            super().__init__()
            self.first = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

        def sequence(self, points):
            return points[:, None]

        def forward(self, sequence, along):
            assert along.tolist() == [1.0, 1.0]
            points = sequence[:, 0].T.numpy()
            u = characteristics.solution(family, lambda x: family.initial_at(x, p), points, p)
            R = family.matrices_at(np.zeros((2, 1)), p)[(0,)][:, :, 0]
            return torch.tensor(u.T[:, None]), torch.tensor((R @ u).T[:, None])

    assert AdvectionLoss(Exact(), family, {"alpha": 10.0}, 7, 1.0)().item() < 1e-24


@pytest.mark.parametrize("settings", [SMALL, PINNSettings(widths=(8,))], ids=["pinnsformer", "pinn"])
def test_a_field_is_learned(settings):
    family = stlfast.families.advection_reaction()
    short, longer = (
        train_field(family, {"alpha": 1.0}, dataclasses.replace(settings, points=5, steps=0, lbfgs_steps=n), "auto")
        for n in (1, 15)
    )
    assert longer.history["loss"] < 0.7 * short.history["loss"]
    assert longer.at(np.array([[0.5, 0.5]])).shape == (2, 1)


def test_derivatives_along_another_direction():
    network = create("pinn", 0, torch.float64, torch.device("cpu"), inputs=2, outputs=2, widths=[6, 6])
    points, along, h = torch.rand(5, 2, dtype=torch.float64), torch.tensor([0.3, 1.0], dtype=torch.float64), 1e-5
    with torch.no_grad():
        slope = network(network.sequence(points), along)[1]
        ends = [network(network.sequence(points + sign * h * along))[0] for sign in (1, -1)]
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * h), rtol=1e-6, atol=1e-9)
