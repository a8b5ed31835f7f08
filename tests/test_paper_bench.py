"""The reproduction of the paper: cells are kept and never mixed, pages agree with their results, errors are said."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import stlfast
from bench.paper import accuracy, experiments, html, queries, results, stl_pinn, trainings
from bench.paper.claims import claims
from bench.paper.problems import PROBLEMS, published_largest
from bench.paper.run import WEIGHTS, Effort, Run
from bench.paper.sections import Section, Table, markdown, sections
from bench.paper.store import OtherRun, Store
from stlfast.command.published import MAX_ERROR

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


# ------------------------------------------------------------------------------------------------------------- cells
def test_a_finished_cell_is_not_computed_again(tmp_path):
    calls = []

    def compute():
        calls.append(0)
        return {"value": [1.5, None]}

    for _ in range(2):
        assert Store(tmp_path).cell("a/b", {"steps": (1, 2)}, compute) == {"value": [1.5, None]}
    assert len(calls) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.b.json"]


def test_an_interrupted_run_goes_on(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    store = Store(tmp_path)
    store.cell("first", {}, lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        store.cell("second", {}, interrupt)
    again = Store(tmp_path)
    assert [again.finished(key) for key in ("first", "second")] == [True, False]
    assert again.cell("first", {}, interrupt) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {"steps": 9}}, r"settings = \{'steps': 9\}, this run has \{'steps': 1\}"),
        ({"format": 0}, "format = 0, this run has"),
        ({"stlfast": "0.0.1"}, "stlfast = 0.0.1, this run has"),
    ],
)
def test_cells_of_another_run_are_not_mixed(tmp_path, change, message):
    Store(tmp_path).cell("key", {"steps": 1}, lambda: 1)
    path = tmp_path / "key.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(OtherRun, match=message) as caught:
        Store(tmp_path).cell("key", {"steps": 1}, lambda: 2)
    assert "--fresh" in str(caught.value)
    assert json.loads(path.read_text())["result"] == 1  # nothing is lost
    assert Store(tmp_path, fresh=True).cell("key", {"steps": 1}, lambda: 2) == 2


def test_half_a_results_file_is_said(tmp_path):
    Store(tmp_path).cell("key", {}, lambda: 1)
    (tmp_path / "key.json").write_text('{"format": 1')
    with pytest.raises(OtherRun, match="is no complete results file"):
        Store(tmp_path).cell("key", {}, lambda: 1)


def test_results_must_be_finite(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        Store(tmp_path).cell("key", {}, lambda: float("nan"))
    assert not any(tmp_path.iterdir())


@dataclass
class Weights:
    history: dict

    def save(self, path):
        Path(path).write_text(json.dumps(self.history))

    @classmethod
    def load(cls, path):
        return cls(json.loads(Path(path).read_text()))


@dataclass(frozen=True)
class Settings:
    steps: int = 3


def test_weights_are_trained_once(tmp_path):
    calls = []

    def train():
        calls.append(0)
        return Weights({"loss": list(range(1000))})

    for _ in range(2):
        run = Run(Store(tmp_path / "cells"), weights=tmp_path, say=lambda text: None)
        assert run.trained("body", Settings(), train, Weights.load).history["loss"][:2] == [0, 5]  # thinned
    assert len(calls) == 1
    cached = Run(Store(tmp_path / "other"), cached=True, weights=tmp_path, say=lambda text: None)
    assert cached.trained("body", Settings(), train, Weights.load).history["loss"][0] == 0
    with pytest.raises(OtherRun, match=r"no weights .*nothing\.safetensors; a run without"):
        cached.trained("nothing", Settings(), train, Weights.load)
    (tmp_path / "body.safetensors").write_text("{}")
    with pytest.raises(OtherRun, match="is not the file that this run trained; delete it and pass --fresh"):
        run.trained("body", Settings(), train, Weights.load)
    (tmp_path / "body.safetensors").unlink()
    anew = Run(Store(tmp_path / "cells", fresh=True), weights=tmp_path, say=lambda text: None)
    assert anew.trained("body", Settings(), train, Weights.load).history["loss"][:2] == [0, 5]
    assert len(calls) == 2


def test_weights_of_other_settings_are_refused(tmp_path):
    Weights({"settings": {"steps": 2}}).save(tmp_path / "body.safetensors")
    run = Run(Store(tmp_path / "cells"), cached=True, weights=tmp_path)
    with pytest.raises(OtherRun, match="was trained with steps = 2, this version asks for 3"):
        run.trained("body", Settings(), lambda: None, Weights.load)


@pytest.mark.parametrize("history", [{"stopped_by": "interrupted"}, {"state": "interrupted"}])
def test_what_an_interrupted_training_left_is_not_taken_for_finished(tmp_path, history):
    run = Run(Store(tmp_path / "cells"), weights=tmp_path, say=lambda text: None)
    with pytest.raises(KeyboardInterrupt):
        run.trained("body", Settings(), lambda: Weights(history), Weights.load)
    assert not run.store.finished("weights/body")


def test_all_that_is_trained_is_listed(tmp_path, monkeypatch):
    """The list of trainings names the files that are there, which cached runs read."""
    listed = []
    monkeypatch.setattr(Run, "trained", lambda run, name, *args, **about: listed.append(name))
    for training in trainings.trainings(Run(Store(tmp_path))):
        training()
    assert sorted(listed) == sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))


@pytest.mark.slow(reason="processes that import PyTorch")
def test_processes_train_everything_or_say_what_fails(tmp_path, capfd):
    effort = Effort(problems=("dho",), seeds=1)
    trainings.train_all(Run(Store(tmp_path / "cells"), effort, cached=True), 2)
    with pytest.raises(RuntimeError, match="a training failed with exit code 1; those that were finished are kept"):
        trainings.train_all(Run(Store(tmp_path / "cells"), effort, cached=True, weights=tmp_path), 2)
    assert "there are no weights" in capfd.readouterr().err


# ---------------------------------------------------------------------------------------------------------- problems
def test_published_figures_are_those_that_the_demo_shows():
    for name, shown in MAX_ERROR.items():
        alphas, largest = zip(*published_largest(name), strict=True)
        np.testing.assert_allclose(shown, [np.array(alphas) / PROBLEMS[name].label, largest])


def test_bodies_are_trained_on_low_stiff_members_alone():
    for problem in PROBLEMS.values():
        ranges = problem.low_stiff.params
        low, high = ranges[problem.family.stiffness].train
        assert (low * problem.label, high * problem.label) == problem.train
        assert high <= 40.0
        assert all(ranges[name].train == (value, value) for name, value in problem.others.items())
        assert problem.low_stiff.y0_range is None


def test_errors_of_the_truth_and_of_a_shifted_truth():
    problem = PROBLEMS["ncff"]
    y = problem.truth(20.0)
    assert problem.errors_of(20.0, y) == {"mae": [0.0, 0.0], "maxae": [0.0, 0.0], "maxae_all": [0.0, 0.0]}
    early = y.copy()
    early[1, np.searchsorted(problem.times, 1e-3)] += 1.0  # between the uniform times
    found = problem.errors_of(20.0, early)
    assert found["maxae"][1] == 0.0
    assert found["maxae_all"][1] == pytest.approx(1.0)  # y + 1 − y, rounded
    assert problem.errors_of(20.0, y * np.nan)["mae"] == [None, None]


def test_the_published_range_says_by_how_much_it_is_missed():
    problem = PROBLEMS["dho"]
    theirs = [problem.published[f"mae_y{i}"] for i in (1, 2)]

    def seed(factor):
        return [{"mae": [factor * theirs[0][k], factor * theirs[1][k]]} for k in range(len(problem.alphas))]

    inside = accuracy.published_range(problem, {"stl/0": seed(0.5), "stl/1": seed(2.0)}, 2)
    assert {row["factor"] for row in inside} == {1.0}
    above = accuracy.published_range(problem, {"stl/0": seed(3.0), "stl/1": seed(4.0)}, 2)
    np.testing.assert_allclose([row["factor"] for row in above], 3.0)
    below = accuracy.published_range(problem, {"stl/0": seed(0.1), "stl/1": seed(0.2)}, 2)
    np.testing.assert_allclose([row["factor"] for row in below], 5.0)
    lost = accuracy.published_range(problem, {"stl/0": [{"mae": [None, 1.0]}] * len(problem.alphas)}, 1)
    assert [(row["low"], row["factor"]) for row in lost[:1]] == [(None, None)]


@pytest.mark.parametrize("name", PROBLEMS)
def test_waves_are_the_same_as_parameters_and_as_a_function(name):
    problem = PROBLEMS[name]
    family, query = queries.waved(problem), queries.draw(problem, queries.BOTH, 2)[1]
    stiff = {problem.family.stiffness: problem.params(20.0)[problem.family.stiffness]}
    f, plain = family.rhs(**stiff, **query.params), problem.family.rhs(**problem.params(20.0))
    for t in (0.0, 1.3, 9.0):
        added = query.forcing(family.n)(np.array([t]))[:, 0]
        np.testing.assert_allclose(f(t, query.y0), plain(t, query.y0) + added, rtol=1e-12)


# ------------------------------------------------------------------------------------------------ measured once more
@pytest.fixture(scope="module")
def found():
    return json.loads((DOCS / "results" / "paper.json").read_text(encoding="utf-8"))


def test_the_pages_are_made_of_the_results(found):
    assert (DOCS / "results.md").read_text(encoding="utf-8") == results.page(found)


def test_five_seeds_reproduce_the_published_mean_errors(found):
    for name, problem in found["problems"].items():
        assert len([key for key in problem["accuracy"] if key.startswith("stl/")]) == 5
        assert max(row["factor"] for row in problem["seeds"]) <= 10.0, name


def test_this_package_is_more_accurate_than_what_is_published(found):
    for name, problem in found["problems"].items():
        for k, (alpha, ours) in enumerate(zip(problem["alphas"], problem["accuracy"]["ours"], strict=True)):
            for i in range(2):
                for measure in ("mae", "maxae"):
                    assert ours[measure][i] <= problem["published"][f"{measure}_y{i + 1}"][k]
            if alpha == 150.0:
                theirs = max(problem["published"][f"maxae_y{i + 1}"][k] for i in range(2))
                assert theirs >= 1e5 * max(ours["maxae"]), name


@pytest.mark.slow(reason="three problems' references and networks")
def test_recorded_errors_are_those_of_the_weights_and_models_that_are_there(found):
    """One seed and one stiffness of each problem, evaluated here."""
    for name, problem in PROBLEMS.items():
        recorded = found["problems"][name]["accuracy"]
        body = stlfast.Body.load(WEIGHTS / f"stl_{name}_0.safetensors")
        if not problem.family.nonlinear:
            for row, kept in zip(stl_pinn.errors(problem, body), recorded["stl/0"], strict=True):
                # Their pseudo-inverse cuts singular values at rounding: errors of 1e-5 move with the processor's BLAS.
                np.testing.assert_allclose(np.log2(row["mae"]), np.log2(kept["mae"]), rtol=0.0, atol=1.0)
        alpha = problem.alphas[3]
        y = stlfast.load(name).solve(t=problem.times, **problem.params(alpha)).y
        np.testing.assert_allclose(problem.errors_of(alpha, y)["maxae"], recorded["ours"][3]["maxae"], rtol=0.2)


def test_every_claim_has_a_verdict(found):
    made = claims(found)
    assert len({claim.claim for claim in made}) == len(made) >= 10
    assert all(claim.verdict and claim.measured for claim in made)


def test_the_report_needs_no_network_and_no_script(found):
    page = (DOCS / "results" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|https?://|<link|src=\"(?!data:)", page)
    assert page.count('src="data:image/png;base64,') == 3
    assert 'name="viewport"' in page
    for section in sections(found):
        assert html._text(section.title) in page


def test_text_is_escaped_and_tables_match():
    section = Section("a < b", ["see `x & y`"], [Table(["one", "two"], [["1 < 2", "`c`"]])])
    page = html.page("t", [section], {})
    assert "a &lt; b" in page
    assert "<code>x &amp; y</code>" in page
    assert "<td>" in page
    assert markdown("t", [section], {}).splitlines()[-1] == "| 1 < 2 | `c` |"


# ------------------------------------------------------------------------------------------------------ command line
def command(*arguments, block=""):
    code = f"import sys; sys.argv = ['bench.paper', *{arguments!r}]; {block}import runpy; " + (
        "runpy.run_module('bench.paper', run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=False)


def test_without_pytorch():
    done = command("--quick", block="sys.modules['torch'] = None; ")
    assert (done.returncode, done.stdout) == (1, "")
    assert "bench.paper needs torch: pip install 'stlfast[train]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quick", "--jobs", "2"], "--jobs is for training, and --quick and --cached train nothing"),
        (["--jobs", "0"], "expected a number of processes of at least 1, got 0"),
    ],
)
def test_wrong_jobs(arguments, message):
    done = command(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_quick_run_is_not_published():
    done = command("--quick", "--publish", "docs")
    assert done.returncode == 2
    assert "--publish takes the results of a run without --quick" in done.stderr


@pytest.mark.slow(reason="the whole reproduction, on one problem")
def test_a_run_that_is_interrupted_goes_on(tmp_path, monkeypatch):
    """The whole of it on little: one problem and one seed, from the weights that are there."""
    effort = Effort(
        problems=("dho",), seeds=1, time_alphas=(50.0,), factors=(1.0, 10.0), ablation_alphas=(50.0,), solves=10,
        slow_solves=2, checked=2, repeats=1,
    )  # fmt: skip

    def run():
        return Run(Store(tmp_path / "cells"), effort, cached=True, device="cpu", say=lambda text: None)

    def interrupt(run):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(experiments, "fields", interrupt)
        with pytest.raises(KeyboardInterrupt):
            experiments.run_all(run())
    kept = {path: path.read_bytes() for path in (tmp_path / "cells").glob("*.json")}
    assert len(kept) > 25
    found = experiments.run_all(run())
    assert all(path.read_bytes() == content for path, content in kept.items())
    paths = results.write(found | {"options": " --quick"}, tmp_path)
    assert sorted(path.name for path in paths) == [
        "accuracy.png", "distance.png", "report.html", "results.json", "results.md", "times.png",
    ]  # fmt: skip
    assert paths[1].read_text(encoding="utf-8").count("| ") > 200


def test_a_device_that_is_not_there(tmp_path):
    done = command("--device", "cuda:99", "--output", str(tmp_path))
    assert done.returncode == 1
    assert "device 'cuda:99' is not there" in done.stderr
    assert "Traceback" not in done.stderr
