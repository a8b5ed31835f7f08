"""The command line: what it writes, and that wrong input gives one clear line and a non-zero exit code."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import stlfast
from stlfast.base import files
from stlfast.command import app as cli
from stlfast.loading import SHIPPED

FAMILY = """
import stlfast
import sympy as sp

t, k, u = sp.symbols("t k u")
decay = stlfast.Family(
    name="decay", t=t, y=[u], rhs=[-k * u], t_span=(0, 1), stiffness=k,
    params={k: stlfast.Range(train=(1, 10), solve=(1, 50))}, y0=[1],
)
number = 3
"""


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


def fails(*arguments):
    """The one line of an error message."""
    result = run(*arguments)
    assert result.exit_code == cli.WRONG_INPUT
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    return lines[0]


def test_solve_to_csv_is_what_python_gives(tmp_path):
    path = tmp_path / "answer.csv"
    result = run("solve", "dho", "-p", "alpha=75", "--y0", "1,-2", "--t1", 2, "--points", 9, "--output", path)
    assert result.exit_code == 0, result.output
    assert "error bound y1 " in result.stdout
    assert path.read_text().splitlines()[0] == "t,y1,y2"
    t, *y = np.loadtxt(path, delimiter=",", skiprows=1).T
    expected = stlfast.load("dho").solve([1, -2], t=np.linspace(0, 2, 9), alpha=75.0)
    np.testing.assert_array_equal(t, expected.t)
    np.testing.assert_array_equal(y, expected.y)
    assert list(tmp_path.iterdir()) == [path]  # no temporary file is left


@pytest.mark.parametrize("full", [False, True])
def test_solve_to_npz_at_given_times(tmp_path, full):
    times, path = tmp_path / "times.txt", tmp_path / "answer.npz"
    times.write_text("0, 1e-4\n0.5 10\n")
    options = ["--full"] if full else []
    result = run("solve", "ncff", "-p", "alpha=300", "-p", "omega=1.37", "--times", times, "--output", path, *options)
    assert result.exit_code == 0, result.output
    expected = stlfast.load("ncff").solve(
        t=np.array([0, 1e-4, 0.5, 10]), alpha=300.0, omega=1.37, reduced=False if full else None
    )
    with np.load(path, allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["t"], expected.t)
        np.testing.assert_array_equal(saved["y"], expected.y)
        np.testing.assert_array_equal(saved["error_bound"], expected.error_bound)
        assert saved["states"].tolist() == ["y1", "y2"]
        assert saved["success"]


def test_solve_prints_a_short_table():
    result = run("solve", "dho", "-p", "alpha=20")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    numbers = [line for line in lines if len(line) == 3 and line[0][0].isdigit()]
    assert len(numbers) == cli.TABLE_ROWS
    np.testing.assert_allclose([float(v) for v in numbers[0]], [0, 1, 0.5], atol=1e-7)


def test_missed_tolerance_has_its_own_exit_code(tmp_path):
    path = tmp_path / "answer.csv"
    result = run("solve", "dho", "-p", "alpha=75", "--rtol", 0, "--atol", 1e-300, "--output", path)
    assert result.exit_code == cli.MISSED_TOLERANCE
    assert "misses the tolerance" in result.stderr
    assert path.is_file()  # the answer is there, with its bound


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nope", "-p", "alpha=1"], "dho, duffing, fisher_kpp, ncff"),
        (["missing.safetensors", "-p", "alpha=1"], "there is no file 'missing.safetensors'"),
        (["dho"], "missing parameter alpha"),
        (["dho", "-p", "alpha"], "such as alpha=75, got 'alpha'"),
        (["dho", "-p", "alpha=hard"], "such as alpha=75, got 'alpha=hard'"),
        (["dho", "-p", "alpha=5", "-p", "beta=1"], "unknown parameter beta"),
        (["dho", "-p", "alpha=1001"], "outside [1, 1000]"),
        (["dho", "-p", "alpha=nan"], "not finite"),
        (["dho", "-p", "alpha=5", "-p", "alpha=6"], "alpha is given twice"),
        (["dho", "-p", "alpha=5", "--y0", "1"], "y0 must have shape (2,), got (1,)"),
        (["dho", "-p", "alpha=5", "--y0", "1,x"], "--y0 takes numbers separated by commas"),
        (["dho", "-p", "alpha=5", "--t1", "11"], "outside t_span = (0, 10)"),
        (["dho", "-p", "alpha=5", "--rtol", "-1"], "rtol must be"),
        (["advection_reaction", "-p", "alpha=5", "--rtol", "-1"], "rtol must be"),
        (["dho", "-p", "alpha=5", "--output", "answer.txt"], "must end in .csv or .npz"),
        (["dho", "-p", "alpha=5", "--output", "no/such/answer.csv"], "there is no folder 'no/such'"),
        (["dho", "-p", "alpha=5", "--times", "no-times"], "no-times"),
        (["dho", "-p", "alpha=5", "--times", "words"], "must hold times"),
        (["dho", "-p", "alpha=5", "--times", "words", "--t1", "1"], "either --times or"),
    ],
)
def test_wrong_input_to_solve(tmp_path, monkeypatch, arguments, part):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").write_text("0 one 2")
    assert part in fails("solve", *arguments)


def test_interrupted_output_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "answer.csv"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    assert "disk full" in fails("solve", "dho", "-p", "alpha=5", "--output", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["dho", "ncff"])
def test_inspect_shows_the_passport(name):
    result = run("inspect", name)
    assert result.exit_code == 0, result.output
    model = stlfast.load(name)
    assert model.body.sha256 in result.stdout
    for equation in model.family.equations:
        assert equation in result.stdout
    for word in ("alpha", "1 … 10", "1 … 1000", "objective = varpro", "dilations", "bands", "kB"):
        assert word in result.stdout
    row = max(model.passport["accuracy"], key=lambda row: row["error"])
    assert f"{row['error']:.1e}" in result.stdout


def test_inspect_of_a_model_without_a_passport(tmp_path):
    shipped = stlfast.load("dho")
    body = stlfast.Body(shipped.body.weights, shipped.body.biases, tau=shipped.body.tau)
    stlfast.compile(shipped.family, body, reduced=False).save(tmp_path / "plain.safetensors")
    result = run("inspect", tmp_path / "plain.safetensors")
    assert result.exit_code == 0, result.output
    assert "no history" in result.stdout
    assert "not measured" in result.stdout


def test_inspect_of_no_model(tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"not a model")
    assert "not a complete safetensors file" in fails("inspect", tmp_path / "broken.safetensors")
    assert "dho, duffing, fisher_kpp, ncff" in fails("inspect", "nope")


@pytest.mark.parametrize("model", ["advection_reaction", "advection_diffusion_reaction_2d"])
def test_fields_are_held_against_their_own_tolerance(model):
    assert run("solve", model, "-p", "alpha=50").exit_code == 0
    assert run("solve", model, "-p", "alpha=50", "--rtol", "1e-9", "--atol", "1e-9").exit_code == 3
    assert "is a model of PDEs" in fails("solve", model, "-p", "alpha=50", "--points", "7")


def test_train_a_family_of_ones_own(tmp_path):
    source, path = tmp_path / "mine.py", tmp_path / "decay.safetensors"
    source.write_text(FAMILY)
    small = ["--widths", "8,8", "--steps", 30, "--lbfgs-steps", 0, "--members", 2, "--tol", 1e-2, "--device", "cpu"]
    result = run("train", f"{source}:decay", "--output", path, "--seed", 3, *small)
    assert result.exit_code == 0, result.output
    assert "Error bounds" in result.stdout
    assert str(path) in result.stdout
    model = stlfast.load(path)
    assert model.passport["training"]["settings"]["seed"] == 3
    assert model.body.sizes == (1, 8, 8)
    solution = model.solve(k=50.0)
    assert np.all(np.abs(solution.y - np.exp(-50 * solution.t)).max() <= solution.error_bound)


@pytest.mark.parametrize(
    ("family", "options", "part"),
    [
        ("nope", [], "known: dho, ncff, duffing, robertson, vdp"),
        ("missing.py:decay", [], "there is no file 'missing.py'"),
        ("mine.py:nope", [], "has no variable 'nope'"),
        ("mine.py:number", [], "is a int, expected a stlfast.Family"),
        ("broken.py:decay", [], "ZeroDivisionError"),
        ("dho", ["--widths", "8;8"], "--widths takes numbers"),
        ("dho", ["--objective", "magic"], "varpro"),
        ("dho", ["--output", "model.pkl"], "must end in .safetensors"),
    ],
)
def test_wrong_input_to_train(tmp_path, monkeypatch, family, options, part):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FAMILY)
    (tmp_path / "broken.py").write_text("decay = 1 / 0")
    assert part in fails("train", family, "--output", "model.safetensors", *options)
    assert not (tmp_path / "model.safetensors").exists()


def test_module_runs_and_says_its_version():
    done = subprocess.run([sys.executable, "-m", "stlfast", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"stlfast {stlfast.__version__}"


def test_cmakedir_is_where_the_cpp_package_is():
    result = run("--cmakedir")
    assert result.exit_code == 0
    assert (Path(result.stdout.strip()) / "stlfastConfig.cmake").is_file()


OWN = """
import sympy as sp
import stlfast

