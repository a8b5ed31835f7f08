"""The pages of docs/results are those that their results make: no figure in them stands by itself."""

import json
from functools import partial
from pathlib import Path

import pytest

from bench import (
    compare_plot,
    compare_report,
    direct,
    growth_report,
    methods_report,
    nonlinear_report,
    pde,
    pde_features_report,
    solvers,
    stages,
    steps,
)
from bench.families import __main__ as of_families

RESULTS = Path(__file__).parents[1] / "docs" / "results"
PAGES = {
    "compare": partial(compare_report.page, pictures=compare_plot.PICTURES),
    "direct": direct.page,
    "families": of_families.page,
    "growth": growth_report.page,
    "methods": methods_report.page,
    "nonlinear": nonlinear_report.page,
    "pde": pde.page,
    "pde_features": pde_features_report.page,
    "solvers": solvers.page,
    "stages": stages.page,
    "steps": steps.page,
}


@pytest.mark.parametrize("name", PAGES)
def test_page(name):
    results = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    assert (RESULTS / f"{name}.md").read_text(encoding="utf-8") == PAGES[name](results)


def test_all_pages_are_tested():
    assert {path.stem for path in RESULTS.glob("*.md")} == set(PAGES)
