"""`import stlfast` is light, and every public name is there."""

import json
import subprocess
import sys

import pytest

import stlfast

HEAVY = {"torch", "sympy", "scipy", "matplotlib", "safetensors", "rich", "typer"}


def run(script):
    return json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)


def test_import_loads_nothing_heavy():
    assert run(f"import json, sys, stlfast; print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))") == []


def test_defining_a_body_or_a_range_needs_numpy_alone():
    script = (
        "import json, sys, stlfast; stlfast.Body.random(); stlfast.Range((1, 2), (1, 2)); "
        f"print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"
    )
    assert run(script) == []


@pytest.mark.parametrize("name", [*stlfast.__all__, "__version__"])
def test_public_names(name):
    assert getattr(stlfast, name) is not None
    assert name in dir(stlfast)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        stlfast.nothing  # noqa: B018
