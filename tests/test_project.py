"""What is written down twice about the project is the same in both places."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def pins():
    return dict(line.split("==") for line in text(".ci/lint-requirements.txt").split())


def project_version():
    (version,) = re.findall(r'^version = "([^"]+)"', text("pyproject.toml"), re.MULTILINE)
    return version


@pytest.mark.parametrize(
    ("repository", "tool"), [("ruff-pre-commit", "ruff"), ("mirrors-clang-format", "clang-format")]
)
def test_hooks_have_the_gates_versions(repository, tool):
    (version,) = re.findall(rf"/{repository}\n *rev: v(\S+)", text(".pre-commit-config.yaml"))
    assert version == pins()[tool]


def test_the_site_is_built_with_what_its_extra_names():
    (extra,) = re.findall(r"^docs = \[(.*?)\]( #|$)", text("pyproject.toml"), re.MULTILINE)[0][:1]
    assert set(re.findall(r'"([^"]+)"', extra)) <= pins().keys()


def test_the_citation_is_of_this_version_and_of_the_paper():
    citation = text("CITATION.cff")
    assert re.findall(r"^version: (\S+)", citation, re.MULTILINE) == [project_version()]
    assert "arXiv:2501.17281" in citation
    assert f"## [{project_version()}]" in text("CHANGELOG.md")


# ------------------------------------------------------------------------------------------------------------- the site
def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / "site" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_of_the_guide_is_in_the_navigation():
    nav = set(re.findall(r": (\S+\.md)$|- (\S+\.md)$", text("mkdocs.yml"), re.MULTILINE))
    listed = {first or second for first, second in nav}
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= listed


DOCSTRING = """One member of y' = a*y, see `Model.solve` and `x`.

    Parameters
    ----------
    y0: initial values. t: output times, in
        any order.
    rtol, atol: error <= atol + rtol*max|y|.

        y = a_1 + b_2

    Prose with rtol: in it. Errors: ValueError for another shape.
    """


def test_docstrings_become_lists_of_arguments():
    link = {"Model.solve": "stlfast.Model.solve"}.get
    made = script("docstring_markdown").markdown(inspect.cleandoc(DOCSTRING), frozenset({"y0", "t"}), link)
    assert made.split("\n\n") == [
        "One member of y' = a\\*y, see "
        '<autoref identifier="stlfast.Model.solve" optional>`Model.solve`</autoref> and `x`.',
        "**Parameters**",
        "`y0`\n:   initial values.",
        "`t`\n:   output times, in any order.",
        "`rtol`, `atol`\n:   error &lt;= atol + rtol\\*max\\|y\\|.",
        "```text\ny = a_1 + b_2\n```",
        "Prose with rtol: in it. Errors: ValueError for another shape.",
    ]