t, k, u = sp.symbols("t k u")
decay = stlfast.Family(
    name="decay", t=t, y=[u], rhs=[-k * (u - sp.cos(t))], t_span=(0.0, 3.0), y0=[0.0], params={k: stlfast.Range(1, 500)}
)
"""


def test_compile_a_family_of_ones_own_without_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    result = run("compile", "own.py:decay")
    assert result.exit_code == 0, result.output
    assert "wrote decay.safetensors" in result.output
    assert stlfast.load("decay.safetensors").solve(k=99.0).success
    assert "must end in .safetensors" in fails("compile", "own.py:decay", "--output", "decay.txt")
    assert "has no variable 'growth'" in fails("compile", "own.py:growth")


def test_list_shows_every_model():
    result = run("list")
    assert result.exit_code == 0, result.output
    for name in stlfast.pretrained():
        assert name in result.output
    assert "nonlinear PDE" in result.output


def test_sweeps_and_pictures(tmp_path):
    out, picture = tmp_path / "sweep.npz", tmp_path / "sweep.png"
    result = run("solve", "dho", "-p", "alpha=10:1000:5", "--points", "7", "--output", out, "--plot", picture)
    assert result.exit_code == 0, result.output
    with np.load(out) as found:
        np.testing.assert_allclose(found["alpha"], np.geomspace(10, 1000, 5))
        many = stlfast.load("dho").solve_many(alpha=found["alpha"], observe=np.linspace(0, 10, 7))
        np.testing.assert_array_equal(found["y"], many.y)
    assert picture.stat().st_size > 10_000
    shown = run("solve", "ncff", "-p", "alpha=75,100", "-p", "omega=0.5,1").output
    assert "values at the end, 4 of 4 members" in shown
    assert run("solve", "dho", "-p", "alpha=75,100", "--output", tmp_path / "sweep.csv").exit_code == 0
    assert len((tmp_path / "sweep.csv").read_text().splitlines()) == 1 + 2 * 512
    assert run("solve", "advection_reaction", "-p", "alpha=50", "--plot", picture).exit_code == 0
    assert "the output must end in" in fails("solve", "dho", "-p", "alpha=75", "--plot", tmp_path / "picture.doc")
    assert "has 2 values, and one member takes one" in fails("solve", "fisher_kpp", "-p", "r=2,3")
    assert "a count of at least 2" in fails("solve", "dho", "-p", "alpha=1:2:1")


def test_help_names_the_extra_in_full():
    assert "stlfast[train]" in run("train", "--help").output


def test_inspect_shows_the_files_own_version_and_whole_path(tmp_path):
    version = files.read(SHIPPED / "dho.safetensors")[1]["format_version"]
    assert version != "5"
    assert f"format version  {version}" in run("inspect", "dho").output
    stlfast.load("dho").save(tmp_path / "again.safetensors")
    result = run("inspect", tmp_path / "again.safetensors")
    assert "format version  5" in result.output
    assert str(tmp_path) in "".join(result.output.split())


def test_bench_of_a_family_of_ones_own_tells_when_compiling_pays(tmp_path, monkeypatch):
    from stlfast.command import family_bench

    monkeypatch.setattr(family_bench, "MEMBERS", 5)
    monkeypatch.setattr(family_bench, "TIMED", 1)
    monkeypatch.setattr(cli, "_one_thread", lambda: None)  # the variables would last
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    result = run("bench", "own.py:decay")
    assert result.exit_code == 0, result.stderr
    rows = {" ".join(line.split()[:2]): line.split() for line in result.stdout.splitlines() if line.split()}
    own, direct, scipy = rows["the model"], rows["time windows"], rows["SciPy Radau"]
    assert float(scipy[3]) > 1.0  # its time over the model's
    assert int(scipy[-1].replace(",", "")) > 0  # queries
    assert float(own[-2]) <= 1e-6
    assert float(direct[4]) <= 1e-6
    assert "5 by 'reduced' were answered; 0 without success" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("family", "told"),
    [("fisher_kpp", "is a family of PDEs"), ("nothing.py:family", "nothing.py"), ("nothing", "no shipped family")],
)
def test_wrong_input_to_bench(family, told, monkeypatch):
    monkeypatch.setattr(cli, "_one_thread", lambda: None)
    assert told in fails("bench", family)
