"""README.md and the pages of docs/: their programs run, and their numbers, links and commands are real.

The blocks of a page run one after the other, as a reader would type them. Where a block of text follows one of Python,
it is what the program prints, all of it; … stands for what depends on the machine.
"""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import stlfast
from stlfast.command.app import app

ROOT = Path(__file__).parents[1]
README, DOCS = ROOT / "README.md", ROOT / "docs"
WRITTEN = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in WRITTEN}
PROGRAM = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
MOST_WORDS = 900  # of the first page: read in two minutes
SLOW = {"demo", "bench", "train"}  # which tests of their own run


@pytest.fixture(scope="module")
def update_docs():
    spec = importlib.util.spec_from_file_location("update_docs", ROOT / "scripts" / "update_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ----------------------------------------------------------------------------------------------------------- programs
@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if PROGRAM.search(text)])
def test_programs(page, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for code, printed in PROGRAM.findall(TEXTS[page]):
        exec(compile(code, page, "exec"), namespace)
        found = capsys.readouterr().out
        if printed:
            pattern = re.escape(printed).replace("…", ".*")
            assert re.fullmatch(pattern, found), f"{page} printed {found!r}, not {printed!r}:\n{code}"
    assert "sol" not in namespace or namespace["sol"].success


def test_every_block_of_python_is_run():
    for page, text in TEXTS.items():
        assert text.count("```python\n") == len(PROGRAM.findall(text)), page


def test_the_first_page_shows_the_example():
    code, _ = PROGRAM.findall(TEXTS["README.md"])[0]
    assert code == (ROOT / "examples" / "tanks.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "names"), [("README.md", ["main"]), ("docs/guide/cpp.md", ["main", "windows"])])
def test_the_cpp_programs_are_the_consumers(page, names):
    folder = ROOT / "tests" / "cpp" / "consumer"
    programs = re.findall(r"```cpp\n(.*?)```", TEXTS[page], re.DOTALL)
    assert programs == [(folder / f"{name}.cpp").read_text(encoding="utf-8") for name in names]


# ----------------------------------------------------------------------------------------------------------- commands
def test_commands_of_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = TEXTS["docs/guide/shell.md"]
    for name, code in re.findall(r"^```python title=\"(\S+)\"\n(.*?)^```\n", text, re.DOTALL | re.MULTILINE):
        Path(name).write_text(code, encoding="utf-8")
    lines = [line for block in SHELL.findall(text) for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("stlfast ")]
    assert commands
    for command in commands:
        if command[1] not in SLOW:
            done = CliRunner().invoke(app, command[1:])
            assert done.exit_code == 0, f"{command}: {done.output}"


def test_commands_are_real():
    known = set(get_command(app).commands)
    for page, text in TEXTS.items():
        lines = [line for block in SHELL.findall(text) for line in block.splitlines()]
        used = re.findall(r"\bstlfast ([a-z]+)", "\n".join(lines)) + re.findall(r"`stlfast ([a-z]+)", text)
        assert set(used) <= known, page


# ------------------------------------------------------------------------------------------------------ numbers, words
def test_numbers_are_those_of_the_stored_results(update_docs):
    for path, text in update_docs.pages(update_docs.blocks(*update_docs.stored())).items():
        assert path.read_text(encoding="utf-8") == text, path


def test_stored_models_are_the_shipped_ones(update_docs):
    stored = dict(zip(update_docs.STORED, update_docs.stored(), strict=True))
    plain = update_docs.json.loads(update_docs.json.dumps([update_docs.model_facts(), update_docs.pde_facts()]))
    assert [stored["models"], stored["pde_models"]] == plain


def test_markers_must_be_there(update_docs):
    with pytest.raises(ValueError, match="begin demo"):
        update_docs.fill("no markers", {"demo": ""})
    with pytest.raises(ValueError, match="markers"):
        update_docs.pages({"demo": ""})


def test_the_first_page_is_read_in_two_minutes():
    assert len(TEXTS["README.md"].split()) <= MOST_WORDS


# --------------------------------------------------------------------------------------------------------------- links
@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    for target in LINK.findall(re.sub(r"^```.*?^```", "", TEXTS[page], flags=re.DOTALL | re.MULTILINE)):
        if not target.startswith(("https://", "#")):
            path = target.partition("#")[0]
            made = path == "index.md" and page.startswith("docs/")  # README.md, by the site
            assert made or (ROOT / page).parent.joinpath(path).exists(), f"{page}: {target}"


def test_every_public_name_is_on_a_page_of_the_api():
    shown = re.findall(r"^::: stlfast\.(\w+)$", "".join(TEXTS[p] for p in TEXTS if "/api/" in p), re.MULTILINE)
    assert sorted(shown) == sorted(stlfast.__all__)
