"""README.md: its programs run, its numbers are those of docs/results, its links lead somewhere."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

import stlfast

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def update_docs():
    spec = importlib.util.spec_from_file_location("update_docs", ROOT / "scripts" / "update_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored():
    return [
        json.loads((ROOT / "docs" / "results" / f"{name}.json").read_text())
        for name in ("demo", "models", "compare", "pde_models", "paper")
    ]


def test_use(capsys):
    namespace = {}
    exec(PROGRAMS[0], namespace)
    shape, verdict, *_ = capsys.readouterr().out.splitlines()
    assert shape == "(512,) (2, 512)"
    assert verdict.startswith("True [")
    assert namespace["sol"].success


def test_loops_and_sweeps(capsys):
    exec(PROGRAMS[1], {})
    assert capsys.readouterr().out.splitlines() == ["(1000, 2, 512) True True", "True", "True"]


def test_your_own_family(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(PROGRAMS[2], {})
    assert capsys.readouterr().out.splitlines()[-1] == "[ True  True]"
    assert stlfast.load(tmp_path / "exchange.safetensors").family.name == "exchange"


def test_nonlinear_families(capsys):
    exec(PROGRAMS[3], {})
    assert capsys.readouterr().out.splitlines() == ["reduced 3 True True", "(1000, 2, 512) True", "True"]


def test_time_windows(capsys):
    namespace = {}
    exec(PROGRAMS[4], namespace)
    assert capsys.readouterr().out.splitlines() == ["True windows (2,)"]
    assert namespace["stepper"].t == pytest.approx(1000.0)


def test_fields(capsys):
    exec(PROGRAMS[5], {})
    assert capsys.readouterr().out.splitlines() == ["(2, 128, 128) True", "(2, 2)", "True", "(50, 2, 5, 2) True"]


def test_all_programs_are_tested():
    assert len(PROGRAMS) == 6
    (program,) = re.findall(r"```cpp\n(.*?)```", TEXT, re.DOTALL)
    assert program == (ROOT / "tests" / "cpp" / "consumer" / "main.cpp").read_text()


def test_numbers_are_those_of_the_stored_results(update_docs, stored):
    assert update_docs.fill(TEXT, update_docs.blocks(*stored)) == TEXT


def test_stored_models_are_the_shipped_ones(update_docs, stored):
    _, models, _, pde_models, _ = stored
    assert models == json.loads(json.dumps(update_docs.model_facts()))
    assert pde_models == json.loads(json.dumps(update_docs.pde_facts()))


def test_markers_must_be_there(update_docs):
    with pytest.raises(ValueError, match="begin demo"):
        update_docs.fill("no markers", {"demo": ""})


def test_links_lead_somewhere():
    for page in (ROOT / "README.md", ROOT / "docs" / "method.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("https://"):
                assert (page.parent / target).exists(), target


def test_commands_are_real():
    from typer.main import get_command

    from stlfast.command.app import app

    known = set(get_command(app).commands)
    used = set(re.findall(r"^stlfast ([a-z]+)|`stlfast ([a-z]+)", TEXT, re.MULTILINE))
    assert {first or second for first, second in used} <= known
